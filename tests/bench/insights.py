"""Analytics of alerts in a year of history: 30 days beside the 30 before, for whoever sees the
whole fleet and for one tenant, on SQLite and PostgreSQL, with 10,000 and 100,000 alerts. Nothing
is kept between two questions."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import psutil

from models.database import Database
from services.identity import Scope
from services.insights.desk import Insights, Question
from services.insights.firings import Wanted
from tests.bench.databases import postgres, sqlite
from tests.bench.table import Row, table
from tests.support import year

AIM = 300.0
TURNS = 9
SIZES = (10_000, 100_000)
DAY = 86400.0
ZONE = ZoneInfo("Europe/Amsterdam")
#: What is asked, of how many days, and whether the aim holds for it.
ASKED: Mapping[str, tuple[float, float, Wanted, Scope, bool]] = {
    "30 days": (30, 0, Wanted(), None, True),
    "30 days, half a year ago": (30, 180, Wanted(), None, True),
    "30 days of one tenant's": (30, 0, Wanted(), frozenset({"tenant-011"}), True),
    "30 days of a rule": (30, 0, Wanted(rules=("service-down",)), None, True),
    "30 days that reach a tenant": (30, 0, Wanted(tenants=("tenant-011",)), None, True),
    "a day": (1, 0, Wanted(), None, True),
    "the whole year": (365, 0, Wanted(), None, False),
}


def insights(_install: Callable[..., Any] | None = None) -> list[Row]:
    """All figures; some minutes, most of which the histories take to be made."""
    rows = []
    for alerts in SIZES:
        for kind, opened in (("SQLite", sqlite), ("PostgreSQL", postgres)):
            with opened() as database:
                made = year.fill(database, 1, alerts=alerts, changes=10 * alerts)
                rows += _measured(f"{kind}, {alerts:,} alerts", database, made)
    return rows


def _measured(where: str, database: Database, made: year.Year) -> list[Row]:
    desk = Insights(database, lambda: made.fleet, 300.0, clock=lambda: made.until)
    rows = []
    for name, (days, ago, wanted, scope, aimed) in ASKED.items():
        end = made.until - ago * DAY
        asked = Question(end - days * DAY, end, wanted, ZONE)
        took, worked = [], []
        for _ in range(TURNS):
            began, used = time.perf_counter(), time.process_time()
            found = desk.analytics(asked, scope)
            took.append(1000 * (time.perf_counter() - began))
            worked.append(1000 * (time.process_time() - used))
        middle = statistics.median(took)
        rows.append(
            Row(
                f"{where}: analytics of {name} ({found['totals']['firings']:,} firings)",
                f"{middle:.0f} ms (best {min(took):.0f}, CPU {min(worked):.0f})",
                f"<= {AIM:g} ms" if aimed else "",
                middle <= AIM if aimed else None,
            )
        )
    return rows


if __name__ == "__main__":
    load = psutil.getloadavg()[0]
    sys.stdout.write(f"{psutil.cpu_count()} cores, {load:.1f} load before the start\n")
    print(table(insights()))
