"""``/embed``: pages of ours in a frame of the portal's. A token that the portal's backend asked
for is traded for a cookie that works in that frame alone."""

from __future__ import annotations

import re
import time
from ipaddress import ip_address
from urllib.parse import unquote

from flask import Blueprint, Flask, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ConfigDict, Field

from services.container import current
from services.errors import InvalidToken, ValidationError
from services.times import iso
from services.web import body, guard

MAX_TO = 2000
_BELOW_HEALTH = re.compile(r"/health(?:[/?#].*)?")

pages = Blueprint("embedding", __name__)


class Trade(BaseModel):
    """What the page sends: the token that stood in its address."""

    model_config = ConfigDict(extra="forbid", strict=True)

    token: str = Field(min_length=1, max_length=200)


def install(server: Flask) -> None:
    """Adds /embed and /auth/embed."""
    server.register_blueprint(pages)


@pages.get("/embed")
def show() -> ResponseReturnValue:
    """The page that the portal frames: its script trades the token and goes on to ``to``."""
    to = checked_target(request.args.get("to", "/health"))
    return render_template("embed.html", to=to)


@pages.get("/auth/embed")
def look() -> ResponseReturnValue:
    """When this frame's session ends (null: it has none), and whom it may ask for a new token."""
    return _told(_ends_at())


@pages.post("/auth/embed")
def trade() -> ResponseReturnValue:
    """A one-time token for the session's cookie. A spent one is no error for a browser whose
    session goes on. 400 where no browser would keep the cookie, 401 for a token that is no
    good."""
    if not request.is_secure and not _is_loopback(request.host):
        raise ValidationError(
            "Embedding needs TLS: browsers keep the cookie of a frame over https alone. Put a "
            "proxy with a certificate in front, and set TRUSTED_PROXIES."
        )
    token = body.check(Trade, body.read_object()).token
    try:
        cookie, ends = current().identity.embeds.trade(token, request.remote_addr or "")
    except InvalidToken:
        if (found := _ends_at()) is None:
            raise
        return _told(found)
    response = _told(ends)
    response.set_cookie(
        guard.embed_cookie_name(),
        cookie,
        max_age=int(ends - time.time()),
        path="/",
        secure=True,
        httponly=True,
        samesite="None",
        partitioned=True,
    )
    return response


def checked_target(text: str) -> str:
    """A path of ours below /health. Raises ValidationError."""
    plain = unquote(text.partition("?")[0].partition("#")[0])
    if (
        len(text) > MAX_TO
        or not text.isprintable()
        or "\\" in plain
        or "//" in plain
        or ".." in plain.split("/")
        or not _BELOW_HEALTH.fullmatch(text)
    ):
        raise ValidationError("to must be a path below /health, such as /health/vps/vps-1.")
    return text


def _told(ends: float | None) -> Response:
    return jsonify({"expiresAt": iso(ends), "portals": current().settings.portal_url})


def _ends_at() -> float | None:
    """When this browser's embedded session ends; None when it has none."""
    cookie = request.cookies.get(guard.embed_cookie_name())
    holder = current().identity.embeds.holder(cookie) if cookie else None
    return None if holder is None else holder.expires_at


def _is_loopback(host: str) -> bool:
    """Whether a browser takes a secure cookie from this host without TLS."""
    name = host.rpartition(":")[0] if re.search(r":[0-9]+$", host) else host
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
