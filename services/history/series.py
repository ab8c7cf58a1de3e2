"""The course of a metric over any range at a bounded number of points.

A range is cut where a kind of memory ends, and each part is read at the coarsest level of rollups
that still gives the points that were asked for, from samples where no level is fine enough or
none is kept. Hours whose rollups are not up to date (the open one above all) are always read from
the samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.targets import TargetRow
from services.history import ask, cells, pending, samples
from services.history.cells import CELLS, LEVELS, STRIP, Cells
from services.history.codec import Floats
from services.history.stored import DAY, HOUR, Retention, Stored, find

#: Level of the samples themselves.
RAW = 0
#: Days of targets whose samples are unpacked for one answer at most; beyond that the finest level
#: of rollups has to do.
UNPACKED = 500
#: Cells that are unpacked at once: few enough to stay in the processor's cache.
AT_ONCE = 50_000

_STRIPS = (
    "SELECT target_id, start, cells FROM rollups "
    "WHERE level = ? AND start = ANY(?) AND metric = ? AND target_id = ANY(?)"
)


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


class Plan(NamedTuple):
    """``points`` points of ``step`` seconds from ``start`` on, and the parts (level, start, end) of
    the range from which they are read."""

    start: int
    step: int
    points: int
    parts: tuple[tuple[int, int, int], ...]


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
    found = _read(session, sorted(ids.values()), stored, plan)
    rows = {target_id: row for row, target_id in enumerate(sorted(ids.values()))}
    return [
        _series(target, found, rows[ids[target]], plan, stored)
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
    found = _read(session, ids, stored, plan)
    if not ids:
        return Series(None, [], [], [], [])
    seen = found.count > 0
    each = np.where(seen, _means(found), 0.0).sum(axis=0)
    many = seen.sum(axis=0)
    both = Cells(
        np.fmin.reduce(found.low)[None], np.fmax.reduce(found.high)[None], each[None], many[None]
    )
    return _series(None, both, 0, plan, stored)


def plan_for(
    start: float, end: float, points: int, now: float, keep: Retention, targets: int = 1
) -> Plan:
    """How a range of so many targets is read. The distance of points is a whole number of
    cells."""
    if not end > start or points < 1:
        return Plan(math.floor(start), 1, 0, ())
    wanted = max((end - start) / points, 1.0)
    base = max((level for level in LEVELS if level <= wanted), default=1)
    if base > 1:
        start, end = math.floor(start / base) * base, math.ceil(end / base) * base
    first, last = math.ceil(start), math.ceil(end)
    step = math.ceil(wanted / base) * base
    while -(-last // step) - first // step > points:
        step += base
    origin = first // step * step
    parts = tuple(_parts(first, last, step, now, keep, targets))
    return Plan(origin, step, -(-(last - origin) // step), parts)


def _parts(
    start: int, end: int, step: int, now: float, keep: Retention, targets: int
) -> list[tuple[int, int, int]]:
    """The range cut into (level, start, end), oldest first."""
    kept_for = {RAW: keep.samples, **{level: keep.level(level) for level in LEVELS}}
    begins = {level: math.ceil((now - age) / HOUR) * HOUR for level, age in kept_for.items()}
    cuts = sorted({start, end, *(at for at in begins.values() if start < at < end)})
    found: list[tuple[int, int, int]] = []
    for first, last in pairwise(cuts):
        there = [level for level, begin in begins.items() if begin <= first]
        fine = [level for level in there if level <= step]
        if not there:
            continue
        level = max(fine) if fine else min(there)
        if level == RAW and targets * (last - first) > UNPACKED * DAY and len(there) > 1:
            level = min(set(there) - {RAW})
        if found and found[-1][0] == level:
            first = found.pop()[1]
        found.append((level, first, last))
    return found


def _ids(session: Session, targets: Sequence[str]) -> dict[str, int]:
    query = select(TargetRow.key, TargetRow.id).where(TargetRow.key.in_(targets))
    return dict(session.execute(query).all())


def _read(session: Session, ids: list[int], stored: Stored, plan: Plan) -> Cells:
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
    first, last, begin, stop = (
        -(-(edge - begins[0]) // level) for edge in (start, end, left, right)
    )
    for at in range(0, len(ids), size):
        some = ids[at : at + size]
        rows = ask.rows(session, _STRIPS, level, begins, stored.number, some)
        if not rows:
            continue
        grid = _grid(rows, some, begins, level)
        grid.clear(slice(None), 0, first)
        grid.clear(slice(None), last, stop)
        for span in stale:
            chosen = np.flatnonzero(np.isin(some, span.ids))
            one, other = ((edge - begins[0]) // level for edge in (span.start, span.end))
            grid.clear(chosen, max(one, 0), other)
        if level > plan.step:
            cell = begins[0] + np.arange(first, last) * level
            found.merge(at, (cell - plan.start) // plan.step, grid.part(first, last))
            continue
        point = slice((left - plan.start) // plan.step, (right - plan.start) // plan.step)
        for group in grid.part(begin, stop).groups(plan.step // level):
            found.merge(at, point, group)


def _grid(rows: Sequence[tuple[Any, ...]], ids: list[int], begins: list[int], level: int) -> Cells:
    """The cells of strips (target id, start, bytes) as one row a target, time running on."""
    of, start, data = zip(*rows, strict=True)
    strips = cells.decode(data, CELLS[level])
    row = np.searchsorted(np.array(ids), np.array(of))
    column = (np.array(start) - begins[0]) // STRIP[level]
    grid = Cells.empty(len(ids) * len(begins), CELLS[level])
    grid.put(row * len(begins) + column, 0, strips)
    return grid.reshaped(len(ids))


def _means(found: Cells) -> Floats:
    """The mean of each cell. Sums are rounded, so it is held between the extremes."""
    return np.clip(found.total / np.maximum(found.count, 1), found.low, found.high)


def _series(target: str | None, found: Cells, row: int, plan: Plan, stored: Stored) -> Series:
    there = np.flatnonzero(found.count[row])
    one = found.take(np.array([row]))
    columns = [part[0, there] for part in (_means(one), one.low, one.high)]
    if stored.decimals is not None:  # single precision would show digits that nobody measured
        columns = [np.round(column, stored.decimals + 2) for column in columns]
    at = there * plan.step + plan.start
    return Series(target, at.tolist(), *(column.tolist() for column in columns))
