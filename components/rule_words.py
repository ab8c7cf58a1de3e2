"""A rule in one sentence, as people would say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.marks import NBSP

Spec = Mapping[str, Any]

VERBS = {"critical": "Alarm", "warning": "Warn", "info": "Tell"}
CHANNELS = {
    "email": "e-mail",
    "sms": "SMS",
    "webhook": "webhook",
    "inApp": "in the app",
    "apprise": "chat",
}
OPERATORS = {
    "greaterThan": "above",
    "greaterThanOrEqual": "at or above",
    "lessThan": "below",
    "lessThanOrEqual": "at or below",
    "equals": "exactly",
    "notEquals": "anything but",
}
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
SIDES = {"both": "not as usual", "above": "above the usual", "below": "below the usual"}


def sentence(rule: Spec, metric: Spec, names: Mapping[str, str]) -> str:
    """``Warn Ops by e-mail when CPU of any server is above 85 % for 5 min``. ``metric``: what is
    known of the rule's metric; ``names``: what servers and tenants are called, by id."""
    return f"{_telling(rule)} when {_when(rule, metric, names)}."


def further(rule: Spec, unit: str) -> str:
    """What else the rule does, in a line; nothing where it does no more than its sentence says."""
    condition, plan = rule["condition"], rule.get("notification", {})
    said = []
    if (clear := condition.get("clearValue")) is not None:
        side = "above" if condition["operator"].startswith("less") else "below"
        said.append(f"clears {side} {amount(clear, unit)}")
    if keep := rule.get("keepFiringFor"):
        said.append(f"goes on for {_span(keep)} after it cleared")
    if after := plan.get("escalateAfter"):
        said.append(f"tells again after {_span(after)} without an answer")
    said += [f"after {_span(one['after'])} also {_whom(one)}" for one in rule.get("escalation", ())]
    if every := plan.get("remindEvery"):
        said.append(f"reminds every {_span(every)}")
    said += [
        f"{one['severity']} from {one['tenants']} tenants on"
        for one in rule.get("raiseSeverity", ())
    ]
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def whom(rule: Spec) -> str:
    """Who is told by a rule: ``Ops``, ``all contacts``."""
    return _listed(rule.get("notification", {}).get("recipients", ())) or "all contacts"


def amount(value: Any, unit: str) -> str:
    """A value with its unit."""
    number = value if isinstance(value, str) else f"{value:.6g}"
    return f"{number}{NBSP}{unit}".rstrip(NBSP)


def _telling(rule: Spec) -> str:
    plan = rule.get("notification", {})
    channels = plan.get("channels", ("inApp",))
    verb = VERBS[rule["severity"]]
    if not channels:
        return f"List without telling anybody ({rule['severity']})"
    if list(channels) == ["inApp"]:
        return f"{verb} everybody in the app"
    return f"{verb} {_whom(plan)}"


def _whom(plan: Spec) -> str:
    """Nobody is named where the recipients are None: who may not know of them."""
    channels = [one for one in plan.get("channels", ()) if one != "inApp"]
    named = plan.get("recipients", ())
    who = "people" if named is None else _listed(named) or "all contacts"
    if not channels:
        return f"{who} in the app"
    return f"{who} by {_listed([CHANNELS.get(one, one) for one in channels], 'and')}"


def _when(rule: Spec, metric: Spec, names: Mapping[str, str]) -> str:
    condition, noun = rule["condition"], metric["noun"]
    target, label = _target(rule.get("scope", {}), noun, names), metric["label"]
    kind, lasting = condition.get("type", "threshold"), condition.get("duration")
    waits = f" for {_span(lasting)}" if lasting else ""
    if kind == "absence":
        what = f"the {label[:1].lower()}{label[1:]}" if metric["states"] else label
        return f"{what} of {target} is missing{waits}"
    if kind == "anomaly":
        budget = condition.get("maxPerWeek", 1)
        often = f" (at most {budget:g} a week for each)"
        return f"{label} of {target} is {SIDES[condition.get('direction', 'both')]}{waits}{often}"
    if metric["states"]:
        return f"{target} {_state(condition)}{waits}"
    limit = amount(condition["value"], metric["unit"])
    return f"{label} of {target} is {OPERATORS[condition['operator']]} {limit}{waits}"


def _state(condition: Spec) -> str:
    word, equal = condition["value"], condition["operator"] == "equals"
    if word in ("silent", "reporting"):
        return "does not report" if equal == (word == "silent") else "reports"
    return f"is {'' if equal else 'not '}{word}"


def _target(scope: Spec, noun: str, names: Mapping[str, str]) -> str:
    def called(key: str) -> list[str]:
        return [names.get(one, one) for one in scope.get(key, ())]

    servers, tenants = called("vps"), called("tenant")
    said = _listed(scope.get("service", ())) or f"any {noun}"
    if noun == "server" and servers:
        said, servers = _listed(servers), []
    if noun == "tenant" and tenants:
        said, tenants = _listed(tenants), []
    if kinds := _listed(scope.get("types", ())):
        said += f" of type {kinds}"
    if without := _listed(scope.get("exceptTypes", ())):
        said += f" except {without}"
    if servers:
        said += f" on {_listed(servers)}"
    if tags := _listed(scope.get("tags", ())):
        said += f" tagged {tags}"
    return f"{said} of {_listed(tenants)}" if tenants else said


def _listed(words: Sequence[str], between: str = "or", most: int = 3) -> str:
    words = list(words)
    if len(words) > most:
        return f"{', '.join(words[: most - 1])} {between} {len(words) - most + 1} more"
    return f" {between} ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def _span(seconds: float) -> str:
    """Exactly, for that is what was written."""
    unit, size = next(one for one in _UNITS if seconds % one[1] == 0 or one[0] == "s")
    return f"{seconds / size:g}{NBSP}{unit}"
