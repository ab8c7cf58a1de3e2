"""The alert engine: holds where every rule stands for every target, plans what a batch means for
them, writes the plan in the batch's own transaction, and takes it over once that is committed.

Lives on the intake's thread; ``peek``, ``failures`` and ``matcher`` may be asked from any.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.alerts import AlertRow, DetectorRow, RuleStateRow
from services.alerts import stored
from services.alerts.plan import Plan, States
from services.alerts.quiet.now import Quiet, Subject
from services.alerts.readings import Matcher
from services.alerts.records import Records
from services.alerts.senses import Pair, Senses
from services.alerts.standing import Reason
from services.alerts.steps import NOTHING, Live, Step
from services.alerts.suppress import Causes
from services.errors import Conflict, NotFound
from services.events import AlertChanged
from services.health.graph import Graph
from services.inventory.fleet import Fleet
from services.notify.directory import Directory
from services.observation import Kind as TargetKind
from services.observation import kind_of
from services.rule import Rule, Rulebook

log = structlog.get_logger(__name__)

#: A detector is stored when it has learned for so many seconds, and at most so many in one batch.
DETECTOR_AGE = 3600.0
DETECTORS_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Habits:
    """What holds for all rules: ``interval`` and ``timeout`` of looks where the fleet says
    nothing, and the ``window`` after an alert's end in which trouble is the same (seconds);
    ``channels``: the names of those that can send."""

    interval: float = 30.0
    timeout: float = 10.0
    window: float = 300.0
    channels: Collection[str] = frozenset()


class Engine:
    """``quiet`` gives what is silent at the moment: maintenance, silences, deployments; ``people``
    who can be told (None: those of the inventory)."""

    def __init__(
        self,
        book: Rulebook,
        fleet: Fleet,
        graph: Graph,
        habits: Habits,
        quiet: Callable[[], Quiet],
        people: Callable[[], Directory] | None = None,
    ) -> None:
        self._habits = habits
        self._quiet = quiet
        self._people = people or self._of_the_inventory
        self._live: dict[str, dict[str, Live]] = {}
        self._pairs: dict[str, Pair] = {}
        self._latest = self._set_back = 0.0
        self._unheard: list[AlertChanged] | None = None
        self._since = 0.0
        self._settle_on(book, fleet, graph, 0.0)

    def replace(self, book: Rulebook, fleet: Fleet, graph: Graph, now: float) -> None:
        """Goes on with other rules or another fleet; ``load`` must follow."""
        before = self._senses
        self._settle_on(book, fleet, graph, now)
        self._senses.take_over(before)

    def load(self, session: Session, now: float) -> list[AlertChanged]:
        """Takes over what is stored, and ends the alerts whose rule or target is gone."""
        self._live, self._pairs = {}, {}
        events: list[AlertChanged] = []
        alerts = {
            row.id: row
            for row in session.scalars(select(AlertRow).where(AlertRow.resolved_at.is_(None)))
        }
        ended = {row.id: why for row in alerts.values() if (why := self._over(session, row))}
        for state in session.scalars(select(RuleStateRow)):
            alert = alerts.pop(state.alert_id or "", None)
            if self._gone(state.rule_id, state.target) or (alert and alert.id in ended):
                session.delete(state)
            else:
                self._set(state.rule_id, state.target, stored.live_of(state, alert))
        for alert in alerts.values():
            if alert.id not in ended:
                self._set(alert.rule_id, alert.target, stored.adopted(alert, now))
        for alert_id, why in ended.items():
            events += self._records.end(session, alert_id, why, now)
        stored.drop_detectors(session, self._senses.sensors)
        events += [AlertChanged(one.alert_id, "alert.stored") for one in self._unheard or ()]
        self._unheard = None
        return events

    def restore(self, session: Session, now: float) -> None:
        """Goes on with what the detectors had learned, and with values that were there."""
        self._since = now
        self._settle_on(self._book, self._fleet, self._graph, now)
        self._senses.restored(stored.detectors(session))

    def plan(self) -> Plan:
        """An empty plan on top of what is committed."""
        habits = self._habits
        return Plan(
            self._matcher, self._senses, self._fleet, self._graph, habits.interval, habits.window,
            self._live, self._ask,
        )  # fmt: skip

    @property
    def unsure(self) -> bool:
        """Whether a plan was written of which nobody said that it was committed: what is stored
        may be ahead, and ``load`` must come before the next plan."""
        return self._unheard is not None

    def write(self, session: Session, steps: Sequence[Step]) -> list[AlertChanged]:
        """Writes a plan; the events to publish after the commit."""
        self._unheard = []
        events = self._records.write(session, steps)
        self._unheard = events
        return events

    def apply(self, steps: Sequence[Step]) -> None:
        """Takes over a plan that was committed."""
        self._unheard = None
        self._senses.settle()
        if self._set_back:
            self._told_earlier(self._set_back)
            self._latest -= self._set_back
            self._set_back = 0.0
        for step in steps:
            self._set(step.rule.id, step.target, step.after)

    def tends(self, now: float) -> bool:
        """Whether ``tend`` has anything to write; it costs nothing to ask."""
        self._set_back = max(0.0, self._latest - now)
        if self._set_back > 1.0:
            return True
        self._set_back, self._latest = 0.0, now
        return bool(self._senses.unsaved(now, DETECTOR_AGE, 1))

    def tend(self, session: Session, now: float) -> None:
        """Once a tick: takes a clock that was set back into account, and stores what detectors
        learned."""
        if self._set_back:
            log.warning("clock_set_back", seconds=round(self._set_back, 1))
            stored.set_back(session, self._set_back)
        self.keep(session, now, DETECTOR_AGE, DETECTORS_AT_ONCE)

    def keep(self, session: Session, now: float, age: float = 0.0, most: int = 10_000) -> None:
        """Stores what detectors have learned for longer than ``age`` seconds."""
        for (rule_id, target), sensor in self._senses.unsaved(now, age, most):
            session.merge(
                DetectorRow(
                    rule_id=rule_id, target=target, at=sensor.at, state=sensor.detector.dump()
                )
            )
            sensor.saved_at = sensor.at

    def find(self, session: Session, plan: Plan, alert_id: str) -> tuple[Rule, str]:
        """The rule and the target of an alert that an operator speaks of. Raises NotFound, and
        Conflict when it is resolved."""
        pair = self._pairs.get(alert_id)
        if pair is None or plan.live(*pair).alert is None:
            row = session.get(AlertRow, alert_id)
            if row is None:
                raise NotFound(f"there is no alert '{alert_id}'")
            if row.resolved_at is not None or self._gone(row.rule_id, row.target):
                by = f" by {row.resolved_by}" if row.resolved_by else ""
                raise Conflict(f"the alert is already resolved{by}")
            pair = row.rule_id, row.target
            self._set(*pair, stored.adopted(row, row.fired_at))
        rule_id, target = pair
        return self._book.rules[rule_id], target

    def remembers(self, plan: Plan, alert_id: str) -> tuple[Rule, str] | None:
        """The rule and the target that an alert is the latest of, if a rule's state knows it."""
        pair = self._pairs.get(alert_id)
        if pair is None or plan.live(*pair).alert_id != alert_id:
            return None
        return self._book.rules[pair[0]], pair[1]

    def peek(self, target: str) -> Mapping[str, Live]:
        """Where rules stand for a target, by rule id; from any thread."""
        return dict(self._live.get(target, {}))

    def failures(self, target: str) -> Mapping[str, str]:
        """Why rules could not be judged for a target, by rule id; from any thread."""
        return self._senses.failures(target)

    @property
    def matcher(self) -> Matcher:
        """Which rules watch what, as of now; from any thread."""
        return self._matcher

    def _settle_on(self, book: Rulebook, fleet: Fleet, graph: Graph, now: float) -> None:
        habits = self._habits
        self._book, self._fleet, self._graph = book, fleet, graph
        self._matcher = Matcher(book.rules, fleet, graph)
        self._senses = Senses(self._matcher, fleet, habits.interval, habits.timeout, now)
        self._causes = Causes(
            fleet, graph, habits.interval, habits.timeout, self._announced, self._since
        )
        self._records = Records(
            book, fleet, graph, habits.channels, self._senses.verdict, self._people
        )

    def _of_the_inventory(self) -> Directory:
        fleet = self._fleet
        return Directory(tuple(fleet.contacts.values()), fleet.groups, fleet.rotations)

    def _set(self, rule_id: str, target: str, live: Live) -> None:
        rules = self._live.setdefault(target, {})
        before = rules.pop(rule_id, NOTHING)
        if before.alert_id is not None and before.alert_id != live.alert_id:
            self._pairs.pop(before.alert_id, None)
        if live != NOTHING:
            rules[rule_id] = live
        elif not rules:
            del self._live[target]
        if live.alert_id is not None:
            self._pairs[live.alert_id] = rule_id, target

    def _over(self, session: Session, alert: AlertRow) -> str | None:
        """Why an alert can stand no longer, in words that name nobody else; None when it can."""
        gone = self._gone(alert.rule_id, alert.target)
        if gone is None and stored.speaks_of_another(session, alert, self._book):
            return "The rule was changed and is about another metric now."
        return gone

    def _gone(self, rule_id: str, target: str) -> str | None:
        """Why a rule does not judge a target any more; None when it does."""
        rule = self._book.rules.get(rule_id)
        if rule is None:
            return "The rule was deleted."
        if not rule.enabled:
            return "The rule was disabled."
        keys = self._fleet.keys()
        of = target.rpartition("/")[0] if kind_of(target) is TargetKind.DEPENDENCY else target
        if of not in keys:
            return "The target is no longer watched."
        if not self._fleet.enabled(of):
            return "The target is paused."
        if self._matcher.why_not(rule, target):
            return "The rule was changed and is not for this target any more."
        return None

    def _ask(
        self, live: Live, target: str, rule: Rule, states: States, now: float
    ) -> Reason | None:
        cause = self._causes.of(target, states, now)
        if cause is not None:
            return Reason(cause.kind, cause.text, cause.target)
        if live.alert is None:
            return None
        alert = live.alert
        subject = Subject.of(rule.id, rule.name, alert.severity, target, alert.tenants, self._fleet)
        withheld = self._quiet().reason(subject, now)
        return Reason(withheld.kind, withheld.text) if withheld else None

    def _announced(self, target: str) -> bool:
        """Whether a rule tells of it when a target is down."""
        return any(rule.condition.reads.states for rule in self._matcher.rules_for(target))

    def _told_earlier(self, seconds: float) -> None:
        """After the clock went back: what waits for an escalation has waited as long as before."""
        for target, rules in list(self._live.items()):
            for rule_id, live in list(rules.items()):
                if live.alert:
                    self._set(
                        rule_id, target, replace(live, alert=live.alert.told_earlier(seconds))
                    )
