"""Whether an alert must stand: the state machine of one rule for one target. Pure.

    inactive --holds--> pending --held for the duration--> active --clears--> inactive
                           '-----------clears-------------> inactive

Time counts towards the duration only while it was observed: between two looks at most one
interval is credited, so a monitor that was away for an hour has not seen an hour of trouble.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from services.rule import Condition, Operator

Value = float | str

COMPARE: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQUALS: operator.eq,
    Operator.NOT_EQUALS: operator.ne,
    Operator.GREATER_THAN: operator.gt,
    Operator.GREATER_THAN_OR_EQUAL: operator.ge,
    Operator.LESS_THAN: operator.lt,
    Operator.LESS_THAN_OR_EQUAL: operator.le,
}


class Phase(StrEnum):
    INACTIVE = "inactive"
    PENDING = "pending"
    ACTIVE = "active"


class Transition(StrEnum):
    STARTED = "started"
    FIRED = "fired"
    DROPPED = "dropped"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class RuleState:
    """``since``: when the condition began to hold; ``held``: observed seconds of it, up to
    ``seen_at``, the latest look (all seconds since the epoch)."""

    phase: Phase = Phase.INACTIVE
    since: float = 0.0
    held: float = 0.0
    seen_at: float = 0.0


INACTIVE = RuleState()


def holds(condition: Condition, value: Value) -> bool:
    return COMPARE[condition.operator](value, condition.value)


def evaluate(
    condition: Condition, state: RuleState, value: Value | None, now: float, interval: float
) -> tuple[RuleState, Transition | None]:
    """The next state of a rule for a target, and what happened if it moved.

    ``value`` is what was observed at ``now``, or None when time passed without a look;
    ``interval`` (seconds) is how often the target is looked at.
    """
    credit = min(max(now - state.seen_at, 0.0), interval)
    if value is None:
        if state.phase is Phase.PENDING and state.held + credit >= condition.duration:
            return replace(state, phase=Phase.ACTIVE), Transition.FIRED
        return state, None
    if not holds(condition, value):
        ended = {Phase.PENDING: Transition.DROPPED, Phase.ACTIVE: Transition.RESOLVED}
        return INACTIVE, ended.get(state.phase)
    if state.phase is Phase.ACTIVE:
        return replace(state, seen_at=now), None
    if state.phase is Phase.INACTIVE:
        state, credit, transition = RuleState(Phase.PENDING, now, 0.0, now), 0.0, Transition.STARTED
    else:
        transition = None
    state = replace(state, held=state.held + credit, seen_at=now)
    if state.held >= condition.duration:
        return replace(state, phase=Phase.ACTIVE), Transition.FIRED
    return state, transition
