"""Days, weeks, hours and weekdays as a clock on a wall shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from services.insights.firings import Floats, Ints

DAY = 86400
#: Clocks on walls are put forward and back on a quarter of an hour.
_QUARTER = 900
#: 1970-01-01 was a Thursday; weekdays count from Monday.
_THURSDAY = 3
_EPOCH = date(1970, 1, 1)


class Wall(NamedTuple):
    """Of each moment the day (days since 1970-01-01), the second of that day, and what follows
    from these: ``hour`` 0-23, ``weekday`` 0-6 from Monday on."""

    day: Ints
    second: Floats

    @property
    def hour(self) -> Ints:
        return (self.second // 3600).astype(np.int64)

    @property
    def weekday(self) -> Ints:
        return (self.day + _THURSDAY) % 7


def wall(at: Floats, zone: ZoneInfo) -> Wall:
    """What clocks in a time zone showed at these moments (seconds since the epoch)."""
    local = at + _offsets(at, zone)
    day = np.floor(local / DAY)
    return Wall(day.astype(np.int64), local - day * DAY)


def days(start: float, end: float, zone: ZoneInfo) -> range:
    """The days (since 1970-01-01) that a time touches; its end is not part of it."""
    edges = wall(np.array([start, np.nextafter(end, start)]), zone).day
    return range(int(edges[0]), int(edges[1]) + 1)


def named(day: int) -> str:
    """``2026-11-23``."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def mondays(day: Ints) -> Ints:
    """The Mondays of the weeks of days."""
    return day - (day + _THURSDAY) % 7


def buckets(of: range, weekly: bool) -> Sequence[int]:
    """The days, or the Mondays of the weeks, that a time touches."""
    if not weekly:
        return list(of)
    return [int(day) for day in np.unique(mondays(np.array(of, dtype=np.int64)))]


def _offsets(at: Floats, zone: ZoneInfo) -> Floats:
    """Seconds by which clocks were ahead of UTC. Few days have a change: those are looked at by
    the quarter of an hour."""
    dates, place = np.unique(at // DAY, return_inverse=True)
    begins = _told(dates * DAY, zone)
    changes = begins != _told((dates + 1) * DAY, zone)
    found: Floats = begins[place]
    within = changes[place]
    quarters, place = np.unique(at[within] // _QUARTER, return_inverse=True)
    found[within] = _told(quarters * _QUARTER, zone)[place]
    return found


def _told(moments: Floats, zone: ZoneInfo) -> Floats:
    offsets = (datetime.fromtimestamp(at, zone).utcoffset() for at in moments.tolist())
    return np.array([one.total_seconds() if one else 0.0 for one in offsets], dtype=np.float64)
