"""How a tenant is: its applications, the servers that carry it, its month. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from services.health.status import Judgement, of_many, of_vps
from services.inventory.fleet import Fleet
from services.observation import Status
from services.views.census import UNSEEN

States = Mapping[str, Judgement]


class Application(NamedTuple):
    """An application of a tenant, as it was last judged; times in ms and seconds."""

    name: str
    url: str
    status: Status
    message: str
    response_ms: float | None
    uptime_s: float | None


class TenantView(NamedTuple):
    """A tenant at a glance. ``uptime`` is percent over 30 days, None where nothing was observed;
    ``active_alerts`` are those that reach it."""

    id: str
    name: str
    status: Status
    vps: tuple[str, ...]
    applications: tuple[Application, ...]
    seen_at: float | None
    uptime: float | None
    active_alerts: int


def targets(fleet: Fleet, tenant_id: str) -> tuple[str, ...]:
    """The targets by which a tenant is judged: its applications; where it has none, what the
    servers that carry it consist of."""
    own = tuple(f"@{tenant_id}/{one.name}" for one in fleet.tenants[tenant_id].services)
    if own:
        return own
    return tuple(
        key
        for vps_id in carriers(fleet, tenant_id)
        for key in (
            *((vps_id,) if fleet.source(vps_id) else ()),
            *(f"{vps_id}/{service.name}" for service in fleet.vps[vps_id].services),
        )
    )


def carriers(fleet: Fleet, tenant_id: str) -> tuple[str, ...]:
    """The servers that carry a tenant: the first of the fleet, then the others by name."""
    first = fleet.vps_of_tenant(tenant_id)
    if first is None:
        return ()
    return (first, *sorted(fleet.visible_vps(frozenset({tenant_id})) - {first}))


def status_of(fleet: Fleet, tenant_id: str, states: States) -> Status:
    """A tenant's status: the rule of many over its applications; without any, over its servers."""
    spec = fleet.tenants[tenant_id]
    if spec.services:
        return of_many(_status(fleet, f"@{spec.id}/{one.name}", states) for one in spec.services)
    return of_many(_of_server(fleet, vps_id, states) for vps_id in carriers(fleet, tenant_id))


def tenant_view(
    fleet: Fleet, tenant_id: str, states: States, uptime: float | None, active_alerts: int
) -> TenantView:
    """A tenant at a glance."""
    spec = fleet.tenants[tenant_id]
    seen = [state.seen_at for key in targets(fleet, tenant_id) if (state := states.get(key))]
    return TenantView(
        id=tenant_id,
        name=spec.label,
        status=status_of(fleet, tenant_id, states),
        vps=carriers(fleet, tenant_id),
        applications=tuple(
            _application(fleet, f"@{tenant_id}/{one.name}", one.url, states)
            for one in spec.services
        ),
        seen_at=max(seen, default=None),
        uptime=uptime,
        active_alerts=active_alerts,
    )


def _application(fleet: Fleet, key: str, url: str, states: States) -> Application:
    state = states.get(key) if fleet.enabled(key) else None
    check = state.check if state else None
    return Application(
        name=key.partition("/")[2],
        url=url,
        status=state.status if state else Status.UNKNOWN,
        message=state.reason if state else UNSEEN if fleet.enabled(key) else "paused",
        response_ms=check.response_ms if check else None,
        uptime_s=check.uptime_s if check else None,
    )


def _status(fleet: Fleet, key: str, states: States) -> Status:
    state = states.get(key) if fleet.enabled(key) else None
    return state.status if state else Status.UNKNOWN


def _of_server(fleet: Fleet, vps_id: str, states: States) -> Status:
    if not fleet.enabled(vps_id):
        return Status.UNKNOWN
    services = fleet.vps[vps_id].services
    host = _status(fleet, vps_id, states) if fleet.source(vps_id) else None
    return of_vps(host, [_status(fleet, f"{vps_id}/{one.name}", states) for one in services])
