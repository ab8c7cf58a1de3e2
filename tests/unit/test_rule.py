"""Rules as people write them, and the catalogue that they name metrics from."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError as Invalid

from services.errors import ValidationError
from services.metrics import CATALOGUE, HOST_METRICS, find
from services.observation import Kind
from services.rule import Operator, Rule

BASE: dict[str, Any] = {
    "id": "memory",
    "name": "Memory",
    "severity": "warning",
    "condition": {
        "metric": "system.memory.usedPercent", "operator": "greaterThan",
        "value": 85, "duration": 300,
    },
}  # fmt: skip


def condition(**changes):
    return {**BASE, "condition": {**BASE["condition"], **changes}}


@pytest.mark.parametrize(
    ("metric", "operator", "value", "duration", "notification"),
    [
        (
            "database.status", "equals", "unhealthy", 60,
            {"channels": ["email", "sms"], "recipients": ["a@x.example"], "escalateAfter": 300},
        ),
        (
            "system.memory.usedPercent", "greaterThan", 85, 300,
            {"channels": ["email"], "recipients": ["o@x.example"]},
        ),
        (
            "api.averageResponseTime", "greaterThan", 1000, 180,
            {"channels": ["email"], "recipients": ["d@x.example"]},
        ),
    ],
)  # fmt: skip
def test_the_rules_of_the_specification_are_taken_as_they_stand(
    metric, operator, value, duration, notification
):
    written = {"metric": metric, "operator": operator, "value": value, "duration": duration}
    rule = Rule.model_validate({**BASE, "condition": written, "notification": notification})
    assert rule.condition.model_dump(exclude_defaults=True) == written
    assert list(rule.notification.recipients) == notification["recipients"]
    assert rule.notification.escalate_after == notification.get("escalateAfter")
    assert rule.enabled


def test_what_is_not_written_has_quiet_defaults():
    rule = Rule.model_validate(BASE)
    assert rule.notification.channels == ("inApp",)
    assert rule.scope.model_dump() == dict.fromkeys(
        ("vps", "service", "tenant", "tags", "types", "except_types"), ()
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metric": "system.memory.usedPercnt"}, "did you mean system.memory.usedPercent"),
        ({"metric": "tenant.status"}, "'greaterThan' needs a number, but tenant.status is one of"),
        (
            {"metric": "service.status", "operator": "equals", "value": "down"},
            "service.status is never 'down'; it is one of healthy, unknown, degraded, unhealthy",
        ),
        ({"value": "85"}, "is a number, and '85' is text; write a number, without quotes"),
        ({"value": True}, "the value of a condition is a number or a word in quotes"),
        ({"value": [85]}, "the value of a condition is a number or a word in quotes"),
        ({"value": float("nan")}, "'nan' is no number that"),
        ({"value": float("inf")}, "'inf' is no number that"),
    ],
)
def test_a_condition_that_can_never_be_judged_is_refused(changes, said):
    with pytest.raises(Invalid) as caught:
        Rule.model_validate(condition(**changes))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        condition(duration=-1),
        condition(duration=float("inf")),
        condition(duration=31 * 86400),
        condition(operator=">"),
        {**BASE, "id": "Not An Id"},
        {**BASE, "id": "id\n"},
        {**BASE, "name": ""},
        {**BASE, "severity": "bad"},
        {**BASE, "notification": {"channels": ["pigeon"]}},
        {**BASE, "notification": {"escalateAfter": -5}},
        {**BASE, "runbookUrl": "javascript:alert(1)"},
        {**BASE, "runbookUrl": "http://[::1"},
        {**BASE, "scope": {"vsp": ["a"]}},
    ],
)
def test_a_rule_with_a_wrong_field_is_refused(wrong):
    with pytest.raises(Invalid):
        Rule.model_validate(wrong)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"clearValue": 90}, "at or below 85, not at 90"),
        ({"operator": "lessThan", "clearValue": 80}, "at or above 85, not at 80"),
        ({"operator": "equals", "clearValue": 80}, "leave it out with 'equals'"),
        ({"clearValue": float("nan")}, "finite number"),
        ({"duration": float("nan")}, "finite number"),
        ({"type": "magic"}, "the type of a condition is threshold, anomaly or absence"),
        ({"type": "anomaly"}, "Extra inputs are not permitted"),
        ({"maxPerWeek": 2}, "Extra inputs are not permitted"),
    ],
)
def test_a_condition_whose_parts_do_not_go_together_is_refused(changes, said):
    with pytest.raises(Invalid) as caught:
        Rule.model_validate(condition(**changes))
    assert said in str(caught.value)


def judged_by(**fields):
    return Rule.model_validate({**BASE, "condition": fields}).condition


def test_hysteresis_is_a_limit_of_its_own():
    assert judged_by(**BASE["condition"], clearValue=80).clear_value == 80
    assert judged_by(**{**BASE["condition"], "operator": "lessThan"}, clearValue=85).value == 85


def test_an_anomaly_has_a_budget_and_a_side():
    plain = judged_by(type="anomaly", metric="cpu")
    assert (plain.max_per_week, plain.direction, plain.duration) == (1, "both", 0)
    assert judged_by(type="anomaly", metric="cpu", maxPerWeek=0.5, direction="above").max_per_week


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"type": "anomaly", "metric": "vps.status"}, "an anomaly needs a number"),
        ({"type": "anomaly", "metric": "cpuu"}, "did you mean cpu"),
        ({"type": "anomaly", "metric": "cpu", "maxPerWeek": 0}, "greater than 0"),
        ({"type": "anomaly", "metric": "cpu", "maxPerWeek": float("inf")}, "maxPerWeek"),
        ({"type": "anomaly", "metric": "cpu", "direction": "up"}, "'both', 'above' or 'below'"),
        ({"type": "absence", "metric": "cpu"}, "Field required"),
        ({"type": "absence", "metric": "cpu", "duration": 0}, "greater than 0"),
        ({"type": "absence", "metric": "cpu", "duration": 9, "value": 1}, "Extra inputs"),
    ],
)
def test_an_anomaly_or_absence_that_can_never_be_judged_is_refused(fields, said):
    with pytest.raises(Invalid) as caught:
        judged_by(**fields)
    assert said in str(caught.value)


def test_escalation_goes_by_steps_and_tells_the_first_people_again():
    rule = Rule.model_validate(
        {
            **BASE,
            "notification": {"channels": ["email"], "recipients": ["Ops"], "escalateAfter": 300},
            "escalation": [
                {"after": 60, "channels": ["sms"], "recipients": ["Lead"]},
                {"after": 900, "channels": ["sms"], "recipients": ["Boss"]},
            ],
        }
    )
    assert [(step.after, step.channels, step.recipients) for step in rule.steps] == [
        (60, ("sms",), ("Lead",)),
        (300, ("email",), ("Ops",)),
        (900, ("sms",), ("Boss",)),
    ]


@pytest.mark.parametrize(
    "steps",
    [
        [{"after": 60}, {"after": 60}],
        [{"after": 60}, {"after": 30}],
        [{"after": 0}],
        [{"after": number} for number in range(1, 12)],
    ],
)
def test_steps_that_are_out_of_order_or_too_many_are_refused(steps):
    with pytest.raises(Invalid):
        Rule.model_validate({**BASE, "escalation": steps})


def test_severity_rises_with_the_tenants_and_never_falls():
    raised = [{"tenants": 5, "severity": "critical"}, {"tenants": 2, "severity": "info"}]
    rule = Rule.model_validate({**BASE, "raiseSeverity": raised})
    assert [rule.severity_for(count) for count in (0, 2, 4, 5, 50)] == [
        *["warning"] * 3,
        *["critical"] * 2,
    ]


@pytest.mark.parametrize("operator", [o for o in Operator if "qual" not in o or "Or" in o])
def test_order_is_for_numbers_only(operator):
    Rule.model_validate(condition(operator=operator))
    with pytest.raises(Invalid, match="use equals or notEquals"):
        Rule.model_validate(condition(metric="vps.status", operator=operator, value="healthy"))


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("cpu", "system.cpu.usage"),
        ("memory", "system.memory.usedPercent"),
        ("disk", "system.disk.usedPercent"),
        ("load", "system.load.1m"),
        ("network", "system.network.received"),
        ("responseTime", "service.responseTime"),
        ("uptime", "service.uptime"),
        ("system.disk.total", "system.disk.total"),
    ],
)
def test_a_metric_has_a_short_name(name, full):
    assert find(name) is CATALOGUE[full]


def test_a_type_of_service_that_only_this_installation_knows_has_a_status():
    metric = find("rabbit-mq.status")
    assert metric.types == frozenset({"rabbit-mq"})
    assert metric.kinds == frozenset({Kind.SERVICE, Kind.DEPENDENCY})


def test_an_unknown_metric_is_told_with_the_nearest_ones():
    with pytest.raises(ValidationError, match=r"no metric 'cpuu'; did you mean cpu"):
        find("cpuu")
    with pytest.raises(ValidationError, match=r"no metric 'zzz'; known: system\.cpu\.usage"):
        find("zzz")


def test_stored_places_are_unambiguous():
    columns = [metric.column for metric in HOST_METRICS]
    numbers = [metric.number for metric in CATALOGUE.values() if metric.number]
    assert len(set(columns)) == len(columns)
    assert len(set(numbers)) == len(numbers)
