"""The outbox: what is to be told, written in the transaction of the change that it tells of.

Whoever commits afterwards publishes NotificationsQueued (or calls the pipeline's ``wake()``).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.notifications import NotificationRow as Row
from services.notify.address import EVERYONE, Destination, destinations
from services.notify.batching import BATCHED
from services.notify.directory import Directory
from services.notify.quiet_hours import PERSONAL, pause
from services.notify.retry import REACHING, Reason, Status
from services.notify.standin import stand_in
from services.rule import Channel, NotificationPlan, Severity

FIRING = "alert.fired"
RESOLUTION = "alert.resolved"
ACKNOWLEDGEMENT = "alert.acknowledged"
ESCALATION = "alert.escalated"
TROUBLE = "channel.troubled"

#: Why a recipient cannot be told on a channel although it is known who that is.
_LACKING = (Reason.NO_ADDRESS, Reason.CHANNEL_UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Told:
    """How telling one recipient of an event stands. ``sent_at`` None: not sent (yet)."""

    channel: str
    recipient: str
    status: Status
    reason: Reason
    sent_at: float | None
    detail: str
    event: str


def enqueue(
    session: Session,
    *,
    alert_id: str,
    event: str,
    body: Mapping[str, Any],
    severity: Severity,
    plan: NotificationPlan,
    people: Directory,
    channels: Collection[str],
    now: float,
) -> int:
    """Writes one row for each recipient and channel of a plan; returns how many will be sent.

    ``people`` are those of the installation, ``channels`` the names of the channels that can
    send. Who cannot be told gets a row too, undeliverable, with the reason, and one by its fallback
    channel; whose quiet hours it is is told when they end. ``severity`` goes into the stored body.
    Belongs to the caller's transaction: nothing is sent before it commits.
    """
    stored = {**body, "severity": str(severity)}
    targets = destinations(plan, people, channels, now)
    rows = _rows(session, alert_id, event, stored, targets, now)
    _respect_quiet_hours(session, alert_id, rows, people, severity, now)
    rows += _stand_ins(rows, people, channels, now)
    session.add_all(rows)
    session.flush()
    return sum(row.status == Status.QUEUED for row in rows)


def enqueue_resolution(
    session: Session, alert_id: str, body: Mapping[str, Any], now: float, since: float = 0.0
) -> int:
    """Writes ``alert.resolved`` for whoever was told ``since`` a moment (seconds since the epoch),
    or will be, that the alert fired or that nobody took it on; returns the number of rows. Each
    is sent after the firing that it ends. What waits for the end of quiet hours is not told any
    more, so its end is not either."""
    _forget_what_is_held(session, alert_id)
    targets = _told_of_firing(session, alert_id, since)
    return _write(session, alert_id, RESOLUTION, body, targets, now)


def enqueue_acknowledgement(
    session: Session, alert_id: str, body: Mapping[str, Any], now: float, since: float = 0.0
) -> int:
    """Writes ``alert.acknowledged`` for the webhooks that were told ``since`` a moment that the
    alert fired: it keeps other systems in step, while people need no message for it."""
    told = _told_of_firing(session, alert_id, since)
    targets = [target for target in told if target.channel is Channel.WEBHOOK]
    return _write(session, alert_id, ACKNOWLEDGEMENT, body, targets, now)


def enqueue_notice(
    session: Session, *, title: str, message: str, severity: Severity, now: float
) -> None:
    """Writes a message of Healthdeck about itself, for everybody who has the dashboard open."""
    body = {"title": title, "message": message, "severity": str(severity)}
    _write(session, None, TROUBLE, body, [Destination(Channel.IN_APP, EVERYONE)], now)


def scope_of(body: Mapping[str, Any], alert_id: str) -> str:
    """What messages of one scope are about: the alert's VPS, else its tenant, else its target."""
    if body.get("vpsId"):
        return str(body["vpsId"])
    if body.get("tenantId"):
        return f"@{body['tenantId']}"
    return str(body.get("serviceName") or alert_id)


def told(
    session: Session, alert_ids: Collection[str], event: str | None = FIRING
) -> Mapping[str, list[Told]]:
    """Who was told that these alerts fired, in the order of writing, and who could not be told
    and why; with another ``event`` who was told of that, with None of any. Every id asked for
    is a key."""
    found: dict[str, list[Told]] = {alert_id: [] for alert_id in alert_ids}
    query = (
        select(
            Row.alert_id,
            Row.channel,
            Row.recipient,
            Row.status,
            Row.reason,
            Row.sent_at,
            Row.detail,
            Row.event,
            Row.via,
        )
        .where(Row.alert_id.in_(found))
        .order_by(Row.created_at, Row.channel, Row.recipient)
    )
    if event is not None:
        query = query.where(Row.event == event)
    for alert_id, channel, recipient, status, reason, sent_at, detail, kind, via in session.execute(
        query
    ):
        said = " ".join(part for part in (via, detail) if part)
        entry = Told(channel, recipient, Status(status), Reason(reason), sent_at, said, kind)
        found[str(alert_id)].append(entry)
    return found


