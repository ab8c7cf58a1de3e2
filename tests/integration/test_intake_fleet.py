"""Statuses that can be believed: witnesses, the monitor's own blindness, replays, a new fleet."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from sqlalchemy import select

from models.alerts import AlertRow
from models.targets import HostSample, TargetRow
from services.alerts.engine import Engine, Habits
from services.alerts.quiet.now import Quiet
from services.alerts.rules.defaults import DEFAULT_RULES
from services.cache import Cache
from services.collect.intake import Intake
from services.collect.own import Heartbeat, network_check, own_checks
from services.collect.reports import Report
from services.collect.sight import Sighting
from services.events import Bus, Event, TargetsObserved
from services.health.board import Board
from services.health.graph import Graph
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.inventory.sync import sync
from services.observation import CheckResult, Observation, Status
from services.rule import Rule, Rulebook

INTERVAL, TIMEOUT = 10.0, 5.0
AT_ONCE = Rule.model_validate(
    {
        "id": "down",
        "name": "Down",
        "severity": "critical",
        "condition": {"metric": "service.status", "operator": "equals", "value": "unhealthy"},
    }
)
BOOK = Rulebook.first([*DEFAULT_RULES, AT_ONCE])


def inventory(*ids: str) -> Inventory:
    return Inventory.model_validate(
        {
            "vps": [
                {
                    "id": id_,
                    "source": {"type": "exporter", "url": f"http://{id_}.example/metrics"},
                    "witness": {"tcp": f"{id_}.example:443"},
                    "services": [
                        {
                            "name": "api",
                            "type": "backend",
                            "check": {"http": f"http://{id_}.example"},
                        }
                    ],
                }
                for id_ in ids
            ]
        }
    )


class Monitor:
    def __init__(self, database, *ids, has_witnesses=False):
        self.database = database
        self.now = 1_000_000.0
        self.witness = CheckResult(Status.UNHEALTHY, "its port 443 is closed")
        self.asked_sight = []
        self.fleet = Fleet.build(inventory(*ids), "testhost", "cache", has_witnesses=has_witnesses)
        with database.write() as session:
            sync(session, self.fleet, self.now)
        self.board, self.graph, self.bus = Board(), Graph(self.fleet), Bus()
        self.own = {
            **own_checks(database, Cache(None), Heartbeat(), self.board),
            "network": network_check(self.board),
        }
        engine = Engine(
            BOOK,
            self.fleet,
            self.graph,
            Habits(INTERVAL, TIMEOUT, channels=frozenset({"inApp"})),
            Quiet,
        )
        self.intake = Intake(
            database, self.fleet, self.graph, self.board, engine, self.bus, INTERVAL, TIMEOUT,
            clock=lambda: self.now, monotonic=lambda: self.now,
            ask_witness=self.ask_witness, ask_sight=self.ask_sight,
        )  # fmt: skip
        self.intake.start()

    def ask_witness(self, _vps_id):
        done: Future[CheckResult | None] = Future()
        done.set_result(self.witness)
        return done

    def ask_sight(self):
        self.asked_sight.append(Future())
        return self.asked_sight[-1]

    def sees(self, answer):
        """The witnesses' answer: True, False, or None where there are none."""
        failed = {} if answer else {"192.0.2.1:443": "no answer within 2 s"}
        self.asked_sight[-1].set_result(None if answer is None else Sighting(answer, failed))
        self.intake.flush()
        self.intake.flush()

    def submit(self, *observations):
        self.intake.submit(observations)
        self.intake.flush()
        self.intake.flush()

    def scraped(self, key="vps-1", at=None):
        metrics = {"system.cpu.usage": 20.0}
        self.submit(Observation(key, self.now if at is None else at, metrics=metrics))

    def missed(self, key="vps-1"):
        self.submit(Observation(key, self.now, error="connection refused"))

    def checked(self, key, status):
        evidence = {} if status is Status.HEALTHY else {"error": "refused"}
        result = CheckResult(status, f"it is {status}", evidence=evidence)
        return Observation(key, self.now, check=result)

    def tick(self, after):
        self.now += after
        self.intake.tick()
        self.intake.flush()
        self.intake.flush()

    def look_at_itself(self):
        self.submit(
            *(
                Observation(key, self.now, check=self.own[part]())
                for key, part in self.fleet.own.items()
            )
        )

    def status(self, key="vps-1"):
        return self.board.snapshot()[key].status

    def alerts(self, **where):
        with self.database.read() as session:
            return list(session.scalars(select(AlertRow).filter_by(**where)))


