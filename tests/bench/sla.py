"""Service levels over a year with 1,000,000 changes of status (tests.support.year), and burn rates
of 2,000 tenants, of which a twentieth has trouble."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import delete, insert

from models.accounts import SlaReport
from models.database import Database
from models.quiet import MaintenanceRow
from models.targets import StatusInterval
from services.insights.sla import files
from services.inventory.members import remember
from services.rule import Rule
from tests.bench.databases import postgres, sqlite
from tests.bench.table import Row, quantile, table
from tests.support import year
from tests.support.sla import Place

TURNS = 40
MONTH = "2025-12"
MANY, BUSY = 2_000, 100
#: Windows in the plan: a tenth is about everybody, the others about one tenant each.
WINDOWS = 300


def sla(_install: Callable[..., Any] | None = None) -> list[Row]:
    """All figures; some minutes."""
    rows: list[Row] = []
    for opened in (sqlite, postgres):
        with opened() as database:
            rows += _year(database)
        with opened() as database:
            rows += _burning(database)
    return rows


def _year(database: Database) -> list[Row]:
    made = year.fill(database, 7)
    place = Place(database, made.until + 3600)
    given = year.inventory()
    for spec in given["vps"][:3]:
        spec["tenants"] = ["hosted"]
    given["tenants"].append({"id": "hosted", "slaPolicy": {"maintenance": "excluded"}})
    for spec in given["tenants"][:50]:
        spec["slaPolicy"] = {"maintenance": "excluded", "degraded": "down"}
    place.inventory(**given)
    with database.write() as session:  # as if it had always been there
        session.execute(delete(_table("tenant_members")))
        session.execute(delete(_table("tenant_terms")))
        remember(session, place.fleet, set(place.fleet.keys()), 0.0)
        session.execute(insert(MaintenanceRow), list(_windows(given)))
    reports = place.desk.reports
    kind = "SQLite" if database.dialect == "sqlite" else "PostgreSQL"
    ids = [spec["id"] for spec in given["tenants"]]
    plain, strict = ids[50:100], ids[:50]
    start, end = made.until - 30 * 86400, made.until
    questions: tuple[tuple[str, Callable[[int], object], float | None], ...] = (
        ("report of a tenant, a month", lambda n: reports.one(plain[n % 50], MONTH), 100),
        (
            f"the same without maintenance, {WINDOWS} windows planned",
            lambda n: reports.one(strict[n % 50], MONTH), 100,
        ),
        ("report of a tenant on 3 servers", lambda _: reports.one("hosted", MONTH), 100),
        ("account of 30 d with burn rates", lambda n: place.desk.tenant(plain[n % 50], start, end),
         100),
        ("accounts of all 101 tenants, 30 d", lambda _: place.desk.accounts(ids, start, end), None),
    )  # fmt: skip
    rows = [_row(f"{kind}, {name}", run, aim) for name, run, aim in questions]
    began = time.perf_counter()
    count = reports.make_due(seconds=1e9)
    took = time.perf_counter() - began
    rows.append(Row(f"{kind}, making {count} reports", f"{1000 * took / count:.1f} ms each"))
    rows.append(_row(f"{kind}, a kept report", lambda n: reports.one(plain[n % 50], MONTH), 100))
    rows.append(
        _row(f"{kind}, a page of 100 reports", lambda _: reports.page(ids, None, 100), None)
    )
    body = reports.one("hosted", MONTH)
    rows.append(_row(f"{kind}, a report as PDF", lambda _: files.as_pdf(body), None))
    with database.write() as session:
        session.execute(delete(SlaReport))
    return rows


def _table(name: str) -> Any:
    return SlaReport.metadata.tables[name]


def _windows(given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for n in range(WINDOWS):
        tenant = given["tenants"][n % 100]["id"]
        scope = {"everything": True} if n % 10 == 0 else {"tenant": [tenant]}
        schedule = {"type": "daily", "at": f"{n % 24:02}:00", "minutes": 30}
        yield {
            "id": f"window-{n}", "name": f"work {n}", "created_at": 0.0, "created_by": "bench",
            "spec": {"schedule": schedule, "scope": scope},
        }  # fmt: skip


def _burning(database: Database) -> list[Row]:
    """2,000 tenants with two applications each; a day with a change an hour of each that has
    trouble."""
    rng, now = random.Random(3), year.UNTIL
    place = Place(database, now)
    place.inventory(
        vps=[{"id": "vps-1", "services": [{"name": "api", "type": "backend"}]}],
        tenants=[
            {"id": f"t{n}", "services": [
                {"name": name, "url": "https://x.example", "runsOn": "vps-1/api"}
                for name in ("web", "api")
            ]}
            for n in range(MANY)
        ],
    )  # fmt: skip
    place.rules = [
        Rule.model_validate(
            {
                "id": metric.lower(), "name": metric, "severity": "critical",
                "condition": {"metric": metric, "operator": "greaterThan", "value": 14.4},
            }
        )
        for metric in ("sla.burnRate", "sla.burnRateSlow")
    ]  # fmt: skip
    with database.read() as session:
        found = session.execute(_table("targets").select()).all()
    rows = []
    for row in found:
        if row.kind != "application":
            continue
        busy = int(row.key[2:].partition("/")[0]) < BUSY
        moment, status = now - 86400, "healthy"
        while busy and moment < now - 3600:
            stop = moment + rng.uniform(600, 6600)
            rows.append(_interval(row.id, status, moment, stop))
            moment, status = stop, "unhealthy" if status == "healthy" else "healthy"
        rows.append(_interval(row.id, status, moment, None))
    with database.write() as session:
        session.execute(insert(StatusInterval), rows)
    kind = "SQLite" if database.dialect == "sqlite" else "PostgreSQL"
    burning = sum(j.metrics["sla.burnRate"] > 0 for j in place.desk.figures().values())
    name = f"{kind}, burn rates of {MANY} tenants ({burning} burn)"
    return [_row(name, lambda _: place.desk.figures(), 1000, turns=15)]


def _interval(target: int, status: str, start: float, end: float | None) -> dict[str, Any]:
    return {
        "target_id": target, "status": status, "previous": None, "started_at": start,
        "ended_at": end, "reason": "", "evidence": {},
    }  # fmt: skip


def _row(what: str, run: Callable[[int], object], aim: float | None, turns: int = TURNS) -> Row:
    """By the clock, and the CPU of this thread, which others cannot lengthen as much."""
    took, cpu = [], []
    for turn in range(turns + 1):
        began, worked = time.perf_counter(), time.thread_time()
        run(turn)
        took.append(1000 * (time.perf_counter() - began))
        cpu.append(1000 * (time.thread_time() - worked))
    p95 = quantile(took[1:], 0.95)
    median, work = quantile(took[1:], 0.5), quantile(cpu[1:], 0.5)
    figure = f"{p95:.1f} ms (median {median:.1f}, CPU {work:.1f})"
    aimed = (f"<= {aim:g} ms", p95 <= aim) if aim else ("", None)
    return Row(f"{what}, p95", figure, *aimed)


if __name__ == "__main__":
    print(table(sla()), file=sys.stdout)
