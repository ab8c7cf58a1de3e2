"""Previews of rules: 30 days of 100 servers with a reading every 30 s.

Days that are old enough lie packed, as the job packs them, and the last two are rows. CPU is
noisy; on about fifty occasions it stays above the limit for 20 minutes, and a service is down as
often.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import numpy as np
import psutil
from sqlalchemy import text

from models.database import Database
from models.history import Block
from models.targets import StatusInterval
from services.alerts.anomaly import Detector
from services.alerts.preview.desk import Draft, Previews
from services.health.graph import Graph
from services.history import bulk, codec, write
from services.history.stored import DAY, HOST, HOUR
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.rule import Rule, Rulebook
from tests.bench.databases import postgres, sqlite
from tests.bench.table import Row, table

MONDAY = 1_767_571_200
DAYS, MACHINES, STEP = 30, 100, 30
NOW = MONDAY + DAYS * DAY
FIRINGS = 50
KINDS = 20
TURNS = 5


def preview() -> list[Row]:
    """All figures of previews; building the past takes most of the time."""
    rows = []
    for opened, name in ((sqlite, "SQLite"), (postgres, "PostgreSQL")):
        with opened() as database:
            _build(database)
            rows += _measured(database, name)
    return rows


def _fleet() -> Fleet:
    vps = [
        {
            "id": f"vps-{n}",
            "source": {"type": "agent"},
            "services": [{"name": "postgres", "type": "database"}],
        }
        for n in range(MACHINES)
    ]
    return Fleet.build(Inventory.model_validate({"vps": vps}), "here", "cache")


@cache
def _kinds() -> list[tuple[list[tuple[int, bytes]], list[tuple[Any, ...]]]]:
    """The past of each kind of machine: its packed days, and the rows of the last two. Packing
    takes a while, so there are several machines of each kind."""
    rng, count, kinds = np.random.default_rng(20), DAY // STEP, []
    hot = rng.integers(0, DAYS * count - 200, FIRINGS * KINDS // MACHINES)
    for kind in range(KINDS):
        cpu = np.clip(35 + rng.normal(0, 6, DAYS * count), 0, 100)
        cpu[rng.random(len(cpu)) < 0.01] = 95.0  # bursts, too short to count
        for begin in hot[kind::KINDS]:
            cpu[begin : begin + 40] = 96.5
        others = np.round(np.clip(50 + np.cumsum(rng.normal(0, 0.02, (9, len(cpu))), 1), 1, 99), 4)
        columns = np.vstack((np.round(cpu, 3), others))
        blocks = []
        for day in range(DAYS - 2):
            part = columns[:, day * count : (day + 1) * count]
            at = np.arange(MONDAY + day * DAY, MONDAY + (day + 1) * DAY, STEP)
            of_day = {stored.number: part[place] for place, stored in enumerate(HOST)}
            blocks.append((MONDAY + day * DAY, codec.encode(at, of_day)))
        begin = (DAYS - 2) * count
        rows = [
            (MONDAY + (begin + place) * STEP, *row)
            for place, row in enumerate(columns[:, begin:].T.tolist())
        ]
        kinds.append((blocks, rows))
    return kinds


def _build(database: Database) -> None:
    keys = [f"vps-{n}" for n in range(MACHINES)]
    with database.write() as session:
        ids = write.target_ids(session, [*keys, *(f"{key}/postgres" for key in keys)])
    for number, key in enumerate(keys):
        blocks, rows = _kinds()[number % KINDS]
        target = ids[key]
        with database.write() as session:
            packed = [(day, target, data) for day, data in blocks]
            bulk.insert(session, Block, ("day", "target_id", "data"), packed, "UPDATE")
            hours = {(target, row[0] // HOUR * HOUR) for row in rows}
            write.rows(session, [(target, *row) for row in rows], [], hours)
    _statuses(database, [ids[f"{key}/postgres"] for key in keys])
    if database.dialect == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as open_:
            open_.execute(text("VACUUM ANALYZE"))


def _statuses(database: Database, ids: list[int]) -> None:
    rng = np.random.default_rng(30)
    rows: list[tuple[object, ...]] = []
    down = sorted(rng.integers(0, DAYS * DAY - HOUR, FIRINGS).tolist())
    for place, target in enumerate(ids):
        at = float(MONDAY)
        for begin in down[place::MACHINES]:
            for status, end in (("healthy", MONDAY + begin), ("unhealthy", MONDAY + begin + 600)):
                rows.append((target, status, None, at, float(end), "", "{}"))
                at = float(end)
        rows.append((target, "healthy", None, at, None, "", "{}"))
    columns = ("target_id", "status", "previous", "started_at", "ended_at", "reason", "evidence")
    with database.write() as session:
        bulk.insert(session, StatusInterval, columns, rows)


def _measured(database: Database, kind: str) -> list[Row]:
    fleet = _fleet()
    graph, book = Graph(fleet), Rulebook.first(())
    previews = Previews(
        database, lambda: fleet, lambda: graph, lambda: book, 300.0, STEP, 10.0, Detector,
        clock=lambda: float(NOW),
    )  # fmt: skip
    rows = []
    for what, metric, operator, value, aim in (
        ("CPU above 90 % for 5 min", "cpu", "greaterThan", 90, 6.0),
        ("a database unhealthy for 1 min", "database.status", "equals", "unhealthy", 6.0),
        ("CPU above 35 % at once (the worst case)", "cpu", "greaterThan", 35, None),
    ):
        condition = {
            "metric": metric, "operator": operator, "value": value,
            "duration": {90: 300, "unhealthy": 60, 35: 0}[value],
        }  # fmt: skip
        given = {"id": "draft", "name": "Draft", "severity": "warning", "condition": condition}
        rule = Rule.model_validate(given)
        took, worked = [], []
        for _ in range(TURNS):
            began, used = time.perf_counter(), time.process_time()
            running = previews.begin(Draft(rule, NOW - DAYS * DAY, NOW), None)
            outcome = running.outcome
            running.close()
            took.append(time.perf_counter() - began)
            worked.append(time.process_time() - used)
        name = f"{kind}, preview over {DAYS} d of {outcome.targets} targets: {what}"
        rows.append(
            Row(
                f"{name}, {outcome.count} firings",
                f"{max(took):.1f} s (best of {TURNS}: {min(took):.1f}, CPU {min(worked):.1f})",
                "" if aim is None else f"<= {aim:g} s",
                None if aim is None else max(took) <= aim,
            )
        )
    return rows


if __name__ == "__main__":
    print(f"{psutil.cpu_count()} cores, {psutil.getloadavg()[0]:.1f} load before the start")
    print(table(preview()))
