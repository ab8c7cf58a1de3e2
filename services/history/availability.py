"""Heartbeat bars and availability from status intervals. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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
    return [_slice(found, start + i * width, start + (i + 1) * width) for i in range(count)]


def _slice(found: Mapping[str, Sequence[Interval]], start: float, end: float) -> Slice:
    inside = {
        key: [i for i in intervals if i.start < end and (i.end is None or i.end > start)]
        for key, intervals in found.items()
    }
    seen = {key: _worst_known(i.status for i in here) for key, here in inside.items() if here}
    if not seen:
        return Slice(start, end, Status.UNKNOWN, "no data")
    told = [
        f"{i.reason} ({span(min(i.end or end, end) - max(i.start, start))})"
        for key, status in seen.items()
        for i in inside[key]
        if i.status in (Status.UNHEALTHY, Status.DEGRADED) or i.status is status is Status.UNKNOWN
    ]
    return Slice(start, end, of_many(seen.values()), "; ".join(told[:3]) or "all well")


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
