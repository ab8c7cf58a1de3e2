"""``/api/admin/health/vps`` and ``/tenants``: servers and tenants added without the file."""

from __future__ import annotations

from flask import Blueprint, g, jsonify
from flask.typing import ResponseReturnValue

from services.container import current
from services.errors import InsufficientPermissions
from services.web import body
from services.web.rest import ids

PREFIX = "/api/admin/health"


def add_routes(routes: Blueprint) -> None:
    routes.add_url_rule(f"{PREFIX}/vps", "add_vps", add_vps, methods=["POST"])
    routes.add_url_rule(f"{PREFIX}/vps/<vps_id>", "change_vps", change_vps, methods=["PUT"])
    routes.add_url_rule(f"{PREFIX}/vps/<vps_id>", "delete_vps", delete_vps, methods=["DELETE"])
    one = f"{PREFIX}/tenants/<tenant_id>"
    routes.add_url_rule(f"{PREFIX}/tenants", "add_tenant", add_tenant, methods=["POST"])
    routes.add_url_rule(one, "change_tenant", change_tenant, methods=["PUT"])
    routes.add_url_rule(one, "delete_tenant", delete_tenant, methods=["DELETE"])


def add_vps() -> ResponseReturnValue:
    """Adds a server, written as in the inventory; 409 when there is one of this id."""
    by = _caller()
    return jsonify(current().inventory.add_vps(body.read_object(), by)), 201


def change_vps(vps_id: str) -> ResponseReturnValue:
    """Writes a server anew; 409 for one of the inventory file."""
    by, wanted = _caller(), ids.checked(vps_id)
    return jsonify(current().inventory.change_vps(wanted, body.read_object(), by))


def delete_vps(vps_id: str) -> ResponseReturnValue:
    """Takes a server away and keeps its history."""
    by = _caller()
    current().inventory.delete_vps(ids.checked(vps_id), by)
    return "", 204


def add_tenant() -> ResponseReturnValue:
    """Adds a tenant, written as in the inventory; 409 when there is one of this id."""
    by = _caller()
    return jsonify(current().inventory.add_tenant(body.read_object(), by)), 201


def change_tenant(tenant_id: str) -> ResponseReturnValue:
    """Writes a tenant anew; 409 for one of the inventory file."""
    by, wanted = _caller(), ids.checked(tenant_id)
    return jsonify(current().inventory.change_tenant(wanted, body.read_object(), by))


def delete_tenant(tenant_id: str) -> ResponseReturnValue:
    """Takes a tenant away and keeps its history."""
    by = _caller()
    current().inventory.delete_tenant(ids.checked(tenant_id), by)
    return "", 204


def _caller() -> str:
    """Who changes what is watched. Raises InsufficientPermissions for who may not."""
    caller = g.principal
    if caller.role != "super_admin" or caller.scope is not None:
        raise InsufficientPermissions(
            "Only a super_admin of the whole fleet adds, changes or takes away servers and tenants."
        )
    name: str = caller.name
    return name
