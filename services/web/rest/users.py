"""``/api/admin/users``: who may log in."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from services.container import acting, current
from services.errors import NotFound
from services.web.rest import cursors
from services.web.rest.operation import Answer, Body, Routes

PREFIX = "/api/admin/users"
routes = Routes("Identity")

Role = Literal["admin", "super_admin"]


class NewUser(Body):
    name: str = Field(min_length=1, max_length=100)
    password: str = Field(min_length=12, max_length=1024)
    role: Role


class ChangedUser(Body):
    """What is left out stays."""

    role: Role | None = None
    password: str | None = Field(None, min_length=12, max_length=1024)


class User(Answer):
    id: str
    name: str
    role: Role
    created_at: str


class Users(Answer):
    users: tuple[User, ...]
    next_cursor: str | None


@routes.get(PREFIX, who="chief", query=cursors.PageQuery, answer=Users)
def list_users(query: cursors.PageQuery) -> dict[str, Any]:
    """Everybody who may log in, the oldest first."""
    return cursors.numbered("users", query, current().identity.users.all)


@routes.post(PREFIX, who="chief", body=NewUser, answer=User, status=201)
def create_user(body: NewUser) -> dict[str, Any]:
    """Somebody who may log in.

    409 when the name is taken."""
    users = current().identity.users
    return users.create(body.name, body.password, body.role, acting())


@routes.put(f"{PREFIX}/<user_id>", who="chief", body=ChangedUser, answer=User, errors=(409,))
def change_user(user_id: str, body: ChangedUser) -> dict[str, Any]:
    """Another role or another password.

    Either ends the user's sessions and their sockets. 409 for the last super_admin's role."""
    users = current().identity.users
    return users.change(number(user_id), acting(), body.role, body.password)


@routes.delete(f"{PREFIX}/<user_id>", who="chief", errors=(409,))
def delete_user(user_id: str) -> None:
    """Take a user away.

    Ends the user's sessions, and what was embedded in the user's name. 409 for the last
    super_admin."""
    current().identity.users.delete(number(user_id), acting())


def number(text: str) -> int:
    """An id that is a number. Raises NotFound for one that no row can have."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFound(f"There is no '{text}' here.")
    return int(text)
