"""How soon alerts are acknowledged and over: means, medians, ninetieth percentiles, trends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from services.insights.calendar import Wall, buckets, mondays, named
from services.insights.firings import Bools, Firings, Floats

ACKNOWLEDGEMENT = (
    "MTTA: from each firing (a reopened alert has several) to its acknowledgement, by the event "
    "log, in the period in which it fired. Left out: firings of which nobody was told (a cause "
    "explained them, maintenance, a silence), and those that nobody acknowledged, because they "
    "were over before or are open. Deleted alerts are in no figure."
)
RESOLUTION = (
    "MTTR: from each firing (a reopened alert has several) to its resolution, by itself or by "
    "hand, by the event log, in the period in which it fired. Left out: firings of which nobody "
    "was told (a cause explained them, maintenance, a silence), and those that are open. Deleted "
    "alerts are in no figure."
)

Body = dict[str, Any]


def acknowledgement(now: Firings, before: Firings, clock: Wall, of: range, weekly: bool) -> Body:
    """MTTA in seconds, with its definition, what is left out, and the period before."""
    missing = now.told & np.isnan(now.acknowledged)
    left_out = {
        **_untold(now),
        "overWithoutIt": int(np.count_nonzero(missing & ~np.isnan(now.resolved))),
        "open": int(np.count_nonzero(missing & np.isnan(now.resolved))),
    }
    told = _figures(now.waited, now.told, before.waited, before.told)
    trend = _trend(now.waited, now.told, clock, of, weekly)
    return {**told, "leftOut": left_out, "trend": trend, "definition": ACKNOWLEDGEMENT}


def resolution(now: Firings, before: Firings, clock: Wall, of: range, weekly: bool) -> Body:
    """MTTR in seconds, likewise."""
    left_out = {
        **_untold(now),
        "open": int(np.count_nonzero(now.told & np.isnan(now.resolved))),
    }
    told = _figures(now.lasted, now.told, before.lasted, before.told)
    trend = _trend(now.lasted, now.told, clock, of, weekly)
    return {**told, "leftOut": left_out, "trend": trend, "definition": RESOLUTION}


def summary(seconds: Floats) -> Body:
    """Count, mean, median and the smallest value that nine of ten do not exceed; NaN are left
    out."""
    known = np.sort(seconds[~np.isnan(seconds)])
    count = len(known)
    if not count:
        return {"count": 0, "mean": None, "median": None, "p90": None}
    return {
        "count": count,
        "mean": round(float(known.mean()), 3),
        "median": round(float(known[(count - 1) // 2] + known[count // 2]) / 2, 3),
        "p90": round(float(known[-(-9 * count // 10) - 1]), 3),
    }


def _untold(now: Firings) -> dict[str, int]:
    """Firings of which nobody was told: because a cause explained them, or for other reasons."""
    return {
        "suppressed": int(np.count_nonzero(~now.told & now.caused)),
        "nobodyTold": int(np.count_nonzero(~now.told & ~now.caused)),
    }


def _figures(now: Floats, told: Bools, before: Floats, told_before: Bools) -> Body:
    return {**summary(now[told]), "before": summary(before[told_before])}


def _trend(seconds: Floats, told: Bools, clock: Wall, of: range, weekly: bool) -> Sequence[Body]:
    """A summary for each day or week; weeks have the name of their Monday."""
    day = mondays(clock.day) if weekly else clock.day
    return [
        {"from": named(bucket), **summary(seconds[told & (day == bucket)])}
        for bucket in buckets(of, weekly)
    ]
