"""Which values can meet a condition of a group of rules, which rules watch a target, and what
they read there."""

from __future__ import annotations

from typing import Any

import pytest

from services.alerts.evaluate import holds
from services.alerts.readings import Group, Matcher, read
from services.health.graph import Graph
from services.health.status import Judgement
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.metrics import find
from services.observation import CheckResult, Status
from services.rule import Operator, Rule, Threshold

NUMBERS = [-1.0, 0.0, 9.0, 10.0, 11.0, 99.0]


def rule(metric: str, operator: str | None = None, value: Any = None, **more: Any) -> Rule:
    condition = {"metric": metric, "operator": operator, "value": value}
    return Rule.model_validate({
        "id": "r", "name": "r", "severity": "info", "condition": condition, **more,
    })  # fmt: skip


@pytest.mark.parametrize("operator", list(Operator))
@pytest.mark.parametrize("value", NUMBERS)
def test_a_value_that_is_passed_over_meets_no_condition(operator: Operator, value: float) -> None:
    one = rule("cpu", operator, 10)
    group = Group.of(find("cpu"), [one, rule("cpu", "greaterThan", 50)])
    assert isinstance(one.condition, Threshold)
    if holds(one.condition, value) or value > 50:
        assert group.may_hold(value)


def test_most_values_are_passed_over() -> None:
    group = Group.of(find("cpu"), [rule("cpu", "greaterThan", 90), rule("cpu", "lessThan", 1)])
    assert [group.may_hold(v) for v in (0.5, 1.0, 50.0, 90.0, 91.0, None)] == [
        True, True, False, True, True, False,
    ]  # fmt: skip
    words = Group.of(find("vps.status"), [rule("vps.status", "equals", "unhealthy")])
    assert [words.may_hold(v) for v in ("healthy", "unhealthy")] == [False, True]
    absence = {"type": "absence", "metric": "cpu", "duration": 9}
    absent = Rule.model_validate({"id": "a", "name": "a", "severity": "info", "condition": absence})
    assert Group.of(find("cpu"), [absent]).may_hold(50.0)


@pytest.fixture
def matcher() -> Matcher:
    fleet = Fleet.build(
        Inventory.model_validate({
            "vps": [
                {
                    "id": "vps-1", "tags": ["production"], "tenants": ["acme"],
                    "services": [
                        {"name": "db", "type": "postgres"}, {"name": "api", "type": "api"},
                    ],
                },
                {"id": "vps-2"},
            ],
            "tenants": [{"id": "acme", "organizationName": "ACME"}],
        }), "here", "cache",
    )  # fmt: skip
    return Matcher({}, fleet, Graph(fleet))


@pytest.mark.parametrize(
    ("metric", "scope", "target", "why"),
    [
        ("cpu", {}, "vps-1", None),
        ("cpu", {}, "vps-1/db", "a service has no system.cpu.usage"),
        ("cpu", {"vps": ["vps-2"]}, "vps-1", "the rule is for vps-2"),
        ("cpu", {"tags": ["production"]}, "vps-1", None),
        ("cpu", {"tags": ["production"]}, "vps-2", "the rule is for what is tagged production"),
        ("cpu", {"tenant": ["acme"]}, "vps-1", None),
        ("cpu", {"tenant": ["acme"]}, "vps-2", "the rule is for acme"),
        ("database.status", {}, "vps-1/db", None),
        ("database.status", {}, "vps-1/api", "it is of type api, which has no database.status"),
        ("service.status", {"service": ["db"]}, "vps-1/db", None),
        ("service.status", {"service": ["db"]}, "vps-1/api", "the rule is for db"),
        ("service.status", {"types": ["postgres"]}, "vps-1/db", None),
        (
            "service.status", {"exceptTypes": ["postgres"]}, "vps-1/db",
            "its type postgres is not in the rule's scope",
        ),
    ],
)  # fmt: skip
def test_why_a_rule_does_not_speak_of_a_target(
    matcher: Matcher, metric: str, scope: dict[str, Any], target: str, why: str | None
) -> None:
    value: Any = "unhealthy" if metric.endswith("status") else 5
    one = rule(metric, "equals", value, scope=scope)
    assert matcher.why_not(one, target) == why
    assert matcher.watches(one, target) is (why is None)
    assert not matcher.watches(one.model_copy(update={"enabled": False}), target)


CHECK = CheckResult(Status.HEALTHY, "ok", response_ms=12.0, uptime_s=5.0)
HOST = {"metrics": {"system.cpu.usage": 40.0}}


@pytest.mark.parametrize(
    ("metric", "more", "value"),
    [
        ("cpu", HOST, 40.0),
        ("memory", HOST, None),
        ("cpu", {**HOST, "silent": True}, None),
        ("vps.reporting", {}, "reporting"),
        ("vps.reporting", {"silent": True}, "silent"),
        ("vps.status", {}, "healthy"),
        ("vps.status", {"status": Status.UNKNOWN}, None),
        ("service.status", {"status": Status.DEGRADED}, "degraded"),
        ("service.responseTime", {"check": CHECK}, 12.0),
        ("service.responseTime", {}, None),
        ("service.responseTime", {"check": CHECK, "silent": True}, None),
        ("service.uptime", {"check": CHECK}, 5.0),
        ("api.averageResponseTime", {"check": CHECK, "responses": (10.0, 20.0)}, 15.0),
        ("api.averageResponseTime", {"check": CHECK}, None),
        (
            "api.averageResponseTime",
            {"check": CheckResult(Status.UNHEALTHY, "no"), "responses": (10.0,)}, None,
        ),
    ],
)  # fmt: skip
def test_what_is_read_of_a_target(metric: str, more: dict[str, Any], value: Any) -> None:
    given: dict[str, Any] = {"status": Status.HEALTHY, **more}
    status = given.pop("status")
    judgement = Judgement(status, 1.0, "so it is", status, 1, 1.0, **given)
    assert read(find(metric), judgement) == value
