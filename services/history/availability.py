"""Heartbeat bars and availability from status intervals. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from services.health.status import of_many
from services.history.query import Interval
from services.observation import Status, worst
from services.times import span


@dataclass(frozen=True, slots=True)
class Slice:
    """The status of a group of targets from ``start`` to ``end``, with what was said of it."""

    start: float
    end: float
    status: Status
    text: str


def slices(
    found: Mapping[str, Sequence[Interval]], start: float, end: float, count: int
) -> list[Slice]:
    """``count`` slices of equal length. A target's status in a slice is its worst one there
    (unknown only when nothing else was seen); the group's follows the rule of many."""
    width = (end - start) / count
    inside: list[dict[str, list[Interval]]] = [{} for _ in range(count)]
    well = [0] * (count + 1)  # targets that were healthy all through: by how many more or fewer
    for key, intervals in found.items():
        spans = [(i, *_touched(i, start, width, count)) for i in intervals]
        if len(spans) == 1 and spans[0][0].status is Status.HEALTHY:
            _, first, after = spans[0]
            if first < after:
                well[first] += 1
                well[after] -= 1
            continue
        for interval, first, after in spans:
            for number in range(first, after):
                inside[number].setdefault(key, []).append(interval)
    healthy = accumulate(well)
    return [
        _slice(inside[n], next(healthy) > 0, start + n * width, start + (n + 1) * width)
        for n in range(count)
    ]


def _touched(interval: Interval, start: float, width: float, count: int) -> tuple[int, int]:
    """The first slice that an interval reaches into, and the one after its last."""
    first = max(0, math.floor((interval.start - start) / width))
    if interval.end is None:
        return first, count
    return first, min(count, math.ceil((interval.end - start) / width))


def _slice(
    inside: Mapping[str, Sequence[Interval]], some_healthy: bool, start: float, end: float
) -> Slice:
    """``some_healthy``: targets that are not among ``inside`` were healthy: one of them stands for
    all."""
    seen = {key: _worst_known(i.status for i in here) for key, here in inside.items()}
    if not seen and not some_healthy:
        return Slice(start, end, Status.UNKNOWN, "no data")
    told = [
        f"{i.reason} ({span(min(i.end or end, end) - max(i.start, start))})"
        for key, status in seen.items()
        for i in inside[key]
        if i.status in (Status.UNHEALTHY, Status.DEGRADED) or i.status is status is Status.UNKNOWN
    ]
    statuses = [*seen.values(), *([Status.HEALTHY] if some_healthy else [])]
    return Slice(start, end, of_many(statuses), "; ".join(told[:3]) or "all well")


def _worst_known(statuses: Iterable[Status]) -> Status:
    statuses = list(statuses)
    return worst([s for s in statuses if s is not Status.UNKNOWN] or statuses)


def availability(found: Mapping[str, Sequence[Interval]], start: float, end: float) -> float | None:
    """Percent of the observed time in which the targets were not unhealthy, all of them taken
    together; time of status unknown is not observed. None when nothing was observed."""
    up = observed = 0.0
    for intervals in found.values():
        for i in intervals:
            length = min(i.end or end, end) - max(i.start, start)
            if i.status is not Status.UNKNOWN and length > 0:
                observed += length
                up += length if i.status is not Status.UNHEALTHY else 0.0
    return 100 * up / observed if observed else None
