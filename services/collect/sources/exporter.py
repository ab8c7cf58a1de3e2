"""The exporter source: a server's node_exporter, its families turned into our metrics."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from services.collect.sources.exposition import Family, Labels, Wanted
from services.collect.sources.fetch import Fetcher, Unfetchable
from services.host import GIB, SHORTEST_SPAN
from services.observation import Observation

if TYPE_CHECKING:
    from services.collect.checks import ProbeContext
    from services.inventory.schema import ExporterSource

MOST_BYTES = 4 * 1024 * 1024

CPU = "node_cpu_seconds_total"
MEMORY_TOTAL, MEMORY_FREE = "node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes"
DISK_SIZE, DISK_FREE = "node_filesystem_size_bytes", "node_filesystem_free_bytes"
DISK_LEFT = "node_filesystem_avail_bytes"
LOAD = "node_load1"
RECEIVED, SENT = "node_network_receive_bytes_total", "node_network_transmit_bytes_total"
BOOT, UNAME = "node_boot_time_seconds", "node_uname_info"

FAMILIES = (
    CPU, MEMORY_TOTAL, MEMORY_FREE, DISK_SIZE, DISK_FREE, DISK_LEFT, LOAD, RECEIVED, SENT, BOOT,
    UNAME,
)  # fmt: skip

_WANTED = Wanted("node_", FAMILIES)

_IDLE = (("mode", "idle"), ("mode", "iowait"))

#: Filesystems that hold nothing of their own, or are full by construction.
_UNREAL = frozenset(
    {
        "autofs", "cgroup", "cgroup2", "cramfs", "devtmpfs", "erofs", "fuse.lxcfs", "iso9660",
        "nsfs", "overlay", "proc", "ramfs", "rootfs", "rpc_pipefs", "squashfs", "sysfs", "tmpfs",
        "tracefs", "udf",
    }
)  # fmt: skip

#: Cards whose bytes a real card carries as well: bridges, containers, tunnels, bonds.
_VIRTUAL = (
    "bond", "br-", "cali", "cni", "docker", "dummy", "flannel", "ifb", "lxc", "tap", "tun", "veth",
    "virbr", "vnet", "wg",
)  # fmt: skip

Facts = dict[str, str | int | float]
Page = Mapping[str, Family]


class _Unusable(Exception):
    """What a family says cannot be used; the text says why."""


class ExporterReader:
    """Scrapes one exporter over a connection that it keeps. Rates (CPU, network) cover the time
    since the scrape before. ``wall`` is seconds since the epoch (UTC), ``clock`` monotonic."""

    def __init__(
        self,
        vps_id: str,
        source: ExporterSource,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._vps_id = vps_id
        self._fetcher = Fetcher(source.url, "text/plain;version=0.0.4,*/*;q=0.1", MOST_BYTES)
        self._wall = wall
        self._machine = Machine(clock)

    async def read(self, timeout: float, context: ProbeContext) -> Observation:
        """One scrape within ``timeout`` seconds; what went wrong stands in ``error``."""
        try:
            answer = await self._fetcher.get(timeout, context)
        except Unfetchable as failure:
            return Observation(self._vps_id, self._wall(), error=str(failure))
        now = self._wall()
        if not 200 <= answer.code < 300:
            text = f"the exporter answered {answer.code} where 200 was expected"
            return Observation(self._vps_id, now, error=text)
        if answer.truncated:
            text = f"the exporter answered more than {MOST_BYTES // 2**20} MiB"
            return Observation(self._vps_id, now, error=text)
        page = _WANTED.read(answer.body)
        if not page:
            return Observation(self._vps_id, now, error=_stranger(answer.content_type, answer.body))
        metrics, facts = self._machine.read(page)
        error = None if metrics else f"nothing could be read: {facts.get('unreadable', '')}"
        return Observation(self._vps_id, now, metrics, facts=facts, error=error)

    def close(self) -> None:
        """Hangs up."""
        self._fetcher.close()


class Machine:
    """What the pages of one node_exporter say, one after the other. ``clock``: monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._cpu_before: tuple[float, Mapping[Labels, float]] | None = None
        self._cards_before: dict[str, tuple[float, dict[str, float]]] = {}

    def read(self, page: Page) -> tuple[dict[str, float], Facts]:
        """Metrics and facts. What cannot be used is left out, and the fact ``unreadable`` says
        why."""
        metrics: dict[str, float] = {}
        facts: Facts = {}
        troubles: list[str] = []
        for measure in (self._cpu, _memory, _load, self._received, self._sent):
            try:
                metrics.update(measure(page))
            except _Unusable as trouble:
                troubles.append(str(trouble))
        for describe in (_cores, _hostname, _boot):
            try:
                facts.update(describe(page))
            except _Unusable as trouble:
                troubles.append(str(trouble))
        try:
            of_disk, fullest = _disk(page)
            metrics.update(of_disk)
            facts.update(fullest)
        except _Unusable as trouble:
            troubles.append(str(trouble))
        if troubles:
            facts["unreadable"] = "; ".join(dict.fromkeys(troubles))
        return metrics, facts

    def _cpu(self, page: Page) -> dict[str, float]:
        now, current = self._clock(), _samples(page, CPU)
        before = self._cpu_before
        if before is not None and now - before[0] < SHORTEST_SPAN:
            return {}
        self._cpu_before = now, current
        if before is None:
            return {}
        spent = _grown(before[1], current)
        total = sum(spent.values())
        if total <= 0:
            return {}
        idle = sum(value for labels, value in spent.items() if _is_idle(labels))
        return {"system.cpu.usage": min(max(100 * (1 - idle / total), 0.0), 100.0)}

    def _received(self, page: Page) -> dict[str, float]:
        return self._rate(page, RECEIVED, "system.network.received")

    def _sent(self, page: Page) -> dict[str, float]:
        return self._rate(page, SENT, "system.network.sent")

    def _rate(self, page: Page, family: str, metric: str) -> dict[str, float]:
        now, cards = self._clock(), _cards(page, family)
        before = self._cards_before.get(family)
        if before is not None and now - before[0] < SHORTEST_SPAN:
            return {}
        self._cards_before[family] = now, cards
        if before is None or not cards:
            return {}
        bytes_ = sum(
            value - before[1][name] if value >= before[1][name] else value
            for name, value in cards.items()
            if name in before[1]  # a card that just came has no span
        )
        return {metric: bytes_ / (now - before[0])}


