"""How alerts speak: titles, evidence, and why one ended."""

from __future__ import annotations

from services.alerts.anomaly import Verdict
from services.alerts.evaluate import Value
from services.health.status import Judgement
from services.metrics import Metric
from services.rule import Absence, Condition, Operator, Rule, Threshold
from services.times import span

PAST = {
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


def title(rule: Rule, label: str, value: Value | None) -> str:
    """``postgres on vps-1 is unhealthy``, ``CPU of vps-1 at 96 %``, ``no Load of vps-1``."""
    metric = rule.condition.reads
    if metric.name == "vps.reporting":
        return f"{label} does not report"
    if isinstance(rule.condition, Absence):
        return f"No {_name(metric)} of {label}"
    if metric.states and value is not None:
        return f"{label} is {value}"
    if value is not None:
        return f"{_name(metric)} of {label} at {amount(value, metric.unit)}"
    # Only that it was so is known, from before a restart.
    if isinstance(rule.condition, Threshold):
        return f"{_name(metric)} of {label} {_limit(rule.condition, metric)}"
    return f"{_name(metric)} of {label} not as expected"


def message(rule: Rule, judgement: Judgement | None, verdict: Verdict | None) -> str:
    """The evidence: what was found, and for how long it must have been so."""
    condition, metric = rule.condition, rule.condition.reads
    at_least = f", for at least {span(condition.duration)}" if condition.duration else ""
    if isinstance(condition, Absence):
        return f"No value{at_least}."
    if metric.states and judgement is not None:
        reason = judgement.reason
        return f"{reason[:1].upper()}{reason[1:]}{at_least}."
    return f"{_measured(condition, metric, verdict)}{at_least}."


def resolution(rule: Rule, judgement: Judgement | None, value: Value | None) -> str:
    """Why an alert ended by itself."""
    metric = rule.condition.reads
    if metric.name == "vps.reporting":
        return "Recovered: it reports again."
    if metric.states:
        return f"Recovered: {judgement.reason}." if judgement else "Recovered."
    if value is None:
        return "Recovered."
    return f"Recovered: {_name(metric)} at {amount(value, metric.unit)}."


def _measured(condition: Condition, metric: Metric, verdict: Verdict | None) -> str:
    if isinstance(condition, Threshold):
        limit = _limit(condition, metric)
        return f"{limit[:1].upper()}{limit[1:]}"
    if verdict is None or verdict.lower is None or verdict.upper is None:
        return "Not as expected"
    low, high = amount(verdict.lower, metric.unit), amount(verdict.upper, metric.unit)
    return f"Expected {low} to {high}"


def _limit(condition: Threshold, metric: Metric) -> str:
    return f"{PAST[condition.operator]} {amount(condition.value, metric.unit)}"


def _name(metric: Metric) -> str:
    return metric.label.partition(",")[0]
