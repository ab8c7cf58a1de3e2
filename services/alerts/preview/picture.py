"""A target's past as a picture of few points, and the words for what made an alert fire. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from services.alerts.evaluate import Value
from services.alerts.preview.looks import Looks
from services.alerts.preview.replay import Alert, worst
from services.alerts.wording import amount
from services.history.codec import Floats, Ints
from services.rule import Absence, Anomaly, Direction, Operator, Rule
from services.times import iso, span

#: Points, or spans of a word, in a picture, and values that are told as evidence of one alert.
POINTS = 300
EVIDENCE = 10

_LOW = frozenset({Operator.LESS_THAN, Operator.LESS_THAN_OR_EQUAL})
_SIDES = {
    Operator.GREATER_THAN: "above",
    Operator.GREATER_THAN_OR_EQUAL: "at or above",
    Operator.LESS_THAN: "below",
    Operator.LESS_THAN_OR_EQUAL: "at or below",
    Operator.EQUALS: "at",
    Operator.NOT_EQUALS: "not at",
}


@dataclass(frozen=True, slots=True)
class Point:
    """``value``: the mean of what was seen from ``at`` to the next point."""

    at: float
    value: float
    min: float
    max: float


@dataclass(frozen=True, slots=True)
class Expected:
    """What a detector expected from ``at`` to the next point."""

    at: float
    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Word:
    """A word that was seen from ``start`` on; ``end``: when another one was."""

    start: float
    end: float
    value: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Of a number ``points``, with the ``band`` of a detector; of a metric with words ``words``,
    the newest where there are too many."""

    points: tuple[Point, ...] = ()
    band: tuple[Expected, ...] = ()
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why an alert fired: a sentence, the worst value, and the last values before it fired."""

    text: str
    peak: Value | None
    peak_at: float
    values: tuple[tuple[float, Value], ...]


def is_low(rule: Rule) -> bool:
    """Whether the trouble of a rule is that a value is too small."""
    condition = rule.condition
    if isinstance(condition, Anomaly):
        return False
    return not isinstance(condition, Absence) and condition.operator in _LOW


def picture(looks: Looks, start: float, end: float) -> Picture:
    """The looks from ``start`` to ``end``; where there is no value, whether there was one."""
    if looks.words:
        return Picture(words=_words(looks.at, looks.value.astype(np.int64), looks.words, end))
    if len(looks.at) and np.isnan(looks.value).all():
        code = looks.enters.astype(np.int64)
        return Picture(words=_words(looks.at, code, ("present", "missing"), end))
    width = max((end - start) / POINTS, 1.0)
    edges = start + width * np.arange(POINTS + 1)
    first = np.searchsorted(looks.at, edges)
    full = np.flatnonzero(np.diff(first))
    if not len(full):
        return Picture()
    at, lead = edges[full].tolist(), first[full]
    last = first[-1]
    low, high = (f.reduceat(looks.value[:last], lead).tolist() for f in (np.minimum, np.maximum))
    points = tuple(map(Point, at, _mean(looks.value[:last], lead), low, high))
    band = looks.band
    if band is None:
        return Picture(points)
    expected = zip(
        at,
        _mean(band.expected[:last], lead),
        np.fmin.reduceat(band.lower[:last], lead).tolist(),
        np.fmax.reduceat(band.upper[:last], lead).tolist(),
        strict=True,
    )
    told = (Expected(*one) for one in expected if not any(math.isnan(part) for part in one))
    return Picture(points, tuple(told))


def _mean(values: Floats, lead: Ints) -> list[float]:
    known = ~np.isnan(values)
    total = np.add.reduceat(np.where(known, values, 0.0), lead)
    count = np.add.reduceat(known.astype(np.int64), lead)
    with np.errstate(invalid="ignore"):
        means: list[float] = (total / count).tolist()
    return means


def _words(at: Floats, code: Ints, words: tuple[str, ...], end: float) -> tuple[Word, ...]:
    first = np.flatnonzero(np.diff(code, prepend=-1))[-POINTS:]
    starts = at[first].tolist()
    return tuple(
        Word(start, stop, words[place])
        for start, stop, place in zip(starts, [*starts[1:], end], code[first].tolist(), strict=True)
    )


def evidence(rule: Rule, looks: Looks, alert: Alert) -> Evidence:
    """Why an alert of these looks fired."""
    peak_at, peak = worst(looks, alert, low=is_low(rule))
    fired = int(np.searchsorted(looks.at, alert.start, side="right"))
    first = max(int(np.searchsorted(looks.at, alert.since)), fired - EVIDENCE)
    values = tuple(
        (at, _value(looks, value))
        for at, value in zip(
            looks.at[first:fired].tolist(), looks.value[first:fired].tolist(), strict=True
        )
        if not math.isnan(value)
    )
    told = None if math.isnan(peak) else _value(looks, peak)
    return Evidence(_text(rule, looks, alert, peak_at, told), told, peak_at, values)


def _value(looks: Looks, value: float) -> Value:
    return looks.words[int(value)] if looks.words else value


def _text(rule: Rule, looks: Looks, alert: Alert, peak_at: float, peak: Value | None) -> str:
    condition, metric = rule.condition, rule.condition.reads
    name = metric.label.partition(",")[0]
    since, lasted = iso(alert.since), span(alert.start - alert.since)
    waited = f", for {lasted} when it fired" if alert.start > alert.since else ""
    if isinstance(condition, Absence):
        return f"{name} was missing from {since} on{waited}"
    if looks.words:
        return f"{name} was {peak} from {since} on{waited}"
    reached = "" if peak is None else f"; {amount(peak, metric.unit)} at {iso(peak_at)}"
    if isinstance(condition, Anomaly):
        place = int(np.searchsorted(looks.at, alert.since))
        side = {Direction.ABOVE: "above", Direction.BELOW: "below"}.get(condition.direction, "not")
        where = f"{side} what was expected"
        if looks.band is not None and not math.isnan(looks.band.lower[place]):
            lower, upper = looks.band.lower[place], looks.band.upper[place]
            where += f" ({amount(float(lower), '')} to {amount(float(upper), metric.unit)})"
        return f"{name} was {where} from {since} on{waited}{reached}"
    limit = f"{_SIDES[condition.operator]} {amount(condition.value, metric.unit)}"
    return f"{name} was {limit} from {since} on{waited}{reached}"
