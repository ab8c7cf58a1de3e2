from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.retry import GIVE_UP_AFTER, next_attempt

DAY = GIVE_UP_AFTER


@pytest.mark.parametrize(
    ("why", "failures", "age", "jitter", "retry_after", "delay"),
    [
        ("the first delay", 1, 0, 1.0, None, 5.0),
        ("jitter takes half at most", 1, 0, 0.0, None, 2.5),
        ("it doubles", 3, 60, 1.0, None, 20.0),
        ("up to half an hour", 10, 3600, 1.0, None, 1800.0),
        ("and no further", 5000, 3600, 1.0, None, 1800.0),
        ("the receiver asked for longer", 1, 0, 1.0, 120.0, 120.0),
        ("the receiver asked for less", 3, 0, 1.0, 1.0, 20.0),
        ("one last attempt when the day ends", 20, DAY - 60, 1.0, None, 60.0),
        ("even when the receiver asked for a week", 1, 0, 1.0, 7 * DAY, DAY),
        ("a day is over", 20, DAY, 1.0, None, None),
        ("also with a wish of the receiver", 20, DAY + 1, 1.0, 5.0, None),
    ],
)
def test_when_a_message_is_tried_again(
    why: str,
    failures: int,
    age: float,
    jitter: float,
    retry_after: float | None,
    delay: float | None,
) -> None:
    now = 1_700_000_000.0
    at = next_attempt(failures, now - age, now, jitter, retry_after)
    assert (None if at is None else at - now) == (delay and pytest.approx(delay)), why


@given(
    st.integers(1, 10**6), st.floats(0, DAY * 2), st.floats(0, 1), st.none() | st.floats(0, 10**9)
)
def test_an_attempt_lies_ahead_and_within_the_day(
    failures: int, age: float, jitter: float, retry_after: float | None
) -> None:
    now = 1_700_000_000.0
    at = next_attempt(failures, now - age, now, jitter, retry_after)
    if at is None:
        assert age >= DAY - 1e-3
    else:
        assert math.isfinite(at)
        assert now <= at <= now - age + DAY
