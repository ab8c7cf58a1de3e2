"""``/api/admin/health/events``: changes of status."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from flask import Response, g
from pydantic import Field

from services.container import current
from services.errors import NotFound
from services.health.scopes import visible_vps
from services.inventory.fleet import Fleet
from services.observation import Kind, kind_of, vps_of
from services.views import tenants
from services.views.events import Place, Wanted, events
from services.views.model import Body
from services.web.rest import cursors
from services.web.rest.cursors import PageQuery
from services.web.rest.operation import Answer, Routes
from services.web.rest.past import listed, now
from services.web.rest.ranges import RangeQuery, span_of
from services.web.rest.sent import as_kept

routes = Routes("Events")


class EventsQuery(PageQuery, RangeQuery):
    """Without a range all that is stored."""

    target: str | None = Field(
        None, max_length=320, description="vps-1, vps-1/postgres or @tenant-acme/nexus"
    )
    vps_id: tuple[str, ...] = Field((), description="of these servers and what runs on them")
    tenant_id: tuple[str, ...] = Field(
        (), description="of the applications of these tenants, or of the servers that carry them"
    )
    status: Literal["healthy", "degraded", "unhealthy", "unknown"] | None = Field(
        None, description="after the change"
    )


class Event(Answer):
    """``evidence`` is what the check found; ``endedAt`` is null while the status lasts."""

    timestamp: str
    target: str
    kind: str
    label: str
    vps_id: str | None
    tenant_id: str | None
    service: str | None
    status: str
    previous: str
    reason: str
    ended_at: str | None
    duration_seconds: float | None
    evidence: dict[str, Any]


class Events(Answer):
    events: list[Event]
    next_cursor: str | None


@routes.get("/api/admin/health/events", query=EventsQuery, answer=Events, errors=(404,))
def list_health_events(query: EventsQuery) -> Response:
    """Changes of status, newest first.

    First sights, and gaps in which Healthdeck itself did not run, are no changes."""
    key = ("events", g.principal.scope, query)
    return as_kept(current().read.latest.get(key, lambda: _page(query)), Events)


def _page(query: EventsQuery) -> Body:
    services = current()
    fleet = services.read.fleet()
    start = end = None
    if query.time_range is not None or query.from_ is not None or query.to is not None:
        span = span_of(query, now(), default="3650d")
        start, end = span.start, span.end
    after = None
    if query.cursor is not None:
        after = Place(*cursors.unpack("events", query.cursor, float, str, float))
    wanted = Wanted(
        _targets(fleet, services.board.snapshot(), query),
        query.status,
        start,
        end,
        query.limit,
        after,
    )
    with services.database.read() as session:
        found, last = events(session, fleet, wanted)
    return {"events": found, "nextCursor": cursors.pack("events", last) if last else None}


def _targets(fleet: Fleet, watched: Collection[str], query: EventsQuery) -> set[str] | None:
    """The targets that were asked for; None for all. Raises NotFound for what the caller may not
    know of."""
    scope = g.principal.scope
    known = {*fleet.keys(), *watched}
    chosen: set[str] | None = None
    if query.target is not None:
        if query.target not in known or not current().read.sees(query.target, scope):
            raise NotFound(f"There is no target '{query.target[:100]}'.")
        chosen = {query.target}
    visible = visible_vps(fleet, scope)
    if servers := listed("vpsId", query.vps_id):
        for vps_id in servers:
            if vps_id not in visible:
                raise NotFound(f"There is no VPS '{vps_id}'.")
        chosen = _both(chosen, {key for key in known if vps_of(key) in servers})
    if wanted := listed("tenantId", query.tenant_id):
        of_tenants: set[str] = set()
        for tenant in wanted:
            if tenant not in fleet.tenants or (scope is not None and tenant not in scope):
                raise NotFound(f"There is no tenant '{tenant}'.")
            of_tenants |= {f"@{tenant}", *tenants.targets(fleet, tenant)}
        chosen = _both(chosen, of_tenants)
    if chosen is None and scope is not None:
        chosen = {key for key in known if _is_in(key, visible, scope)}
    return chosen


def _is_in(key: str, visible: frozenset[str], scope: frozenset[str]) -> bool:
    if kind_of(key) in (Kind.TENANT, Kind.APPLICATION):
        return key[1:].partition("/")[0] in scope
    return vps_of(key) in visible


def _both(one: set[str] | None, other: set[str]) -> set[str]:
    return other if one is None else one & other