@pytest.fixture
def monitor(database):
    monitor = Monitor(database, *(f"vps-{n}" for n in range(1, 11)))
    yield monitor
    monitor.intake.stop()


def test_a_machine_whose_witness_is_gone_too_is_down(monitor):
    monitor.scraped()
    monitor.now += 10
    monitor.missed()
    state = monitor.board.get("vps-1")
    assert (state.status, state.reason) == (
        Status.UNHEALTHY, "unreachable: no reading for 10 s, and its port 443 is closed",
    )  # fmt: skip
    monitor.now += 10
    monitor.missed()
    monitor.tick(30)
    assert monitor.board.get("vps-1").silent
    assert monitor.status() is Status.UNHEALTHY, "it does not flap while nothing changes"
    monitor.now += 10
    monitor.scraped()
    monitor.now += 10
    monitor.scraped()
    assert monitor.status() is Status.HEALTHY


def test_a_machine_that_its_witness_vouches_for_is_unknown_and_still_told_of(monitor):
    monitor.witness = CheckResult(Status.HEALTHY, "accepts connections")
    monitor.scraped()
    for _ in range(3):
        monitor.now += 10
        monitor.missed()
    assert monitor.status() is Status.UNKNOWN
    monitor.tick(1)
    (alert,) = monitor.alerts(rule_id="vps-not-reporting", target="vps-1")
    assert alert.title == "vps-1 does not report"


def everything(monitor, status):
    return [monitor.checked(f"vps-{n}/api", status) for n in range(1, 11)]


def test_a_blind_monitor_calls_nothing_down(monitor):
    monitor.submit(*everything(monitor, Status.HEALTHY))
    for _ in range(30):
        monitor.now += 10
        monitor.scraped("healthdeck")
        monitor.submit(*everything(monitor, Status.UNHEALTHY))
        if not monitor.asked_sight[-1].done():
            monitor.sees(False)
        monitor.tick(0)
    assert monitor.status("vps-5/api") is Status.UNKNOWN
    assert "cannot see the network" in monitor.board.get("vps-5/api").reason
    assert "cannot see the network" in monitor.board.warning
    unresolved = [a for a in monitor.alerts() if a.resolved_at is None]
    assert unresolved == []
    monitor.tick(10)
    monitor.sees(True)
    for _ in range(2):
        monitor.now += 10
        monitor.submit(*everything(monitor, Status.HEALTHY))
    assert monitor.status("vps-5/api") is Status.HEALTHY
    assert monitor.board.warning is None


def test_a_blind_monitor_raises_one_alert_and_that_is_about_itself(database):
    monitor = Monitor(database, *(f"vps-{n}" for n in range(1, 11)), has_witnesses=True)
    try:
        network = "healthdeck/healthdeck-network"

        def rounds(count, status):
            for _ in range(count):
                monitor.now += 10
                for vps_id in monitor.fleet.vps:
                    if status is Status.HEALTHY or vps_id == monitor.fleet.local:
                        monitor.scraped(vps_id)
                    else:
                        monitor.missed(vps_id)
                monitor.submit(*everything(monitor, status))
                if monitor.asked_sight and not monitor.asked_sight[-1].done():
                    monitor.sees(status is Status.HEALTHY)
                monitor.look_at_itself()
                monitor.tick(0)

        rounds(3, Status.HEALTHY)
        assert monitor.status(network) is Status.HEALTHY
        rounds(15, Status.UNHEALTHY)
        state = monitor.board.snapshot()[network]
        assert state.status is Status.UNHEALTHY
        assert state.check
        assert state.check.evidence == {"192.0.2.1:443": "no answer within 2 s"}
        (alert,) = (a for a in monitor.alerts(resolved_at=None) if a.rule_id != AT_ONCE.id)
        assert (alert.target, alert.title) == (
            network, "healthdeck-network on testhost is unhealthy",
        )  # fmt: skip
        assert "its witnesses do not answer either (192.0.2.1:443)" in alert.message
        monitor.tick(10)
        monitor.sees(True)
        rounds(3, Status.HEALTHY)
        assert monitor.status(network) is Status.HEALTHY
        assert monitor.alerts(resolved_at=None) == []
        about = {alert.target for alert in monitor.alerts()}
        assert about == {network}, "nothing was said of what could not be seen"
    finally:
        monitor.intake.stop()


