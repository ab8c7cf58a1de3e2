"""Alerts over a real database: reopening, flapping, what operators do, and restarts."""

from __future__ import annotations

from typing import Any

import pytest

from services.alerts import manage
from services.errors import Conflict, NotFound, Unavailable, ValidationError
from services.identity.audit import Actor
from services.observation import Status
from tests.integration.conftest import Watches
from tests.support.alert_monitor import CPU, DOWN, START, WINDOW, Monitor, Unreliable


@pytest.fixture
def monitor(watching: Watches) -> Monitor:
    return watching(CPU)


def with_condition(**more: Any) -> dict[str, Any]:
    return {**CPU, "condition": {**CPU["condition"], **more}}


def test_the_same_trouble_reopens_its_alert_and_tells_once_more(monitor: Monitor) -> None:
    monitor.cpu(95)
    first = monitor.alert()
    monitor.cpu(50)
    assert monitor.alert().status == "resolved"
    monitor.cpu(96, after=WINDOW - 1)
    again = monitor.alert()
    assert (again.id, again.status, again.occurrences) == (first.id, "active", 2)
    assert (again.triggered_at, again.fired_at) == (first.triggered_at, monitor.now)
    assert (again.resolved_at, again.resolution, again.title) == (
        None,
        None,
        "CPU of vps-1 at 96 %",
    )
    monitor.cpu(97)
    monitor.tick(5)
    monitor.cpu(50)
    assert monitor.told() == ["Ops fired", "Ops resolved"] * 2
    assert monitor.events == ["alert.fired", "alert.resolved"] * 2
    assert monitor.kinds() == ["fired", "told", "resolved", "reopened", "told", "resolved"]


def test_after_the_window_trouble_is_another_alert(monitor: Monitor) -> None:
    monitor.cpu(95)
    monitor.cpu(50)
    monitor.cpu(95, after=WINDOW + 1)
    assert [(a.status, a.occurrences) for a in monitor.alerts()] == [("resolved", 1), ("active", 1)]


def test_a_restart_remembers_what_may_be_reopened(monitor: Monitor) -> None:
    monitor.cpu(95)
    monitor.cpu(50)
    monitor.restart(away=200)
    monitor.tick()
    monitor.cpu(95)
    assert monitor.alert().occurrences == 2
    monitor.cpu(50)
    monitor.restart(away=WINDOW + 1)
    monitor.cpu(95)
    assert [a.occurrences for a in monitor.alerts()] == [2, 1]


def test_a_reopening_begins_as_if_nobody_had_done_anything(monitor: Monitor) -> None:
    monitor.cpu(95)
    id_ = monitor.alert().id
    monitor.desk.acknowledge(id_, Actor("ops"))
    monitor.desk.resolve(id_, Actor("ops"), "fixed", false_positive=True)
    monitor.cpu(50)
    monitor.cpu(95)
    alert = monitor.alert()
    assert (alert.status, alert.acknowledged_by, alert.resolved_by) == ("active", None, None)
    assert (alert.false_positive, alert.escalation_level) == (None, 0)


def test_a_deleted_alert_is_not_reopened(monitor: Monitor) -> None:
    monitor.cpu(95)
    gone = monitor.alert().id
    monitor.cpu(50)
    monitor.desk.delete(gone, Actor("ops"))
    assert (monitor.alerts(), monitor.kinds(), monitor.told()) == ([], [], [])
    monitor.restart()
    monitor.cpu(95)
    alert = monitor.alert()
    assert (alert.occurrences, alert.id != gone) == (1, True)


def test_what_is_over_is_deleted_beside_what_stands(monitor: Monitor) -> None:
    """An old alert of the same rule and target has nothing to do with the one that stands."""
    monitor.cpu(95)
    old = monitor.alert().id
    monitor.cpu(50)
    monitor.cpu(95, after=WINDOW + 1)
    with pytest.raises(Conflict, match="already resolved"):
        monitor.desk.resolve(old, Actor("ops"))
    monitor.desk.delete(old, Actor("ops"))
    monitor.cpu(96)
    alert = monitor.alert()
    assert (alert.status, alert.occurrences) == ("active", 1)
    monitor.cpu(50)
    assert monitor.alert().status == "resolved"


def test_what_comes_and_goes_flaps_and_is_told_of_once(monitor: Monitor) -> None:
    for _ in range(3):
        monitor.cpu(95)
        monitor.cpu(50)
    alert = monitor.alert()
    assert (alert.status, alert.flapping, alert.occurrences) == ("active", True, 3)
    assert "must be clear for longer" in monitor.note("flapping")
    told = ["Ops fired", "Ops resolved"] * 2 + ["Ops fired"]
    assert monitor.told() == told
    for _ in range(10):
        monitor.cpu(95)
        monitor.cpu(50)
    assert (monitor.told(), monitor.kinds().count("flapping")) == (told, 1)
    monitor.restart()
    seconds = 0
    while monitor.alert().status == "active":
        monitor.cpu(50)
        seconds += 10
    assert seconds == WINDOW
    assert monitor.told() == [*told, "Ops resolved"]


