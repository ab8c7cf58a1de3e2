"""What the command palette finds: everything that the caller may know of, by name."""

from __future__ import annotations

from typing import Any

from services import container
from services.health import scopes


def rows() -> dict[str, Any]:
    """Servers ``[id, name, status]``, services ``[server, name, status]``, tenants ``[id, name]``
    and rules ``[id, name, severity]``, in the order of the inventory: arrays, since a large fleet
    has thousands. Nothing for a caller that may open some pages only."""
    services, caller = container.current(), container.caller()
    if caller.pages is not None:
        return {"servers": [], "services": [], "tenants": [], "rules": []}
    fleet, states, scope = services.read.fleet(), services.board.snapshot(), caller.scope
    visible = scopes.visible_vps(fleet, scope)

    def status(key: str) -> str:
        return str(states[key].status) if key in states else "unknown"

    return {
        "servers": [[v.id, v.label, status(v.id)] for v in fleet.vps.values() if v.id in visible],
        "services": [
            [server, name, status(key)]
            for key in fleet.services
            for server, _, name in (key.partition("/"),)
            if server in visible
        ],
        "tenants": [
            [tenant.id, tenant.label]
            for tenant in fleet.tenants.values()
            if scope is None or tenant.id in scope
        ],
        "rules": [
            [entry.rule.id, entry.rule.name, str(entry.rule.severity)]
            for entry in (services.rules.all() if caller.is_a("whole") else ())
        ],
    }
