"""A fleet that is watched second by second: the slow way in which alerts come about live.

Every reading is judged as the intake does it (services.health.status), every rule is asked at
every reading and, because time passed, each second; what is observed is stored by the writer of
the product. What previews of the same time find must be the same.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from models.database import Database
from services.alerts.evaluate import INACTIVE, Phase, RuleState, Terms, Transition, evaluate, holds
from services.alerts.readings import Matcher, read
from services.health import status
from services.health.graph import Graph
from services.health.status import Judgement
from services.history import alive, write
from services.inventory.fleet import Fleet
from services.observation import CheckResult, Kind, Observation, Status, kind_of
from services.rule import Absence, Anomaly, Direction, Rule

Pair = tuple[str, str]


@dataclass
class Verdict:
    score: float
    expected: float
    lower: float
    upper: float
    anomalous: bool


class Detector:
    """Finds unusual what is far from the mean of late; it must see ten values first."""

    def __init__(self, budget_per_week: float) -> None:
        self._far = 3.0 / budget_per_week
        self._mean: float | None = None
        self._seen = 0

    def step(self, value: float, _at: float) -> Verdict | None:
        mean = value if self._mean is None else self._mean
        self._mean = 0.9 * mean + 0.1 * value
        self._seen += 1
        if self._seen <= 10:
            return None
        far = abs(value - mean)
        return Verdict(far, mean, mean - self._far, mean + self._far, far > self._far)


@dataclass
class Told:
    """An alert as it came about: when it fired and was over, each time."""

    opened: list[float]
    ended: list[float]


class Watched:
    """``interval``, ``timeout`` and ``window`` in seconds."""

    def __init__(
        self,
        database: Database,
        fleet: Fleet,
        rules: Sequence[Rule],
        start: int,
        interval: int,
        timeout: int,
        window: float,
    ) -> None:
        self._database = database
        self._interval, self._timeout, self._window = interval, timeout, window
        graph = Graph(fleet)
        self._rules = {
            key: [r for r in rules if Matcher({r.id: r}, fleet, graph).rules_for(key)]
            for key in fleet.keys()  # noqa: SIM118
        }
        self._states: dict[str, Judgement] = {}
        self._live: dict[Pair, RuleState] = defaultdict(lambda: INACTIVE)
        self._detectors: dict[Pair, Detector] = {}
        self._heard: dict[str, float] = {}
        self._present: dict[Pair, float] = {
            (rule.id, key): start
            for key, found in self._rules.items()
            for rule in found
            if isinstance(rule.condition, Absence)
        }
        self._observed: list[Observation] = []
        self.alerts: dict[Pair, list[Told]] = defaultdict(list)

    def look(self, observation: Observation) -> None:
        """A reading comes in."""
        key = observation.target
        before = self._states.get(key)
        self._observed.append(observation)
        if observation.error is None:
            self._heard[key] = observation.at
        self._note(key, before, status.judge(before, observation), observation.at)

    def second(self, now: int) -> None:
        """A second has passed."""
        for key, heard in self._heard.items():
            if now - heard > 2 * self._interval + self._timeout:
                before = self._states[key]
                if before.silent:
                    self._judge(key, before, now)
                else:
                    self._note(key, before, status.silence(before, now), now)
        for key, rules in self._rules.items():
            for rule in rules:
                self._take(rule, key, None, now)
        for (rule_id, key), seen in self._present.items():
            rule = next(r for r in self._rules[key] if r.id == rule_id)
            state = self._live[rule_id, key]
            due = state.phase is Phase.INACTIVE or now - state.seen_at >= self._interval
            if now - seen > self._interval + self._timeout and due:
                self._take(rule, key, True, now)

    def sleep(self, died: int, back: int) -> None:
        """The monitor does not run from ``died`` to ``back``."""
        alive.note(self._database, died)
        with self._database.write() as session:
            assert alive.resume(session, back, self._interval) == died
        self._states = {
            key: replace(state, responses=(), check=None, silent=False)
            for key, state in self._states.items()
        }
        self._heard = dict.fromkeys(self._heard, back)
        self._present = dict.fromkeys(self._present, back)

    def store(self) -> None:
        """Writes the samples."""
        with self._database.write() as session:
            ids = write.target_ids(session, {o.target for o in self._observed})
            write.samples(session, self._observed, ids)

    def _note(self, key: str, before: Judgement | None, after: Judgement, now: float) -> None:
        self._states[key] = after
        if after.changed_from(before):
            with self._database.write() as session:
                ids = write.target_ids(session, [key])
                write.judgements(session, {key: (before, after)}, ids)
        self._judge(key, after, now)

    def _judge(self, key: str, judgement: Judgement, now: float) -> None:
        for rule in self._rules[key]:
            value = read(rule.condition.reads, judgement)
            if value is None:
                continue
            condition, pair = rule.condition, (rule.id, key)
            if isinstance(condition, Absence):
                self._present[pair] = now
                self._take(rule, key, False, now)
            elif isinstance(condition, Anomaly):
                detector = self._detectors.setdefault(pair, Detector(condition.max_per_week))
                assert isinstance(value, float)
                verdict = detector.step(value, now)
                if verdict is not None:
                    above = value > verdict.expected
                    side = condition.direction
                    fits = side is Direction.BOTH or above is (side is Direction.ABOVE)
                    self._take(rule, key, verdict.anomalous and fits, now)
            else:
                firing = self._live[pair].phase is Phase.ACTIVE
                self._take(rule, key, holds(condition, value, firing), now)

    def _take(self, rule: Rule, key: str, holding: bool | None, now: float) -> None:
        pair = (rule.id, key)
        terms = Terms.of(rule, self._window)
        state, moved = evaluate(terms, self._live[pair], holding, now, self._interval)
        self._live[pair] = state
        match moved:
            case Transition.FIRED:
                self.alerts[pair].append(Told([now], []))
            case Transition.REOPENED:
                self.alerts[pair][-1].opened.append(now)
            case Transition.RESOLVED:
                self.alerts[pair][-1].ended.append(now)


class Weather:
    """What there is to be seen, at random: values that stay for a while, targets that fall
    silent, and a monitor that dies. Times are whole seconds from ``start`` to before ``end``."""

    def __init__(self, seed: int, start: int, end: int, interval: int, keys: Sequence[str]) -> None:
        self._random = random.Random(seed)
        self._start, self._end, self._interval = start, end, interval
        self.naps = self._spans(3, 100, 900)
        self._quiet = {key: self._spans(4, 100, 600) for key in keys if kind_of(key) is Kind.VPS}
        self._calm = self._random.choice([0.5, 0.8, 0.95])
        self._now: dict[str, Any] = {}

    def run(self, watched: Watched, keys: Sequence[str]) -> None:
        """Lets the time pass. After a nap the first looks come an interval after the start."""
        due = {key: self._start + place for place, key in enumerate(keys)}
        naps = dict(self.naps)
        now = self._start
        while now <= self._end:
            for key in keys:
                if due[key] == now < self._end and now not in naps:
                    if not any(a <= now < b for a, b in self._quiet.get(key, ())):
                        watched.look(self._reading(key, now))
                    due[key] = now + self._interval
            watched.second(now)
            if now in naps:
                watched.sleep(now, naps[now])
                now = naps[now]
                due = dict.fromkeys(keys, now + self._interval)
            else:
                now += 1
        watched.store()

    def _spans(self, most: int, least: int, longest: int) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        at = self._start
        for _ in range(self._random.randint(0, most)):
            begin = at + self._random.randint(60, (self._end - self._start) // 2)
            end = begin + self._random.randint(least, longest)
            if end > self._end - 60:
                break
            found.append((begin, end))
            at = end + 60
        return found

    def _reading(self, key: str, now: int) -> Observation:
        chance = self._random.random
        if key not in self._now or chance() > self._calm:
            self._now[key] = round(100 * chance(), 2)
        value = self._now[key]
        if kind_of(key) is Kind.VPS:
            noisy = round(min(value + chance(), 100.0), 3)
            return Observation(key, now, metrics={"system.cpu.usage": noisy})
        told = Status.UNHEALTHY if value > 80 else Status.DEGRADED if value > 70 else Status.HEALTHY
        answered = None if told is Status.UNHEALTHY and chance() < 0.7 else round(10 * value, 2)
        return Observation(key, now, check=CheckResult(told, "so it is", response_ms=answered))


def told(alerts: Mapping[Pair, Sequence[Told]], rule: Rule, end: float) -> list[tuple[Any, ...]]:
    """A rule's alerts as (target, fired, over, times, seconds)."""
    found = []
    for (rule_id, key), some in alerts.items():
        for one in some if rule_id == rule.id else ():
            stands = len(one.ended) < len(one.opened)
            lasted = sum(one.ended) + (end if stands else 0.0) - sum(one.opened)
            over = None if stands else one.ended[-1]
            found.append((key, one.opened[0], over, len(one.opened), lasted))
    return sorted(found)
