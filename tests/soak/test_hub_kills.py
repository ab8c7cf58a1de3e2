"""The hub is killed under load, twenty times: what it acknowledged is there, and nothing twice."""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import Installs
from tests.fleet.process import Fleet
from tests.support.detection import enroll, stored
from tests.support.product import Healthdeck
from tests.support.wait import eventually, until

KILLS = 20
AGENTS = 30
#: Seconds within which a start answers.
START = 5.0

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


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    playing = Fleet(tmp_path, vps=50, services=4, tenants=50, exporters=20, agents=AGENTS)
    yield playing
    playing.close()


def test_a_hub_that_is_killed_under_load(fleet: Fleet, healthdeck: Installs) -> None:
    dice = random.Random(11)
    settings = {"COLLECT_INTERVAL": "1", "CHECK_TIMEOUT": "2", "SSL_CERT_FILE": fleet.ca}
    hub = healthdeck(fleet.inventory.read_text(), **settings).start()
    servers = yaml.safe_load(fleet.inventory.read_text())["vps"]
    agents = [one["id"] for one in servers if one.get("source", {}).get("type") == "agent"]
    assert len(agents) == AGENTS
    fleet.enlist(hub.url, enroll(hub, hub.token("super_admin"), agents), 1)
    eventually(lambda: fleet.stats()["agents"]["acknowledged"] > 2 * AGENTS, 30, "reports arrive")
    starts = []
    for kill in range(KILLS):
        fleet.mend()
        fleet.fault(dice.choice(agents), "down", seconds=4)
        until(time.time() + dice.uniform(0.5, 3.0))
        hub.kill()
        whole(hub, kill)
        began = time.monotonic()
        hub.start()
        starts.append(time.monotonic() - began)
        goes_on(hub, fleet)
    fleet.mend()
    eventually(lambda: fleet.stats()["agents"]["buffered"] < AGENTS, 60, "the agents are heard")
    counts = fleet.stats()["agents"]
    fleet.send_agents("away")
    looked_up = acknowledged(hub, fleet, agents)
    whole(hub, KILLS)
    sys.stderr.write(
        f"\n{KILLS} kills; starts take up to {max(starts):.2f} s; {looked_up} readings of agents "
        f"were acknowledged, none is missing; answers {counts['answers']}, "
        f"failed {counts['failed']}, busy {counts['busy']}"
    )
    assert max(starts) <= START, starts


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


def goes_on(hub: Healthdeck, fleet: Fleet) -> None:
    """Services are looked at and stored, and agents are acknowledged."""
    since, before = time.time(), fleet.stats()["agents"]["acknowledged"]
    query = "SELECT count(DISTINCT target_id) FROM samples WHERE at > ?"
    eventually(lambda: stored(hub.database, query, since)[0][0] > 50, 20, "services are looked at")
    eventually(
        lambda: fleet.stats()["agents"]["acknowledged"] > before + AGENTS, 40, "agents are heard"
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
