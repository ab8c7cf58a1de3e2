"""The state machine of an alert against the slow reference, over 20,000 random histories."""

from __future__ import annotations

import sys
from collections import Counter
from time import monotonic

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.alert_histories import differences, histories
from tests.support.alert_reference import Event, Terms

HISTORIES = 20_000
#: What must have come about often enough for the comparison to mean something.
OFTEN = (
    "started", "fired", "reopened", "dropped", "resolved", "cleared", "flapping",
    "hand while resolved", "hand while inactive", "restart while pending", "restart while active",
    "restart while resolved", "tick while pending", "tick while active", "tick while resolved",
)  # fmt: skip


@pytest.mark.timeout(3600)
def test_no_difference_in_twenty_thousand_histories(capsys: pytest.CaptureFixture[str]) -> None:
    tally: Counter[str] = Counter()

    @settings(
        max_examples=HISTORIES,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(histories())
    def compare(given: tuple[Terms, list[Event]]) -> None:
        terms, history = given
        tally["histories"] += 1
        assert next(differences(terms, history, tally), None) is None, f"{terms}\n{history}"

    began = monotonic()
    compare()
    with capsys.disabled():
        sys.stdout.write(f"\n{monotonic() - began:.0f} s: {dict(tally.most_common())}\n")
    assert tally["histories"] >= HISTORIES
    assert {what: tally[what] for what in OFTEN if tally[what] < 1000} == {}
