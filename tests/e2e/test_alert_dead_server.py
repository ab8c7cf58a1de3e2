"""A server with 20 services and 30 tenants dies, and returns: one alert for one trouble. More
seeds in `make soak`."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.database import Database
from tests.support.alert_scenes import Death, dies, half_returns, returns
from tests.support.alert_stage import sqlite


def test_one_dead_server_is_one_message_and_its_return_another(database: Database) -> None:
    death = Death.of(2, half=False)
    stage = dies(database, death)
    try:
        returns(stage, death)
    finally:
        stage.close()


@pytest.mark.parametrize("seed", [1, 4])
def test_what_stays_broken_is_told_by_itself_within_a_minute(seed: int, tmp_path: Path) -> None:
    death = Death.of(seed, half=True)
    with sqlite(tmp_path) as database:
        stage = dies(database, death)
        try:
            half_returns(stage, death)
        finally:
            stage.close()
