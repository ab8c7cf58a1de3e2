"""From a fault to the webhook that tells of it, by the figures of the issue: 20 faults placed
evenly over the phases of the interval, on the simulated fleet, with real sockets all the way."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import Installs
from tests.fleet.process import Fleet
from tests.support.detection import GRACE, Planned, Spread, Watcher, evenly, make, only
from tests.support.scenes import WEBHOOKS, mail
from tests.support.wait import eventually
from tests.support.web import LocalServer

FAULTS, OTHERS, HOLD = 20, 40, 30.0
SERVICE = "backend-api"
#: By rule: how long its condition must hold.
HOLDS = {"down-now": 0.0, "down-held": HOLD}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    playing = Fleet(tmp_path, vps=FAULTS + OTHERS, services=5, seed=5)
    yield playing
    playing.close()


def test_at_ten_seconds(fleet: Fleet, healthdeck: Installs, receiver: LocalServer) -> None:
    """Half an interval in the middle, an interval and a little more at worst, after the hold."""
    interval = 10.0
    for rule, seconds in latencies(fleet, healthdeck, receiver, interval, 5.0).items():
        found, hold = Spread.of(seconds), HOLDS[rule]
        assert found.median <= 6.5 + hold, f"{rule}: {found}"
        assert found.worst <= interval + GRACE + hold, f"{rule}: {found}"


def test_at_the_default_interval(fleet: Fleet, healthdeck: Installs, receiver: LocalServer) -> None:
    """All of them within half a minute of the condition's being met."""
    for rule, seconds in latencies(fleet, healthdeck, receiver, 30.0, 10.0).items():
        late = [one for one in seconds if one > 30.0 + HOLDS[rule]]
        assert late == [], f"{rule}: {len(late)} of {len(seconds)}"


def latencies(
    fleet: Fleet, install: Installs, receiver: LocalServer, interval: float, timeout: float
) -> dict[str, list[float]]:
    """Seconds from each fault to the receipt of its webhook, by rule."""
    faulty = [f"vps-{n}" for n in range(1, FAULTS + 1)]
    others = [f"vps-{n}" for n in range(FAULTS + 1, FAULTS + OTHERS + 1)]
    wanted = yaml.safe_load(fleet.inventory.read_text())["vps"]
    services = {one["id"]: [s["name"] for s in one["services"]] for one in wanted}
    inventory = only(
        fleet.inventory, {**{v: services[v] for v in others}, **{v: [SERVICE] for v in faulty}}
    )
    installation = install(
        told_of(inventory, receiver), SSL_CERT_FILE=fleet.ca, **WEBHOOKS,
        COLLECT_INTERVAL=f"{interval:g}", CHECK_TIMEOUT=f"{timeout:g}",
    ).start()  # fmt: skip
    watcher = Watcher(installation, installation.token("super_admin"), faulty)
    try:
        keys = [f"{vps_id}/{SERVICE}" for vps_id in faulty]
        eventually(lambda: watcher.all_healthy(keys), 60 + interval, "everything is healthy")
        eventually(
            lambda: all(len(watcher.looked[vps_id]) > 2 for vps_id in faulty),
            30 + 3 * interval, "three looks",
        )  # fmt: skip
        planned = [
            Planned(key, ("refuse", "5xx")[n % 2], share)
            for n, (key, share) in enumerate(zip(keys, evenly(FAULTS), strict=True))
        ]
        load = os.getloadavg()[0]
        make(fleet, watcher, planned, interval)
        eventually(
            lambda: len(received(receiver)) == FAULTS * len(HOLDS),
            2 * interval + HOLD + 20, "every fault is told by each rule",
        )  # fmt: skip
    finally:
        watcher.close()
    came = received(receiver)
    taken = {rule: [came[rule, one.key] - one.at for one in planned] for rule in HOLDS}
    for rule, seconds in taken.items():
        case = f"{interval:g} s interval, {HOLDS[rule]:g} s hold"
        sys.stderr.write(f"\n{case}: {Spread.of(seconds)}, load {load:.1f}")
    return taken


def told_of(inventory: str, receiver: LocalServer) -> str:
    """The inventory with a rule for each hold, both of which tell the receiver."""
    document = yaml.safe_load(inventory)
    document["contacts"] = [
        {"name": "Ops", "webhook": {"url": f"{receiver.url}/ops", "secret": "${HOOK_SECRET}"}}
    ]
    document["rules"] = [
        {
            "id": id_, "name": id_, "severity": "critical",
            "condition": {"metric": "service.status", "operator": "equals", "value": "unhealthy",
                          "duration": hold},
            "scope": {"service": [SERVICE]},
            "notification": {"channels": ["webhook"], "recipients": ["Ops"]},
        }
        for id_, hold in HOLDS.items()
    ]  # fmt: skip
    return yaml.safe_dump(document)


def received(receiver: LocalServer) -> dict[tuple[str, str], float]:
    """When the first firing of each rule and target came, by the monotonic clock."""
    ahead = time.monotonic() - time.time()
    found: dict[tuple[str, str], float] = {}
    requests = list(receiver.requests)
    for request, body in zip(requests, mail(receiver), strict=False):
        if body["event"] == "alert.fired" and body["ruleId"] in HOLDS:
            key = f"{body['vpsId']}/{body['serviceName']}"
            found.setdefault((body["ruleId"], key), request.at + ahead)
    return found
