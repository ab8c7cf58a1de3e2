"""Which episodes come near each other more often than chance would have it. Pure.

Chance is what is left when each episode of the one keeps its stretch of some hours but not its
place in it, while the other's stay where they are (interval jitter: A. Amarasingham, M. Harrison,
N. Hatsopoulos and S. Geman, Conditional modeling and the jitter method of spike resampling,
J. Neurophysiology 107, 2012). So neither the hours of work, nor a bad day, nor how often each
comes makes a coincidence remarkable. Of a stretch the other's windows cover a known share, and the
number of hits has a binomial tail (services.insights.chance).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.insights.chance import discoveries, tail
from services.insights.episodes import FEWEST, Episodes
from services.insights.firings import Floats, Ints

#: Of the patterns of one kind that are told, at most this share is chance (in expectation).
RATE = 0.05
#: Pairs of episodes that are held in memory at a time.
_AT_ONCE = 500_000
#: Pairs of items, likewise.
_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Nearness:
    """What is near: an episode of the other one from ``after`` (not included unless it is below
    0) to ``until`` seconds later. ``stretch``: seconds in which chance moves an episode."""

    after: float
    until: float
    stretch: float

    @property
    def both_ways(self) -> bool:
        """Whether it is the same for either of the two."""
        return self.after == -self.until


TOGETHER = Nearness(-300.0, 300.0, 7200.0)
PRECEDES = Nearness(300.0, 1800.0, 14400.0)


@dataclass(frozen=True, slots=True)
class Coincidence:
    """Episodes of items ``first`` and ``second`` were near each other ``hits`` times, where
    ``expected`` are chance. ``p``: of so many by chance, at most; ``rate``: the smallest false
    discovery rate at which it is told. ``pairs``: places of the episodes, the newest first;
    ``lag``: the median seconds from the first to the second."""

    first: int
    second: int
    hits: int
    expected: float
    p: float
    rate: float
    pairs: Sequence[tuple[int, int]]
    lag: float


@dataclass(frozen=True, slots=True)
class _Pairs:
    first: Ints
    second: Ints
    hits: Ints
    p: Floats
    expected: Floats


def coincidences(
    found: Episodes, near: Nearness, start: float, end: float
) -> tuple[list[Coincidence], int]:
    """The pairs of items that are no chance, the least likely first, and how many pairs were
    tested, in a time from ``start`` to ``end``."""
    items = found.items
    tests = items * (items - 1) // (2 if near.both_ways else 1)
    if not tests:
        return [], 0
    pairs = _pairs(found, near, start, end)
    told, rates = discoveries(pairs.p, tests, RATE)
    order = [int(one) for one in np.lexsort((-pairs.hits, pairs.p)) if told[one]]
    return [_coincidence(found, near, pairs, one, float(rates[one])) for one in order], tests


def _pairs(found: Episodes, near: Nearness, start: float, end: float) -> _Pairs:
    """Every pair with enough hits."""
    hits = _hits(found, near)
    first, second = np.nonzero(hits >= FEWEST)
    if near.both_ways:
        first, second = first[first < second], second[first < second]
    edges = np.append(np.arange(start, end, near.stretch), end)
    p, expected = _chance(found, near, edges, hits, first, second)
    if near.both_ways:
        # Either of the two may be the one that is moved; neither may look like chance.
        turned = Nearness(-near.until, -near.after, near.stretch)
        back, moved = _chance(found, turned, edges, hits, second, first)
        p, expected = np.maximum(p, back), np.maximum(expected, moved)
    return _Pairs(first, second, hits[first, second], p, expected)


def _hits(found: Episodes, near: Nearness) -> Ints:
    """How often each item had each other one near. An item's episodes lie so far apart that an
    episode is near one of them at most."""
    items, at = found.items, found.at
    begin, past = _range(at, near)
    hits = np.zeros(items * items, dtype=np.int64)
    many = np.concatenate(([0], np.cumsum(past - begin)))
    low = 0
    while low < len(at):
        high = max(low + 1, int(np.searchsorted(many, many[low] + _AT_ONCE, side="right")) - 1)
        count = past[low:high] - begin[low:high]
        one = np.repeat(np.arange(low, high), count)
        other = np.arange(len(one)) - np.repeat(many[low:high] - many[low], count) + begin[one]
        pair = found.item[one] * items + found.item[other]
        hits += np.bincount(pair, minlength=items * items)
        low = high
    table: Ints = hits.reshape(items, items)
    np.fill_diagonal(table, 0)
    return table


def _range(at: Floats, near: Nearness) -> tuple[Ints, Ints]:
    """The episodes that are near each of them."""
    side = "left" if near.both_ways else "right"
    begin = np.searchsorted(at, at + near.after, side=side)  # type: ignore[call-overload]
    return begin, np.searchsorted(at, at + near.until, side="right")


def _chance(
    found: Episodes, near: Nearness, edges: Floats, hits: Ints, first: Ints, second: Ints
) -> tuple[Floats, Floats]:
    """Bounds on the probability of the hits of pairs, and how many are expected, when the
    episodes of ``first`` move within their stretches."""
    items, stretches = found.items, len(edges) - 1
    where = np.clip(np.searchsorted(edges, found.at, side="right") - 1, 0, stretches - 1)
    counts = np.zeros((items, stretches))
    np.add.at(counts, (found.item, where), 1.0)
    covered = np.zeros((items, stretches))
    # An episode is a hit from so long before the other one until so long before it.
    for begin, end in _pieces(found.at - near.until, found.at - near.after, edges):
        spot = np.clip(np.searchsorted(edges, begin, side="right") - 1, 0, stretches - 1)
        np.add.at(covered, (found.item, spot), np.maximum(end - begin, 0.0))
    covered /= np.diff(edges)
    expected, trials = np.zeros(len(first)), np.zeros(len(first))
    for low in range(0, len(first), _ROWS):
        some = slice(low, low + _ROWS)
        mine, theirs = counts[first[some]], covered[second[some]]
        expected[some] = np.einsum("ij,ij->i", mine, theirs)
        # Only episodes that can be a hit are trials.
        trials[some] = np.einsum("ij,ij->i", mine, theirs > 0)
    share = np.divide(expected, trials, out=np.zeros_like(expected), where=trials > 0)
    return tail(hits[first, second], trials.astype(np.int64), share), expected


def _pieces(begin: Floats, end: Floats, edges: Floats) -> list[tuple[Floats, Floats]]:
    """Windows, no longer than a stretch, cut where a stretch ends: two pieces each, of which one
    may have no length; nothing lies outside of the stretches."""
    begin, end = np.clip(begin, edges[0], edges[-1]), np.clip(end, edges[0], edges[-1])
    cut = edges[np.minimum(np.searchsorted(edges, begin, side="right"), len(edges) - 1)]
    return [(begin, np.minimum(cut, end)), (cut, end)]


def _coincidence(
    found: Episodes, near: Nearness, pairs: _Pairs, one: int, rate: float
) -> Coincidence:
    first, second = int(pairs.first[one]), int(pairs.second[one])
    mine, others = (np.flatnonzero(found.item == item) for item in (first, second))
    at, theirs = found.at[mine], found.at[others]
    side = "left" if near.both_ways else "right"
    place = np.searchsorted(theirs, at + near.after, side=side)  # type: ignore[call-overload]
    past = np.searchsorted(theirs, at + near.until, side="right")
    hit = np.flatnonzero(place < past)
    both = [(int(mine[spot]), int(others[place[spot]])) for spot in hit[::-1]]
    lag = float(np.median([found.at[b] - found.at[a] for a, b in both]))
    return Coincidence(
        first, second, int(pairs.hits[one]), float(pairs.expected[one]), float(pairs.p[one]), rate,
        both, lag,
    )  # fmt: skip
