"""The hub is killed under load, twenty times: what it acknowledged is there, and nothing twice."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Installs
from tests.fleet.process import Fleet
from tests.support.hub_kills import killed_under_load

KILLS = 20
AGENTS = 30
#: Seconds within which a start answers.
START = 5.0


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    playing = Fleet(tmp_path, vps=50, services=4, tenants=50, exporters=20, agents=AGENTS)
    yield playing
    playing.close()


def test_a_hub_that_is_killed_under_load(fleet: Fleet, healthdeck: Installs) -> None:
    found = killed_under_load(fleet, healthdeck, KILLS, 50, random.Random(11))
    counts = found.counts
    assert counts["agents"] == AGENTS
    sys.stderr.write(
        f"\n{KILLS} kills; starts take up to {max(found.starts):.2f} s; {found.acknowledged} "
        f"readings of agents were acknowledged, none is missing; answers {counts['answers']}, "
        f"failed {counts['failed']}, busy {counts['busy']}"
    )
    assert max(found.starts) <= START, found.starts
