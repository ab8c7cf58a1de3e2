"""Embedded pages: the one-time token that the portal asks for, and the session that it opens."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models.database import Database
from models.identity import Embed
from services.errors import InsufficientPermissions, InvalidToken, ValidationError
from services.events import Bus, SessionEnded
from services.identity.audit import Actor, audit
from services.identity.principal import OnlyServers, Principal, Scope
from services.identity.remembered import CACHE_SECONDS, Remembered, digest_of

#: A token is spent within this many seconds, or not at all.
TOKEN_SECONDS = 600.0
MAX_MINUTES = 24 * 60
MAX_NAMES = 1000
#: No cookie of a login begins so: those have no dot.
COOKIE = "embed."

_PAGE = re.compile(r"/health(/[A-Za-z0-9._-]+)*")


@dataclass(frozen=True, slots=True)
class Wish:
    """What an embedded page may show (None: no limit), and for how long: ``minutes`` is the life
    of its session."""

    minutes: float
    tenants: Sequence[str] | None = None
    vps: Sequence[str] | None = None
    pages: Sequence[str] | None = None


class Embeds:
    """``clock`` gives seconds since the epoch. Thread-safe."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        clock: Callable[[], float] = time.time,
        cache_seconds: float = CACHE_SECONDS,
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._held = Remembered(self._load, cache_seconds)

    def create(self, wish: Wish, maker: Principal, actor: Actor) -> tuple[str, float]:
        """A one-time token, and until when it can be spent. Raises ValidationError, or
        InsufficientPermissions for more than its maker may see and for a maker that is embedded
        itself."""
        if maker.via == "embed":
            raise InsufficientPermissions("An embedded page cannot embed another.")
        if not 0 < wish.minutes <= MAX_MINUTES:
            raise ValidationError(f"minutes must lie between 0 and {MAX_MINUTES}.")
        for name, given in (("tenants", wish.tenants), ("vps", wish.vps), ("pages", wish.pages)):
            if given is not None and not 0 < len(given) <= MAX_NAMES:
                raise ValidationError(f"{name} names 1 to {MAX_NAMES}; leave it out for all.")
        for page in wish.pages or ():
            if not _PAGE.fullmatch(page) or ".." in page:
                raise ValidationError(f"'{page[:100]}' is no page; write it as /health/vps/vps-1.")
        now, token = self._clock(), secrets.token_urlsafe(32)
        row = Embed(
            token_hash=digest_of(token),
            maker=maker.identity[:120],
            name=maker.name,
            tenants=_tenants(wish.tenants, maker.scope),
            vps=None if wish.vps is None else sorted(set(wish.vps)),
            pages=None if wish.pages is None else sorted(set(wish.pages)),
            seconds=wish.minutes * 60,
            created_at=now,
            expires_at=now + TOKEN_SECONDS,
        )
        with self._database.write() as session:
            session.add(row)
            session.flush()
            detail = {"tenants": row.tenants, "vps": row.vps, "pages": row.pages}
            audit(session, actor, "embed.create", str(row.id), now, detail)
        return token, now + TOKEN_SECONDS

    def trade(self, token: str, address: str) -> tuple[str, float]:
        """The cookie of a new session, and when it ends, for a token that is not spent yet. Of two
        that trade one token, one wins. Raises InvalidToken."""
        now, cookie = self._clock(), COOKIE + secrets.token_urlsafe(32)
        with self._database.write() as session:
            found = session.execute(
                update(Embed)
                .where(
                    Embed.token_hash == digest_of(token),
                    Embed.cookie_hash.is_(None),
                    Embed.expires_at > now,
                )
                .values(cookie_hash=digest_of(cookie), expires_at=now + Embed.seconds)
                .returning(Embed.id, Embed.expires_at, Embed.name)
            ).one_or_none()
            if found is None:
                raise InvalidToken("The token is spent, too old or unknown; ask for a new one.")
            audit(session, Actor(found.name, address), "embed.open", str(found.id), now)
        return cookie, found.expires_at

    def holder(self, cookie: str) -> Principal | None:
        """Whose session a cookie is; None when it is nobody's, has ended or has expired."""
        found = self._held.get(digest_of(cookie))
        return found if found is not None and found.expires_at > self._clock() else None

    def forget(self, ended: Sequence[str]) -> None:
        """Sessions (by their keys) that another change ended: nobody is let in by them any
        more, and their sockets close."""
        self._held.forget()
        for key in ended:
            self._bus.publish(SessionEnded(key))

    def _load(self, digest: str) -> Principal | None:
        with self._database.read() as session:
            row = session.scalar(select(Embed).where(Embed.cookie_hash == digest))
        if row is None:
            return None
        tenants = None if row.tenants is None else frozenset(row.tenants)
        return Principal(
            name=row.name,
            role="admin",
            scope=tenants if row.vps is None else OnlyServers.of(row.vps, tenants),
            via="embed",
            key=f"embed:{row.id}",
            expires_at=row.expires_at,
            pages=None if row.pages is None else frozenset(row.pages),
        )


def end_of_maker(session: Session, maker: str) -> list[str]:
    """Ends what somebody (an identity) had embedded, in the transaction that takes them away; the
    keys of the sessions, for ``Embeds.forget`` after the commit."""
    ended = session.scalars(delete(Embed).where(Embed.maker == maker).returning(Embed.id)).all()
    return [f"embed:{one}" for one in ended]


def _tenants(wanted: Sequence[str] | None, scope: Scope) -> list[str] | None:
    """No more than the maker may see."""
    if scope is None:
        return None if wanted is None else sorted(set(wanted))
    if wanted is None:
        return sorted(scope)
    if not scope.issuperset(wanted):
        raise InsufficientPermissions("tenants names one that the caller may not know of.")
    return sorted(set(wanted))
