"""How long a fault takes to be told: faults of the simulated fleet at chosen moments, and what
the stream of a real Healthdeck said of them, both by this machine's monotonic clock."""

from __future__ import annotations

import queue
import sqlite3
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.conftest import Installs
from tests.fleet.process import Fleet
from tests.support.product import Healthdeck
from tests.support.stream import Listening
from tests.support.wait import eventually, until

#: Seconds that the issue allows beyond the interval (and the timeout, of what hangs).
GRACE = 3.0


@dataclass(frozen=True)
class Told:
    """The stream told a new status of a target at ``at`` (monotonic seconds)."""

    at: float
    status: str
    message: str


class Watcher:
    """Listens to servers as the pages do. ``told`` holds the changes of each target under its
    key, the status first seen included, and ``says`` its latest message; ``looked`` when each
    server was heard of, ``tenants`` whom it carries. ``put_out``: the stream has ended, and
    nothing is heard any more."""

    def __init__(self, healthdeck: Healthdeck, token: str, vps_ids: Iterable[str]) -> None:
        self.told: dict[str, list[Told]] = defaultdict(list)
        self.says: dict[str, str] = {}
        self.looked: dict[str, list[float]] = defaultdict(list)
        self.tenants: dict[str, list[str]] = {}
        self.put_out = False
        self._ending = threading.Event()
        self._stream = Listening(healthdeck.url, token)
        assert self._stream.connected, self._stream.refused
        for vps_id in vps_ids:
            answer = self._stream.ask("subscribe:vps", vps_id)
            assert answer == {"ok": True}, f"{vps_id}: {answer}"
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._thread.join(5)
        self._stream.close()

    def status(self, key: str) -> str | None:
        told = self.told.get(key)
        return told[-1].status if told else None

    def all_healthy(self, keys: Iterable[str]) -> bool:
        return all(self.status(key) == "healthy" for key in keys)

    def first(self, key: str, since: float, *statuses: str) -> Told | None:
        """The first change to one of ``statuses`` at or after ``since``."""
        found = (one for one in list(self.told[key]) if one.at >= since and one.status in statuses)
        return next(found, None)

    def hears(self, key: str, since: float, timeout: float, *statuses: str) -> Told:
        """The first change to one of ``statuses`` since then; fails when none was told within
        ``timeout`` seconds of it."""
        assert not self.put_out, "the stream was closed"
        eventually(
            lambda: self.first(key, since, *statuses),
            max(0.1, since + timeout - time.monotonic() + 1.0),
            f"{key} is told as {' or '.join(statuses)}",
            every=0.02,
        )
        told = self.first(key, since, *statuses)
        assert told is not None
        return told

    def last_look(self, vps_id: str, interval: float) -> float:
        """When a server with one target was last looked at. Looks keep their distance, and what
        is told may come late: the promptest of all tells."""
        heard = self.looked[vps_id]
        return min(at + interval * round((heard[-1] - at) / interval) for at in heard)

    def _listen(self) -> None:
        while not self._ending.is_set():
            try:
                name, body = self._stream.events.get(timeout=0.2)
            except queue.Empty:
                if self._stream.gone.is_set():
                    self.put_out = True
                continue
            at = time.monotonic()
            if name == "health:update" and "vpsId" in body:
                self._note(at, body)

    def _note(self, at: float, body: Mapping[str, Any]) -> None:
        vps_id = body["vpsId"]
        self.looked[vps_id].append(at)
        self.tenants[vps_id] = body["tenants"]
        seen = [(vps_id, body["status"], body.get("reason") or "")]
        seen += [
            (f"{vps_id}/{one['name']}", one["status"], one.get("message", ""))
            for one in body["services"]
        ]
        for key, status, message in seen:
            self.says[key] = message
            if self.status(key) != status:
                self.told[key].append(Told(at, status, message))


@dataclass(eq=False)
class Planned:
    """A fault to be made at ``share`` (from 0 up to 1) of the interval after a look at its
    server; ``moment`` and ``made`` (the fleet's answer) once it was."""

    key: str
    kind: str
    share: float
    detail: Mapping[str, Any] = field(default_factory=dict)
    moment: float = 0.0
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def at(self) -> float:
        """When it took effect, monotonic seconds."""
        return float(self.made["monotonic"])


