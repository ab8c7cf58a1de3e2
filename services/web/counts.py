"""Where limits are counted: in Redis when there is one, and always in this process too, so that
they hold while Redis is away and when it comes back empty."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from limits.storage import RedisStorage, Storage
from redis import RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

#: Seconds that a request waits for Redis, and until one asks again after it did not answer.
TIMEOUT = 0.5
RETRY_SECONDS = 5.0
MAX_KEYS = 50_000

T = TypeVar("T")


@dataclass(slots=True)
class _Count:
    """Hits of this process in the window that ends at ``ends``, and of all at the latest one."""

    own: int
    everybody: int
    ends: float


class Counts(Storage):
    """Counters of fixed windows, as Flask-Limiter uses them. No method raises: without Redis this
    process' own hits count. Thread-safe. ``clock`` gives seconds since the epoch, ``monotonic``
    those of a clock that nobody sets."""

    STORAGE_SCHEME = ["healthdeck"]  # noqa: RUF012 - the library's registry asks for a list

    def __init__(
        self,
        uri: str | None = None,
        wrap_exceptions: bool = False,
        redis_url: str = "",
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        **_options: Any,
    ) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._clock = clock
        self._monotonic = monotonic
        self._counts: dict[str, _Count] = {}
        self._lock = threading.Lock()
        self._redis = _open(redis_url) if redis_url else None
        self._again_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        return RedisError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Counts a hit; how many there are in the window of ``expiry`` seconds that runs."""
        now = self._clock()
        with self._lock:
            count = self._counts.get(key)
            if count is None or count.ends <= now:
                self._make_room(now)
                count = self._counts[key] = _Count(0, 0, now + expiry)
            count.own += amount
            # what others counted is known until Redis says it anew
            count.everybody = max(count.own, count.everybody + amount)
        found = self._ask(lambda redis: redis.incr(key, expiry, amount))
        with self._lock:
            if found is not None:
                count.everybody = max(count.own, found)
            return count.everybody

    def get(self, key: str) -> int:
        """What the latest ``incr`` found; Redis is not asked again."""
        with self._lock:
            count = self._counts.get(key)
            return count.everybody if count is not None and count.ends > self._clock() else 0

    def get_expiry(self, key: str) -> float:
        """When the window ends, in seconds since the epoch."""
        with self._lock:
            count = self._counts.get(key)
            return count.ends if count is not None else self._clock()

    def clear(self, key: str) -> None:
        """Forgets the hits of a key."""
        with self._lock:
            self._counts.pop(key, None)
        self._ask(lambda redis: redis.clear(key))

    def check(self) -> bool:
        """It always counts, if only here."""
        return True

    def reset(self) -> int | None:
        """Forgets what this process counted; how many keys that were."""
        with self._lock:
            found = len(self._counts)
            self._counts.clear()
        return found

    def _ask(self, question: Callable[[RedisStorage], T]) -> T | None:
        """Redis' answer; None when it is away. Then nobody waits for it for a while, and one
        request at a time finds out whether it is back."""
        if self._redis is None:
            return None
        if self._again_at:
            with self._lock:
                if self._monotonic() < self._again_at:
                    return None
                self._again_at = self._monotonic() + RETRY_SECONDS
        try:
            answer = question(self._redis)
        except RedisError as error:
            if not self._again_at:
                log.warning("limits_without_redis", reason=str(error))
            self._again_at = self._monotonic() + RETRY_SECONDS
            return None
        if self._again_at:
            log.info("limits_with_redis_again")
            self._again_at = 0.0
        return answer

    def _make_room(self, now: float) -> None:
        if len(self._counts) < MAX_KEYS:
            return
        old = [key for key, count in self._counts.items() if count.ends <= now]
        # where no window is over, those that began first make room
        for key in old or list(self._counts)[: MAX_KEYS // 10]:
            del self._counts[key]


def _open(url: str) -> RedisStorage:
    return RedisStorage(
        url,
        key_prefix="healthdeck:limits",
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        # one more try: a connection that lay idle may have been closed by the other side
        retry=Retry(NoBackoff(), 1),  # type: ignore[arg-type]  # handed through to redis
    )
