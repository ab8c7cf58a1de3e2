"""The REST blueprint: what scripts and the portal call."""

from __future__ import annotations

from functools import cache

from flask import Blueprint, Flask, Response, current_app, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import MethodNotAllowed

from services.errors import NotFound
from services.web.rest import (
    actions,
    agents,
    alert_config,
    alerts,
    analytics,
    audit,
    docs,
    embed,
    events,
    export,
    fleet,
    health,
    history,
    incidents,
    keys,
    lists,
    maintenance,
    metrics,
    notes,
    notifications,
    ops,
    preview,
    rules,
    silences,
    sla,
    suggestions,
    templates,
    traces,
    twilio,
    users,
)

#: In the order of the documentation.
PARTS = (
    health, lists, history, events, sla, export, notes, fleet, alerts, rules, alert_config, preview,
    suggestions, analytics, incidents, traces, maintenance, silences, notifications, templates,
    twilio, actions, agents, users, keys, embed, audit, metrics, ops, docs,
)  # fmt: skip
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def install(server: Flask) -> None:
    """Adds every route below /api, and the probes."""
    if isinstance(server.json, DefaultJSONProvider):
        server.json.sort_keys = False  # the specification's order is easier to read
    ops.prepare(server)
    server.extensions[docs.OPERATIONS] = [one for part in PARTS for one in part.routes]
    server.register_blueprint(blueprint())


def blueprint() -> Blueprint:
    """The routes of this package. What is unknown below /api is answered here: Dash's own
    catch-all would else send a page with status 200."""
    routes = Blueprint("rest", __name__)
    for part in PARTS:
        part.routes.add_to(routes)
    routes.before_request(_only_its_own)
    for rule in ("/api", "/api/", "/api/<path:rest>"):
        routes.add_url_rule(
            rule, "unknown", _unknown, methods=METHODS, provide_automatic_options=False
        )
    return routes


def _unknown(rest: str = "") -> Response:
    allowed = _other_methods()
    if allowed and request.method == "OPTIONS":
        return Response(status=204, headers={"Allow": ", ".join([*allowed, "OPTIONS"])})
    if allowed:
        raise MethodNotAllowed(valid_methods=allowed)
    raise NotFound(f"There is no {request.path} in this API.")


@cache
def _literal() -> dict[str, set[str]]:
    """The methods of each path without variables. It is never an id of a path with one:
    ``rules/export`` is no rule."""
    found: dict[str, set[str]] = {}
    for part in PARTS:
        for one in part.routes:
            if "<" not in one.path:
                found.setdefault(one.path, set()).add(one.method)
    return found


def _only_its_own() -> None:
    allowed = _literal().get(request.path)
    method = "GET" if request.method == "HEAD" else request.method
    if allowed and method not in (*allowed, "OPTIONS"):
        raise MethodNotAllowed(valid_methods=sorted(allowed))


def _other_methods() -> list[str]:
    """The methods by which some other route answers this path."""
    if allowed := _literal().get(request.path):
        return sorted(allowed)
    adapter = current_app.create_url_adapter(request)
    if adapter is None:
        return []
    return [
        method
        for method in METHODS
        if adapter.test(method=method) and adapter.match(method=method)[0] != request.endpoint
    ]
