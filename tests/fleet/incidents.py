"""What goes wrong in a fleet, in the past of a demo and while it is shown."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.fleet.plan import Plan

_TLS = ("tls", "https")


@dataclass(frozen=True)
class Scenario:
    """``who`` chooses the target: ``vps``, ``app``, ``tls`` or the name of a service. ``seconds``:
    the shortest and the longest that it lasts."""

    kind: str
    who: str
    seconds: tuple[float, float]
    words: str
    detail: Mapping[str, Any] = field(default_factory=dict)


SCENARIOS = (
    Scenario("refuse", "postgres", (130, 240), "refuses connections", {"spread": True}),
    Scenario("slow", "backend-api", (240, 420), "answers slowly", {"ms": 1800, "spread": True}),
    Scenario("5xx", "app", (150, 300), "fails inside", {"status": 500}),
    Scenario("degraded", "backend-api", (120, 240), "misses a part of its database"),
    Scenario("hang", "redis", (130, 200), "hangs"),
    Scenario("flap", "nexus-frontend", (180, 300), "comes and goes", {"period": 50}),
    Scenario("disk", "vps", (700, 1000), "fills its disk", {"to": 0.96, "over": 90}),
    Scenario("leak", "vps", (420, 700), "loses its memory", {"to": 0.93, "over": 90}),
    Scenario("busy", "vps", (300, 480), "has no CPU left"),
    Scenario("down", "vps", (180, 300), "is down"),
    Scenario("expired", "tls", (150, 300), "shows an expired certificate"),
)
#: Over before most rules fire: what makes a fleet look alive.
BLIPS = (
    Scenario("5xx", "app", (35, 70), "fails inside", {"status": 500}),
    Scenario("refuse", "redis", (30, 50), "restarts"),
    Scenario("degraded", "backend-api", (40, 80), "misses a part of its database"),
    Scenario("5xx", "nexus-frontend", (30, 60), "is deployed", {"status": 502}),
)
_OF_SERVICES = tuple(one for one in SCENARIOS if one.who != "vps")
_OF_SERVERS = tuple(one for one in SCENARIOS if one.who == "vps")


@dataclass(frozen=True)
class Incident:
    """From ``start`` to ``end``: seconds since the epoch, or since the script began."""

    scenario: Scenario
    target: str
    start: float
    end: float


def past(plan: Plan, start: float, end: float, a_day: float = 2.0) -> list[Incident]:
    """The incidents of a span of time, one after the other, longer ones than are shown live."""
    found: list[Incident] = []
    rng, pause = random.Random(f"{plan.seed}:past"), (12 / a_day * 3600, 36 / a_day * 3600)
    for incident in _one_by_one(plan, SCENARIOS, rng, start + rng.uniform(*pause), pause, 3):
        if incident.end > end - 3600:
            return found
        found.append(incident)
    return found


def script(plan: Plan) -> Iterator[Incident]:
    """Incidents to be shown, in the order of their ``start`` (from the beginning of the show) and
    without end: always something with a service, with a server, and short ones beside them."""
    courses: tuple[tuple[Sequence[Scenario], float, tuple[float, float]], ...] = (
        (_OF_SERVICES, 15.0, (20, 50)),
        (_OF_SERVERS, 75.0, (30, 90)),
        (BLIPS, 40.0, (25, 60)),
    )
    shown = (
        _one_by_one(plan, scenarios, random.Random(f"{plan.seed}:script:{at}"), first, pause, 1)
        for at, (scenarios, first, pause) in enumerate(courses)
    )
    return heapq.merge(*shown, key=lambda incident: incident.start)


def _one_by_one(
    plan: Plan,
    scenarios: Sequence[Scenario],
    rng: random.Random,
    at: float,
    pause: tuple[float, float],
    longest: float,
) -> Iterator[Incident]:
    """One after the other from ``at`` on, each up to ``longest`` times as long as it says."""
    possible = [one for one in scenarios if _target(plan, one.who, rng) is not None]
    while possible:
        order = list(possible)
        rng.shuffle(order)
        for scenario in order:
            target = _target(plan, scenario.who, rng)
            if target is not None:
                seconds = rng.uniform(*scenario.seconds) * rng.uniform(1, longest)
                yield Incident(scenario, target, at, at + seconds)
                at += seconds + rng.uniform(*pause)


def _target(plan: Plan, who: str, rng: random.Random) -> str | None:
    keys = {
        "vps": lambda: [vps.id for vps in plan.vps],
        "app": lambda: [app.key for app in plan.apps()],
        "tls": lambda: [s.key for s in plan.services() if s.part.speaks in _TLS],
    }.get(who, lambda: [s.key for s in plan.services() if s.part.name == who])()
    return rng.choice(keys) if keys else None


def reach(plan: Plan, target: str) -> list[str]:
    """A target and everything that depends on it, the nearest first."""
    found = [target]
    for key in found:
        found += [one for one in plan.dependents.get(key, ()) if one not in found]
    return found