def _grown(before: Mapping[Labels, float], now: Mapping[Labels, float]) -> dict[Labels, float]:
    """Seconds that each counter grew by. A machine that began again counts from zero; a single
    counter that shrank does not count (the kernel corrects the idle ones downwards)."""
    common = [labels for labels in now if labels in before]
    again = sum(now[labels] for labels in common) < sum(before[labels] for labels in common)
    return {
        labels: now[labels] if again else max(now[labels] - before[labels], 0.0)
        for labels in common
    }


def _is_idle(labels: Labels) -> bool:
    return _IDLE[0] in labels or _IDLE[1] in labels


def _samples(page: Page, name: str) -> Mapping[Labels, float]:
    """The samples of a family, all fit for use. Raises _Unusable."""
    family = page.get(name)
    if family is None:
        raise _Unusable(f"{name} is missing")
    if family.garbled:
        raise _Unusable(f"{name} has a line that is not in the text format")
    if family.twice:
        raise _Unusable(f"{name} says the same sample twice")
    values = family.samples.values()
    if not math.isfinite(sum(values)):
        raise _Unusable(f"{name} is not a number")
    if min(values) < 0:
        raise _Unusable(f"{name} is negative")
    return family.samples


def _single(page: Page, name: str) -> float:
    values = [*_samples(page, name).values()]
    if len(values) != 1:
        raise _Unusable(f"{name} has {len(values)} samples where one was expected")
    return values[0]


