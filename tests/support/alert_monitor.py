"""One monitor over a real database with a clock of its own, and what an operator would find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from models.alerts import AlertEvent, AlertRow
from models.database import Database
from models.notifications import NotificationRow
from services.alerts import trace
from services.alerts.engine import Engine, Habits
from services.alerts.manage import AlertDesk
from services.alerts.quiet.now import Quiet
from services.collect.intake import Intake
from services.events import AlertChanged, Bus
from services.health.board import Board
from services.health.graph import Graph
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.inventory.sync import sync
from services.observation import CheckResult, Observation, Status
from services.rule import Rule, Rulebook

INTERVAL, TIMEOUT, WINDOW = 10.0, 5.0, 300.0
START = 1_000_000_000.0  # 2001-09-09 01:46:40
CHANNELS = frozenset({"webhook", "inApp", "email"})
#: Seconds that another thread may take; generous, for the machine may be busy.
PATIENCE = 60.0

CPU: dict[str, Any] = {
    "id": "cpu",
    "name": "CPU high",
    "severity": "warning",
    "condition": {"metric": "cpu", "operator": "greaterThan", "value": 90},
    "notification": {"channels": ["webhook"], "recipients": ["Ops"]},
}
DOWN: dict[str, Any] = {
    "id": "down",
    "name": "Service down",
    "severity": "critical",
    "condition": {"metric": "service.status", "operator": "equals", "value": "unhealthy"},
    "notification": {"channels": ["webhook"], "recipients": ["Ops"]},
}


def contact(name: str) -> dict[str, Any]:
    """Somebody who is told by webhook."""
    hook = {"url": f"https://{name.lower()}.example/x", "secret": "c2VjcmV0" * 4}
    return {"name": name, "webhook": hook}


INVENTORY: dict[str, Any] = {
    "vps": [
        {
            "id": "vps-1",
            "tags": ["production"],
            "source": {"type": "local"},
            "services": [
                {"name": "db", "type": "database", "check": {"tcp": "127.0.0.1:1"}},
                {
                    "name": "api",
                    "type": "backend",
                    "check": {"http": "http://127.0.0.1:1/"},
                    "dependsOn": ["db"],
                },
            ],
            "tenants": ["acme", "globex"],
        },
        {"id": "vps-2", "services": [{"name": "spare", "type": "backend"}]},
    ],
    "tenants": [
        {"id": "acme", "organizationName": "ACME Corp"},
        {"id": "globex", "organizationName": "Globex"},
    ],
    "contacts": [contact("Ops"), contact("Boss")],
}


class Unreliable(Database):
    """``failing``: its next write transactions fail, ``before`` they do anything, in the ``middle``
    before the commit, or ``after`` it, when nobody hears that it went well."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.failing: list[str] = []

    def write(self) -> Any:
        return _Transaction(super().write(), self)

    def fail(self, at: str) -> None:
        if self.failing[:1] == [at]:
            self.failing.pop(0)
            raise OperationalError("COMMIT", {}, Exception("the database is away"))


class _Transaction:
    def __init__(self, inner: Any, database: Unreliable) -> None:
        self._inner = inner
        self._database = database

    def __enter__(self) -> Any:
        self._database.fail("before")
        return self._inner.__enter__()

    def __exit__(self, *error: Any) -> Any:
        if error[0] is None:
            try:
                self._database.fail("middle")
            except OperationalError as failure:
                self._inner.__exit__(OperationalError, failure, None)
                raise
        answer = self._inner.__exit__(*error)
        if error[0] is None:
            self._database.fail("after")
        return answer


