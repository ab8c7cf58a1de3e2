"""Lists of services, servers and tenants, from the board in memory. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from services.health.scopes import visible_vps
from services.health.status import Judgement, of_vps
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.inventory.schema import ServiceSpec, TenantSpec, VpsSpec
from services.observation import Status, worst
from services.times import iso
from services.views.census import UNSEEN
from services.views.model import Body
from services.views.pages import Kind, Page, Value, Wanted, page
from services.views.tenants import carriers, status_of

States = Mapping[str, Judgement]

_RANK = {status: float(rank) for rank, status in enumerate(Status)}
_GAUGES = {
    "cpu": "system.cpu.usage",
    "memory": "system.memory.usedPercent",
    "disk": "system.disk.usedPercent",
    "load": "system.load.1m",
}


def services(fleet: Fleet, states: States, scope: Scope, wanted: Wanted) -> Page:
    """The services on servers. Raises ValidationError for a sort that there is not."""
    rows = [
        f"{spec.id}/{service.name}"
        for spec in _servers(fleet, scope, wanted)
        for service in spec.services
        if wanted.type is None or service.type == wanted.type
    ]

    def on(key: str) -> VpsSpec:
        return fleet.vps[key.partition("/")[0]]

    def state(key: str) -> Judgement | None:
        return states.get(key) if on(key).monitoring.enabled else None

    def status(key: str) -> Status:
        found = state(key)
        return found.status if found else Status.UNKNOWN

    def response(key: str) -> float | None:
        found = state(key)
        return found.check.response_ms if found and found.check else None

    def since(key: str) -> float | None:
        found = state(key)
        return found.since if found else None

    fields: dict[str, Callable[[str], Value]] = {
        "name": lambda key: key.partition("/")[2],
        "status": lambda key: _RANK[status(key)],
        "type": lambda key: fleet.services[key].type,
        "vpsId": lambda key: key.partition("/")[0],
        "responseTime": response,
        "since": since,
    }
    kind = Kind(
        fields,
        status,
        lambda key: f"{key}\n{fleet.services[key].type}\n{on(key).name}",
        lambda key: _service(key, on(key), fleet.services[key], state(key)),
    )
    return page(rows, kind, wanted)


def _service(key: str, spec: VpsSpec, service: ServiceSpec, state: Judgement | None) -> Body:
    check = state.check if state else None
    response = check.response_ms if check else None
    return {
        "id": key,
        "name": service.name,
        "type": service.type,
        "vpsId": spec.id,
        "vpsName": spec.label,
        "status": state.status if state else Status.UNKNOWN,
        "reason": _reason(spec, state),
        "since": iso(state.since) if state else None,
        "lastSeen": iso(state.seen_at) if state else None,
        "responseTime": None if response is None else round(response, 1),
        "uptime": int(check.uptime_s) if check and check.uptime_s is not None else None,
    }


def vps(fleet: Fleet, states: States, scope: Scope, wanted: Wanted) -> Page:
    """The servers. Raises ValidationError for a sort that there is not."""

    specs = fleet.vps

    def tenants_of(id_: str) -> float:
        found = fleet.tenants_on(id_)
        return len(found if scope is None else scope.intersection(found))

    fields: dict[str, Callable[[str], Value]] = {
        "name": lambda id_: specs[id_].label.casefold(),
        "id": lambda id_: id_,
        "status": lambda id_: _RANK[_status(specs[id_], states)],
        "region": lambda id_: specs[id_].region.casefold() or None,
        "since": lambda id_: _since(specs[id_], states),
        "tenants": tenants_of,
        "services": lambda id_: len(specs[id_].services),
        **{name: _gauge(fleet, states, full) for name, full in _GAUGES.items()},
    }
    kind = Kind(
        fields,
        lambda id_: _status(specs[id_], states),
        lambda id_: _words(specs[id_]),
        lambda id_: _server(specs[id_], states, int(tenants_of(id_))),
    )
    return page([spec.id for spec in _servers(fleet, scope, wanted)], kind, wanted)


def _words(spec: VpsSpec) -> str:
    return "\n".join((spec.id, spec.name, spec.region, spec.provider, *spec.tags))


def _gauge(fleet: Fleet, states: States, name: str) -> Callable[[str], float | None]:
    def value(id_: str) -> float | None:
        state = states.get(id_) if fleet.vps[id_].monitoring.enabled else None
        return state.metrics.get(name) if state else None

    return value


def _server(spec: VpsSpec, states: States, tenants: int) -> Body:
    state = states.get(spec.id) if spec.monitoring.enabled else None
    metrics = state.metrics if state else {}
    status, parts = _status(spec, states), _parts(spec, states)
    values = {name: metrics.get(full) for name, full in _GAUGES.items()}
    return {
        "id": spec.id,
        "name": spec.label,
        "region": spec.region,
        "provider": spec.provider,
        "tags": list(spec.tags),
        "status": status,
        "reason": _why(spec, state, states, status),
        "since": iso(_since(spec, states)),
        "lastSeen": iso(state.seen_at) if state else None,
        **{name: None if value is None else round(value, 2) for name, value in values.items()},
        "services": len(parts),
        "servicesHealthy": parts.count(Status.HEALTHY),
        "tenants": tenants,
        "enabled": spec.monitoring.enabled,
    }


def _parts(spec: VpsSpec, states: States) -> list[Status]:
    if not spec.monitoring.enabled:
        return [Status.UNKNOWN] * len(spec.services)
    found = (states.get(f"{spec.id}/{service.name}") for service in spec.services)
    return [state.status if state else Status.UNKNOWN for state in found]


def _status(spec: VpsSpec, states: States) -> Status:
    if not spec.monitoring.enabled:
        return Status.UNKNOWN
    state = states.get(spec.id)
    host = (state.status if state else Status.UNKNOWN) if spec.source else None
    return of_vps(host, _parts(spec, states))


def _since(spec: VpsSpec, states: States) -> float | None:
    """When anything of a server last changed its status."""
    keys = (spec.id, *(f"{spec.id}/{service.name}" for service in spec.services))
    return max((state.since for key in keys if (state := states.get(key))), default=None)


def _why(spec: VpsSpec, state: Judgement | None, states: States, status: Status) -> str:
    """What a server's status comes from: itself, or else its worst service."""
    own = state is not None and state.status is not Status.HEALTHY
    if not spec.monitoring.enabled or own or status is Status.HEALTHY:
        return _reason(spec, state) if spec.source or not spec.monitoring.enabled else "all well"
    parts = _parts(spec, states)
    bad = worst(parts)
    if bad is Status.HEALTHY or not parts:
        return _reason(spec, state)
    service = spec.services[parts.index(bad)]
    return f"{service.name}: {_reason(spec, states.get(f'{spec.id}/{service.name}'))}"


