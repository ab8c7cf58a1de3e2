"""What conditions perceive that are more than a comparison: what a detector makes of a value, and
how long a value has been missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import structlog

from services.alerts.anomaly import Detector, Outcome, Verdict
from services.alerts.evaluate import Value, holds
from services.alerts.readings import Matcher
from services.health.status import Judgement
from services.inventory.fleet import Fleet
from services.observation import Kind, kind_of
from services.rule import Absence, Anomaly, Condition, Direction, Rule, Threshold

log = structlog.get_logger(__name__)

Pair = tuple[str, str]


@dataclass(slots=True)
class Sensor:
    """A detector, and what it said of its latest value, read at ``at``. ``saved_at``: up to when
    it is stored."""

    detector: Detector
    at: float
    saved_at: float
    verdict: Verdict | None = None


class Senses:
    """Belongs to the intake's thread; ``failures`` may be asked from any. What it learns from a
    reading it keeps even when the reading cannot be stored: the same reading comes again, and
    until ``settle`` it is not learned twice."""

    def __init__(
        self, matcher: Matcher, fleet: Fleet, interval: float, timeout: float, now: float
    ) -> None:
        self._matcher = matcher
        self._fleet = fleet
        self._interval = interval
        self._timeout = timeout
        self.sensors: dict[Pair, Sensor] = {}
        self._unsettled: dict[tuple[Pair, float], Verdict] = {}
        self._failures: dict[Pair, str] = {}
        self._seen: dict[Pair, float] = {
            (rule.id, target): now
            for rule in matcher.rules.values()
            if isinstance(rule.condition, Absence)
            for target in fleet.keys()  # noqa: SIM118
            if _is_looked_at(target, fleet) and matcher.watches(rule, target)
        }

    def take_over(self, other: Senses) -> None:
        """Keeps what another has learned, where rule, metric and target are still there."""
        for pair, at in other._seen.items():
            if pair in self._seen:
                self._seen[pair] = at
        for pair, sensor in other.sensors.items():
            condition = self._anomaly(pair)
            before = other._anomaly(pair)
            if condition and before and condition.metric == before.metric:
                sensor.detector.budget = condition.max_per_week
                self.sensors[pair] = sensor

    def holding(
        self, rule: Rule, target: str, value: Value | None, judgement: Judgement, firing: bool
    ) -> bool | None:
        """Whether a condition holds of a reading; None when the reading does not tell."""
        pair = rule.id, target
        try:
            found = self._holding(rule.condition, pair, value, judgement, firing)
        except Exception as error:  # a rule that cannot be judged must not stop the others
            text = f"{type(error).__name__}: {error}"
            if self._failures.get(pair) != text:
                self._failures[pair] = text
                log.error("rule_not_judged", rule=rule.id, target=target, reason=text)
            return None
        if self._failures:
            self._failures.pop(pair, None)
        return found

    def failures(self, target: str) -> dict[str, str]:
        """Why rules could not be judged for a target, by rule id; from any thread."""
        known = self._failures.copy()
        return {rule_id: text for (rule_id, of), text in known.items() if of == target}

    def settle(self) -> None:
        """The readings so far are stored."""
        self._unsettled.clear()

    def verdict(self, pair: Pair) -> Verdict | None:
        """What a rule's detector said of the latest value of a target."""
        sensor = self.sensors.get(pair)
        return sensor.verdict if sensor else None

    def missing(self, now: float, *, seeing: bool) -> Iterator[tuple[Pair, float]]:
        """The targets whose value is overdue, each with the interval of its looks. While the
        monitor does not see, nothing is missing."""
        for pair, at in self._seen.items():
            if not seeing or at > now:  # or the clock was set back
                self._seen[pair] = now
                continue
            interval = self._fleet.interval(pair[1], self._interval)
            if now - at > interval + self._fleet.timeout(pair[1], self._timeout):
                yield pair, interval

    def restored(self, states: Mapping[Pair, tuple[float, bytes]]) -> None:
        """Goes on with detectors as they were stored; one that cannot be read learns anew."""
        for pair, (at, state) in states.items():
            condition = self._anomaly(pair)
            if condition is None:
                continue
            try:
                detector = Detector.load(state)
            except ValueError as error:
                log.warning("detector_unreadable", rule=pair[0], target=pair[1], reason=str(error))
                continue
            detector.budget = condition.max_per_week
            self.sensors[pair] = Sensor(detector, at, at)

    def unsaved(self, now: float, age: float, most: int) -> list[tuple[Pair, Sensor]]:
        """Detectors that have learned for longer than ``age`` seconds since they were stored."""
        found = []
        for pair, sensor in self.sensors.items():
            if sensor.at > sensor.saved_at and abs(now - sensor.saved_at) >= age:
                found.append((pair, sensor))
                if len(found) == most:
                    break
        return found

    def _anomaly(self, pair: Pair) -> Anomaly | None:
        """The condition of a rule that watches a target, if it has to be learned."""
        rule = self._matcher.rules.get(pair[0])
        if rule is None or not self._matcher.watches(rule, pair[1]):
            return None
        return rule.condition if isinstance(rule.condition, Anomaly) else None

    def _holding(
        self, condition: Condition, pair: Pair, value: Value | None, judgement: Judgement,
        firing: bool,
    ) -> bool | None:  # fmt: skip
        if value is None:
            return None
        if isinstance(condition, Threshold):
            return holds(condition, value, firing)
        if isinstance(condition, Absence):
            self._seen[pair] = judgement.seen_at
            return False
        if isinstance(value, str):
            return None
        return _unusual(condition, value, self._learn(condition, pair, value, judgement.seen_at))

    def _learn(self, condition: Anomaly, pair: Pair, value: float, at: float) -> Verdict:
        known = self._unsettled.get((pair, at))
        if known is not None:
            return known
        sensor = self.sensors.get(pair)
        if sensor is None:
            sensor = self.sensors[pair] = Sensor(Detector(condition.max_per_week), -1.0, at)
        if sensor.verdict is None or at != sensor.at:
            sensor.verdict, sensor.at = sensor.detector.step(value, at), at
            self._unsettled[pair, at] = sensor.verdict
        return sensor.verdict


def _unusual(condition: Anomaly, value: float, verdict: Verdict) -> bool | None:
    """Whether a value is unusual in the direction that counts; None for one that was not judged."""
    if verdict.outcome is Outcome.IGNORED:
        return None
    if not verdict.anomalous or condition.direction is Direction.BOTH:
        return verdict.anomalous
    if verdict.expected is None:
        return False
    return (value > verdict.expected) is (condition.direction is Direction.ABOVE)


def _is_looked_at(target: str, fleet: Fleet) -> bool:
    """Whether values of a target are to be expected: what nobody measures misses nothing."""
    if not fleet.enabled(target):
        return False
    match kind_of(target):
        case Kind.VPS:
            return fleet.source(target) is not None
        case Kind.SERVICE:
            return fleet.services[target].check is not None or target in fleet.own
        case kind:
            return kind is Kind.APPLICATION
