"""When nobody must be told of anything, or of one thing alone. More seeds and more rounds in
`make soak`."""

from __future__ import annotations

from pathlib import Path

from tests.support.alert_calm import agent_dies, goes_blind, healthy_rounds, loses_agent_and_service
from tests.support.alert_stage import sqlite


def test_a_blind_monitor_speaks_of_itself_alone(tmp_path: Path) -> None:
    with sqlite(tmp_path) as database:
        goes_blind(database, seed=1)


def test_a_dead_agent_is_one_alert(tmp_path: Path) -> None:
    with sqlite(tmp_path) as database:
        agent_dies(database, seed=2)


def test_a_service_of_a_server_without_its_agent_speaks_for_itself(tmp_path: Path) -> None:
    with sqlite(tmp_path) as database:
        loses_agent_and_service(database, seed=3)


def test_noise_is_no_news() -> None:
    noise = healthy_rounds(300, servers=5, seed=1)
    assert noise.lost > 50
    assert noise.steps == []
