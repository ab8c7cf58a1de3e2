"""Cached read models: dogpile.cache, on Redis when there is one, in memory otherwise."""

from __future__ import annotations

import time
from typing import Any

import structlog
from dogpile.cache import make_region
from dogpile.cache.api import NO_VALUE
from redis import RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

REDIS_TIMEOUT = 1.0


class Cache:
    """While Redis is away nothing is found and nothing is kept; nobody sees an error."""

    def __init__(self, redis_url: str | None) -> None:
        self.type = "redis" if redis_url else "cache"
        region = make_region(key_mangler=lambda key: f"healthdeck:{key}")
        if redis_url:
            self._region = region.configure(
                "dogpile.cache.redis",
                arguments={
                    "url": redis_url,
                    "socket_timeout": REDIS_TIMEOUT,
                    "connection_kwargs": {
                        "socket_connect_timeout": REDIS_TIMEOUT,
                        "retry": Retry(NoBackoff(), 1),
                    },
                },
            )
        else:
            self._region = region.configure("dogpile.cache.memory")

    def get(self, key: str, ttl: float) -> Any:
        """The entry of ``key`` if it is at most ``ttl`` seconds old, else None."""
        try:
            value = self._region.get(key, expiration_time=ttl)
        except RedisError as error:
            log.warning("cache_unavailable", reason=str(error))
            return None
        return None if value is NO_VALUE else value

    def set(self, key: str, value: object) -> None:
        try:
            self._region.set(key, value)
        except RedisError as error:
            log.warning("cache_unavailable", reason=str(error))

    def ping(self) -> float:
        """Milliseconds for one write and one read. Raises what the backend raises."""
        started = time.perf_counter()
        self._region.set("ping", started)
        value: Any = self._region.get("ping")
        if value != started:
            raise ConnectionError("the cache did not give back what was put in")
        return 1000 * (time.perf_counter() - started)
