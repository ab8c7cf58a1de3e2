"""A server's page: how it is, what runs on it, whom it carries, what happened to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from models.agents import Agent
from services.history import query
from services.history.availability import availability, slices
from services.history.query import Interval
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.observation import Status, vps_of
from services.views import alerts
from services.views.history import Past
from services.views.model import AlertView, Beat, EventView, Instance, VpsCard
from services.views.reader import Reader
from services.views.tenants import status_of
from services.views.vps_courses import response_sparks

DAY = 86400.0
BEATS, BEATS_SPAN = 48, DAY
EVENTS, EVENTS_SPAN = 20, 7 * DAY
UPTIME_DAYS = 30
#: Unresolved alerts among which those of a server are looked for, and how many are shown.
ALERTS, MOST_ALERTS = 1000, 20


@dataclass(frozen=True, slots=True)
class Rights:
    """What the reader may do here; ``remove``: the server was added in the UI, and may be taken
    off the list."""

    logs: bool = False
    restart: bool = False
    remove: bool = False


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """A service of the server: its last day as heartbeats, percent of it in which it was
    available, and its response times of the last hour (ms, oldest first)."""

    instance: Instance
    type: str
    beats: tuple[Beat, ...]
    availability: float | None
    course: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class TenantLine:
    id: str
    name: str
    status: Status


@dataclass(frozen=True, slots=True)
class VpsPage:
    """``source`` is how the machine is read (agent, exporter, ...), empty where only its services
    are; ``agent`` the version of its agent. ``uptime``: percent of the observed time of 30 days
    in which it was not unhealthy. ``updated_at``: when anything was last read."""

    card: VpsCard
    provider: str
    tags: tuple[str, ...]
    source: str
    agent: str
    uptime: float | None
    services: tuple[ServiceLine, ...]
    tenants: tuple[TenantLine, ...]
    alerts: tuple[AlertView, ...]
    events: tuple[EventView, ...]
    rights: Rights
    updated_at: float
    platform_interval: float


def vps_page(
    past: Past, read: Reader, vps_id: str, scope: Scope, rights: Rights, now: float
) -> VpsPage:
    """The page of a server at ``now``. Raises NotFound for one that the caller may not know
    of."""
    card, fleet, overview = read.vps(vps_id, scope), past.fleet, read.overview(scope)
    states, spec = past.board.snapshot(), fleet.vps[vps_id]
    keys = [key for key in dict.fromkeys((*fleet.keys(), *states)) if vps_of(key) == vps_id]
    sparks = response_sparks(past, vps_id, scope, now)
    with past.database.read() as session:
        found = query.intervals(session, now - EVENTS_SPAN, now, keys)
        own = alerts.unresolved(
            session, fleet, lambda t: vps_of(t) == vps_id and read.sees(t, scope), scope, ALERTS
        )
        uptime = _uptime(session, vps_id, now)
        agent = session.get(Agent, vps_id) if scope is None else None
    return VpsPage(
        card=card,
        provider=spec.provider,
        tags=spec.tags,
        source=spec.source.type if spec.source else "",
        agent=agent.version if agent is not None and agent.revoked_at is None else "",
        uptime=uptime,
        services=tuple(
            _service(one, fleet, found.get(one.key, ()), sparks.get(one.key, ()), now)
            for one in card.services
        ),
        tenants=tuple(
            TenantLine(t, fleet.tenants[t].label, status_of(fleet, t, states))
            for t in card.tenants
            if t in fleet.tenants
        ),
        alerts=own[:MOST_ALERTS],
        events=_events(found, fleet),
        rights=rights,
        updated_at=overview.updated_at,
        platform_interval=overview.interval,
    )


def _service(
    one: Instance,
    fleet: Fleet,
    intervals: Sequence[Interval],
    course: Sequence[float | None],
    now: float,
) -> ServiceLine:
    width = BEATS_SPAN / BEATS
    end = math.ceil(now / width) * width
    start = end - BEATS_SPAN
    known = {one.key: [i for i in intervals if i.end is None or i.end > start]}
    beats = slices(known, start, end, BEATS)
    return ServiceLine(
        instance=one,
        type=fleet.service_type(one.key),
        beats=tuple(Beat(b.start, b.end, b.status, b.text) for b in beats),
        availability=availability(known, start, now),
        course=tuple(course),
    )


def _events(found: Mapping[str, Sequence[Interval]], fleet: Fleet) -> tuple[EventView, ...]:
    """The latest changes; first sights, and time in which Healthdeck did not run, are none."""
    changes = [i for some in found.values() for i in some if i.previous is not None]
    changes.sort(key=lambda i: (i.start, i.target), reverse=True)
    return tuple(
        EventView(i.start, i.target, fleet.label(i.target), i.status, _said(i))
        for i in changes[:EVENTS]
    )


def _said(change: Interval) -> str:
    if change.status is Status.HEALTHY:
        return "healthy again"
    return f"{change.status}: {change.reason}"


def _uptime(session: Session, vps_id: str, now: float) -> float | None:
    found = query.uptime(session, (vps_id,), now - UPTIME_DAYS * DAY, now).values()
    observed = sum(one.observed for one in found)
    return 100 * (1 - sum(one.unhealthy for one in found) / observed) if observed else None
