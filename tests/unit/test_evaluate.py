"""The state machine of a rule: a case a row, and the accounting of time over gaps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.evaluate import INACTIVE, Phase, RuleState, Transition, evaluate, holds
from services.rule import Condition, Operator

INTERVAL = 10.0
CPU = Condition(metric="cpu", operator=Operator.GREATER_THAN, value=90, duration=30)
NOW = Condition(metric="cpu", operator=Operator.GREATER_THAN, value=90, duration=0)

PENDING = Phase.PENDING
ACTIVE = Phase.ACTIVE

CASES = [
    # what it shows, condition, state before, value, now, phase after, transition
    ("nothing wrong stays inactive", CPU, INACTIVE, 50, 100, Phase.INACTIVE, None),
    ("no look while inactive", CPU, INACTIVE, None, 100, Phase.INACTIVE, None),
    ("the condition begins to hold", CPU, INACTIVE, 95, 100, PENDING, Transition.STARTED),
    ("without a duration it fires at once", NOW, INACTIVE, 95, 100, ACTIVE, Transition.FIRED),
    ("exactly at the limit is not above it", NOW, INACTIVE, 90, 100, Phase.INACTIVE, None),
    ("held too short", CPU, RuleState(PENDING, 100, 10, 110), 95, 120, PENDING, None),
    ("held long enough", CPU, RuleState(PENDING, 100, 20, 120), 95, 130, ACTIVE, Transition.FIRED),
    ("cleared before its time", CPU, RuleState(PENDING, 100, 20, 120), 80, 130,
     Phase.INACTIVE, Transition.DROPPED),
    ("time alone completes it", CPU, RuleState(PENDING, 100, 20, 120), None, 130,
     ACTIVE, Transition.FIRED),
    ("time alone, not yet", CPU, RuleState(PENDING, 100, 20, 120), None, 129.9, PENDING, None),
    ("time without a look counts one interval at most", CPU, RuleState(PENDING, 100, 10, 110),
     None, 9999, PENDING, None),
    ("a monitor that was away has not seen the trouble", CPU, RuleState(PENDING, 100, 10, 110),
     95, 9999, PENDING, None),
    ("complete when it was killed: fires at the first tick", CPU,
     RuleState(PENDING, 100, 25, 125), None, 9999, ACTIVE, Transition.FIRED),
    ("a clock that went back adds nothing", CPU, RuleState(PENDING, 100, 20, 120), 95, 50,
     PENDING, None),
    ("stays active", CPU, RuleState(ACTIVE, 100, 30, 130), 95, 140, ACTIVE, None),
    ("no look leaves it active", CPU, RuleState(ACTIVE, 100, 30, 130), None, 9999, ACTIVE, None),
    ("resolves when it clears", CPU, RuleState(ACTIVE, 100, 30, 130), 10, 140,
     Phase.INACTIVE, Transition.RESOLVED),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_state_machine(case):
    _, condition, state, value, now, phase, transition = case
    after, happened = evaluate(condition, state, value, now, INTERVAL)
    assert (after.phase, happened) == (phase, transition)


@pytest.mark.parametrize(
    ("operator", "value", "below", "at", "above"),
    [
        (Operator.EQUALS, 5, False, True, False),
        (Operator.NOT_EQUALS, 5, True, False, True),
        (Operator.GREATER_THAN, 5, False, False, True),
        (Operator.GREATER_THAN_OR_EQUAL, 5, False, True, True),
        (Operator.LESS_THAN, 5, True, False, False),
        (Operator.LESS_THAN_OR_EQUAL, 5, True, True, False),
    ],
)
def test_operators(operator, value, below, at, above):
    condition = Condition(metric="load", operator=operator, value=value)
    assert [holds(condition, v) for v in (4, 5, 6)] == [below, at, above]


#: Quarters of a second up to a minute: sums of them are exact.
QUARTERS = st.integers(0, 240).map(lambda quarters: quarters / 4)


@given(
    gaps=st.lists(QUARTERS.filter(bool), min_size=1, max_size=30),
    duration=QUARTERS,
)
def test_fires_once_observed_time_reaches_the_duration(gaps, duration):
    """Against the plain sum: each gap counts, but at most one interval of it."""
    condition = Condition(metric="cpu", operator="greaterThan", value=90, duration=duration)
    state, now, fired_at = INACTIVE, 1000.0, None
    observed = 0.0
    expected = 0 if duration <= 0 else None
    state, happened = evaluate(condition, state, 99, now, INTERVAL)
    if happened is Transition.FIRED:
        fired_at = 0
    for number, gap in enumerate(gaps, start=1):
        now += gap
        observed += min(gap, INTERVAL)
        if expected is None and observed >= duration:
            expected = number
        state, happened = evaluate(condition, state, 99, now, INTERVAL)
        if happened is Transition.FIRED:
            assert fired_at is None, "an alert fires once"
            fired_at = number
    assert fired_at == expected