def test_an_alert_is_acknowledged_by_one(monitor: Monitor) -> None:
    monitor.cpu(95)
    id_ = monitor.alert().id
    monitor.desk.acknowledge(id_, Actor("anna"), "on it")
    alert = monitor.alert()
    assert (alert.status, alert.acknowledged_by) == ("acknowledged", "anna")
    assert (alert.acknowledged_at, monitor.note("acknowledged")) == (monitor.now, "on it")
    for _ in range(2):
        with pytest.raises(Conflict, match="already acknowledged by anna"):
            monitor.desk.acknowledge(id_, Actor("bert"))
        monitor.restart()
    assert monitor.told() == ["Ops fired", "Ops acknowledged"]
    monitor.cpu(50)
    assert monitor.told()[2:] == ["Ops resolved"]
    with pytest.raises(Conflict, match="already resolved"):
        monitor.desk.acknowledge(id_, Actor("bert"))


@pytest.mark.parametrize("acknowledged", [False, True])
def test_the_end_of_a_snooze_brings_back_what_was(watching: Watches, acknowledged: bool) -> None:
    monitor = watching(CPU)
    monitor.cpu(95)
    id_, before = monitor.alert().id, "acknowledged" if acknowledged else "active"
    if acknowledged:
        monitor.desk.acknowledge(id_, Actor("anna"))
    until = monitor.now + 600
    monitor.desk.snooze(id_, until - 300, Actor("ops"))
    monitor.desk.snooze(id_, until, Actor("ops"), "after lunch")
    assert (monitor.alert().status, monitor.alert().snoozed_until) == ("snoozed", until)
    with pytest.raises(Conflict, match="already snoozed"):
        monitor.desk.acknowledge(id_, Actor("ops"))
    told = monitor.told()
    monitor.restart(away=599)
    monitor.tick()
    assert monitor.alert().status == "snoozed"
    monitor.tick(1)
    alert = monitor.alert()
    assert (alert.status, alert.snoozed_until) == (before, None)
    assert (monitor.note("unsnoozed"), monitor.told()) == (f"{before} again", told)


def test_a_snooze_lies_in_the_near_future(monitor: Monitor) -> None:
    monitor.cpu(95)
    for until in (monitor.now, monitor.now - 1, monitor.now + 31 * 86400):
        with pytest.raises(ValidationError, match="at most 30 days"):
            monitor.desk.snooze(monitor.alert().id, until, Actor("ops"))


def test_trouble_that_ends_in_a_snooze_is_over(monitor: Monitor) -> None:
    monitor.cpu(95)
    monitor.desk.snooze(monitor.alert().id, monitor.now + 600, Actor("ops"))
    monitor.cpu(50)
    alert = monitor.alert()
    assert (alert.status, alert.snoozed_until, alert.snoozed_from) == ("resolved", None, None)
    assert monitor.told() == ["Ops fired", "Ops resolved"]


def test_what_was_resolved_by_hand_must_clear_once(monitor: Monitor) -> None:
    monitor.cpu(95)
    monitor.desk.resolve(monitor.alert().id, Actor("ops"), "known", false_positive=True)
    alert = monitor.alert()
    assert (alert.status, alert.resolved_by, alert.resolution) == ("resolved", "ops", "known")
    assert alert.false_positive is True
    assert monitor.told() == ["Ops fired", "Ops resolved"]
    monitor.cpu(96)
    monitor.restart()
    monitor.tick()
    monitor.cpu(97, after=WINDOW * 2)
    assert monitor.why("cpu") == (
        "resolvedByHand", "resolved by hand; it must clear once before it can fire again",
    )  # fmt: skip
    assert monitor.alert().status == "resolved"
    monitor.cpu(50)
    monitor.cpu(95)
    assert [a.status for a in monitor.alerts()] == ["resolved", "active"]


def test_deleting_what_was_resolved_by_hand_does_not_bring_it_back(monitor: Monitor) -> None:
    monitor.cpu(95)
    monitor.desk.resolve(monitor.alert().id, Actor("ops"))
    monitor.desk.delete(monitor.alert().id, Actor("ops"))
    monitor.cpu(96)
    monitor.restart()
    monitor.cpu(97)
    assert monitor.alerts() == []
    monitor.cpu(50)
    monitor.cpu(95)
    assert monitor.alert().occurrences == 1


