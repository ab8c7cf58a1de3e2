"""Killing the hub while agents report to it, and what must be true afterwards.

``make test`` kills it twice under a small fleet (tests/e2e/test_hub_kill.py), ``make soak`` twenty
times under a larger one (tests/soak/test_hub_kills.py).
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tests.conftest import Installs
from tests.fleet.process import Fleet
from tests.support.detection import enroll, stored
from tests.support.product import Healthdeck
from tests.support.wait import eventually, until

_TWICE = {
    "two spans of a status that have not ended": """
        SELECT key FROM status_intervals JOIN targets ON targets.id = target_id
        WHERE ended_at IS NULL GROUP BY key HAVING count(*) > 1""",
    "a span of a status twice": """
        SELECT key, started_at FROM status_intervals JOIN targets ON targets.id = target_id
        GROUP BY key, started_at HAVING count(*) > 1""",
    "spans of a status that overlap": """
        SELECT a.target_id, a.started_at, b.started_at FROM status_intervals a
        JOIN status_intervals b ON a.target_id = b.target_id AND a.id < b.id
        WHERE a.ended_at > b.started_at""",
    "an alert twice": """
        SELECT fingerprint FROM alerts WHERE resolved_at IS NULL
        GROUP BY fingerprint HAVING count(*) > 1""",
    "a reading twice": "SELECT target_id, at FROM host_samples GROUP BY 1, 2 HAVING count(*) > 1",
    "a value twice": """
        SELECT target_id, metric, at FROM samples GROUP BY 1, 2, 3 HAVING count(*) > 1""",
    "a target twice": "SELECT key FROM targets GROUP BY key HAVING count(*) > 1",
}


@dataclass(frozen=True)
class Killed:
    """``starts``: seconds that each start took; ``acknowledged`` readings, each one stored;
    ``counts`` of the agents."""

    starts: Sequence[float]
    acknowledged: int
    counts: Mapping[str, Any]


def killed_under_load(
    fleet: Fleet, install: Installs, kills: int, services: int, dice: random.Random
) -> Killed:
    """Kills the hub of ``fleet`` so many times, at moments drawn from ``dice``. Fails when
    anything is damaged, there twice or missing, or when less than ``services`` services are
    looked at soon after a start."""
    settings = {"COLLECT_INTERVAL": "1", "CHECK_TIMEOUT": "2", "SSL_CERT_FILE": fleet.ca}
    hub = install(fleet.inventory.read_text(), **settings).start()
    servers = yaml.safe_load(fleet.inventory.read_text())["vps"]
    agents = [one["id"] for one in servers if one.get("source", {}).get("type") == "agent"]
    fleet.enlist(hub.url, enroll(hub, hub.token("super_admin"), agents), 1)
    eventually(
        lambda: fleet.stats()["agents"]["acknowledged"] > 2 * len(agents), 30, "reports arrive"
    )
    starts = []
    for kill in range(kills):
        fleet.mend()
        fleet.fault(dice.choice(agents), "down", seconds=4)
        until(time.time() + dice.uniform(0.5, 3.0))
        hub.kill()
        whole(hub, kill)
        began = time.monotonic()
        hub.start()
        starts.append(time.monotonic() - began)
        goes_on(hub, fleet, len(agents), services)
    fleet.mend()
    eventually(lambda: fleet.stats()["agents"]["buffered"] < len(agents), 60, "agents are heard")
    counts = fleet.stats()["agents"]
    fleet.send_agents("away")
    count = acknowledged(hub, fleet, agents)
    whole(hub, kills)
    return Killed(starts, count, counts)


def whole(hub: Healthdeck, kill: int) -> None:
    """Nothing of the database is damaged or there twice."""
    connection = sqlite3.connect(hub.database, timeout=10)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)], kill
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == [], kill
    finally:
        connection.close()
    for what, query in _TWICE.items():
        assert stored(hub.database, query) == [], f"{what} after kill {kill + 1}"


def goes_on(hub: Healthdeck, fleet: Fleet, agents: int, services: int) -> None:
    """Services are looked at and stored, and agents are acknowledged."""
    since, before = time.time(), fleet.stats()["agents"]["acknowledged"]
    query = "SELECT count(DISTINCT target_id) FROM samples WHERE at > ?"
    eventually(
        lambda: stored(hub.database, query, since)[0][0] > services, 20, "services are looked at"
    )
    eventually(
        lambda: fleet.stats()["agents"]["acknowledged"] > before + agents, 40, "agents are heard"
    )


def acknowledged(hub: Healthdeck, fleet: Fleet, agents: list[str]) -> int:
    """Fails when a reading is missing that an agent was told is stored; returns how many are."""
    count = 0
    query = "SELECT at FROM host_samples JOIN targets ON targets.id = target_id WHERE key = ?"
    for vps in agents:
        told = fleet.agent(vps)["acknowledged"]
        there = {at for (at,) in stored(hub.database, query, vps)}
        assert [seq for seq, at in told if int(at) not in there] == [], vps
        assert len({seq for seq, _ in told}) == len(told), f"{vps} was told twice"
        assert told, vps
        count += len(told)
    return count
