"""The whole door: guard, limits, login, embedding, and the routes of identity."""

from __future__ import annotations

from flask import Blueprint, Flask

from services.container import Services
from services.web import cors, embedding, limits
from services.web.rest import audit, embed, keys, users
from tests.support import site


def serve(services: Services) -> Flask:
    """``site.serve`` with what it does not install."""
    server = site.serve(services)
    if limits.LIMITS not in server.extensions:
        limits.install(server)
        cors.install(server)
        embedding.install(server)
    routes = Blueprint("identity", __name__)
    for part in (users, keys, embed, audit):
        if not any(rule.endpoint.endswith(f".{one.id}") for one in part.routes
                   for rule in server.url_map.iter_rules()):  # fmt: skip
            part.routes.add_to(routes)
    server.register_blueprint(routes)
    return server
