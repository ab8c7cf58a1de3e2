"""The read models: frozen views that pages, REST and stream share.

Times are seconds since the epoch, sizes GiB, shares percent, response times ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.health.score import Reason, Score
from services.observation import Status

__all__ = [
    "AlertView",
    "Beat",
    "Body",
    "EventView",
    "Gauge",
    "Instance",
    "Overview",
    "Reason",
    "Score",
    "ServiceType",
    "Status",
    "VpsCard",
]


@dataclass(frozen=True, slots=True)
class Beat:
    """A slice of a heartbeat bar: the worst status from ``start`` to ``end``, and what was said."""

    start: float
    end: float
    status: Status
    text: str


@dataclass(frozen=True, slots=True)
class Instance:
    """One service on one VPS. ``checks`` maps a dependency's type to its status."""

    key: str
    name: str
    vps_id: str
    status: Status
    message: str
    since: float
    response_ms: float | None
    uptime_s: float | None
    checks: Mapping[str, Status]


@dataclass(frozen=True, slots=True)
class ServiceType:
    """A row of the service grid. ``availability``: percent of the observed time of the beats'
    span in which it was not unhealthy; None when nothing was observed."""

    type: str
    label: str
    status: Status
    instances: tuple[Instance, ...]
    healthy: int
    beats: tuple[Beat, ...]
    availability: float | None


@dataclass(frozen=True, slots=True)
class Gauge:
    """A resource of a machine: ``percent`` now, ``used`` of ``total`` in ``unit``, its recent
    course (oldest first, None where nothing was observed) and whether it is past its limit."""

    label: str
    percent: float | None
    used: float | None
    total: float | None
    unit: str
    course: tuple[float | None, ...]
    hot: bool


@dataclass(frozen=True, slots=True)
class VpsCard:
    """A server at a glance. ``measured``: whether the machine itself is read, or only its
    services are. ``load`` (1 min) and ``network`` (bytes/s in and out) may be None."""

    id: str
    name: str
    region: str
    status: Status
    reason: str
    since: float
    measured: bool
    seen_at: float | None
    interval: float
    cores: int | None
    cpu: Gauge | None
    memory: Gauge | None
    disk: Gauge | None
    load: float | None
    network_in: float | None
    network_out: float | None
    services: tuple[Instance, ...]
    tenants: tuple[str, ...]
    tenant_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlertView:
    """An unresolved alert. ``told`` says who was told and how, or why nobody was;
    ``impact`` holds the names of the tenants it reaches."""

    id: str
    severity: str
    status: str
    title: str
    message: str
    target: str
    triggered_at: float
    acknowledged_at: float | None
    acknowledged_by: str | None
    impact: tuple[str, ...]
    told: str


@dataclass(frozen=True, slots=True)
class EventView:
    """A change of status."""

    at: float
    target: str
    label: str
    status: Status
    text: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of everything a caller may see. ``headline`` is the one sentence that says what
    is broken and whom it hurts, ``told`` who knows. ``uptime_s``: seconds since the platform
    last was unhealthy, or since monitoring began."""

    headline: str
    told: str
    status: Status
    score: Score
    uptime_s: float
    updated_at: float
    services: tuple[ServiceType, ...]
    vps: tuple[VpsCard, ...]
    alerts: tuple[AlertView, ...]
    events: tuple[EventView, ...]
    tenants: int
    interval: float


Body = dict[str, Any]
