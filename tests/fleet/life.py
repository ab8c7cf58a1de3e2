"""How a server lives: its values at any moment, from its seed alone. Nothing is counted up, so
the past, the present and another run agree."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

DAY = 86400.0
#: Every server was started some time before this moment (in 2025).
ANCHOR = 1_750_000_000.0
GIB = float(1 << 30)

_MASK = (1 << 64) - 1
_GRAIN = 20.0
#: CPU share of a server under the fault ``busy``.
BUSY = 0.965


def noise(seed: int, at: int) -> float:
    """A number from 0 up to 1 that looks random; the finaliser of splitmix64."""
    x = (seed + at * 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return (x ^ (x >> 31)) / 2.0**64


@dataclass
class Strain:
    """Something that wears a server down from ``start`` to ``end`` (seconds since the epoch;
    None: still). ``kind``: ``busy`` at once, ``leak`` (memory) and ``disk`` rise evenly to the
    share ``to`` within ``over`` seconds."""

    kind: str
    start: float
    to: float = BUSY
    over: float = 60.0
    end: float | None = None

    def holds(self, at: float) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True)
class _Wave:
    period: float
    size: float
    phase: float

    def at(self, t: float) -> float:
        return self.size * math.sin(math.tau * t / self.period + self.phase)

    def area(self, t: float) -> float:
        """The integral up to ``t``, but for a constant."""
        turn = math.tau / self.period
        return -self.size / turn * math.cos(turn * t + self.phase)


@dataclass
class Life:
    """One server. Times are seconds since the epoch, shares 0 to 1, sizes bytes."""

    name: str
    seed: int
    cores_fixed: int | None = None
    strains: list[Strain] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = random.Random(f"{self.seed}:{self.name}")
        self._noise = rng.getrandbits(63)
        self.cores = self.cores_fixed or rng.choice((2, 2, 4, 4, 8))
        self.memory_total = (rng.choice((4, 8, 8, 16)) - 0.15) * GIB
        self.disk_total = rng.choice((40, 80, 160)) * GIB * 0.98
        self.boot = ANCHOR - rng.uniform(1, 120) * DAY
        amplitude = rng.uniform(0.04, 0.16)
        self._level = rng.uniform(0.10, 0.20) + amplitude
        noon = math.tau * rng.uniform(12, 15) / 24
        self._waves = (
            _Wave(DAY, amplitude, math.pi / 2 - noon),
            _Wave(2460.0, 0.018, rng.uniform(0, math.tau)),
            _Wave(433.0, 0.012, rng.uniform(0, math.tau)),
        )
        self._memory = rng.uniform(0.35, 0.60)
        self._disk = rng.uniform(0.25, 0.55)
        self._deploys = rng.uniform(2.5, 6.5) * DAY, rng.uniform(0, 6) * DAY
        self._cleaning = rng.uniform(6, 12) * DAY, rng.uniform(0, 12) * DAY
        self._traffic = rng.uniform(2e5, 2e6)

    def cpu(self, at: float) -> float:
        """The share of the CPU that is in use."""
        if any(strain.kind == "busy" and strain.holds(at) for strain in self.strains):
            return BUSY
        grain = int(at // _GRAIN)
        slope = (noise(self._noise, grain + 1) - noise(self._noise, grain)) * 0.8 / _GRAIN
        deployed = 0.12 if self.since_deploy(at) < 120 else 0.0
        return self._level + sum(wave.at(at) for wave in self._waves) + slope + deployed

    def busy_seconds(self, at: float) -> float:
        """CPU seconds used by each core since the boot: the integral of ``cpu``."""
        total = self._area(at) - self._area(self.boot)
        for strain in self.strains:
            if strain.kind == "busy" and strain.start < at:
                end = at if strain.end is None else min(at, strain.end)
                usual = self._area(end) - self._area(strain.start)
                total += BUSY * (end - strain.start) - usual
        return total

    def memory(self, at: float) -> float:
        """The share of the memory in use; it creeps up from one deployment to the next."""
        grown = 0.09 * self.since_deploy(at) / self._deploys[0]
        daily = 0.03 * self._waves[0].at(at) / self._waves[0].size
        shaken = 0.008 * noise(self._noise ^ 1, int(at // 5))
        return self._strained("leak", self._memory + grown + daily + shaken, at)

    def disk(self, at: float) -> float:
        """The share of the disk in use; it fills until the next tidying up."""
        period, phase = self._cleaning
        filled = 0.16 * ((at + phase) % period) / period
        shaken = 0.0006 * noise(self._noise ^ 2, int(at // 15))
        return self._strained("disk", self._disk + filled + shaken, at)

    def load(self, at: float) -> float:
        """The load of one minute: processes."""
        share = self.cpu(at)
        queue = 3.0 if share > 0.9 else 0.0
        wobble = 0.85 + 0.3 * noise(self._noise ^ 3, int(at // 5))
        return self.cores * (share * 1.15 * wobble + queue)

    def received(self, at: float) -> float:
        """Bytes received since the boot; they follow the CPU."""
        return self._traffic * (self._area(at) - self._area(self.boot))

    def sent(self, at: float) -> float:
        return 2.7 * self.received(at)

    def rate(self, total: Callable[[float], float], at: float) -> float:
        """Per second, over the last half minute."""
        return (total(at) - total(at - 30)) / 30

    def latency_ms(self, base_ms: float, at: float, cpu: float | None = None) -> float:
        """How long a service takes that needs ``base_ms`` on an idle server: more as the load
        rises (a queue's), with a long tail. ``cpu``: the share in use, when it is known."""
        share = min(self.cpu(at) if cpu is None else cpu, 0.95)
        luck = noise(self._noise ^ 4, int(at * 1000))
        tail = 0.85 + 0.3 * luck + (1.5 if luck > 0.985 else 0.0)
        return base_ms * (0.7 + 0.6 * share / (1.02 - share)) * tail

    def since_deploy(self, at: float) -> float:
        """Seconds since the services of this server were last deployed (and restarted)."""
        period, phase = self._deploys
        return (at + phase) % period

    def version(self, at: float) -> str:
        period, phase = self._deploys
        return f"1.4.{int((at + phase - ANCHOR) // period) % 100}"

    def _area(self, t: float) -> float:
        grain, part = divmod(t, _GRAIN)
        before, after = noise(self._noise, int(grain)), noise(self._noise, int(grain) + 1)
        shaken = 0.8 * (before + (after - before) * part / _GRAIN)
        period, phase = self._deploys
        deploys, since = divmod(t + phase, period)
        deployed = 0.12 * (deploys * 120 + min(since, 120))
        return self._level * t + sum(wave.area(t) for wave in self._waves) + shaken + deployed

    def _strained(self, kind: str, share: float, at: float) -> float:
        for strain in self.strains:
            if strain.kind == kind and strain.holds(at):
                risen = min((at - strain.start) / strain.over, 1.0) if strain.over else 1.0
                share += max(strain.to - share, 0.0) * risen
        return min(share, 0.995)
