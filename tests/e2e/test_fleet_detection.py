"""Faults of a fleet are told in time, and what was no fault is not. The long form, by the figures
of the specification, is `make soak`."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Installs
from tests.fleet.process import Fleet
from tests.support.detection import (
    GRACE,
    Planned,
    Watcher,
    enroll,
    lossy_rounds,
    make,
    only,
    took,
)
from tests.support.wait import eventually

INTERVAL, TIMEOUT = 2.0, 1.0
#: By this seed of the fleet the one is scraped and the other has an agent.
SEED, SCRAPED, AGENT = 2, "vps-12", "vps-13"

#: Of each kind of fault: where, how, whether it takes the timeout to see.
FAULTS: tuple[tuple[str, str, str, dict[str, float], bool], ...] = (
    ("vps-1", "backend-api", "refuse", {}, False),
    ("vps-2", "nexus-frontend", "5xx", {}, False),
    ("vps-3", "postgres", "hang", {}, True),
    ("vps-4", "redis", "reset", {}, False),
    ("vps-5", "backend-api", "slow", {"ms": 2500}, True),
    ("vps-6", "resolver", "body", {}, False),
    ("vps-7", "redis", "flap", {"period": 60}, False),
    ("vps-10", "secure-api", "expired", {}, False),
)
WHOLE = "vps-9/backend-api"
SERVICES = {vps_id: [name] for vps_id, name, *_ in FAULTS} | {
    "vps-9": ["backend-api"],
    SCRAPED: ["backend-api", "postgres"],
    AGENT: [],
}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    playing = Fleet(tmp_path, vps=13, services=5, tenants=13, exporters=1, agents=1, seed=SEED)
    yield playing
    playing.close()


def steady(watcher: Watcher, key: str) -> bool:
    """Whether a target was told as healthy, and as nothing else: but for who listens before the
    first look, who is told that nothing is known yet."""
    return [one.status for one in watcher.told[key]] in (["healthy"], ["unknown", "healthy"])


def test_each_kind_of_fault_is_told_within_an_interval(fleet: Fleet, healthdeck: Installs) -> None:
    inventory = only(fleet.inventory, SERVICES, {SCRAPED, AGENT})
    installation = healthdeck(
        inventory,
        SSL_CERT_FILE=fleet.ca,
        COLLECT_INTERVAL=f"{INTERVAL:g}",
        CHECK_TIMEOUT=f"{TIMEOUT:g}",
    ).start()
    token = installation.token("super_admin")
    fleet.enlist(installation.url, enroll(installation, token, [AGENT]), INTERVAL)
    watcher = Watcher(installation, token, SERVICES)
    try:
        targets = [f"{vps_id}/{name}" for vps_id, names in SERVICES.items() for name in names]
        targets += [SCRAPED, AGENT]
        eventually(lambda: watcher.all_healthy(targets), 20, "everything is healthy at first")
        assert all(steady(watcher, key) for key in targets if "/" in key)
        faults(fleet, watcher)
        fleet.mend()
        fleet.send_agents("back")
        eventually(
            lambda: watcher.all_healthy(targets), 2 * INTERVAL + TIMEOUT + 10, "all is well again"
        )
        assert steady(watcher, WHOLE)
        assert fleet.stats()["lost"] == 1
    finally:
        watcher.close()


def faults(fleet: Fleet, watcher: Watcher) -> None:
    planned = {
        Planned(f"{vps_id}/{name}", kind, 0.25, detail): INTERVAL + GRACE + slow * TIMEOUT
        for vps_id, name, kind, detail, slow in FAULTS
    }
    down = Planned(SCRAPED, "down", 0.25)
    make(fleet, watcher, [*planned, down, Planned(WHOLE, "partial", 0.5)], INTERVAL)
    silent_from = time.monotonic()
    fleet.send_agents("away")
    for one, bound in planned.items():
        assert took(watcher, one, bound, "unhealthy") <= bound, one.kind
    assert took(watcher, down, INTERVAL + TIMEOUT + GRACE, "unhealthy") <= (
        INTERVAL + TIMEOUT + GRACE
    )
    told = watcher.first(SCRAPED, down.at, "unhealthy")
    assert told is not None
    refused = r"unreachable: no reading for \d+ s, and connection refused by 127\.10\.0\.12:\d+"
    assert re.fullmatch(refused, told.message), told.message
    assert watcher.tenants[SCRAPED], "the tenants of a server that is down are named"
    bound = 2 * INTERVAL + TIMEOUT + GRACE
    gone = watcher.hears(AGENT, silent_from, bound, "unknown")
    assert gone.at - silent_from <= bound
    # The witness is asked once the silence is noted; its answer may come before that is told.
    silent = re.fullmatch(r"no reading for (\d+) s(, but it answers)?", gone.message)
    assert silent, gone.message
    assert 2 * INTERVAL + TIMEOUT <= int(silent[1]) <= 2 * INTERVAL + TIMEOUT + GRACE
    eventually(
        lambda: re.fullmatch(r"no reading for \d+ s, but it answers", watcher.says[AGENT]),
        TIMEOUT + GRACE,
        "the server whose agent is silent is told to answer",
    )


def test_a_lost_first_probe_changes_nothing(tmp_path: Path, healthdeck: Installs) -> None:
    lossy_rounds(tmp_path, healthdeck, servers=30, rounds=1000)
