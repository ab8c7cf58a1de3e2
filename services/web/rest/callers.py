"""Who calls, as the audit names them."""

from __future__ import annotations

from flask import g, request

from services.identity.audit import Actor


def actor() -> Actor:
    """Whoever called, for the audit."""
    return Actor(g.principal.name, request.remote_addr or "")
