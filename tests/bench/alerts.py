"""Rules: what it costs to judge a full round of 1,000 servers with 5 services each by 30 rules, and
how long an alert takes from the reading that completes it to its commit, under that fleet's load.

Of the 30 rules 9 are the default ones; 15 read servers and 15 services, two wait for values that
do not come. Anomalies are measured by their own scorer.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from models.alerts import AlertRow
from models.database import Database
from services.alerts.engine import Engine, Habits
from services.alerts.quiet.now import Quiet
from services.alerts.rules.defaults import DEFAULT_RULES
from services.collect.intake import Intake
from services.events import AlertChanged, Bus, Event
from services.health import status
from services.health.board import Board
from services.health.graph import Graph
from services.health.status import Judgement
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.inventory.sync import sync
from services.observation import CheckResult, Observation, Status
from services.rule import Rule, Rulebook
from tests.bench.table import Row, quantile, table

SERVERS, ROUNDS = 1_000, 9
SERVICES = (("api", "backend"), ("web", "frontend"), ("postgres", "database"), ("redis", "redis"),
            ("s3", "s3"))  # fmt: skip
INTERVAL, TIMEOUT = 30.0, 10.0
MONDAY = 1_767_571_200.0
CPU_AIM, COMMIT_AIM = 300.0, 500.0
#: Alerts that fire, one after the other, while the load goes on for so many seconds.
FIRINGS, LOAD_SECONDS = 100, 50.0
COMPLETED = Rule.model_validate(
    {
        "id": "completed", "name": "Completed", "severity": "critical",
        "condition": {"metric": "service.status", "operator": "equals", "value": "unhealthy",
                      "duration": 2 * INTERVAL},
        "scope": {"service": ["api"]},
    }
)  # fmt: skip


def rounds(_install: Callable[..., Any] | None = None) -> list[Row]:
    """CPU of judging one round."""
    fleet = _fleet()
    well = {key: _judgement(key, 0.0, well=True) for key in _watched(fleet)}
    some = dict(well)
    dice = random.Random(1)
    for key in dice.sample(sorted(well), len(well) // 100):
        some[key] = _judgement(key, 0.0, well=False)
    what = f"{len(well):,} targets x {len(_rules())} rules"
    rows = []
    for judgements, words in ((well, "nothing holds"), (some, "1 % hold")):
        milliseconds, worst = _judge(fleet, judgements)
        rows.append(
            Row(f"judging {what}, {words}", f"{milliseconds:.0f} ms CPU (worst {worst:.0f})",
                f"<= {CPU_AIM:.0f} ms", milliseconds <= CPU_AIM)
        )  # fmt: skip
    return rows


def commits(_install: Callable[..., Any] | None = None) -> list[Row]:
    """From the reading that completes a duration to the committed alert."""
    with _sqlite() as database:
        taken, stored = _firings(database)
    p95 = quantile(taken, 0.95)
    figure = f"p95 {p95:.0f} ms, median {statistics.median(taken):.0f}, worst {max(taken):.0f}"
    words = f"reading to committed alert at {stored / LOAD_SECONDS:.0f} readings/s, SQLite"
    return [Row(words, figure, f"p95 <= {COMMIT_AIM:.0f} ms", p95 <= COMMIT_AIM)]


def _rules() -> list[Rule]:
    found = list(DEFAULT_RULES)
    host = ("cpu", "memory", "disk", "load", "network", "system.network.sent")
    found += [
        _rule(f"host-{n}", host[n % len(host)], "greaterThan", 10.0**9 + n, 60 * n)
        for n in range(10)
    ]
    for n in range(9):
        metric = ("responseTime", "uptime", "responseTime")[n % 3]
        operator, value = ("lessThan", 0.0) if metric == "uptime" else ("greaterThan", 5000.0 + n)
        found.append(_rule(f"service-{n}", metric, operator, value, 60 * n))
    found.append(_absence("quiet-host", "cpu"))
    found.append(_absence("quiet-service", "responseTime"))
    return found


def _rule(id_: str, metric: str, operator: str, value: float, duration: float) -> Rule:
    condition = {"metric": metric, "operator": operator, "value": value, "duration": duration}
    return Rule.model_validate(
        {"id": id_, "name": id_, "severity": "warning", "condition": condition}
    )


def _absence(id_: str, metric: str) -> Rule:
    condition = {"type": "absence", "metric": metric, "duration": 300}
    return Rule.model_validate(
        {"id": id_, "name": id_, "severity": "warning", "condition": condition}
    )


def _fleet() -> Fleet:
    services = [
        {"name": name, "type": type_, "check": {"tcp": f"{name}.example:80"}}
        for name, type_ in SERVICES
    ]
    vps = [
        {"id": f"vps-{n}", "source": {"type": "agent"}, "services": services}
        for n in range(SERVERS)
    ]
    return Fleet.build(Inventory.model_validate({"vps": vps}), "here", "cache")


def _watched(fleet: Fleet) -> list[str]:
    return [
        key
        for vps_id, spec in fleet.vps.items()
        if vps_id != fleet.local
        for key in (vps_id, *(f"{vps_id}/{one.name}" for one in spec.services))
    ]


def _observation(key: str, at: float, *, well: bool) -> Observation:
    if "/" not in key:
        cpu = 20.0 if well else 97.0
        metrics = {
            "system.cpu.usage": cpu, "system.memory.usedPercent": 40.0, "system.load.1m": 1.0,
            "system.disk.usedPercent": 50.0, "system.network.received": 1e5,
        }  # fmt: skip
        return Observation(key, at, metrics)
    if well:
        return Observation(key, at, check=CheckResult(Status.HEALTHY, "is healthy", 40.0, 1e5))
    evidence = {"error": "ConnectionRefusedError"}
    failed = CheckResult(Status.UNHEALTHY, "connection refused", evidence=evidence)
    return Observation(key, at, check=failed)


def _judgement(key: str, at: float, *, well: bool) -> Judgement:
    return status.judge(None, _observation(key, MONDAY + at, well=well))


def _judge(fleet: Fleet, judgements: Mapping[str, Judgement]) -> tuple[float, float]:
    """Milliseconds of CPU for one round: median and worst, after a first that learns who judges
    whom."""
    engine = Engine(Rulebook.first(_rules()), fleet, Graph(fleet), Habits(INTERVAL, TIMEOUT), Quiet)
    taken = []
    for turn in range(ROUNDS + 1):
        now, plan = MONDAY + turn * INTERVAL, engine.plan()
        began = time.process_time()
        for key, judgement in judgements.items():
            plan.judge(key, judgement, now)
        taken.append(1000 * (time.process_time() - began))
        engine.apply(plan.steps)
    return statistics.median(taken[1:]), max(taken[1:])


@contextmanager
def _sqlite() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/bench.db")
        database.migrate()
        yield database
        database.close()


class _Commits:
    """When each alert was said to be committed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.at: dict[str, float] = {}
        self.came = threading.Event()

    def hear(self, event: Event) -> None:
        moment = time.perf_counter()
        if isinstance(event, AlertChanged):
            self.at.setdefault(event.alert_id, moment)
            self.came.set()

    def by_target(self) -> dict[str, float]:
        with self._database.read() as session:
            return {session.get_one(AlertRow, id_).target: at for id_, at in self.at.items()}


