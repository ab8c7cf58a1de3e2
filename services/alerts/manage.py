"""What an operator does with an alert. Done by the engine, in the intake's transaction, so that
nothing that is observed meanwhile comes in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Protocol, TypeVar

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from models.alerts import AlertEvent, AlertRow, RuleStateRow
from models.database import Database
from models.notifications import NotificationRow
from services.alerts.engine import Engine
from services.alerts.plan import Plan
from services.errors import Conflict, NotFound, Unavailable, ValidationError

T = TypeVar("T")
Scope = frozenset[str] | None
Sees = Callable[[str, Scope], bool]
#: Done on the intake's thread, within its transaction, on top of what is planned so far.
Command = Callable[[Session, Plan, float], None]

#: Seconds that a command may wait for the intake.
PATIENCE = 6.0
LONGEST_SNOOZE = 30 * 86400.0
AWAY = "Nothing can be stored at the moment; try again."


class Door(Protocol):
    """The intake, as far as commands go."""

    def command(self, command: Command) -> Future[None]: ...


class AlertDesk:
    """``sees(target, scope)`` tells whether a caller limited to ``scope`` may know a target.

    Every method raises NotFound for an alert that is not there (or not for this caller), Conflict
    for one in the wrong state, and Unavailable while nothing can be stored.
    """

    def __init__(
        self,
        database: Database,
        engine: Engine,
        door: Door,
        sees: Sees,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._engine = engine
        self._door = door
        self._sees = sees
        self._clock = clock

    def acknowledge(self, alert_id: str, who: str, note: str = "", scope: Scope = None) -> None:
        """Marks an active alert as taken care of; escalation ends and others see who."""

        def act(session: Session, plan: Plan, now: float) -> None:
            rule, target = self._engine.find(session, plan, alert_id)
            plan.acknowledge(rule, target, who, note, now)

        self._do(alert_id, scope, act)

    def resolve(
        self,
        alert_id: str,
        who: str,
        note: str = "",
        false_positive: bool | None = None,
        scope: Scope = None,
    ) -> None:
        """Ends an alert. While its condition holds it stays so until that has cleared once."""

        def act(session: Session, plan: Plan, now: float) -> None:
            rule, target = self._engine.find(session, plan, alert_id)
            plan.resolve(rule, target, who, note, false_positive, now)

        self._do(alert_id, scope, act)

    def snooze(
        self, alert_id: str, until: float, who: str, note: str = "", scope: Scope = None
    ) -> None:
        """Nobody hears of an alert until a moment (seconds since the epoch); then it is again what
        it was. Raises ValidationError for a moment that has passed or is too far away."""
        now = self._clock()
        if not now < until <= now + LONGEST_SNOOZE:
            raise ValidationError(
                "A snooze ends in the future, at most 30 days from now.",
                [{"field": "until", "problem": "must lie within the next 30 days"}],
            )

        def act(session: Session, plan: Plan, now: float) -> None:
            rule, target = self._engine.find(session, plan, alert_id)
            plan.snooze(rule, target, until, who, note, now)

        self._do(alert_id, scope, act)

    def delete(self, alert_id: str, scope: Scope = None) -> None:
        """Takes a resolved alert away, with its history and its messages."""

        def act(session: Session, plan: Plan, now: float) -> None:
            row = session.get(AlertRow, alert_id)
            if row is None:
                raise NotFound(f"there is no alert '{alert_id}'")
            if row.resolved_at is None:
                raise Conflict(f"the alert is {row.status}; resolve it before it is deleted")
            if known := self._engine.remembers(plan, alert_id):
                plan.forget(*known, now)
            pointing = update(RuleStateRow).where(RuleStateRow.alert_id == alert_id)
            session.execute(pointing.values(alert_id=None))
            for table in (AlertEvent, NotificationRow):
                session.execute(delete(table).where(table.alert_id == alert_id))
            session.delete(row)
            session.flush()

        self._do(alert_id, scope, act)

    def _do(self, alert_id: str, scope: Scope, command: Command) -> None:
        with self._database.read() as session:
            found = session.get(AlertRow, alert_id)
            if found is None or not self._sees(found.target, scope):
                raise NotFound(f"there is no alert '{alert_id}'")
        errand = Errand(command)
        done = self._door.command(errand)
        try:
            done.result(PATIENCE)
        except TimeoutError:
            if not errand.call_off():
                # It was carried out; whether that could be stored turns out at once.
                with suppress(TimeoutError):
                    return done.result(PATIENCE)
            raise Unavailable(AWAY) from None


class Errand:
    """A command that can be called off. The intake tries again what it cannot store; nobody
    should find done by surprise what he was told to try again."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._begun = False
        self._off = False

    def __call__(self, session: Session, plan: Plan, now: float) -> None:
        with self._lock:
            if self._off:
                raise Unavailable(AWAY)
            self._begun = True
        self._command(session, plan, now)

    def call_off(self) -> bool:
        """From now on it is not carried out; True when it never was."""
        with self._lock:
            self._off = True
            return not self._begun
