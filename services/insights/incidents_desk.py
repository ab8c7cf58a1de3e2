"""The way in: incidents, their notes, and what is written about them afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import Select, or_, select, tuple_
from sqlalchemy.orm import Session

from models.alerts import AlertRow
from models.database import Database
from models.incidents import IncidentAlert, IncidentNote, IncidentRow
from services.errors import NotFound
from services.health.graph import Graph
from services.identity import Scope
from services.identity.audit import Actor, audit
from services.insights import incidents_body as bodies
from services.insights.incidents_body import Body, Incident
from services.insights.incidents_forming import Former
from services.insights.incidents_report import report
from services.inventory.fleet import Fleet
from services.times import iso
from services.views.alert_lists import reaches, seen

#: Where a list goes on: when the last incident began, and its id.
Place = tuple[float, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Incidents of these states (any when empty) that reached ``tenant`` and stood at some time
    from ``since`` to ``until`` (seconds since the epoch)."""

    status: tuple[str, ...] = ()
    tenant: str | None = None
    since: float | None = None
    until: float | None = None
    limit: int = 100
    after: Place | None = None


class IncidentDesk:
    """``former`` makes the incidents; everything else reads them. For any thread."""

    def __init__(
        self,
        database: Database,
        fleet: Callable[[], Fleet],
        graph: Callable[[], Graph],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.former = Former(database, fleet, graph)
        self._database = database
        self._fleet = fleet
        self._clock = clock

    def list(self, wanted: Wanted, scope: Scope) -> tuple[list[Body], Place | None]:
        """A page, newest first, and where the next one goes on (None: there is none)."""
        fleet = self._fleet()
        with self._database.read() as session:
            query = _query(session, wanted, fleet, scope)
            rows = list(session.scalars(query.limit(wanted.limit + 1)))
            shown = bodies.incidents(session, rows[: wanted.limit], fleet, scope)
            last = rows[wanted.limit - 1] if len(rows) > wanted.limit else None
            found = [
                bodies.summary(one, fleet, scope)
                for one in shown
                # A limited caller's part may be over while the rest is not.
                if not wanted.status or one.status in wanted.status
            ]
        return found, (last.started_at, last.id) if last else None

    def get(self, incident_id: str, scope: Scope) -> Body:
        """One incident with alerts, timeline and notes. Raises NotFound."""
        fleet, now = self._fleet(), self._clock()
        with self._database.read() as session:
            one = self._find(session, incident_id, fleet, scope)
            return self._whole(session, one, fleet, scope, now)

    def note(self, incident_id: str, text: str, actor: Actor) -> Body:
        """Writes a note; gives it back. Raises NotFound."""
        now, fleet = self._clock(), self._fleet()
        with self._database.write() as session:
            row = self._find(session, incident_id, fleet, None).row
            session.add(IncidentNote(incident_id=row.id, at=now, who=actor.name[:100], text=text))
            audit(session, actor, "incident.note", row.id, now, {"text": text[:200]})
        return {"at": iso(now), "who": actor.name[:100], "text": text}

    def postmortem(self, incident_id: str, zone: ZoneInfo, scope: Scope) -> str:
        """What is known of an incident as Markdown, with room for what people must add. Times in
        UTC and in ``zone``. Raises NotFound."""
        fleet, now = self._fleet(), self._clock()
        with self._database.read() as session:
            one = self._find(session, incident_id, fleet, scope)
            body = self._whole(session, one, fleet, scope, now)
            known = [fleet.tenants[id_] for id_ in body["tenants"] if id_ in fleet.tenants]
            names = {spec.id: spec.label for spec in known}
            return report(body, bodies.minutes(one, scope, now), names, zone, now)

    def _whole(
        self, session: Session, one: Incident, fleet: Fleet, scope: Scope, now: float
    ) -> Body:
        return {
            **bodies.summary(one, fleet, scope),
            "alerts": [
                {
                    "id": alert.id, "title": alert.title, "target": alert.target,
                    "severity": alert.severity, "status": alert.status,
                    "triggeredAt": iso(alert.triggered_at), "resolvedAt": iso(alert.resolved_at),
                }
                for alert in one.alerts
            ],
            "timeline": bodies.timeline(session, one, fleet, scope, now),
            "notes": bodies.notes(session, one.row.id, scope),
        }  # fmt: skip

    def _find(self, session: Session, incident_id: str, fleet: Fleet, scope: Scope) -> Incident:
        row = session.get(IncidentRow, incident_id)
        if row is not None and row.merged_into is not None:
            row = session.get(IncidentRow, row.merged_into)
        found = bodies.incidents(session, [row], fleet, scope) if row else []
        if not found:
            raise NotFound(f"there is no incident '{incident_id}'")
        return found[0]


def _query(session: Session, wanted: Wanted, fleet: Fleet, scope: Scope) -> Select[IncidentRow]:
    row = IncidentRow
    query = select(row).where(row.merged_into.is_(None))
    if scope is not None:
        query = query.where(row.id.in_(_with(seen(fleet, scope))))
    elif wanted.status:
        query = query.where(row.status.in_(wanted.status))
    if wanted.tenant is not None:
        query = query.where(row.id.in_(_with(reaches(session, [wanted.tenant]))))
    if wanted.since is not None:
        query = query.where(or_(row.resolved_at.is_(None), row.resolved_at >= wanted.since))
    if wanted.until is not None:
        query = query.where(row.started_at < wanted.until)
    if wanted.after is not None:
        query = query.where(tuple_(row.started_at, row.id) < wanted.after)
    return query.order_by(row.started_at.desc(), row.id.desc())


def _with(condition: object) -> Select[str]:
    """The incidents with such an alert."""
    return (
        select(IncidentAlert.incident_id)
        .join(AlertRow, AlertRow.id == IncidentAlert.alert_id)
        .where(condition)  # type: ignore[arg-type]
    )
