"""Who may act on servers: never a caller that is limited to tenants."""

from __future__ import annotations

from flask import g, request

from services.errors import InsufficientPermissions
from services.identity.audit import Actor


def actor() -> Actor:
    """Whoever called, for the audit."""
    return Actor(g.principal.name, request.remote_addr or "")


def whole() -> Actor:
    """The caller, who sees the whole fleet. Raises InsufficientPermissions for others."""
    if g.principal.scope is not None:
        raise InsufficientPermissions("This is for callers that see the whole fleet.")
    return Actor(g.principal.name, request.remote_addr or "")


def chief(does: str) -> Actor:
    """The caller, a super_admin of the whole fleet. Raises InsufficientPermissions, which says
    what only such a one ``does``."""
    if g.principal.role != "super_admin" or g.principal.scope is not None:
        raise InsufficientPermissions(f"Only a super_admin of the whole fleet {does}.")
    return whole()
