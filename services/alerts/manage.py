"""What an operator does with alerts. Done by the engine, in the intake's transaction, so that
nothing that is observed meanwhile comes in between; who did it is audited with it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from models.alerts import AlertEvent, AlertRow, RuleStateRow
from models.database import Database
from models.incidents import IncidentAlert, IncidentNote, IncidentRow
from models.notifications import NotificationRow
from services.alerts.engine import Engine
from services.alerts.plan import Plan
from services.errors import Conflict, HealthdeckError, NotFound, Unavailable, ValidationError
from services.identity import Scope
from services.identity.audit import Actor, audit
from services.times import iso

Sees = Callable[[str, Scope], bool]
#: Done on the intake's thread, within its transaction, on top of what is planned so far.
Command = Callable[[Session, Plan, float], None]
#: The same with one alert.
Act = Callable[[Session, Plan, float, str], None]

#: Seconds that a command may wait for the intake.
PATIENCE = 6.0
LONGEST_SNOOZE = 30 * 86400.0
#: Alerts that one command may be about.
MOST = 500
AWAY = "Nothing can be stored at the moment; try again."


class Door(Protocol):
    """The intake, as far as commands go."""

    def command(self, command: Command) -> Future[None]: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one of several alerts: ``refused`` None: it was done."""

    alert_id: str
    refused: HealthdeckError | None