class Monitor:
    """``rules`` as they are written. ``kill`` and ``start`` are a restart; ``quiet`` is what
    withholds messages."""

    def __init__(
        self,
        database: Database,
        *rules: Mapping[str, Any],
        inventory: Mapping[str, Any] = INVENTORY,
        now: float = START,
    ) -> None:
        self.database, self.inventory = database, inventory
        self.rules: tuple[Mapping[str, Any], ...] = rules
        self.now, self.versions = now, 1
        self.quiet = Quiet()
        self.events: list[str] = []
        self.start()

    def start(self) -> None:
        fleet = Fleet.build(Inventory.model_validate(self.inventory), "testhost", "cache")
        with self.database.write() as session:
            sync(session, fleet, self.now)
        self.fleet, self.graph = fleet, Graph(fleet)
        bus, self.board = Bus(), Board()
        bus.subscribe(
            lambda e: self.events.append(e.event) if isinstance(e, AlertChanged) else None
        )
        habits = Habits(INTERVAL, TIMEOUT, WINDOW, CHANNELS)
        self.engine = Engine(self.book(), fleet, self.graph, habits, lambda: self.quiet)
        self.intake = Intake(
            self.database, fleet, self.graph, self.board, self.engine, bus, INTERVAL, TIMEOUT,
            clock=lambda: self.now, monotonic=lambda: self.now,
        )  # fmt: skip
        self.intake.start()
        self.desk = AlertDesk(
            self.database, self.engine, self.intake, lambda target, scope: scope is None,
            clock=lambda: self.now,
        )  # fmt: skip

    def book(self) -> Rulebook:
        rules = {str(rule["id"]): Rule.model_validate(rule) for rule in self.rules}
        return Rulebook(rules, dict.fromkeys(rules, self.versions))

    def kill(self) -> None:
        self.intake.stop()

    def restart(self, away: float = 0.0) -> None:
        self.kill()
        self.now += away
        self.start()

    def change(self, *rules: Mapping[str, Any]) -> None:
        """Other rules come into force."""
        self.rules, self.versions = rules, self.versions + 1
        self.intake.take_rules(self.book, PATIENCE)

    def cpu(self, value: float, after: float = INTERVAL) -> None:
        self.observe(Observation("vps-1", self.now + after, metrics={"system.cpu.usage": value}))

    def check(self, status: Status, after: float = INTERVAL, target: str = "vps-1/api") -> None:
        found = CheckResult(status, f"it is {status}")
        self.observe(Observation(target, self.now + after, check=found))

    def observe(self, *seen: Observation) -> None:
        self.now = max(one.at for one in seen)
        self.intake.submit(seen)
        self._flush()

    def tick(self, after: float = 0.0) -> None:
        self.now += after
        self.intake.tick()
        self._flush()

    def fails(self, where: str) -> None:
        """The next transaction fails, and is tried again."""
        assert isinstance(self.database, Unreliable)
        assert not self.database.failing, "the one before has not failed yet"
        self.database.failing = [where]

    def _flush(self) -> None:
        """What failed is tried again when the next thing arrives, as each second a tick does."""
        for _ in range(int(PATIENCE)):
            with suppress(TimeoutError):
                return self.intake.flush(1.0)
        return self.intake.flush(PATIENCE)

    def alerts(self, **where: Any) -> Sequence[AlertRow]:
        query = select(AlertRow).filter_by(**where).order_by(AlertRow.triggered_at)
        with self.database.read() as session:
            return session.scalars(query).all()

    def alert(self) -> AlertRow:
        """The only one."""
        (alert,) = self.alerts()
        return alert

    def kinds(self) -> list[str]:
        """What was decided, of all alerts, in its order."""
        with self.database.read() as session:
            return list(session.scalars(select(AlertEvent.kind).order_by(AlertEvent.id)))

    def note(self, kind: str) -> str:
        """The reason of the latest decision of a kind."""
        query = select(AlertEvent.note).filter_by(kind=kind).order_by(AlertEvent.id.desc())
        with self.database.read() as session:
            return session.scalars(query).first() or ""

    def told(self) -> list[str]:
        """``Ops fired``: the messages in their order, without the word that all begin with."""
        query = select(NotificationRow).order_by(
            NotificationRow.created_at, NotificationRow.recipient
        )
        with self.database.read() as session:
            rows = session.scalars(query).all()
        return [f"{row.recipient} {row.event.removeprefix('alert.')}" for row in rows]

    def why(self, rule_id: str, target: str = "vps-1") -> tuple[str, str]:
        """Where a rule stands for a target, and the sentence about it."""
        found = trace.verdicts(
            self.engine, self.book(), self.fleet, self.board.snapshot(), "vps-1", self.now
        )
        (one,) = [v for v in found if (v.rule.id, v.target) == (rule_id, target)]
        return str(one.outcome), one.text
