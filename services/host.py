"""What a machine says of itself: psutil -> observation. The hub uses it for its own machine,
the agent for the VPS that it runs on."""

from __future__ import annotations

import logging
import os
import platform
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import psutil

from services.observation import Observation

log = logging.getLogger(__name__)

GIB = 1024**3

#: Rates over less than this many seconds are noise: the kernel counts CPU time in 10 ms ticks.
SHORTEST_SPAN = 0.25

#: Images that are full by construction; they say nothing of the space that is left.
_IMAGES = frozenset({"squashfs", "iso9660", "udf", "erofs", "cramfs"})

Facts = Mapping[str, str | int | float]


class _Cpu(NamedTuple):
    at: float
    total: float
    idle: float


class _Network(NamedTuple):
    at: float
    by_card: Mapping[str, tuple[int, int]]


class HostReader:
    """Reads this machine for ``target``. Rates (CPU, network) cover the time since the read
    before; construction is the first one. Not for several threads at once.

    ``clock`` is monotonic seconds, ``cards`` the kernel's folder of network cards.
    """

    def __init__(
        self,
        target: str,
        clock: Callable[[], float] = time.monotonic,
        cards: Path = Path("/sys/class/net"),
    ) -> None:
        self._target = target
        self._clock = clock
        self._cards = cards
        self._os = _operating_system()
        self._cpu_before: _Cpu | None = None
        self._network_before: _Network | None = None
        for prime in (self._cpu, self._network):
            try:
                prime()
            except Exception as error:
                log.warning("%s cannot be read yet: %r", prime.__name__.strip("_"), error)

    def read(self, now: float) -> Observation:
        """The machine's metrics and facts, stamped ``now`` (seconds since the epoch, UTC).

        What cannot be read is left out and named in the fact ``unreadable``; when no metric
        at all could be read, ``error`` says so.
        """
        metrics: dict[str, float] = {}
        facts: dict[str, str | int | float] = {"os": self._os}
        unreadable: list[str] = []
        for measure in (self._cpu, _memory, _disk, _load, self._network):
            try:
                metrics.update(measure())
            except Exception as error:
                unreadable.append(_failure(measure, error))
        for describe in (_identity, _boot, _fullest_mount):
            try:
                facts.update(describe())
            except Exception as error:
                unreadable.append(_failure(describe, error))
        if unreadable:
            facts["unreadable"] = "; ".join(unreadable)
        error_text = None if metrics else f"nothing could be read: {facts.get('unreadable', '')}"
        return Observation(self._target, now, metrics, facts=facts, error=error_text)

    def _cpu(self) -> dict[str, float]:
        # psutil.cpu_percent() remembers its last reading per thread, and readings come from
        # whichever thread of a pool is free; hence our own difference.
        times = psutil.cpu_times()
        # Linux counts the time of guests inside user and nice already.
        guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
        idle = times.idle + getattr(times, "iowait", 0.0)
        current = _Cpu(self._clock(), sum(times) - guests, idle)
        before = self._cpu_before
        if before is not None and current.at - before.at < SHORTEST_SPAN:
            return {}
        self._cpu_before = current
        if before is None or current.total <= before.total:
            return {}
        busy = 1 - (current.idle - before.idle) / (current.total - before.total)
        return {"system.cpu.usage": min(max(100 * busy, 0.0), 100.0)}

    def _network(self) -> dict[str, float]:
        counters = psutil.net_io_counters(pernic=True, nowrap=False)
        cards = self._counted(frozenset(counters))
        current = _Network(
            self._clock(),
            {name: (counters[name].bytes_recv, counters[name].bytes_sent) for name in cards},
        )
        before = self._network_before
        if before is not None and current.at - before.at < SHORTEST_SPAN:
            return {}
        self._network_before = current
        if before is None or not cards:
            return {}
        received = sent = 0
        for name, (bytes_in, bytes_out) in current.by_card.items():
            # A card that just came has no span; a counter that shrank began again at zero.
            old_in, old_out = before.by_card.get(name, (bytes_in, bytes_out))
            received += bytes_in - old_in if bytes_in >= old_in else bytes_in
            sent += bytes_out - old_out if bytes_out >= old_out else bytes_out
        seconds = current.at - before.at
        return {
            "system.network.received": received / seconds,
            "system.network.sent": sent / seconds,
        }

    def _counted(self, names: frozenset[str]) -> list[str]:
        """The cards whose bytes cross the machine's border.

        Bridges, container and VPN interfaces carry bytes that a real card carries as well.
        Inside a container no card is a device; then everything but the loopback counts.
        """
        outside = [name for name in names if not self._is_loopback(name)]
        return [name for name in outside if (self._cards / name / "device").exists()] or outside

    def _is_loopback(self, name: str) -> bool:
        try:
            return bool(int((self._cards / name / "flags").read_text(), 16) & 0x8)  # IFF_LOOPBACK
        except (OSError, ValueError):
            return name in ("lo", "lo0") or name.startswith("Loopback")


def _failure(reading: Callable[[], object], error: Exception) -> str:
    name = reading.__name__.strip("_").replace("_", " ")
    log.debug("%s could not be read", name, exc_info=error)
    return f"{name} ({type(error).__name__}: {error})"


def _memory() -> dict[str, float]:
    memory = psutil.virtual_memory()
    # "Available" is what programs can still get; caches are not counted as used.
    used = memory.total - memory.available
    return {
        "system.memory.used": used / GIB,
        "system.memory.total": memory.total / GIB,
        "system.memory.usedPercent": 100 * used / memory.total,
    }


def _disk() -> dict[str, float]:
    usage = psutil.disk_usage("/")
    return {
        "system.disk.used": usage.used / GIB,
        "system.disk.total": usage.total / GIB,
        # As df counts: of what users may fill, without the blocks reserved for root.
        "system.disk.usedPercent": float(usage.percent),
    }


def _load() -> dict[str, float]:
    return {"system.load.1m": psutil.getloadavg()[0]}


def _identity() -> Facts:
    return {"hostname": socket.gethostname(), "cores": psutil.cpu_count() or os.cpu_count() or 1}


def _boot() -> Facts:
    return {"bootTime": int(psutil.boot_time())}


def _fullest_mount() -> Facts:
    """The local filesystem with the least room: the root's figures would hide a full /var."""
    fullest, share = "/", float(psutil.disk_usage("/").percent)
    seen: set[str] = set()
    for part in psutil.disk_partitions(all=False):
        read_only = "ro" in part.opts.split(",")
        if part.fstype in _IMAGES or read_only or part.device in seen:
            continue
        seen.add(part.device)
        if not Path(part.mountpoint).is_dir():  # a file bound into a container
            continue
        try:
            percent = float(psutil.disk_usage(part.mountpoint).percent)
        except OSError:  # not ours to read; the others still count
            continue
        if percent > share:
            fullest, share = part.mountpoint, percent
    # Whole percents, for a fact is stored anew whenever it changes.
    return {"fullestMount": fullest, "fullestMountPercent": round(share)}


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}".strip()