def make(fleet: Fleet, watcher: Watcher, planned: Sequence[Planned], interval: float) -> None:
    """Makes every fault at its moment, in the order of the moments. Each server must have one
    target, so that its latest look is the target's."""
    soon = time.monotonic() + 0.5
    for one in planned:
        vps_id = one.key.partition("/")[0]
        one.moment = watcher.last_look(vps_id, interval) + one.share * interval
        while one.moment < soon:
            one.moment += interval
    for one in sorted(planned, key=lambda one: one.moment):
        until(time.time() + one.moment - time.monotonic())
        one.made = fleet.fault(one.key, one.kind, **one.detail)


def took(watcher: Watcher, one: Planned, timeout: float, *statuses: str) -> float:
    """Seconds from the fault to the first of ``statuses``; fails after ``timeout``."""
    return watcher.hears(one.key, one.at, timeout, *statuses).at - one.at


def evenly(count: int) -> list[float]:
    """The middles of ``count`` equal parts of the interval."""
    return [(at + 0.5) / count for at in range(count)]


def only(
    inventory: Path,
    wanted: Mapping[str, Collection[str]],
    sourced: Collection[str] = (),
    change: Callable[[dict[str, Any]], None] = lambda _: None,
) -> str:
    """The fleet's inventory with these services of these servers alone; those of ``sourced`` keep
    their source, and every server its tenants, as names without applications. ``change`` may
    alter a service."""
    given = yaml.safe_load(inventory.read_text())
    servers = [vps for vps in given["vps"] if vps["id"] in wanted]
    for vps in servers:
        names = wanted[vps["id"]]
        vps["services"] = [one for one in vps.get("services", ()) if one["name"] in names]
        for service in vps["services"]:
            needs = [name for name in service.pop("dependsOn", ()) if name in names]
            if needs:
                service["dependsOn"] = needs
            change(service)
        if vps["id"] not in sourced:
            vps.pop("source", None)
            vps.pop("witness", None)
    kept = {tenant for vps in servers for tenant in vps.get("tenants", ())}
    tenants = [
        {"id": one["id"], "organizationName": one["organizationName"]}
        for one in given.get("tenants", ())
        if one["id"] in kept
    ]
    return yaml.safe_dump({"vps": servers, **({"tenants": tenants} if tenants else {})})


@dataclass(frozen=True)
class Spread:
    """Detection times in seconds."""

    median: float
    worst: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        return cls(statistics.median(seconds), max(seconds))

    def __str__(self) -> str:
        return f"median {self.median:.2f} s, worst {self.worst:.2f} s"


def enroll(healthdeck: Healthdeck, token: str, vps_ids: Iterable[str]) -> dict[str, str]:
    """A token for the agent of each server; ``token`` is a super_admin's."""
    tokens = {}
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=healthdeck.url, headers=headers, timeout=10) as client:
        for vps_id in vps_ids:
            answer = client.post("/api/admin/agents", json={"vpsId": vps_id})
            assert answer.status_code == 201, answer.text
            tokens[vps_id] = answer.json()["token"]
    return tokens


def stored(database: Path, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """What is committed; read only, from another process."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


def lossy_rounds(folder: Path, install: Installs, servers: int, rounds: int) -> dict[str, Any]:
    """Plays healthy rounds of which 1 % lose exactly the first probe, one a second of each of
    5 services; fails when any status changed. Returns the fleet's counts."""
    fleet = Fleet(folder, vps=servers, services=5, seed=3, lossy=0.01, no_latency=True)
    try:
        settings = {"SSL_CERT_FILE": fleet.ca, "COLLECT_INTERVAL": "1", "CHECK_TIMEOUT": "5"}
        installation = install(fleet.inventory.read_text(), **settings).start()
        eventually(
            lambda: _rounds(fleet.stats()) >= rounds,
            60 + 4 * rounds / (5 * servers),
            f"{rounds} rounds",
            every=0.2,
        )
        counts = fleet.stats()
        assert counts["lost"] >= rounds / 300, counts
        # What was lost just now is looked at again and stored before the next second is over.
        at = time.time()
        eventually(
            lambda: stored(installation.database, "SELECT 1 FROM samples WHERE at > ?", at + 2),
            20, "the looks of then are stored",
        )  # fmt: skip
        seen = stored(installation.database, _CHANGES)
        assert len(seen) == 5 * servers
        assert [row for row in seen if row[1:] != ("healthy", 1)] == []
    finally:
        fleet.close()
    return counts


def _rounds(counts: Mapping[str, Any]) -> int:
    """A look takes one connection, and a second one when the first was lost."""
    return int(counts["connections"] - counts["lost"])


_CHANGES = """
    SELECT key, max(status), count(*) FROM status_intervals JOIN targets ON targets.id = target_id
    WHERE kind = 'service' AND key LIKE 'vps-%' GROUP BY key
"""
