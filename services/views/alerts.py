"""Unresolved alerts as a reader sees them, with who was told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from models.alerts import AlertRow
from services.inventory.fleet import Fleet
from services.notify import outbox
from services.notify.outbox import Told
from services.views.model import AlertView

CHANNELS = {"email": "e-mail", "sms": "SMS", "webhook": "webhook"}
UNRESOLVED = AlertRow.resolved_at.is_(None)
BY_SEVERITY = case({"critical": 0, "warning": 1}, value=AlertRow.severity, else_=2)


def unresolved(
    session: Session,
    fleet: Fleet,
    sees: Callable[[str], bool],
    scope: frozenset[str] | None,
    limit: int = 100,
) -> tuple[AlertView, ...]:
    """The unresolved alerts that a caller may see: worst first, then newest."""
    chosen = (
        select(AlertRow)
        .where(UNRESOLVED, AlertRow.suppressed_by.is_(None))
        .order_by(BY_SEVERITY, AlertRow.triggered_at.desc())
    )
    rows = session.scalars(chosen if scope is not None else chosen.limit(limit))
    seen = [row for row in rows if sees(row.target)][:limit]
    told = outbox.told(session, [row.id for row in seen])
    return tuple(_view(row, told, fleet, scope) for row in seen)


def _view(
    row: AlertRow, told: Mapping[str, Sequence[Told]], fleet: Fleet, scope: frozenset[str] | None
) -> AlertView:
    tenants = [t for t in row.impact if scope is None or t in scope]
    return AlertView(
        id=row.id,
        severity=row.severity,
        status=row.status,
        title=row.title,
        message=row.message,
        target=row.target,
        triggered_at=row.triggered_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        impact=tuple(fleet.tenants[t].label for t in tenants if t in fleet.tenants),
        told=told_sentence(told.get(row.id, ())),
        told_at=_told_at(told.get(row.id, ())),
        snoozed_until=row.snoozed_until,
    )


def told_sentence(told: Sequence[Told]) -> str:
    """``Ops was told by webhook``, ``Ops is being told by webhook``, or why nobody could be."""
    people = [t for t in told if t.channel != "inApp"]
    reached = _by_recipient([t for t in people if t.status in ("sent", "delivered")])
    under_way = _by_recipient([t for t in people if t.status in ("queued", "sending")])
    if reached or under_way:
        one, many = ("was told", "Told") if reached else ("is being told", "Telling")
        names = reached or under_way
        if len(names) == 1:
            ((who, how),) = names.items()
            return f"{who} {one} by {how}"
        return f"{many}: {', '.join(f'{who} by {how}' for who, how in names.items())}"
    failed = [t for t in people if t.status in ("failed", "undeliverable")]
    if failed:
        return f"Nobody was told: {failed[0].detail or failed[0].reason}"
    return "Shown here only; no contact is set up" if told else "Nobody is to be told"


def _told_at(told: Sequence[Told]) -> float | None:
    """When the last message that left was sent."""
    sent = [t.sent_at for t in told if t.channel != "inApp" and t.status in ("sent", "delivered")]
    return max((at for at in sent if at is not None), default=None)


def _by_recipient(told: Sequence[Told]) -> dict[str, str]:
    channels: dict[str, list[str]] = {}
    for one in told:
        channels.setdefault(one.recipient, []).append(CHANNELS.get(one.channel, one.channel))
    return {who: " and ".join(how) for who, how in channels.items()}
