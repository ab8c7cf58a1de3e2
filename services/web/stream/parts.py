"""What a caller sees of the inventory: whether that is another in another fleet. Pure."""

from __future__ import annotations

from services.health.scopes import visible_vps
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.web.stream.listeners import Room


def of_room(fleet: Fleet, room: Room, scope: Scope) -> object:
    """The part that the body of a room shows. Equal parts, equal bodies."""
    kind, name = room
    return _server(fleet, name, scope) if kind == "vps" else _tenant(fleet, name)


def of_scope(fleet: Fleet, scope: Scope) -> object:
    """The part that the overview shows. Whoever else is on a shared server is not in it."""
    servers = [one for one in fleet.vps if scope is None or one in visible_vps(fleet, scope)]
    tenants = fleet.tenants if scope is None else sorted(scope)
    return (
        [_server(fleet, one, scope) for one in servers],
        [_tenant(fleet, one) for one in tenants],
    )


def _server(fleet: Fleet, vps_id: str, scope: Scope) -> object:
    spec = fleet.vps.get(vps_id)
    if spec is None:
        return None
    tenants = [one for one in fleet.tenants_on(vps_id) if scope is None or one in scope]
    watched = spec.source is not None, spec.monitoring, spec.services
    return vps_id, spec.label, spec.region, watched, tenants


def _tenant(fleet: Fleet, tenant_id: str) -> object:
    return fleet.tenants.get(tenant_id), fleet.visible_vps(frozenset({tenant_id}))
