"""Why an alert stands and who was told, decision by decision; and of what has no alert, why not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.alerts import SPEAKS_OF_OTHERS, AlertEvent
from models.notifications import NotificationRow
from services.alerts import wording
from services.alerts.engine import Engine
from services.alerts.evaluate import Phase
from services.alerts.readings import read
from services.alerts.standing import Standing, Status
from services.alerts.steps import NOTHING, Live
from services.health.status import Judgement
from services.inventory.fleet import Fleet
from services.notify.retry import Reason
from services.notify.retry import Status as Sent
from services.observation import Kind, kind_of, vps_of
from services.rule import Absence, Rule, Rulebook, Threshold
from services.times import span


@dataclass(frozen=True, slots=True)
class Decision:
    """``at`` in seconds since the epoch; ``who``: the operator whose decision it was."""

    at: float
    kind: str
    text: str
    who: str | None = None


class Outcome(StrEnum):
    """What became of judging a rule for a target."""

    CLEAR = "clear"
    PENDING = "pending"
    ACTIVE = "active"
    RESOLVED = "resolvedByHand"
    NO_VALUE = "noValue"
    FAILED = "failed"
    PAUSED = "paused"
    DISABLED = "disabled"
    OUT_OF_SCOPE = "outOfScope"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a rule stands for a target, and why there is an alert or none."""

    rule: Rule
    target: str
    outcome: Outcome
    text: str
    alert_id: str | None = None


def decisions(session: Session, alert_id: str, *, guarded: bool) -> list[Decision]:
    """Everything that was decided about an alert, in its order. ``guarded``: without what may
    speak of other tenants or servers."""
    events = session.scalars(
        select(AlertEvent).filter_by(alert_id=alert_id).order_by(AlertEvent.id)
    )
    found = [
        Decision(e.at, e.kind, "" if guarded and e.kind in SPEAKS_OF_OTHERS else e.note, e.actor)
        for e in events
    ]
    if not guarded:
        rows = session.scalars(
            select(NotificationRow)
            .filter_by(alert_id=alert_id)
            .order_by(NotificationRow.created_at, NotificationRow.channel)
        )
        found += [one for row in rows for one in _message(row)]
    return sorted(found, key=lambda one: one.at)


def verdicts(
    engine: Engine, book: Rulebook, fleet: Fleet, states: Mapping[str, Judgement], vps_id: str,
    now: float, *, guarded: bool = False,
) -> list[Verdict]:  # fmt: skip
    """Every rule for everything on a server that has the rule's metric. ``guarded``: without what
    may speak of other tenants or servers, other than the rules themselves."""
    return [
        _verdict(engine, rule, fleet, target, states.get(target), now, guarded)
        for target in _targets(fleet, states, vps_id)
        for rule in book.rules.values()
        if kind_of(target) in rule.condition.reads.kinds
    ]


def _targets(fleet: Fleet, states: Iterable[str], vps_id: str) -> Iterator[str]:
    yield vps_id
    for service in fleet.vps[vps_id].services:
        key = f"{vps_id}/{service.name}"
        yield key
        yield from sorted(k for k in states if k.startswith(f"{key}/"))
    for key, application in fleet.applications.items():
        if vps_of(application.runs_on or "") == vps_id:
            yield key


def _verdict(
    engine: Engine, rule: Rule, fleet: Fleet, target: str, state: Judgement | None, now: float,
    guarded: bool,
) -> Verdict:  # fmt: skip
    live = engine.peek(target).get(rule.id, NOTHING)
    if guarded and live.alert and live.alert.withheld:
        word = live.alert.withheld.partition(":")[0]
        live = replace(live, alert=replace(live.alert, withheld=word))
    outcome, text = _excluded(engine, rule, fleet, target) or _judged(rule, live, state, now)
    return Verdict(rule, target, outcome, text, live.alert_id if live.alert else None)


def _excluded(engine: Engine, rule: Rule, fleet: Fleet, target: str) -> tuple[Outcome, str] | None:
    if not rule.enabled:
        return Outcome.DISABLED, "the rule is disabled"
    if why := engine.matcher.why_not(rule, target):
        return Outcome.OUT_OF_SCOPE, why
    of = target.rpartition("/")[0] if kind_of(target) is Kind.DEPENDENCY else target
    if not fleet.enabled(of):
        return Outcome.PAUSED, "monitoring is paused"
    if failure := engine.failures(target).get(rule.id):
        return Outcome.FAILED, f"the rule could not be judged: {failure}"
    return None


def _judged(rule: Rule, live: Live, state: Judgement | None, now: float) -> tuple[Outcome, str]:
    phase = live.state.phase
    if phase is Phase.ACTIVE:
        said = _standing(live.alert)
        if live.state.clear is not None:
            said += "; the condition is clear, but not for long enough yet"
        return Outcome.ACTIVE, said
    if phase is Phase.PENDING:
        held, needed = span(live.state.held), span(rule.condition.duration)
        return Outcome.PENDING, f"the condition has held for {held} of {needed}"
    if phase is Phase.RESOLVED:
        return Outcome.RESOLVED, "resolved by hand; it must clear once before it can fire again"
    value = read(rule.condition.reads, state) if state else None
    if value is None and not isinstance(rule.condition, Absence):
        return Outcome.NO_VALUE, f"no value: {state.reason if state else 'never observed'}"
    return Outcome.CLEAR, _clear(rule, live, value, now)


def _standing(alert: Standing | None) -> str:
    if alert is None or (alert.status is Status.ACTIVE and alert.withheld is None):
        return "an alert stands"
    if alert.status is not Status.ACTIVE:
        by = f" by {alert.acknowledged_by}" if alert.status is Status.ACKNOWLEDGED else ""
        return f"an alert stands, {alert.status}{by}"
    if alert.told_at is None:
        return f"an alert stands; nobody is told yet: {alert.withheld}"
    return f"an alert stands; its escalation waits: {alert.withheld}"


def _clear(rule: Rule, live: Live, value: float | str | None, now: float) -> str:
    unit = rule.condition.reads.unit
    said = "no value, not for long enough" if value is None else wording.amount(value, unit)
    if isinstance(rule.condition, Threshold):
        limit = wording.amount(rule.condition.value, unit)
        said = f"{said}, which is not {wording.PAST[rule.condition.operator]} {limit}"
    if live.state.ended_at is not None:
        ended = span(now - live.state.ended_at)
        said += f"; an alert ended {ended} ago, and trouble that begins again now reopens it"
    return said


def _message(row: NotificationRow) -> Iterator[Decision]:
    """That a message was to be sent, and what became of it."""
    said = f"{row.event} by {row.channel} to {row.recipient}"
    if row.status != Sent.UNDELIVERABLE:
        yield Decision(row.created_at, Sent.QUEUED, said)
    if row.status == Sent.QUEUED and row.reason == Reason.NEW:
        return
    attempts = f", {row.attempts} attempts" if row.attempts > 1 else ""
    detail = f": {row.detail}" if row.detail else ""
    at = row.sent_at or row.next_attempt_at or row.created_at
    yield Decision(at, row.status, f"{said} ({row.reason}{attempts}){detail}")
