"""Metrics made up with a known truth: a healthy server's, and events put into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

DAY = 86_400.0
START = 1_700_006_400.0  # midnight, UTC

Values = np.ndarray[Any, np.dtype[np.floating[Any]]]


@dataclass(frozen=True, slots=True)
class Series:
    times: Values
    values: Values

    @property
    def step(self) -> float:
        return float(self.times[1] - self.times[0])


class Maker:
    """Parts of which metrics are put together; ``step`` in seconds."""

    def __init__(self, seed: int, weeks: float, step: float) -> None:
        self.random = np.random.default_rng(seed)
        self.step = step
        self.times: Values = START + np.arange(int(weeks * 7 * DAY / step)) * step
        self.clock = self.times % DAY
        self.rhythm: Values = np.sin(2 * np.pi * (self.times / DAY - 0.3))
        self.weekend = (self.times // DAY) % 7 >= 5

    def noise(self, size: float) -> Values:
        return self.random.normal(0.0, size, len(self.times))

    def wander(self, seconds: float, size: float) -> Values:
        """Noise that forgets itself in ``seconds``."""
        keep = float(np.exp(-self.step / seconds))
        pushes = self.noise(size * float(np.sqrt(1 - keep * keep))).tolist()
        return np.array(list(accumulate(pushes, lambda last, push: keep * last + push)))

    def bursts(self, per_day: float, seconds: float, size: float) -> Values:
        """Bursts at random, of exponential length and height."""
        total = np.zeros(len(self.times))
        count = self.random.poisson(per_day * len(self.times) * self.step / DAY)
        for _ in range(count):
            first = int(self.random.integers(len(total)))
            length = 1 + int(self.random.exponential(seconds) / self.step)
            total[first : first + length] += self.random.exponential(size)
        return total


def _cpu(make: Maker) -> Values:
    busy = 25 + 12 * make.rhythm + make.wander(600, 3) + make.noise(2) + make.bursts(20, 180, 15)
    return np.clip(busy, 0.5, 100)


def _backup(make: Maker) -> Values:
    nightly = (make.clock > 7200) & (make.clock < 8400)
    return np.clip(5 + make.noise(0.5) + 60 * nightly + 8 * (make.clock % 3600 < 120), 0, 100)


def _network(make: Maker) -> Values:
    return np.exp(
        10 + 0.8 * make.rhythm - 0.5 * make.weekend + make.wander(1800, 0.3) + make.noise(0.3)
    )


def _week(make: Maker) -> Values:
    office = 30 * np.clip(make.rhythm, 0, 1) * ~make.weekend
    return np.clip(10 + office + make.noise(2) + make.wander(1200, 2), 0, 100)


HEALTHY: Mapping[str, Callable[[Maker], Values]] = {
    "noise": lambda make: 50 + make.noise(5),
    "cpu": _cpu,
    "network": _network,
    "latency": lambda make: (
        20 + 5 * make.random.pareto(3, len(make.times)) + 5 * make.rhythm + make.bursts(4, 120, 20)
    ),
    "backup": _backup,
    "memory": lambda make: np.round(60 + make.wander(21_600, 3) + 3 * make.rhythm, 1),
    "idle": lambda make: np.round(
        np.clip(0.3 + make.noise(0.1) + make.bursts(2, 60, 3), 0, 100), 1
    ),
    "week": _week,
}


def healthy(kind: str, seed: int, weeks: float, step: float) -> Series:
    make = Maker(seed, weeks, step)
    return Series(make.times, HEALTHY[kind](make))


@dataclass(frozen=True, slots=True)
class Event:
    kind: str
    start: float
    end: float


DURATIONS = {"spike": 600.0, "shift": 43_200.0, "drop": 3600.0, "noise": 10_800.0, "high": 7200.0}


def with_events(series: Series, seed: int, after_days: float = 14) -> tuple[Series, list[Event]]:
    """The series with an event about every fourth day: a spike, a shift of the level, a drop below
    everything, noise on top, a plateau a little above everything."""
    random = np.random.default_rng(seed)
    times, values = series.times, series.values.copy()
    bottom, top = np.quantile(values, [0.001, 0.999])
    span = top - bottom
    events: list[Event] = []
    kinds = list(DURATIONS)
    start = times[0] + after_days * DAY + random.uniform(0, DAY)
    while start + DAY < times[-1]:
        kind = kinds[(seed + len(events)) % len(kinds)]
        first = int((start - times[0]) / series.step)
        last = first + int(DURATIONS[kind] / series.step)
        part = values[first:last]
        values[first:last] = {
            "spike": np.full(len(part), top + 0.7 * span),
            "shift": part + 0.6 * span,
            "drop": np.full(len(part), bottom - 0.3 * span),
            "noise": part + random.normal(0, 0.3 * span, len(part)),
            "high": top + random.normal(0.2, 0.02, len(part)) * span,
        }[kind]
        events.append(Event(kind, float(times[first]), float(times[last])))
        start += random.uniform(3.6, 4.4) * DAY
    return Series(times, values), events


def episodes(times: Values, apart: float = 3600.0) -> int:
    """How many alerts these times make, when those closer than ``apart`` seconds are one."""
    return int(len(times) > 0) + int(np.count_nonzero(np.diff(times) > apart))
