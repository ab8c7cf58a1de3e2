"""What an alert says of itself: its title and message. Pure."""

from __future__ import annotations

from services.alerts.evaluate import Value
from services.health.status import Judgement
from services.rule import Operator, Rule
from services.times import span

_PAST = {
    Operator.GREATER_THAN: "above",
    Operator.GREATER_THAN_OR_EQUAL: "at or above",
    Operator.LESS_THAN: "below",
    Operator.LESS_THAN_OR_EQUAL: "at or below",
    Operator.EQUALS: "at",
    Operator.NOT_EQUALS: "not at",
}


def amount(value: Value, unit: str) -> str:
    """A value with its unit, with no more digits than anybody needs."""
    if isinstance(value, str):
        return value
    text = f"{value:.0f}" if abs(value) >= 10 or value == round(value) else f"{value:.1f}"
    return f"{text} {unit}".strip()


def title(rule: Rule, label: str, value: Value) -> str:
    """``postgres on vps-1 is unhealthy``, ``CPU of vps-1 at 96 %``."""
    metric = rule.condition.reads
    if metric.name == "vps.reporting":
        return f"{label} does not report"
    if metric.states:
        return f"{label} is {value}"
    return f"{metric.label.partition(',')[0]} of {label} at {amount(value, metric.unit)}"


def message(rule: Rule, judgement: Judgement) -> str:
    """The evidence: what was found, and for how long it must have been so."""
    condition, metric = rule.condition, rule.condition.reads
    at_least = f", for at least {span(condition.duration)}" if condition.duration else ""
    if metric.states:
        reason = judgement.reason
        return f"{reason[:1].upper()}{reason[1:]}{at_least}."
    limit = amount(condition.value, metric.unit)
    return f"{_PAST[condition.operator].capitalize()} {limit}{at_least}."


def resolution(rule: Rule, judgement: Judgement | None) -> str:
    """Why an alert ended by itself."""
    if judgement is None:
        return "The target is no longer watched."
    return f"Recovered: {judgement.reason}."
