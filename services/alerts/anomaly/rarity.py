"""How many times a week something as large as this comes. Pure.

A tail counts episodes, not values: how often a size was reached, with pauses of at least an hour
between. What comes out is a rate by the clock, so a budget in alerts a week means the same whether
a metric is read every 10 seconds or every 10 minutes. Sizes are kept in half octaves, and counts
fade, so that what was usual a season ago may be news again.

Sources: return levels and runs declustering of extremes (Coles, An Introduction to Statistical
Modeling of Extreme Values, 2001, chapters 3 and 5); peaks over a threshold for streams (Siffer,
Fouque, Termier, Largouet, KDD 2017); a Pareto tail beyond what was seen (Pickands 1975).
"""

from __future__ import annotations

import math
import struct
from array import array

LEVELS = 48  # half octaves: sizes from 1 to 16 million
NEVER = -1e9
AGAIN = 86_400.0  # seconds: what lasts is counted once a day
ENOUGH = 8.0  # episodes from which on a count speaks for itself
# With every doubling a quarter of the episodes is left (a Pareto tail of index 2, finite mean and
# no finite variance), believed as much as half an episode seen.
LEFT = 0.5
BELIEF = 0.5
# An episode that was told makes others of its kind, down to 0.7 of its size, less worth telling,
# smaller ones by a quarter only: a second event of a different size is news of its own.
KIND = 2
OTHER = 0.25


