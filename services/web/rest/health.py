"""``/api/admin/health``: how everything is."""

from __future__ import annotations

from flask import Blueprint, g, jsonify
from flask.typing import ResponseReturnValue

from services.container import current
from services.views.bodies import overview_body, vps_body
from services.web.rest import ids

PREFIX = "/api/admin/health"


def add_routes(routes: Blueprint) -> None:
    routes.add_url_rule(f"{PREFIX}/overview", "overview", overview)
    routes.add_url_rule(f"{PREFIX}/vps/<vps_id>", "vps", vps)


def overview() -> ResponseReturnValue:
    """The state of everything that the caller may see."""
    return jsonify(overview_body(current().read.overview(g.principal.scope)))


def vps(vps_id: str) -> ResponseReturnValue:
    """One server. 404 for one that the caller may not know of."""
    return jsonify(vps_body(current().read.vps(ids.checked(vps_id), g.principal.scope)))
