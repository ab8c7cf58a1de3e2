"""Who is told of an alert and when: escalation, root causes, quiet times."""

from __future__ import annotations

from typing import Any

import pytest

from services.alerts.quiet.now import Deployment, Quiet, Silence
from services.alerts.quiet.schedules import Span
from services.alerts.quiet.specs import Maintenance, SilenceMatcher
from services.identity.audit import Actor
from services.observation import Observation, Status
from tests.integration.conftest import Watches
from tests.support.alert_monitor import CPU, DOWN, START, Monitor

BOSS = {"after": 60, "channels": ["webhook"], "recipients": ["Boss"]}
STEPS = {**CPU, "escalation": [BOSS, {**BOSS, "after": 120}]}
WHILE = Span(START, START + 240)
API, DB = "vps-1/api", "vps-1/db"


@pytest.fixture
def monitor(watching: Watches) -> Monitor:
    return watching(STEPS)


@pytest.fixture
def services(watching: Watches) -> Monitor:
    """The API, which depends on the database; both were well."""
    monitor = watching({**DOWN, "escalation": [BOSS]})
    for target in (DB, API):
        monitor.check(Status.HEALTHY, target=target)
    return monitor


def silence() -> Quiet:
    matchers = (SilenceMatcher(field="vps", value="vps-1"),)
    return Quiet(silences=[Silence("s", "moving", matchers, WHILE)])


def maintenance() -> Quiet:
    schedule = {"type": "once", "start": "2001-09-09T01:46:40Z", "end": "2001-09-09T01:50:40Z"}
    spec = {"name": "DB upgrade", "scope": {"vps": ["vps-1"]}, "schedule": schedule}
    return Quiet({"m": Maintenance.model_validate(spec)})


def deployment() -> Quiet:
    return Quiet(deployments=[Deployment("d", "release 7", "vps-1", None, WHILE)])


def test_steps_are_taken_from_the_moment_of_telling_each_once(monitor: Monitor) -> None:
    monitor.cpu(95)
    monitor.tick(59)
    assert monitor.told() == ["Ops fired"]
    monitor.tick(1)
    monitor.tick(1)
    monitor.restart()
    monitor.tick(58)
    assert monitor.told() == ["Ops fired", "Boss escalated"]
    assert monitor.alert().escalation_level == 1
    monitor.tick(1)
    monitor.restart()
    monitor.tick(600)
    assert monitor.told() == ["Ops fired", "Boss escalated", "Boss escalated"]
    assert monitor.note("escalated") == "step 2: nobody has acknowledged it"
    monitor.cpu(50)
    assert monitor.told()[3:] == ["Boss resolved", "Ops resolved"]


def test_steps_that_fell_due_while_nobody_ran_are_taken_after_the_return(monitor: Monitor) -> None:
    monitor.cpu(95)
    monitor.restart(away=3600)
    for _ in range(4):
        monitor.tick(1)
    assert monitor.told() == ["Ops fired", "Boss escalated", "Boss escalated"]


@pytest.mark.parametrize("how", ["acknowledge", "resolve", "snooze"])
def test_an_operator_stops_the_escalation(monitor: Monitor, how: str) -> None:
    monitor.cpu(95)
    id_ = monitor.alert().id
    if how == "snooze":
        monitor.desk.snooze(id_, monitor.now + 3000, Actor("ops"))
    else:
        getattr(monitor.desk, how)(id_, Actor("ops"))
    monitor.restart()
    for _ in range(5):
        monitor.tick(500)
    assert not [told for told in monitor.told() if told.startswith("Boss")]
    if how == "snooze":
        monitor.tick(500)
        assert monitor.alert().status == "active"
        monitor.tick(1)
        assert monitor.told() == ["Ops fired", "Boss escalated"], "due, and nobody took it on"


def test_escalate_after_tells_the_same_people_again(watching: Watches) -> None:
    plan = {**CPU["notification"], "escalateAfter": 90}
    monitor = watching({**CPU, "notification": plan, "escalation": [BOSS]})
    monitor.cpu(95)
    monitor.tick(60)
    monitor.tick(30)
    assert monitor.told() == ["Ops fired", "Boss escalated", "Ops escalated"]
    monitor.cpu(50)
    assert monitor.told()[3:] == ["Boss resolved", "Ops resolved"]


REMINDED = {"channels": ["email"], "recipients": ["a@x.org"], "remindEvery": 60}


def test_people_are_reminded_until_somebody_takes_it_on(watching: Watches) -> None:
    machine = {"after": 1, "channels": ["webhook"], "recipients": ["Boss"]}
    monitor = watching({**CPU, "notification": REMINDED, "escalation": [machine]})
    monitor.cpu(95)
    monitor.tick(1)
    first = monitor.told()
    assert first == ["a@x.org fired", "Boss escalated"]
    monitor.tick(59)
    assert monitor.told() == first
    monitor.tick(1)
    monitor.restart()
    monitor.tick(59)
    assert monitor.told() == [*first, "a@x.org escalated"], "machines know it already"
    assert monitor.note("reminded") == "nobody has acknowledged it yet"
    monitor.tick(1)
    assert monitor.told()[len(first) :] == ["a@x.org escalated"] * 2
    monitor.desk.acknowledge(monitor.alert().id, Actor("eve"))
    monitor.tick(600)
    assert monitor.told()[4:] == ["Boss acknowledged"]


