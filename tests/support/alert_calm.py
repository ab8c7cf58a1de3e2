"""Scenes in which nobody must be told of anything, or of the monitor alone: its network is lost,
an agent dies on a server that is well, a healthy fleet is as noisy as healthy fleets are."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import Future
from typing import NamedTuple

from models.database import Database
from services.alerts.engine import Engine, Habits
from services.alerts.quiet.now import Quiet
from services.alerts.rules.defaults import DEFAULT_RULES
from services.alerts.steps import Kind, Step
from services.collect.batch import Bare, Batch, Platform
from services.collect.judge import Act, Judge
from services.collect.sight import Sighting
from services.health.board import Board
from services.health.graph import Graph
from services.inventory.fleet import Fleet
from services.observation import CheckResult
from services.rule import Rulebook
from tests.support.alert_course import (
    EPOCH,
    LOCAL,
    Course,
    Metrics,
    Trouble,
    fleet_of,
    server,
    service,
    tenant,
)
from tests.support.alert_scenes import DEAD, TENANTS, crowded
from tests.support.alert_stage import Found, Stage

NETWORK = f"{LOCAL}/healthdeck-network"
#: Seconds from one burst of a machine to the next, at least.
REST = 60.0
SERVICES = (
    ("api", "backend"), ("web", "frontend"), ("postgres", "database"), ("redis", "redis"),
    ("s3", "s3"),
)  # fmt: skip


def usual(servers: int) -> Fleet:
    """Servers with five services and two tenants each."""
    names = [f"vps-{n}" for n in range(1, servers + 1)]
    tenants = [tenant(f"tenant-{n}-{i}", f"{n}/{on}") for n in names for i, on in (
        (1, "api"), (2, "web"),
    )]  # fmt: skip
    return fleet_of([server(n, [service(*of) for of in SERVICES]) for n in names], tenants)


def goes_blind(database: Database, seed: int, seconds: float = 300.0) -> None:
    """The monitor loses its network, its witnesses included: that is all it speaks of."""
    dice = random.Random(seed)
    begin = EPOCH + dice.uniform(90, 150)
    lost = Trouble("", begin, begin + seconds, dice.choice(["cut off", "in the dark"]))
    stage = Stage(database, Course(usual(10), seed, [lost]))
    try:
        stage.play(lost.end - EPOCH - 1)
        during = Found(database)
        assert during.told() == [NETWORK]
        stage.play(lost.end - EPOCH + 300)
    finally:
        stage.close()
    found = Found(database)
    assert [(a.rule_id, a.target) for a in found.alerts] == [("service-down", NETWORK)]
    assert (found.told(), found.told("alert.resolved")) == ([NETWORK], [NETWORK])
    assert found.standing() == []


def agent_dies(database: Database, seed: int) -> None:
    """What runs on the server is well: one alert, and nothing hangs on it."""
    dice = random.Random(seed)
    begin = EPOCH + dice.uniform(90, 150)
    gone = Trouble(DEAD, begin, begin + dice.uniform(240, 420), "no report")
    stage = Stage(database, Course(crowded(needs=False), seed, [gone]))
    try:
        stage.play(gone.end - EPOCH + 200)
    finally:
        stage.close()
    found = Found(database)
    (alert,) = found.alerts
    assert (alert.rule_id, alert.target, len(alert.impact)) == ("vps-not-reporting", DEAD, TENANTS)
    assert (found.told(), found.told("alert.resolved")) == ([DEAD], [DEAD])
    assert alert.resolved_at is not None


def loses_agent_and_service(database: Database, seed: int) -> None:
    """While its agent alone is gone a service fails by itself: two troubles, two alerts; what runs
    on the service is explained by it."""
    dice = random.Random(seed)
    begin = EPOCH + dice.uniform(90, 150)
    failing = f"{DEAD}/web-{dice.randrange(12)}"
    fails = begin + dice.uniform(100, 200)
    troubles = [
        Trouble(DEAD, begin, begin + 900, "no report"), Trouble(failing, fails, fails + 400),
    ]  # fmt: skip
    stage = Stage(database, Course(crowded(needs=False), seed, troubles))
    try:
        stage.play(begin - EPOCH + 900 + 200)
    finally:
        stage.close()
    found = Found(database)
    assert found.told() == [DEAD, failing]
    assert found.told("alert.resolved") == [failing, DEAD]
    assert found.standing() == []
    (alert,) = found.of([failing])
    assert alert.told_at is not None
    assert alert.told_at - alert.fired_at <= 1.0, "it waits for nothing"


def bursty(dice: random.Random) -> Metrics:
    """Machines whose CPU is at its limit for a minute now and then (once in half an hour or so, by
    chance for up to 4 minutes and a half: what lasts for longer is no noise to a rule that allows
    5 minutes), whose memory is well used, whose disk fills."""
    busy_until: dict[str, float] = {}

    def read(key: str, at: float) -> dict[str, float]:
        if at >= busy_until.get(key, 0.0) + REST and dice.random() < 1 / 60:
            busy_until[key] = at + min(dice.expovariate(1 / 60), 270.0)
        busy = at < busy_until.get(key, 0.0)
        cpu = dice.uniform(90, 100) if busy else min(85.0, dice.lognormvariate(3.2, 0.5))
        return {
            "system.cpu.usage": cpu,
            "system.memory.usedPercent": min(max(dice.gauss(70, 4), 0), 100),
            "system.disk.usedPercent": 60 + (at - EPOCH) % 86400 / 86400 * 15,
        }

    return read


class Noise(NamedTuple):
    """What a healthy fleet did: full rounds, looks at targets, single probes that were lost, looks
    whose two probes both were, and the steps of rules that somebody would have heard of."""

    rounds: int
    looks: int
    lost: int
    failed: int
    steps: Sequence[Step]


def healthy_rounds(rounds: int, servers: int, seed: int, lost: float = 0.01) -> Noise:
    """Full rounds of a healthy fleet under the default rules, on judge, board and engine without
    a store: the two looks of a check are independent, and each probe is lost with ``lost``."""
    course = Course(usual(servers), seed, lost=lost, metrics=bursty)
    fleet, graph, board = course.fleet, Graph(course.fleet), Board()
    habits = Habits(course.interval, course.timeout)
    engine = Engine(Rulebook.first(DEFAULT_RULES), fleet, graph, habits, Quiet)
    acts: list[Act] = []
    clock = [EPOCH]
    judge = Judge(
        fleet, course.interval, course.timeout, lambda: clock[0],
        lambda vps_id: _at_once(course.witness(vps_id, clock[0])),
        lambda: _at_once(Sighting(True)), acts.append, lambda _failed: None,
    )  # fmt: skip
    platform, bare, heard = Platform(fleet), Bare(fleet), []
    for now, arrived in course.seconds(rounds * course.interval):
        clock[0] = now
        batch = Batch(platform, bare, board.snapshot(), engine.plan())
        for act in acts:
            act(batch, now)
        acts.clear()
        judge.take(batch, arrived, now)
        judge.let_pass(batch, now)
        batch.judge_bare(now)
        batch.judge_platform(now)
        batch.plan.settle(batch.states, now)
        engine.apply(batch.plan.steps)
        if batch.changes:
            board.apply({key: after for key, (_, after) in batch.changes.items()})
        heard += [step for step in batch.plan.steps if step.kind is not Kind.MOVED]
    return Noise(rounds, course.looks, course.lost_probes, course.failed_looks, heard)


def _at_once(answer: CheckResult | Sighting) -> Future:
    done: Future = Future()
    done.set_result(answer)
    return done
