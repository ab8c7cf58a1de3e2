"""What conditions perceive that are more than a comparison: what a detector makes of a value, and
how long a value has been missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.alerts.anomaly import Detector, Verdict
from services.alerts.evaluate import Value, holds
from services.alerts.readings import Matcher
from services.health.status import Judgement
from services.inventory.fleet import Fleet
from services.rule import Absence, Anomaly, Direction, Rule, Threshold

Pair = tuple[str, str]


@dataclass(slots=True)
class Sensor:
    """A detector, and what it said of its latest value, read at ``at``. ``saved_at``: up to when
    it is stored."""

    detector: Detector
    at: float
    verdict: Verdict | None
    saved_at: float


class Senses:
    """Belongs to the intake's thread. What it learns from a reading it keeps even when the
    reading cannot be stored: the same reading comes again, and is not learned twice."""

    def __init__(
        self, matcher: Matcher, fleet: Fleet, interval: float, timeout: float, now: float
    ) -> None:
        self._matcher = matcher
        self._fleet = fleet
        self._interval = interval
        self._timeout = timeout
        self.sensors: dict[Pair, Sensor] = {}
        self._seen: dict[Pair, float] = {
            (rule.id, target): now
            for rule in matcher.rules.values()
            if isinstance(rule.condition, Absence)
            for target in fleet.keys()  # noqa: SIM118
            if matcher.watches(rule, target) and fleet.enabled(target)
        }

    def take_over(self, other: Senses) -> None:
        """Keeps what another has learned, where rule and target are still there."""
        for pair, at in other._seen.items():
            if pair in self._seen:
                self._seen[pair] = at
        for (rule_id, target), sensor in other.sensors.items():
            rule = self._matcher.rules.get(rule_id)
            if rule and isinstance(rule.condition, Anomaly) and self._matcher.watches(rule, target):
                sensor.detector.budget_per_week = rule.condition.max_per_week
                self.sensors[rule_id, target] = sensor

    def holding(
        self, rule: Rule, target: str, value: Value | None, judgement: Judgement, firing: bool
    ) -> bool | None:
        """Whether a condition holds of a reading; None when the reading does not tell."""
        condition = rule.condition
        if value is None:
            return None
        if isinstance(condition, Threshold):
            return holds(condition, value, firing)
        if isinstance(condition, Absence):
            self._seen[rule.id, target] = judgement.seen_at
            return False
        if isinstance(value, str):
            return None
        return self._unusual(condition, (rule.id, target), value, judgement.seen_at)

    def verdict(self, pair: Pair) -> Verdict | None:
        """What a rule's detector said of the latest value of a target."""
        sensor = self.sensors.get(pair)
        return sensor.verdict if sensor else None

    def missing(self, now: float, *, seeing: bool) -> Iterator[tuple[Pair, float]]:
        """The targets whose value is overdue, each with the interval of its looks. While the
        monitor does not see, nothing is missing."""
        for pair, at in self._seen.items():
            if not seeing:
                self._seen[pair] = now
                continue
            interval = self._fleet.interval(pair[1], self._interval)
            if now - at > interval + self._fleet.timeout(pair[1], self._timeout):
                yield pair, interval

    def restored(self, states: Mapping[Pair, tuple[float, bytes]]) -> None:
        """Goes on with detectors as they were stored."""
        for (rule_id, target), (at, state) in states.items():
            rule = self._matcher.rules.get(rule_id)
            if rule and isinstance(rule.condition, Anomaly) and (rule_id, target):
                detector = Detector.load(state)
                detector.budget_per_week = rule.condition.max_per_week
                self.sensors[rule_id, target] = Sensor(detector, at, None, at)

    def unsaved(self, now: float, age: float, most: int) -> list[tuple[Pair, Sensor]]:
        """Detectors that have learned for longer than ``age`` seconds since they were stored."""
        found = []
        for pair, sensor in self.sensors.items():
            if sensor.at > sensor.saved_at and abs(now - sensor.saved_at) >= age:
                found.append((pair, sensor))
                if len(found) == most:
                    break
        return found

    def _unusual(self, condition: Anomaly, pair: Pair, value: float, at: float) -> bool | None:
        sensor = self.sensors.get(pair)
        if sensor is None:
            sensor = Sensor(Detector(condition.max_per_week), -1.0, None, at)
            self.sensors[pair] = sensor
        if at != sensor.at:
            sensor.verdict, sensor.at = sensor.detector.step(value, at), at
        verdict = sensor.verdict
        if verdict is None:
            return None
        if not verdict.anomalous or condition.direction is Direction.BOTH:
            return verdict.anomalous
        if verdict.expected is None:
            return False
        return (value > verdict.expected) is (condition.direction is Direction.ABOVE)
