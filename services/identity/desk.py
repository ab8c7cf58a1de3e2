"""Who is calling: logins, tokens, keys and embedded pages, each by its secret."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from sqlalchemy import delete, select, update

from models.database import Database
from models.identity import Embed, LoginSession, User
from services.errors import AuthenticationRequired, InvalidToken
from services.events import Bus, SessionEnded
from services.identity import embeds, keys
from services.identity.answers import Answers
from services.identity.audit import Actor, audit
from services.identity.embeds import Embeds
from services.identity.keys import ApiKeys
from services.identity.passwords import Passwords, default_hasher
from services.identity.principal import Principal
from services.identity.remembered import CACHE_SECONDS, CACHE_SIZE, Remembered, digest_of
from services.identity.tokens import Tokens
from services.identity.users import COMMAND_LINE, Users, normal_name

if TYPE_CHECKING:
    from services.settings import Settings

SESSION_SECONDS = 14 * 24 * 3600


class Identity:
    """Answers who is calling. ``users``, ``keys`` and ``embeds`` manage who may, ``answers`` keeps
    what repeated calls are answered. ``hasher`` is for tests, which cannot wait for real
    argon2."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        bus: Bus,
        *,
        hasher: PasswordHasher | None = None,
        clock: Callable[[], float] = time.time,
        cache_seconds: float = CACHE_SECONDS,
    ) -> None:
        self._database = database
        self._bus = bus
        self._tokens = Tokens(settings)
        # A signature that was good stays so; checking one is half the cost of a cheap request.
        self._read_token = lru_cache(CACHE_SIZE)(self._tokens.read)
        self._passwords = Passwords(hasher or default_hasher())
        self._clock = clock
        self._logins = Remembered(self._load, cache_seconds)
        self._seen_users = False
        self.embeds = Embeds(database, bus, clock, cache_seconds)
        self.keys = ApiKeys(database, bus, self.embeds, clock, cache_seconds)
        self.users = Users(database, self._passwords, self._end, clock)
        self.answers = Answers(database, clock)

    # Tokens

    def authenticate_token(self, token: str) -> Principal:
        """The holder of a JWT or of an API key. Raises InvalidToken, or InsufficientPermissions
        when its role may not call us."""
        if token.startswith(keys.PREFIX):
            return self.keys.authenticate(token)
        holder = self._read_token(token)
        return holder if holder.expires_at > self._clock() else self._tokens.read(token)

    def issue_token(
        self, role: str, subject: str, minutes: float, tenants: Sequence[str] | None = None
    ) -> str:
        """A signed JWT for a script, good for ``minutes``. Raises ValidationError."""
        return self._tokens.issue(role, subject, minutes, tenants)

    # Users

    def has_users(self) -> bool:
        """Whether anybody can log in. Once somebody can, the database is not asked again."""
        if not self._seen_users:
            self._seen_users = self.users.any()
        return self._seen_users

    def create_user(self, name: str, password: str, role: str, actor: Actor = COMMAND_LINE) -> None:
        """Raises ValidationError, or Conflict when the name is taken."""
        self.users.create(name, password, role, actor)

    def setup_token(self) -> str:
        """The token of a set-up link: good for 24 hours and only while there is no user."""
        return self._tokens.issue_setup()

    def check_setup_token(self, token: str) -> bool:
        """Whether a set-up link can still be used."""
        return self._tokens.is_setup(token) and not self.users.any()

    def create_first_user(self, token: str, name: str, password: str, address: str = "") -> None:
        """The first super_admin, by a set-up link. Of two that race one wins. Raises
        InvalidToken for a wrong link, Conflict when there is a user already,
        ValidationError."""
        if not self._tokens.is_setup(token):
            raise InvalidToken("The set-up link is wrong or older than a day.")
        actor = Actor("set-up link", address)
        self.users.create(name, password, "super_admin", actor, first=True)

    # Sessions

    def log_in(self, name: str, password: str, now: float | None = None, address: str = "") -> str:
        """A new session's cookie value. Raises AuthenticationRequired; neither its message nor
        the time it takes tells whether the name exists. Either way it is noted, with the
        address that it came from."""
        now = self._clock() if now is None else now
        name = normal_name(name)
        # NUL and surrogates cannot be asked for in every database, and no user has them.
        wanted = name if name.isprintable() else ""
        with self._database.read() as session:
            user = session.scalar(select(User).where(User.name == wanted))
        known = user.password_hash if user else None
        if not self._passwords.verify(known, password) or user is None or known is None:
            with self._database.write() as session:
                audit(session, Actor(wanted, address), "login.failed", "", now)
            raise AuthenticationRequired("The name or the password is wrong.")
        renewed = self._passwords.renew(password) if self._passwords.outdated(known) else None
        cookie = secrets.token_urlsafe(32)
        with self._database.write() as session:
            # who was taken away, or got another password, meanwhile does not come in by this one
            still = (User.id == user.id, User.password_hash == known)
            hashed = update(User).where(*still).values(password_hash=renewed or known)
            if session.scalar(hashed.returning(User.id)) is None:
                raise AuthenticationRequired("The name or the password is wrong.")
            session.add(
                LoginSession(
                    token_hash=digest_of(cookie),
                    user_id=user.id,
                    created_at=now,
                    expires_at=now + SESSION_SECONDS,
                )
            )
            audit(session, Actor(user.name, address), "login", user.name, now)
        return cookie

    def authenticate_session(self, cookie: str) -> Principal | None:
        """Whose session a cookie is, of a login or of an embedded page; None when it is nobody's,
        has ended or has expired."""
        if cookie.startswith(embeds.COOKIE):
            return self.embeds.holder(cookie)
        principal = self._logins.get(digest_of(cookie))
        if principal is None or principal.expires_at <= self._clock():
            return None
        return principal

    def log_out(self, cookie: str, address: str = "") -> None:
        """Ends a session, here at once and in other processes within CACHE_SECONDS. A cookie
        that is nobody's is no error."""
        digest = digest_of(cookie)
        with self._database.write() as session:
            gone = delete(LoginSession).where(LoginSession.token_hash == digest)
            user_id = session.scalar(gone.returning(LoginSession.user_id))
            name = session.scalar(select(User.name).where(User.id == user_id))
            if name is not None:
                audit(session, Actor(name, address), "logout", name, self._clock())
        self._end([digest], [])

    def forget_expired(self) -> None:
        """Deletes what nobody can use any more: sessions, embedded ones, kept answers."""
        now = self._clock()
        with self._database.write() as session:
            session.execute(delete(LoginSession).where(LoginSession.expires_at <= now))
            session.execute(delete(Embed).where(Embed.expires_at <= now))
        self.answers.forget_expired()

    def _end(self, logins: Sequence[str], embedded: Sequence[str]) -> None:
        self._logins.forget()
        for digest in logins:
            self._bus.publish(SessionEnded(_key(digest)))
        self.embeds.forget(embedded)

    def _load(self, digest: str) -> Principal | None:
        query = (
            select(User.name, User.role, LoginSession.expires_at)
            .join(User, User.id == LoginSession.user_id)
            .where(LoginSession.token_hash == digest)
        )
        with self._database.read() as session:
            row = session.execute(query).one_or_none()
        if row is None:
            return None
        name, role, expires_at = row
        return Principal(
            name=name, role=role, scope=None, via="session", key=_key(digest), expires_at=expires_at
        )


def _key(digest: str) -> str:
    return f"session:{digest[:32]}"
