"""Firings as two pictures: by day and severity, and by weekday and hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from models.database import Database
from services.health.scopes import sees
from services.identity import Scope
from services.insights.calendar import days, named, wall
from services.insights.desk import Question
from services.insights.firings import Firings, Wanted, firings
from services.inventory.fleet import Fleet

#: From what is read first to what is read last.
SEVERITIES = ("critical", "warning", "info")


def counted(
    database: Database, fleet: Fleet, start: float, end: float, scope: Scope
) -> Counter[str]:
    """How often each rule fired from ``start`` on and before ``end`` (seconds since the epoch), of
    what a caller may know of."""
    found = _found(database, fleet, start, end, Wanted(), scope)
    return Counter({found.rules[n]: int(c) for n, c in enumerate(_counts(found)) if c})


def grid(database: Database, fleet: Fleet, asked: Question, scope: Scope) -> Mapping[str, Any]:
    """``days``: when they begin, in seconds since the epoch; ``bySeverity``: firings of each of
    them by severity; ``week``: firings by weekday (Monday first) and hour, 7 lists of 24. All by
    the question's clock."""
    found = _found(database, fleet, asked.start, asked.end, asked.wanted, scope)
    clock = wall(found.opened, asked.zone)
    of = days(asked.start, asked.end, asked.zone)
    place = clock.day - of.start
    known = {
        name: np.bincount(
            place[np.array([found.severities[n] == name for n in found.severity], dtype=bool)],
            minlength=len(of),
        )
        for name in SEVERITIES
    }
    week = np.bincount(clock.weekday * 24 + clock.hour, minlength=7 * 24).reshape(7, 24)
    return {
        "days": [_midnight(day, asked.zone) for day in of],
        "bySeverity": {name: counts.tolist() for name, counts in known.items()},
        "week": week.tolist(),
    }


def _midnight(day: int, zone: ZoneInfo) -> float:
    return datetime.combine(date.fromisoformat(named(day)), time(), zone).timestamp()


def _found(
    database: Database, fleet: Fleet, start: float, end: float, wanted: Wanted, scope: Scope
) -> Firings:
    with database.read() as session:
        return firings(session, start, end, lambda target: sees(fleet, target, scope), wanted)


def _counts(found: Firings) -> Any:
    return np.bincount(found.rule, minlength=len(found.rules))
