"""From observations to alerts and outbox rows, on both databases, with injected time."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from models.alerts import AlertRow
from models.notifications import NotificationRow
from models.targets import HostSample, Sample, StatusInterval, TargetRow
from services.alerts.engine import Engine, Habits
from services.alerts.quiet.now import Quiet
from services.collect.intake import Intake
from services.events import AlertChanged, Bus, TargetsObserved
from services.health.board import Board
from services.health.graph import Graph
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.inventory.sync import sync
from services.observation import CheckResult, Observation, Status
from services.rule import Rulebook

INTERVAL = 10.0
WINDOW = 300.0
INVENTORY: dict[str, Any] = {
    "vps": [
        {
            "id": "vps-1",
            "source": {"type": "local"},
            "services": [
                {"name": "api", "type": "backend", "check": {"http": "http://127.0.0.1:1/health"}}
            ],
            "tenants": ["acme"],
        }
    ],
    "tenants": [{"id": "acme", "organizationName": "ACME Corp"}],
    "contacts": [
        {"name": "Ops", "webhook": {"url": "https://hooks.example/x", "secret": "c2VjcmV0" * 4}}
    ],
    "rules": [
        {
            "id": "api-down",
            "name": "API down",
            "severity": "critical",
            "condition": {
                "metric": "service.status", "operator": "equals", "value": "unhealthy",
                "duration": 30,
            },
            "notification": {"channels": ["webhook", "inApp"]},
        },
        {
            "id": "silent",
            "name": "Not reporting",
            "severity": "critical",
            "condition": {"metric": "vps.reporting", "operator": "equals", "value": "silent"},
        },
    ],
}  # fmt: skip


class Monitor:
    """An intake with a clock of its own; ``restart`` is what a kill and a new start are."""

    def __init__(self, database):
        self.database = database
        self.now = 1_000_000.0
        self.events = []
        self.start()

    def start(self):
        inventory = Inventory.model_validate(INVENTORY)
        fleet = Fleet.build(inventory, "testhost", "cache")
        with self.database.write() as session:
            sync(session, fleet, self.now)
        graph = Graph(fleet)
        bus = Bus()
        bus.subscribe(self.events.append)
        self.board = Board()
        habits = Habits(INTERVAL, 5.0, WINDOW, frozenset({"webhook", "inApp"}))
        engine = Engine(Rulebook.first(inventory.rules), fleet, graph, habits, Quiet)
        self.intake = Intake(
            self.database, fleet, graph, self.board, engine, bus, INTERVAL, 5.0,
            clock=lambda: self.now, monotonic=lambda: self.now,
        )  # fmt: skip
        self.intake.start()

    def kill(self):
        """Everything in memory is gone; what the database holds stays."""
        self.intake.stop()

    def check(self, status, after=INTERVAL, **more):
        self.now += after
        result = CheckResult(status, f"it is {status}", **more)
        self.intake.submit([Observation("vps-1/api", self.now, check=result)])
        self.intake.flush()

    def host(self, after=0.0, **metrics):
        self.now += after
        values = {f"system.{name.replace('_', '.')}": v for name, v in metrics.items()}
        self.intake.submit([Observation("vps-1", self.now, metrics=values)])
        self.intake.flush()

    def tick(self, after=0.0):
        self.now += after
        self.intake.tick()
        self.intake.flush()

    def rows(self, table, **where):
        with self.database.read() as session:
            return list(session.scalars(select(table).filter_by(**where)))

    def alerts(self, rule="api-down"):
        return self.rows(AlertRow, rule_id=rule)


@pytest.fixture
def monitor(database):
    monitor = Monitor(database)
    yield monitor
    monitor.kill()


def test_an_observation_is_judged_stored_and_told_about(monitor):
    monitor.check(Status.HEALTHY, response_ms=12.5, uptime_s=60.0)
    monitor.host(cpu_usage=40.0)
    assert monitor.board.get("vps-1/api").status is Status.HEALTHY
    assert {row.value for row in monitor.rows(Sample)} == {12.5, 60.0}
    assert [row.cpu for row in monitor.rows(HostSample)] == [40.0]
    assert any(isinstance(e, TargetsObserved) and "vps-1" in e.changed for e in monitor.events)


def test_a_failure_that_lasts_fires_once_and_resolves_once(monitor):
    monitor.check(Status.HEALTHY)
    for _ in range(8):
        monitor.check(Status.UNHEALTHY)
    (alert,) = monitor.alerts()
    assert (alert.status, alert.impact, alert.vps_id, alert.service_name) == (
        "active", ["acme"], "vps-1", "api",
    )  # fmt: skip
    assert "it is unhealthy" in alert.message.lower()
    queued = monitor.rows(NotificationRow, event="alert.fired")
    assert {(n.channel, n.recipient) for n in queued} == {("webhook", "Ops"), ("inApp", "everyone")}
    assert all(n.body["status"] == "active" for n in queued)

    monitor.check(Status.HEALTHY)
    assert monitor.alerts()[0].resolved_at is None, "one good round is no recovery"
    monitor.check(Status.HEALTHY)
    (alert,) = monitor.alerts()
    assert (alert.status, alert.resolved_at) == ("resolved", monitor.now)
    assert len(monitor.rows(NotificationRow, event="alert.resolved")) == 2
    assert [e.event for e in monitor.events if isinstance(e, AlertChanged)] == [
        "alert.fired", "alert.resolved",
    ]  # fmt: skip


def test_a_failure_shorter_than_the_duration_fires_nothing(monitor):
    monitor.check(Status.UNHEALTHY)
    monitor.check(Status.UNHEALTHY)
    monitor.check(Status.HEALTHY)
    monitor.check(Status.HEALTHY)
    monitor.tick(60)
    assert monitor.alerts() == []


def test_a_duration_completes_between_two_looks(monitor):
    monitor.check(Status.UNHEALTHY)
    monitor.check(Status.UNHEALTHY)
    monitor.check(Status.UNHEALTHY)
    monitor.tick(9)
    assert monitor.alerts() == []
    monitor.tick(1)
    assert len(monitor.alerts()) == 1


def test_a_restart_in_the_middle_of_a_duration_forgets_nothing(monitor):
    monitor.check(Status.UNHEALTHY)
    monitor.check(Status.UNHEALTHY)  # 10 s held
    monitor.kill()
    monitor.now += 3600
    monitor.start()
    monitor.tick()
    assert monitor.alerts() == [], "an hour of downtime counts as one interval, not as trouble"
    monitor.check(Status.UNHEALTHY, after=1)  # 20 s: one interval was credited
    assert monitor.alerts() == []
    monitor.check(Status.UNHEALTHY)
    assert len(monitor.alerts()) == 1
    monitor.check(Status.UNHEALTHY)
    assert len(monitor.alerts()) == 1


def test_a_duration_complete_at_the_kill_fires_at_the_first_tick(monitor):
    for _ in range(3):
        monitor.check(Status.UNHEALTHY)  # 20 s held
        monitor.host(cpu_usage=40.0)
    monitor.kill()
    monitor.now += 3600
    monitor.start()
    monitor.tick()
    (alert,) = monitor.alerts()
    assert alert.withheld.startswith("awaited"), "whether the server itself is gone"
    monitor.host(cpu_usage=40.0)
    monitor.tick()
    assert len(monitor.rows(NotificationRow, channel="webhook")) == 1


def test_an_alert_outlives_a_restart_and_resolves_after_it(monitor):
    for _ in range(4):
        monitor.check(Status.UNHEALTHY)
    monitor.kill()
    monitor.start()
    monitor.check(Status.UNHEALTHY)
    assert len(monitor.alerts()) == 1
    monitor.check(Status.HEALTHY)
    monitor.check(Status.HEALTHY)
    assert [alert.status for alert in monitor.alerts()] == ["resolved"]


def test_firing_and_recovery_within_one_batch_leave_nothing_open(monitor):
    for _ in range(3):
        monitor.check(Status.UNHEALTHY)
    at = monitor.now
    bad, good = (CheckResult(s, s) for s in (Status.UNHEALTHY, Status.HEALTHY))
    monitor.now += 40
    monitor.intake.submit(
        [
            Observation("vps-1/api", at + 10, check=bad),
            Observation("vps-1/api", at + 20, check=good),
            Observation("vps-1/api", at + 30, check=good),
        ]
    )
    monitor.intake.flush()
    assert [alert.status for alert in monitor.alerts()] == ["resolved"]
    assert monitor.board.get("vps-1/api").status is Status.HEALTHY


def test_a_dependency_in_a_health_body_becomes_a_target_of_its_own(monitor):
    monitor.check(Status.DEGRADED, parts={"database": Status.DEGRADED})
    assert monitor.board.get("vps-1/api/database").status is Status.DEGRADED
    assert monitor.rows(TargetRow, key="vps-1/api/database")[0].kind == "dependency"


def test_a_machine_that_stops_reporting_is_unknown_and_alerts(monitor):
    monitor.host(cpu_usage=10.0)
    monitor.tick(24)
    assert monitor.board.get("vps-1").status is Status.HEALTHY
    monitor.tick(2)
    assert monitor.board.get("@acme") is None, "what nobody looks at cannot fall silent"
    state = monitor.board.get("vps-1")
    assert (state.status, state.reason) == (Status.UNKNOWN, "no reading for 26 s")
    (alert,) = monitor.alerts("silent")
    assert alert.title == "vps-1 does not report"
    monitor.host(after=10, cpu_usage=10.0)
    assert [a.status for a in monitor.alerts("silent")] == ["resolved"]


def test_downtime_of_the_monitor_is_not_silence_of_the_machine(monitor):
    monitor.host(cpu_usage=10.0)
    monitor.kill()
    monitor.now += 3600
    monitor.start()
    monitor.tick(1)
    assert monitor.alerts("silent") == []


def test_a_restart_knows_that_what_was_in_touch_was_seen_until_then(monitor):
    for _ in range(6):
        monitor.check(Status.HEALTHY)
        monitor.host(cpu_usage=10.0)
    monitor.kill()
    monitor.now += 40
    monitor.start()
    assert monitor.board.get("vps-1/api").seen_at == monitor.now - 40
    monitor.tick(26)
    assert monitor.board.get("vps-1/api").reason == "no reading for 66 s"


def test_a_restart_makes_no_silence_younger(monitor):
    monitor.check(Status.HEALTHY)
    seen_at = monitor.now
    monitor.tick(26)
    monitor.host(after=7200, cpu_usage=10.0)
    monitor.kill()
    monitor.start()
    assert monitor.board.get("vps-1/api").seen_at == seen_at
    monitor.tick(26)
    state = monitor.board.get("vps-1/api")
    assert (state.seen_at, state.reason) == (seen_at, "no reading for 2 h")


def test_intervals_follow_one_another_without_gap(monitor):
    for status in (Status.HEALTHY, Status.UNHEALTHY, Status.HEALTHY, Status.HEALTHY):
        monitor.check(status)
    (target,) = monitor.rows(TargetRow, key="vps-1/api")
    spans = [
        (i.status, i.started_at - 1_000_000, i.ended_at and i.ended_at - 1_000_000)
        for i in monitor.rows(StatusInterval, target_id=target.id)
    ]
    assert spans == [("healthy", 10, 20), ("unhealthy", 20, 40), ("healthy", 40, None)]


def test_a_target_that_left_resolves_its_alert(monitor):
    for _ in range(4):
        monitor.check(Status.UNHEALTHY)
    monitor.kill()
    service = INVENTORY["vps"][0]["services"]
    INVENTORY["vps"][0]["services"] = []
    try:
        monitor.start()
    finally:
        INVENTORY["vps"][0]["services"] = service
    (alert,) = monitor.alerts()
    assert (alert.status, alert.resolution) == (
        "resolved", "The target is no longer watched.",
    )  # fmt: skip
