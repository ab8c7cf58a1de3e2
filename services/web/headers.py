"""What browsers are told about each response: what it may load, who may frame it, what to keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from flask import Flask, Response, request

from services.container import current

FOREVER = "private, max-age=31536000, immutable"
STATIC = ("/assets/", "/vendor/", "/_dash-component-suites/", "/_favicon.ico")


def install(server: Flask, csp_hashes: Sequence[str] | Callable[[], Sequence[str]] = ()) -> None:
    """``csp_hashes``: the hashes of Dash's inline scripts, quoted as in a policy. Give
    ``dash_app.csp_hashes`` itself rather than its result: Dash adds a script of its own at the
    first request."""

    def after(response: Response) -> Response:
        page = response.mimetype == "text/html"
        hashes = (csp_hashes() if callable(csp_hashes) else csp_hashes) if page else ()
        rules = policy(tuple(hashes), tuple(current().settings.portal_url))
        response.headers["Content-Security-Policy"] = rules
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        _say_what_to_keep(response)
        return response

    server.after_request(after)


@lru_cache(maxsize=64)
def policy(hashes: tuple[str, ...], portals: tuple[str, ...]) -> str:
    """The Content-Security-Policy. ``'self'`` covers our own websocket."""
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self'", *hashes)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            " ".join(("frame-ancestors 'self'", *portals)),
        )
    )


def _say_what_to_keep(response: Response) -> None:
    """A file with a fingerprint in its address is kept: Dash marks ours by ``?m=``, and its own
    and those of /vendor by a ``max-age``. Another is asked for again each time (and mostly
    answered 304), and so is what the API marks by an ETag. Everything else is news."""
    found = response.status_code in (200, 304)
    if found and request.path.startswith("/api/") and "ETag" in response.headers:
        response.headers["Cache-Control"] = "private, no-cache"
    elif not (found and request.path.startswith(STATIC)):
        response.headers["Cache-Control"] = "no-store"
    elif "m" in request.args or response.cache_control.max_age:
        response.headers["Cache-Control"] = FOREVER
    else:
        response.headers["Cache-Control"] = "no-cache"
