"""Bodies kept ready to be sent: dogpile.cache, on Redis when there is one, in memory otherwise."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from uuid import uuid4

import structlog
from dogpile.cache import CacheRegion, make_region, register_backend
from dogpile.cache.api import CantDeserializeException
from dogpile.cache.backends.redis import RedisBackend
from redis import ConnectionPool, Redis, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import LockError, ResponseError
from redis.retry import Retry

from services.cache.shelf import Shelf

log = structlog.get_logger(__name__)

#: Seconds that one step of Redis may take.
REDIS_TIMEOUT = 0.5
#: Seconds between two looks at a Redis that is away.
LOOK_AGAIN = 2.0
#: Seconds after which the lock of a process that died is free, and that another waits for it.
LOCK_SECONDS = 10
LOCK_PATIENCE = 5.0
#: Seconds between two tries to get that lock.
LOCK_EVERY = 0.02

_ETAG = re.compile(rb"[0-9a-f]{32}")

Make = Callable[[], "Kept"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A body as it is sent: JSON in bytes, and the ETag that tells it from others."""

    data: bytes
    etag: str

    @classmethod
    def of(cls, body: object) -> Kept:
        """The body of an answer, encoded."""
        data = json.dumps(body, separators=(",", ":")).encode()
        return cls(data, blake2b(data, digest_size=16).hexdigest())


class Expiring(RedisBackend):
    """dogpile's own says SETEX, which redis-py warns of."""

    def set_serialized(self, key: str, value: bytes) -> None:
        self.writer_client.set(key, value, ex=self.redis_expiration_time)


_BACKEND = "healthdeck.redis"
register_backend(_BACKEND, __name__, Expiring.__name__)  # type: ignore[no-untyped-call]


