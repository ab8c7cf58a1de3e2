"""The course of a metric over any range at a bounded number of points.

Each part of the plan (services.history.plan) is read from the samples or from rollups. Hours whose
rollups are not up to date (the open one above all) are always read from the samples.

What waits is read first, the samples of it next, and the rollups last. On PostgreSQL each of these
statements sees what was committed before it, but work on an hour is never undone: one that did
not wait is in the rollups whenever they are read, and one that did is left out of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.targets import TargetRow
from services.history import ask, cells, pending, samples
from services.history.cells import CELLS, STRIP, Cells
from services.history.codec import Floats
from services.history.plan import RAW, Plan, plan_for
from services.history.stored import HOUR, Retention, Stored, find

#: Cells that are unpacked at once: few enough to stay in the processor's cache.
AT_ONCE = 50_000

_STRIPS = (
    "SELECT target_id, start, cells FROM rollups "
    "WHERE level = ? AND start = ANY(?) AND metric = ? AND "
)
_STRIPS_OF = _STRIPS + "target_id = ANY(?)"
#: For targets that are close together: their strips are too, and one search finds them all.
_STRIPS_FROM_TO = _STRIPS + "target_id BETWEEN ? AND ?"


class Point(NamedTuple):
    """``value`` is the mean of the samples from ``at`` (seconds since the epoch) to the next
    point's, ``min`` and ``max`` the smallest and largest of them."""

    at: int
    value: float
    min: float
    max: float


@dataclass(frozen=True, slots=True)
class Series:
    """The course of one target (None: the mean of many), as columns: a chart wants them so, and
    many small objects would cost more than the query. Spans without a sample have no point."""

    target: str | None
    at: list[int]
    value: list[float]
    min: list[float]
    max: list[float]

    @property
    def points(self) -> list[Point]:
        """The same as one ``Point`` each, made anew with each call."""
        return list(map(Point, self.at, self.value, self.min, self.max))


def history(
    session: Session,
    targets: Sequence[str],
    metric: str,
    start: float,
    end: float,
    points: int,
    now: float,
    keep: Retention | None = None,
) -> list[Series]:
    """The series of ``metric`` (full or short name) for each of ``targets``, in their order, with
    at most ``points`` points each from ``start`` to ``end`` (seconds since the epoch, UTC).

    Points lie on multiples of their distance. Where rollups answer, the range is widened to whole
    cells, and values have 7 digits. ``now`` tells what is still kept. Raises ValidationError for
    a metric that has no numbers.
    """
    stored = find(metric)
    ids = _ids(session, targets)
    plan = plan_for(start, end, points, now, keep or Retention(), len(ids))
    found = cells_of(session, sorted(ids.values()), stored, plan)
    rows = {target_id: row for row, target_id in enumerate(sorted(ids.values()))}
    columns = _columns(found, stored)
    return [
        _series(target, found, columns, rows[ids[target]], plan)
        if target in ids
        else Series(target, [], [], [], [])
        for target in targets
    ]


def mean(
    session: Session,
    targets: Sequence[str],
    metric: str,
    start: float,
    end: float,
    points: int,
    now: float,
    keep: Retention | None = None,
) -> Series:
    """The mean over ``targets``, each of which counts the same at each point where it has a value;
    ``min`` and ``max`` are those over all of them. Arguments and errors as in ``history``."""
    stored = find(metric)
    ids = sorted(_ids(session, targets).values())
    plan = plan_for(start, end, points, now, keep or Retention(), len(ids))
    found = cells_of(session, ids, stored, plan)
    if not ids:
        return Series(None, [], [], [], [])
    seen = found.count > 0
    each = np.where(seen, means(found), 0.0).sum(axis=0)
    many = seen.sum(axis=0)
    both = Cells(
        np.fmin.reduce(found.low)[None], np.fmax.reduce(found.high)[None], each[None], many[None]
    )
    return _series(None, both, _columns(both, stored), 0, plan)


def _ids(session: Session, targets: Sequence[str]) -> dict[str, int]:
    query = select(TargetRow.key, TargetRow.id).where(TargetRow.key.in_(targets))
    return dict(session.execute(query).all())


