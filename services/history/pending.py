"""Which hours wait to be rolled up and which days to be packed, and how nobody overlooks a sample.

Whoever adds a sample names its hour and its day as pending in the same transaction, under a new
version. Whoever works on a span reads its version first, the samples then, and ticks the span
off, in the transaction that stores the result, only where the version is still the same: a sample
that came meanwhile keeps the span pending. So work can break off anywhere and be done twice.

Naming a span again with each batch would write as much as the samples. For spans that begin after
``Settled.until`` it is enough to have named them once; a job moves that line on before it reads.
On PostgreSQL writers share a lock on that row and the job waits for them; on SQLite there is one
writer at a time anyway.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models.database import Database
from models.history import PendingSpan, Settled
from services.history import ask, bulk
from services.history.stored import DAY, HOUR

#: Row of ``settled``, and the key of the lock that work on spans takes on PostgreSQL.
_ONLY = 1
_LOCK = 7_105_001
_SETTLED = "SELECT until FROM settled WHERE id = ?"
_HOURS = (
    "SELECT start, target_id FROM pending_spans "
    "WHERE target_id = ANY(?) AND span = ? AND start >= ? AND start < ?"
)


class Span(NamedTuple):
    """A span of a target as it was when its work began."""

    start: int
    target_id: int
    version: int


def settled(session: Session) -> int:
    """Where settled spans end, held there until the writer's transaction ends."""
    shared = "" if session.get_bind().dialect.name == "sqlite" else " FOR SHARE"
    (found,) = ask.rows(session, _SETTLED + shared, _ONLY)
    return int(found[0])


def settle(database: Database, until: int) -> None:
    """Moves the line on (never back), so that spans before it can be worked on."""
    with database.read() as session:
        if session.scalars(select(Settled.until).where(Settled.id == _ONLY)).one() >= until:
            return
    with database.write() as session:
        session.execute(
            update(Settled).where(Settled.id == _ONLY, Settled.until < until).values(until=until)
        )


def name(session: Session, hours: Iterable[tuple[int, int]]) -> None:
    """Names (target id, hour) as pending, and the days around the hours."""
    version = random.getrandbits(62)  # any other than the one before
    found = sorted(hours)
    rows = [(target, HOUR, hour, version) for target, hour in found]
    days = sorted({(target, hour // DAY * DAY) for target, hour in found})
    rows += [(target, DAY, day, version) for target, day in days]
    columns = ("target_id", "span", "start", "version")
    bulk.insert(session, PendingSpan, columns, rows, "UPDATE")


def due(session: Session, span: int, before: int, limit: int) -> list[Span]:
    """Spans of ``span`` seconds that begin before ``before``, oldest first."""
    rows = session.execute(
        select(PendingSpan.start, PendingSpan.target_id, PendingSpan.version)
        .where(PendingSpan.span == span, PendingSpan.start < before)
        .order_by(PendingSpan.start)
        .limit(limit)
    )
    return sorted(Span(*row) for row in rows)


def hours(
    session: Session, target_ids: Collection[int], start: int, end: int
) -> list[tuple[int, int]]:
    """The (hour, target id) from ``start`` to ``end`` whose rollups are not up to date."""
    found = ask.rows(session, _HOURS, list(target_ids), HOUR, start, end)
    return [(hour, target_id) for hour, target_id in found]


def unchanged(session: Session, span: int, work: Sequence[Span]) -> list[Span]:
    """Those of ``work`` (spans of one start) that nobody added to since they were read; they
    stay so until this transaction ends, which also keeps others from the same work."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    if not work:
        return []
    versions = dict(
        session.execute(
            select(PendingSpan.target_id, PendingSpan.version)
            .where(
                PendingSpan.target_id.in_([item.target_id for item in work]),
                PendingSpan.span == span,
                PendingSpan.start == work[0].start,
            )
            .order_by(PendingSpan.target_id)  # as writers do: nobody waits in a circle
            .with_for_update()
        ).all()
    )
    return [item for item in work if versions.get(item.target_id) == item.version]


def done(session: Session, span: int, work: Sequence[Span]) -> None:
    """Ticks off spans of one start."""
    session.execute(
        delete(PendingSpan).where(
            PendingSpan.target_id.in_([item.target_id for item in work]),
            PendingSpan.span == span,
            PendingSpan.start == work[0].start,
        ),
        execution_options={"synchronize_session": False},
    )
