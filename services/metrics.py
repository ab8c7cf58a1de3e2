"""The catalogue of metrics. A metric is declared here once; rules, charts, history,
export and score read this declaration."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from services.errors import ValidationError
from services.observation import Kind, Status


@dataclass(frozen=True, slots=True)
class Metric:
    """``kinds`` of targets that have it; ``types`` narrows services and dependencies to those
    types (None: any). ``column`` names its place in the wide host rows, ``number`` its place in
    the narrow rows. ``states`` lists the words of a metric that is not a number."""

    name: str
    label: str
    unit: str
    kinds: frozenset[Kind]
    types: frozenset[str] | None = None
    column: str | None = None
    number: int | None = None
    states: tuple[str, ...] = ()
    alias: str | None = None

    @property
    def remembered(self) -> bool:
        """Whether there is a past of it to show: numbers, or statuses. What is computed for rules
        alone has none."""
        computed = self.kinds == TENANTS and not self.states
        return not computed and self.name != "vps.reporting"


STATUSES = tuple(str(status) for status in Status)
VPS = frozenset({Kind.VPS})
PROBED = frozenset({Kind.SERVICE, Kind.APPLICATION})
PART = frozenset({Kind.SERVICE, Kind.DEPENDENCY})
ANY = frozenset(Kind)
TENANTS = frozenset({Kind.TENANT})

#: What the specification calls a service type, and the names under which it is met in the wild.
TYPES: Mapping[str, frozenset[str]] = {
    "database": frozenset({"database", "postgres", "postgresql", "mysql", "db"}),
    "redis": frozenset({"redis", "cache"}),
    "s3": frozenset({"s3", "storage"}),
    "email": frozenset({"email", "smtp", "mail"}),
    "api": frozenset({"api", "backend"}),
}


def _host(name: str, label: str, unit: str, column: str, alias: str | None = None) -> Metric:
    return Metric(f"system.{name}", label, unit, VPS, column=column, alias=alias)


CATALOGUE: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        _host("cpu.usage", "CPU", "%", "cpu", "cpu"),
        _host("memory.usedPercent", "Memory", "%", "memory", "memory"),
        _host("memory.used", "Memory used", "GiB", "memory_used"),
        _host("memory.total", "Memory size", "GiB", "memory_total"),
        _host("disk.usedPercent", "Disk", "%", "disk", "disk"),
        _host("disk.used", "Disk used", "GiB", "disk_used"),
        _host("disk.total", "Disk size", "GiB", "disk_total"),
        _host("load.1m", "Load", "processes", "load", "load"),
        _host("network.received", "Network in", "bytes/s", "network_in", "network"),
        _host("network.sent", "Network out", "bytes/s", "network_out"),
        Metric("vps.status", "Status of a VPS", "", VPS, states=STATUSES),
        Metric("vps.reporting", "Reports of a VPS", "", VPS, states=("reporting", "silent")),
        Metric("service.status", "Status of a service", "", PROBED, states=STATUSES),
        Metric(
            "service.responseTime", "Response time", "ms", PROBED, number=1, alias="responseTime"
        ),
        Metric("service.uptime", "Uptime", "s", PROBED, number=2, alias="uptime"),
        Metric(
            "api.averageResponseTime",
            "Response time of an API, mean of the last 3 readings",
            "ms",
            frozenset({Kind.SERVICE}),
            types=TYPES["api"],
        ),
        *(
            Metric(f"{name}.status", f"Status of {name}", "", PART, types=names, states=STATUSES)
            for name, names in TYPES.items()
        ),
        Metric("tenant.status", "Status of a tenant", "", TENANTS, states=STATUSES),
        # Computed for rules that watch them (services.insights.sla.burn), and not kept.
        Metric("sla.burnRate", "Burn rate over 1 h and 5 min", "x", TENANTS),
        Metric("sla.burnRateSlow", "Burn rate over 6 h and 30 min", "x", TENANTS),
    )
}

ALIASES: Mapping[str, Metric] = {m.alias: m for m in CATALOGUE.values() if m.alias}

#: Host metrics in the order of their columns.
HOST_METRICS: tuple[Metric, ...] = tuple(m for m in CATALOGUE.values() if m.column)

_TYPE_STATUS = re.compile(r"([a-z0-9][a-z0-9_-]*)\.status")


def find(name: str) -> Metric:
    """The metric of a full or short name.

    ``<type>.status`` is understood for every service type, also for ones that only this
    installation knows. Raises ValidationError with the nearest names for anything else.
    """
    metric = CATALOGUE.get(name) or ALIASES.get(name)
    if metric is not None:
        return metric
    if match := _TYPE_STATUS.fullmatch(name):
        of_type = match[1]
        return Metric(
            name, f"Status of {of_type}", "", PART, types=frozenset({of_type}), states=STATUSES
        )
    near = difflib.get_close_matches(name, [*CATALOGUE, *ALIASES], n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else f"; known: {', '.join(CATALOGUE)}"
    raise ValidationError(f"there is no metric '{name}'{hint}")