def test_without_witnesses_it_has_no_network_to_doubt(monitor):
    assert "network" not in monitor.fleet.own.values()


def test_what_is_wrong_with_the_monitor_itself_is_published_at_once(monitor):
    published: list[Event] = []
    monitor.bus.subscribe(published.append)
    overview = TargetsObserved(frozenset({"*"}), frozenset())
    monitor.board.warn("inventory", "The inventory was changed and refused: line 3")
    assert published == [overview]
    monitor.board.warn("inventory", "The inventory was changed and refused: line 3")
    assert published == [overview], "nothing new"
    monitor.board.warn("inventory", None)
    monitor.board.report("Nothing new can be stored: disk is full")
    assert published == [overview] * 3


@pytest.mark.parametrize("answer", [True, None])
def test_a_real_disaster_is_believed_once_the_witnesses_have_spoken(monitor, answer):
    monitor.submit(*everything(monitor, Status.HEALTHY))
    monitor.now += 10
    monitor.submit(*everything(monitor, Status.UNHEALTHY))
    monitor.sees(answer)
    assert monitor.status("vps-9/api") is Status.UNHEALTHY
    assert len(monitor.alerts(rule_id="down")) == 10


def test_what_an_agent_replays_is_history_and_no_news(monitor):
    monitor.scraped()
    monitor.now += 3600
    monitor.scraped(at=monitor.now - 1800)
    assert monitor.board.get("vps-1").seen_at == 1_000_000.0
    with monitor.database.read() as session:
        assert len(session.scalars(select(HostSample.at)).all()) == 2


def test_a_report_is_taken_in_once(monitor):
    reading = Observation("vps-1", monitor.now, metrics={"system.cpu.usage": 7.0})
    report = Report(
        "vps-1", "stream", "agent/1", (), monitor.now, 0.0, readings=((1, reading),),
        highest=1, rejected=(),
    )  # fmt: skip
    first = monitor.intake.submit_report(report).result(5)
    assert (first.accepted, first.duplicates, len(first.observations)) == (1, 0, 1)
    assert monitor.board.get("vps-1").metrics["system.cpu.usage"] == 7.0
    again = monitor.intake.submit_report(report).result(5)
    assert (again.accepted, again.duplicates, again.observations) == (1, 1, ())


def test_another_fleet_is_taken_in_while_it_runs(monitor):
    monitor.submit(*everything(monitor, Status.UNHEALTHY))
    monitor.sees(None)
    monitor.tick(0)
    assert len(monitor.alerts(resolved_at=None)) == 10
    fleet = Fleet.build(inventory("vps-1", "vps-99"), "testhost", "cache")
    monitor.intake.replace(fleet, Graph(fleet), lambda: BOOK)
    assert monitor.board.get("vps-2/api") is None
    assert monitor.status("vps-1/api") is Status.UNHEALTHY
    assert [a.target for a in monitor.alerts(resolved_at=None)] == ["vps-1/api"]
    monitor.now += 10
    monitor.submit(monitor.checked("vps-99/api", Status.HEALTHY))
    assert monitor.status("vps-99/api") is Status.HEALTHY
    with monitor.database.read() as session:
        left = session.scalar(select(TargetRow.removed_at).filter_by(key="vps-2/api"))
    assert left is not None


def test_a_dead_server_without_a_source_is_told_of_once(monitor):
    spec = {
        "id": "bare",
        "services": [
            {"name": name, "type": "backend", "check": {"http": f"http://bare.example/{name}"}}
            for name in ("api", "shop")
        ],
    }
    fleet = Fleet.build(Inventory.model_validate({"vps": [spec]}), "testhost", "cache")
    monitor.intake.replace(fleet, Graph(fleet), lambda: BOOK)
    both = ("bare/api", "bare/shop")
    monitor.submit(*(monitor.checked(key, Status.HEALTHY) for key in both))
    monitor.now += 30
    monitor.submit(*(monitor.checked(key, Status.UNHEALTHY) for key in both))
    (told,) = (alert for alert in monitor.alerts() if alert.told_at)
    assert (told.rule_id, told.title, told.message) == (
        "vps-not-reporting", "bare does not report", "None of its 2 services answers.",
    )  # fmt: skip
    assert {alert.suppressed_by for alert in monitor.alerts(rule_id="down")} == {"bare"}
    monitor.now += 30
    monitor.submit(monitor.checked("bare/api", Status.HEALTHY))
    assert [alert.status for alert in monitor.alerts(rule_id="vps-not-reporting")] == ["resolved"]
