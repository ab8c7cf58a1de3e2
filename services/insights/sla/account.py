"""The account: what became of each second. Pure.

At any moment a tenant has some targets, each of which counts the same: of n targets, each second of
one is 1/n of a second. As what a tenant is judged by changes in the course of a month, so does n.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from services.insights.sla.policy import Counted, Policy, is_blind
from services.insights.sla.spans import Span, Spans, merged, overlap, within
from services.observation import Status


class Stretch(NamedTuple):
    """A stored span of one status of a target; ``end`` None: it still lasts. Its ``id`` and
    ``start`` are the event."""

    id: int
    status: str
    start: float
    end: float | None
    reason: str


class Member(NamedTuple):
    """A target that counted from ``start`` to ``end``."""

    target: str
    start: float
    end: float


class Share(NamedTuple):
    """From ``start`` to ``end`` a second of the target was ``weight`` seconds."""

    start: float
    end: float
    weight: float


class Down(NamedTuple):
    """Downtime: ``stretch`` of ``target`` from ``start`` to ``end``, of which ``counted`` seconds
    count and ``maintenance`` seconds were taken out (both weighed)."""

    target: str
    stretch: Stretch
    start: float
    end: float
    counted: float
    maintenance: float


@dataclass(slots=True)
class Tally:
    """Weighed seconds. ``up`` and ``down`` are what counts; ``degraded``, ``unknown`` and, of that,
    ``blind`` are times of that status, however they count, outside of the ``maintenance`` that
    was taken out. ``downs``: the downtime, oldest first."""

    up: float = 0.0
    down: float = 0.0
    degraded: float = 0.0
    unknown: float = 0.0
    blind: float = 0.0
    maintenance: float = 0.0
    downs: list[Down] = field(default_factory=list)

    @property
    def counted(self) -> float:
        return self.up + self.down

    @property
    def uptime(self) -> float | None:
        """Percent of the counted time; None when there is none."""
        return 100 * self.up / self.counted if self.counted else None


def shares(members: Iterable[Member], start: float, end: float) -> dict[str, list[Share]]:
    """What a second of each target is worth from ``start`` to ``end``."""
    present: dict[str, list[Span]] = {}
    for one in members:
        span = max(one.start, start), min(one.end, end)
        if span[0] < span[1]:
            present.setdefault(one.target, []).append(span)
    by_target = {target: merged(spans) for target, spans in present.items()}
    edges = sorted({edge for spans in by_target.values() for span in spans for edge in span})
    if len(edges) == 2:  # nothing changed, as nearly always
        return {t: [Share(edges[0], edges[1], 1 / len(by_target))] for t in by_target}
    found: dict[str, list[Share]] = {target: [] for target in by_target}
    for begin, stop in pairwise(edges):
        there = [target for target, spans in by_target.items() if within(spans, begin, stop)]
        for target in there:
            own = found[target]
            if own and own[-1].end == begin and own[-1].weight == 1 / len(there):
                own[-1] = Share(own[-1].start, stop, own[-1].weight)
            else:
                own.append(Share(begin, stop, 1 / len(there)))
    return found


def tally(
    worth: Mapping[str, Sequence[Share]],
    stretches: Mapping[str, Sequence[Stretch]],
    maintenance: Mapping[str, Spans],
    policy: Policy,
) -> Tally:
    """The account of what ``shares`` says. ``maintenance``: the windows of each target, as far as
    they are to be taken out."""
    total = Tally()
    for target, own in worth.items():
        out = maintenance.get(target, ())
        for stretch in stretches.get(target, ()):
            _count(total, target, stretch, own, out, policy)
    total.downs.sort(key=lambda down: (down.start, down.target))
    return total


def _count(
    total: Tally,
    target: str,
    stretch: Stretch,
    worth: Sequence[Share],
    out: Spans,
    policy: Policy,
) -> None:
    begin, stop = stretch.start, stretch.end
    parts = [
        (max(begin, share.start), share.end if stop is None else min(stop, share.end), share.weight)
        for share in worth
        if share.end > begin and (stop is None or share.start < stop)
    ]
    if not parts:
        return
    whole = sum((end - start) * weight for start, end, weight in parts)
    taken = sum(overlap(out, start, end) * weight for start, end, weight in parts) if out else 0.0
    seconds = whole - taken
    blind = stretch.status == Status.UNKNOWN and is_blind(stretch.reason)
    total.maintenance += taken
    if stretch.status == Status.DEGRADED:
        total.degraded += seconds
    elif stretch.status == Status.UNKNOWN:
        total.unknown += seconds
        total.blind += seconds if blind else 0.0
    counts = policy.counts(stretch.status, blind=blind)
    if counts is Counted.UP:
        total.up += seconds
    elif counts is Counted.DOWN:
        total.down += seconds
        total.downs.append(Down(target, stretch, parts[0][0], parts[-1][1], seconds, taken))
