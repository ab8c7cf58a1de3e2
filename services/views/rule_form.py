"""A rule as the editor's form has it: texts of fields, there and back. Pure.

A form speaks as people write (``5 min``, ``85``); what it cannot read it says field by field, and
leaves the rest to the rules' own validation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from services.errors import ValidationError
from services.metrics import CATALOGUE, TENANTS, VPS, Metric, find

Spec = dict[str, Any]
Values = Mapping[str, Any]
Problem = dict[str, str]

#: What a condition says, as the form asks for it.
KINDS = ("limit", "state", "anomaly", "absence")
#: What a kind begins with when the metric chosen before does not go with it.
USUAL = {"state": "service.status"}
_ELSE = "system.cpu.usage"

_UNITS: Sequence[tuple[str, float]] = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
_LENGTH = re.compile(r"([0-9]{1,9}(?:[.,][0-9]{1,3})?)\s*([a-z]*)", re.IGNORECASE)
_SIZES = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_NUMBER = re.compile(r"([+-]?[0-9]{1,15}(?:[.,][0-9]{1,9})?)\s*(\S{0,12})")
_STEP = re.compile(r"step([0-9]{1,3})\.after")
_NO_ID = re.compile(r"[^a-z0-9]+")
#: Where the parts of a rule stand in the form.
_FIELDS = {
    "condition.metric": "metric",
    "condition.operator": "operator",
    "condition.value": "value",
    "condition.clearValue": "clearValue",
    "condition.duration": "duration",
    "condition.maxPerWeek": "maxPerWeek",
    "condition.direction": "direction",
    "notification.channels": "channels",
    "notification.recipients": "recipients",
    "notification.escalateAfter": "escalateAfter",
    "notification.remindEvery": "remindEvery",
    "keepFiringFor": "keepFiringFor",
    "runbookUrl": "runbookUrl",
    "raiseSeverity": "raiseTenants",
    "scope.vps": "vps",
    "scope.service": "service",
    "scope.tenant": "tenant",
    "scope.tags": "tags",
    "notification": "channels",
}


def facts(name: str) -> Spec:
    """What the words of a rule need of a metric; of one that there is not its name alone."""
    try:
        metric = find(name)
    except ValidationError:
        return {"name": name, "label": name, "unit": "", "states": [], "noun": "target"}
    label = metric.label.partition(",")[0]
    return {
        "name": metric.name,
        "label": label,
        "unit": metric.unit,
        "states": list(metric.states),
        "noun": _noun(metric),
    }


def choices(types: Iterable[str]) -> list[Spec]:
    """Every metric that a rule may watch; ``types`` are the service types of the fleet."""
    names = [*CATALOGUE, *(f"{one}.status" for one in sorted(set(types)))]
    return [facts(name) for name in dict.fromkeys(names)]


def of_kind(kind: str, metrics: Iterable[Spec]) -> list[Spec]:
    """Those that go with a kind of condition."""
    if kind == "absence":
        return list(metrics)
    return [one for one in metrics if bool(one["states"]) == (kind == "state")]


def offered(kind: str, types: Iterable[str], chosen: str = "") -> list[dict[str, str]]:
    """The metrics of a kind as choices, with the one that is ``chosen`` under any name."""
    found = of_kind(kind, choices(types))
    if chosen not in {one["name"] for one in found}:
        found += of_kind(kind, [{**facts(chosen), "name": chosen}]) if chosen else []
    return [
        {
            "label": ", ".join(filter(None, (one["label"], one["unit"]))),
            "value": one["name"],
            "search": f"{one['label']} {one['name']}",
        }
        for one in found
    ]


def usual(kind: str) -> str:
    """The metric that a kind begins with."""
    return USUAL.get(kind, _ELSE)


def length(seconds: float | None) -> str:
    """``5 min`` of 300: a length of time as the form has it, exactly; nothing of nothing."""
    if not seconds:
        return ""
    unit, size = next(one for one in _UNITS if seconds % one[1] == 0 or one[0] == "s")
    return f"{seconds / size:g} {unit}"


def values_of(spec: Spec) -> Spec:
    """The fields of the form for a rule's spec as it is stored."""
    condition, plan = spec["condition"], spec.get("notification", {})
    value = condition.get("value")
    state = isinstance(value, str)
    kind = condition.get("type", "threshold")
    raised = [one for one in spec.get("raiseSeverity", ()) if one["severity"] == "critical"]
    found = {
        "id": spec.get("id", ""),
        "name": spec.get("name", ""),
        "severity": spec["severity"],
        "enabled": spec.get("enabled", True),
        "kind": {"threshold": "state" if state else "limit"}.get(kind, kind),
        "metric": condition["metric"],
        "operator": condition.get("operator", "greaterThan"),
        "stateOperator": condition.get("operator", "equals") if state else "equals",
        "value": "" if state or value is None else f"{value:.15g}",
        "word": value if state else "unhealthy",
        "clearValue": _number_text(condition.get("clearValue")),
        "maxPerWeek": _number_text(condition.get("maxPerWeek", 1)),
        "direction": condition.get("direction", "both"),
        "duration": length(condition.get("duration")),
        "keepFiringFor": length(spec.get("keepFiringFor")),
        "runbookUrl": spec.get("runbookUrl") or "",
        "raiseTenants": str(raised[0]["tenants"]) if raised else "",
        **_plan(plan),
        "escalateAfter": length(plan.get("escalateAfter")),
        "remindEvery": length(plan.get("remindEvery")),
    }
    for name in ("vps", "service", "tenant", "tags"):
        found[name] = list(spec.get("scope", {}).get(name, ()))
    for number, step in enumerate(spec.get("escalation", ())):
        told = {"after": length(step["after"]), **_plan(step)}
        found |= {f"step{number}.{name}": value for name, value in told.items()}
    return found


