"""The hub is killed while agents report to it. The long form is `make soak`."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

from tests.conftest import Installs
from tests.fleet.process import Fleet
from tests.support.hub_kills import killed_under_load


def test_what_was_acknowledged_survives_the_kill(tmp_path: Path, healthdeck: Installs) -> None:
    with closing(Fleet(tmp_path, vps=6, services=4, agents=5)) as fleet:
        found = killed_under_load(fleet, healthdeck, 2, 20, random.Random(7))
    assert found.counts["agents"] == 5
    assert found.acknowledged > 10