def cells_of(session: Session, ids: list[int], stored: Stored, plan: Plan) -> Cells:
    """What there is of each target (ascending ``ids``) for each point of the plan."""
    found = Cells.empty(len(ids), plan.points)
    if not ids:
        return found
    for level, start, end in plan.parts:
        if level == RAW:
            _add_samples(session, found, ids, None, stored, plan, start, end)
            continue
        stale = _joined(pending.hours(session, ids, start // HOUR * HOUR, end))
        for span in stale:
            _add_samples(
                session, found, ids, span.ids, stored, plan,
                max(start, span.start), min(end, span.end),
            )  # fmt: skip
        _add_rollups(session, found, ids, stored, plan, (level, start, end), stale)
    return found


class _Stale(NamedTuple):
    start: int
    end: int
    ids: list[int]


def _joined(stale: Sequence[tuple[int, int]]) -> list[_Stale]:
    """Hours of (hour, target id), those that follow one another for the same targets as one."""
    by_hour: dict[int, list[int]] = {}
    for hour, target_id in sorted(stale):
        by_hour.setdefault(hour, []).append(target_id)
    joined: list[_Stale] = []
    for hour, ids in by_hour.items():
        if joined and joined[-1].end == hour and joined[-1].ids == ids:
            joined[-1] = _Stale(joined[-1].start, hour + HOUR, ids)
        else:
            joined.append(_Stale(hour, hour + HOUR, ids))
    return joined


def _add_samples(
    session: Session,
    found: Cells,
    ids: list[int],
    some: list[int] | None,
    stored: Stored,
    plan: Plan,
    start: int,
    end: int,
) -> None:
    """Adds the samples of ``some`` of ``ids`` (None: of all)."""
    chosen = ids if some is None else some
    row, at, value = samples.read(session, chosen, stored, start, end)
    if some is not None:
        row = np.searchsorted(np.array(ids), np.array(chosen))[row]
    found.add_samples(row * plan.points + (at - plan.start) // plan.step, value)


def _add_rollups(
    session: Session,
    found: Cells,
    ids: list[int],
    stored: Stored,
    plan: Plan,
    part: tuple[int, int, int],
    stale: Sequence[_Stale],
) -> None:
    """Adds the cells of a part, except for hours that are read from the samples."""
    level, start, end = part
    # From the begin of a point to the end of one, so that all points have as many cells.
    left, right = start // plan.step * plan.step, -(-end // plan.step) * plan.step
    begins = list(range(left // STRIP[level] * STRIP[level], right, STRIP[level]))
    size = max(1, AT_ONCE // (len(begins) * CELLS[level]))
    # A part begins inside a cell only where all that is kept is longer than a point.
    first, begin = ((edge - begins[0]) // level for edge in (start, left))
    last, stop = (-(-(edge - begins[0]) // level) for edge in (end, right))
    for at in range(0, len(ids), size):
        some = ids[at : at + size]
        rows = _strips(session, level, begins, stored.number, some)
        if not rows:
            continue
        grid = _grid(rows, some, begins, level)
        grid.clear(slice(None), 0, first)
        grid.clear(slice(None), last, stop)
        for span in stale:
            chosen = np.flatnonzero(np.isin(some, span.ids))
            one, other = ((edge - begins[0]) // level for edge in (span.start, span.end))
            grid.clear(chosen, one, other)
        if level > plan.step:
            _spread(found, at, grid.part(first, last), begins[0] + first * level, level, plan)
            continue
        point = slice((left - plan.start) // plan.step, (right - plan.start) // plan.step)
        for group in grid.part(begin, stop).groups(plan.step // level):
            found.merge(at, point, group)


def _strips(
    session: Session, level: int, begins: list[int], metric: int, ids: list[int]
) -> list[tuple[Any, ...]]:
    between = ids[-1] - ids[0] + 1
    if between > 2 * len(ids):
        return ask.rows(session, _STRIPS_OF, level, begins, metric, ids)
    rows = ask.rows(session, _STRIPS_FROM_TO, level, begins, metric, ids[0], ids[-1])
    if between > len(ids):
        wanted = set(ids)
        rows = [row for row in rows if row[0] in wanted]
    return rows


def _spread(found: Cells, row: int, given: Cells, start: int, level: int, plan: Plan) -> None:
    """Adds cells that are longer than a point, from ``start`` on, each to the point in which it
    begins; one that begins before the first point, to that."""
    cell = start + np.arange(given.count.shape[1]) * level
    early = int(np.searchsorted(cell, plan.start))
    if early:
        found.merge(row, slice(0, 1), given.part(0, early))
    point = (cell[early:] - plan.start) // plan.step
    found.merge(row, point, given.part(early, len(cell)))


def _grid(rows: Sequence[tuple[Any, ...]], ids: list[int], begins: list[int], level: int) -> Cells:
    """The cells of strips (target id, start, bytes) as one row a target, time running on."""
    of, start, data = zip(*rows, strict=True)
    strips = cells.decode(data, CELLS[level])
    row = np.searchsorted(np.array(ids), np.array(of))
    column = (np.array(start) - begins[0]) // STRIP[level]
    grid = Cells.empty(len(ids) * len(begins), CELLS[level])
    grid.put(row * len(begins) + column, 0, strips)
    return grid.reshaped(len(ids))


def means(found: Cells) -> Floats:
    """The mean of each cell. Sums are rounded, so it is held between the extremes."""
    return np.clip(found.total / np.maximum(found.count, 1), found.low, found.high)


def _columns(found: Cells, stored: Stored) -> list[Floats]:
    """Means, smallest and largest values of every cell."""
    columns = [means(found), found.low, found.high]
    if stored.decimals is not None:  # single precision would show digits that nobody measured
        columns = [np.round(column, stored.decimals + 2) for column in columns]
    return columns


def _series(
    target: str | None, found: Cells, columns: Sequence[Floats], row: int, plan: Plan
) -> Series:
    there = np.flatnonzero(found.count[row])
    at = there * plan.step + plan.start
    return Series(target, at.tolist(), *(column[row, there].tolist() for column in columns))
