"""A monitor with a clock of its own, ended by the test that started it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import pytest

from models.database import Database
from tests.support.alert_monitor import Monitor


class Watches(Protocol):
    """Starts a monitor with these rules."""

    def __call__(self, *rules: Mapping[str, Any], **more: Any) -> Monitor: ...


@pytest.fixture
def watching(database: Database) -> Iterator[Watches]:
    started: list[Monitor] = []

    def start(*rules: Mapping[str, Any], **more: Any) -> Monitor:
        started.append(Monitor(more.pop("database", database), *rules, **more))
        return started[-1]

    yield start
    for monitor in started:
        monitor.kill()
