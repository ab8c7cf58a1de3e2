"""The past of targets for a preview: what is stored, as looks of a condition."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from models.database import Database
from services.alerts.preview import looks
from services.alerts.preview.looks import REPORTS, Detects, Looks
from services.history import replay
from services.history.codec import Floats
from services.history.stored import DAY, find
from services.inventory.fleet import Fleet
from services.metrics import STATUSES, Metric
from services.observation import PLATFORM
from services.rule import Absence, Anomaly, Rule

#: Seconds before the range from which a detector learns, and before which an average begins.
LEARNED = 7 * DAY
AVERAGED = 600
#: A target that should be read is silent after so many intervals and its timeout
#: (services.collect.judge).
SILENT_INTERVALS = 2

#: Moments and values (or places of words) of one metric, by metric and target.
Raw = Mapping[tuple[str, str], tuple[Floats, Floats]]


class Span(NamedTuple):
    """Seconds since the epoch."""

    start: float
    end: float


class Past:
    """``interval`` and ``timeout`` (seconds) hold where the fleet says nothing. ``learns``: a
    detector must see what was before the range."""

    def __init__(
        self,
        database: Database,
        fleet: Fleet,
        span: Span,
        interval: float,
        timeout: float,
        detector: Callable[[float], Detects],
        go_on: Callable[[], bool],
        *,
        learns: bool,
    ) -> None:
        self._database = database
        self._fleet = fleet
        self._default = interval
        self._timeout = timeout
        self._detector = detector
        self._before = LEARNED if learns else AVERAGED
        self.span = span
        self.go_on = go_on
        self._latest: tuple[tuple[str, str, float], Looks] | None = None
        with database.read() as session:
            known = replay.target_ids(session, [PLATFORM, *fleet.own, *fleet.vps])
            self.asleep = replay.asleep(
                session, known.values(), span.start - self._before, span.end
            )

    def interval(self, key: str) -> float:
        """Seconds from one look at a target to the next."""
        return self._fleet.interval(key, self._default)

    def most_targets(self, keys: Sequence[str], values: int) -> int:
        """Of how many targets there are at most so many values."""
        shortest = min(map(self.interval, keys), default=math.inf)
        each = (self.span.end - self.span.start + self._before) / shortest
        return max(1, int(values / max(each, 1)))

    def read(self, keys: Sequence[str], rules: Sequence[Rule]) -> Raw:
        """What is stored of some targets and the metrics of some rules."""
        found: dict[tuple[str, str], tuple[Floats, Floats]] = {}
        with self._database.read() as session:
            ids = replay.target_ids(session, keys)
            names = {number: key for key, number in ids.items()}
            for metric in {rule.condition.metric: rule.condition.reads for rule in rules}.values():
                if metric.states:
                    spans = replay.intervals(session, list(names), *self.span)
                    for number, told in spans.items():
                        key = names[number]
                        found[metric.name, key] = self._words(metric, key, told)
                    continue
                stored = find(metric.name)
                start, end = math.floor(self.span.start - self._before), math.ceil(self.span.end)
                for number, at, value in replay.values(session, list(names), stored, start, end):
                    if metric.name == "api.averageResponseTime":
                        value = looks.averages(at, value, self.asleep)
                    found[metric.name, names[number]] = at.astype(np.float64), value
        return found

    def looks(self, rule: Rule, key: str, raw: Raw) -> Looks:
        """What a rule would have seen of a target in the range."""
        condition, metric = rule.condition, rule.condition.reads
        nothing = np.empty(0)
        at, value = raw.get((metric.name, key), (nothing, nothing))
        if isinstance(condition, Anomaly):
            judged = self._judged(condition, (metric.name, key), at, value)
            return looks.on_side(condition, judged)
        first = int(np.searchsorted(at, self.span.start))
        at, value = at[first:], value[first:]
        if isinstance(condition, Absence):
            overdue = self.interval(key) + self._fleet.timeout(key, self._timeout)
            return looks.absence(at, self.interval(key), overdue, self.asleep, *self.span)
        return looks.threshold(condition, at, value, _words(metric))

    def _judged(self, condition: Anomaly, of: tuple[str, str], at: Floats, value: Floats) -> Looks:
        """What a detector says, kept for the other rule when that asks the same."""
        asked = (*of, condition.max_per_week)
        if self._latest is None or self._latest[0] != asked:
            detector = self._detector(condition.max_per_week)
            found = looks.verdicts(at, value, detector, self.go_on)
            self._latest = asked, found.since(self.span.start)
        return self._latest[1]

    def _words(
        self, metric: Metric, key: str, told: Sequence[replay.Told]
    ) -> tuple[Floats, Floats]:
        interval = self.interval(key)
        patience = SILENT_INTERVALS * interval + self._fleet.timeout(key, self._timeout)
        if metric.name == "vps.reporting":
            return looks.reports(told, interval, patience, self.asleep, *self.span)
        return looks.statuses(told, STATUSES, interval, patience, self.asleep, *self.span)


def _words(metric: Metric) -> tuple[str, ...]:
    if metric.name == "vps.reporting":
        return REPORTS
    return STATUSES if metric.states else ()
