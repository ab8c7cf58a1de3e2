"""``/api/admin/api-keys``: secrets for scripts that a super_admin can revoke."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, Strict

from services.container import acting, current
from services.web.rest import cursors
from services.web.rest.ids import ID
from services.web.rest.operation import Answer, Body, Routes
from services.web.rest.ranges import Moment
from services.web.rest.users import Role, number

PREFIX = "/api/admin/api-keys"
routes = Routes("Identity")

Id = Annotated[str, Field(pattern=f"^{ID.pattern}$")]
#: A list in JSON, as it comes.
Ids = Annotated[tuple[Id, ...], Field(min_length=1, max_length=1000), Strict(False)]


class NewKey(Body):
    """``tenants`` limits the holder to those; ``expiresAt`` is ISO 8601 with its zone."""

    name: str = Field(min_length=1, max_length=100)
    role: Role
    tenants: Ids | None = None
    expires_at: Annotated[Moment | None, Strict(False)] = None


class Key(Answer):
    id: str
    name: str
    prefix: str
    role: Role
    tenants: tuple[str, ...] | None
    created_at: str
    created_by: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None


class ToldKey(Key):
    key: str


class Keys(Answer):
    keys: tuple[Key, ...]
    next_cursor: str | None


@routes.get(PREFIX, who="chief", query=cursors.PageQuery, answer=Keys)
def list_api_keys(query: cursors.PageQuery) -> dict[str, Any]:
    """Every key by its first characters, the oldest first; revoked ones stay listed."""
    return cursors.numbered("keys", query, current().identity.keys.all)


@routes.post(PREFIX, who="chief", body=NewKey, answer=ToldKey, status=201, tells_secret=True)
def create_api_key(body: NewKey) -> dict[str, Any]:
    """A new key.

    The key itself is told this once."""
    ends: datetime | None = body.expires_at
    return current().identity.keys.create(
        body.name, body.role, acting(), body.tenants, ends.timestamp() if ends else None
    )


@routes.delete(f"{PREFIX}/<key_id>", who="chief")
def revoke_api_key(key_id: str) -> None:
    """End a key.

    Its sockets close, and what was embedded by it ends."""
    current().identity.keys.revoke(number(key_id), acting())
