"""When a value meets a condition: each operator at, below and above its limit, and where it is
over when it held before."""

from __future__ import annotations

import pytest

from services.alerts.evaluate import Value, holds
from services.rule import Operator, Threshold

EQUALS, NOT_EQUALS = Operator.EQUALS, Operator.NOT_EQUALS
ABOVE, AT_LEAST = Operator.GREATER_THAN, Operator.GREATER_THAN_OR_EQUAL
BELOW, AT_MOST = Operator.LESS_THAN, Operator.LESS_THAN_OR_EQUAL

# what it shows, operator, limit, the value, whether it holds
LIMITS: list[tuple[str, Operator, Value, Value, bool]] = [
    ("not equal to it", EQUALS, 5, 4, False),
    ("equal to it", EQUALS, 5, 5, True),
    ("equal as a fraction", EQUALS, 5, 5.0, True),
    ("just beside it", EQUALS, 5, 5.0001, False),
    ("other than it", NOT_EQUALS, 5, 4, True),
    ("no other than it", NOT_EQUALS, 5, 5, False),
    ("below it is not above", ABOVE, 90, 89.9, False),
    ("exactly at the limit is not above it", ABOVE, 90, 90, False),
    ("just above it", ABOVE, 90, 90.0001, True),
    ("less is not at least", AT_LEAST, 90, 89.9999, False),
    ("exactly at the limit is at least", AT_LEAST, 90, 90, True),
    ("more is at least", AT_LEAST, 90, 91, True),
    ("just below it", BELOW, 10, 9.9999, True),
    ("exactly at the limit is not below it", BELOW, 10, 10, False),
    ("above it is not below", BELOW, 10, 10.1, False),
    ("less is at most", AT_MOST, 10, 9, True),
    ("exactly at the limit is at most", AT_MOST, 10, 10, True),
    ("more is not at most", AT_MOST, 10, 10.0001, False),
    ("below nought", BELOW, 0, -0.0001, True),
    ("nought is nought on either side", EQUALS, 0, -0.0, True),
]

# what it shows, operator, the word, the value, whether it holds
WORDS: list[tuple[str, Operator, str, str, bool]] = [
    ("the word", EQUALS, "unhealthy", "unhealthy", True),
    ("another word", EQUALS, "unhealthy", "degraded", False),
    ("unknown is not unhealthy: nobody could look", EQUALS, "unhealthy", "unknown", False),
    ("part of the word is not the word", EQUALS, "unhealthy", "healthy", False),
    ("any other word", NOT_EQUALS, "healthy", "degraded", True),
    ("unknown is another word too", NOT_EQUALS, "healthy", "unknown", True),
    ("no other word", NOT_EQUALS, "healthy", "healthy", False),
]

# what it shows, operator, limit, clear value, the value, whether it held before, and holds now
CLEARING: list[tuple[str, Operator, float, float | None, float, bool, bool]] = [
    ("without one the limit itself ends it", ABOVE, 90, None, 90, True, False),
    ("between the two it does not begin", ABOVE, 90, 80, 85, False, False),
    ("at the limit it does not begin", ABOVE, 90, 80, 90, False, False),
    ("above the limit it begins", ABOVE, 90, 80, 91, False, True),
    ("between the two it goes on", ABOVE, 90, 80, 85, True, True),
    ("just above the clear value it goes on", ABOVE, 90, 80, 80.0001, True, True),
    ("at the clear value it is over", ABOVE, 90, 80, 80, True, False),
    ("below the clear value it is over", ABOVE, 90, 80, 79, True, False),
    ("one at the limit changes nothing", ABOVE, 90, 90, 90, True, False),
    ("at least: between, it does not begin", AT_LEAST, 90, 80, 89.9, False, False),
    ("at least: at the limit it begins", AT_LEAST, 90, 80, 90, False, True),
    ("at least: between, it goes on", AT_LEAST, 90, 80, 85, True, True),
    ("at least: at the clear value it goes on", AT_LEAST, 90, 80, 80, True, True),
    ("at least: below it, it is over", AT_LEAST, 90, 80, 79.9999, True, False),
    ("at least: one at the limit changes nothing", AT_LEAST, 90, 90, 90, True, True),
    ("below: between, it does not begin", BELOW, 10, 20, 15, False, False),
    ("below: under the limit it begins", BELOW, 10, 20, 9, False, True),
    ("below: between, it goes on", BELOW, 10, 20, 15, True, True),
    ("below: at the clear value it is over", BELOW, 10, 20, 20, True, False),
    ("below: above it, it is over", BELOW, 10, 20, 21, True, False),
    ("at most: between, it does not begin", AT_MOST, 10, 20, 15, False, False),
    ("at most: at the limit it begins", AT_MOST, 10, 20, 10, False, True),
    ("at most: at the clear value it goes on", AT_MOST, 10, 20, 20, True, True),
    ("at most: above it, it is over", AT_MOST, 10, 20, 20.0001, True, False),
]


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("row", LIMITS, ids=[f"{row[1]}: {row[0]}" for row in LIMITS])
def test_numbers(row: tuple[str, Operator, Value, Value, bool], held: bool) -> None:
    _, operator, limit, value, expected = row
    condition = Threshold(metric="cpu", operator=operator, value=limit)
    assert holds(condition, value, held) is expected


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("row", WORDS, ids=[f"{row[1]}: {row[0]}" for row in WORDS])
def test_words(row: tuple[str, Operator, str, str, bool], held: bool) -> None:
    _, operator, word, value, expected = row
    condition = Threshold(metric="service.status", operator=operator, value=word)
    assert holds(condition, value, held) is expected


@pytest.mark.parametrize("row", CLEARING, ids=[f"{row[1]}: {row[0]}" for row in CLEARING])
def test_clear_value(row: tuple[str, Operator, float, float | None, float, bool, bool]) -> None:
    _, operator, limit, clear, value, held, expected = row
    condition = Threshold(metric="cpu", operator=operator, value=limit, clear_value=clear)
    assert holds(condition, value, held) is expected
