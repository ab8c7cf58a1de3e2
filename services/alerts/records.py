"""The planned moves of alerts, written: rows, the history with its reasons, the outbox. Everything
belongs to the caller's transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from models.alerts import AlertEvent, AlertRow
from services.alerts import stored, wording
from services.alerts.anomaly import Verdict
from services.alerts.evaluate import Value
from services.alerts.readings import read
from services.alerts.steps import Kind, Step
from services.events import AlertChanged
from services.health.graph import Graph
from services.inventory.fleet import Fleet
from services.notify import outbox
from services.notify.body import alert_body
from services.notify.directory import Directory
from services.observation import vps_of
from services.rule import Absence, NotificationPlan, Rulebook, Severity, Threshold
from services.times import span


def fingerprint(rule_id: str, target: str) -> str:
    """What makes two troubles the same: the rule and its target."""
    return hashlib.sha256(f"{rule_id}\n{target}".encode()).hexdigest()[:32]


class Records:
    """Writes steps. ``channels``: the names of those that can send; ``verdict`` gives what a
    detector said of (rule id, target), ``people`` who can be told at the moment."""

    def __init__(
        self,
        book: Rulebook,
        fleet: Fleet,
        graph: Graph,
        channels: Collection[str],
        verdict: Callable[[tuple[str, str]], Verdict | None],
        people: Callable[[], Directory],
    ) -> None:
        self._book = book
        self._fleet = fleet
        self._people = people
        self._graph = graph
        self._channels = channels
        self._verdict = verdict

    def write(self, session: Session, steps: Sequence[Step]) -> list[AlertChanged]:
        """Writes what is planned; the events to publish after the commit."""
        # The rows that the rest points at, in one insert: many alerts fire at the same moment.
        fired = [self._alert(step) for step in steps if step.kind is Kind.FIRED]
        session.add_all(fired)
        session.flush()
        writers: Mapping[Kind, Callable[[Session, Step, AlertRow], str | None]] = {
            Kind.FIRED: self._fired,
            Kind.REOPENED: self._reopened,
            Kind.TOLD: self._told,
            Kind.WITHHELD: self._withheld,
            Kind.RELEASED: self._released,
            Kind.ESCALATED: self._escalated,
            Kind.REMINDED: self._reminded,
            Kind.RESOLVED: self._resolved,
            Kind.ACKNOWLEDGED: self._acknowledged,
            Kind.SNOOZED: self._snoozed,
            Kind.UNSNOOZED: self._unsnoozed,
        }
        told = [step for step in steps if step.kind is not Kind.MOVED]
        alerts = {alert.id: alert for alert in fired}
        ids = {step.after.alert_id or "" for step in told}
        alerts.update(stored.alerts(session, ids - alerts.keys()))
        events = []
        for step in told:
            alert = alerts[step.after.alert_id or ""]
            if name := writers[step.kind](session, step, alert):
                events.append(AlertChanged(alert.id, name))
        session.flush()
        stored.keep_states(session, steps)
        return events

    def end(self, session: Session, alert_id: str, text: str, now: float) -> list[AlertChanged]:
        """Ends an alert whose rule or target is gone."""
        alert = session.get(AlertRow, alert_id)
        if alert is None or alert.resolved_at is not None:
            return []
        return [AlertChanged(alert_id, self._ended(session, alert, text, None, now))]

    def _alert(self, step: Step) -> AlertRow:
        rule, target = step.rule, step.target
        alert = AlertRow(
            id=step.after.alert_id, fingerprint=fingerprint(rule.id, target), rule_id=rule.id,
            target=target, vps_id=vps_of(target),
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
        alert.rule_name = rule.name
        alert.rule_version = self._book.versions.get(rule.id, 1)
        alert.severity, alert.status = severity, "active"
        alert.title = wording.title(rule, self._fleet.label(step.target), value)[:300]
        alert.message = wording.message(rule, step.judgement, verdict)
        alert.value = value
        alert.threshold = condition.value if isinstance(condition, Threshold) else None
        alert.expected = _expected(verdict) if verdict else None
        alert.fired_at, alert.withheld = step.at, None
        alert.told_at = alert.retold_at = None
        alert.impact = list(self._graph.impact(step.target))
        alert.flapping = after.state.flapping

    def _fired(self, session: Session, step: Step, alert: AlertRow) -> None:
        _began(session, step)
        _note(session, step, alert.message)
        _raised(session, step, alert)

    def _reopened(self, session: Session, step: Step, alert: AlertRow) -> None:
        self._describe(alert, step)
        alert.occurrences += 1
        alert.escalation_level = 0
        alert.resolved_at = alert.resolved_by = alert.resolution = None
        alert.acknowledged_at = alert.acknowledged_by = None
        alert.snoozed_until = alert.snoozed_from = alert.false_positive = None
        _began(session, step)
        _note(session, step, f"the same trouble again, occurrence {alert.occurrences}")
        _raised(session, step, alert)
        if alert.flapping:
            text = "it comes and goes; from now on it must be clear for longer to count as over"
            _note(session, step, text, "flapping")

    def _told(self, session: Session, step: Step, alert: AlertRow) -> str:
        alert.told_at, alert.withheld, alert.suppressed_by = step.at, None, None
        count = self._enqueue(session, alert, outbox.FIRING, step, step.rule.notification)
        text = f"{count} {'message' if count == 1 else 'messages'}"
        _note(session, step, f"{text}; {step.note}" if step.note else text)
        return outbox.FIRING

    def _withheld(self, session: Session, step: Step, alert: AlertRow) -> str:
        after = step.after.alert
        alert.withheld = after.withheld if after else None
        alert.suppressed_by = after.suppressed_by if after else None
        _note(session, step, step.note)
        return "alert.withheld"

    def _released(self, session: Session, step: Step, alert: AlertRow) -> str:
        alert.withheld = alert.suppressed_by = None
        _note(session, step, step.note)
        return "alert.released"

    def _escalated(self, session: Session, step: Step, alert: AlertRow) -> str:
        level = alert.escalation_level
        alert.escalation_level, alert.retold_at, alert.withheld = level + 1, step.at, None
        _note(session, step, step.note)
        self._enqueue(session, alert, outbox.ESCALATION, step, step.rule.steps[level].plan)
        return outbox.ESCALATION

    def _reminded(self, session: Session, step: Step, alert: AlertRow) -> str:
        alert.retold_at, alert.withheld = step.at, None
        _note(session, step, step.note)
        plan = step.rule.reminder(alert.escalation_level)
        self._enqueue(session, alert, outbox.ESCALATION, step, plan)
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
            outbox.enqueue_resolution(
                session, alert_id=alert.id, body=alert_body(alert), now=now, since=_since(alert)
            )
        return outbox.RESOLUTION

    def _acknowledged(self, session: Session, step: Step, alert: AlertRow) -> str:
        alert.status, alert.acknowledged_at, alert.acknowledged_by = (
            "acknowledged", step.at, step.who,
        )  # fmt: skip
        _note(session, step, step.note)
        outbox.enqueue_acknowledgement(
            session, alert_id=alert.id, body=alert_body(alert), now=step.at, since=_since(alert)
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
    ) -> int:
        return outbox.enqueue(
            session, alert_id=alert.id, event=event,
            body={**alert_body(alert), "runbookUrl": step.rule.runbook_url},
            severity=Severity(alert.severity), plan=plan, people=self._people(),
            channels=self._channels, now=step.at,
        )  # fmt: skip


def _since(alert: AlertRow) -> float:
    """From when on messages are about the latest occurrence. The telling comes before the firing
    when the clock was set back in between."""
    return min(alert.fired_at, alert.told_at if alert.told_at is not None else alert.fired_at)


def _value(step: Step) -> Value | None:
    if isinstance(step.rule.condition, Absence):
        return step.value  # the latest one is what is missed
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


def _raised(session: Session, step: Step, alert: AlertRow) -> None:
    if alert.severity != step.rule.severity:
        tenants = len(alert.impact)
        _note(session, step, f"{alert.severity}, for it reaches {tenants} tenants", "raised")


def _note(session: Session, step: Step, text: str, kind: str | None = None) -> None:
    session.add(
        AlertEvent(
            alert_id=step.after.alert_id, at=step.at, kind=kind or step.kind, actor=step.who,
            note=text,
        )
    )  # fmt: skip
