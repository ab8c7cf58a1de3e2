"""The read models: frozen views that pages, REST and stream share.

Times are seconds since the epoch, sizes GiB, shares percent, response times ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.health.score import Reason, Score
from services.observation import Status

Body = dict[str, Any]

__all__ = [
    "AlertView",
    "Beat",
    "Body",
    "EventView",
    "Gauge",
    "Instance",
    "Overview",
    "Reason",
    "Roster",
    "Said",
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
    """An unresolved alert. ``told`` says who was told and how, or why nobody was, ``told_at`` when
    (the latest message that left); ``impact`` holds the names of the tenants it reaches."""

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
    told_at: float | None = None
    snoozed_until: float | None = None


@dataclass(frozen=True, slots=True)
class EventView:
    """A change of status."""

    at: float
    target: str
    label: str
    status: Status
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """A part of a sentence. ``about``: the target that it names; for many of them ``servers:`` and
    their status, or ``tenants:``; empty when it names nothing."""

    text: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Roster:
    """The servers as a browser draws them, by id, in the fleet's order. ``run`` and ``version``
    tell drawings apart; ``moved`` holds the version that last changed a row, ``begun`` the one
    since which there are these servers in this order; ``cards`` is what the rows were made of.
    ``full``: with courses and services, for a
    fleet that has the room to be shown as cards."""

    run: str
    version: int
    begun: int
    rows: Mapping[str, Body]
    moved: Mapping[str, int]
    cards: Mapping[str, VpsCard]
    full: bool

    @property
    def stamp(self) -> str:
        return f"{self.run}.{self.version}"

    def since(self, stamp: object) -> Body | None:
        """What a browser lacks that has drawn ``stamp`` (its own words: anything else gets
        everything); None: nothing."""
        run, _, known = stamp.rpartition(".") if isinstance(stamp, str) else ("", "", "")
        version = int(known) if run == self.run and known.isdecimal() and len(known) < 16 else -1
        if version >= self.version:
            return None
        whole = version < self.begun
        rows = [row for id_, row in self.rows.items() if whole or self.moved[id_] > version]
        return {"stamp": self.stamp, "whole": whole, "full": self.full, "rows": rows}


NO_ROSTER = Roster("", 0, 0, {}, {}, {}, full=True)


@dataclass(frozen=True, slots=True)
class Extent:
    """How much a caller sees watched, every ``interval`` seconds; how many alerts are active, and
    the ``worst`` severity among them (empty without any)."""

    servers: int
    services: int
    tenants: int
    interval: float
    active: int
    worst: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of everything a caller may see. ``headline`` is the one sentence that says what
    is broken and whom it hurts (``sentence``: its parts), ``told`` who knows; ``active`` counts the
    alerts, of which ``alerts`` holds the worst. ``uptime_s``: seconds since the platform
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
    sentence: tuple[Said, ...] = ()
    active: int = 0
    roster: Roster = NO_ROSTER
