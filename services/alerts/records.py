"""The planned moves of alerts, written: rows, the history with its reasons, the outbox. Everything
belongs to the caller's transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from models.alerts import AlertEvent, AlertRow, RuleStateRow
from services.alerts import wording
from services.alerts.anomaly import Verdict
from services.alerts.evaluate import INACTIVE, Phase, Value
from services.alerts.plan import Kind, Step
from services.alerts.readings import read
from services.events import AlertChanged
from services.health.graph import Graph
from services.inventory.fleet import Fleet
from services.inventory.schema import Contact
from services.notify import outbox
from services.notify.body import alert_body
from services.observation import vps_of
from services.rule import NotificationPlan, Rulebook, Severity, Threshold
from services.times import span


def fingerprint(rule_id: str, target: str) -> str:
    """What makes two troubles the same: the rule and its target."""
    return hashlib.sha256(f"{rule_id}\n{target}".encode()).hexdigest()[:32]


class Records:
    """Writes steps. ``channels``: the names of those that can send; ``verdict`` gives what a
    detector said of (rule id, target)."""

    def __init__(
        self,
        book: Rulebook,
        fleet: Fleet,
        graph: Graph,
        channels: Collection[str],
        verdict: Callable[[tuple[str, str]], Verdict | None],
    ) -> None:
        self._book = book
        self._fleet = fleet
        self._contacts: Sequence[Contact] = tuple(fleet.contacts.values())
        self._graph = graph
        self._channels = channels
        self._verdict = verdict

    def write(self, session: Session, steps: Sequence[Step]) -> list[AlertChanged]:
        """Writes what is planned; the events to publish after the commit."""
        # The rows that the rest points at, in one insert: many alerts fire at the same moment.
        alerts = {s.after.alert_id: self._alert(s) for s in steps if s.kind is Kind.FIRED}
        session.add_all(alerts.values())
        session.flush()
        writers: Mapping[Kind, Callable[[Session, Step, AlertRow], str | None]] = {
            Kind.FIRED: self._fired,
            Kind.REOPENED: self._reopened,
            Kind.TOLD: self._told,
            Kind.WITHHELD: self._withheld,
            Kind.ESCALATED: self._escalated,
            Kind.RESOLVED: self._resolved,
            Kind.ACKNOWLEDGED: self._acknowledged,
            Kind.SNOOZED: self._snoozed,
            Kind.UNSNOOZED: self._unsnoozed,
        }
        events = []
        for step in steps:
            if step.kind is not Kind.MOVED:
                id_ = step.after.alert_id or step.before.alert_id
                alert = alerts.get(id_) or session.get_one(AlertRow, id_)
                if name := writers[step.kind](session, step, alert):
                    events.append(AlertChanged(alert.id, name))
        self._keep(session, steps)
        return events

    def end(self, session: Session, alert_id: str, text: str, now: float) -> list[AlertChanged]:
        """Ends an alert whose rule or target is gone."""
        alert = session.get(AlertRow, alert_id)
        if alert is None or alert.resolved_at is not None:
            return []
        return [AlertChanged(alert_id, self._ended(session, alert, text, None, now))]

    def _keep(self, session: Session, steps: Iterable[Step]) -> None:
        """The latest state of each (rule, target) that moved."""
        for (rule_id, target), step in {(s.rule.id, s.target): s for s in steps}.items():
            state = step.after.state
            pair = {"rule_id": rule_id, "target": target}
            if state == INACTIVE:
                session.execute(delete(RuleStateRow).filter_by(**pair))
            elif state.phase is Phase.ACTIVE and state == step.before.state:
                continue  # a decision about messages
            else:
                session.merge(
                    RuleStateRow(
                        **pair, phase=state.phase, since=state.since, held=state.held,
                        seen_at=state.seen_at, clear=state.clear, ended_at=state.ended_at,
                        firings=list(state.firings), alert_id=step.after.alert_id,
                    )
                )  # fmt: skip

    def _alert(self, step: Step) -> AlertRow:
        rule, target = step.rule, step.target
        alert = AlertRow(
            id=step.after.alert_id, fingerprint=fingerprint(rule.id, target), rule_id=rule.id,
            rule_name=rule.name, target=target, vps_id=vps_of(target),
            service_name=target.partition("/")[2] or None,
            tenant_id=target[1:].partition("/")[0] if target.startswith("@") else None,
            triggered_at=step.at, escalation_level=0, occurrences=1, flapping=False,
        )  # fmt: skip
        self._describe(alert, step)
        return alert

    def _describe(self, alert: AlertRow, step: Step) -> None:
        """What a firing says of itself."""
        rule, condition, value = step.rule, step.rule.condition, _value(step)
        verdict = self._verdict((rule.id, step.target))
        after = step.after
        severity = after.alert.severity if after.alert else rule.severity
        alert.rule_version = self._book.versions.get(rule.id, 1)
        alert.severity, alert.status = severity, "active"
        alert.title = wording.title(rule, self._fleet.label(step.target), value)[:300]
        alert.message = wording.message(rule, step.judgement, verdict)
        alert.value = value
        alert.threshold = condition.value if isinstance(condition, Threshold) else None
        alert.expected = _expected(verdict) if verdict else None
        alert.fired_at, alert.told_at, alert.withheld = step.at, None, None
        alert.impact = list(self._graph.impact(step.target))
        alert.flapping = after.state.flapping

    def _fired(self, session: Session, step: Step, alert: AlertRow) -> None:
        _began(session, step)
        _note(session, step, alert.message)
        if alert.severity != step.rule.severity:
            tenants = len(alert.impact)
            _note(session, step, f"{alert.severity}, for it reaches {tenants} tenants", "raised")

    def _reopened(self, session: Session, step: Step, alert: AlertRow) -> None:
        self._describe(alert, step)
        alert.occurrences += 1
        alert.escalation_level = 0
        alert.resolved_at = alert.resolved_by = alert.resolution = None
        alert.acknowledged_at = alert.acknowledged_by = None
        alert.snoozed_until = alert.snoozed_from = alert.false_positive = None
        _began(session, step)
        _note(session, step, f"the same trouble again, occurrence {alert.occurrences}")
        if alert.flapping:
            text = "it comes and goes; from now on it must be clear for longer to count as over"
            _note(session, step, text, "flapping")

    def _told(self, session: Session, step: Step, alert: AlertRow) -> str:
        alert.told_at, alert.withheld, alert.suppressed_by = step.at, None, None
        if step.note:
            _note(session, step, step.note)
        self._enqueue(session, alert, outbox.FIRING, step, step.rule.notification)
        return outbox.FIRING

    def _withheld(self, session: Session, step: Step, alert: AlertRow) -> str:
        after = step.after.alert
        alert.withheld = after.withheld if after else None
        alert.suppressed_by = after.suppressed_by if after else None
        _note(session, step, step.note)
        return "alert.withheld"

    def _escalated(self, session: Session, step: Step, alert: AlertRow) -> str:
        level = alert.escalation_level
        alert.escalation_level, alert.withheld = level + 1, None
        _note(session, step, step.note)
        self._enqueue(session, alert, outbox.ESCALATION, step, step.rule.steps[level].plan)
        return outbox.ESCALATION

    def _resolved(self, session: Session, step: Step, alert: AlertRow) -> str:
        if step.who is not None:
            alert.false_positive = step.false_positive
            text = step.note or f"Resolved by {step.who}."
        else:
            text = wording.resolution(step.rule, step.judgement, _value(step))
        return self._ended(session, alert, text, step.who, step.at)

    def _ended(
        self, session: Session, alert: AlertRow, text: str, who: str | None, now: float
    ) -> str:
        told = alert.told_at is not None
        alert.status, alert.resolved_at = "resolved", now
        alert.resolution, alert.resolved_by = text, who
        alert.snoozed_until = alert.snoozed_from = alert.suppressed_by = alert.withheld = None
        session.add(AlertEvent(alert_id=alert.id, at=now, kind=Kind.RESOLVED, actor=who, note=text))
        if told:
            outbox.enqueue_resolution(session, alert_id=alert.id, body=alert_body(alert), now=now)
        return outbox.RESOLUTION

    def _acknowledged(self, session: Session, step: Step, alert: AlertRow) -> str:
        alert.status, alert.acknowledged_at, alert.acknowledged_by = (
            "acknowledged", step.at, step.who,
        )  # fmt: skip
        _note(session, step, step.note)
        outbox.enqueue_acknowledgement(
            session, alert_id=alert.id, body=alert_body(alert), now=step.at
        )
        return outbox.ACKNOWLEDGEMENT

    def _snoozed(self, session: Session, step: Step, alert: AlertRow) -> str:
        after = step.after.alert
        alert.status = "snoozed"
        alert.snoozed_until = after.snoozed_until if after else None
        alert.snoozed_from = after.snoozed_from if after else None
        _note(session, step, step.note)
        return "alert.snoozed"

    def _unsnoozed(self, session: Session, step: Step, alert: AlertRow) -> str:
        after = step.after.alert
        alert.status = after.status if after else "active"
        alert.snoozed_until = alert.snoozed_from = None
        _note(session, step, step.note)
        return "alert.unsnoozed"

    def _enqueue(
        self, session: Session, alert: AlertRow, event: str, step: Step, plan: NotificationPlan
    ) -> None:
        outbox.enqueue(
            session, alert_id=alert.id, event=event,
            body={**alert_body(alert), "runbookUrl": step.rule.runbook_url},
            severity=Severity(alert.severity), plan=plan, contacts=self._contacts,
            channels=self._channels, now=step.at,
        )  # fmt: skip


def _value(step: Step) -> Value | None:
    if step.value is not None or step.judgement is None:
        return step.value
    return read(step.rule.condition.reads, step.judgement)


def _expected(verdict: Verdict) -> dict[str, Any] | None:
    if verdict.expected is None:
        return None
    return {"value": verdict.expected, "lower": verdict.lower, "upper": verdict.upper}


def _began(session: Session, step: Step) -> None:
    """When the trouble began, if that was before it fired."""
    since, duration = step.after.state.since, step.rule.condition.duration
    if since < step.at:
        text = f"the condition began to hold; it must for {span(duration)}"
        session.add(AlertEvent(alert_id=step.after.alert_id, at=since, kind="pending", note=text))


def _note(session: Session, step: Step, text: str, kind: str | None = None) -> None:
    session.add(
        AlertEvent(
            alert_id=step.after.alert_id, at=step.at, kind=kind or step.kind, actor=step.who,
            note=text,
        )
    )  # fmt: skip
