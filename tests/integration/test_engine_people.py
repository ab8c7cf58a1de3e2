"""Alerts that are told to groups, to whoever is on call, and to people who sleep."""

from __future__ import annotations

from typing import Any

from tests.integration.conftest import Watches
from tests.support.alert_monitor import CPU, INVENTORY, contact

#: The shift of Ops ends on Sunday at 02:00, 800 s after the monitor began.
PRIMARY = {
    "name": "Primary", "handover": {"day": "sun", "time": "02:00"}, "members": ["Ops", "Boss"],
    "since": "2001-09-02",
}  # fmt: skip
SLEEPER = {
    "name": "Sleeper", "email": "s@example.com", "quietHours": [{"from": "01:00", "to": "06:00"}],
}  # fmt: skip
PEOPLE: dict[str, Any] = {
    **INVENTORY, "contacts": [contact("Ops"), contact("Boss"), SLEEPER],
    "groups": [{"name": "Both", "members": ["Ops", "Boss"]}], "onCall": [PRIMARY],
}  # fmt: skip


def rule(*recipients: str, channel: str = "webhook", **more: Any) -> dict[str, Any]:
    return {**CPU, "notification": {"channels": [channel], "recipients": recipients}, **more}


def test_the_end_is_told_to_whoever_was_on_call_at_the_beginning(watching: Watches) -> None:
    monitor = watching(rule("primary"), inventory=PEOPLE)
    monitor.cpu(95)
    monitor.tick(900)
    monitor.cpu(50)
    assert monitor.told() == ["Ops fired", "Ops resolved"]
    monitor.tick(400)
    monitor.cpu(95)
    assert monitor.told()[2:] == ["Boss fired"], "the next alert is the next one's"


def test_a_group_is_all_its_members(watching: Watches) -> None:
    monitor = watching(rule("Both", "Ops"), inventory=PEOPLE)
    monitor.cpu(95)
    assert monitor.told() == ["Boss fired", "Ops fired"]


def test_who_sleeps_is_not_told_of_what_came_and_went(watching: Watches) -> None:
    monitor = watching(rule("Sleeper", channel="email"), inventory=PEOPLE)
    monitor.cpu(95)
    assert monitor.note("told").startswith("1 message")
    monitor.cpu(50)
    assert monitor.told() == ["Sleeper fired"]
    critical = rule("Sleeper", channel="email", severity="critical", id="c", name="C")
    monitor.change(critical)
    monitor.tick(400)
    monitor.cpu(95)
    monitor.cpu(50)
    assert monitor.told()[1:] == ["Sleeper fired", "Sleeper resolved"]
