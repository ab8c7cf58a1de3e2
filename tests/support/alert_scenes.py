"""The incidents by which the alert engine is judged, under the default rules: a server dies and
returns, its agent alone dies, the monitor loses its network, nothing happens at all.

A few seeds in ``make test`` (tests/e2e), many in ``make soak``.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import NamedTuple

from models.alerts import AlertRow
from models.database import Database
from services.health.graph import Graph
from services.inventory.fleet import Fleet
from tests.support.alert_course import EPOCH, Course, Trouble, fleet_of, server, service, tenant
from tests.support.alert_stage import CHANNELS, Found, Stage

DEAD = "vps-1"
WEB, BELOW = 12, ("database", "database", "redis", "redis", "s3", "s3", "smtp", "dns")
TENANTS = 30
#: Seconds after its return in which a service of the server is up again, at most.
BOOT = 10.0
MINUTE = 60.0


def crowded(*, needs: bool) -> Fleet:
    """A server with 20 services and 30 tenants beside two others; with ``needs`` some of its
    services depend on others."""
    below = [service(f"below-{n}", type_) for n, type_ in enumerate(BELOW)]
    web = []
    for n in range(WEB):
        on = () if not needs else ("below-0", "below-2") if n % 2 == 0 else (f"web-{n - 1}",)
        web.append(service(f"web-{n}", "frontend" if n % 2 else "backend", on))
    others = [
        server(f"vps-{n}", [service("api", "backend"), service("redis", "redis")]) for n in (2, 3)
    ]
    tenants = [tenant(f"tenant-{n}", f"{DEAD}/web-{n % WEB}") for n in range(TENANTS)]
    return fleet_of([server(DEAD, [*below, *web]), *others], tenants)


class Death(NamedTuple):
    """A server that is dead from ``begin`` to ``end`` (seconds since the epoch); ``broken`` of its
    services stay so until ``mended``."""

    fleet: Fleet
    begin: float
    end: float
    broken: frozenset[str]
    mended: float
    course: Course

    @classmethod
    def of(cls, seed: int, *, half: bool) -> Death:
        dice = random.Random(seed)
        fleet = crowded(needs=seed % 2 == 1)
        begin = EPOCH + dice.uniform(90, 150)
        end = begin + dice.uniform(240, 420)
        mended = end + 300
        services = [key for key in fleet.services if key.startswith(f"{DEAD}/")]
        broken = frozenset(dice.sample(services, len(services) // 2)) if half else frozenset()
        how = dice.choice(["refuses", "hangs"])
        troubles = [Trouble(DEAD, begin, end, how)]  # type: ignore[arg-type]
        for key in services:
            up = mended if key in broken else end + dice.uniform(0, BOOT)
            troubles.append(Trouble(key, begin, up))
        return cls(fleet, begin, end, broken, mended, Course(fleet, seed, troubles))

    @property
    def below(self) -> set[str]:
        """All that hangs on the server."""
        return {k for k in self.fleet.services if k.startswith(f"{DEAD}/")} | set(
            self.fleet.applications
        )

    @property
    def roots(self) -> set[str]:
        """What stays broken for no other reason."""
        graph = Graph(self.fleet)
        return {key for key in self.broken if not self.broken & set(graph.upstream(key).services)}


def dies(database: Database, death: Death) -> Stage:
    """Until a second before the return: one message to each recipient, the rest explained."""
    stage = Stage(database, death.course)
    stage.play(death.end - EPOCH - 1)
    found = Found(database)
    assert found.told() == [DEAD]
    assert Counter(m.channel for m in found.messages) == dict.fromkeys(CHANNELS, 1)
    (root,) = found.of([DEAD])
    assert root.rule_id == "vps-not-reporting"
    assert len(root.impact) == TENANTS
    assert [m.body["impact"]["tenants"] for m in found.messages] == [root.impact] * len(CHANNELS)
    below = found.of(death.below)
    assert Counter(alert.target for alert in below) == dict.fromkeys(death.below, 1)
    for alert in below:
        assert (alert.suppressed_by, alert.told_at) == (DEAD, None), found.story(alert)
        assert f"suppressed by {DEAD}, which does not report" in (alert.withheld or "")
        assert "withheld" in [kind for _, kind, _ in found.story(alert)]
    assert len(found.alerts) == 1 + len(below)
    return stage


def returns(stage: Stage, death: Death) -> None:
    """One resolution, and nothing is left over."""
    stage.play(death.end - EPOCH + 240)
    found = Found(stage.database)
    assert (found.told(), found.told("alert.resolved")) == ([DEAD], [DEAD])
    assert Counter(m.event for m in found.messages) == {
        "alert.fired": len(CHANNELS), "alert.resolved": len(CHANNELS),
    }  # fmt: skip
    assert found.standing() == []


def half_returns(stage: Stage, death: Death) -> float:
    """What stays broken is told by itself, once; the seconds from the return to the last. When
    that is mended each has its resolution."""
    stage.play(death.mended - EPOCH)
    found = Found(stage.database)
    told = Counter(found.told())
    assert told == dict.fromkeys({DEAD, *death.roots}, 1), told - Counter({DEAD, *death.roots})
    late = max(when(alert) - death.end for alert in found.of(death.roots))
    assert late <= MINUTE, f"{late:.0f} s after the return"
    for alert in found.standing():
        assert alert.target in death.roots or alert.suppressed_by in death.roots
    stage.play(death.mended - EPOCH + 400)
    found = Found(stage.database)
    assert Counter(found.told("alert.resolved")) == told
    assert found.standing() == []
    return late


def when(alert: AlertRow) -> float:
    assert alert.told_at is not None
    return alert.told_at
