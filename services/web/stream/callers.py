"""Who opens a socket: a token, or a browser's session from an origin that may use it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from flask import request

from services.errors import AuthenticationRequired, InvalidToken
from services.identity import Identity, Principal
from services.web import guard


@dataclass(frozen=True, slots=True)
class Credential:
    """What a caller showed; it is looked at again while its socket is open."""

    kind: Literal["token", "session"]
    secret: str = field(repr=False)

    def holder(self, identity: Identity) -> Principal:
        """Raises InvalidToken, AuthenticationRequired or InsufficientPermissions."""
        if self.kind == "token":
            return identity.authenticate_token(self.secret)
        principal = identity.authenticate_session(self.secret)
        if principal is None:
            raise AuthenticationRequired("The session has ended.")
        return principal


def shown(auth: Any) -> Credential:
    """What the caller of the current request shows, in this order: ``auth["token"]``, an
    Authorization header, the session's cookie. Raises InvalidToken or AuthenticationRequired."""
    token = auth.get("token") if isinstance(auth, dict) else None
    if token is not None:
        if not isinstance(token, str):
            raise InvalidToken("The token must be text.")
        return Credential("token", token.removeprefix("Bearer ").strip())
    if header := request.headers.get("Authorization"):
        kind, _, value = header.partition(" ")
        if kind.lower() != "bearer":
            raise InvalidToken("The Authorization header must read: Bearer <token>.")
        return Credential("token", value.strip())
    cookie = request.cookies.get(guard.cookie_name())
    if not cookie:
        raise AuthenticationRequired("Connect with a token or a session.")
    if not from_own_page(unknown=False):
        raise AuthenticationRequired("This origin may not use the session.")
    return Credential("session", cookie)


def from_own_page(*, unknown: bool) -> bool:
    """Whether the page that makes a browser call is one of ours or of the portal.

    Browsers leave ``Origin`` out of a GET to the page's own host; ``Referer`` says the same.
    ``unknown`` is the answer without either: then it is no browser.
    """
    page = request.headers.get("Origin") or request.headers.get("Referer")
    return guard.is_own_origin(page) if page else unknown
