"""Who is to be told next of an alert: one row a case."""

from __future__ import annotations

from typing import Any

import pytest

from services.alerts.standing import Act, Reason, Standing, Status, decide
from services.rule import EscalationStep, Severity

NOW = 1000.0
STEPS = (EscalationStep(after=60), EscalationStep(after=120))
DOWN = Reason("down", "suppressed by vps-1", "vps-1")
SNOOZED = {"status": Status.SNOOZED, "snoozed_from": Status.ACTIVE}

REMIND = 3600.0

CASES: list[tuple[str, dict[str, Any], Reason | None, Act | Reason | None]] = [
    ("new", {}, None, Act.TELL),
    ("new, and explained", {}, DOWN, DOWN),
    ("withheld, and still explained", {"withheld": "down: x"}, DOWN, DOWN),
    ("withheld, and no longer explained", {"withheld": "down: x"}, None, Act.TELL),
    ("told, before the first step", {"told_at": NOW - 59}, None, None),
    ("told, and covered later", {"told_at": NOW - 59}, DOWN, None),
    ("told, at the first step", {"told_at": NOW - 60}, None, Act.ESCALATE),
    ("at the first step, and covered", {"told_at": NOW - 60}, DOWN, DOWN),
    ("one step taken", {"told_at": NOW - 119, "level": 1}, None, None),
    ("at the second step", {"told_at": NOW - 120, "level": 1}, None, Act.ESCALATE),
    ("every step taken", {"told_at": NOW - 9999, "level": 2}, None, None),
    ("more steps taken than there are now", {"told_at": NOW - 9999, "level": 5}, None, None),
    ("acknowledged", {"status": Status.ACKNOWLEDGED, "told_at": NOW - 999}, None, None),
    ("acknowledged untold", {"status": Status.ACKNOWLEDGED}, None, None),
    (
        "acknowledged while withheld, and still explained",
        {"status": Status.ACKNOWLEDGED, "withheld": "down: x"}, DOWN, None,
    ),
    (
        "acknowledged while withheld, and no longer explained",
        {"status": Status.ACKNOWLEDGED, "withheld": "down: x"}, None, Act.RELEASE,
    ),
    ("snoozed", {**SNOOZED, "snoozed_until": NOW + 0.1, "told_at": 1.0}, None, None),
    ("a snooze that ends", {**SNOOZED, "snoozed_until": NOW}, DOWN, Act.UNSNOOZE),
    (
        "snoozed while withheld, and no longer explained",
        {**SNOOZED, "snoozed_until": NOW + 9, "withheld": "down: x"}, None, Act.RELEASE,
    ),
    (
        "its escalation is withheld, and there is no step any more",
        {"told_at": NOW - 999, "level": 2, "withheld": "silence: x"}, None, Act.RELEASE,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "reason", "wanted"), [c[1:] for c in CASES],
                         ids=[c[0] for c in CASES])  # fmt: skip
def test_what_is_done_about_an_alert(
    given: dict[str, Any], reason: Reason | None, wanted: Act | Reason | None
) -> None:
    standing = Standing(**{
        "fired_at": NOW - 500, "severity": Severity.WARNING, "tenants": frozenset(), **given,
    })  # fmt: skip
    assert decide(standing, STEPS, lambda: reason, NOW) == wanted


LATE = 10_000.0
REMINDERS: list[tuple[str, dict[str, Any], Reason | None, Act | Reason | None]] = [
    ("told an hour ago", {"told_at": LATE - 3600}, None, Act.REMIND),
    ("told a little later", {"told_at": LATE - 3599}, None, None),
    ("told again since", {"told_at": LATE - 9000, "retold_at": LATE - 3599}, None, None),
    (
        "told again an hour ago",
        {"told_at": LATE - 9000, "retold_at": LATE - 3600},
        None,
        Act.REMIND,
    ),
    ("explained by now", {"told_at": LATE - 3600}, DOWN, DOWN),
    ("acknowledged", {"told_at": 0.0, "status": Status.ACKNOWLEDGED}, None, None),
    ("snoozed", {"told_at": 0.0, **SNOOZED, "snoozed_until": LATE + 1}, None, None),
    ("never told", {}, None, Act.TELL),
]


@pytest.mark.parametrize(("given", "reason", "wanted"), [c[1:] for c in REMINDERS],
                         ids=[c[0] for c in REMINDERS])  # fmt: skip
def test_reminders(
    given: dict[str, Any], reason: Reason | None, wanted: Act | Reason | None
) -> None:
    standing = Standing(**{
        "fired_at": 0.0, "severity": Severity.WARNING, "tenants": frozenset(), **given,
    })  # fmt: skip
    assert decide(standing, (), lambda: reason, LATE, REMIND) == wanted


def test_a_step_that_is_due_comes_before_a_reminder() -> None:
    told = Standing(0.0, Severity.WARNING, frozenset(), told_at=LATE - 3600)
    assert decide(told, STEPS, lambda: None, LATE, REMIND) is Act.ESCALATE


def test_nobody_is_asked_for_a_reason_without_need() -> None:
    """Of thousands of alerts most are told of, and no message is due."""
    told = Standing(NOW - 10, Severity.WARNING, frozenset(), told_at=NOW - 10)

    def ask() -> Reason | None:
        raise AssertionError

    assert decide(told, STEPS, ask, NOW) is None
