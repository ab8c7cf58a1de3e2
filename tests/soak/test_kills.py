"""Twenty kills at random moments for each moment that matters."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.conftest import Installs
from tests.support import kills
from tests.support.web import LocalServer

REPETITIONS = 20


@pytest.mark.parametrize("seed", range(REPETITIONS))
@pytest.mark.parametrize(
    ("play", "shortest", "longest"),
    [
        (kills.killed_while_pending, 2.0, 8.0),
        (kills.killed_when_complete, 1.2, 4.0),
        (kills.killed_after_the_commit, 0.0, 0.0),
        (kills.killed_while_sending, 0.0, 0.0),
    ],
)
def test_an_alert_survives_the_kill(
    play: Callable[[kills.Play, float, random.Random], None],
    shortest: float,
    longest: float,
    seed: int,
    healthdeck: Installs,
    monitored: LocalServer,
    receiver: LocalServer,
) -> None:
    dice = random.Random(seed)
    duration = round(dice.uniform(shortest, longest), 2)
    begun = kills.Play.begin(healthdeck, monitored, receiver, duration)
    play(begun, duration, dice)
