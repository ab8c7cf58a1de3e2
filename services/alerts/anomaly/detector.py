"""Whether a metric behaves as it never, or hardly ever, did before. Pure and causal.

Two residuals are judged. *Jump*: how far a value lies outside both what the last half hour was and
what is usual at this time of day. *Drift*: how far an hour's values lie, on the average, outside
what is usual at this time. Each has a tail upwards and one downwards (rarity.py) that says how
many times a week such a size comes; both rates together, against the budget of alerts, are the
score. Method, figures and limits: docs/anomaly.md.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from services.alerts.anomaly.expectation import EXPECTATION_BYTES, Expectation
from services.alerts.anomaly.rarity import TAIL_BYTES, Tail

HOUR, DAY, WEEK = 3600.0, 86_400.0, 604_800.0
SHORT = HOUR / 2
MEMORY = 4 * WEEK  # counts fade by 1/e in this time
LEARNING = 2 * DAY  # the second one to know how far days differ
LEARNING_VALUES = 100
THRESHOLD = 0.5  # score at which exactly the budget is spent
RESIDUALS = 2
GROWN = math.sqrt(2.0)  # an alert that gets so much rarer is told again
LARGEST = 1e150  # beyond it differences overflow
VERSION = 1

Scores = np.ndarray[Any, np.dtype[np.float64]]


class Outcome(StrEnum):
    IGNORED = "ignored"  # no number, or no time
    LEARNING = "learning"  # too little seen to judge
    USUAL = "usual"
    ONSET = "onset"  # an alert begins or has grown
    ONGOING = "ongoing"  # the value is not back in its band


@dataclass(frozen=True, slots=True)
class Verdict:
    """``score``: 0 to 1, 0.5 where events come as often as the budget allows, higher is rarer;
    values that only go on as an alert began score low. ``lower`` to ``upper``: the band outside
    of which a single value would be worth an alert. ``anomalous``: from the onset until the value
    is back in its band, at most a day."""

    score: float
    expected: float | None
    lower: float | None
    upper: float | None
    anomalous: bool
    outcome: Outcome


def outside(value: float, low: float, high: float) -> float:
    return value - high if value > high else value - low if value < low else 0.0


class Detector:
    """The state of one metric of one target: about 6 kB, constant time a value."""

    __slots__ = (
        "at",
        "budget",
        "drift",
        "elapsed",
        "expectation",
        "limits",
        "onset_at",
        "outside_at",
        "rarity",
        "rarity_at",
        "seen",
        "short",
        "step_seconds",
        "tails",
        "watched",
        "weeks",
    )

    def __init__(self, budget_per_week: float = 1.0) -> None:
        """``budget_per_week``: how many alerts a week this metric may cause while nothing is
        wrong; above 0."""
        if not (math.isfinite(budget_per_week) and budget_per_week > 0):
            raise ValueError(
                f"The alert budget is {budget_per_week}; it must be a number of alerts a week "
                "above 0, such as 1 or 0.25."
            )
        self.budget = budget_per_week
        self.expectation: Expectation | None = None
        self.tails = tuple(Tail() for _ in range(2 * RESIDUALS))
        self.at = 0.0  # time of the latest value
        self.elapsed = 0.0  # seconds since the first value, never going back
        self.watched = 0.0  # seconds covered by values since the counts last faded
        self.weeks = 0.0  # weeks covered by values, faded like the counts
        self.seen = 0
        self.step_seconds = 0.0  # usual time between values
        self.short = 0.0  # mean of the last half hour
        self.drift = 0.0
        self.rarity = 0.0  # of the alert told last
        self.rarity_at = self.onset_at = self.outside_at = -math.inf
        self.limits = (math.nan, math.nan)  # below and above what is usual

    def step(self, value: float, at: float) -> Verdict:
        """Judge ``value``, observed ``at`` (seconds since the epoch), by what came before it, and
        learn from it. A time that repeats or goes back counts as no time passed."""
        if not (math.isfinite(value) and math.isfinite(at)):
            return Verdict(0.0, None, None, None, anomalous=False, outcome=Outcome.IGNORED)
        value = min(max(value, -LARGEST), LARGEST)
        expectation = self.expectation
        if expectation is None:
            self.expectation = expectation = Expectation(value)
            self.at, self.short = at, value
        covered = self._advance(at)
        if expectation.turn(at):
            self._refresh()
        low, high = expectation.span()
        early = 1.0 / self.seen
        step = self.step_seconds
        hour_share = max(1.0 - math.exp(-covered / max(HOUR, 6 * step)), early)
        jump = outside(value, min(low, self.short), max(high, self.short))
        self.drift += hour_share * (outside(value, low, high) - self.drift)

        score = self._score((jump, self.drift))
        expected = expectation.middle()
        lower, upper = low - self.limits[0], high + self.limits[1]

        expectation.learn(value, max(1.0 - math.exp(-covered / DAY), early))
        short_share = max(1.0 - math.exp(-covered / max(SHORT, 3 * step)), early)
        self.short += short_share * (value - self.short)
        return self._verdict(value, score, expected, lower, upper)

    def _advance(self, at: float) -> float:
        """Let time pass; the seconds that this value stands for (a gap is not watched)."""
        passed = max(at - self.at, 0.0)
        self.at = at
        self.seen += 1
        self.elapsed += passed
        usual = self.step_seconds
        if passed > 0.0:
            # The plain mean at first, then slowly; a gap counts as three steps at most.
            share = max(0.05, 1.0 / max(self.seen - 1, 1))
            self.step_seconds += share * (min(passed, 3 * usual or passed) - usual)
        covered = self.step_seconds if passed > 10 * self.step_seconds else passed
        self.watched += covered
        self.weeks += covered / WEEK
        if self.watched > DAY and self.weeks * WEEK > LEARNING:
            share = math.exp(-self.watched / MEMORY)
            self.watched = 0.0
            self.weeks *= share
            for tail in self.tails:
                tail.fade(share)
        return covered

    @property
    def learning(self) -> bool:
        return self.weeks * WEEK < LEARNING or self.seen < LEARNING_VALUES

    @property
    def pause(self) -> float:
        """Seconds of quiet that separate two episodes."""
        return max(HOUR, 3 * self.step_seconds)

    def _score(self, residuals: tuple[float, ...]) -> float:
        pause, weeks = self.pause, max(self.weeks, HOUR / WEEK)
        limit = 0.0 if self.learning else self.budget
        rarity = 0.0  # weeks between such episodes, over both residuals
        for index, residual in enumerate(residuals):
            tail = self.tails[2 * index + (residual < 0.0)]
            rarity += 1.0 / tail.observe(abs(residual), self.elapsed, pause, weeks, limit)
        score = rarity / (rarity + 1.0 / self.budget)
        if self.learning:
            return score * THRESHOLD / 2
        if self.elapsed - self.rarity_at <= pause and rarity < GROWN * self.rarity:
            return score * THRESHOLD  # the same event as a moment ago
        self.rarity, self.rarity_at = rarity, self.elapsed
        return score

    def _refresh(self) -> None:
        """Look up, once in a half hour, how far from the usual an alert would begin."""
        if self.learning:
            return
        sizes = [tail.limit(self.budget, self.weeks) or 0.0 for tail in self.tails]
        self.limits = (max(sizes[1::2]), max(sizes[::2]))

    def _verdict(
        self, value: float, score: float, expected: float, lower: float, upper: float
    ) -> Verdict:
        now = self.elapsed
        if math.isnan(lower):
            return Verdict(score, expected, None, None, anomalous=False, outcome=Outcome.LEARNING)
        if outside(value, lower, upper):
            self.outside_at = now
        if score >= THRESHOLD:
            self.onset_at = self.outside_at = now
            return Verdict(score, expected, lower, upper, anomalous=True, outcome=Outcome.ONSET)
        ongoing = now - self.onset_at <= DAY and now - self.outside_at <= 3 * self.step_seconds
        if not ongoing:
            self.onset_at = -math.inf
        outcome = Outcome.ONGOING if ongoing else Outcome.USUAL
        return Verdict(score, expected, lower, upper, anomalous=ongoing, outcome=outcome)

    def dump(self) -> bytes:
        """The whole state, about 2 kB, for ``load``."""
        if self.expectation is None:
            return struct.pack(HEAD, VERSION, self.budget)
        scalars = struct.pack(SCALARS, *(getattr(self, name) for name in NAMES), *self.limits)
        tails = b"".join(tail.pack() for tail in self.tails)
        body = zlib.compress(scalars + self.expectation.pack() + tails, 1)
        return struct.pack(HEAD, VERSION, self.budget) + body

    @classmethod
    def load(cls, state: bytes) -> Detector:
        """A detector that goes on exactly where ``dump`` was called. Raises ValueError for what
        is no such state or one of another version; the metric has then to be learnt anew."""
        try:
            version, budget = struct.unpack_from(HEAD, state)
            if version != VERSION:
                raise ValueError(f"version {version}, not {VERSION}")
            detector = cls(budget)
            if len(state) > struct.calcsize(HEAD):
                detector._unpack(zlib.decompress(state[struct.calcsize(HEAD) :]))
        except (struct.error, zlib.error, ValueError) as error:
            raise ValueError(f"This is no anomaly state that can be read: {error}.") from error
        return detector

    def _unpack(self, body: bytes) -> None:
        head = struct.calcsize(SCALARS)
        if len(body) != head + EXPECTATION_BYTES + len(self.tails) * TAIL_BYTES:
            raise ValueError(f"{len(body)} bytes, which is not its length")
        values: list[Any] = list(struct.unpack_from(SCALARS, body))
        for name, value in zip(NAMES, values[: len(NAMES)], strict=True):
            setattr(self, name, value)
        self.limits = (values[-2], values[-1])
        self.expectation = Expectation.unpack(body[head:])
        rest = body[head + EXPECTATION_BYTES :]
        self.tails = tuple(
            Tail.unpack(rest[start : start + TAIL_BYTES])
            for start in range(0, len(rest), TAIL_BYTES)
        )


HEAD = "<Bd"
NAMES = (
    "seen",
    "at",
    "elapsed",
    "watched",
    "weeks",
    "step_seconds",
    "short",
    "drift",
    "rarity",
    "rarity_at",
    "onset_at",
    "outside_at",
)
SCALARS = f"<q{len(NAMES) + 1}d"


class _Detect:
    """The detector on a whole series, as the scorer of labelled series calls it."""

    threshold = THRESHOLD

    def __call__(self, values: np.ndarray[Any, Any], timestamps: np.ndarray[Any, Any]) -> Scores:
        """A score for each value, for a budget of one alert a week; ``timestamps`` are
        ``datetime64``. A score depends on the values up to its own alone."""
        detector = Detector()
        seconds = timestamps.astype("datetime64[s]").astype("int64").tolist()
        pairs = zip(values.tolist(), seconds, strict=True)
        return np.array([detector.step(value, float(at)).score for value, at in pairs])


detect = _Detect()
