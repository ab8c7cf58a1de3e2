"""Lists of alerts in a year of history: each filter and each sort, for whoever sees the whole fleet
and for one tenant, on SQLite and PostgreSQL, with 10,000 and 100,000 alerts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from models.database import Database
from services.cache import Cache
from services.health.board import Board
from services.health.graph import Graph
from services.identity import Scope
from services.views.alert_lists import AlertFilter
from services.views.reader import Reader
from tests.bench.databases import postgres, sqlite
from tests.bench.table import Row, table
from tests.support import year

AIM = 50.0
TURNS = 7
SIZES = (10_000, 100_000)
ALL = ("all",)
_MONTH_AGO = year.UNTIL - 30 * 86400

FILTERS: Mapping[str, AlertFilter] = {
    "no filter": AlertFilter(),
    "status all": AlertFilter(ALL),
    "status resolved": AlertFilter(("resolved",)),
    "status acknowledged or snoozed": AlertFilter(("acknowledged", "snoozed")),
    "severity": AlertFilter(ALL, severity=("critical",)),
    "severity, unresolved": AlertFilter(severity=("critical",)),
    "a severity that no alert has": AlertFilter(ALL, severity=("info",)),
    "rule": AlertFilter(ALL, rule=("high-memory-usage",)),
    "server": AlertFilter(ALL, vps=("vps-07",)),
    "service": AlertFilter(ALL, service=("postgres",)),
    "service on one server": AlertFilter(ALL, service=("vps-07/postgres",)),
    "tenant": AlertFilter(ALL, tenant=("tenant-007",)),
    "tenant that nothing reached": AlertFilter(ALL, tenant=("tenant-none",)),
    "suppressed": AlertFilter(ALL, suppressed=True),
    "false positive": AlertFilter(ALL, false_positive=True),
    "a month": AlertFilter(ALL, since=_MONTH_AGO, until=year.UNTIL),
    "a month of a tenant": AlertFilter(ALL, tenant=("tenant-007",), since=_MONTH_AGO),
    "text that many have": AlertFilter(ALL, q="Server"),
    "text that some have": AlertFilter(ALL, q="code 123"),
    "text that none has": AlertFilter(ALL, q="no such words"),
    "text, severity, server": AlertFilter(ALL, ("warning",), vps=("vps-07",), q="code 12"),
    "text that none has, severity": AlertFilter(ALL, ("warning",), q="no such words"),
    "sorted by severity": AlertFilter(ALL, sort="-severity"),
    "sorted by end": AlertFilter(ALL, sort="-resolvedAt"),
    "sorted by duration": AlertFilter(ALL, sort="-duration"),
    "the shortest of a server": AlertFilter(ALL, vps=("vps-07",), sort="duration"),
}


def lists(_install: Callable[..., Any] | None = None) -> list[Row]:
    """All figures; some minutes, most of which the histories take to be made."""
    rows = []
    for alerts in SIZES:
        for kind, opened in (("SQLite", sqlite), ("PostgreSQL", postgres)):
            with opened() as database:
                made = year.fill(database, 1, alerts=alerts, changes=10 * alerts)
                rows += _measured(f"{kind}, {alerts:,} alerts", _reader(database, made))
    return rows


def _reader(database: Database, made: year.Year) -> Reader:
    cache = Cache(None)
    return Reader(database, Board(), made.fleet, Graph(made.fleet), cache, 30, lambda: made.until)


def _measured(where: str, read: Reader) -> list[Row]:
    rows = []
    callers: Mapping[str, Scope] = {"": None, ", one tenant's": frozenset({"tenant-011"})}
    for name, wanted in FILTERS.items():
        for who, scope in callers.items():
            first = _best(lambda wanted=wanted, scope=scope: read.alerts(scope, wanted))  # type: ignore[misc]
            found = read.alerts(scope, wanted)
            total = "many" if found.total is None else found.total
            figure = f"{first:.1f} ms ({len(found.rows)} of {total})"
            if found.last is not None:
                after = found.last
                later = _best(
                    lambda wanted=wanted, scope=scope, after=after: read.alerts(  # type: ignore[misc]
                        scope, wanted, after=after
                    )
                )
                figure += f", next page {later:.1f} ms"
                first = max(first, later)
            rows.append(Row(f"{where}: {name}{who}", figure, f"<= {AIM:g} ms", first <= AIM))
    return rows


def _best(run: Callable[[], object]) -> float:
    """Milliseconds of the fastest of some turns, which others disturbed least."""
    took = []
    for _ in range(TURNS):
        began = time.perf_counter()
        run()
        took.append(time.perf_counter() - began)
    return 1000 * min(took)


if __name__ == "__main__":
    print(table(lists()), file=sys.stdout)