def _firings(database: Database) -> tuple[list[float], int]:
    """Milliseconds of each firing, and how many readings were stored meanwhile."""
    fleet = _fleet()
    now = time.time()
    with database.write() as session:
        sync(session, fleet, now)
    bus, graph, commits = Bus(), Graph(fleet), _Commits(database)
    bus.subscribe(commits.hear)
    rules = Rulebook.first([*_rules(), COMPLETED])
    engine = Engine(rules, fleet, graph, Habits(INTERVAL, TIMEOUT), Quiet)
    intake = Intake(database, fleet, graph, Board(), engine, bus, INTERVAL, TIMEOUT)
    intake.start()
    try:
        keys = _watched(fleet)
        failing = [f"vps-{n * SERVERS // FIRINGS}/api" for n in range(FIRINGS)]
        intake.submit([_observation(key, now - INTERVAL, well=True) for key in keys])
        intake.flush(60)
        before = intake.stats().stored
        began = _load(intake, [key for key in keys if key not in set(failing)], failing)
        intake.flush(60)
        stored = intake.stats().stored - before
    finally:
        intake.stop()
    ended = commits.by_target()
    return [1000 * (ended[key] - at) for key, at in began.items()], stored


def _load(intake: Intake, keys: list[str], failing: list[str]) -> dict[str, float]:
    """Gives every target its reading once an interval, evenly spread, a tick each second, and the
    failing ones one after the other the reading that completes their duration, before a tick
    could: all but that is given at the start."""
    began: dict[str, float] = {}
    order = random.Random(2).sample(keys, len(keys))
    start, first = time.perf_counter(), time.time()
    given, ticked, pause = 0, 0.0, threading.Event()
    due_at = [(n + 0.5) * LOAD_SECONDS / len(failing) for n in range(len(failing))]
    for back in (2 * INTERVAL, INTERVAL):
        times = [first + at - back for at in due_at]
        earlier = zip(failing, times, strict=True)
        intake.submit([_observation(key, at, well=False) for key, at in earlier])
    while (passed := time.perf_counter() - start) < LOAD_SECONDS:
        if len(began) < len(failing) and passed >= due_at[len(began)]:
            key = failing[len(began)]
            began[key] = time.perf_counter()
            intake.submit([_observation(key, time.time(), well=False)])
        due = int(passed * len(keys) / INTERVAL)
        now = time.time()
        intake.submit(
            [_observation(order[n % len(order)], now, well=True) for n in range(given, due)]
        )
        given = due
        if passed >= ticked:
            ticked += 1.0
            intake.tick()
        pause.wait(0.01)
    return began


if __name__ == "__main__":
    print(table([*rounds(), *commits()]))
