"""The monitor is killed in the middle of something. The long form is `make soak`."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.conftest import Installs
from tests.support import kills
from tests.support.web import LocalServer


@pytest.mark.parametrize(
    ("play", "duration"),
    [
        (kills.killed_while_pending, 4.0),
        (kills.killed_when_complete, 2.5),
        (kills.killed_after_the_commit, 0.0),
        (kills.killed_while_sending, 0.0),
    ],
)
def test_an_alert_survives_the_kill(
    play: Callable[[kills.Play, float, random.Random], None],
    duration: float,
    healthdeck: Installs,
    monitored: LocalServer,
    receiver: LocalServer,
) -> None:
    begun = kills.Play.begin(healthdeck, monitored, receiver, duration)
    play(begun, duration, random.Random(7))
