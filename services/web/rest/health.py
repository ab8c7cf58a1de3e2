"""``/api/admin/health``: how everything is."""

from __future__ import annotations

from typing import Any

from flask import g

from services.container import current
from services.views.bodies import overview_body, vps_body
from services.web.rest.operation import Routes

PREFIX = "/api/admin/health"
routes = Routes("Health")


@routes.get(f"{PREFIX}/overview")
def get_health_overview() -> dict[str, Any]:
    """The state of everything that the caller may see."""
    return overview_body(current().read.overview(g.principal.scope))


@routes.get(f"{PREFIX}/vps/<vps_id>")
def get_vps_health(vps_id: str) -> dict[str, Any]:
    """One server."""
    return vps_body(current().read.vps(vps_id, g.principal.scope))
