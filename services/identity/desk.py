"""Users and their logins: who may come in, who is in, and leaving."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from sqlalchemy import delete, exists, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.database import Database
from models.identity import LoginSession, User
from services.errors import AuthenticationRequired, Conflict, InvalidToken, ValidationError
from services.events import Bus, SessionEnded
from services.identity.passwords import Passwords, default_hasher
from services.identity.principal import ROLES, Principal
from services.identity.tokens import MAX_NAME, Tokens

if TYPE_CHECKING:
    from services.settings import Settings

SESSION_SECONDS = 14 * 24 * 3600
#: For this long a session is believed without asking the database: a logout in another process
#: is noticed no later.
CACHE_SECONDS = 5.0
CACHE_SIZE = 2000


class Identity:
    """Answers who is calling. ``hasher`` is for tests, which cannot wait for real argon2."""

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
        self._passwords = Passwords(hasher or default_hasher())
        self._clock = clock
        self._cache_seconds = cache_seconds
        self._cache: dict[str, tuple[Principal, float]] = {}
        self._ended = 0
        self._lock = threading.Lock()
        self._seen_users = False

    # Tokens

    def authenticate_token(self, token: str) -> Principal:
        """The holder of a JWT. Raises InvalidToken, or InsufficientPermissions when its role may
        not call us."""
        return self._tokens.read(token)

    def issue_token(
        self, role: str, subject: str, minutes: float, tenants: Sequence[str] | None = None
    ) -> str:
        """A signed JWT for a script, good for ``minutes``. Raises ValidationError."""
        return self._tokens.issue(role, subject, minutes, tenants)

    # Users

    def has_users(self) -> bool:
        """Whether anybody can log in. Once somebody can, the database is not asked again."""
        if not self._seen_users:
            with self._database.read() as session:
                self._seen_users = _any_user(session)
        return self._seen_users

    def create_user(self, name: str, password: str, role: str) -> None:
        """Raises ValidationError, or Conflict when the name is taken."""
        self._create(name, password, role, first=False)

    def setup_token(self) -> str:
        """The token of a set-up link: good for 24 hours and only while there is no user."""
        return self._tokens.issue_setup()

    def check_setup_token(self, token: str) -> bool:
        """Whether a set-up link can still be used."""
        if not self._tokens.is_setup(token):
            return False
        with self._database.read() as session:
            return not _any_user(session)

    def create_first_user(self, token: str, name: str, password: str) -> None:
        """The first super_admin, by a set-up link. Of two that race one wins. Raises
        InvalidToken for a wrong link, Conflict when there is a user already,
        ValidationError."""
        if not self._tokens.is_setup(token):
            raise InvalidToken("The set-up link is wrong or older than a day.")
        self._create(name, password, "super_admin", first=True)

    def _create(self, name: str, password: str, role: str, *, first: bool) -> None:
        name = _clean_name(name)
        if role not in ROLES:
            raise ValidationError(f"The role must be one of {', '.join(ROLES)}, not {role!r}.")
        hashed = self._passwords.hash(password)
        user = User(name=name, password_hash=hashed, role=role, created_at=self._clock())
        try:
            with self._database.write() as session:
                if first:
                    self._refuse_a_second_first(session)
                session.add(user)
        except IntegrityError:
            raise Conflict(f"There is a user named {name!r} already.") from None
        self._seen_users = True

    def _refuse_a_second_first(self, session: Session) -> None:
        # SQLite's write transactions run one after the other; PostgreSQL's must be made to.
        if self._database.dialect == "postgresql":
            session.execute(text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"))
        if _any_user(session):
            raise Conflict("Healthdeck is set up already: the set-up link works once.")

    # Sessions

    def log_in(self, name: str, password: str, now: float | None = None) -> str:
        """A new session's cookie value. Raises AuthenticationRequired; neither its message nor
        the time it takes tells whether the name exists."""
        now = self._clock() if now is None else now
        name = _normal_name(name)
        # NUL and surrogates cannot be asked for in every database, and no user has them.
        wanted = name if name.isprintable() else ""
        with self._database.read() as session:
            user = session.scalar(select(User).where(User.name == wanted))
        known = user.password_hash if user else None
        if not self._passwords.verify(known, password) or user is None or known is None:
            raise AuthenticationRequired("The name or the password is wrong.")
        renewed = self._passwords.renew(password) if self._passwords.outdated(known) else None
        cookie = secrets.token_urlsafe(32)
        with self._database.write() as session:
            if renewed:
                session.execute(
                    update(User)
                    .where(User.id == user.id, User.password_hash == known)
                    .values(password_hash=renewed)
                )
            session.add(
                LoginSession(
                    token_hash=_digest(cookie),
                    user_id=user.id,
                    created_at=now,
                    expires_at=now + SESSION_SECONDS,
                )
            )
        return cookie

    def authenticate_session(self, cookie: str) -> Principal | None:
        """Whose session a cookie is; None when it is nobody's, has ended or has expired."""
        digest = _digest(cookie)
        with self._lock:
            principal, checked = self._cache.get(digest, (None, 0.0))
            ended = self._ended
        if principal is None or time.monotonic() - checked > self._cache_seconds:
            checked = time.monotonic()
            principal = self._load(digest)
            self._remember(digest, principal, checked, ended)
        if principal is None or principal.expires_at <= self._clock():
            return None
        return principal

    def log_out(self, cookie: str) -> None:
        """Ends a session, here at once and in other processes within CACHE_SECONDS. A cookie
        that is nobody's is no error."""
        digest = _digest(cookie)
        with self._database.write() as session:
            session.execute(delete(LoginSession).where(LoginSession.token_hash == digest))
        with self._lock:
            self._cache.pop(digest, None)
            self._ended += 1
        self._bus.publish(SessionEnded(_key(digest)))

    def forget_expired(self) -> None:
        """Deletes sessions that nobody can use any more."""
        with self._database.write() as session:
            session.execute(delete(LoginSession).where(LoginSession.expires_at <= self._clock()))

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

    def _remember(
        self, digest: str, principal: Principal | None, checked: float, ended: int
    ) -> None:
        with self._lock:
            if principal is None:
                self._cache.pop(digest, None)
            elif ended == self._ended:  # else this may be the very session that ended meanwhile
                if len(self._cache) >= CACHE_SIZE:
                    self._cache.clear()
                self._cache[digest] = (principal, checked)


def _any_user(session: Session) -> bool:
    return bool(session.scalar(select(exists(select(User.id)))))


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "replace")).hexdigest()


def _key(digest: str) -> str:
    return f"session:{digest[:32]}"


def _normal_name(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip())


def _clean_name(name: str) -> str:
    name = _normal_name(name)
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise ValidationError(f"The name must have 1 to {MAX_NAME} printable characters.")
    return name
