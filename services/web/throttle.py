"""How often a wrong password may be tried: by name and address, and by address alone."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable

from limits import RateLimitItemPerSecond
from limits.storage import Storage

from services.web.errors import RateLimited

#: Failures within a window, for one name from one address.
LIMIT = 10
#: Those for all names from one address, behind which an office may sit.
ADDRESS_LIMIT = 50
WINDOW_SECONDS = 300


class Throttle:
    """Counts in ``storage``: where that is Redis, the counts outlive this process. ``clock`` gives
    seconds since the epoch."""

    def __init__(
        self,
        storage: Storage,
        limit: int = LIMIT,
        address_limit: int = ADDRESS_LIMIT,
        window: int = WINDOW_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._storage = storage
        self._both = RateLimitItemPerSecond(limit, window)
        self._address = RateLimitItemPerSecond(address_limit, window)
        self._clock = clock

    def admit(self, address: str, name: str) -> None:
        """Counts a try as failed before it is made, so that many at once count too. Raises
        RateLimited."""
        self._hit(self._both, _both(address, name))
        self._hit(self._address, _alone(address))

    def forgive(self, address: str, name: str) -> None:
        """The try was right: it is no failure, and the name's earlier ones no longer count. Those
        of other names do: else whoever has one password could try all the others for ever."""
        self._storage.clear(self._both.key_for(*_both(address, name)))
        self._storage.incr(self._address.key_for(*_alone(address)), self._address.get_expiry(), -1)

    def _hit(self, item: RateLimitItemPerSecond, identifiers: tuple[str, str]) -> None:
        key = item.key_for(*identifiers)
        if self._storage.incr(key, item.get_expiry()) <= item.amount:
            return
        wait = max(1, math.ceil(self._storage.get_expiry(key) - self._clock()))
        raise RateLimited(f"Too many tries. Wait {_minutes(wait)} and try again.", wait)


def _both(address: str, name: str) -> tuple[str, str]:
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:32]
    return ("healthdeck-login", f"{address}-{digest}")


def _alone(address: str) -> tuple[str, str]:
    return ("healthdeck-login", address)


def _minutes(seconds: int) -> str:
    minutes = math.ceil(seconds / 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"
