"""The small form of tests/bench/stream.py: who reads nothing is dropped, nobody else notices."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from services.container import Services
from services.events import TargetsObserved
from services.health.status import Judgement
from services.observation import Status
from services.web.stream import hub
from tests.bench.table import quantile
from tests.support.flock import Flock
from tests.support.stream_site import Site
from tests.support.wait import eventually

SOCKETS, SLOW = 20, 4
CHANGES = 60


@pytest.fixture
def here(server: Flask, services: Services) -> Iterator[Site]:
    site = Site(server, services, places=SOCKETS)
    yield site
    site.close()


def test_slow_readers_are_dropped_and_nobody_else_misses_anything(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MAX_BEHIND", 2**20)
    flock = Flock(here.url, here.token(), [["subscribe:vps", "vps-1"]], SOCKETS, SLOW)
    reason = "x" * 100_000  # a body that fills the kernel's buffers soon
    sent: dict[str, float] = {}
    try:
        assert len(here.stream._listeners) == SOCKETS
        for number in range(1, CHANGES + 1):
            cpu, now = number / 10, time.time()
            state = Judgement(
                Status.DEGRADED, now, reason, Status.DEGRADED, 1, now,
                metrics={"system.cpu.usage": cpu},
            )  # fmt: skip
            here.services.board.apply({"vps-1": state})
            sent[f"vps-1 {cpu:g}"] = time.monotonic()
            here.services.bus.publish(TargetsObserved(frozenset({"vps-1"}), frozenset()))
            eventually(_told(here), 20, "the change is on its way", every=0.005)
        eventually(lambda: len(here.stream._listeners) == SOCKETS - SLOW, 10, "the slow are gone")
        seen = flock.end(CHANGES)
    finally:
        flock.kill()
    assert (seen["closed"], seen["slowClosed"]) == (0, SLOW)
    assert seen["gaps"] == 0
    assert {mark: len(found) for mark, found in seen["arrivals"].items()} == dict.fromkeys(
        sent, SOCKETS - SLOW
    )
    took = [at - sent[mark] for mark, found in seen["arrivals"].items() for at in found]
    assert quantile(took, 0.95) < 2


def _told(here: Site) -> Callable[[], bool]:
    """Whether every healthy socket was sent what the room shows now, and reads: on a machine with
    much else to do they must not be taken for slow ones."""
    etag = here.services.read.kept.vps("vps-1", fresh=True).etag

    def told() -> bool:
        current = [
            one
            for one in here.stream._listeners.all()
            if one.told.get(("vps", "vps-1")) == etag and one.behind < 2**18
        ]
        return len(current) >= SOCKETS - SLOW

    return told
