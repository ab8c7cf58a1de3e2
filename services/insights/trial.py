"""What could be changed about a rule that pages for nothing, and what a try of it showed. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.alerts.preview.outcome import Firing, Outcome
from services.rule import EQUALITY, Operator, Rule, Threshold

#: Durations that are tried (seconds), and for how long a rule is tried to keep firing.
DURATIONS = (60.0, 120.0, 180.0, 300.0, 600.0, 900.0, 1800.0)
KEEPS = (300.0, 900.0)
#: A duration may take this share of the shortest real trouble.
MARGIN = 0.5
#: Parts of the way from the limit to the mildest real trouble that are tried as a limit.
WAYS = (0.25, 0.5, 0.75)
#: How far the limit is tried beyond what was told for nothing, where no trouble was real: so much
#: of it lies below.
QUANTILES = (0.5, 0.8, 0.95)

_DOWNWARD = frozenset({Operator.LESS_THAN, Operator.LESS_THAN_OR_EQUAL})


@dataclass(frozen=True, slots=True)
class Label:
    """A stored firing, in seconds since the epoch; ``end`` None while it stands. ``real``: an
    operator took it on, or nothing says that it was false."""

    alert_id: str
    target: str
    start: float
    end: float | None
    real: bool


@dataclass(frozen=True, slots=True)
class Change:
    """New values of a rule's fields; ``steps`` grow with how far they are from the present."""

    value: float | None = None
    duration: float | None = None
    keep: float | None = None
    steps: int = 0

    def of(self, rule: Rule) -> Rule:
        """The rule with this change."""
        spec = rule.model_dump(mode="json", by_alias=True)
        if self.value is not None:
            spec["condition"]["value"] = self.value
        if self.duration is not None:
            spec["condition"]["duration"] = self.duration
        if self.keep is not None:
            spec["keepFiringFor"] = self.keep
        return Rule.model_validate(spec)

    def fields(self, rule: Rule) -> list[dict[str, Any]]:
        """Each field with what it is and what it would be."""
        condition = rule.condition
        value = condition.value if isinstance(condition, Threshold) else None
        told = (
            ("condition.value", value, self.value),
            ("condition.duration", condition.duration, self.duration),
            ("keepFiringFor", rule.keep_firing_for, self.keep),
        )
        return [{"field": f, "from": a, "to": b} for f, a, b in told if b is not None]

    def with_(self, other: Change) -> Change:
        """Both changes; they are of different fields."""
        return Change(
            self.value if other.value is None else other.value,
            self.duration if other.duration is None else other.duration,
            self.keep if other.keep is None else other.keep,
            self.steps + other.steps,
        )

    @property
    def count(self) -> int:
        """How many fields it changes."""
        return sum(one is not None for one in (self.value, self.duration, self.keep))


@dataclass(frozen=True, slots=True)
class Tried:
    """What a changed rule would have done. ``missed`` are the stored firings that it would not
    have told of; ``later``: by how many seconds it would have told later of each real one."""

    change: Change
    count: int
    pages: int
    missed: Sequence[Label]
    later: Sequence[float]

    @property
    def misses_real(self) -> bool:
        return any(label.real for label in self.missed)


class Fired:
    """The firings of a preview, by target."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self._of: Mapping[str, list[Firing]] = defaultdict(list)
        for firing in reversed(outcome.firings):  # oldest first
            self._of[firing.place.target].append(firing)
        self._ends = {
            target: [math.inf if one.end is None else one.end for one in found]
            for target, found in self._of.items()
        }

    def near(self, label: Label) -> Firing | None:
        """The first firing of its target that overlaps it in time."""
        # Those of one target follow each other.
        place = bisect_left(self._ends.get(label.target, ()), label.start)
        found = self._of.get(label.target, ())[place : place + 1]
        end = math.inf if label.end is None else label.end
        return found[0] if found and found[0].start <= end else None


def tried(change: Change, before: Fired, after: Fired, labels: Sequence[Label]) -> Tried:
    """Compares what a change would have done with what the rule as it is would have done."""
    missed, later = [], []
    for label in labels:
        found = after.near(label)
        if found is None:
            missed.append(label)
        elif label.real:
            first = before.near(label)
            later.append(max(0.0, found.start - (first.start if first else label.start)))
    return Tried(change, after.outcome.count, after.outcome.pages, missed, later)


def changes(rule: Rule, before: Fired, labels: Sequence[Label]) -> list[list[Change]]:
    """What is worth a try, mild to strong: limits, durations, and how long it keeps firing."""
    real = [found for label in labels if label.real and (found := before.near(label))]
    false = [found for label in labels if not label.real and (found := before.near(label))]
    end = before.outcome.span.end
    shortest = min(((end if f.end is None else f.end) - f.since for f in real), default=math.inf)
    present = rule.condition.duration
    durations = [
        Change(duration=seconds, steps=step)
        for step, seconds in enumerate(DURATIONS, 1)
        if present < seconds <= MARGIN * shortest
    ]
    keeps = [
        Change(keep=seconds, steps=step)
        for step, seconds in enumerate(KEEPS, 1)
        if seconds > rule.keep_firing_for
    ]
    return [_limits(rule, real, false), durations, keeps]


def best(results: Sequence[Tried], before: int) -> Tried | None:
    """Of those that miss nothing real the one with the fewest pages; one that changes less is
    better when it pages for hardly more (a twentieth of what there is)."""
    right = [one for one in results if not one.misses_real]
    if not right:
        return None
    fewest = min(one.pages for one in right)
    near = [one for one in right if one.pages <= fewest + before / 20]
    return min(near, key=lambda one: (one.change.count, one.change.steps, one.pages))


def _limits(rule: Rule, real: Sequence[Firing], false: Sequence[Firing]) -> list[Change]:
    condition = rule.condition
    if not isinstance(condition, Threshold) or condition.operator in EQUALITY:
        return []
    if isinstance(condition.value, str):
        return []
    sign = -1 if condition.operator in _DOWNWARD else 1
    limit = sign * condition.value
    peaks = _peaks(real, sign)
    if peaks:
        wanted = [limit + way * (peaks[0] - limit) for way in WAYS]
    else:
        others = _peaks(false, sign)
        wanted = [others[int(share * (len(others) - 1))] for share in QUANTILES if others]
    found = dict.fromkeys(
        near for value in wanted if (near := _round(value, abs(value - limit))) > limit
    )
    return [Change(value=sign * value, steps=step) for step, value in enumerate(sorted(found), 1)]


def _peaks(firings: Iterable[Firing], sign: int) -> list[float]:
    """The worst values, mildest first, larger being worse."""
    values = (one.evidence.peak for one in firings)
    return sorted(sign * value for value in values if isinstance(value, int | float))


def _round(value: float, gap: float) -> float:
    """A value that people would write, as near as a tenth of the gap."""
    if gap <= 0:
        return value
    return round(value, max(0, 1 - math.floor(math.log10(gap))))
