"""What a plan is made of: where a rule stands for a target, and one move of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.alerts.evaluate import INACTIVE, RuleState, Value
from services.alerts.standing import Standing
from services.health.status import Judgement
from services.rule import Rule


class Kind(StrEnum):
    """What a step is, as the alert's history names it; ``MOVED`` is no more than a rule's state.
    ``RELEASED``: what stood against a message is gone, and there is none to send."""

    MOVED = "moved"
    FIRED = "fired"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    TOLD = "told"
    WITHHELD = "withheld"
    RELEASED = "released"
    ESCALATED = "escalated"
    REMINDED = "reminded"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    UNSNOOZED = "unsnoozed"


@dataclass(frozen=True, slots=True)
class Live:
    """A rule's state for a target; ``alert`` while one stands; ``alert_id`` also while its latest
    one is remembered."""

    state: RuleState = INACTIVE
    alert_id: str | None = None
    alert: Standing | None = None


NOTHING = Live()


@dataclass(frozen=True, slots=True)
class Step:
    """One planned move of one (rule, target). ``note``: its reason, in words."""

    kind: Kind
    rule: Rule
    target: str
    before: Live
    after: Live
    at: float
    note: str = ""
    who: str | None = None
    value: Value | None = None
    judgement: Judgement | None = None
    false_positive: bool | None = None
