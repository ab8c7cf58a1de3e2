"""Detection by the specification's figures: a 10 s interval, a 5 s timeout, 20 faults of each
kind placed evenly over the phases of the interval, all kinds side by side."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.conftest import Installs
from tests.fleet.process import Fleet
from tests.support.detection import (
    GRACE,
    Planned,
    Spread,
    Watcher,
    enroll,
    evenly,
    lossy_rounds,
    make,
    only,
    took,
)
from tests.support.wait import eventually, stays

INTERVAL, TIMEOUT, EACH = 10.0, 5.0, 20
PROMPT, SLOW = INTERVAL + GRACE, INTERVAL + TIMEOUT + GRACE
SILENT = 2 * INTERVAL + TIMEOUT + GRACE
#: Those with a certificate of their own; every eleventh server has one of each.
SECURE = ("secure-api", "gateway", "relay")


class Kind(NamedTuple):
    """``service`` None: the server itself. ``median`` and ``worst``: what is allowed, seconds."""

    fault: str
    service: str | None
    source: str | None
    median: float
    worst: float
    detail: tuple[tuple[str, float], ...] = ()


KINDS = (
    Kind("refuse", "backend-api", None, 6.5, PROMPT),
    Kind("5xx", "nexus-frontend", None, 6.5, PROMPT),
    Kind("hang", "backend-api", None, 12.0, SLOW),
    Kind("slow", "backend-api", None, 12.0, SLOW, (("ms", 8000),)),
    Kind("reset", "redis", None, 6.5, PROMPT),
    Kind("body", "postgres", None, 6.5, PROMPT),
    Kind("expired", "secure", None, 6.5, PROMPT),
    Kind("flap", "redis", None, 6.5, PROMPT, (("period", 120),)),
    Kind("down", None, "exporter", 6.5 + 1.0, SLOW),
    Kind("down", None, "agent", SILENT, SILENT),
    Kind("partial", "nexus-frontend", None, 0.0, 0.0),
)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    playing = Fleet(tmp_path, vps=240, services=5, tenants=240, exporters=EACH, agents=EACH)
    yield playing
    playing.close()


def test_faults_are_told_in_time(fleet: Fleet, healthdeck: Installs) -> None:
    planned = plans(fleet)
    every = [one for faults in planned.values() for one in faults]
    services = {vps(one): [one.key.partition("/")[2]] for one in every}
    sourced = {one.key for one in every if "/" not in one.key}
    agents = {one.key for one in planned[KINDS[-2]]}
    installation = healthdeck(
        only(fleet.inventory, services, sourced),
        SSL_CERT_FILE=fleet.ca,
        COLLECT_INTERVAL=f"{INTERVAL:g}",
        CHECK_TIMEOUT=f"{TIMEOUT:g}",
    ).start()
    token = installation.token("super_admin")
    fleet.enlist(installation.url, enroll(installation, token, agents), INTERVAL)
    watcher = Watcher(installation, token, services)
    try:
        eventually(
            lambda: watcher.all_healthy(one.key for one in every), 60, "everything is healthy"
        )
        eventually(
            lambda: all(len(watcher.looked[vps_id]) > 2 for vps_id in services), 60, "three looks"
        )
        late = []
        make(fleet, watcher, every, INTERVAL)
        for kind, faults in planned.items():
            if kind.fault != "partial":
                seconds = [took(watcher, one, kind.worst, "unhealthy") for one in faults]
                found = Spread.of(seconds)
                sys.stderr.write(f"\n{kind.fault} of {kind.source or kind.service}: {found}")
                if found.median > kind.median or found.worst > kind.worst:
                    late.append((kind.fault, str(found)))
        assert late == []
        assert fleet.stats()["lost"] == EACH
        for one in planned[KINDS[-1]]:
            assert [told.status for told in watcher.told[one.key]] == ["healthy"], one.key
        began = time.monotonic()
        fleet.mend()
        eventually(
            lambda: watcher.all_healthy(one.key for one in every),
            2 * INTERVAL + TIMEOUT + GRACE + INTERVAL,
            "all is well again",
        )
        sys.stderr.write(f"\nall is well {time.monotonic() - began:.1f} s after the last mending")
    finally:
        watcher.close()


def vps(one: Planned) -> str:
    return one.key.partition("/")[0]


def plans(fleet: Fleet) -> dict[Kind, list[Planned]]:
    """Twenty faults of each kind, each at a server of its own."""
    free: dict[str, dict[str, object]] = {
        one["id"]: one for one in yaml.safe_load(fleet.inventory.read_text())["vps"]
    }
    scarce = sorted(KINDS, key=lambda kind: (kind.source is None, kind.service != "secure"))
    found = {}
    for kind in scarce:
        keys: list[str] = []
        for vps_id, server in list(free.items()):
            if len(keys) < EACH and (key := _place(kind, vps_id, server)):
                keys.append(key)
                del free[vps_id]
        assert len(keys) == EACH, kind
        found[kind] = [
            Planned(key, kind.fault, share, dict(kind.detail))
            for key, share in zip(keys, evenly(EACH), strict=True)
        ]
    return {kind: found[kind] for kind in KINDS}


def _place(kind: Kind, vps_id: str, server: dict[str, object]) -> str | None:
    """The target of a kind on a server; None when that has none."""
    source = server.get("source")
    if kind.source is not None:
        return vps_id if isinstance(source, dict) and source["type"] == kind.source else None
    if source is not None:
        return None
    services = server["services"]
    assert isinstance(services, list)
    wanted = SECURE if kind.service == "secure" else (kind.service,)
    return next((f"{vps_id}/{s['name']}" for s in services if s["name"] in wanted), None)


def test_a_server_whose_agent_alone_dies_is_unknown(fleet: Fleet, healthdeck: Installs) -> None:
    """Its witness answers, so it is not called down."""
    given = yaml.safe_load(fleet.inventory.read_text())["vps"]
    agents = [one["id"] for one in given if one.get("source", {}).get("type") == "agent"]
    installation = healthdeck(
        only(fleet.inventory, dict.fromkeys(agents, ()), agents),
        COLLECT_INTERVAL=f"{INTERVAL:g}",
        CHECK_TIMEOUT=f"{TIMEOUT:g}",
    ).start()
    token = installation.token("super_admin")
    fleet.enlist(installation.url, enroll(installation, token, agents), INTERVAL)
    watcher = Watcher(installation, token, agents)
    try:
        eventually(lambda: watcher.all_healthy(agents), 30, "every agent reports")
        since = time.monotonic()
        fleet.send_agents("away")
        seconds = [watcher.hears(agent, since, SILENT, "unknown").at - since for agent in agents]
        sys.stderr.write(f"\nan agent dies: {Spread.of(seconds)}")
        assert max(seconds) <= SILENT
        stays(
            lambda: all(watcher.status(agent) == "unknown" for agent in agents),
            INTERVAL, "a server that answers is not called down",
        )  # fmt: skip
        fleet.send_agents("back")
        eventually(lambda: watcher.all_healthy(agents), 2 * INTERVAL, "every agent is back")
    finally:
        watcher.close()


def test_a_lost_first_probe_changes_nothing(tmp_path: Path, healthdeck: Installs) -> None:
    counts = lossy_rounds(tmp_path, healthdeck, servers=24, rounds=10_000)
    sys.stderr.write(f"\n{counts['connections']} probes, {counts['lost']} lost")
