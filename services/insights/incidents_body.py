"""What an incident is to a reader: computed from its alerts and their events whenever it is asked
for, and from those alone that the caller may know of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.alerts import AlertEvent, AlertRow
from models.annotations import AnnotationRow
from models.incidents import IncidentAlert, IncidentNote, IncidentRow
from models.jobs import Job
from services.health.scopes import sees
from services.history.notes import Reading
from services.identity import Scope
from services.insights.incidents_forming import resolved_at, severity_of, status_of
from services.inventory.fleet import Fleet
from services.observation import vps_of
from services.times import iso

#: Entries of one timeline.
MOST_ENTRIES = 1000
#: Seconds after the end in which what people do still belongs to an incident.
AFTERWARDS = 300.0
#: Events of alerts that a timeline shows, and whose words name nobody else.
_SHOWN = ("fired", "reopened", "told", "escalated", "acknowledged", "snoozed", "resolved")
_SAID = ("acknowledged", "snoozed", "resolved")
_CHUNK = 500

Body = dict[str, Any]


@dataclass(slots=True)
class Incident:
    """An incident with those of its alerts that a caller may know of. ``firsts``: when which kind
    of event came first among them."""

    row: IncidentRow
    alerts: list[AlertRow] = field(default_factory=list)
    firsts: dict[str, float] = field(default_factory=dict)

    @property
    def started(self) -> float:
        return min((alert.triggered_at for alert in self.alerts), default=self.row.started_at)

    @property
    def ended(self) -> float | None:
        return resolved_at(self.alerts) if self.alerts else self.row.resolved_at

    @property
    def status(self) -> str:
        return status_of(self.alerts) if self.alerts else self.row.status


def incidents(
    session: Session, rows: Sequence[IncidentRow], fleet: Fleet, scope: Scope
) -> list[Incident]:
    """These incidents as a caller sees them; those of which it sees nothing are left out."""
    found = {row.id: Incident(row) for row in rows}
    ids = list(found)
    for at in range(0, len(ids), _CHUNK):
        mine = IncidentAlert.incident_id.in_(ids[at : at + _CHUNK])
        of = IncidentAlert.alert_id == AlertRow.id
        query = select(IncidentAlert.incident_id, AlertRow).join(AlertRow, of).where(mine)
        for incident_id, alert in session.execute(query.order_by(AlertRow.triggered_at)):
            if sees(fleet, alert.target, scope):
                found[incident_id].alerts.append(alert)
        _firsts(session, found, ids[at : at + _CHUNK], fleet, scope)
    return [one for one in found.values() if one.alerts or scope is None]


def _firsts(
    session: Session, found: Mapping[str, Incident], ids: Sequence[str], fleet: Fleet, scope: Scope
) -> None:
    firsts = (
        select(IncidentAlert.incident_id, AlertRow.target, AlertEvent.kind, func.min(AlertEvent.at))
        .join(AlertRow, AlertRow.id == IncidentAlert.alert_id)
        .join(AlertEvent, AlertEvent.alert_id == AlertRow.id)
        .where(IncidentAlert.incident_id.in_(ids), AlertEvent.kind.in_(("told", "acknowledged")))
        .group_by(IncidentAlert.incident_id, AlertRow.target, AlertEvent.kind)
    )
    for incident_id, target, kind, at in session.execute(firsts):
        if sees(fleet, target, scope):
            known = found[incident_id].firsts
            known[kind] = min(at, known.get(kind, at))


def summary(one: Incident, fleet: Fleet, scope: Scope) -> Body:
    """An incident as lists have it. A limited caller is told of a root that it may not know of by
    its own alerts."""
    row = one.row
    knows = sees(fleet, row.root, scope)
    title = row.title if knows or not one.alerts else one.alerts[0].title
    return {
        "id": row.id,
        "title": title,
        "rootTarget": row.root if knows else None,
        "status": one.status,
        "severity": severity_of(one.alerts) if one.alerts else row.severity,
        "startedAt": iso(one.started),
        "resolvedAt": iso(one.ended),
        "alertCount": len(one.alerts),
        "tenants": tenants(one.alerts, scope),
        "durations": durations(one),
    }


def tenants(alerts: Sequence[AlertRow], scope: Scope) -> list[str]:
    """The tenants that some alerts reach, of which a caller may know."""
    reached = {tenant for alert in alerts for tenant in alert.impact}
    return sorted(reached if scope is None else reached & scope)


def durations(one: Incident) -> Body:
    """Seconds from the detection (the first alert) to each step; None where it did not come."""
    steps = {"toTold": one.firsts.get("told"), "toAcknowledged": one.firsts.get("acknowledged"),
             "toResolved": one.ended}  # fmt: skip
    return {
        name: None if at is None else round(max(0.0, at - one.started), 3)
        for name, at in steps.items()
    }


def minutes(one: Incident, scope: Scope, now: float) -> dict[str, float]:
    """For how many minutes an alert of the incident reached each tenant, the longest first; time
    that several alerts cover counts once."""
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for alert in one.alerts:
        for tenant in tenants([alert], scope):
            spans[tenant].append((alert.triggered_at, alert.resolved_at or now))
    found = {tenant: round(_covered(own) / 60, 1) for tenant, own in spans.items()}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _covered(spans: Sequence[tuple[float, float]]) -> float:
    total, until = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


def timeline(session: Session, one: Incident, fleet: Fleet, scope: Scope, now: float) -> list[Body]:
    """What happened, oldest first: alerts, what was done on their servers, what was noted on the
    time line meanwhile."""
    end = (one.ended or now) + AFTERWARDS
    servers = {server for alert in one.alerts if (server := vps_of(alert.target))}
    entries = [{"at": one.started, "event": "detected", "text": "The first alert fired.",
                "by": None, "alertId": None}]  # fmt: skip
    entries += _told(session, one.alerts)
    entries += _done(session, servers, one.started, end)
    entries += _noted(session, fleet, scope, servers, tenants(one.alerts, scope), one.started, end)
    if one.ended is not None:
        entries.append({"at": one.ended, "event": "over", "text": "The last alert ended.",
                        "by": None, "alertId": None})  # fmt: skip
    entries.sort(key=lambda entry: entry["at"])  # type: ignore[arg-type,return-value]
    return [{**entry, "at": iso(entry["at"])} for entry in entries[:MOST_ENTRIES]]  # type: ignore[arg-type]


def _told(session: Session, alerts: Sequence[AlertRow]) -> list[Body]:
    by_id = {alert.id: alert for alert in alerts}
    ids, found = list(by_id), list[Body]()
    for at in range(0, len(ids), _CHUNK):
        query = select(AlertEvent).where(
            AlertEvent.alert_id.in_(ids[at : at + _CHUNK]), AlertEvent.kind.in_(_SHOWN)
        )
        for event in session.scalars(query.order_by(AlertEvent.at, AlertEvent.id)):
            note = f": {event.note}" if event.note and event.kind in _SAID else ""
            found.append({"at": event.at, "event": event.kind, "by": event.actor,
                          "text": f"{by_id[event.alert_id].title}{note}",
                          "alertId": event.alert_id})  # fmt: skip
    return found


def _done(session: Session, servers: Collection[str], start: float, end: float) -> list[Body]:
    query = select(Job).where(
        Job.vps_id.in_(sorted(servers)), Job.created_at >= start, Job.created_at <= end
    )
    return [
        {"at": job.created_at, "event": "action", "by": job.requested_by, "alertId": None,
         "text": f"{job.kind} of {job.service} on {job.vps_id}: {job.state}"}
        for job in session.scalars(query)
    ]  # fmt: skip


def _noted(
    session: Session,
    fleet: Fleet,
    scope: Scope,
    servers: Collection[str],
    reached: Collection[str],
    start: float,
    end: float,
) -> list[Body]:
    reading = Reading.of(fleet, scope)
    query = select(AnnotationRow).where(
        AnnotationRow.at <= end, func.coalesce(AnnotationRow.until, AnnotationRow.at) >= start
    )
    return [
        {"at": row.at, "event": row.kind, "by": row.created_by, "text": row.text, "alertId": None}
        for row in session.scalars(query)
        if reading.sees(row)
        and (row.vps_id is None or row.vps_id in servers)
        and (row.tenant_id is None or row.tenant_id in reached)
    ]


def notes(session: Session, incident_id: str, scope: Scope) -> list[Body]:
    """What people wrote, oldest first; it may name anybody, so limited callers get none."""
    if scope is not None:
        return []
    query = select(IncidentNote).where(IncidentNote.incident_id == incident_id)
    return [
        {"at": iso(note.at), "who": note.who, "text": note.text}
        for note in session.scalars(query.order_by(IncidentNote.at, IncidentNote.id))
    ]