def steps(values: Values) -> list[int]:
    """The numbers of the form's escalation steps, in their order."""
    return sorted(int(found[1]) for name in values if (found := _STEP.fullmatch(name)))


def spec_of(values: Values, base: Spec | None) -> tuple[Spec, list[Problem]]:
    """The rule that the form says, and what of it cannot be read, by field. ``base``: the rule
    that is edited, for what has no field."""
    problems: list[Problem] = []
    old = deepcopy(base or {})
    name = _text(values, "name")
    plan = _plan_of(values, "")
    plan |= _lengths(values, problems, ("escalateAfter", "remindEvery"))
    scope = {key: old.get("scope", {}).get(key, []) for key in ("types", "exceptTypes")}
    scope |= {key: _list(values, key) for key in ("vps", "service", "tenant", "tags")}
    spec: Spec = {
        "id": old.get("id") or _text(values, "id") or _NO_ID.sub("-", name.lower()).strip("-"),
        "name": name,
        "severity": _text(values, "severity") or "warning",
        "condition": _condition(values, problems),
        "notification": plan,
        "enabled": bool(values.get("enabled")),
        "scope": {key: value for key, value in scope.items() if value},
        "escalation": [
            {
                **_plan_of(values, f"step{number}."),
                **_lengths(values, problems, ("after",), f"step{number}."),
            }
            for number in steps(values)
        ],
        "raiseSeverity": _raised(values, old, problems),
        **_lengths(values, problems, ("keepFiringFor",)),
    }
    if address := _text(values, "runbookUrl"):
        spec["runbookUrl"] = address
    return spec, problems


def field_of(path: str, values: Values) -> str:
    """The form's field for a place in the rule (``condition.value``, ``escalation[1].after``)."""
    plain = re.sub(r"\[[0-9]+\]", "", path)
    if (found := re.match(r"escalation\[([0-9]+)\]\.?(\w*)", path)) is not None:
        numbers, place = steps(values), int(found[1])
        number = numbers[place] if place < len(numbers) else 0
        return f"step{number}.{found[2] or 'after'}"
    if plain.startswith("escalation"):
        return f"step{steps(values)[-1]}.after" if steps(values) else "escalateAfter"
    if plain == "condition.value" and values.get("kind") == "state":
        return "word"
    if plain == "condition":
        return _of_condition(values)
    return _FIELDS.get(plain, next((v for k, v in _FIELDS.items() if plain.startswith(k)), plain))


