"""The state machine of an alert against the slow reference, over random histories."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, settings

from tests.support.alert_histories import differences, histories
from tests.support.alert_reference import Event, Terms


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_the_machine_does_what_the_reference_does(given: tuple[Terms, list[Event]]) -> None:
    terms, history = given
    assert next(differences(terms, history, Counter()), None) is None, f"{terms}\n{history}"