def _memory(page: Page) -> dict[str, float]:
    total, available = _single(page, MEMORY_TOTAL), _single(page, MEMORY_FREE)
    if not 0 <= available <= total or total == 0:
        raise _Unusable(f"{MEMORY_FREE} is more than {MEMORY_TOTAL}, or that is 0")
    used = total - available
    return {
        "system.memory.used": used / GIB,
        "system.memory.total": total / GIB,
        "system.memory.usedPercent": 100 * used / total,
    }


def _load(page: Page) -> dict[str, float]:
    return {"system.load.1m": _single(page, LOAD)}


def _disk(page: Page) -> tuple[dict[str, float], Facts]:
    """Of the root, or where that is not told of, of the fullest filesystem."""
    mounts = _mounts(page)
    if not mounts:
        raise _Unusable(f"{DISK_SIZE} tells of no filesystem on a disk")
    fullest = max(mounts, key=lambda mount: _percent(mounts[mount]))
    shown = mounts.get("/") or mounts[fullest]
    size, free, _ = shown
    metrics = {
        "system.disk.used": (size - free) / GIB,
        "system.disk.total": size / GIB,
        "system.disk.usedPercent": _percent(shown),
    }
    # Whole percents, for a fact is stored anew whenever it changes.
    return metrics, {
        "fullestMount": fullest[:200],
        "fullestMountPercent": round(_percent(mounts[fullest])),
    }


def _mounts(page: Page) -> dict[str, tuple[float, float, float]]:
    """Size, free bytes and those that users may fill, of each filesystem on a disk."""
    sizes = _samples(page, DISK_SIZE)
    free, left = _samples(page, DISK_FREE), _samples(page, DISK_LEFT)
    found = {}
    for labels, size in sizes.items():
        named = dict(labels)
        if named.get("fstype") in _UNREAL or size == 0:
            continue
        if labels not in free or labels not in left:
            raise _Unusable(f"{DISK_FREE} or {DISK_LEFT} misses a filesystem")
        if not left[labels] <= free[labels] <= size:
            raise _Unusable(f"{DISK_FREE} is more than {DISK_SIZE}, or less than {DISK_LEFT}")
        found[named.get("mountpoint", "")] = (size, free[labels], left[labels])
    return found


def _percent(mount: tuple[float, float, float]) -> float:
    """As df counts: of what users may fill, without the blocks reserved for root."""
    size, free, left = mount
    used = size - free
    return 100 * used / (used + left) if used + left else 100.0


def _cards(page: Page, family: str) -> dict[str, float]:
    """The bytes of each card that crosses the machine's border."""
    cards = {
        name: value
        for labels, value in _samples(page, family).items()
        if (name := dict(labels).get("device", "")) != "lo"
    }
    real = {
        name: value
        for name, value in cards.items()
        if not name.startswith(_VIRTUAL) and "." not in name
    }
    return real or cards


def _cores(page: Page) -> Facts:
    family = page.get(CPU)
    cores = {dict(labels).get("cpu") for labels in family.samples} if family else set()
    return {"cores": len(cores)} if cores else {}


def _hostname(page: Page) -> Facts:
    for labels in _samples(page, UNAME):
        named = dict(labels)
        system = f"{named.get('sysname', '')} {named.get('release', '')}".strip()
        return {"hostname": named.get("nodename", "")[:253], "os": system[:100]}
    return {}


def _boot(page: Page) -> Facts:
    return {"bootTime": int(_single(page, BOOT))}


def _stranger(content_type: str, body: bytes) -> str:
    """What came instead of an exporter's page."""
    if not body.strip():
        return "the exporter answered an empty page"
    if "html" in content_type.lower() or body[:200].lstrip().lower().startswith((b"<!", b"<html")):
        return "answered a web page where metrics were expected; does the address end in /metrics?"
    return "answered no metric of a node_exporter; does the address end in /metrics?"