class AlertDesk:
    """``sees(target, scope)`` tells whether a caller limited to ``scope`` may know a target.

    Every method raises NotFound for an alert that is not there (or not for this caller), Conflict
    for one in the wrong state, and Unavailable while nothing can be stored. Methods for many alerts
    tell instead what became of each, in the order of the ids; what is refused for one is done for
    the others. They raise ValidationError for more than MOST.
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

    def acknowledge(self, alert_id: str, actor: Actor, note: str = "", scope: Scope = None) -> None:
        """Marks an active alert as taken care of; escalation ends and others see who."""
        self._one(self.acknowledge_many([alert_id], actor, note, scope))

    def resolve(
        self,
        alert_id: str,
        actor: Actor,
        note: str = "",
        false_positive: bool | None = None,
        scope: Scope = None,
    ) -> None:
        """Ends an alert. While its condition holds it stays so until that has cleared once."""
        self._one(self.resolve_many([alert_id], actor, note, false_positive, scope))

    def snooze(
        self, alert_id: str, until: float, actor: Actor, note: str = "", scope: Scope = None
    ) -> None:
        """Nobody hears of an alert until a moment (seconds since the epoch); then it is again what
        it was. Raises ValidationError for a moment that has passed or is too far away."""
        self._one(self.snooze_many([alert_id], until, actor, note, scope))

    def delete(self, alert_id: str, actor: Actor, scope: Scope = None) -> None:
        """Takes a resolved alert away, with its history and its messages."""
        self._one(self._do([alert_id], scope, partial(self._delete, actor=actor)))

    def acknowledge_many(
        self, ids: Sequence[str], actor: Actor, note: str = "", scope: Scope = None
    ) -> list[Outcome]:
        """``acknowledge`` for each, in one transaction."""

        def act(session: Session, plan: Plan, now: float, alert_id: str) -> None:
            rule, target = self._engine.find(session, plan, alert_id)
            plan.acknowledge(rule, target, _who(actor), note, now)
            _audit(session, actor, "alert.acknowledge", alert_id, now, target=target, note=note)

        return self._do(ids, scope, act)

    def resolve_many(
        self,
        ids: Sequence[str],
        actor: Actor,
        note: str = "",
        false_positive: bool | None = None,
        scope: Scope = None,
    ) -> list[Outcome]:
        """``resolve`` for each, in one transaction."""

        def act(session: Session, plan: Plan, now: float, alert_id: str) -> None:
            rule, target = self._engine.find(session, plan, alert_id)
            plan.resolve(rule, target, _who(actor), note, false_positive, now)
            _audit(
                session, actor, "alert.resolve", alert_id, now,
                target=target, note=note, falsePositive=false_positive,
            )  # fmt: skip

        return self._do(ids, scope, act)

    def snooze_many(
        self, ids: Sequence[str], until: float, actor: Actor, note: str = "", scope: Scope = None
    ) -> list[Outcome]:
        """``snooze`` for each, in one transaction."""
        now = self._clock()
        if not now < until <= now + LONGEST_SNOOZE:
            raise ValidationError(
                "A snooze ends in the future, at most 30 days from now.",
                [{"field": "until", "problem": "must lie within the next 30 days"}],
            )

        def act(session: Session, plan: Plan, now: float, alert_id: str) -> None:
            rule, target = self._engine.find(session, plan, alert_id)
            plan.snooze(rule, target, until, _who(actor), note, now)
            _audit(
                session, actor, "alert.snooze", alert_id, now,
                target=target, note=note, until=iso(until),
            )  # fmt: skip

        return self._do(ids, scope, act)

    def _delete(
        self, session: Session, plan: Plan, now: float, alert_id: str, actor: Actor
    ) -> None:
        row = session.get(AlertRow, alert_id)
        if row is None:
            raise _unknown(alert_id)
        if row.resolved_at is None:
            raise Conflict(f"the alert is {row.status}; resolve it before it is deleted")
        if known := self._engine.remembers(plan, alert_id):
            plan.forget(*known, now)
        pointing = update(RuleStateRow).where(RuleStateRow.alert_id == alert_id)
        session.execute(pointing.values(alert_id=None))
        for table in (AlertEvent, NotificationRow):
            session.execute(delete(table).where(table.alert_id == alert_id))
        _leave_incident(session, alert_id)
        _audit(session, actor, "alert.delete", alert_id, now, target=row.target, title=row.title)
        session.delete(row)
        session.flush()

    def _do(self, ids: Sequence[str], scope: Scope, act: Act) -> list[Outcome]:
        ids = list(dict.fromkeys(ids))
        if len(ids) > MOST:
            raise ValidationError(f"Of {len(ids)} alerts at most {MOST} can be handled at once.")
        known = self._known(ids, scope)
        refused: dict[str, HealthdeckError] = {}

        def command(session: Session, plan: Plan, now: float) -> None:
            refused.clear()  # it is carried out again when it could not be stored
            for alert_id in ids:
                try:
                    if alert_id not in known:
                        raise _unknown(alert_id)
                    act(session, plan, now, alert_id)
                except HealthdeckError as error:
                    refused[alert_id] = error

        if known:
            self._carry_out(Errand(command))
        else:
            refused = {alert_id: _unknown(alert_id) for alert_id in ids}
        return [Outcome(alert_id, refused.get(alert_id)) for alert_id in ids]

    def _known(self, ids: Sequence[str], scope: Scope) -> set[str]:
        with self._database.read() as session:
            rows = session.execute(select(AlertRow.id, AlertRow.target).where(AlertRow.id.in_(ids)))
            return {alert_id for alert_id, target in rows if self._sees(target, scope)}

    def _carry_out(self, errand: Errand) -> None:
        done = self._door.command(errand)
        try:
            done.result(PATIENCE)
        except TimeoutError:
            if not errand.call_off():
                # It was carried out; whether that could be stored turns out at once.
                with suppress(TimeoutError):
                    return done.result(PATIENCE)
            raise Unavailable(AWAY) from None

    def _one(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.refused is not None:
                raise outcome.refused


def _leave_incident(session: Session, alert_id: str) -> None:
    """An incident without alerts goes too, unless somebody wrote something about it."""
    member = session.get(IncidentAlert, alert_id)
    if member is None:
        return
    incident_id = member.incident_id
    session.delete(member)
    session.flush()
    kept = [
        session.scalar(select(table.incident_id).where(table.incident_id == incident_id).limit(1))
        for table in (IncidentAlert, IncidentNote)
    ]
    if kept == [None, None]:
        of = or_(IncidentRow.id == incident_id, IncidentRow.merged_into == incident_id)
        session.execute(delete(IncidentRow).where(of))


def _unknown(alert_id: str) -> NotFound:
    return NotFound(f"there is no alert '{alert_id}'")


def _who(actor: Actor) -> str:
    return actor.name[:100]


def _audit(
    session: Session, actor: Actor, action: str, alert_id: str, now: float, **detail: object
) -> None:
    """``detail``: what was said; what was not is left out."""
    said = {name: value for name, value in detail.items() if value not in (None, "")}
    audit(session, actor, action, alert_id, now, said)


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
