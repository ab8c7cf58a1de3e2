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


def caller(auth: Any, identity: Identity) -> tuple[Credential, Principal]:
    """Who makes the current request, by the first of these that is there: ``auth["token"]``, an
    Authorization header, the cookie of a login or of an embedded page. Raises InvalidToken,
    AuthenticationRequired or InsufficientPermissions."""
    token = auth.get("token") if isinstance(auth, dict) else None
    if token is not None:
        if not isinstance(token, str):
            raise InvalidToken("The token must be text.")
        return _held(Credential("token", token.removeprefix("Bearer ").strip()), identity)
    if header := request.headers.get("Authorization"):
        kind, _, value = header.partition(" ")
        if kind.lower() != "bearer":
            raise InvalidToken("The Authorization header must read: Bearer <token>.")
        return _held(Credential("token", value.strip()), identity)
    cookies = guard.cookies()
    if not cookies:
        raise AuthenticationRequired("Connect with a token or a session.")
    if not from_own_page(unknown=False):
        raise AuthenticationRequired("This origin may not use the session.")
    for cookie in cookies:
        if principal := identity.authenticate_session(cookie):
            return Credential("session", cookie), principal
    raise AuthenticationRequired("The session has ended.")


def from_own_page(*, unknown: bool) -> bool:
    """Whether the page that makes a browser call is one of ours or of the portal.

    Browsers leave ``Origin`` out of a GET to the page's own host; ``Referer`` says the same.
    ``unknown`` is the answer without either: then it is no browser.
    """
    page = request.headers.get("Origin") or request.headers.get("Referer")
    return guard.is_own_origin(page) if page else unknown


def _held(credential: Credential, identity: Identity) -> tuple[Credential, Principal]:
    return credential, credential.holder(identity)
