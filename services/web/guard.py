"""The one door in front of every Flask route, Dash's own endpoints included: default deny.

Nothing is let in because of what a body says. Socket.IO does not pass here (it takes its
requests before Flask does); its connect handler asks ``identify`` and ``is_own_origin`` itself.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from flask import Flask, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from services.container import current
from services.errors import (
    AuthenticationRequired,
    InsufficientPermissions,
    InvalidToken,
    PayloadTooLarge,
)
from services.identity import Principal
from services.web import confine, cors, errors, limits

MAX_BODY = 1024 * 1024
#: Exact paths that anybody may ask for: is it alive, how to come in, and what those pages need.
PUBLIC = frozenset(
    {
        "/healthz",
        "/health/live",
        "/readyz",
        "/health/ready",
        "/login",
        "/setup",
        "/assets/login.css",
        "/agent.pyz",
        "/assets/tokens.css",
        "/assets/theme.js",
        "/assets/favicon.svg",
        "/assets/embed.js",
        "/embed",
        "/auth/embed",
        "/api/openapi.json",
        "/api/docs",
        "/assets/docs.js",
        "/vendor/swagger-ui.css",
        "/vendor/swagger-ui-bundle.js",
    }
)
AGENT_REPORT = "/api/agent/v1/report"
SMS_STATUS = "/api/twilio/status"
READING = frozenset({"GET", "HEAD", "OPTIONS"})
PORTS = {"http": 80, "https": 443}


def install(server: Flask) -> None:
    """Puts the guard before everything else that looks at a request, whenever that was added."""
    server.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    server.before_request_funcs.setdefault(None, []).insert(0, admit)


def admit() -> ResponseReturnValue | None:
    """Lets a request pass (None), redirects it to the login page, or raises. Afterwards
    ``flask.g.principal`` is the caller; None on public paths."""
    g.principal = None
    if (request.content_length or 0) > MAX_BODY:
        raise PayloadTooLarge("The request is larger than 1 MiB.")
    if asked := cors.preflight():
        return asked
    if request.path in PUBLIC:
        _refuse_strange_origin(needed=False)
        return None
    if request.path == AGENT_REPORT and _shows_agent_token():
        return None  # the route knows agents by their own tokens, which open nothing else
    if request.path == SMS_STATUS and "X-Twilio-Signature" in request.headers:
        return None  # the route verifies that Twilio has signed it
    principal = _known()
    if principal is None:
        if errors.wants_page() and request.method in ("GET", "HEAD"):
            return _to_login()
        limits.count_refused()
        raise AuthenticationRequired("Log in, or send Authorization: Bearer <token>.")
    if principal.via in ("session", "embed"):
        _refuse_strange_origin(needed=True)
    if principal.via == "embed":
        _refuse_strange_caller()
        confine.check(principal)
    g.principal = principal
    return None


def _known() -> Principal | None:
    """The caller. One whose token is no good is counted before it is refused."""
    try:
        return identify()
    except (AuthenticationRequired, InvalidToken, InsufficientPermissions):
        limits.count_refused()
        raise


def _shows_agent_token() -> bool:
    return request.headers.get("Authorization", "").startswith("Bearer hda_")


def identify() -> Principal | None:
    """Who sent this request, by token or else by cookie; None when nobody says. Raises
    InvalidToken or InsufficientPermissions for a token that is no good."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return current().identity.authenticate_token(token.strip())
    for cookie in cookies():
        if principal := current().identity.authenticate_session(cookie):
            return principal
    return None


def cookies() -> list[str]:
    """The cookies that may say who it is, the login's before that of an embedded page.
    ``Identity.authenticate_session`` knows both."""
    shown = (request.cookies.get(cookie_name()), request.cookies.get(embed_cookie_name()))
    return [cookie for cookie in shown if cookie]


def cookie_name() -> str:
    """Over https a name that browsers take from our own host alone, for all paths."""
    return "__Host-healthdeck" if request.is_secure else "healthdeck"


def embed_cookie_name() -> str:
    """That of a page which the portal embeds: a name of its own, for it goes to other sites'
    frames."""
    return "__Host-healthdeck-embed" if request.is_secure else "healthdeck_embed"


def is_own_origin(origin: str) -> bool:
    """Whether an ``Origin`` is ourselves or the portal."""
    ours = (f"{request.scheme}://{request.host}", *current().settings.portal_url)
    parsed = _parse_origin(origin)
    return parsed is not None and parsed in map(_parse_origin, ours)


def _refuse_strange_origin(*, needed: bool) -> None:
    """A browser names the page that makes it change something; another site's may not. Programs
    that send no cookie need not say (``needed`` false)."""
    if request.method in READING:
        return
    origin = request.headers.get("Origin") or request.headers.get("Referer")
    if not (is_own_origin(origin) if origin else not needed):
        raise InsufficientPermissions(
            "A change must come from a page of this address, and the Origin header must say so. "
            "Behind a proxy set TRUSTED_PROXIES; for a portal set PORTAL_URL."
        )


def _refuse_strange_caller() -> None:
    """The cookie of an embedded page is sent from other sites' pages too. What they fetch with it
    they could not read, but they shall not even ask."""
    origin = request.headers.get("Origin")
    foreign = request.headers.get("Sec-Fetch-Site") == "cross-site" and (
        request.headers.get("Sec-Fetch-Mode") != "navigate"
    )
    if not is_own_origin(origin) if origin else foreign:
        raise InsufficientPermissions("This origin may not use the embedded page's session.")


def _parse_origin(text: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, host, port) if host and port else None


def _to_login() -> ResponseReturnValue:
    if not current().identity.has_users():
        return redirect(url_for("login.setup"), 303)
    query = request.query_string.decode("latin-1")
    wanted = quote(request.path) + (f"?{query}" if query else "")
    return redirect(url_for("login.show", next=None if wanted == "/" else wanted), 303)
