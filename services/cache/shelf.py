"""The memory that dogpile.cache keeps entries in: bounded, and without those that are expired."""

from __future__ import annotations

import threading
import time
from typing import Any

from dogpile.cache.api import NO_VALUE, CachedValue

#: Bytes of all bodies that stand on one shelf.
MOST_BYTES = 32 * 2**20


class Shelf:
    """Entries of one ``ttl`` (seconds) in the order in which they were put in, which is that in
    which they expire. Each new one makes those leave that are expired, and the oldest while there
    is not enough room."""

    def __init__(self, ttl: float, most: int = MOST_BYTES) -> None:
        self._ttl = ttl
        self._most = most
        self._entries: dict[str, CachedValue] = {}
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: str, default: Any = NO_VALUE) -> Any:
        return self._entries.get(key, default)

    def __setitem__(self, key: str, value: CachedValue) -> None:
        with self._lock:
            self._take(key)
            self._entries[key] = value
            self._size += _size(value)
            expired = time.time() - self._ttl
            oldest = next(iter(self._entries))
            while oldest != key and (
                self._size > self._most or self._entries[oldest].cached_time < expired
            ):
                self._take(oldest)
                oldest = next(iter(self._entries))

    def pop(self, key: str, default: Any = None) -> Any:
        with self._lock:
            return self._take(key) or default

    def __len__(self) -> int:
        return len(self._entries)

    def _take(self, key: str) -> CachedValue | None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._size -= _size(entry)
        return entry


def _size(entry: CachedValue) -> int:
    return len(entry.payload.data)