def test_resolving_what_only_waits_to_end_asks_for_no_more_clearing(watching: Watches) -> None:
    monitor = watching({**CPU, "keepFiringFor": 60})
    monitor.cpu(95)
    monitor.cpu(50)
    assert monitor.why("cpu")[1].endswith("the condition is clear, but not for long enough yet")
    monitor.desk.resolve(monitor.alert().id, Actor("ops"))
    monitor.cpu(95)
    assert (monitor.alert().status, monitor.alert().occurrences) == ("active", 2)


def test_only_what_is_over_is_deleted(monitor: Monitor) -> None:
    monitor.cpu(95)
    id_ = monitor.alert().id
    with pytest.raises(Conflict, match="the alert is active; resolve it before"):
        monitor.desk.delete(id_, Actor("ops"))
    monitor.desk.resolve(id_, Actor("ops"))
    monitor.desk.delete(id_, Actor("ops"))
    with pytest.raises(NotFound):
        monitor.desk.delete(id_, Actor("ops"))


def test_who_may_not_know_of_an_alert_can_do_nothing_with_it(monitor: Monitor) -> None:
    monitor.cpu(95)
    desk, id_, scope = monitor.desk, monitor.alert().id, frozenset({"other"})
    who = Actor("x")
    for act in (
        lambda: desk.acknowledge(id_, who, scope=scope),
        lambda: desk.resolve(id_, who, scope=scope),
        lambda: desk.snooze(id_, monitor.now + 60, who, scope=scope),
        lambda: desk.delete(id_, who, scope),
    ):
        with pytest.raises(NotFound):
            act()
    assert monitor.alert().status == "active"


@pytest.mark.parametrize("where", ["before", "middle"])
def test_what_cannot_be_stored_is_refused_and_not_done_later(
    watching: Watches, database_url: str, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(manage, "PATIENCE", 0.2)
    database = Unreliable(database_url)
    try:
        database.migrate()
        monitor = watching(CPU, database=database)
        monitor.cpu(95)
        database.failing = [where] * 3
        with pytest.raises(Unavailable, match="try again"):
            monitor.desk.acknowledge(monitor.alert().id, Actor("anna"))
        database.failing = []
        monitor.cpu(96)
        assert monitor.alert().status == "active"
        monkeypatch.setattr(manage, "PATIENCE", 30.0)
        monitor.desk.acknowledge(monitor.alert().id, Actor("bert"))
        assert monitor.alert().acknowledged_by == "bert"
        monitor.kill()
    finally:
        database.close()


def test_hysteresis_and_a_duration_over_restarts(watching: Watches) -> None:
    monitor = watching(with_condition(duration=30, clearValue=80))
    for _ in range(3):
        monitor.cpu(95)
    assert monitor.alerts() == []
    assert monitor.why("cpu") == ("pending", "the condition has held for 20 s of 30 s")
    monitor.restart()
    monitor.cpu(95)
    assert monitor.alert().triggered_at == START + 40
    assert monitor.note("pending") == "the condition began to hold; it must for 30 s"
    monitor.restart()
    monitor.cpu(85)
    assert monitor.alert().status == "active"
    monitor.cpu(80)
    assert monitor.alert().resolution == "Recovered: CPU at 80 %."


def test_an_alert_is_kept_for_as_long_as_its_rule_says(watching: Watches) -> None:
    monitor = watching({**CPU, "keepFiringFor": 25})
    monitor.cpu(95)
    monitor.cpu(50)
    monitor.cpu(50)
    monitor.restart()
    monitor.cpu(50)
    assert monitor.alert().status == "active"
    monitor.tick(5)
    assert monitor.alert().resolved_at == monitor.now


def test_severity_rises_with_the_tenants(watching: Watches) -> None:
    levels = [{"tenants": 2, "severity": "critical"}, {"tenants": 3, "severity": "info"}]
    monitor = watching({**CPU, "raiseSeverity": levels})
    monitor.cpu(95)
    assert (monitor.alert().severity, monitor.alert().impact) == ("critical", ["acme", "globex"])
    assert monitor.note("raised") == "critical, for it reaches 2 tenants"


def test_two_rules_about_one_target_are_two_alerts(watching: Watches) -> None:
    monitor = watching(CPU, {**CPU, "id": "cpu-2"}, DOWN)
    monitor.cpu(95)
    monitor.check(Status.UNHEALTHY)
    assert sorted(a.rule_id for a in monitor.alerts()) == ["cpu", "cpu-2", "down"]
    assert len({a.fingerprint for a in monitor.alerts()}) == 3
