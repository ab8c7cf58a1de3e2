"""How many requests a caller may make: Flask-Limiter, by who calls rather than from where."""

from __future__ import annotations

import hashlib
import math
import time
from ipaddress import IPv6Address, ip_address

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limit, Limiter
from limits import parse_many
from limits.storage import Storage

from services.container import EXTENSION, current
from services.identity import Principal
from services.web import errors
from services.web.counts import Counts

LIMITS = "healthdeck.limits"
KEY_PREFIX = "healthdeck"
AGENT_REPORT = "/api/agent/v1/report"
#: Of the pages of one browser's session, of one agent, and of one address that trades tokens.
PAGES = "600 per minute"
AGENTS = "1200 per minute"
TRADES = "300 per minute"
#: What carries no judgement of ours and is asked for in dozens, or by probes.
FREE = ("/assets/", "/vendor/", "/_dash-component-suites/", "/_favicon.ico", "/agent.pyz")
PROBES = frozenset({"/healthz", "/health/live", "/readyz", "/health/ready"})

TOO_MANY = "Too many requests. Wait a little and try again."
#: The specification's words.
TOO_MANY_OF_THE_API = "Too many health check requests"


def install(server: Flask) -> None:
    """Counts every request that the guard lets in. Call it after ``guard.install``."""
    server.after_request(_tell)
    limiter = Limiter(
        _caller,
        default_limits=[
            Limit(_rate, scope=lambda _: _kind(), shared=True, error_message=_message),
        ],
        storage_uri=f"{Counts.STORAGE_SCHEME[0]}://",
        storage_options={"redis_url": server.extensions[EXTENSION].settings.redis_url or ""},
        strategy="fixed-window",
        key_prefix=KEY_PREFIX,
        headers_enabled=False,
        # the library names views by their __name__, which our operations do not have; "" is free
        request_identifier=_kind,
    )
    limiter.init_app(server)
    server.extensions[LIMITS] = limiter


def count_refused() -> None:
    """Counts a request that is refused for its identity, by its address: the library never sees
    it. Raises RateLimited, which is then the better answer."""
    limiter: Limiter | None = current_app.extensions.get(LIMITS)
    if limiter is None:
        return
    for item in parse_many(_rate()) if _kind() else ():
        counted = (KEY_PREFIX, f"address:{address()}", _kind())
        if not limiter.limiter.hit(item, *counted):
            ends = limiter.limiter.get_window_stats(item, *counted).reset_time
            raise errors.RateLimited(_message(), max(1, math.ceil(ends - time.time())))


def storage(server: Flask) -> Storage:
    """Where a server counts; of its own where limits are not installed."""
    limiter: Limiter | None = server.extensions.get(LIMITS)
    if limiter is not None:
        return limiter.storage
    return Counts(redis_url=server.extensions[EXTENSION].settings.redis_url or "")


def address() -> str:
    """Where a request comes from, as limits see it: of IPv6 the network that one household or
    server has."""
    text = request.remote_addr or ""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return text
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return f"{IPv6Address(int(found) >> 64 << 64)}/64"
    return text


def _kind() -> str:
    path = request.path
    if path in PROBES or path.startswith(FREE):
        return ""
    if path == AGENT_REPORT:
        return "agent"
    if path.startswith("/api/admin/"):
        return "api"
    return "embed" if path == "/auth/embed" else "pages"


def _rate() -> str:
    kind = _kind()
    if kind == "api":
        return current().settings.rate_limit
    return {"": "", "agent": AGENTS, "embed": TRADES}.get(kind, PAGES)


def _caller() -> str:
    kind, principal = _kind(), _principal()
    if kind == "agent":
        shown = request.headers.get("Authorization", "").encode("utf-8", "replace")
        return f"agent:{hashlib.sha256(shown).hexdigest()[:32]}"
    if principal is None:
        return f"address:{address()}"
    return principal.identity if kind == "api" else principal.key


def _principal() -> Principal | None:
    found: Principal | None = g.get("principal")
    return found


def _message() -> str:
    return TOO_MANY_OF_THE_API if _kind() == "api" else TOO_MANY


def _tell(response: Response) -> Response:
    """How much is left, on every answer that was counted. Our own lines, for the library's put a
    ``Retry-After`` on good answers and change that of a 503."""
    limiter: Limiter = current_app.extensions[LIMITS]
    limit = limiter.current_limit
    if limit is None:
        return response
    response.headers["X-RateLimit-Limit"] = str(limit.limit.amount)
    response.headers["X-RateLimit-Remaining"] = str(limit.remaining)
    response.headers["X-RateLimit-Reset"] = str(limit.reset_at)
    if limit.breached:
        wait = math.ceil(limit.window.reset_time - time.time())
        response.headers["Retry-After"] = str(max(1, wait))
    return response
