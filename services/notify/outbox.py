"""The outbox: what is to be told, written in the transaction of the change that it tells of.

Whoever commits afterwards publishes NotificationsQueued (or calls the pipeline's ``wake()``).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.notifications import NotificationRow as Row
from services.inventory.schema import Contact
from services.notify.address import EVERYONE, Destination, destinations
from services.notify.batching import BATCHED
from services.notify.retry import REACHING, Reason, Status
from services.rule import Channel, NotificationPlan, Severity

FIRING = "alert.fired"
RESOLUTION = "alert.resolved"
ACKNOWLEDGEMENT = "alert.acknowledged"
ESCALATION = "alert.escalated"
TROUBLE = "channel.troubled"


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
    contacts: Sequence[Contact],
    channels: Collection[str],
    now: float,
) -> int:
    """Writes one row for each recipient and channel of a plan; returns how many will be sent.

    ``contacts`` are those of the installation, ``channels`` the names of the channels that can
    send. Who cannot be told gets a row too, undeliverable, with the reason. ``severity`` goes
    into the stored body. Belongs to the caller's transaction: nothing is sent before it commits.
    """
    stored = {**body, "severity": str(severity)}
    targets = destinations(plan, contacts, channels)
    _write(session, alert_id, event, stored, targets, now)
    return sum(target.reason is None for target in targets)


def enqueue_resolution(
    session: Session, alert_id: str, body: Mapping[str, Any], now: float, since: float = 0.0
) -> int:
    """Writes ``alert.resolved`` for whoever was told ``since`` a moment (seconds since the epoch),
    or will be, that the alert fired or that nobody took it on; returns the number of rows. Each
    is sent after the firing that it ends."""
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
        )
        .where(Row.alert_id.in_(found))
        .order_by(Row.created_at, Row.channel, Row.recipient)
    )
    if event is not None:
        query = query.where(Row.event == event)
    for alert_id, channel, recipient, status, reason, sent_at, detail, kind in session.execute(
        query
    ):
        entry = Told(channel, recipient, Status(status), Reason(reason), sent_at, detail, kind)
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
    created_at = _after_all_others(session, alert_id, now) if alert_id else now
    scope = scope_of(body, alert_id) if alert_id else None
    for target in targets:
        sendable = target.reason is None
        session.add(
            Row(
                id=uuid4().hex,
                alert_id=alert_id,
                event=event,
                channel=target.channel,
                recipient=target.recipient,
                body=dict(body),
                status=Status.QUEUED if sendable else Status.UNDELIVERABLE,
                reason=target.reason or Reason.NEW,
                detail=target.detail,
                created_at=created_at,
                next_attempt_at=now if sendable else None,
                scope=scope if target.channel in BATCHED else None,
            )
        )
    session.flush()
    return len(targets)


def _after_all_others(session: Session, alert_id: str, now: float) -> float:
    """``created_at`` is the order in which an alert's messages leave, so it must grow even when
    two changes share a moment or the clock was set back."""
    latest = session.scalar(select(func.max(Row.created_at)).where(Row.alert_id == alert_id))
    return now if latest is None else max(now, math.nextafter(latest, math.inf))
