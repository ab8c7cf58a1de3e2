"""Rules that change under their alerts, conditions that are more than a comparison, evaluations
that fail, transactions that fail, and what the traces say of it all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from models.alerts import AlertEvent, DetectorRow, RuleStateRow, RuleVersion
from models.notifications import NotificationRow
from services.alerts import senses, trace
from services.alerts.anomaly import Outcome, Verdict
from services.collect import intake
from services.identity.audit import Actor
from services.observation import Observation, Status
from tests.integration.conftest import Watches
from tests.support.alert_monitor import CPU, DOWN, INVENTORY, WINDOW, Monitor, Unreliable

HELD = {**CPU, "condition": {**CPU["condition"], "duration": 30}}
MEMORY = {**CPU, "condition": {**CPU["condition"], "metric": "memory"}}
ABSENT = {**CPU, "condition": {"type": "absence", "metric": "cpu", "duration": 30}}
ODD = {**CPU, "condition": {"type": "anomaly", "metric": "cpu"}}


@pytest.fixture
def monitor(watching: Watches) -> Monitor:
    return watching(CPU)


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ([], "The rule was deleted."),
        ([{**CPU, "enabled": False}], "The rule was disabled."),
        (
            [{**CPU, "scope": {"vps": ["vps-2"]}}],
            "The rule was changed and is not for this target any more.",
        ),
    ],
)
def test_a_rule_that_goes_ends_its_alerts(monitor: Monitor, rules: list[Any], reason: str) -> None:
    monitor.cpu(95)
    monitor.desk.snooze(monitor.alert().id, monitor.now + 600, Actor("ops"))
    monitor.change(*rules)
    alert = monitor.alert()
    assert (alert.status, alert.resolution, alert.resolved_by) == ("resolved", reason, None)
    assert monitor.told() == ["Ops fired", "Ops resolved"]
    monitor.tick(600)
    monitor.restart()
    monitor.cpu(95)
    assert monitor.told() == ["Ops fired", "Ops resolved"]
    monitor.change(CPU)
    monitor.cpu(95)
    assert [a.status for a in monitor.alerts()] == ["resolved", "active"]


def test_a_rule_that_goes_takes_its_pending_trouble_along(watching: Watches) -> None:
    monitor = watching(HELD)
    for _ in range(3):
        monitor.cpu(95)
    monitor.change()
    monitor.change(HELD)
    monitor.cpu(95)
    assert (monitor.alerts(), monitor.why("cpu")[0]) == ([], "pending")


def test_a_change_of_a_rule_keeps_its_alert_and_its_version(monitor: Monitor) -> None:
    monitor.cpu(95)
    stricter = {**CPU, "name": "CPU", "condition": {**CPU["condition"], "value": 97}}
    monitor.change(stricter)
    alert = monitor.alert()
    assert (alert.status, alert.rule_version, alert.rule_name) == ("active", 1, "CPU high")
    monitor.cpu(96)
    assert monitor.alert().status == "resolved"
    monitor.cpu(98)
    alert = monitor.alert()
    assert (alert.occurrences, alert.rule_version, alert.rule_name) == (2, 2, "CPU")
    assert alert.threshold == 97


def test_a_rule_about_another_metric_ends_the_alert_about_the_former(monitor: Monitor) -> None:
    with monitor.database.write() as session:
        for version, spec in ((1, CPU), (2, MEMORY)):
            session.add(RuleVersion(rule_id="cpu", version=version, spec=spec, at=0, by="x"))
    monitor.cpu(95)
    monitor.change(MEMORY)
    alert = monitor.alert()
    assert alert.resolution == "The rule was changed and is about another metric now."
    assert monitor.told() == ["Ops fired", "Ops resolved"]


def test_a_shorter_duration_counts_for_what_is_pending(watching: Watches) -> None:
    monitor = watching(HELD)
    monitor.cpu(95)
    monitor.cpu(95)
    monitor.change(CPU)
    monitor.tick()
    assert monitor.alert().status == "active"


def test_what_is_paused_or_gone_has_no_alert(monitor: Monitor) -> None:
    monitor.cpu(95)
    paused = {**INVENTORY["vps"][0], "monitoring": {"enabled": False}}
    monitor.inventory = {**INVENTORY, "vps": [paused, INVENTORY["vps"][1]]}
    monitor.restart()
    assert monitor.alert().resolution == "The target is paused."
    assert monitor.why("cpu") == ("paused", "monitoring is paused")
    monitor.inventory = {**INVENTORY, "vps": [INVENTORY["vps"][0]]}
    monitor.restart()
    monitor.cpu(95)
    assert [a.status for a in monitor.alerts()] == ["resolved", "active"]


def test_a_value_that_stays_away_is_an_alert_until_it_returns(watching: Watches) -> None:
    monitor = watching(ABSENT)
    for _ in range(6):
        monitor.tick(5)
    assert monitor.alerts() == [], "the monitor has only just begun"
    monitor.cpu(40)
    monitor.tick(15)
    assert monitor.why("cpu")[0] == "clear"
    monitor.tick(1)
    assert monitor.why("cpu")[0] == "pending"
    monitor.restart()
    for _ in range(5):
        monitor.tick(10)
    alert = monitor.alert()
    assert (alert.title, alert.message) == ("No CPU of vps-1", "No value, for at least 30 s.")
    assert alert.value is None
    monitor.cpu(40)
    assert monitor.alert().resolution == "Recovered: CPU at 40 %."
    assert monitor.told() == ["Ops fired", "Ops resolved"]


def test_what_nobody_measures_misses_nothing(watching: Watches) -> None:
    status = {"type": "absence", "metric": "service.status", "duration": 10}
    monitor = watching(ABSENT, {**DOWN, "condition": status})
    for _ in range(20):
        monitor.tick(5)
    assert {a.target for a in monitor.alerts() if "healthdeck" not in a.target} >= {"vps-1"}
    assert not [a for a in monitor.alerts() if a.target.startswith("vps-2")]


def test_a_blind_monitor_misses_nothing(watching: Watches) -> None:
    monitor = watching(ABSENT)
    monitor.cpu(40)
    plan = monitor.engine.plan()
    for seconds in range(10, 200, 10):
        plan.tick({}, monitor.now + seconds, seeing=False)
    plan.tick({}, monitor.now + 205, seeing=True)
    assert plan.steps == [], "it has its time again"
    plan.tick({}, monitor.now + 206, seeing=True)
    assert len(plan.steps) == 1


def test_absence_is_noticed_after_the_clock_was_set_back(watching: Watches) -> None:
    monitor = watching(ABSENT)
    monitor.cpu(40)
    monitor.tick(20)
    monitor.now -= 3600
    for _ in range(8):
        monitor.tick(10)
    assert monitor.alert().status == "active"


class Scripted:
    """A detector for which everything above 100 is unusual; it counts what it learned."""

    def __init__(self, budget: float = 1.0) -> None:
        self.budget, self.seen = budget, 0

    def step(self, value: float, at: float) -> Verdict:
        if value > 1000:
            raise ArithmeticError("no such value")
        self.seen += 1
        return Verdict(0.9, 50.0, 40.0, 60.0, anomalous=value > 100, outcome=Outcome.USUAL)

    def dump(self) -> bytes:
        return str(self.seen).encode()

    @classmethod
    def load(cls, state: bytes) -> Scripted:
        found = cls()
        found.seen = int(state)
        return found


@pytest.fixture
def odd(watching: Watches, monkeypatch: pytest.MonkeyPatch) -> Monitor:
    monkeypatch.setattr(senses, "Detector", Scripted)
    return watching(ODD)


def learned(monitor: Monitor) -> int:
    sensor = monitor.engine._senses.sensors["cpu", "vps-1"]
    return sensor.detector.seen


def test_what_is_not_as_expected_says_what_was(odd: Monitor) -> None:
    odd.cpu(50)
    odd.cpu(120)
    alert = odd.alert()
    assert (alert.title, alert.message) == ("CPU of vps-1 at 120 %", "Expected 40 % to 60 %.")
    assert (alert.value, alert.threshold) == (120.0, None)
    assert alert.expected == {"value": 50.0, "lower": 40.0, "upper": 60.0}
    odd.cpu(50)
    assert odd.alert().status == "resolved"


def test_only_the_direction_that_is_asked_for_counts(odd: Monitor) -> None:
    odd.change({**ODD, "condition": {**ODD["condition"], "direction": "below"}})
    odd.cpu(120)
    assert odd.alerts() == []


def test_detectors_go_on_after_a_restart_and_after_a_change(odd: Monitor) -> None:
    odd.cpu(50)
    odd.cpu(50)
    odd.restart()
    odd.cpu(50)
    odd.change({**ODD, "condition": {**ODD["condition"], "maxPerWeek": 7}})
    odd.cpu(50)
    sensor = odd.engine._senses.sensors["cpu", "vps-1"]
    assert (learned(odd), sensor.detector.budget) == (4, 7)
    odd.change({**ODD, "condition": {**ODD["condition"], "metric": "memory"}})
    with odd.database.read() as session:
        assert session.query(DetectorRow).all() == [], "what was learned of another metric"


def test_a_state_that_cannot_be_read_is_learned_anew(odd: Monitor) -> None:
    with odd.database.write() as session:
        session.add(DetectorRow(rule_id="cpu", target="vps-1", at=1.0, state=b"?"))
    odd.restart()
    odd.cpu(50)
    assert learned(odd) == 1


def test_a_rule_that_cannot_be_judged_disturbs_no_other(odd: Monitor) -> None:
    odd.change(ODD, {**CPU, "id": "limit"})
    odd.cpu(120)
    odd.cpu(2000)
    assert odd.why("cpu") == (
        "failed", "the rule could not be judged: ArithmeticError: no such value",
    )  # fmt: skip
    assert sorted(a.rule_id for a in odd.alerts(status="active")) == ["cpu", "limit"]
    odd.cpu(50)
    assert (odd.why("cpu")[0], odd.alerts(status="active")) == ("clear", [])


@pytest.fixture
def unreliable(
    watching: Watches, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Monitor]]:
    """A monitor whose database fails as it is told to."""
    monkeypatch.setattr(intake, "RETRY_SECONDS", 0.02)
    database = Unreliable(database_url)
    database.migrate()
    started: list[Monitor] = []

    def start(*rules: Any) -> Monitor:
        started.append(watching(*rules, database=database))
        return started[-1]

    yield start
    for monitor in started:
        monitor.kill()
    database.close()


@pytest.mark.parametrize("where", ["before", "middle", "after"])
def test_what_fails_to_be_stored_is_stored_once_later(
    unreliable: Callable[..., Monitor], where: str
) -> None:
    monitor = unreliable(CPU)
    for value in (95, 50, 96, 50):
        monitor.fails(where)
        monitor.cpu(value)
    alert = monitor.alert()
    assert (alert.status, alert.occurrences) == ("resolved", 2)
    assert monitor.kinds() == ["fired", "told", "resolved", "reopened", "told", "resolved"]
    assert monitor.told() == ["Ops fired", "Ops resolved"] * 2
    heard = [event for event in monitor.events if event != "alert.stored"]
    assert heard == ([] if where == "after" else ["alert.fired", "alert.resolved"] * 2)


def test_a_detector_learns_a_reading_once_however_often_it_is_tried(
    unreliable: Callable[..., Monitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(senses, "Detector", Scripted)
    monitor = unreliable(ODD)
    monitor.fails("middle")
    now = monitor.now
    monitor.observe(
        *(Observation("vps-1", now + n, metrics={"system.cpu.usage": 50.0 + n}) for n in range(4))
    )
    assert learned(monitor) == 4


def test_the_state_of_a_rule_is_stored_when_it_fires(monitor: Monitor) -> None:
    """Also when somebody is told in the same transaction."""
    monitor.cpu(95)
    monitor.cpu(96)
    with monitor.database.read() as session:
        (state,) = session.query(RuleStateRow).all()
    assert (state.phase, state.alert_id) == ("active", monitor.alert().id)
    assert state.firings == [monitor.alert().fired_at]
    monitor.cpu(50)
    monitor.tick(WINDOW + 1)
    with monitor.database.read() as session:
        assert session.query(RuleStateRow).all() == []


def test_the_trace_of_an_alert_tells_all_of_it(watching: Watches) -> None:
    boss = {"after": 60, "channels": ["webhook"], "recipients": ["Boss"]}
    nobody = {"channels": ["email", "webhook"], "recipients": ["Ops"]}
    monitor = watching({**HELD, "escalation": [boss], "notification": nobody})
    for _ in range(4):
        monitor.cpu(95)
    monitor.tick(60)
    monitor.desk.acknowledge(monitor.alert().id, Actor("anna"), "mine")
    monitor.desk.resolve(monitor.alert().id, Actor("anna"), "done")
    with monitor.database.write() as session:
        for row in session.query(NotificationRow).filter_by(event="alert.fired", channel="webhook"):
            row.status, row.reason, row.attempts, row.sent_at = "sent", "accepted", 2, monitor.now
    with monitor.database.read() as session:
        found = trace.decisions(session, monitor.alert().id, guarded=False)
        guarded = trace.decisions(session, monitor.alert().id, guarded=True)
    assert [d.at for d in found] == sorted(d.at for d in found)
    own = [(d.kind, d.text, d.who) for d in found if " by webhook to " not in d.text]
    assert own == [
        ("pending", "the condition began to hold; it must for 30 s", None),
        ("fired", "Above 90 %, for at least 30 s.", None),
        ("told", "1 message", None),
        ("undeliverable", own[3][1], None),
        ("escalated", "step 1: nobody has acknowledged it", None),
        ("acknowledged", "mine", "anna"),
        ("resolved", "done", "anna"),
    ]
    assert own[3][1].startswith("alert.fired by email to Ops (")
    messages = [(d.kind, d.text) for d in found if " by webhook to " in d.text]
    assert messages[0] == ("queued", "alert.fired by webhook to Ops")
    assert ("sent", "alert.fired by webhook to Ops (accepted, 2 attempts)") in messages
    assert ("queued", "alert.escalated by webhook to Boss") in messages
    assert [d.kind for d in guarded] == [kind for kind, *_ in own if kind != "undeliverable"]
    assert {d.text for d in guarded if d.kind in ("told", "escalated")} == {""}


def test_the_trace_of_a_server_says_why_nothing_stands(watching: Watches) -> None:
    far = {**CPU, "id": "far", "scope": {"vps": ["vps-2"]}}
    monitor = watching(HELD, {**CPU, "id": "off", "enabled": False}, far, DOWN)
    assert monitor.why("cpu") == ("noValue", "no value: never observed")
    monitor.cpu(42)
    assert monitor.why("cpu") == ("clear", "42 %, which is not above 90 %")
    assert monitor.why("off") == ("disabled", "the rule is disabled")
    assert monitor.why("far") == ("outOfScope", "the rule is for vps-2")
    monitor.check(Status.HEALTHY, after=0)
    assert monitor.why("down", "vps-1/api") == ("clear", "healthy, which is not at unhealthy")
    for _ in range(4):
        monitor.cpu(95)
    assert monitor.why("cpu") == ("active", "an alert stands")
    monitor.desk.acknowledge(monitor.alert().id, Actor("anna"))
    assert monitor.why("cpu") == ("active", "an alert stands, acknowledged by anna")
    monitor.cpu(42)
    monitor.tick(20)
    assert monitor.why("cpu")[1] == (
        "42 %, which is not above 90 %; an alert ended 20 s ago, and trouble that begins again "
        "now reopens it"
    )


def test_what_is_told_of_an_alert_is_in_its_history_once(monitor: Monitor) -> None:
    monitor.cpu(95)
    for _ in range(5):
        monitor.cpu(95)
        monitor.tick(1)
    with monitor.database.read() as session:
        assert session.query(AlertEvent).count() == 2
