"""Where a metric is kept and how precisely, and how long each kind of memory lasts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from services import metrics
from services.errors import ValidationError
from services.metrics import CATALOGUE, HOST_METRICS
from services.settings import Settings

HOUR = 3600
DAY = 86400

#: Decimals that are kept of a value, by its unit: well below what the source can tell (CPU time
#: is counted in ticks of 10 ms, the kernel writes a load with two decimals) and what makes values
#: small on disk. Values of any other unit are kept as they come.
DECIMALS: Mapping[str, int] = {
    "%": 3,
    "GiB": 4,
    "processes": 2,
    "bytes/s": 0,
    "ms": 2,
    "s": 0,
}

#: Numbers of the host metrics in rollups and blocks; a number is never given to another metric.
_HOST_NUMBERS: Mapping[str, int] = {
    "cpu": 101,
    "memory": 102,
    "memory_used": 103,
    "memory_total": 104,
    "disk": 105,
    "disk_used": 106,
    "disk_total": 107,
    "load": 108,
    "network_in": 109,
    "network_out": 110,
}

#: Metrics that are computed from the samples of another one.
_SAMPLES_OF = {"api.averageResponseTime": "service.responseTime"}


@dataclass(frozen=True, slots=True)
class Stored:
    """A metric in the store: ``column`` in the wide host rows, or None for the narrow rows, and
    its ``number`` there, in rollups and in blocks."""

    name: str
    number: int
    column: str | None
    decimals: int | None


def _stored(metric: metrics.Metric) -> Stored:
    number = _HOST_NUMBERS[metric.column] if metric.column else metric.number or 0
    return Stored(metric.name, number, metric.column, DECIMALS.get(metric.unit))


#: The metrics of a machine in the order of its row's columns, and those with narrow rows.
HOST: tuple[Stored, ...] = tuple(_stored(m) for m in HOST_METRICS)
NARROW: tuple[Stored, ...] = tuple(_stored(m) for m in CATALOGUE.values() if m.number)
_BY_NAME: Mapping[str, Stored] = {s.name: s for s in (*HOST, *NARROW)}


def find(name: str) -> Stored:
    """The place of a metric by its full or short name. Raises ValidationError for one that does
    not exist and for one that is a state: those are kept as intervals."""
    metric = metrics.find(name)
    found = _BY_NAME.get(_SAMPLES_OF.get(metric.name, metric.name))
    if not metric.remembered and not metric.states:
        raise ValidationError(f"'{name}' is computed for rules and not kept, so it has no past")
    if found is None:
        raise ValidationError(
            f"'{name}' is a state and has no numbers to show; its changes are status intervals"
        )
    return found


def kept(value: float, decimals: int | None) -> float | None:
    """``value`` as it is stored: rounded to ``decimals``, None when it is no finite number."""
    if not math.isfinite(value):
        return None
    return float(value) if decimals is None else round(float(value), decimals)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long each kind of memory lasts; samples leave the rows for a packed block when their
    whole UTC day is older than ``raw_hours``."""

    raw_hours: float = 48
    blocks_days: float = 90
    minutes_days: float = 14
    ten_minutes_days: float = 90
    hours_days: float = 730

    @classmethod
    def of(cls, settings: Settings) -> Retention:
        return cls(
            raw_hours=settings.retention_raw_hours,
            blocks_days=settings.retention_blocks_days,
            minutes_days=settings.retention_1m_days,
            ten_minutes_days=settings.retention_10m_days,
            hours_days=settings.retention_1h_days,
        )

    def level(self, seconds: int) -> float:
        """How long a level of rollups is kept, in seconds."""
        days = {60: self.minutes_days, 600: self.ten_minutes_days, 3600: self.hours_days}
        return days[seconds] * DAY

    @property
    def samples(self) -> float:
        """How long the samples themselves are kept, in rows or in blocks, in seconds."""
        return max(self.blocks_days * DAY, self.raw_hours * HOUR)
