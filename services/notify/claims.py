"""The outbox as the pipeline sees it: which rows are due, whose they are, how sending went.

A row is claimed by an UPDATE that holds only while the row is as it was read; whoever changes
one row has it, so any number of processes may share one database.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    exists,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from models.notifications import NotificationRow as Row
from services.notify import batches
from services.notify.channels import Message
from services.notify.outbox import FIRING
from services.notify.retry import GIVE_UP_AFTER, OPEN, REACHING, Reason, Status


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that is ours until its lease ends. ``token`` is new for every claim, so a result
    that comes late cannot be taken for that of a later claim. ``attempts`` counts this one;
    ``since``: when it could be sent first. ``alerts``: those of its rows, ``fired`` those whose
    firing it tells of; ``rows``: how many it has."""

    token: str
    channel: str
    attempts: int
    since: float
    message: Message
    alerts: tuple[str, ...]
    fired: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt. With ``next_attempt_at`` it is queued again."""

    status: Status
    reason: Reason
    detail: str = ""
    sent_at: float | None = None
    next_attempt_at: float | None = None
    provider_id: str | None = None


def due(now: float, channels: Collection[str], but: Collection[str] = ()) -> Select[Row]:
    """Rows to look at now, the longest waiting first, and none for the recipients ``but``. A row
    waits while an older one of the same alert, channel and recipient is open: nobody learns of a
    resolution before the firing. Of rows that go together it is the first, which is sent."""
    older = aliased(Row)
    waits = exists().where(
        older.alert_id == Row.alert_id,
        older.channel == Row.channel,
        older.recipient == Row.recipient,
        older.created_at < Row.created_at,
        older.status.in_(OPEN),
    )
    return (
        select(Row)
        .where(
            Row.status == Status.QUEUED,
            Row.next_attempt_at <= now,
            Row.channel.in_(channels),
            Row.recipient.not_in(but),
            or_(Row.batch == Row.id, and_(Row.batch.is_(None), ~waits)),
        )
        .order_by(Row.next_attempt_at, Row.created_at)
    )


_WAITS_FOR_TIME = (
    select(literal(1))
    .where(
        exists().where(Row.status == Status.QUEUED, Row.next_attempt_at <= bindparam("now"))
        | exists().where(Row.status == Status.SENDING)
    )
    .limit(1)
)


def stirs(session: Session, now: float) -> bool:
    """Whether there may be anything to send or to take care of, for any channel and process. No
    more than that, but in one question that costs next to nothing while nothing is to be told."""
    found = session.execute(_WAITS_FOR_TIME, {"now": now})
    return found.first() is not None


def take(session: Session, row: Row, token: str, until: float) -> Claim | None:
    """Claims a due row, with those that go with it, until a moment; None when somebody else was
    faster."""
    values: dict[str, Any] = {
        "status": Status.SENDING,
        "reason": Reason.IN_PROGRESS,
        "claimed_by": token,
        "lease_until": until,
        "attempts": row.attempts + 1,
    }
    # Every claim counts an attempt, which makes the number the row's version.
    mine = [Row.id == row.id, Row.status == Status.QUEUED, Row.attempts == row.attempts]
    if not _changed(session, mine, **values):
        return None
    rows = batches.rows_of(session, row)
    if len(rows) > 1:
        _changed(session, [*batches.others(row.id), Row.status == Status.QUEUED], **values)
    return Claim(
        token=token,
        channel=row.channel,
        attempts=row.attempts + 1,
        since=row.created_at if row.message_at is None else row.message_at,
        message=batches.message_of(rows),
        alerts=tuple(dict.fromkeys(one.alert_id for one in rows if one.alert_id)),
        fired=tuple({one.alert_id for one in rows if one.alert_id and one.event == FIRING}),
        rows=len(rows),
    )


def record(session: Session, claim: Claim, outcome: Outcome) -> bool:
    """Writes what became of a claim; False when the rows were no longer ours.

    Who was never told of a firing is not told of its end either: when a firing has failed for
    good, what waits behind it is suppressed.
    """
    ours = [Row.status == Status.SENDING, Row.claimed_by == claim.token]
    values: dict[str, Any] = {
        "status": outcome.status,
        "reason": outcome.reason,
        "detail": outcome.detail,
        "sent_at": outcome.sent_at,
        "next_attempt_at": outcome.next_attempt_at,
        "provider_id": outcome.provider_id,
        "claimed_by": None,
        "lease_until": None,
    }
    kept = _changed(session, [Row.id == claim.message.id, *ours], **values)
    if claim.rows > 1:
        # Also when a provider's receipt was faster for the row that the message has its id from.
        _changed(session, [*batches.others(claim.message.id), *ours], **values)
    if kept and outcome.status == Status.FAILED and claim.fired:
        suppress_what_follows(session, claim.fired, claim.channel, claim.message.recipient)
    return bool(kept)


def suppress_what_follows(
    session: Session, alerts: Collection[str], channel: str, recipient: str
) -> None:
    """Suppresses what waits for a recipient on a channel to be told of alerts of whose firing it
    was never told there."""
    told = aliased(Row)
    _changed(
        session,
        [
            Row.alert_id.in_(alerts),
            Row.channel == channel,
            Row.recipient == recipient,
            Row.event != FIRING,
            Row.status == Status.QUEUED,
            ~exists().where(
                told.alert_id == Row.alert_id,
                told.channel == channel,
                told.recipient == recipient,
                told.event == FIRING,
                told.status.in_(REACHING),
            ),
        ],
        status=Status.SUPPRESSED,
        reason=Reason.NEVER_TOLD,
        detail="The message that the alert fired could not be delivered to this recipient.",
        next_attempt_at=None,
    )


def expired(now: float, own: Collection[str]) -> list[ColumnElement[bool]]:
    """Conditions of rows whose lease has ended without a result. ``own``: tokens of claims that
    are known to be alive because this process works on them."""
    return [Row.status == Status.SENDING, Row.lease_until <= now, Row.claimed_by.not_in(own)]


def stranded(now: float, channels: Collection[str]) -> list[ColumnElement[bool]]:
    """Conditions of rows that could have been sent for a day by a channel that this process has not
    got. The time in which they were held back does not count."""
    return [
        Row.status == Status.QUEUED,
        Row.channel.not_in(channels),
        Row.next_attempt_at <= now - GIVE_UP_AFTER,
    ]


def tidy(session: Session, now: float, channels: Collection[str], own: Collection[str]) -> int:
    """Queues again what a lost process left behind, and ends what no channel will ever take.
    Returns the number of rows queued again."""
    _changed(session, batches.left_behind(), **batches.outcome_of_message())
    _changed(session, batches.orphaned(), batch=None, message_at=None, next_attempt_at=now)
    _changed(
        session,
        stranded(now, channels),
        status=Status.FAILED,
        reason=Reason.CHANNEL_UNAVAILABLE,
        detail="The channel is not set up any more; the message waited 24 h for it.",
        next_attempt_at=None,
    )
    return requeue(session, now, expired(now, own))


def requeue(session: Session, now: float, which: list[ColumnElement[bool]]) -> int:
    """Makes interrupted rows due at once; their number."""
    return _changed(
        session,
        which,
        status=Status.QUEUED,
        reason=Reason.INTERRUPTED,
        detail="Interrupted while it was being sent; it is sent again under the same id.",
        claimed_by=None,
        lease_until=None,
        next_attempt_at=now,
    )


def untidy(now: float, channels: Collection[str], own: Collection[str]) -> Select[str]:
    """Whether tidy() would find anything: asked before, because it needs the write lock."""
    kinds = (
        expired(now, own),
        stranded(now, channels),
        batches.orphaned(),
        batches.left_behind(),
    )
    return select(Row.id).where(or_(*(and_(*conditions) for conditions in kinds))).limit(1)


def _changed(session: Session, which: list[ColumnElement[bool]], **values: Any) -> int:
    statement = update(Row).where(*which).values(**values)
    result = session.execute(statement.execution_options(synchronize_session=False))
    return int(getattr(result, "rowcount", 0))