def _reason(spec: VpsSpec, state: Judgement | None) -> str:
    if not spec.monitoring.enabled:
        return "paused"
    return state.reason if state else UNSEEN


def tenants(fleet: Fleet, states: States, scope: Scope, wanted: Wanted) -> Page:
    """The tenants. Raises ValidationError for a sort that there is not."""
    on_it = None if wanted.vps_id is None else frozenset(fleet.tenants_on(wanted.vps_id))
    rows = [
        spec.id
        for spec in fleet.tenants.values()
        if (scope is None or spec.id in scope)
        and wanted.tenant_id in (None, spec.id)
        and (on_it is None or spec.id in on_it)
    ]
    specs = fleet.tenants
    fields: dict[str, Callable[[str], Value]] = {
        "name": lambda id_: specs[id_].label.casefold(),
        "id": lambda id_: id_,
        "status": lambda id_: _RANK[status_of(fleet, id_, states)],
        "sla": lambda id_: specs[id_].sla,
        "services": lambda id_: len(specs[id_].services),
    }
    kind = Kind(
        fields,
        lambda id_: status_of(fleet, id_, states),
        lambda id_: f"{id_}\n{specs[id_].label}",
        lambda id_: _tenant(fleet, specs[id_], states),
    )
    return page(rows, kind, wanted)


def _tenant(fleet: Fleet, spec: TenantSpec, states: States) -> Body:
    own = [(one.name, states.get(f"@{spec.id}/{one.name}")) for one in spec.services]
    ill = [
        f"{name}: {state.reason if state else UNSEEN}"
        for name, state in own
        if state is None or state.status is not Status.HEALTHY
    ]
    servers, status = carriers(fleet, spec.id), status_of(fleet, spec.id, states)
    well = "all well" if status is Status.HEALTHY else f"its servers are {status}"
    return {
        "id": spec.id,
        "tenantId": spec.id,
        "organizationName": spec.label,
        "status": status,
        "reason": "; ".join(ill[:3]) or well,
        "since": iso(max((state.since for _, state in own if state), default=None)),
        "vpsId": servers[0] if servers else None,
        "vps": list(servers),
        "services": len(own),
        "servicesHealthy": len(own) - len(ill),
        "sla": spec.sla,
    }


def _servers(fleet: Fleet, scope: Scope, wanted: Wanted) -> Iterator[VpsSpec]:
    visible = visible_vps(fleet, scope)
    if wanted.vps_id is not None:
        visible = visible & {wanted.vps_id}
    if wanted.tenant_id is not None:
        visible = visible & fleet.visible_vps(frozenset({wanted.tenant_id}))
    return (spec for spec in fleet.vps.values() if spec.id in visible)