def _told_of_firing(session: Session, alert_id: str, since: float) -> list[Destination]:
    rows = session.execute(
        select(Row.channel, Row.recipient)
        .where(
            Row.alert_id == alert_id,
            Row.event.in_((FIRING, ESCALATION)),
            Row.status.in_(REACHING),
            Row.created_at >= since,
        )
        .distinct()
        .order_by(Row.channel, Row.recipient)
    )
    return [Destination(Channel(channel), recipient) for channel, recipient in rows]


def _write(
    session: Session,
    alert_id: str | None,
    event: str,
    body: Mapping[str, Any],
    targets: Sequence[Destination],
    now: float,
) -> int:
    session.add_all(_rows(session, alert_id, event, body, targets, now))
    session.flush()
    return len(targets)


def _rows(
    session: Session,
    alert_id: str | None,
    event: str,
    body: Mapping[str, Any],
    targets: Sequence[Destination],
    now: float,
) -> list[Row]:
    created_at = _after_all_others(session, alert_id, now) if alert_id else now
    scope = scope_of(body, alert_id) if alert_id else None
    return [
        Row(
            id=uuid4().hex,
            alert_id=alert_id,
            event=event,
            channel=target.channel,
            recipient=target.recipient,
            body=dict(body),
            status=Status.QUEUED if target.reason is None else Status.UNDELIVERABLE,
            reason=target.reason or Reason.NEW,
            detail=target.detail,
            created_at=created_at,
            next_attempt_at=now if target.reason is None else None,
            scope=scope if target.channel in BATCHED else None,
            via=target.via,
        )
        for target in targets
    ]


def _respect_quiet_hours(
    session: Session,
    alert_id: str,
    rows: Sequence[Row],
    people: Directory,
    severity: Severity,
    now: float,
) -> None:
    """Holds back what can wait. What cannot takes along what is held of the same alert, which it
    would else have to wait behind."""
    urgent = set()
    for row in rows:
        if row.status != Status.QUEUED or row.channel not in PERSONAL:
            continue
        if waits := pause(people.contact(row.recipient), row.channel, severity, now):
            row.reason, row.detail = Reason.QUIET_HOURS, waits.detail
            row.next_attempt_at = waits.until
        else:
            urgent.add((row.channel, row.recipient))
    if urgent:
        held = session.execute(
            select(Row.id, Row.channel, Row.recipient).where(*_held(alert_id))
        ).all()
        ids = [id_ for id_, channel, recipient in held if (channel, recipient) in urgent]
        if ids:
            session.execute(update(Row).where(Row.id.in_(ids)).values(next_attempt_at=now))


def judge_what_is_held(session: Session, people: Directory, now: float) -> None:
    """Judges anew what waits for the end of quiet hours: somebody's were changed."""
    held = select(Row).where(
        Row.status == Status.QUEUED, Row.reason == Reason.QUIET_HOURS, Row.batch.is_(None)
    )
    for row in session.scalars(held):
        severity = str(row.body.get("severity") or Severity.CRITICAL)
        waits = pause(people.contact(row.recipient), row.channel, severity, now)
        row.next_attempt_at = waits.until if waits else now
        if waits:
            row.detail = waits.detail


def _held(alert_id: str) -> Sequence[Any]:
    """Conditions of an alert's rows that wait for the end of quiet hours."""
    return (
        Row.alert_id == alert_id,
        Row.status == Status.QUEUED,
        Row.reason == Reason.QUIET_HOURS,
        Row.batch.is_(None),
    )


def _forget_what_is_held(session: Session, alert_id: str) -> None:
    """The trouble is over before the quiet hours are: nobody need be told of it."""
    session.execute(
        update(Row)
        .where(*_held(alert_id))
        .values(
            status=Status.SUPPRESSED,
            reason=Reason.OVER,
            detail="It was over before the recipient's quiet hours were.",
            next_attempt_at=None,
        )
    )


def _stand_ins(
    rows: Sequence[Row], people: Directory, channels: Collection[str], now: float
) -> list[Row]:
    """Rows by the fallback channels of those who cannot be told as planned, unless they are told
    by that channel anyway."""
    planned = {(row.channel, row.recipient) for row in rows}
    found = []
    for row in rows:
        contact = people.contact(row.recipient) if row.reason in _LACKING else None
        if contact is None or contact.fallback is None:
            continue
        channel = contact.fallback.channel
        if (channel, contact.name) not in planned:
            planned.add((channel, contact.name))
            scope = scope_of(row.body, row.alert_id or "")
            found.append(stand_in(row, contact, channel, channels, row.detail, now, scope))
    return found


def _after_all_others(session: Session, alert_id: str, now: float) -> float:
    """``created_at`` is the order in which an alert's messages leave, so it must grow even when
    two changes share a moment or the clock was set back."""
    latest = session.scalar(select(func.max(Row.created_at)).where(Row.alert_id == alert_id))
    return now if latest is None else max(now, math.nextafter(latest, math.inf))
