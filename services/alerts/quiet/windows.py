"""When maintenance windows are open: once, or again and again by the clock of a time zone.

What a wall time means where the clock is changed is RFC 5545's reading (section 3.3.5): one that
comes twice is the first of the two, one that is skipped is taken by the offset before the change
(02:30 becomes 03:30). A cron of every hour follows the hours as they pass instead, as Vixie cron
does. A length is elapsed time, so a window over such a night is as long as on any other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from services.alerts.quiet.crontab import FIRST, LAST
from services.alerts.quiet.schedules import Once, Recurring, Span, zone

#: Clocks are changed by 3 hours at most: that near to a change, wall times are out of order.
_NEAR = timedelta(hours=4)
_FIRST, _LAST = (edge.replace(tzinfo=UTC).timestamp() for edge in (FIRST, LAST))


def covers(schedule: Once | Recurring, now: float) -> Span | None:
    """The window that is open at ``now`` (seconds since the epoch)."""
    return standing(schedule, now)[0]


def standing(schedule: Once | Recurring, now: float) -> tuple[Span | None, Span | None]:
    """The window that is open at ``now``, and the first that opens after it. Where the change of
    a clock lets two overlap, the later one counts."""
    current = None
    for span in _spans(schedule, now):
        if span.start > now:
            return current, span
        current = span
    return current, None


def occurrences(
    schedule: Once | Recurring, start: float, end: float, limit: int
) -> tuple[Span, ...]:
    """The windows that touch the time from ``start`` to ``end``, in order, ``limit`` at most."""
    found = takewhile(lambda span: span.start < end, _spans(schedule, start))
    return tuple(islice(found, limit))


def _spans(schedule: Once | Recurring, since: float) -> Iterator[Span]:
    """The windows that end after ``since``."""
    if isinstance(schedule, Once):
        if schedule.span.end > since:
            yield schedule.span
        return
    length, first, last = schedule.minutes * 60, schedule.first, schedule.last
    for start in _starts(schedule, max(since, first) - length):
        if start >= last:
            return
        span = Span(max(start, first), min(start + length, last))
        if span.end > max(since, span.start):
            yield span


def _starts(schedule: Recurring, since: float) -> Iterator[float]:
    """When windows begin, from ``since`` on, each once and in order."""
    place = zone(schedule.time_zone)
    local = datetime.fromtimestamp(min(max(since, _FIRST), _LAST), place).replace(tzinfo=None)
    latest = -math.inf
    walls = schedule.walls(local - _NEAR if _changes(local, place) else local)
    for at in _in_order(walls, place, schedule.hourly):
        if at >= since and at > latest:
            latest = at
            yield at


def _in_order(walls: Iterable[datetime], place: ZoneInfo, hourly: bool) -> Iterator[float]:
    """The instants of wall times: by a clock that is changed, 02:30 may lie behind 03:00."""
    waiting: list[float] = []
    for wall in walls:
        for at in _instants(wall, place, hourly):
            heappush(waiting, at)
        settled = wall.replace(tzinfo=place).timestamp()
        if _changes(wall, place):
            settled -= _NEAR.total_seconds()
        while waiting and waiting[0] <= settled:
            yield heappop(waiting)
    yield from sorted(waiting)


def _changes(wall: datetime, place: ZoneInfo) -> bool:
    """Whether the clock is changed within a few hours of a wall time."""
    return place.utcoffset(wall - _NEAR) != place.utcoffset(wall + _NEAR)


def _instants(wall: datetime, place: ZoneInfo, hourly: bool) -> tuple[float, ...]:
    """What a wall time means: mostly one instant. ``hourly``: both of one that comes twice, and
    none of one that is skipped."""
    first = wall.replace(tzinfo=place).timestamp()
    second = wall.replace(tzinfo=place, fold=1).timestamp()
    if first == second or not hourly:
        return (first,)
    return (first, second) if first < second else ()
