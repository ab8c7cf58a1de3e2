"""The rules that a new installation starts with."""

from __future__ import annotations

from typing import Any

from services.alerts.rules.defaults import DEFAULT_RULES
from services.metrics import CATALOGUE
from services.rule import Threshold

RULES = {rule.id: rule for rule in DEFAULT_RULES}


def threshold(rule_id: str) -> Threshold:
    condition = RULES[rule_id].condition
    assert isinstance(condition, Threshold)
    return condition


def figures(rule_id: str) -> tuple[Any, ...]:
    rule = RULES[rule_id]
    condition = threshold(rule_id)
    return (
        rule.name, rule.severity, condition.metric, condition.operator, condition.value,
        condition.duration, rule.notification.escalate_after,
    )  # fmt: skip


def test_the_specifications_three_are_as_they_stand_there():
    assert figures("db-connection-failure") == (
        "Database Connection Failure", "critical", "database.status", "equals", "unhealthy", 60,
        300,
    )  # fmt: skip
    assert figures("high-memory-usage") == (
        "High Memory Usage", "warning", "system.memory.usedPercent", "greaterThan", 85, 300, None,
    )  # fmt: skip
    assert figures("api-response-time") == (
        "Slow API Response Time", "warning", "api.averageResponseTime", "greaterThan", 1000, 180,
        None,
    )  # fmt: skip
    for rule_id in ("db-connection-failure", "high-memory-usage", "api-response-time"):
        assert RULES[rule_id].keep_firing_for == 0
        assert threshold(rule_id).clear_value is None


def test_the_operators_own_are_as_their_context_says():
    assert figures("high-cpu-usage")[1:6] == (
        "warning", "system.cpu.usage", "greaterThan", 90, 300,
    )  # fmt: skip
    assert figures("high-disk-usage")[1:6] == (
        "warning", "system.disk.usedPercent", "greaterThan", 85, 600,
    )  # fmt: skip
    assert figures("service-down")[1:] == (
        "critical", "service.status", "equals", "unhealthy", 120, 600,
    )  # fmt: skip
    for type_ in ("redis", "s3"):
        assert figures(f"{type_}-connection-failure")[1:6] == (
            "critical", f"{type_}.status", "equals", "unhealthy", 120,
        )  # fmt: skip
    assert RULES["vps-not-reporting"].condition.duration == 0


def test_a_service_that_is_down_is_told_by_one_rule():
    of_their_own = [
        CATALOGUE[rule.condition.metric].types
        for rule in DEFAULT_RULES
        if rule.condition.metric.endswith(".status") and rule.id != "service-down"
    ]
    covered = [name for types in of_their_own for name in types or ()]
    assert sorted(RULES["service-down"].scope.except_types) == sorted(covered)
    assert len(set(covered)) == len(covered)


def test_they_go_to_the_contacts_of_the_installation():
    for rule in DEFAULT_RULES:
        assert rule.enabled
        assert rule.notification.recipients == ()
        assert {"inApp", "webhook", "email"} <= set(rule.notification.channels)
        assert ("sms" in rule.notification.channels) is (rule.severity == "critical")