def test_of_the_reminders_that_nobody_could_send_one_is_sent(watching: Watches) -> None:
    monitor = watching({**CPU, "notification": REMINDED})
    monitor.cpu(95)
    monitor.restart(away=3600)
    for _ in range(4):
        monitor.tick(1)
    assert monitor.told().count("a@x.org escalated") == 1


def test_a_reminder_waits_for_the_end_of_what_withholds_it(watching: Watches) -> None:
    monitor = watching({**CPU, "notification": REMINDED})
    monitor.cpu(95)
    monitor.quiet = silence()
    monitor.tick(60)
    assert monitor.told().count("a@x.org escalated") == 0
    assert str(monitor.alert().withheld).startswith("silence: ")
    monitor.quiet = Quiet()
    monitor.tick(1)
    assert monitor.told().count("a@x.org escalated") == 1
    assert monitor.alert().withheld is None


def test_after_a_step_of_the_escalation_those_of_the_step_are_reminded(watching: Watches) -> None:
    boss = {"after": 90, "channels": ["email"], "recipients": ["boss@x.org"]}
    monitor = watching({**CPU, "notification": REMINDED, "escalation": [boss]})
    monitor.cpu(95)
    for _ in range(15):
        monitor.tick(10)
    late = [told for told in monitor.told() if "escalated" in told]
    assert late == ["a@x.org escalated", "boss@x.org escalated", "boss@x.org escalated"]


def test_a_clock_that_is_set_back_neither_loses_nor_doubles(monitor: Monitor) -> None:
    monitor.tick()
    monitor.cpu(95)
    monitor.tick(50)
    monitor.now -= 3600
    monitor.tick()
    monitor.tick(5)
    assert monitor.told() == ["Ops fired"]
    monitor.restart()
    monitor.tick(5)
    assert monitor.told() == ["Ops fired", "Boss escalated"]
    monitor.tick(59)
    assert len(monitor.told()) == 2
    monitor.tick(1)
    assert len(monitor.told()) == 3
    monitor.cpu(50, after=1)
    assert monitor.told()[3:] == ["Boss resolved", "Ops resolved"]


def test_only_who_was_told_of_an_occurrence_is_told_of_its_end(monitor: Monitor) -> None:
    monitor.cpu(95)
    monitor.tick(60)
    monitor.cpu(50)
    before = monitor.told()
    assert before[2:] == ["Boss resolved", "Ops resolved"]
    monitor.cpu(95)
    monitor.cpu(50)
    assert monitor.told()[4:] == ["Ops fired", "Ops resolved"]


def test_what_a_cause_explains_is_not_told(services: Monitor) -> None:
    services.check(Status.UNHEALTHY, target=DB)
    services.check(Status.UNHEALTHY)
    (api,) = services.alerts(target=API)
    assert (api.status, api.suppressed_by, api.told_at) == ("active", DB, None)
    assert api.withheld == "failing: suppressed by db on vps-1, which is unhealthy"
    assert services.events == ["alert.fired", "alert.withheld"]
    assert (services.told(), services.note("withheld")) == (
        ["Ops fired"], "suppressed by db on vps-1, which is unhealthy",
    )  # fmt: skip
    outcome, text = services.why("down", API)
    assert (outcome, text) == ("active", f"an alert stands; nobody is told yet: {api.withheld}")
    for _ in range(3):
        services.tick(5)
    assert services.kinds().count("withheld") == 1


def test_what_recovers_with_its_cause_is_never_told(services: Monitor) -> None:
    services.check(Status.UNHEALTHY, target=DB)
    services.check(Status.UNHEALTHY)
    for target in (DB, API, DB, API):
        services.check(Status.HEALTHY, after=5, target=target)
    assert {a.status for a in services.alerts()} == {"resolved"}
    assert services.told() == ["Ops fired", "Ops resolved"]
    assert services.events.count("alert.fired") == 1


def test_what_outlasts_its_cause_is_told_then(services: Monitor) -> None:
    services.check(Status.UNHEALTHY, target=DB)
    services.check(Status.UNHEALTHY)
    services.restart()
    services.check(Status.HEALTHY, after=5, target=DB)
    services.check(Status.UNHEALTHY, after=5)
    services.tick()
    (api,) = services.alerts(target=API)
    assert (api.suppressed_by, str(api.withheld)[:10]) == (DB, "returning:")
    services.check(Status.HEALTHY, after=5, target=DB)
    for _ in range(6):
        services.check(Status.UNHEALTHY, after=5)
        services.tick(5)
    (api,) = services.alerts(target=API)
    assert (api.suppressed_by, api.withheld) == (None, None)
    assert services.told() == ["Ops fired", "Ops resolved", "Ops fired"]
    assert services.note("told").startswith(
        "1 message; told now; until now: returning: db on vps-1"
    )
    services.tick(60)
    assert services.told()[3:] == ["Boss escalated"], "counted from the telling"


