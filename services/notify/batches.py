"""Rows that go together, in the outbox: which message a row goes in is decided once and kept, so
that a message sent again, also after a crash, is the same one under the same id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from models.notifications import NotificationRow as Row
from services.notify.batching import HOUR, LIMITS, WINDOW, Past, Plan, Waiting, decide
from services.notify.channels import Message
from services.notify.digest import DIGEST, Part, digest_body
from services.notify.retry import GIVE_UP_AFTER, OPEN, Reason, Status
from services.rule import Severity

#: Rows that one decision is about; what is beyond them is decided next.
_AT_ONCE = 1000
_NOTHING: Mapping[str, int] = {}


def undecided(row: Row) -> bool:
    """Whether it is still open which message a row goes in."""
    return row.scope is not None and row.batch is None


def make(
    session: Session,
    channel: str,
    recipient: str,
    now: float,
    limits: Mapping[str, int] = LIMITS,
) -> Row | None:
    """Decides for all rows that wait for a recipient on a channel and are due: makes the messages
    that leave now, and puts the rest off. Returns the first message's row, None without any."""
    _lock(session, channel, recipient)
    limit = limits.get(channel)
    past = _past(session, channel, recipient, limit, now)
    plan = decide(_waiting(session, channel, recipient, now), past, limit, now)
    _write(session, plan, channel, limit, now)
    return session.get(Row, plan.messages[0][0]) if plan.messages else None


def rows_of(session: Session, first: Row) -> Sequence[Row]:
    """All rows of a message, in the order in which they happened."""
    if first.batch is None:
        return [first]
    found = select(Row).where(Row.batch == first.id).order_by(Row.created_at, Row.id)
    return session.scalars(found).all()


def message_of(rows: Sequence[Row]) -> Message:
    """One row's own message, or a digest of several under the id of the row they are kept by."""
    first = rows[0]
    if len(rows) == 1:
        return Message(first.id, first.alert_id, first.event, first.recipient, first.body)
    parts = [Part(str(row.alert_id), row.event, row.body) for row in rows]
    alone = len({part.alert_id for part in parts}) == 1
    return Message(
        id=str(first.batch),
        alert_id=first.alert_id if alone else None,
        event=DIGEST,
        recipient=first.recipient,
        body=digest_body(parts),
    )


def others(message_id: str) -> list[ColumnElement[bool]]:
    """Conditions of a message's rows other than the one that it has its id from."""
    return [Row.batch == message_id, Row.id != message_id]


def orphaned() -> list[ColumnElement[bool]]:
    """Conditions of rows whose message has lost the row that it was sent by: somebody deleted
    that row's alert. They are decided about anew."""
    first = aliased(Row)
    return [
        Row.status == Status.QUEUED,
        Row.batch.is_not(None),
        Row.batch != Row.id,
        ~exists().where(first.id == Row.batch),
    ]


def left_behind() -> list[ColumnElement[bool]]:
    """Conditions of rows whose message is decided while they are not: a provider's receipt came
    for it, and then its sender was lost."""
    first = aliased(Row)
    decided = exists().where(first.id == Row.batch, first.status.not_in(OPEN))
    return [Row.status == Status.QUEUED, Row.batch != Row.id, decided]


def outcome_of_message() -> Mapping[str, object]:
    """The values of a row that shares what became of its message."""
    first = aliased(Row)
    shared = ("status", "reason", "detail", "sent_at", "provider_id")
    return {
        name: select(getattr(first, name)).where(first.id == Row.batch).scalar_subquery()
        for name in shared
    } | {"next_attempt_at": None}


def _lock(session: Session, channel: str, recipient: str) -> None:
    """One decision at a time about a recipient; on SQLite every write transaction is alone."""
    if session.get_bind().dialect.name == "postgresql":
        key = func.hashtextextended(f"notify {channel} {recipient}", 0)
        session.execute(select(func.pg_advisory_xact_lock(key)))


def _waiting(session: Session, channel: str, recipient: str, now: float) -> list[Waiting]:
    """A row is due with its older ones; it waits for those that are in a message already."""
    older = aliased(Row)
    waits = exists().where(
        older.alert_id == Row.alert_id,
        older.channel == Row.channel,
        older.recipient == Row.recipient,
        older.created_at < Row.created_at,
        older.status.in_(OPEN),
        or_(older.batch.is_not(None), older.scope.is_(None), older.next_attempt_at > now),
    )
    severity = Row.body["severity"].as_string()
    query = (
        select(Row.id, Row.alert_id, Row.scope, severity, Row.reason)
        .where(
            Row.channel == channel,
            Row.recipient == recipient,
            Row.status == Status.QUEUED,
            Row.batch.is_(None),
            Row.scope.is_not(None),
            Row.next_attempt_at <= now,
            ~waits,
        )
        .order_by(Row.created_at, Row.id)
        .limit(_AT_ONCE)
    )
    return [
        Waiting(id_, str(alert_id), str(scope), word == Severity.CRITICAL, reason == Reason.LIMITED)
        for id_, alert_id, scope, word, reason in session.execute(query)
    ]


def _past(session: Session, channel: str, recipient: str, limit: int | None, now: float) -> Past:
    mine = (Row.channel == channel, Row.recipient == recipient)
    recent = (
        select(Row.scope, func.max(Row.message_at))
        .where(*mine, Row.message_at > now - WINDOW, Row.message_at <= now)
        .group_by(Row.scope)
    )
    scopes = {str(scope): at for scope, at in session.execute(recent) if at is not None}
    if limit is None:
        return Past(scopes, (), max(scopes.values(), default=None))
    counting = select(Row.sent_at).where(
        *mine,
        Row.batch == Row.id,
        Row.message_at > now - GIVE_UP_AFTER - HOUR,
        or_(Row.status.in_(OPEN), Row.sent_at > now - HOUR),
    )
    counted = tuple(session.scalars(counting))
    return Past(scopes, counted, max(scopes.values(), default=None))


def _write(session: Session, plan: Plan, channel: str, limit: int | None, now: float) -> None:
    alone = [ids[0] for ids in plan.messages if len(ids) == 1]
    _set(session, alone, batch=Row.id, message_at=now)
    for ids in plan.messages:
        if len(ids) > 1:
            _set(session, ids, batch=ids[0], message_at=now)
    for wait in plan.waits:
        if wait.reason is Reason.LIMITED:
            detail = (
                f"This recipient has had the {limit} messages that {channel} may send in an hour; "
                "it goes with what else waits as soon as there is room."
            )
        else:
            detail = f"Goes in one message with what else happens within {WINDOW:g} s."
        _set(session, wait.ids, next_attempt_at=wait.until, reason=wait.reason, detail=detail)


def _set(session: Session, ids: Sequence[str], **values: object) -> None:
    if ids:
        statement = update(Row).where(Row.id.in_(ids)).values(**values)
        session.execute(statement.execution_options(synchronize_session=False))
