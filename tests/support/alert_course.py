"""What befalls a fleet, second by second, as a monitor would see it: each target is looked at once
an interval at a phase of its own, a failure counts when a second look fails too (as
services.collect.checks does it), an agent reports what it read when the monitor can be reached.

Everything follows from the seed; nothing here knows of alerts.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from services.health.graph import Graph
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory, LocalSource
from services.observation import CheckResult, Kind, Observation, Status, kind_of, vps_of

EPOCH = 1_760_000_000.0
INTERVAL, TIMEOUT = 30.0, 10.0
SECOND_LOOK_AFTER, SECOND_TIMEOUT = 0.5, 1.0
LOCAL = "hub"
#: Seconds after which an agent has sent what it kept while the monitor was away, at most.
REPLAY = 15.0

How = Literal["refuses", "hangs", "answers 503", "no report", "cut off", "in the dark"]
#: The monitor's own network: nothing gets out, or nothing comes back.
BLIND = ("cut off", "in the dark")
Metrics = Callable[[str, float], dict[str, float]]


@dataclass(frozen=True)
class Trouble:
    """``key`` does not work from ``begin`` to ``end`` (seconds since the epoch). Of a server:
    ``no report`` is its agent alone, anything else takes with it what runs there. ``BLIND`` is the
    monitor's own network, whatever the key."""

    key: str
    begin: float
    end: float
    how: How = "refuses"

    def lasts(self, at: float) -> bool:
        return self.begin <= at < self.end


def fleet_of(
    servers: Sequence[dict[str, Any]], tenants: Sequence[dict[str, Any]] = (), **more: Any
) -> Fleet:
    """A fleet beside a monitor that doubts its network; ``more`` goes into the inventory."""
    own = {"id": LOCAL, "name": "Monitor", "source": {"type": "local"}}
    ops = {
        "name": "Ops", "email": "ops@example.com", "phone": "+31600000000",
        "webhook": {"url": "https://hooks.example/ops", "secret": "whsec_" + "YWJj" * 10},
    }  # fmt: skip
    inventory = Inventory.model_validate(
        {"vps": [own, *servers], "tenants": list(tenants), "contacts": [ops], **more}
    )
    return Fleet.build(inventory, LOCAL, "cache", has_witnesses=True)


