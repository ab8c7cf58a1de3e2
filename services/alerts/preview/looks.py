"""What a condition would have made of the past: its looks at one target, and whether it held.

Live, a look is a reading when it came in. Of the past there are the samples (to the second), and
for what has words the spans of status: within one the looks are taken to lie an interval apart
from its begin on, which was a look. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from services.alerts.evaluate import COMPARE, holds
from services.health.status import MOMENT, RESPONSES
from services.history import alive
from services.history.codec import Floats, Ints
from services.history.replay import Told
from services.observation import Status
from services.rule import Anomaly, Direction, Threshold

Bools = NDArray[np.bool_]
#: When the monitor did not run: from, to.
Asleep = Sequence[tuple[float, float]]

#: What is said of a target that was silent, and while the monitor could not see itself
#: (services.health.status, services.collect.sight).
SILENT = ("no reading for ", "unreachable: no reading for ")
BLIND = "Healthdeck itself cannot see the network"
REPORTS = ("reporting", "silent")


class Detects(Protocol):
    """A detector of services.alerts.anomaly: ``step`` gives ``None`` while it cannot tell, or a
    verdict with ``score``, ``expected``, ``lower``, ``upper`` and ``anomalous``."""

    def step(self, value: float, at: float, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Band:
    """What a detector expected at each look; NaN where it did not say."""

    score: Floats
    expected: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True, slots=True)
class Looks:
    """Looks at one target in ascending order of time (seconds since the epoch). ``enters``:
    whether the condition held at each; ``stays``: whether it did for an alert that stood, which
    may have to clear further. ``value``: what was seen, NaN for nothing; where the metric has
    ``words``, the place of one of them."""

    at: Floats
    value: Floats
    enters: Bools
    stays: Bools
    words: tuple[str, ...] = ()
    band: Band | None = None

    def since(self, start: float) -> Looks:
        """The looks from ``start`` on."""
        first = int(np.searchsorted(self.at, start))
        band = self.band
        if band is not None:
            columns = (band.score, band.expected, band.lower, band.upper)
            band = Band(*(column[first:] for column in columns))
        return replace(
            self,
            at=self.at[first:],
            value=self.value[first:],
            enters=self.enters[first:],
            stays=self.stays[first:],
            band=band,
        )


def threshold(
    condition: Threshold, at: Floats, value: Floats, words: tuple[str, ...] = ()
) -> Looks:
    """The looks of a comparison."""
    if words:
        held = np.array([holds(condition, word) for word in words])[value.astype(np.int64)]
        return Looks(at, value, held, held, words)
    compare: Callable[[Any, Any], Any] = COMPARE[condition.operator]  # of a whole array, too
    enters = stays = compare(value, condition.value)
    if condition.clear_value is not None:
        stays = compare(value, condition.clear_value)
    return Looks(at, value, enters, stays)


def verdicts(
    at: Floats, value: Floats, detector: Detects, go_on: Callable[[], bool] = lambda: True
) -> Looks:
    """The looks of a detector that learns from the first value on; those at which it could not
    tell are none. Once ``go_on`` says no, it ends there."""
    rows: list[tuple[float, ...]] = []
    for number, (moment, seen) in enumerate(zip(at.tolist(), value.tolist(), strict=True)):
        if number % 1000 == 0 and not go_on():
            break
        verdict = detector.step(seen, moment)
        if verdict is not None:
            told = (verdict.score, verdict.expected, verdict.lower, verdict.upper)
            numbers = (np.nan if v is None else float(v) for v in told)
            rows.append((number, bool(verdict.anomalous), *numbers))
    places, anomalous, *band = np.array(rows, np.float64).reshape(-1, 6).T
    chosen, held = places.astype(np.int64), anomalous.astype(bool)
    return Looks(at[chosen], value[chosen], held, held, band=Band(*band))


def on_side(condition: Anomaly, looks: Looks) -> Looks:
    """The looks of a detector, where only one side of what it expected counts."""
    if condition.direction is Direction.BOTH or looks.band is None:
        return looks
    expected, value = looks.band.expected, looks.value
    side = value > expected if condition.direction is Direction.ABOVE else value <= expected
    held = looks.enters & side
    return replace(looks, enters=held, stays=held)


def absence(
    observed: Floats, interval: float, overdue: float, asleep: Asleep, start: float, end: float
) -> Looks:
    """The looks for what is missing: a value ends it, and from the first whole second that is
    more than ``overdue`` seconds after the last one its absence is seen once an interval. Who
    begins to watch, at ``start`` or after not having run, waits as long for a first value."""
    backs = [back for _, back in asleep if start < back < end]
    marks = np.unique(np.concatenate((observed, [start], backs)))
    # The moment at which it was last alive still is one.
    stops = np.unique(np.concatenate((observed, [a + MOMENT for a, _ in asleep], [end])))
    due = np.floor(marks + overdue) + 1
    until = stops[np.minimum(np.searchsorted(stops, marks, side="right"), len(stops) - 1)]
    missing = [np.arange(due[i], until[i], interval) for i in np.flatnonzero(due < until)]
    at = np.concatenate((observed, *missing))
    absent = np.concatenate(
        (np.zeros(len(observed), bool), *(np.ones(len(m), bool) for m in missing))
    )
    order = np.argsort(at, kind="stable")
    held = absent[order]
    return Looks(at[order], np.full(len(at), np.nan), held, held)


def averages(at: Ints, value: Floats, asleep: Asleep) -> Floats:
    """At each of some response times the mean of the latest ones, as
    ``services.health.status.Judgement`` keeps them: a process that starts begins anew."""
    found, total = value.copy(), value.copy()
    begun = np.searchsorted(at, np.array([back for _, back in asleep], np.float64))
    first = np.zeros(len(at), np.int64)
    first[begun[begun < len(at)]] = begun[begun < len(at)]
    known = np.arange(len(at)) - np.maximum.accumulate(first)
    for more in range(1, RESPONSES):
        # The oldest first, as they are added up live.
        total = np.zeros(len(at))
        for back in range(more, -1, -1):
            total[more:] += value[more - back : len(at) - back]
        enough = known >= more
        found[enough] = total[enough] / (more + 1)
    return found


def statuses(
    spans: Sequence[Told],
    words: tuple[str, ...],
    interval: float,
    patience: float,
    asleep: Asleep,
    start: float,
    end: float,
) -> tuple[Floats, Floats]:
    """The looks at a status, and the place of each one's word. Unknown is no look. A target that
    fell silent was last looked at ``patience`` seconds before that was noted. After the monitor
    did not run, the first look is taken to come an interval after its start."""
    backs = frozenset(back for _, back in asleep)
    ats, codes = [np.empty(0)], [np.empty(0)]
    for place, told in enumerate(spans):
        if told.status == Status.UNKNOWN:
            continue
        first = told.start + interval if told.start in backs else told.start
        last = end if told.end is None else told.end
        if place + 1 < len(spans) and _silent(spans[place + 1]) and not _silent(told):
            last = max(first, last - patience) + MOMENT  # the look at that moment is one
        at = _every(first, interval, start, min(last, end))
        ats.append(at)
        codes.append(np.full(len(at), words.index(told.status), np.float64))
    return np.concatenate(ats), np.concatenate(codes)


def reports(
    spans: Sequence[Told],
    interval: float,
    patience: float,
    asleep: Asleep,
    start: float,
    end: float,
) -> tuple[Floats, Floats]:
    """The looks at whether a server reports, and the place of each one's word in ``REPORTS``. A
    server whose own source failed is silent when it has not been heard of for ``patience``
    seconds; after the monitor did not run, everybody has that long again."""
    ats, codes = [np.empty(0)], [np.empty(0)]

    def add(word: int, at: Floats) -> None:
        ats.append(at)
        codes.append(np.full(len(at), word, np.float64))

    for told in spans:
        last = min(end, end if told.end is None else told.end)
        if _silent(told):
            first = told.start
        elif told.status != Status.UNKNOWN:
            heard = (
                told.start + interval if told.start in {back for _, back in asleep} else told.start
            )
            add(0, _every(heard, interval, start, last))
            continue
        elif told.reason == alive.REASON or told.reason.startswith(BLIND):
            continue
        else:
            first = _after(told.start - interval + patience)
        for begin, stop in _awake(first, last, patience, asleep):
            add(1, _every(begin, interval, start, stop))
            if stop < last and stop >= start:
                add(1, np.array([stop]))  # it was looked at each second until then
    at, code = np.concatenate(ats), np.concatenate(codes)
    order = np.argsort(at, kind="stable")
    return at[order], code[order]


def _after(moment: float) -> float:
    """The first whole second after a moment: what is overdue is noticed by a tick."""
    return math.floor(moment) + 1.0


def _silent(told: Told) -> bool:
    return told.reason.startswith(SILENT)


def _every(first: float, interval: float, start: float, end: float) -> Floats:
    """The moments from ``first`` on, ``interval`` apart, that lie from ``start`` to before
    ``end``."""
    skipped = max(0, int(np.ceil((start - first) / interval)))
    moments: Floats = np.arange(first + skipped * interval, end, interval, dtype=np.float64)
    return moments


def _awake(first: float, last: float, patience: float, asleep: Asleep) -> list[tuple[float, float]]:
    """The parts of a silence that were seen as one."""
    parts: list[tuple[float, float]] = []
    for began, back in asleep:
        if began < last:
            if first < began:
                parts.append((first, began))
            first = max(first, _after(back + patience))
    if first < last:
        parts.append((first, last))
    return parts
