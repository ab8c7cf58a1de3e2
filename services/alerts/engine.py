"""The alert engine: drives the state machine of every (rule, target) and writes what follows.

A ``Plan`` only says what should happen; ``write`` puts it into the intake's own transaction
(alert, timeline, outbox: all or nothing), and ``apply`` takes it over in memory once that is
committed.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models.alerts import AlertEvent, AlertRow, RuleStateRow
from services.alerts import wording
from services.alerts.evaluate import (
    INACTIVE,
    Phase,
    RuleState,
    Transition,
    Value,
    evaluate,
    holds,
)
from services.alerts.readings import Matcher, read
from services.events import AlertChanged
from services.health.graph import Graph
from services.health.status import Judgement
from services.inventory.fleet import Fleet
from services.notify import outbox
from services.notify.body import alert_body
from services.observation import Kind, kind_of, vps_of
from services.rule import Rule

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Live:
    """A rule's state for a target, and the alert that stands for it."""

    state: RuleState = INACTIVE
    alert_id: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One planned move of one (rule, target)."""

    rule: Rule
    target: str
    before: Live
    after: Live
    transition: Transition | None
    value: Value | None
    judgement: Judgement | None
    at: float


def fingerprint(rule_id: str, target: str) -> str:
    return hashlib.sha256(f"{rule_id}\n{target}".encode()).hexdigest()[:32]


class Plan:
    """The moves of one batch, in their order; each builds on the ones before it."""

    def __init__(
        self, matcher: Matcher, fleet: Fleet, default_interval: float, live: Mapping[Pair, Live]
    ) -> None:
        self.steps: list[Step] = []
        self._matcher = matcher
        self._fleet = fleet
        self._default_interval = default_interval
        self._live = live
        self._planned: dict[Pair, Live] = {}

    def judge(self, target: str, judgement: Judgement, now: float) -> None:
        """What a new judgement of a target means."""
        for rule in self._matcher.rules_for(target):
            value = read(rule.condition.reads, judgement)
            self._step(rule, target, judgement, value, now)

    def tick(self, states: Mapping[str, Judgement], now: float) -> None:
        """What the passing of time alone means: durations that are complete by now."""
        for rule_id, target in [
            pair for pair, live in self._live.items() if live.state.phase is Phase.PENDING
        ]:
            self._step(self._matcher.rules[rule_id], target, states.get(target), None, now)

    def _step(
        self, rule: Rule, target: str, judgement: Judgement | None, value: Value | None, now: float
    ) -> None:
        pair = (rule.id, target)
        before = self._planned.get(pair) or self._live.get(pair)
        if before is None:
            # Nearly every reading of nearly every rule ends here.
            if value is None or not holds(rule.condition, value):
                return
            before = Live()
        interval = self._fleet.interval(target, self._default_interval)
        state, transition = evaluate(rule.condition, before.state, value, now, interval)
        if state == before.state:
            return
        alert_id = before.alert_id
        if transition is Transition.FIRED:
            alert_id = uuid.uuid4().hex
        elif state.phase is Phase.INACTIVE:
            alert_id = None
        after = Live(state, alert_id)
        self._planned[pair] = after
        self.steps.append(Step(rule, target, before, after, transition, value, judgement, now))


class Engine:
    """Holds the committed state of every (rule, target) that is not inactive."""

    def __init__(
        self,
        rules: Sequence[Rule],
        fleet: Fleet,
        graph: Graph,
        default_interval: float,
        channels: frozenset[str],
    ) -> None:
        self._fleet = fleet
        self._contacts = tuple(fleet.contacts.values())
        self._graph = graph
        self._matcher = Matcher(rules, fleet, graph)
        self._default_interval = default_interval
        self._channels = channels
        self._live: dict[Pair, Live] = {}

    def load(self, session: Session, now: float) -> list[AlertChanged]:
        """Takes over what the process before left, and resolves alerts whose rule or target is
        no longer there."""
        gone: list[AlertChanged] = []
        keys = self._fleet.keys()
        for row in session.scalars(select(RuleStateRow)):
            parent = row.target.rpartition("/")[0] if kind_of(row.target) is Kind.DEPENDENCY else ""
            watched = (row.target in keys or parent in keys) and self._fleet.enabled(
                parent or row.target
            )
            rule = self._matcher.rules.get(row.rule_id)
            if rule in self._matcher.rules_for(row.target) and watched:
                state = RuleState(Phase(row.phase), row.since, row.held, row.seen_at)
                self._live[row.rule_id, row.target] = Live(state, row.alert_id)
            else:
                session.delete(row)
                if row.alert_id:
                    gone += self._resolve(
                        session, row.alert_id, "The rule or the target is no longer watched.", now
                    )
        return gone

    def replace(self, fleet: Fleet, graph: Graph, rules: Sequence[Rule]) -> None:
        """Goes on with another fleet and other rules; ``load`` must follow."""
        self._fleet = fleet
        self._contacts = tuple(fleet.contacts.values())
        self._graph = graph
        self._matcher = Matcher(rules, fleet, graph)
        self._live = {}

    def plan(self) -> Plan:
        """An empty plan on top of what is committed."""
        return Plan(self._matcher, self._fleet, self._default_interval, self._live)

    def write(self, session: Session, steps: Sequence[Step]) -> list[AlertChanged]:
        """Writes a plan; the events to publish after the commit."""
        events: list[AlertChanged] = []
        # The rows that the rest points at, in one insert: many alerts fire at the same moment.
        fired = {
            id(step): self._alert(step) for step in steps if step.transition is Transition.FIRED
        }
        session.add_all(fired.values())
        session.flush()
        for step in steps:
            if step.transition is Transition.FIRED:
                events.append(self._tell(session, step, fired[id(step)]))
            elif step.transition is Transition.RESOLVED and step.before.alert_id:
                text = wording.resolution(step.rule, step.judgement)
                events += self._resolve(session, step.before.alert_id, text, step.at)
            self._keep(session, step)
        return events

    def apply(self, steps: Sequence[Step]) -> None:
        for step in steps:
            pair = (step.rule.id, step.target)
            if step.after.state.phase is Phase.INACTIVE:
                self._live.pop(pair, None)
            else:
                self._live[pair] = step.after

    def _keep(self, session: Session, step: Step) -> None:
        pair = {"rule_id": step.rule.id, "target": step.target}
        state = step.after.state
        if state.phase is Phase.INACTIVE:
            session.execute(delete(RuleStateRow).filter_by(**pair))
        elif not (step.transition is None and state.phase is Phase.ACTIVE):
            session.merge(
                RuleStateRow(
                    **pair, phase=state.phase, since=state.since, held=state.held,
                    seen_at=state.seen_at, alert_id=step.after.alert_id,
                )
            )  # fmt: skip

    def _alert(self, step: Step) -> AlertRow:
        rule, target = step.rule, step.target
        value = step.value
        if value is None and step.judgement is not None:
            value = read(rule.condition.reads, step.judgement)
        if value is None:
            value = rule.condition.value
        label = self._fleet.label(target)
        tenant = target[1:].partition("/")[0] if target.startswith("@") else None
        return AlertRow(
            id=step.after.alert_id, fingerprint=fingerprint(rule.id, target), rule_id=rule.id,
            rule_name=rule.name, target=target, vps_id=vps_of(target),
            service_name=target.partition("/")[2] or None, tenant_id=tenant,
            severity=rule.severity, status="active",
            title=wording.title(rule, label, value),
            message=wording.message(rule, step.judgement) if step.judgement else rule.name,
            value=value, threshold=rule.condition.value, triggered_at=step.at,
            impact=list(self._graph.impact(target)), escalation_level=0, occurrences=1,
        )  # fmt: skip

    def _tell(self, session: Session, step: Step, alert: AlertRow) -> AlertChanged:
        rule = step.rule
        session.add(AlertEvent(alert_id=alert.id, at=step.at, kind="fired", note=alert.message))
        outbox.enqueue(
            session, alert_id=alert.id, event="alert.fired", body=alert_body(alert),
            severity=rule.severity, plan=rule.notification, contacts=self._contacts,
            channels=self._channels, now=step.at,
        )  # fmt: skip
        return AlertChanged(alert.id, "alert.fired")

    def _resolve(
        self, session: Session, alert_id: str, text: str, now: float
    ) -> list[AlertChanged]:
        changed = session.scalars(
            update(AlertRow)
            .where(AlertRow.id == alert_id, AlertRow.resolved_at.is_(None))
            .values(status="resolved", resolved_at=now, resolution=text)
            .returning(AlertRow),
            execution_options={"populate_existing": True},
        )
        alert = changed.one_or_none()
        if alert is None:
            return []
        session.add(AlertEvent(alert_id=alert_id, at=now, kind="resolved", note=text))
        outbox.enqueue_resolution(session, alert_id=alert_id, body=alert_body(alert), now=now)
        return [AlertChanged(alert_id, "alert.resolved")]