class Cache:
    """Entries under their keys for ``ttl`` whole seconds.

    On Redis they are JSON behind a line with the ETag, under exactly their key: never objects,
    for whoever can write to that Redis must not be able to run code here. What cannot be read
    is no entry. While Redis is away this process keeps its own entries and nobody sees an error:
    after the first failure no request asks Redis, until ``look_again`` or ``ping`` has found it
    again. ``generation`` grows each time it comes back.
    """

    def __init__(
        self, redis_url: str | None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.type = "redis" if redis_url else "cache"
        self.generation = 0
        self._monotonic = monotonic
        self._pool = _pool(redis_url) if redis_url else None
        self._away = False
        self._looked_at = 0.0
        self._near: dict[int, CacheRegion] = {}
        self._far: dict[int, CacheRegion] = {}
        self._flights: dict[str, Future[Kept]] = {}
        self._lock = threading.Lock()

    @property
    def reachable(self) -> bool:
        """Whether the backend answered when it was last asked."""
        return not self._away

    def look(self, key: str, ttl: int) -> tuple[Kept, float] | None:
        """The entry of a key with its age in seconds; None where there is none."""
        if self._pool is None or self._away:
            return _found(self._near_region(ttl), key, ttl)
        try:
            return _found(self._far_region(ttl), key, ttl)
        except Exception as error:
            self._stumble(error, key)
            return _found(self._near_region(ttl), key, ttl) if self._away else None

    def once(self, key: str, ttl: int, make: Make, *, anew: bool = False) -> Kept:
        """The entry of a key, made when there is none or when ``anew`` says so.

        Of any number of callers at the same time one makes it, also when they are processes on
        one Redis, and the others get what it made. Raises what ``make`` raises.
        """
        with self._lock:
            flight = self._flights.get(key)
            mine = flight is None
            if flight is None:
                flight = self._flights[key] = Future()
        if not mine:
            return flight.result()
        try:
            flight.set_result(self._anew(key, ttl, make) if anew else self._once(key, ttl, make))
        except BaseException as error:
            flight.set_exception(error)
        finally:
            with self._lock:
                del self._flights[key]
        return flight.result()

    def drop(self, key: str, ttl: int) -> None:
        """Forgets an entry."""
        self._near_region(ttl).delete(key)
        if self._pool is not None and not self._away:
            try:
                self._far_region(ttl).delete(key)
            except Exception as error:
                self._stumble(error)

    def ping(self) -> float:
        """Milliseconds for one write and one read. Raises what the backend raises."""
        started = time.perf_counter()
        if self._pool is not None:
            self._ask(self._pool)
        return 1000 * (time.perf_counter() - started)

    def look_again(self) -> None:
        """Asks a Redis that is away whether it is back, at most once in LOOK_AGAIN seconds. To be
        called by somebody whom nobody waits for."""
        if not self._away or self._monotonic() - self._looked_at < LOOK_AGAIN:
            return
        try:
            self.ping()
        except RedisError:
            return

    def close(self) -> None:
        """Ends the connections."""
        if self._pool is not None:
            self._pool.disconnect()

    def _once(self, key: str, ttl: int, make: Make) -> Kept:
        near: CacheRegion = self._near_region(ttl)
        if self._pool is None or self._away:
            kept: Kept = near.get_or_create(key, make, ttl)
            return kept
        made: list[Kept] = []
        failed: list[BaseException] = []

        def create() -> Kept:
            try:
                made.append(make())
            except BaseException as error:
                failed.append(error)
                raise
            return made[0]

        try:
            kept = self._far_region(ttl).get_or_create(key, create, ttl)
        except Exception as error:
            if failed:
                raise
            self._stumble(error, key)
            kept = made[0] if made else make()
        near.set(key, kept)
        return kept

    def _anew(self, key: str, ttl: int, make: Make) -> Kept:
        kept = make()
        self._near_region(ttl).set(key, kept)
        if self._pool is not None and not self._away:
            try:
                self._far_region(ttl).set(key, kept)
            except Exception as error:
                self._stumble(error)
        return kept

    def _stumble(self, error: Exception, key: str | None = None) -> None:
        """Redis did not do what it was asked: either it is away, or what is under ``key`` is
        nothing of ours."""
        if isinstance(error, LockError):
            return  # whoever made it was slow: the lock had run out
        if isinstance(error, RedisError) and not (key and isinstance(error, ResponseError)):
            self._lose(error)
            return
        log.warning("cache_entry_unreadable", key=key, reason=repr(error))
        if key and self._pool is not None:
            try:
                Redis(connection_pool=self._pool).delete(key)
            except RedisError as also:
                self._lose(also)

    def _lose(self, error: RedisError) -> None:
        with self._lock:
            news, self._away = not self._away, True
            self._looked_at = self._monotonic()
        if news:
            log.warning("cache_away", reason=str(error))

    def _ask(self, pool: ConnectionPool) -> None:
        key, word = f"healthdeck:ping:{uuid4().hex}", uuid4().hex.encode()
        client = Redis(connection_pool=pool)
        try:
            client.set(key, word, ex=60)
            answer: Any = client.get(key)
            client.delete(key)
        except RedisError as error:
            self._lose(error)
            raise
        if answer != word:
            raise ConnectionError("the cache did not give back what was put in")
        with self._lock:
            back, self._away = self._away, False
            self.generation += back
        if back:
            log.info("cache_back")

    def _near_region(self, ttl: int) -> CacheRegion:
        if ttl not in self._near:
            arguments = {"cache_dict": Shelf(ttl)}
            region = make_region().configure("dogpile.cache.memory", ttl, arguments)
            self._near.setdefault(ttl, region)
        return self._near[ttl]

    def _far_region(self, ttl: int) -> CacheRegion:
        if ttl not in self._far:
            arguments = {
                "connection_pool": self._pool,
                "redis_expiration_time": ttl,
                "distributed_lock": True,
                "thread_local_lock": False,
                "lock_timeout": LOCK_SECONDS,
                "lock_blocking_timeout": LOCK_PATIENCE,
                "lock_sleep": LOCK_EVERY,
            }
            region = make_region(serializer=_written, deserializer=_read)
            self._far.setdefault(ttl, region.configure(_BACKEND, ttl, arguments))
        return self._far[ttl]


def _pool(url: str) -> ConnectionPool:
    return ConnectionPool.from_url(
        url,
        socket_timeout=REDIS_TIMEOUT,
        socket_connect_timeout=REDIS_TIMEOUT,
        retry=Retry(NoBackoff(), 1),  # a connection of before its restart is broken
    )


def _found(region: CacheRegion, key: str, ttl: int) -> tuple[Kept, float] | None:
    value = region.get_value_metadata(key, ttl)
    return None if value is None else (value.payload, max(0.0, value.age))


def _written(kept: Kept) -> bytes:
    return b"%b\n%b" % (kept.etag.encode(), kept.data)


def _read(stored: bytes) -> Kept:
    etag, _, data = stored.partition(b"\n")
    if not _ETAG.fullmatch(etag) or not data.startswith((b"{", b"[")):
        raise CantDeserializeException("not an entry of ours")
    return Kept(data, etag.decode())