def _of_condition(values: Values) -> str:
    if _text(values, "clearValue"):
        return "clearValue"
    return "word" if values.get("kind") == "state" else "value"


def _condition(values: Values, problems: list[Problem]) -> Spec:
    kind = values.get("kind")
    found: Spec = {"metric": _text(values, "metric")}
    found |= _lengths(values, problems, ("duration",))
    if kind == "absence":
        return {"type": "absence", **found}
    if kind == "anomaly":
        budget = _number(values, "maxPerWeek", problems)
        found |= {} if budget is None else {"maxPerWeek": budget}
        return {"type": "anomaly", **found, "direction": _text(values, "direction") or "both"}
    if kind == "state":
        return {
            **found,
            "operator": _text(values, "stateOperator") or "equals",
            "value": _text(values, "word"),
        }
    found["operator"] = _text(values, "operator") or "greaterThan"
    value = _number(values, "value", problems)
    if value is None and not any(one["field"] == "value" for one in problems):
        problems.append({"field": "value", "problem": "needs a limit; write a number such as 85"})
    found["value"] = 0 if value is None else value
    clear = _number(values, "clearValue", problems)
    return found if clear is None else {**found, "clearValue": clear}


def _raised(values: Values, old: Spec, problems: list[Problem]) -> list[Spec]:
    kept = [one for one in old.get("raiseSeverity", ()) if one["severity"] != "critical"]
    tenants = _number(values, "raiseTenants", problems)
    if tenants is None:
        return kept
    if tenants != int(tenants) or tenants < 1:
        text = "is the number of tenants from which it is critical; write 3 or so"
        problems.append({"field": "raiseTenants", "problem": text})
        return kept
    return [*kept, {"tenants": int(tenants), "severity": "critical"}]


def _plan(plan: Spec) -> Spec:
    return {
        "channels": list(plan.get("channels", ("inApp",))),
        "recipients": list(plan.get("recipients", ())),
        "others": "",
    }


def _plan_of(values: Values, prefix: str) -> Spec:
    others = [one.strip() for one in _text(values, f"{prefix}others").split(",")]
    named = [*_list(values, f"{prefix}recipients"), *(one for one in others if one)]
    return {
        "channels": _list(values, f"{prefix}channels"),
        "recipients": list(dict.fromkeys(named)),
    }


def _lengths(
    values: Values, problems: list[Problem], names: Iterable[str], prefix: str = ""
) -> Spec:
    """Seconds of the lengths of time that are given."""
    found: Spec = {}
    for name in names:
        text = _text(values, prefix + name)
        if not text:
            continue
        parts = _LENGTH.fullmatch(text)
        size = _SIZES.get(_unit(parts[2])) if parts else None
        if parts is None or size is None:
            said = f"'{text[:40]}' is no length of time; write it as 5 min, 90 s or 2 h"
            problems.append({"field": prefix + name, "problem": said})
            continue
        found[name] = round(float(parts[1].replace(",", ".")) * size, 3)
    return found


def _unit(word: str) -> str:
    """``s``, ``m``, ``h``, ``d`` or ``w`` of any way to write them; else what was written."""
    word = word.lower()
    known = ("second", "sec", "minute", "min", "hour", "hr", "day", "week")
    return word[:1] if word.removesuffix("s") in known else word


def _number(values: Values, name: str, problems: list[Problem]) -> float | None:
    text = _text(values, name)
    if not text:
        return None
    found = _NUMBER.fullmatch(text)
    if found is None:
        said = f"'{text[:40]}' is no number; write it as 85 or 0.5"
        problems.append({"field": name, "problem": said})
        return None
    return float(found[1].replace(",", "."))


def _number_text(value: Any) -> str:
    return "" if value is None else f"{value:.15g}"


def _text(values: Values, name: str) -> str:
    value = values.get(name)
    return value.strip() if isinstance(value, str) else str(value) if _plain(value) else ""


def _plain(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _list(values: Values, name: str) -> list[str]:
    value = values.get(name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _noun(metric: Metric) -> str:
    if metric.kinds == VPS:
        return "server"
    if metric.kinds == TENANTS:
        return "tenant"
    return metric.name.partition(".")[0] if metric.types is not None else "service"
