"""Turns among receivers, and receivers that keep failing."""

from __future__ import annotations

import pytest

from services.notify.claims import Outcome
from services.notify.lane import SLOW, Turns
from services.notify.retry import Reason, Status
from services.notify.troubles import LASTING, REFUSALS, Troubles

NOW = 1_763_634_600.0
SENT = Outcome(Status.SENT, Reason.ACCEPTED)
REFUSED = Outcome(Status.FAILED, Reason.GONE, "It answered 410.")
LATER = Outcome(Status.QUEUED, Reason.TIMEOUT, "It did not answer.")
GAVE_UP = Outcome(Status.FAILED, Reason.GAVE_UP, "Gave up after 24 h.")


def test_nobody_is_sent_two_messages_at_a_time() -> None:
    turns = Turns(4)
    assert turns.begin("Ops")
    assert not turns.begin("Ops")
    assert turns.begin("Dev")
    assert turns.blocked() == {"Ops", "Dev"}
    turns.end("Ops", 0.1)
    assert turns.begin("Ops")


def test_slow_receivers_leave_a_worker_to_the_others() -> None:
    turns = Turns(3)
    for name in ("a", "b", "c"):
        assert turns.begin(name)
        turns.end(name, SLOW + 1)
    assert turns.begin("a")
    assert turns.begin("b")
    assert not turns.begin("c")
    assert turns.begin("quick")
    turns.end("a", 0.1)
    assert turns.begin("c"), "one of the slow is slow no more"


def test_a_turn_in_which_nothing_was_sent_says_nothing_of_speed() -> None:
    turns = Turns(2)
    for seconds in (SLOW + 1, None):
        assert turns.begin("a")
        turns.end("a", seconds)
    assert turns.begin("a")
    assert turns.begin("quick")


def test_a_single_worker_serves_the_slow_too() -> None:
    turns = Turns(1)
    turns.begin("a")
    turns.end("a", SLOW + 1)
    assert turns.begin("a")


@pytest.mark.parametrize(
    ("why", "story", "told"),
    [
        ("nine refusals are bad luck", [(0, REFUSED)] * (REFUSALS - 1), []),
        ("ten are a broken address", [(0, REFUSED)] * REFUSALS, [True]),
        ("which is said once", [(0, REFUSED)] * REFUSALS * 3, [True]),
        ("and so is its end", [*[(0, REFUSED)] * 12, (1, SENT), (2, SENT)], [True, False]),
        ("a success starts the count anew", [*[(0, REFUSED)] * 9, (1, SENT), (2, REFUSED)], []),
        ("an outage of less than an hour", [(0, LATER), (LASTING - 1, LATER), (LASTING, SENT)], []),
        ("an hour of failures", [(0, LATER), (1800, LATER), (LASTING, LATER)], [True]),
        ("a success between them", [(0, LATER), (1800, SENT), (LASTING, LATER)], []),
        ("giving up is no refusal", [(0, GAVE_UP)] * REFUSALS, []),
    ],
)
def test_who_keeps_failing(why: str, story: list[tuple[float, Outcome]], told: list[bool]) -> None:
    troubles = Troubles()
    heard = [troubles.note("email", "Ops", outcome, NOW + at) for at, outcome in story]
    assert [trouble.began for trouble in heard if trouble] == told, why


def test_channels_and_receivers_are_counted_apart() -> None:
    troubles = Troubles()
    for channel, recipient in [("email", "Ops"), ("email", "Dev"), ("sms", "Ops")] * 9:
        assert troubles.note(channel, recipient, REFUSED, NOW) is None


def test_trouble_is_told_in_words() -> None:
    troubles = Troubles()
    for _ in range(REFUSALS - 1):
        troubles.note("email", "Ops", REFUSED, NOW)
    began = troubles.note("email", "Ops", REFUSED, NOW)
    assert began is not None
    assert began.title == "Ops cannot be reached by email"
    assert began.message == (
        "10 messages in a row were refused. The latest failure: It answered 410."
    )
    ended = troubles.note("email", "Ops", SENT, NOW)
    assert ended is not None
    assert ended.title == "Ops can be reached by email again"
    troubles.note("sms", "Ops", LATER, NOW)
    lasting = troubles.note("sms", "Ops", LATER, NOW + LASTING)
    assert lasting is not None
    assert lasting.message.startswith("For 60 min nothing could be sent. ")
