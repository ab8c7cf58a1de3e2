"""When the trouble of each (rule, target) began: what patterns are looked for in. Pure.

Firings that follow each other closely are one trouble that comes and goes, not so many
coincidences: an episode begins with a firing before which its rule and target had none for
``REST`` seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.insights.firings import Firings, Floats, Ints

REST = 3600.0
#: Episodes that something must have to be looked at.
FEWEST = 3
#: So many (rule, target) are looked at: those with the most episodes.
MOST_ITEMS = 400


@dataclass(frozen=True, slots=True)
class Episodes:
    """Episodes in the order of time: ``at`` (seconds since the epoch), ``item`` (a place in
    ``rule`` and ``target``, which are those of the firings), ``alert`` that began it. ``of``: how
    many (rule, target) had enough episodes to be looked at."""

    at: Floats
    item: Ints
    alert: Ints
    rule: Ints
    target: Ints
    counts: Ints
    of: int

    @property
    def items(self) -> int:
        return len(self.rule)


def episodes(firings: Firings) -> Episodes:
    """The episodes of whatever had ``FEWEST`` or more, of ``MOST_ITEMS`` at most."""
    width = max(len(firings.targets), 1)
    keys, item = np.unique(firings.rule * width + firings.target, return_inverse=True)
    # Item by item, each in the order of time: the firings come in that order.
    order = np.argsort(item, kind="stable")
    at, of = firings.opened[order], item[order]
    begins = np.ones(len(at), dtype=bool)
    begins[1:] = (of[1:] != of[:-1]) | (np.diff(at) > REST)
    first = np.sort(order[begins])
    counts = np.bincount(item[first], minlength=len(keys))
    enough = np.flatnonzero(counts >= FEWEST)
    chosen = np.sort(enough[np.argsort(-counts[enough], kind="stable")][:MOST_ITEMS])
    place = np.full(len(keys), -1)
    place[chosen] = np.arange(len(chosen))
    kept = first[place[item[first]] >= 0]
    return Episodes(
        firings.opened[kept], place[item[kept]], firings.alert[kept],
        keys[chosen] // width, keys[chosen] % width, counts[chosen], len(enough),
    )  # fmt: skip
