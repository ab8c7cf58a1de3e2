"""Signed tokens: the JWT that scripts send, and the one-time set-up link."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jwt

from services.errors import InsufficientPermissions, InvalidToken, ValidationError
from services.identity.principal import ROLES, Principal, Scope

if TYPE_CHECKING:
    from services.settings import Settings

ALGORITHM = "HS256"
MAX_TOKEN = 8192
MAX_NAME = 100
MAX_MINUTES = 10 * 366 * 24 * 60
#: How far the clock of whoever issued a token may run ahead of ours, in seconds.
CLOCK_SKEW = 60
SETUP_AUDIENCE = "healthdeck:setup"
SETUP_SECONDS = 24 * 3600

_UNREADABLE = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)


class Tokens:
    """Issues and checks tokens; holds no state."""

    def __init__(self, settings: Settings) -> None:
        self._secret = settings.jwt_secret
        self._audience = settings.jwt_audience
        self._issuer = settings.jwt_issuer
        # A key of its own: no set-up link can ever pass as a token of the API, nor one for it.
        self._setup_secret = hmac.new(
            settings.secret_key.encode(), SETUP_AUDIENCE.encode(), hashlib.sha256
        ).digest()

    def issue(self, role: str, subject: str, minutes: float, tenants: Sequence[str] | None) -> str:
        """A JWT for a script. ``tenants`` limits its holder; None sees everything. Raises
        ValidationError."""
        if role not in ROLES:
            raise ValidationError(f"The role must be one of {', '.join(ROLES)}, not {role!r}.")
        if not _is_name(subject):
            raise ValidationError(f"The subject must be 1 to {MAX_NAME} printable characters.")
        if not 0 < minutes <= MAX_MINUTES:
            raise ValidationError(f"The minutes must lie between 0 and {MAX_MINUTES}.")
        now = time.time()
        claims: dict[str, Any] = {"sub": subject, "role": role, "iat": int(now)}
        claims["exp"] = int(now + minutes * 60)
        if tenants is not None:
            claims["tenants"] = sorted(set(tenants))
        if self._audience:
            claims["aud"] = self._audience
        if self._issuer:
            claims["iss"] = self._issuer
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def read(self, token: str) -> Principal:
        """The holder of a JWT. Raises InvalidToken, or InsufficientPermissions for a genuine
        token whose role may not call us."""
        if len(token) > MAX_TOKEN:
            raise InvalidToken("The token is too long to be one.")
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                options={
                    "require": ["exp", "iat", "sub"],
                    "verify_aud": self._audience is not None,
                    "verify_iat": False,
                },
            )
            issued, expires = float(claims["iat"]), float(claims["exp"])
        except jwt.ExpiredSignatureError:
            raise InvalidToken("The token has expired; ask for a new one.") from None
        except jwt.MissingRequiredClaimError as error:
            raise InvalidToken(f"The token lacks the claim {error.claim!r}.") from None
        except jwt.InvalidAudienceError:
            raise InvalidToken("The token is meant for another audience.") from None
        except jwt.InvalidIssuerError:
            raise InvalidToken("The token comes from another issuer.") from None
        except _UNREADABLE:
            raise InvalidToken("The token is not a JWT that was signed for this server.") from None
        if not issued <= time.time() + CLOCK_SKEW:
            raise InvalidToken("The token was issued in the future; check the issuer's clock.")
        if not _is_name(claims["sub"]):
            raise InvalidToken(f"The token's sub must be 1 to {MAX_NAME} printable characters.")
        scope = _scope(claims.get("tenants"))
        if claims.get("role") not in ROLES:
            raise InsufficientPermissions(f"The token's role must be one of {', '.join(ROLES)}.")
        digest = hashlib.sha256(token.encode()).hexdigest()
        return Principal(
            name=claims["sub"],
            role=claims["role"],
            scope=scope,
            via="token",
            key=f"token:{digest[:32]}",
            expires_at=expires,
        )

    def issue_setup(self) -> str:
        """The token of a set-up link, good for a day."""
        now = int(time.time())
        claims = {"aud": SETUP_AUDIENCE, "iat": now, "exp": now + SETUP_SECONDS}
        return jwt.encode(claims, self._setup_secret, algorithm=ALGORITHM)

    def is_setup(self, token: str) -> bool:
        """Whether we issued this as a set-up token within the last day."""
        if len(token) > MAX_TOKEN:
            return False
        try:
            jwt.decode(
                token,
                self._setup_secret,
                algorithms=[ALGORITHM],
                audience=SETUP_AUDIENCE,
                options={"require": ["exp", "iat", "aud"]},
            )
        except _UNREADABLE:
            return False
        return True


def _is_name(text: object) -> bool:
    return isinstance(text, str) and 0 < len(text) <= MAX_NAME and text.isprintable()


def _scope(tenants: object) -> Scope:
    if tenants is None:
        return None
    if isinstance(tenants, list) and all(isinstance(tenant, str) for tenant in tenants):
        return frozenset(tenants)
    raise InvalidToken("The token's tenants must be a list of tenant ids.")