def server(id_: str, services: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A server with an agent and a witness."""
    return {
        "id": id_, "source": {"type": "agent"}, "witness": {"tcp": f"{id_}.example:443"},
        "services": list(services), **more,
    }  # fmt: skip


def service(name: str, type_: str, needs: Sequence[str] = ()) -> dict[str, Any]:
    check = {"tcp": f"{name}.example:80"}
    return {"name": name, "type": type_, "check": check, "dependsOn": list(needs)}


def tenant(id_: str, runs_on: str) -> dict[str, Any]:
    """A tenant with one application."""
    app = {"name": "app", "url": f"https://{id_}.example", "runsOn": runs_on}
    return {"id": id_, "services": [app]}


def calm(dice: random.Random) -> Metrics:
    """Readings of a machine that does little."""

    def read(_key: str, _at: float) -> dict[str, float]:
        cpu = 20.0 + dice.random()
        return {
            "system.cpu.usage": cpu, "system.memory.usedPercent": 50.0,
            "system.disk.usedPercent": 40.0,
        }  # fmt: skip

    return read


class Course:
    """``seconds`` gives the course, from its begin or from a later second on: the same course has
    the same seconds, wherever it is entered. ``lost``: the share of single probes that fail."""

    def __init__(
        self,
        fleet: Fleet,
        seed: int,
        troubles: Sequence[Trouble] = (),
        *,
        interval: float = INTERVAL,
        timeout: float = TIMEOUT,
        lost: float = 0.0,
        metrics: Callable[[random.Random], Metrics] = calm,
    ) -> None:
        self.fleet = fleet
        self.troubles = tuple(troubles)
        self.interval, self.timeout, self._lost = interval, timeout, lost
        self._graph = Graph(fleet)
        self._seed = seed
        self._make_metrics = metrics
        self._begin()
        self._keys = [key for key in fleet.keys() if self._is_looked_at(key)]  # noqa: SIM118
        phases = random.Random(seed)
        self.phase = {key: phases.uniform(0.0, interval) for key in self._keys}
        self._by_key = {key: self._befalling(key) for key in self._keys}
        self._replay = {key: phases.uniform(0.0, REPLAY) for key in fleet.vps}

    def seconds(self, length: float) -> Iterator[tuple[float, list[Observation]]]:
        """Each second of ``length`` seconds, with what reached the monitor in it."""
        self._begin()
        due = [(EPOCH + phase, key) for key, phase in self.phase.items()]
        heapq.heapify(due)
        coming: list[tuple[float, int, Observation]] = []
        count = itertools.count()
        for second in range(1, math.floor(length) + 1):
            now = EPOCH + second
            while due[0][0] < now:
                at, key = due[0]
                heapq.heapreplace(due, (at + self.interval, key))
                for arrives, seen in self._look(key, at):
                    heapq.heappush(coming, (arrives, next(count), seen))
            arrived = []
            while coming and coming[0][0] <= now:
                arrived.append(heapq.heappop(coming)[2])
            yield now, arrived

    def witness(self, vps_id: str, at: float) -> CheckResult:
        """What a look at the server's witness finds."""
        trouble = self._of_server(vps_id, at)
        if trouble and trouble.how != "no report":
            return CheckResult(Status.UNHEALTHY, f"no answer of {vps_id}.example:443")
        return CheckResult(Status.HEALTHY, "accepts connections")

    def sees(self, at: float) -> bool:
        """Whether the monitor's own witnesses answer."""
        return self._blind(at) is None

    def _look(self, key: str, at: float) -> list[tuple[float, Observation]]:
        """A look that begins at ``at``: when what was found of ``key`` arrives."""
        if kind_of(key) is Kind.VPS:
            return self._read(key, at)
        first = self._probe(key, at)
        self.looks += 1
        if first.how is None:
            return [self._found(key, at + first.took, first)]
        if first.lost:
            self.lost_probes += 1
        again = at + max(first.took, SECOND_LOOK_AFTER)
        second = self._probe(key, again, SECOND_TIMEOUT)
        done = again + second.took
        if second.how is None:
            return [self._found(key, done, second)]
        self.failed_looks += 1
        return [self._found(key, done, first)]

    def _read(self, key: str, at: float) -> list[tuple[float, Observation]]:
        took = self._dice.uniform(0.01, 0.1)
        seen = Observation(key, at, self._metrics(key, at), facts={"cores": 4})
        if isinstance(self.fleet.source(key), LocalSource):
            return [(at + took, seen)]
        if self._of_server(key, at) is not None:
            return []
        sent = at
        for blind in self.troubles:
            if blind.how in BLIND and blind.begin <= at < blind.end + self._replay[key]:
                sent = blind.end + self._replay[key]
        return [(sent + took, seen)]

    def _probe(self, key: str, at: float, timeout: float | None = None) -> _Probe:
        took = self._dice.lognormvariate(-2.7, 0.6)  # median 67 ms
        lost = self._dice.random() < self._lost
        timeout = self.timeout if timeout is None else timeout
        if key in self.fleet.own:
            return _Probe(None, took, False)
        trouble = self._blind(at) or next((t for t in self._by_key[key] if t.lasts(at)), None)
        if trouble is not None:
            hangs = trouble.how in ("hangs", "in the dark")
            return _Probe(trouble.how, timeout if hangs else took, False)
        if lost:
            how: How = "hangs" if took > 0.1 else "refuses"
            return _Probe(how, timeout if how == "hangs" else took, True)
        return _Probe(None, min(took, timeout), False)

    def _found(self, key: str, at: float, probe: _Probe) -> tuple[float, Observation]:
        if probe.how is None:
            result = CheckResult(Status.HEALTHY, "is healthy", 1000 * probe.took, 86400.0)
        elif probe.how == "answers 503":
            result = CheckResult(
                Status.UNHEALTHY, "HTTP 503", 1000 * probe.took, evidence={"httpStatus": 503}
            )
        else:
            words = "connection refused" if probe.how == "refuses" else "no answer in time"
            result = CheckResult(Status.UNHEALTHY, words, evidence={"error": probe.how})
        return at, Observation(key, at, check=result)

    def _begin(self) -> None:
        self._dice = random.Random(f"{self._seed} looks")
        self._metrics = self._make_metrics(random.Random(f"{self._seed} metrics"))
        self.looks = self.failed_looks = self.lost_probes = 0

    def _blind(self, at: float) -> Trouble | None:
        return next((t for t in self.troubles if t.how in BLIND and t.lasts(at)), None)

    def _of_server(self, vps_id: str, at: float) -> Trouble | None:
        return next((t for t in self._by_key[vps_id] if t.lasts(at)), None)

    def _befalling(self, key: str) -> list[Trouble]:
        """Its own trouble, and that of all it rests on: where it runs takes it along, without what
        else it needs it answers so."""
        upstream = self._graph.upstream(key)
        application = self.fleet.applications.get(key)
        place = {key, vps_of(application.runs_on or "" if application else key)}
        found = []
        for one in self.troubles:
            if one.key in place and (one.how != "no report" or one.key == key):
                found.append(one)
            elif one.key in (*upstream.services, *upstream.vps) and one.how != "no report":
                found.append(replace(one, how="answers 503"))
        return found

    def _is_looked_at(self, key: str) -> bool:
        match kind_of(key):
            case Kind.VPS:
                return self.fleet.source(key) is not None
            case Kind.SERVICE:
                return self.fleet.services[key].check is not None or key in self.fleet.own
            case kind:
                return kind is Kind.APPLICATION


@dataclass(frozen=True, slots=True)
class _Probe:
    """What a single probe met; ``lost`` when it failed for no reason."""

    how: How | None
    took: float
    lost: bool
