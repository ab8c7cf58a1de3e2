"""What one batch of the intake means for alerts, before any of it is written.

Nothing here touches the database: a plan is made on top of the committed state, written in the
transaction of its batch, and taken over once that is committed. A batch that fails leaves no
trace.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from services.alerts.evaluate import (
    INACTIVE,
    Phase,
    RuleState,
    Terms,
    Transition,
    Value,
    end_by_hand,
    evaluate,
)
from services.alerts.readings import Matcher, read
from services.alerts.senses import Senses
from services.alerts.standing import Act, Reason, Standing, Status, decide
from services.alerts.steps import NOTHING, Kind, Live, Step
from services.errors import Conflict
from services.health.graph import Graph
from services.health.status import Judgement
from services.inventory.fleet import Fleet
from services.rule import Rule

States = Mapping[str, Judgement]
#: Looks for a reason why nobody must be told of a live alert.
Ask = Callable[[Live, str, Rule, States, float], Reason | None]


class Plan:
    """The moves of one batch, in their order; each builds on the ones before it."""

    def __init__(
        self,
        matcher: Matcher,
        senses: Senses,
        fleet: Fleet,
        graph: Graph,
        interval: float,
        window: float,
        live: Mapping[str, Mapping[str, Live]],
        ask: Ask,
    ) -> None:
        self.steps: list[Step] = []
        self._matcher = matcher
        self._senses = senses
        self._fleet = fleet
        self._graph = graph
        self._interval = interval
        self._window = window
        self._live = live
        self._ask = ask
        self._planned: dict[str, dict[str, Live]] = {}

    def judge(self, target: str, judgement: Judgement, now: float) -> None:
        """What a new judgement of a target means."""
        known = target in self._live or target in self._planned
        for group in self._matcher.groups_for(target):
            value = read(group.metric, judgement)
            # Nearly every reading of nearly every rule ends here.
            if not known and not group.may_hold(value):
                continue
            for rule in group.rules:
                self._look(rule, target, judgement, value, now)

    def tick(self, states: States, now: float, *, seeing: bool = True) -> None:
        """What the passing of time alone means: durations that are complete, values that are
        missing, messages that may leave now, steps of an escalation, snoozes that end."""
        for rule, target, live in self._all():
            self._evaluate(rule, target, live, None, now, states.get(target))
        for (rule_id, target), interval in self._senses.missing(now, seeing=seeing):
            live = self.live(rule_id, target)
            # On either side: a clock that was set back must not put an end to looking.
            if live.state.phase is Phase.INACTIVE or abs(now - live.state.seen_at) >= interval:
                rule = self._matcher.rules[rule_id]
                self._evaluate(rule, target, live, True, now, states.get(target))
        self._decide(self._all(), states, now)

    def settle(self, states: States, now: float) -> None:
        """Who is to be told of what fired in this batch."""
        fired = {
            (step.rule.id, step.target): step
            for step in self.steps
            if step.kind in (Kind.FIRED, Kind.REOPENED)
        }
        found = [
            (step.rule, step.target, self.live(*pair)) for pair, step in fired.items()
        ]  # fmt: skip
        self._decide(iter(found), states, now)

    def live(self, rule_id: str, target: str) -> Live:
        """Where a rule stands for a target, with what is planned so far."""
        planned = self._planned.get(target, {}).get(rule_id)
        return planned or self._live.get(target, {}).get(rule_id) or NOTHING

    def acknowledge(self, rule: Rule, target: str, who: str, note: str, now: float) -> None:
        """An operator takes an alert on. Raises Conflict when it is not active."""
        live, alert = self._standing(rule, target)
        if alert.status is not Status.ACTIVE:
            by = f" by {alert.acknowledged_by}" if alert.acknowledged_by else ""
            raise Conflict(f"the alert is already {alert.status}{by}")
        after = replace(alert, status=Status.ACKNOWLEDGED, acknowledged_by=who)
        self._take(
            Kind.ACKNOWLEDGED, rule, target, live, replace(live, alert=after), now, note, who
        )

    def snooze(
        self, rule: Rule, target: str, until: float, who: str, note: str, now: float
    ) -> None:
        """Nobody hears of an alert until a moment; then it is again what it was."""
        live, alert = self._standing(rule, target)
        before = alert.snoozed_from if alert.status is Status.SNOOZED else alert.status
        after = replace(alert, status=Status.SNOOZED, snoozed_until=until, snoozed_from=before)
        self._take(Kind.SNOOZED, rule, target, live, replace(live, alert=after), now, note, who)

    def resolve(
        self, rule: Rule, target: str, who: str, note: str, false_positive: bool | None, now: float
    ) -> None:
        """An operator ends an alert; it stays so until its condition has cleared once."""
        live, _ = self._standing(rule, target)
        after = Live(end_by_hand(live.state, now), live.alert_id)
        self._take(
            Kind.RESOLVED, rule, target, live, after, now, note, who, false_positive=false_positive
        )

    def forget(self, rule: Rule, target: str, now: float) -> None:
        """The latest alert, which is over, was deleted: trouble that comes back makes a new one.
        What an operator resolved while its condition held still must clear first."""
        live = self.live(rule.id, target)
        state = replace(live.state, ended_at=None, firings=())
        after = NOTHING if state.phase is Phase.INACTIVE else Live(state)
        self._take(Kind.MOVED, rule, target, live, after, now)

    def _standing(self, rule: Rule, target: str) -> tuple[Live, Standing]:
        live = self.live(rule.id, target)
        if live.alert is None:
            raise Conflict("the alert is already resolved")
        return live, live.alert

    def _all(self) -> Iterator[tuple[Rule, str, Live]]:
        """Every (rule, target) that is not at rest, as it is planned by now."""
        rules = self._matcher.rules
        for target in [*self._live, *(t for t in self._planned if t not in self._live)]:
            found = {**self._live.get(target, {}), **self._planned.get(target, {})}
            for rule_id in sorted(found):
                yield rules[rule_id], target, found[rule_id]

    def _look(
        self, rule: Rule, target: str, judgement: Judgement, value: Value | None, now: float
    ) -> None:
        live = self.live(rule.id, target)
        firing = live.state.phase in (Phase.ACTIVE, Phase.RESOLVED)
        holding = self._senses.holding(rule, target, value, judgement, firing)
        if holding or live is not NOTHING:
            self._evaluate(rule, target, live, holding, now, judgement, value)

    def _evaluate(
        self,
        rule: Rule,
        target: str,
        live: Live,
        holding: bool | None,
        now: float,
        judgement: Judgement | None,
        value: Value | None = None,
    ) -> None:
        interval = self._fleet.interval(target, self._interval)
        terms = Terms.of(rule, self._window)
        state, transition = evaluate(terms, live.state, holding, now, interval)
        if state == live.state:
            return
        kind, after = self._moved(rule, target, live, state, transition, now)
        self._take(kind, rule, target, live, after, now, value=value, judgement=judgement)

    def _moved(
        self,
        rule: Rule,
        target: str,
        live: Live,
        state: RuleState,
        transition: Transition | None,
        now: float,
    ) -> tuple[Kind, Live]:
        if transition in (Transition.FIRED, Transition.REOPENED):
            tenants = frozenset(self._graph.impact(target))
            alert = Standing(now, rule.severity_for(len(tenants)), tenants)
            if transition is Transition.REOPENED and live.alert_id is not None:
                return Kind.REOPENED, Live(state, live.alert_id, alert)
            return Kind.FIRED, Live(state, uuid.uuid4().hex, alert)
        if transition is Transition.RESOLVED:
            return Kind.RESOLVED, Live(state, live.alert_id)
        if state == INACTIVE:
            return Kind.MOVED, NOTHING
        return Kind.MOVED, replace(live, state=state)

    def _decide(self, alerts: Iterator[tuple[Rule, str, Live]], states: States, now: float) -> None:
        for rule, target, live in alerts:
            alert = live.alert
            if alert is None:
                continue
            decision = decide(
                alert,
                rule.steps,
                lambda live=live, target=target, rule=rule: self._ask(  # type: ignore[misc]
                    live, target, rule, states, now
                ),
                now,
                rule.notification.remind_every,
            )
            if decision is None:
                continue
            if isinstance(decision, Reason):
                if str(decision) == alert.withheld:
                    continue
                kind, note = Kind.WITHHELD, decision.text
                cause = decision.cause if alert.told_at is None else None
                after = replace(alert, withheld=str(decision), suppressed_by=cause)
            else:
                kind, note, after = self._done(decision, alert, now)
            self._take(kind, rule, target, live, replace(live, alert=after), now, note,
                       judgement=states.get(target))  # fmt: skip

    def _done(self, act: Act, alert: Standing, now: float) -> tuple[Kind, str, Standing]:
        free = replace(alert, withheld=None, suppressed_by=None)
        if act is Act.RELEASE:
            return Kind.RELEASED, "nothing stands against telling any more", free
        if act is Act.TELL:
            note = f"told now; until now: {alert.withheld}" if alert.withheld else ""
            return Kind.TOLD, note, replace(free, told_at=now)
        if act is Act.REMIND:
            return Kind.REMINDED, "nobody has acknowledged it yet", replace(free, retold_at=now)
        if act is Act.ESCALATE:
            level = alert.level + 1
            note = f"step {level}: nobody has acknowledged it"
            return Kind.ESCALATED, note, replace(free, level=level, retold_at=now)
        status = alert.snoozed_from or Status.ACTIVE
        after = replace(alert, status=status, snoozed_until=None, snoozed_from=None)
        return Kind.UNSNOOZED, f"{status} again", after

    def _take(
        self,
        kind: Kind,
        rule: Rule,
        target: str,
        before: Live,
        after: Live,
        at: float,
        note: str = "",
        who: str | None = None,
        *,
        value: Value | None = None,
        judgement: Judgement | None = None,
        false_positive: bool | None = None,
    ) -> None:
        self._planned.setdefault(target, {})[rule.id] = after
        self.steps.append(
            Step(kind, rule, target, before, after, at, note, who, value, judgement, false_positive)
        )
