"""Whether an alert must stand: the state machine of one rule for one target. Pure.

    inactive --holds--> pending --held for the duration--> active --clear long enough--> inactive
                           '-----------clears-------------> inactive
                                    active --resolved by hand--> resolved --clears--> inactive

Time counts only while it was observed: between two looks at most one interval is credited, so a
monitor that was away for an hour has seen neither an hour of trouble nor an hour of peace.

For ``Terms.window`` seconds after its end an alert is remembered: trouble that begins again in
that time is the same trouble and reopens it. Trouble that came three times within an hour flaps:
from then on it must be clear for the whole window before it counts as over.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from services.rule import Operator, Rule, Threshold

Value = float | str

COMPARE: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQUALS: operator.eq,
    Operator.NOT_EQUALS: operator.ne,
    Operator.GREATER_THAN: operator.gt,
    Operator.GREATER_THAN_OR_EQUAL: operator.ge,
    Operator.LESS_THAN: operator.lt,
    Operator.LESS_THAN_OR_EQUAL: operator.le,
}

#: Trouble that comes so often within so many seconds, as one alert, flaps.
FLAPS = 3
FLAP_SECONDS = 3600.0


class Phase(StrEnum):
    """``RESOLVED``: by an operator, while the condition holds; it must clear once."""

    INACTIVE = "inactive"
    PENDING = "pending"
    ACTIVE = "active"
    RESOLVED = "resolved"


class Transition(StrEnum):
    STARTED = "started"
    FIRED = "fired"
    REOPENED = "reopened"
    DROPPED = "dropped"
    RESOLVED = "resolved"
    CLEARED = "cleared"


class Terms(NamedTuple):
    """What time means to a rule, in seconds: ``duration`` before it fires, ``keep`` for which it
    must be clear before it ends, ``window`` after its end in which trouble is the same."""

    duration: float = 0.0
    keep: float = 0.0
    window: float = 0.0

    @classmethod
    def of(cls, rule: Rule, window: float) -> Terms:
        return cls(rule.condition.duration, rule.keep_firing_for, window)


@dataclass(frozen=True, slots=True)
class RuleState:
    """``since``: when the condition began to hold; ``held``: observed seconds of it, up to
    ``seen_at``, the latest look. ``clear``: observed seconds for which an active alert's condition
    has been clear, None while it holds. ``ended_at``: when the latest alert ended, while it is
    remembered; ``firings``: when that alert fired, the latest ``FLAPS`` (all moments in seconds
    since the epoch)."""

    phase: Phase = Phase.INACTIVE
    since: float = 0.0
    held: float = 0.0
    seen_at: float = 0.0
    clear: float | None = None
    ended_at: float | None = None
    firings: tuple[float, ...] = ()

    @property
    def flapping(self) -> bool:
        fired = self.firings
        return len(fired) >= FLAPS and fired[-1] - fired[-FLAPS] <= FLAP_SECONDS


INACTIVE = RuleState()
Moved = tuple[RuleState, Transition | None]


def holds(condition: Threshold, value: Value, firing: bool = False) -> bool:
    """Whether a value meets a condition; ``firing``: it did before, so that it must now be past
    ``clear_value`` to be over."""
    limit = condition.value
    if firing and condition.clear_value is not None:
        limit = condition.clear_value
    return COMPARE[condition.operator](value, limit)


def evaluate(
    terms: Terms, state: RuleState, holding: bool | None, now: float, interval: float
) -> Moved:
    """The next state of a rule for a target, and what happened if it moved.

    ``holding`` says whether the condition held at a look at ``now``; None when time passed
    without a look. ``interval`` (seconds) is how often the target is looked at.
    """
    credit = min(max(now - state.seen_at, 0.0), interval)
    if holding is None:
        return _wait(terms, state, now, credit)
    if holding:
        return _trouble(terms, state, now, credit)
    return _peace(terms, state, now, credit)


def end_by_hand(state: RuleState, now: float) -> RuleState:
    """The state after an operator resolved an active alert."""
    if state.clear is None:
        return replace(state, phase=Phase.RESOLVED, ended_at=now)
    return _over(state, now)


def _wait(terms: Terms, state: RuleState, now: float, credit: float) -> Moved:
    if state.phase is Phase.PENDING:
        if state.held + credit >= terms.duration:
            return _fire(terms, state, now)
    elif state.phase is Phase.ACTIVE:
        if state.clear is not None and state.clear + credit >= _must_be_clear(terms, state):
            return _over(state, now), Transition.RESOLVED
    elif state.phase is Phase.INACTIVE:
        return _remembered(terms, state, now), None
    return state, None


def _trouble(terms: Terms, state: RuleState, now: float, credit: float) -> Moved:
    if state.phase is Phase.ACTIVE:
        return replace(state, seen_at=now, clear=None), None
    if state.phase is Phase.RESOLVED:
        return replace(state, seen_at=now), None
    transition = None
    if state.phase is Phase.INACTIVE:
        known = _remembered(terms, state, now)
        state = replace(known, phase=Phase.PENDING, since=now, held=0.0, seen_at=now)
        transition = Transition.STARTED
    else:
        state = replace(state, held=state.held + credit, seen_at=now)
    if state.held >= terms.duration:
        return _fire(terms, state, now)
    return state, transition


def _peace(terms: Terms, state: RuleState, now: float, credit: float) -> Moved:
    if state.phase is Phase.INACTIVE:
        return _remembered(terms, state, now), None
    if state.phase is Phase.PENDING:
        known = RuleState(ended_at=state.ended_at, firings=state.firings)
        return _remembered(terms, known, now), Transition.DROPPED
    if state.phase is Phase.RESOLVED:
        known = RuleState(ended_at=state.ended_at, firings=state.firings)
        return _remembered(terms, known, now), Transition.CLEARED
    clear = 0.0 if state.clear is None else state.clear + credit
    if clear >= _must_be_clear(terms, state):
        return _over(state, now), Transition.RESOLVED
    return replace(state, clear=clear, seen_at=now), None


def _fire(terms: Terms, state: RuleState, now: float) -> Moved:
    again = _within(terms.window, state.ended_at, state.since)
    firings = (*state.firings, now)[-FLAPS:] if again else (now,)
    active = replace(state, phase=Phase.ACTIVE, clear=None, ended_at=None, firings=firings)
    return active, Transition.REOPENED if again else Transition.FIRED


def _over(state: RuleState, now: float) -> RuleState:
    return RuleState(ended_at=now, firings=state.firings)


def _must_be_clear(terms: Terms, state: RuleState) -> float:
    return max(terms.keep, terms.window) if state.flapping else terms.keep


def _remembered(terms: Terms, state: RuleState, now: float) -> RuleState:
    if state.ended_at is None or _within(terms.window, state.ended_at, now):
        return state
    return INACTIVE


def _within(window: float, ended_at: float | None, moment: float) -> bool:
    # On either side: a clock that was set back must not make an old trouble of each new one.
    return ended_at is not None and abs(moment - ended_at) <= window
