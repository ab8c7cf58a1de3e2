"""Changes of status, newest first, in pages: from the stored intervals.

A page goes on after the moment and the target of its last row. How many other events there are can
be told neither from a cursor nor from the length of a page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from models.targets import StatusInterval, TargetRow
from services.inventory.fleet import Fleet
from services.observation import Kind, kind_of, vps_of
from services.times import iso
from services.views.model import Body

#: Up to so many targets are looked up one by one. With more, the latest changes of all are gone
#: through first, which finds a page soon unless these targets seldom change.
FEW = 100
BATCH, BATCHES = 1000, 4
#: Names in one statement; SQLite takes some 32,000 parameters at most.
_CHUNK = 5000
_INDEX = "INDEXED BY ix_status_intervals_changes"


class Place(NamedTuple):
    """The event of ``target`` at ``at`` (seconds since the epoch); of several in one moment the
    ``nth``, the newest first."""

    at: float
    target: str
    nth: float = 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """``targets`` None means all. ``status`` is the one after the
    change, ``start`` and ``end`` seconds since the epoch."""

    targets: Collection[str] | None
    status: str | None
    start: float | None
    end: float | None
    limit: int
    after: Place | None


def events(session: Session, fleet: Fleet, wanted: Wanted) -> tuple[list[Body], Place | None]:
    """A page, and the place to go on from; None at the end."""
    rows: list[Any] = []
    for row in _found(session, wanted):
        if len(rows) == wanted.limit:
            return [_body(row, fleet) for row in rows], _place(rows, wanted.after)
        rows.append(row)
    return [_body(row, fleet) for row in rows], None


def _found(session: Session, wanted: Wanted) -> Iterator[Any]:
    """One row more than a page at least, if there is."""
    place = _begin(session, wanted.after)
    if wanted.targets is None:
        yield from session.execute(
            _query(wanted, place)
            .with_hint(StatusInterval, _INDEX, "sqlite")
            .limit(wanted.limit + 1)
        )
        return
    if len(wanted.targets) > FEW:
        for _ in range(BATCHES):
            query = _query(wanted, place).with_hint(StatusInterval, _INDEX, "sqlite").limit(BATCH)
            rows = session.execute(query).all()
            yield from (row for row in rows if row.key in wanted.targets)
            if len(rows) < BATCH:
                return
            place = rows[-1].started_at, rows[-1].id
    yield from _of_targets(session, wanted, sorted(wanted.targets), place)


def _of_targets(
    session: Session, wanted: Wanted, targets: Sequence[str], place: tuple[float, int] | None
) -> list[Any]:
    """The changes of few targets, or of many that seldom change; each has its own in order in an
    index."""
    query = _query(wanted, place).limit(wanted.limit + 1)
    rows = [
        row
        for at in range(0, len(targets), _CHUNK)
        for row in session.execute(query.where(TargetRow.key.in_(targets[at : at + _CHUNK])))
    ]
    return sorted(rows, key=lambda row: (row.started_at, row.id), reverse=True)


def _place(rows: list[Any], after: Place | None) -> Place:
    """The place of the last row of a page that began after ``after``."""
    at, target = rows[-1].started_at, rows[-1].key
    nth = sum((row.started_at, row.key) == (at, target) for row in rows)
    if after is not None and (after.at, after.target) == (at, target):
        nth += int(after.nth)
    return Place(at, target, nth)


def _query(wanted: Wanted, place: tuple[float, int] | None) -> Select[Any]:
    changed = StatusInterval
    query = (
        select(
            changed.id, changed.started_at, changed.ended_at, changed.status, changed.previous,
            changed.reason, changed.evidence, TargetRow.key,
        )
        .join(TargetRow, TargetRow.id == changed.target_id)
        .where(
            changed.previous.is_not(None),
            TargetRow.removed_at.is_(None),
            TargetRow.kind != Kind.PLATFORM,
        )
        .order_by(changed.started_at.desc(), changed.id.desc())
    )  # fmt: skip
    if wanted.status is not None:
        query = query.where(changed.status == wanted.status)
    if wanted.start is not None:
        query = query.where(changed.started_at >= wanted.start)
    if wanted.end is not None:
        query = query.where(changed.started_at < wanted.end)
    if place is not None:
        at, id_ = place
        query = query.where(
            changed.started_at <= at,
            or_(changed.started_at < at, and_(changed.started_at == at, changed.id < id_)),
        )
    return query


def _begin(session: Session, after: Place | None) -> tuple[float, int] | None:
    """Where a page begins, by the row that the place names."""
    if after is None:
        return None
    found = session.scalars(
        select(StatusInterval.id)
        .join(TargetRow, TargetRow.id == StatusInterval.target_id)
        .where(
            TargetRow.key == after.target,
            StatusInterval.started_at == after.at,
            StatusInterval.previous.is_not(None),
        )
        .order_by(StatusInterval.id.desc())
    ).all()
    shown = found[: max(1, int(after.nth))]
    return after.at, shown[-1] if shown else 0


def _body(row: Any, fleet: Fleet) -> Body:
    kind = kind_of(row.key)
    of_tenant = kind in (Kind.TENANT, Kind.APPLICATION)
    tenant, _, application = row.key[1:].partition("/")
    length = None if row.ended_at is None else round(row.ended_at - row.started_at, 3)
    return {
        "timestamp": iso(row.started_at),
        "target": row.key,
        "kind": kind,
        "label": fleet.label(row.key),
        "vpsId": vps_of(row.key),
        "tenantId": tenant if of_tenant else None,
        "service": (application if of_tenant else row.key.partition("/")[2]) or None,
        "status": row.status,
        "previous": row.previous,
        "reason": row.reason,
        "endedAt": iso(row.ended_at),
        "durationSeconds": length,
        "evidence": row.evidence,
    }
