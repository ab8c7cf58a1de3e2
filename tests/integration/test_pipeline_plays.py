"""The proofs of the pipeline in their small form; `make soak` plays them in full."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from models.database import Database
from tests.support import notify_kills, notify_plays
from tests.support.outbox import Installation
from tests.support.web import LocalServer


@pytest.fixture
def home(database: Database) -> Iterator[Installation]:
    installation = Installation(database)
    yield installation
    installation.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_alerts_reach_everybody_through_bad_channels(home: Installation) -> None:
    """How soon is measured by the soak test: these machines may be busy."""
    notify_plays.through_bad_channels(home, 40, a_second=10, seed=7)


def test_a_storm_is_told_within_the_limits_and_in_full(home: Installation) -> None:
    notify_plays.storm(home, 120, critical=lambda number: number % 10 == 0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_killed_process_loses_nothing(database: Database, receiver: LocalServer) -> None:
    notify_kills.killed(database, receiver, kills=2, seed=7)
