"""``/api/admin/health``: how everything is."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import Response, g
from pydantic import Field

from services.container import current
from services.views.kept import Keeper
from services.web.rest.operation import Answer, Query, Routes
from services.web.rest.sent import as_kept

PREFIX = "/api/admin/health"
routes = Routes("Health")

Word = Literal["healthy", "degraded", "unhealthy", "unknown"]
Percent = Annotated[float, Field(ge=0, le=100)]


class Reason(Answer):
    """Points that the score lacks, and why."""

    text: str
    points: float
    target: str


class MoreReasons(Answer):
    """Those that are not listed, and their points together."""

    count: int
    points: float


class Overall(Answer):
    """``uptime``: seconds since everything last was unhealthy, or since monitoring began."""

    status: Word
    score: Percent | None
    uptime: int
    last_update: str
    summary: str
    band: str
    reasons: list[Reason]
    more_reasons: MoreReasons


class ServiceCount(Answer):
    status: Word
    instances: int
    healthy: int


class VpsLine(Answer):
    """``load`` is CPU percent; null where it is not read."""

    id: str
    status: Word
    load: float | None


class HealthOverview(Answer):
    """``services`` by their type; ``activeAlerts``: neither resolved nor suppressed."""

    overall: Overall
    services: dict[str, ServiceCount]
    vps: list[VpsLine]
    active_alerts: int


class VpsService(Answer):
    """``uptime`` in seconds, ``responseTime`` in ms; ``checks`` by the dependency's type."""

    name: str
    status: Word
    uptime: int | None = None
    response_time: float | None = None
    checks: dict[str, Word] | None = None
    message: str | None = None


class Processor(Answer):
    usage: float | None
    cores: int | None


class Resource(Answer):
    """In GiB."""

    used: float | None
    total: float | None
    percent: float | None


class Network(Answer):
    """Bytes a second."""

    received: float | None
    sent: float | None


class Machine(Answer):
    cpu: Processor
    memory: Resource
    disk: Resource
    load: float | None
    network: Network


class VpsHealth(Answer):
    vps_id: str
    name: str
    region: str
    status: Word
    reason: str
    last_seen: str | None
    services: list[VpsService]
    system: Machine
    tenants: list[str]


class TenantService(Answer):
    """An application of the tenant; ``uptime`` in seconds, ``responseTime`` in ms."""

    name: str
    status: Word
    url: str
    uptime: int | None = None
    response_time: float | None = None
    message: str | None = None


class TenantHealth(Answer):
    """``uptime``: percent of the observed time of the last 30 days; null when there is none.
    ``vpsId`` is the first of ``vps``. ``activeAlerts`` are those that reach the tenant."""

    tenant_id: str
    organization_name: str
    status: Word
    vps_id: str | None
    services: list[TenantService]
    last_health_check: str | None
    uptime: Percent | None
    active_alerts: int
    vps: list[str]


class DependenciesQuery(Query):
    service: str = Field(
        pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$",
        description="a service's name, or a type of service",
    )


class Dependency(Answer):
    """The worst status and the median response time (ms) of all of this name."""

    name: str
    status: Word
    response_time: float | None


class ServiceDependencies(Answer):
    service: str
    dependencies: list[Dependency]


def _kept() -> Keeper:
    return current().read.kept


@routes.get(f"{PREFIX}/overview", answer=HealthOverview)
def get_health_overview() -> Response:
    """The state of everything that the caller may see."""
    return as_kept(_kept().overview(g.principal.scope), HealthOverview)


@routes.get(f"{PREFIX}/vps/<vps_id>", answer=VpsHealth)
def get_vps_health(vps_id: str) -> Response:
    """One server."""
    return as_kept(_kept().vps(vps_id, g.principal.scope), VpsHealth)


@routes.get(f"{PREFIX}/tenant/<tenant_id>", answer=TenantHealth)
def get_tenant_health(tenant_id: str) -> Response:
    """One tenant."""
    return as_kept(_kept().tenant(tenant_id, g.principal.scope), TenantHealth)


@routes.get(
    f"{PREFIX}/dependencies", query=DependenciesQuery, answer=ServiceDependencies, errors=(404,)
)
def get_service_dependencies(query: DependenciesQuery) -> Response:
    """What a service needs to work.

    Of all services with this name or of this type that the caller may see."""
    found = _kept().dependencies(query.service, g.principal.scope)
    return as_kept(found, ServiceDependencies)