class Tail:
    """Episodes of one kind of residual in one direction, by the size they reached."""

    __slots__ = ("base", "counted_at", "episodes", "seen_at", "told", "told_at", "told_level")

    def __init__(self) -> None:
        self.base: float = math.nan  # half octaves of the lowest level
        self.episodes = array("f", [0.0] * LEVELS)
        self.told = array("f", [0.0] * LEVELS)
        self.seen_at = array("f", [NEVER] * LEVELS)  # last value of exactly this level
        self.counted_at = array("f", [NEVER] * LEVELS)
        self.told_level = 0
        self.told_at = NEVER

    def observe(self, size: float, now: float, pause: float, weeks: float, limit: float) -> float:
        """Episodes a week that reach ``size``, counting this one from now on.

        Infinite when the running episode had reached it already: nothing new. ``pause`` (seconds)
        ends an episode, ``weeks`` is the time counted so far, faded like the counts. An episode
        at or below ``limit`` a week is taken as told.
        """
        if size <= 0.0:
            return math.inf
        position = self._position(size)
        level = int(position)
        seen, counted = self.seen_at, self.counted_at
        if now - seen[level] <= pause and now - counted[level] < AGAIN:
            seen[level] = now
            return math.inf
        last = max(seen[level:])
        new = now - last > pause
        rate = self._rate(position, weeks) if new else math.inf
        told = rate <= limit
        since = max(counted[level:])
        below = level
        while below >= 0:
            last = max(last, seen[below])
            since = max(since, counted[below])
            if now - last <= pause and now - since < AGAIN:
                break
            if not told:
                self.episodes[below] += 1.0
            below -= 1
        if below < level:
            counted[level] = now
            if told:
                self._tell(int(position + 0.5), now, pause)
            else:
                # Shared with the next level by its place between the two, so that what always
                # comes in one size is not taken for rarer than it is.
                self.episodes[level + 1] += position - level
        seen[level] = now
        return rate

    def limit(self, rate: float, weeks: float) -> float | None:
        """The size from which on fewer than ``rate`` episodes a week come; None before any."""
        if math.isnan(self.base):
            return None
        counts = self._counts()
        level = LEVELS - 1
        while counts[level] < ENOUGH and level > 0:
            level -= 1
        here = counts[level]
        expected = (here if here >= ENOUGH else here + 1.0) / weeks
        while expected > rate and level < LEVELS - 1:
            level += 1
            expected *= (counts[level] + BELIEF * LEFT) / (here + BELIEF)
            here = counts[level]
        return float(2.0 ** ((level + self.base) / 2.0))

    def fade(self, share: float) -> None:
        """Keep ``share`` of every count."""
        for level in range(LEVELS):
            self.episodes[level] *= share
            self.told[level] *= share

    def _position(self, size: float) -> float:
        """The level of a size, with its fraction; the levels slide up when one is too large."""
        octaves = 2.0 * math.log2(size)
        if math.isnan(self.base):
            self.base = math.floor(octaves) - LEVELS / 2
        position = octaves - self.base
        if position < 0.0:
            return 0.0
        if position < LEVELS - 2:
            return position
        shift = int(position) - (LEVELS - 3)
        self.base += shift
        self.told_level = max(self.told_level - shift, 0)
        gone = min(shift, LEVELS - 1)
        for name, empty in (
            ("episodes", 0.0),
            ("told", 0.0),
            ("seen_at", NEVER),
            ("counted_at", NEVER),
        ):
            levels: array[float] = getattr(self, name)
            lowest = max(levels[: gone + 1])
            levels = levels[gone:] + array("f", [empty] * gone)
            levels[0] = lowest
            setattr(self, name, levels)
        return octaves - self.base

    def _tell(self, level: int, now: float, pause: float) -> None:
        """Take an episode as told, once however often it grows."""
        told = self.told
        if now - self.told_at <= pause and told[self.told_level] >= 1.0:
            told[self.told_level] -= 1.0
        told[level] += 1.0
        self.told_level, self.told_at = level, now

    def _told(self, level: int) -> float:
        told = self.told
        return float(sum(told[level : level + KIND]) + OTHER * sum(told[level + KIND :]))

    def _counts(self) -> list[float]:
        """What ``_rate`` counts at each level."""
        counts = [0.0] * LEVELS
        above = most = near = far = 0.0
        for level in range(LEVELS - 1, -1, -1):
            most = max(most, self.episodes[level])
            near += self.told[level]
            if level + KIND < LEVELS:
                near -= self.told[level + KIND]
                far += self.told[level + KIND]
            above = max(above, most + near + OTHER * far)
            counts[level] = above
        return counts

    def _rate(self, position: float, weeks: float) -> float:
        """Episodes a week at ``position``: from the nearest level below that was reached often
        enough, by the shares that went on from level to level."""
        level = int(position)
        episodes = self.episodes
        # A level that is never left has one endless episode: at least as many as above it.
        most = max(episodes[level + 1 :])
        above = most + self._told(level + 1)
        most = max(most, episodes[level])
        here = most + self._told(level)
        share = ((above + BELIEF * LEFT) / (here + BELIEF)) ** (position - level)
        while here < ENOUGH and level > 0:
            level -= 1
            most = max(most, episodes[level])
            lower = max(here, most + self._told(level))
            share *= (here + BELIEF * LEFT) / (lower + BELIEF)
            here = lower
        return float((here if here >= ENOUGH else here + 1.0) / weeks * share)

    def pack(self) -> bytes:
        arrays = self.episodes + self.told + self.seen_at + self.counted_at
        head = struct.pack(HEAD, self.base, self.told_level, self.told_at)
        return head + struct.pack(f"<{4 * LEVELS}f", *arrays)

    @classmethod
    def unpack(cls, packed: bytes) -> Tail:
        tail = cls()
        tail.base, tail.told_level, tail.told_at = struct.unpack_from(HEAD, packed)
        values = struct.unpack_from(f"<{4 * LEVELS}f", packed, struct.calcsize(HEAD))
        tail.episodes, tail.told, tail.seen_at, tail.counted_at = (
            array("f", values[start : start + LEVELS]) for start in range(0, 4 * LEVELS, LEVELS)
        )
        return tail


HEAD = "<did"
TAIL_BYTES = struct.calcsize(HEAD) + 4 * LEVELS * 4
