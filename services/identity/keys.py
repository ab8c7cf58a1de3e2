"""API keys: secrets of scripts that a super_admin makes and revokes."""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select, update

from models.database import Database
from models.identity import ApiKey
from services.errors import InvalidToken, NotFound, ValidationError
from services.events import Bus, SessionEnded
from services.identity.audit import Actor, audit
from services.identity.embeds import Embeds, end_of_maker
from services.identity.principal import ROLES, Principal
from services.identity.remembered import CACHE_SECONDS, Remembered, digest_of
from services.times import iso

PREFIX = "hd_"
RANDOM_BYTES = 32
#: So much of a key is shown, for people to tell keys apart.
SHOWN = len(PREFIX) + 6
MAX_KEY = 200
MAX_NAME = 100
MAX_TENANTS = 1000
MAX_SECONDS = 10 * 366 * 24 * 3600.0
#: ``last_used_at`` is written no more often than this.
USE_SECONDS = 60.0

_REFUSED = "The API key is unknown; a super_admin makes new ones at /api/admin/api-keys."


class ApiKeys:
    """``clock`` gives seconds since the epoch. Thread-safe."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        embeds: Embeds,
        clock: Callable[[], float] = time.time,
        cache_seconds: float = CACHE_SECONDS,
    ) -> None:
        self._database = database
        self._bus = bus
        self._embeds = embeds
        self._clock = clock
        self._held = Remembered(self._load, cache_seconds)
        self._used: dict[int, float] = {}
        self._written: dict[int, float] = {}
        self._lock = threading.Lock()

    def authenticate(self, key: str) -> Principal:
        """The holder of a key. Raises InvalidToken for one that is unknown, revoked, expired."""
        if len(key) > MAX_KEY:
            raise InvalidToken(_REFUSED)
        holder = self._held.get(digest_of(key))
        if holder is None:
            raise InvalidToken(_REFUSED)
        now = self._clock()
        if holder.expires_at <= now:
            raise InvalidToken("The API key has expired; ask for a new one.")
        with self._lock:
            self._used[int(holder.key.partition(":")[2])] = now
        return holder

    def create(
        self,
        name: str,
        role: str,
        actor: Actor,
        tenants: Sequence[str] | None = None,
        expires_at: float | None = None,
    ) -> dict[str, Any]:
        """A new key: its row with ``key``, which is told this once. ``tenants`` limits its holder
        (None: everything), ``expires_at`` is a moment to come. Raises ValidationError."""
        now = self._clock()
        name = name.strip()
        if not 0 < len(name) <= MAX_NAME or not name.isprintable():
            raise ValidationError(f"The name must have 1 to {MAX_NAME} printable characters.")
        if role not in ROLES:
            raise ValidationError(f"The role must be one of {', '.join(ROLES)}, not {role!r}.")
        if tenants is not None and not 0 < len(tenants) <= MAX_TENANTS:
            raise ValidationError("tenants names at least one tenant; leave it out for all.")
        if expires_at is not None and not now < expires_at <= now + MAX_SECONDS:
            raise ValidationError("expiresAt must lie in the future, and within ten years.")
        key = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
        row = ApiKey(
            name=name,
            prefix=key[:SHOWN],
            key_hash=digest_of(key),
            role=role,
            tenants=None if tenants is None else sorted(set(tenants)),
            created_at=now,
            created_by=actor.name[:100],
            expires_at=expires_at,
        )
        with self._database.write() as session:
            session.add(row)
            session.flush()
            detail = {"name": name, "role": role, "tenants": row.tenants}
            audit(session, actor, "key.create", str(row.id), now, detail)
            return {**self._described(row), "key": key}

    def revoke(self, key_id: int, actor: Actor) -> None:
        """Ends a key, what was embedded by it and its sockets: here at once, in other processes
        within CACHE_SECONDS. Raises NotFound when there is no such key that is not revoked."""
        now, maker = self._clock(), f"key:{key_id}"
        with self._database.write() as session:
            name = session.scalar(
                update(ApiKey)
                .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
                .values(revoked_at=now)
                .returning(ApiKey.name)
            )
            if name is None:
                raise NotFound(f"There is no API key {key_id} that could be revoked.")
            ended = end_of_maker(session, maker)
            audit(session, actor, "key.revoke", str(key_id), now, {"name": name})
        self._held.forget()
        self._bus.publish(SessionEnded(maker))
        self._embeds.forget(ended)

    def all(self, after: int = 0, limit: int = 100) -> list[dict[str, Any]]:
        """The keys that follow the one with the id ``after``, revoked ones included."""
        query = select(ApiKey).where(ApiKey.id > after).order_by(ApiKey.id).limit(limit)
        with self._database.read() as session:
            return [self._described(row) for row in session.scalars(query)]

    def write_uses(self) -> None:
        """Writes when keys were last used, of each at most once in USE_SECONDS. For the
        scheduler: a request does not wait for it."""
        with self._lock:
            due = {
                key_id: at
                for key_id, at in self._used.items()
                if at - self._written.get(key_id, -math.inf) >= USE_SECONDS
            }
        if not due:
            return
        with self._database.write() as session:
            for key_id, at in due.items():
                session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=at))
        with self._lock:
            self._written |= due

    def _load(self, digest: str) -> Principal | None:
        with self._database.read() as session:
            row = session.scalar(select(ApiKey).where(ApiKey.key_hash == digest))
        if row is None:
            return None
        if row.revoked_at is not None:
            raise InvalidToken("The API key was revoked; ask for a new one.")
        return Principal(
            name=row.name,
            role=row.role,
            scope=None if row.tenants is None else frozenset(row.tenants),
            via="key",
            key=f"key:{row.id}",
            expires_at=math.inf if row.expires_at is None else row.expires_at,
        )

    def _described(self, row: ApiKey) -> dict[str, Any]:
        used = max(self._used.get(row.id, 0.0), row.last_used_at or 0.0) or None
        return {
            "id": str(row.id),
            "name": row.name,
            "prefix": row.prefix,
            "role": row.role,
            "tenants": row.tenants,
            "createdAt": iso(row.created_at),
            "createdBy": row.created_by,
            "expiresAt": iso(row.expires_at),
            "revokedAt": iso(row.revoked_at),
            "lastUsedAt": iso(used),
        }
