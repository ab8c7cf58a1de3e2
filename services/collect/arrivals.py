"""What waits for the intake's writer, sorted by what it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from services.alerts.manage import Command
from services.alerts.plan import Plan
from services.collect.judge import Act
from services.collect.ledger import Taken
from services.collect.reports import Report
from services.errors import HealthdeckError
from services.health.graph import Graph
from services.inventory.fleet import Fleet
from services.observation import Observation
from services.rule import Rulebook

#: A batch goes to the database when it holds so many.
BATCH = 500
REPORTS = 50


@dataclass(slots=True)
class Arrived:
    """What the writer took from its queue and has not stored yet."""

    observations: list[Observation] = field(default_factory=list)
    reports: list[Waiting] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    stored: list[Future[None]] = field(default_factory=list)
    ticked: bool = False

    def add(self, item: object) -> None:
        """Sorts in what came out of the queue."""
        match item:
            case Observation():
                self.observations.append(item)
            case Waiting():
                if item.done.set_running_or_notify_cancel():
                    self.reports.append(item)
            case Asked():
                if item.done.set_running_or_notify_cancel():
                    self.asked.append(item)
            case Change():
                self.changes.append(item)
            case Future():
                self.stored.append(item)
            case _ if item is Tick:
                self.ticked = True
            case _ if callable(item):
                self.acts.append(item)

    def answer(self, taken: Sequence[Taken]) -> None:
        """Tells whoever waits for the commit that it is done, or why it could not be. ``taken``:
        what was new in each report."""
        for asked in self.asked:
            if asked.refused is None:
                asked.done.set_result(None)
            else:
                asked.done.set_exception(asked.refused)
        for waiting, answer in zip(self.reports, taken, strict=True):
            waiting.done.set_result(answer)

    def fail(self, error: Exception) -> None:
        """Tells whoever still waits that it could not be done."""
        waiting: list[Future[Any]] = [one.done for one in self.reports]
        waiting += [one.done for one in self.asked]
        waiting += [one.done for one in self.changes]
        waiting += self.stored
        for future in waiting:
            if not future.done():
                future.set_exception(error)

    @property
    def full(self) -> bool:
        return len(self.observations) >= BATCH or len(self.reports) >= REPORTS


@dataclass(frozen=True, slots=True)
class Stats:
    """``stored`` observations since the start, ``waiting`` in the queue, and ``batch_p95``: the
    seconds that judging and storing took, of the latest 1,000 batches."""

    stored: int
    waiting: int
    batch_p95: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """A report of an agent, and who waits for its commit."""

    report: Report
    done: Future[Taken]


@dataclass(frozen=True, slots=True)
class Change:
    """Other rules, and another fleet with its graph where that is another too. ``book`` is asked
    when the change is made: it gives the latest."""

    book: Callable[[], Rulebook]
    fleet: tuple[Fleet, Graph] | None = None
    done: Future[None] = field(default_factory=Future)


@dataclass(slots=True)
class Asked:
    """What an operator wants done with an alert, and who waits for it. ``refused``: why it cannot
    be."""

    command: Command
    done: Future[None]
    refused: HealthdeckError | None = None

    def do(self, session: Session, plan: Plan, now: float) -> None:
        """Does it on top of what is planned, or notes why it cannot be done."""
        self.refused = None
        try:
            self.command(session, plan, now)
        except HealthdeckError as error:
            self.refused = error


class Tick:
    """Time has passed."""
