"""The way from a reading to what a reader sees, without a server."""

from __future__ import annotations

from models.database import Database
from services.alerts.engine import Engine, Habits
from services.alerts.manage import AlertDesk
from services.alerts.quiet.now import Quiet
from services.alerts.rules.defaults import DEFAULT_RULES
from services.cache import Cache
from services.collect.intake import Intake
from services.events import Bus
from services.health.board import Board
from services.health.graph import Graph
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.inventory.sync import sync
from services.observation import CheckResult, Observation, Status
from services.rule import Rulebook
from services.views.reader import Reader

INTERVAL = 30.0


class World:
    """One door and one reader over a real database; ``now`` is the time of all of them."""

    def __init__(
        self, database: Database, inventory: Inventory, cache: Cache | None = None
    ) -> None:
        self.now = 1_000_000.0
        fleet = Fleet.build(inventory, "testhost", "cache")
        with database.write() as session:
            sync(session, fleet, self.now)
        graph, board, self.bus = Graph(fleet), Board(), Bus()
        book = Rulebook.first([*DEFAULT_RULES, *inventory.rules])
        habits = Habits(INTERVAL, 5.0, channels=frozenset({"inApp"}))
        engine = Engine(book, fleet, graph, habits, Quiet)
        self.board = board
        self.intake = Intake(
            database, fleet, graph, board, engine, self.bus, INTERVAL, 5.0,
            clock=lambda: self.now, monotonic=lambda: self.now,
        )  # fmt: skip
        self.read = Reader(
            database,
            board,
            fleet,
            graph,
            cache or Cache(None),
            INTERVAL,
            clock=lambda: self.now,
            monotonic=lambda: self.now,
        )
        self.bus.subscribe(self.read.notice)
        self.desk = AlertDesk(database, engine, self.intake, self.read.sees, clock=lambda: self.now)
        self.intake.start()

    def see(self, **statuses: Status) -> None:
        """One reading of each target; ``vps_1__api=Status.HEALTHY`` names ``vps-1/api``, and
        ``at__acme__shop`` the application ``@acme/shop``."""
        self.now += 1
        self.intake.submit(
            [
                Observation(
                    _key(name), self.now,
                    check=CheckResult(status, f"it is {status}", response_ms=45.0, uptime_s=3600.0),
                )
                for name, status in statuses.items()
            ]
        )  # fmt: skip
        # Where much fails at once the monitor first asks whether it sees at all: in a second batch.
        self.intake.flush()
        self.intake.flush()

    def machine(self, key: str, cpu: float) -> None:
        metrics = {
            "system.cpu.usage": cpu, "system.memory.usedPercent": 38.75,
            "system.memory.used": 6.2, "system.memory.total": 16.0,
        }  # fmt: skip
        self.intake.submit([Observation(key, self.now, metrics=metrics, facts={"cores": 4})])
        self.intake.flush()


def _key(name: str) -> str:
    return name.replace("at__", "@").replace("__", "/").replace("_", "-")
