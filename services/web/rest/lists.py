"""``/api/admin/health/services``, ``/vps`` and ``/tenants``: what there is, and how it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from flask import Response, g
from pydantic import Field

from services.container import current
from services.errors import NotFound
from services.health.scopes import visible_vps
from services.views import lists
from services.views.pages import Page, Place, Wanted
from services.web.rest import cursors, ids
from services.web.rest.cursors import PageQuery
from services.web.rest.operation import Answer, Routes
from services.web.rest.sent import as_kept

PREFIX = "/api/admin/health"
routes = Routes("Lists")


class ListQuery(PageQuery):
    status: Literal["healthy", "degraded", "unhealthy", "unknown"] | None = None
    q: str = Field("", max_length=200, description="text in names and ids, whatever its case")
    vps_id: str | None = Field(None, max_length=100)
    tenant_id: str | None = Field(None, max_length=100)
    sort: str = Field(
        "name", max_length=30, description="a field, with - in front for the largest first"
    )


class ServicesQuery(ListQuery):
    type: str | None = Field(None, max_length=100)


class ServiceRow(Answer):
    """``responseTime`` in ms, ``uptime`` in seconds."""

    id: str
    name: str
    type: str
    vps_id: str
    vps_name: str
    status: str
    reason: str
    since: str | None
    last_seen: str | None
    response_time: float | None
    uptime: int | None


class VPSRow(Answer):
    """``cpu``, ``memory`` and ``disk`` in percent."""

    id: str
    name: str
    region: str
    provider: str
    tags: list[str]
    status: str
    reason: str
    since: str | None
    last_seen: str | None
    cpu: float | None
    memory: float | None
    disk: float | None
    load: float | None
    services: int
    services_healthy: int
    tenants: int
    enabled: bool


class TenantRow(Answer):
    """``vpsId`` is the first of the servers that carry the tenant, ``sla`` percent."""

    tenant_id: str
    organization_name: str
    status: str
    reason: str
    since: str | None
    vps_id: str | None
    vps: list[str]
    services: int
    services_healthy: int
    sla: float


class _List(Answer):
    total: int
    next_cursor: str | None


class ServicesPage(_List):
    services: list[ServiceRow]


class VPSPage(_List):
    vps: list[VPSRow]


class TenantsPage(_List):
    tenants: list[TenantRow]


@routes.get(f"{PREFIX}/services", query=ServicesQuery, answer=ServicesPage, errors=(404,))
def list_services(query: ServicesQuery) -> Response:
    """The services on servers.

    sort: name, status (the healthiest first; -status the worst), type, vpsId, responseTime,
    since. ``total`` counts what passes the filters; ``nextCursor`` is null on the last page."""
    return _answer("services", lists.services, ServicesPage, query, query.type)


@routes.get(f"{PREFIX}/vps", query=ListQuery, answer=VPSPage, errors=(404,))
def list_vps(query: ListQuery) -> Response:
    """The servers.

    sort: name, id, status (-status: the worst first), region, cpu, memory, disk, load, since,
    tenants, services."""
    return _answer("vps", lists.vps, VPSPage, query)


@routes.get(f"{PREFIX}/tenants", query=ListQuery, answer=TenantsPage, errors=(404,))
def list_tenants(query: ListQuery) -> Response:
    """The tenants.

    sort: name, id, status (-status: the worst first), sla, services. ``vpsId`` means the tenants
    that it carries."""
    return _answer("tenants", lists.tenants, TenantsPage, query)


def _answer(
    of: str,
    find: Callable[..., Page],
    answer: type[Answer],
    query: ListQuery,
    type_: str | None = None,
) -> Response:
    services, scope = current(), g.principal.scope
    fleet = services.read.fleet()
    if query.vps_id is not None and ids.checked(query.vps_id) not in visible_vps(fleet, scope):
        raise NotFound(f"There is no VPS '{query.vps_id}'.")
    tenant = query.tenant_id
    if tenant is not None and (
        ids.checked(tenant) not in fleet.tenants or (scope is not None and tenant not in scope)
    ):
        raise NotFound(f"There is no tenant '{tenant}'.")
    name = f"{of}:{query.sort}"
    after: Place | None = None
    if query.cursor is not None:
        value, id_ = cursors.unpack(name, query.cursor, object, str)
        after = value, id_
    wanted = Wanted(
        query.status, query.q, query.vps_id, tenant, type_, query.sort, query.limit, after
    )

    def make() -> dict[str, Any]:
        found = find(fleet, services.board.snapshot(), scope, wanted)
        return {
            of: found.rows,
            "total": found.total,
            "nextCursor": cursors.pack(name, found.last) if found.last else None,
        }

    return as_kept(services.read.latest.get((of, scope, wanted), make, lasting=True), answer)
