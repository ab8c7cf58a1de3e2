"""Sets of moments as lists of spans: sorted, without overlap, from the start up to the end without
it. Seconds since the epoch. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import islice

Span = tuple[float, float]
Spans = Sequence[Span]


def merged(spans: Iterable[Span]) -> list[Span]:
    """All moments that are in any of some spans, each once."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def within(spans: Spans, start: float, end: float) -> list[Span]:
    """The moments of ``spans`` from ``start`` to ``end``."""
    found = []
    for one, other in islice(spans, max(bisect_right(spans, (start,)) - 1, 0), None):
        if one >= end:
            break
        if other > start:
            found.append((max(one, start), min(other, end)))
    return found


def overlap(spans: Spans, start: float, end: float) -> float:
    """The seconds of ``spans`` from ``start`` to ``end``."""
    seconds = 0.0
    for place in range(max(bisect_right(spans, (start,)) - 1, 0), len(spans)):
        one, other = spans[place]
        if one >= end:
            break
        if other > start:
            seconds += min(other, end) - max(one, start)
    return seconds
