"""What the database said of a secret, believed for a few seconds."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable

from services.identity.principal import Principal

#: For this long an answer is believed: an end in another process is noticed no later.
CACHE_SECONDS = 5.0
CACHE_SIZE = 2000


class Remembered:
    """``load`` asks the database for the holder of a digest. Only holders are remembered: who is
    nobody is asked for again. Thread-safe."""

    def __init__(
        self,
        load: Callable[[str], Principal | None],
        seconds: float = CACHE_SECONDS,
        size: int = CACHE_SIZE,
    ) -> None:
        self._load = load
        self._seconds = seconds
        self._size = size
        self._cache: dict[str, tuple[Principal, float]] = {}
        self._ended = 0
        self._lock = threading.Lock()

    def get(self, digest: str) -> Principal | None:
        """The holder. What ``load`` raises is raised, and forgets the digest."""
        with self._lock:
            principal, checked = self._cache.get(digest, (None, 0.0))
            ended = self._ended
        if principal is not None and time.monotonic() - checked <= self._seconds:
            return principal
        checked = time.monotonic()
        with self._lock:
            self._cache.pop(digest, None)
        principal = self._load(digest)
        with self._lock:
            # what was read before something ended must not be believed after it
            if principal is not None and ended == self._ended:
                if len(self._cache) >= self._size:
                    self._cache.clear()
                self._cache[digest] = (principal, checked)
        return principal

    def forget(self) -> None:
        """Something ended: everything is asked for anew."""
        with self._lock:
            self._cache.clear()
            self._ended += 1


def digest_of(secret: str) -> str:
    """The SHA-256 under which a secret of high entropy is kept."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
