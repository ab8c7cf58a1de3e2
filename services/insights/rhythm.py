"""Which episodes come back at the same hour of the day. Pure.

The episodes of one (rule, target) are counted in the 48 hours of the day that begin on a full or
half hour. By chance each of them would hold its share of the day: a binomial test for the fullest
one, times 48 because it was chosen (Bonferroni). It is told only when it also holds half of the
episodes, on several days: that all comes more often by day is no such pattern.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from services.insights.calendar import DAY, wall
from services.insights.chance import discoveries, tail
from services.insights.coincidence import RATE
from services.insights.episodes import FEWEST, Episodes
from services.insights.firings import Ints

HALF_HOUR = 1800
WINDOWS = DAY // HALF_HOUR
#: The share of the episodes that lies within the hour.
SHARE = 0.5
#: Of windows that hold the same, that of a full hour is told.
ORDER = np.concatenate((np.arange(0, WINDOWS, 2), np.arange(1, WINDOWS, 2)))
#: More days than any time has.
DAYS = 1_000_000


@dataclass(frozen=True, slots=True)
class SameHour:
    """``hits`` of the ``of`` episodes of an item came within the hour that begins ``begin``
    seconds after midnight, on so many ``days``; ``episodes`` are their places, newest first."""

    item: int
    begin: int
    hits: int
    of: int
    days: int
    expected: float
    p: float
    rate: float
    episodes: Ints


def same_hour(
    found: Episodes, zone: ZoneInfo, start: float, end: float
) -> tuple[list[SameHour], int]:
    """The items that come back at the same hour, the least likely first, and how many were
    tested."""
    items, seconds = found.items, end - start
    if not items:
        return [], 0
    clock = wall(found.at, zone)
    half = (clock.second // HALF_HOUR).astype(np.int64)
    counts = np.zeros((items, WINDOWS), dtype=np.int64)
    np.add.at(counts, (found.item, half), 1)
    hours = counts + np.roll(counts, -1, axis=1)
    fullest = ORDER[hours[:, ORDER].argmax(axis=1)]
    hits = hours[np.arange(items), fullest]
    # Of a time that is no whole number of days some hours come once more than others.
    share = min(1.0, -(-seconds // DAY) * 3600 / seconds)
    p = np.minimum(tail(hits, found.counts, np.full(items, share)) * WINDOWS, 1.0)
    within = (half - fullest[found.item]) % WINDOWS <= 1
    ones = np.unique(found.item[within] * DAYS + (clock.day[within] - clock.day.min()))
    days = np.bincount(ones // DAYS, minlength=items)
    p[(hits < SHARE * found.counts) | (days < FEWEST)] = 1.0
    told, rates = discoveries(p, items, RATE)
    return [
        SameHour(
            item, int(fullest[item]) * HALF_HOUR, int(hits[item]), int(found.counts[item]),
            int(days[item]), float(found.counts[item] * share), float(p[item]), float(rates[item]),
            np.flatnonzero(within & (found.item == item))[::-1],
        )
        for item in map(int, np.lexsort((-hits, p)))
        if told[item]
    ], items  # fmt: skip
