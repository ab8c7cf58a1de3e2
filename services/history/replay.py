"""The past in the order in which it was seen, target by target: what a replay needs of it.

As in services.history.samples, rows are read before blocks, so nothing is missed that is packed
meanwhile. Of one target at a time: memory is bounded by the range of one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.targets import TargetRow
from services.history import alive, ask, codec, samples
from services.history.codec import Floats, Ints
from services.history.stored import DAY, Stored
from services.observation import Kind

#: Targets whose intervals are searched for the times in which the monitor did not run: those
#: are on every target whose status was known.
WITNESSES = 100

_BLOCKS = "SELECT day, data FROM blocks WHERE day = ANY(?) AND target_id = ANY(?)"
# Of a target's intervals: those that begin inside the range, and the last one before it.
_INTERVALS = (
    "SELECT i.target_id, i.status, i.started_at, i.ended_at, i.reason FROM status_intervals i "
    "WHERE i.target_id = ANY(?) AND i.started_at < ? AND (i.ended_at IS NULL OR i.ended_at > ?) "
    "AND i.started_at >= coalesce((SELECT max(e.started_at) FROM status_intervals e "
    "WHERE e.target_id = i.target_id AND e.started_at <= ?), 0) "
    "ORDER BY i.target_id, i.started_at, i.id"
)
_ASLEEP = (
    "SELECT min(started_at), ended_at FROM status_intervals "
    "WHERE target_id = ANY(?) AND started_at < ? AND ended_at > ? AND status = 'unknown' "
    "AND reason = ? GROUP BY ended_at ORDER BY ended_at"
)


class Told(NamedTuple):
    """A span of one status, and what was said of it; ``end`` None: it still lasts."""

    status: str
    start: float
    end: float | None
    reason: str


def target_ids(session: Session, keys: Collection[str]) -> dict[str, int]:
    """The row ids of those targets that were ever seen, by key."""
    found = session.execute(select(TargetRow.key, TargetRow.id).where(TargetRow.key.in_(keys)))
    return dict(found.all())


def dependencies(session: Session) -> list[str]:
    """The keys of the dependencies that services ever reported."""
    query = select(TargetRow.key).where(
        TargetRow.kind == Kind.DEPENDENCY, TargetRow.removed_at.is_(None)
    )
    return list(session.scalars(query.order_by(TargetRow.key)))


def values(
    session: Session, ids: Sequence[int], stored: Stored, start: int, end: int
) -> Iterator[tuple[int, Ints, Floats]]:
    """Of each target in turn its id, and the seconds and values of all its samples from ``start``
    to before ``end``, in their order. Of two in the same second the packed one counts."""
    ordered = sorted(ids)
    rows = samples.loose(session, ordered, stored, start, end)
    days = list(range(start // DAY * DAY, end, DAY))
    edges = np.searchsorted(rows.row, np.arange(len(ordered) + 1))
    for place, target_id in enumerate(ordered):
        first, last = edges[place], edges[place + 1]
        at, value = rows.at[first:last], rows.value[first:last]
        # Sorted here: the database would carry the blocks along.
        blocks = sorted(ask.rows(session, _BLOCKS, days, [target_id]))
        if blocks:
            parts = [codec.decode(data, stored.number) for _, data in blocks]
            before = np.concatenate([part[0] for part in parts])
            its = np.concatenate([part[1] for part in parts])
            left, right = np.searchsorted(before, (start, end))
            at, value = _merged((before[left:right], its[left:right]), (at, value))
        yield target_id, at, value


def _merged(packed: tuple[Ints, Floats], loose: tuple[Ints, Floats]) -> tuple[Ints, Floats]:
    at, value = (np.concatenate(both) for both in zip(packed, loose, strict=True))
    if len(packed[0]) and len(loose[0]) and loose[0][0] <= packed[0][-1]:
        at, first = np.unique(at, return_index=True)  # the first of two: the packed one
        value = value[first]
    return at, value


def intervals(
    session: Session, ids: Sequence[int], start: float, end: float
) -> dict[int, list[Told]]:
    """The spans of status of targets that touch ``start`` to ``end``, oldest first."""
    found: dict[int, list[Told]] = {target_id: [] for target_id in ids}
    for target_id, *told in ask.rows(session, _INTERVALS, list(ids), end, start, start):
        found[target_id].append(Told(*told))
    return found


def asleep(
    session: Session, ids: Iterable[int], start: float, end: float
) -> list[tuple[float, float]]:
    """The spans between ``start`` and ``end`` in which the monitor did not run, oldest first, as
    the intervals of these targets tell (services.history.alive): when it was last alive, and
    when it began again."""
    some = sorted(set(ids))[:WITNESSES]
    rows = ask.rows(session, _ASLEEP, some, end, start, alive.REASON)
    return [(float(began), float(ended)) for began, ended in rows]
