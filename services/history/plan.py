"""How a range is read: how far its points are apart, and from which kind of memory each part comes.

A range is cut where a kind of memory ends, and each part is read at the coarsest level of rollups
that still gives the points that were asked for, from samples where no level is fine enough or
none is kept. Pure.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

from services.history.cells import LEVELS
from services.history.stored import DAY, HOUR, Retention

#: Level of the samples themselves.
RAW = 0
#: Days of targets whose samples are unpacked for one answer at most; beyond that the finest level
#: of rollups has to do.
UNPACKED = 500


class Plan(NamedTuple):
    """``points`` points of ``step`` seconds from ``start`` on, and the parts (level, start, end) of
    the range from which they are read."""

    start: int
    step: int
    points: int
    parts: tuple[tuple[int, int, int], ...]


def plan_for(
    start: float, end: float, points: int, now: float, keep: Retention, targets: int = 1
) -> Plan:
    """How a range of so many targets is read. The distance of points is the smallest whole number
    of cells of the longest level that fits into it, and the range is widened to such cells."""
    if not end > start or points < 1:
        return Plan(math.floor(start), 1, 0, ())
    wanted = max((end - start) / points, 1.0)
    base, fits = 0, _longest(wanted)
    while base != fits:  # a distance that had to grow may hold longer cells
        base = fits
        first, last = math.ceil(start), math.ceil(end)
        if base > 1:
            first, last = math.floor(start / base) * base, math.ceil(end / base) * base
        step = math.ceil(wanted / base) * base
        while -(-last // step) - first // step > points:
            step += base
        fits = _longest(step)
    origin = first // step * step
    parts = tuple(_parts(first, last, step, now, keep, targets))
    return Plan(origin, step, -(-(last - origin) // step), parts)


def _longest(seconds: float) -> int:
    return max((level for level in LEVELS if level <= seconds), default=1)


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
