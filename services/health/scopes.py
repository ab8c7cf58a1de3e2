"""What a caller may know of."""

from __future__ import annotations

from services.identity import OnlyServers, Scope
from services.inventory.fleet import Fleet
from services.observation import vps_of


def visible_vps(fleet: Fleet, scope: Scope) -> frozenset[str]:
    """The servers that a caller may know of: those that carry a tenant of its scope."""
    if isinstance(scope, OnlyServers):
        return scope.vps & fleet.visible_vps(scope.tenants)
    return fleet.visible_vps(scope)


def sees(fleet: Fleet, target: str, scope: Scope) -> bool:
    """Whether a caller may know of a target: its own tenants, and the servers they are on."""
    if scope is None:
        return True
    if target.startswith("@"):
        return target[1:].partition("/")[0] in scope
    vps_id = vps_of(target) or ""
    if isinstance(scope, OnlyServers):
        return vps_id in visible_vps(fleet, scope)
    return not scope.isdisjoint(fleet.tenants_on(vps_id))