def test_a_told_alert_that_a_cause_covers_later_still_tells_its_end(services: Monitor) -> None:
    services.check(Status.UNHEALTHY)
    for _ in range(6):
        services.check(Status.UNHEALTHY, after=5, target=DB)
        services.check(Status.UNHEALTHY, after=5)
    services.tick()
    (api,) = services.alerts(target=API)
    assert (api.suppressed_by, api.escalation_level) == (None, 0)
    assert str(api.withheld).startswith("failing:")
    assert services.why("down", API)[1].startswith("an alert stands; its escalation waits: failing")
    for _ in range(2):
        services.check(Status.HEALTHY, after=1)
    assert services.told() == ["Ops fired", "Ops fired", "Ops resolved"]


@pytest.mark.parametrize("act", ["acknowledge", "snooze"])
def test_who_takes_on_a_suppressed_alert_sees_when_its_cause_is_gone(
    services: Monitor, act: str
) -> None:
    services.check(Status.UNHEALTHY, target=DB)
    services.check(Status.UNHEALTHY)
    (api,) = services.alerts(target=API)
    if act == "snooze":
        services.desk.snooze(api.id, services.now + 3600, Actor("ops"))
    else:
        services.desk.acknowledge(api.id, Actor("ops"))
    assert services.alerts(target=API)[0].suppressed_by == DB
    for _ in range(2):
        services.check(Status.HEALTHY, after=5, target=DB)
    for _ in range(7):
        services.check(Status.UNHEALTHY, after=5)
        services.tick(5)
    (api,) = services.alerts(target=API)
    assert (api.suppressed_by, api.withheld, api.told_at) == (None, None, None)
    assert services.kinds()[-1] == "released"
    assert services.told() == ["Ops fired", "Ops resolved"]


@pytest.mark.parametrize("silent", [silence, maintenance, deployment])
def test_quiet_withholds_until_it_ends(watching: Watches, silent: Any) -> None:
    monitor = watching(STEPS)
    monitor.quiet = silent()
    monitor.cpu(95)
    alert = monitor.alert()
    assert (alert.status, alert.suppressed_by, alert.told_at) == ("active", None, None)
    assert str(alert.withheld).startswith(f"{silent.__name__}: {silent.__name__} '")
    monitor.restart()
    monitor.tick(90)
    assert (monitor.told(), monitor.events) == ([], ["alert.withheld"])
    monitor.tick(139)
    assert monitor.told() == []
    monitor.tick(1)
    assert (monitor.told(), monitor.alert().told_at) == (["Ops fired"], monitor.now)
    monitor.tick(59)
    assert monitor.told() == ["Ops fired"]
    monitor.tick(1)
    assert monitor.told() == ["Ops fired", "Boss escalated"]


def test_what_ends_in_quiet_tells_nobody(monitor: Monitor) -> None:
    monitor.quiet = silence()
    monitor.cpu(95)
    monitor.cpu(50)
    monitor.tick(240)
    assert (monitor.alert().status, monitor.told()) == ("resolved", [])
    assert monitor.events == ["alert.withheld", "alert.resolved"]


def test_quiet_swallows_no_resolution(monitor: Monitor) -> None:
    monitor.cpu(95)
    monitor.quiet = silence()
    monitor.tick(60)
    assert str(monitor.alert().withheld).startswith("silence:")
    monitor.cpu(50)
    assert monitor.told() == ["Ops fired", "Ops resolved"]


def test_who_takes_it_on_in_quiet_is_not_told_after_it(monitor: Monitor) -> None:
    monitor.quiet = silence()
    monitor.cpu(95)
    monitor.desk.acknowledge(monitor.alert().id, Actor("ops"))
    monitor.tick(240)
    monitor.cpu(50)
    assert monitor.told() == []


def test_what_fires_and_ends_between_two_commits_is_kept_and_not_told(monitor: Monitor) -> None:
    monitor.observe(
        *(
            Observation("vps-1", START + at, metrics={"system.cpu.usage": value})
            for at, value in ((1, 95.0), (2, 50.0), (3, 95.0), (4, 50.0))
        )
    )
    assert (monitor.alert().status, monitor.alert().occurrences) == ("resolved", 2)
    assert (monitor.told(), monitor.events) == ([], ["alert.resolved", "alert.resolved"])


def test_a_silent_server_suppresses_what_is_on_it(watching: Watches) -> None:
    reporting = {
        **DOWN, "id": "silent",
        "condition": {"metric": "vps.reporting", "operator": "equals", "value": "silent"},
    }  # fmt: skip
    monitor = watching(reporting, DOWN)
    monitor.cpu(10)
    monitor.tick(26)
    monitor.check(Status.UNHEALTHY)
    (api,) = monitor.alerts(target=API)
    assert (api.suppressed_by, api.told_at) == ("vps-1", None)
    (root,) = monitor.alerts(target="vps-1")
    assert (root.impact, root.title) == (["acme", "globex"], "vps-1 does not report")
    assert monitor.told() == ["Ops fired"]
