"""The real intake, judge, engine and causes under a course of events, on a clock that the course
moves; and what an operator would find in the database afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from models.agents import AgentStream
from models.alerts import AlertEvent, AlertRow
from models.database import Database
from models.notifications import NotificationRow
from services.alerts.engine import Engine, Habits
from services.alerts.quiet.now import Quiet
from services.alerts.rules.defaults import DEFAULT_RULES
from services.collect.intake import Intake
from services.collect.own import network_check
from services.collect.reports import Report
from services.collect.sight import Sighting
from services.events import Bus
from services.health.board import Board
from services.health.graph import Graph
from services.inventory.sync import sync
from services.observation import CheckResult, Observation
from services.rule import Rule, Rulebook
from tests.support.alert_course import EPOCH, LOCAL, Course

CHANNELS = frozenset({"inApp", "email", "sms", "webhook"})
#: What each second brings goes in as one report of this stream: its number is the second, so
#: that the store itself says how far it has come.
STREAM = "course"
#: Seconds that another thread may take; generous, for the machine may be busy.
PATIENCE = 60.0


@contextmanager
def sqlite(folder: Path) -> Iterator[Database]:
    """A new database with the current schema."""
    database = Database(f"sqlite:///{folder}/test.db")
    database.migrate()
    yield database
    database.close()


class Stage:
    """``play`` lets a course happen to one monitor, which goes on from what the database holds: a
    second that is stored is not told again, though its tick may be. With ``each`` also a second
    that brought nothing is stored."""

    def __init__(
        self,
        database: Database,
        course: Course,
        rules: Sequence[Rule] = DEFAULT_RULES,
        *,
        each: bool = False,
    ) -> None:
        fleet = course.fleet
        self.database, self.course = database, course
        self.now = EPOCH + self._reached()
        self._each = each
        with database.write() as session:
            sync(session, fleet, self.now)
        self.board, self._bus, graph = Board(), Bus(), Graph(fleet)
        self._network = next((k for k, part in fleet.own.items() if part == "network"), None)
        self._network_check = network_check(self.board)
        habits = Habits(course.interval, course.timeout, channels=CHANNELS)
        self.engine = Engine(Rulebook.first(rules), fleet, graph, habits, Quiet)
        self._answers: list[tuple[Future[CheckResult | None], CheckResult]] = []
        self._sightings: list[tuple[Future[Sighting | None], Sighting]] = []
        self.intake = Intake(
            database, fleet, graph, self.board, self.engine, self._bus, course.interval,
            course.timeout, clock=lambda: self.now, monotonic=lambda: self.now,
            ask_witness=self._ask_witness, ask_sight=self._ask_sight,
        )  # fmt: skip
        self.intake.start()

    def play(self, length: float) -> None:
        """Up to ``length`` seconds after the begin of the course."""
        reached = self.now
        for now, arrived in self.course.seconds(length):
            if now >= reached:
                self.second(now, arrived if now > reached else None)

    def second(self, now: float, arrived: Sequence[Observation] | None) -> None:
        """What reached the monitor in the second up to ``now``, unless it is None, and its
        tick."""
        self.now = now
        self._answer()
        if arrived or (self._each and arrived is not None):
            number = round(now - EPOCH)
            seen = tuple((number, self._of_itself(one)) for one in arrived or ())
            report = Report(LOCAL, STREAM, "course", (), now, 0.0, seen, number, ())
            self.intake.submit_report(report).result(PATIENCE)
        self.intake.tick()
        self.intake.flush(PATIENCE)

    def close(self) -> None:
        self.intake.stop()

    def _reached(self) -> int:
        with self.database.read() as session:
            query = select(AgentStream.last_seq).where(AgentStream.stream == STREAM)
            return session.scalar(query) or 0

    def _of_itself(self, seen: Observation) -> Observation:
        if seen.target == self._network:
            return replace(seen, check=self._network_check())
        return seen

    def _ask_witness(self, vps_id: str) -> Future[CheckResult | None]:
        done: Future[CheckResult | None] = Future()
        self._answers.append((done, self.course.witness(vps_id, self.now)))
        return done

    def _ask_sight(self) -> Future[Sighting | None]:
        done: Future[Sighting | None] = Future()
        sees = self.course.sees(self.now)
        failed = {} if sees else {"192.0.2.1:443": "no answer within 2 s"}
        self._sightings.append((done, Sighting(sees, failed)))
        return done

    def _answer(self) -> None:
        """Witnesses answer within the second."""
        answers, self._answers = self._answers, []
        for asked, result in answers:
            asked.set_result(result)
        sightings, self._sightings = self._sightings, []
        for looked, sighting in sightings:
            looked.set_result(sighting)


class Found:
    """What the database says when all is over: alerts by target, their events, the messages."""

    def __init__(self, database: Database) -> None:
        with database.read() as session:
            self.alerts = list(session.scalars(select(AlertRow).order_by(AlertRow.triggered_at)))
            self.events = list(session.scalars(select(AlertEvent).order_by(AlertEvent.id)))
            self.messages = list(
                session.scalars(
                    select(NotificationRow).order_by(
                        NotificationRow.created_at,
                        NotificationRow.channel,
                        NotificationRow.recipient,
                    )
                )
            )
        self._targets = {alert.id: alert.target for alert in self.alerts}

    def told(self, event: str = "alert.fired") -> list[str]:
        """The targets of which something was told, one for each message to everybody."""
        return [
            self._targets[message.alert_id or ""]
            for message in self.messages
            if message.event == event and message.channel == "inApp"
        ]

    def standing(self) -> list[AlertRow]:
        return [alert for alert in self.alerts if alert.resolved_at is None]

    def of(self, targets: Iterable[str]) -> list[AlertRow]:
        wanted = set(targets)
        return [alert for alert in self.alerts if alert.target in wanted]

    def story(self, alert: AlertRow) -> list[tuple[float, str, str]]:
        return [(e.at - EPOCH, e.kind, e.note) for e in self.events if e.alert_id == alert.id]

    def history(self) -> Mapping[str, list[tuple]]:
        """All transitions by rule and target, as (seconds, kind) and messages, as (seconds, event,
        channel, recipient). Names of rows are random and do not count, nor do reasons."""
        pairs = {alert.id: f"{alert.rule_id} {alert.target}" for alert in self.alerts}
        found: dict[str, list[tuple]] = {pair: [] for pair in sorted(pairs.values())}
        for event in self.events:
            entry = round(event.at - EPOCH, 3), event.kind
            found[pairs[event.alert_id]].append(entry)
        for one in self.messages:
            at = round(one.created_at - EPOCH, 3)
            found[pairs[one.alert_id or ""]].append((at, one.event, one.channel, one.recipient))
        return found
