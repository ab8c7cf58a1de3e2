"""What a server's node_exporter would say: its names, its labels, counters that count."""

from __future__ import annotations

from tests.fleet.life import Life

#: Share of the busy time that each mode of a CPU takes.
_MODES = (
    ("iowait", 0.01),
    ("irq", 0.0),
    ("nice", 0.0),
    ("softirq", 0.02),
    ("steal", 0.01),
    ("system", 0.23),
    ("user", 0.73),
)
_TMPFS = 812_000_000


class Exporter:
    """``page(at)`` is the body of ``/metrics`` of one server at a moment."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._cpu = _cpu_lines(life.cores)
        # Not all cores work alike: up to 2 % more or less than the mean.
        self._weights = [
            1 + 0.04 * (core - (life.cores - 1) / 2) / life.cores for core in range(life.cores)
        ]
        self._rest = _REST % {"name": life.name, "tmpfs": _TMPFS}

    def page(self, at: float) -> bytes:
        life = self._life
        busy, elapsed = life.busy_seconds(at), at - life.boot
        cpu: list[float] = []
        for weight in self._weights:
            used = busy * weight
            cpu.append(elapsed - used)
            cpu.extend(used * share for _, share in _MODES)
        total, disk = life.memory_total, life.disk_total
        available = total * (1 - life.memory(at))
        free_disk = disk * (1 - life.disk(at))
        text = self._cpu % tuple(cpu) + self._rest % (
            total,
            available * 0.31,
            available,
            available * 0.07,
            available * 0.6,
            disk,
            free_disk,
            free_disk * 0.95,
            life.load(at),
            life.received(at),
            0.02 * life.received(at),
            life.sent(at),
            0.02 * life.received(at),
            life.boot,
            at,
        )
        return text.encode()


def _cpu_lines(cores: int) -> str:
    lines = [
        "# HELP node_cpu_seconds_total Seconds the CPUs spent in each mode.",
        "# TYPE node_cpu_seconds_total counter",
    ]
    lines += (
        f'node_cpu_seconds_total{{cpu="{core}",mode="{mode}"}} %.2f'
        for core in range(cores)
        for mode in ("idle", *(name for name, _ in _MODES))
    )
    return "\n".join(lines) + "\n"


def _gauge(name: str, text: str, *samples: str, kind: str = "gauge") -> str:
    return "\n".join((f"# HELP {name} {text}", f"# TYPE {name} {kind}", *samples, ""))


def _memory(name: str) -> str:
    field = f"node_memory_{name}_bytes"
    return _gauge(field, f"Memory information field {field}.", f"{field} %%.10g")


def _files(name: str, text: str) -> str:
    field = f"node_filesystem_{name}_bytes"
    return _gauge(
        field,
        text,
        f'{field}{{device="/dev/vda1",fstype="ext4",mountpoint="/"}} %%.12g',
        f'{field}{{device="tmpfs",fstype="tmpfs",mountpoint="/run"}} %(tmpfs)d',
    )


def _network(way: str) -> str:
    field = f"node_network_{way}_bytes_total"
    return _gauge(
        field,
        f"Network device statistic {way}_bytes.",
        f'{field}{{device="eth0"}} %%.12g',
        f'{field}{{device="lo"}} %%.12g',
        kind="counter",
    )


_REST = (
    "".join(_memory(name) for name in ("MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached"))
    + _files("size", "Filesystem size in bytes.")
    + _files("free", "Filesystem free space in bytes.")
    + _files("avail", "Filesystem space available to non-root users in bytes.")
    + _gauge("node_load1", "1m load average.", "node_load1 %%.2f")
    + _network("receive")
    + _network("transmit")
    + _gauge("node_boot_time_seconds", "Node boot time, in unixtime.", "node_boot_time_seconds %%d")
    + _gauge(
        "node_time_seconds",
        "System time in seconds since epoch (1970).",
        "node_time_seconds %%.3f",
    )
    + _gauge(
        "node_uname_info",
        "Labeled system information as provided by the uname system call.",
        'node_uname_info{domainname="(none)",machine="x86_64",nodename="%(name)s",'
        'release="6.1.0-28-amd64",sysname="Linux",version="#1 SMP Debian 6.1.119-1"} 1',
    )
)
