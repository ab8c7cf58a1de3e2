"""How often a wrong password may be tried."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable

from services.web.errors import RateLimited

LIMIT = 10
WINDOW_SECONDS = 300.0
MAX_KEYS = 10_000


class Throttle:
    """At most ``limit`` failures within ``window`` seconds for each key, kept in memory."""

    def __init__(
        self,
        limit: int = LIMIT,
        window: float = WINDOW_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._window = window
        self._clock = clock
        self._failures: dict[Hashable, deque[float]] = {}
        self._lock = threading.Lock()

    def admit(self, key: Hashable) -> None:
        """Counts a try as failed before it is made, so that many at once count too. Raises
        RateLimited."""
        now = self._clock()
        with self._lock:
            failures = self._failures.setdefault(key, deque())
            while failures and failures[0] <= now - self._window:
                failures.popleft()
            if len(failures) >= self._limit:
                wait = math.ceil(failures[0] + self._window - now)
                raise RateLimited(f"Too many tries. Wait {_minutes(wait)} and try again.", wait)
            failures.append(now)
            if len(self._failures) > MAX_KEYS:
                self._forget_old(now)

    def forgive(self, key: Hashable) -> None:
        """The try was right: its failures no longer count."""
        with self._lock:
            self._failures.pop(key, None)

    def _forget_old(self, now: float) -> None:
        old = [k for k, times in self._failures.items() if times[-1] <= now - self._window]
        # Where nobody is old, those who began first make room.
        for key in old or list(self._failures)[: MAX_KEYS // 10]:
            del self._failures[key]


def _minutes(seconds: int) -> str:
    minutes = math.ceil(seconds / 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"
