"""Which other origins' pages may call the API: the portal's (``PORTAL_URL``), and nobody else's."""

from __future__ import annotations

from flask import Flask, Response, request

from services.container import current

METHODS = "GET, POST, PUT, DELETE"
TAKEN = "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-ID"
SHOWN = (
    "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, ETag, X-Request-ID, "
    "Idempotency-Replayed"
)
#: Seconds that a browser remembers the answer to a preflight.
REMEMBERED = "600"


def install(server: Flask) -> None:
    """Tells browsers on every answer of the API whose pages may read it."""
    server.after_request(_tell)


def preflight() -> Response | None:
    """The answer to a browser that asks whether a page of the portal may send a request: the one
    question that is answered without an identity. None for anything else."""
    if request.method != "OPTIONS" or not _may_call():
        return None
    if "Access-Control-Request-Method" not in request.headers:
        return None
    response = Response(status=204)
    response.headers["Access-Control-Allow-Methods"] = METHODS
    response.headers["Access-Control-Allow-Headers"] = TAKEN
    response.headers["Access-Control-Max-Age"] = REMEMBERED
    return response


def _may_call() -> bool:
    origin = request.headers.get("Origin", "")
    return _of_the_api() and origin in current().settings.portal_url


def _of_the_api() -> bool:
    return request.path.startswith("/api/")


def _tell(response: Response) -> Response:
    if _of_the_api() and current().settings.portal_url:
        response.vary.add("Origin")
    if _may_call():
        response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Access-Control-Expose-Headers"] = SHOWN
    return response
