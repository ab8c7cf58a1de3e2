"""The alert engine's scenes in their long form: thirty phases of each, 10,000 rounds of a healthy
fleet, a hundred kills."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from models.database import Database
from tests.support.alert_calm import agent_dies, goes_blind, healthy_rounds, loses_agent_and_service
from tests.support.alert_kills import differences, killed, undisturbed
from tests.support.alert_scenes import Death, dies, half_returns, returns
from tests.support.alert_stage import sqlite
from tests.support.stores import PostgresServer

SEEDS = range(30)
#: Each run of the incident is killed five times.
RUNS, KILLS_A_RUN = 20, 5


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_server_dies_and_returns(seed: int, half: bool, tmp_path: Path) -> None:
    death = Death.of(seed, half=half)
    with sqlite(tmp_path) as database:
        stage = dies(database, death)
        try:
            if half:
                late = half_returns(stage, death)
                sys.stderr.write(f"\nseed {seed}: the last is told {late:.0f} s after the return")
            else:
                returns(stage, death)
        finally:
            stage.close()


@pytest.mark.parametrize("scene", [goes_blind, agent_dies, loses_agent_and_service])
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_but_that(
    scene: Callable[[Database, int], None], seed: int, tmp_path: Path
) -> None:
    with sqlite(tmp_path) as database:
        scene(database, seed)


def test_ten_thousand_rounds_of_noise() -> None:
    noise = healthy_rounds(10_000, servers=10, seed=7)
    sys.stderr.write(
        f"\n{noise.rounds} rounds, {noise.looks} looks: {noise.lost} single probes lost, "
        f"{noise.failed} looks failed"
    )
    assert noise.steps == []


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_a_hundred_kills(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    server: PostgresServer | None = None
    if store == "postgresql":
        server = request.getfixturevalue("postgres_server")
    exact, latest = 0, 0.0
    for run in range(RUNS):
        urls = [
            server.create() if server else f"sqlite:///{tmp_path}/{run}-{which}.db"
            for which in ("undisturbed", "killed")
        ]
        expected = undisturbed(urls[0], run)
        found, kills = killed(urls[1], run, KILLS_A_RUN, random.Random(run))
        parted, late = differences(expected, found, kills)
        assert parted == [], f"run {run}"
        exact, latest = exact + (expected.history() == found.history()), max(latest, late)
    kinds = Counter(event.kind for event in expected.events)
    sys.stderr.write(
        f"\n{RUNS * KILLS_A_RUN} kills in {RUNS} runs: {exact} runs to the very moment, else up to "
        f"{latest:.1f} s apart; transitions of a run: {dict(kinds)}"
    )
