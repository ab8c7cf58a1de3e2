"""What a metric usually is at this time of day, learnt while it comes in. Pure.

Every half hour of the day (UTC) has a usual value and how far the days differ from it. What is
expected spans the half hour and its neighbours, so an hour's edge, a late backup or a small drift
of the clock is no surprise. Until a half hour has come once, the day's mean stands in.

Sources: exponential smoothing with a season (Winters 1960), kept as one mean and one mean
deviation for each part of the season as network monitors do (Brutlag, LISA 2000).
"""

from __future__ import annotations

import math
import struct
from array import array

BINS = 48
BIN_SECONDS = 86_400 / BINS
DAY_SHARE = 0.25  # what a new day weighs in the usual value of its half hours


class Expectation:
    __slots__ = ("bin", "count", "day", "deviation", "total", "usual")

    def __init__(self, value: float) -> None:
        self.usual = array("d", [math.nan] * BINS)
        self.deviation = array("d", [0.0] * BINS)
        self.day = value
        self.bin = -1
        self.total = 0.0
        self.count = 0

    def turn(self, at: float) -> bool:
        """Go to the half hour of ``at`` (seconds since the epoch); whether it is another one,
        of which the values of the one before were learnt."""
        now = int(at % 86_400.0 / BIN_SECONDS) % BINS
        if now == self.bin:
            return False
        if self.count:
            self._learn(self.bin, self.total / self.count)
        self.bin, self.total, self.count = now, 0.0, 0
        return True

    def span(self) -> tuple[float, float]:
        """The lowest and the highest value usual around this half hour."""
        usual, deviation, now = self.usual, self.deviation, self.bin
        low, high = math.inf, -math.inf
        for near in (now - 1, now, now + 1 - BINS):
            mean = usual[near]
            if mean == mean:  # learnt, not NaN
                low = min(low, mean - deviation[near])
                high = max(high, mean + deviation[near])
        return (low, high) if low <= high else (self.day, self.day)

    def middle(self) -> float:
        """The value expected now."""
        mean = self.usual[self.bin]
        low, high = self.span()
        return mean if mean == mean else (low + high) / 2

    def learn(self, value: float, day_share: float) -> None:
        self.total += value
        self.count += 1
        self.day += day_share * (value - self.day)

    def _learn(self, which: int, mean: float) -> None:
        usual = self.usual[which]
        if math.isnan(usual):
            self.usual[which] = mean
            return
        self.deviation[which] += DAY_SHARE * (abs(mean - usual) - self.deviation[which])
        self.usual[which] = usual + DAY_SHARE * (mean - usual)

    def pack(self) -> bytes:
        return struct.pack(
            PACKED, *self.usual, *self.deviation, self.day, self.total, self.bin, self.count
        )

    @classmethod
    def unpack(cls, packed: bytes) -> Expectation:
        values = struct.unpack_from(PACKED, packed)
        expectation = cls(values[2 * BINS])
        expectation.usual = array("d", values[:BINS])
        expectation.deviation = array("d", values[BINS : 2 * BINS])
        expectation.total, expectation.bin, expectation.count = values[2 * BINS + 1 :]
        return expectation


PACKED = f"<{2 * BINS + 2}d2i"
EXPECTATION_BYTES = struct.calcsize(PACKED)
