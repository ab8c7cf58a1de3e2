"""The health score: one figure from 0 to 100, with the reasons for every missing point.

Every server, service and application is a part. A part that is not healthy loses a share of
its points: degraded 0.4, unknown 0.5, unhealthy all. A part weighs 1 and 1 more for each
tenant that its failure reaches. What a part costs is

    points = 100 * share * weight / (sum of all weights)  +  10 * share

of which the second term counts once, for the part that costs most: so 95 and above
("excellent") means that nothing of note is wrong, however large the fleet is. The score is
100 minus all points, never below 0. Bands: 95 excellent, 80 good, 60 fair, below that poor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from services.observation import Status

SHARE = {Status.HEALTHY: 0.0, Status.DEGRADED: 0.4, Status.UNKNOWN: 0.5, Status.UNHEALTHY: 1.0}
WORST_PART = 10.0
BANDS = ((95.0, "excellent"), (80.0, "good"), (60.0, "fair"), (0.0, "poor"))


@dataclass(frozen=True, slots=True)
class Part:
    """Something that can be healthy or not; ``text`` says what is wrong with it."""

    target: str
    status: Status
    text: str
    tenants: int = 0


@dataclass(frozen=True, slots=True)
class Reason:
    """One deduction from the score: what is wrong, the points it costs, where to look."""

    text: str
    points: float
    target: str


@dataclass(frozen=True, slots=True)
class Score:
    """``value`` 0-100 or None while nothing was observed; ``band`` is its word; ``reasons``
    stand with the costliest first and add up to 100 minus ``value``."""

    value: float | None
    band: str
    reasons: tuple[Reason, ...]


def score(parts: Iterable[Part]) -> Score:
    """The score of some parts. Without any observed part there is none."""
    parts = list(parts)
    ill = [part for part in parts if part.status is not Status.HEALTHY]
    return score_of(ill, len(parts), sum(1 + part.tenants for part in parts))


def score_of(ill: Sequence[Part], count: int, total: int) -> Score:
    """The score of ``count`` parts that weigh ``total`` together, of which those that are not
    healthy are named: the others need not be looked at."""
    if len(ill) == count and all(part.status is Status.UNKNOWN for part in ill):
        return Score(None, "unknown", ())
    share = {part.target: SHARE[part.status] for part in ill}
    reasons = [
        Reason(part.text, 100 * share[part.target] * (1 + part.tenants) / total, part.target)
        for part in ill
    ]
    reasons.sort(key=lambda reason: (-share[reason.target], -reason.points, reason.target))
    if reasons:
        first = reasons[0]
        reasons[0] = replace(first, points=first.points + WORST_PART * share[first.target])
    value = round(max(0.0, 100 - sum(reason.points for reason in reasons)), 1)
    ordered = sorted(reasons, key=lambda reason: -reason.points)
    return Score(value, next(word for limit, word in BANDS if value >= limit), tuple(ordered))
