"""``/api/admin/health/vps`` and ``/tenants``: servers and tenants added without the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g

from services.container import current
from services.web.rest.operation import Answer, Routes

PREFIX = "/api/admin/health"
routes = Routes("Fleet")


class Entry(Answer):
    """An entry as it is written in the inventory."""

    id: str


@routes.post(f"{PREFIX}/vps", who="chief", free_body=True, answer=Entry, status=201)
def add_vps(body: dict[str, Any]) -> Mapping[str, Any]:
    """Add a server.

    The body is an entry of the inventory. 409 when there is one of this id."""
    return current().inventory.add_vps(body, g.principal.name)


@routes.put(f"{PREFIX}/vps/<vps_id>", who="chief", free_body=True, answer=Entry, errors=(409,))
def change_vps(vps_id: str, body: dict[str, Any]) -> Mapping[str, Any]:
    """Write a server anew.

    409 for one of the inventory file."""
    return current().inventory.change_vps(vps_id, body, g.principal.name)


@routes.delete(f"{PREFIX}/vps/<vps_id>", who="chief", errors=(409,))
def delete_vps(vps_id: str) -> None:
    """Take a server away and keep its history."""
    current().inventory.delete_vps(vps_id, g.principal.name)


@routes.post(f"{PREFIX}/tenants", who="chief", free_body=True, answer=Entry, status=201)
def add_tenant(body: dict[str, Any]) -> Mapping[str, Any]:
    """Add a tenant.

    The body is an entry of the inventory. 409 when there is one of this id."""
    return current().inventory.add_tenant(body, g.principal.name)


@routes.put(
    f"{PREFIX}/tenants/<tenant_id>", who="chief", free_body=True, answer=Entry, errors=(409,)
)
def change_tenant(tenant_id: str, body: dict[str, Any]) -> Mapping[str, Any]:
    """Write a tenant anew.

    409 for one of the inventory file."""
    return current().inventory.change_tenant(tenant_id, body, g.principal.name)


@routes.delete(f"{PREFIX}/tenants/<tenant_id>", who="chief", errors=(409,))
def delete_tenant(tenant_id: str) -> None:
    """Take a tenant away and keep its history."""
    current().inventory.delete_tenant(tenant_id, g.principal.name)
