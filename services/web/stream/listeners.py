"""Who is connected to the stream, and what each of them asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from services.identity import Principal
from services.web.stream.callers import Credential


@dataclass(eq=False, slots=True)
class Listener:
    """One socket. ``seq`` counts the events that it was sent; only the publisher writes it."""

    sid: str
    session: str
    principal: Principal
    credential: Credential
    vps: set[str] = field(default_factory=set)
    alerts: bool = False
    seq: int = 0


class Listeners:
    """All of them; safe to use from any thread."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._by_sid: dict[str, Listener] = {}

    def add(self, listener: Listener) -> bool:
        """False when there is no place left."""
        with self._lock:
            if len(self._by_sid) >= self.most:
                return False
            self._by_sid[listener.sid] = listener
            return True

    def remove(self, sid: str) -> None:
        with self._lock:
            self._by_sid.pop(sid, None)

    def get(self, sid: str) -> Listener | None:
        return self._by_sid.get(sid)

    def all(self, wanted: Callable[[Listener], bool] = lambda _: True) -> list[Listener]:
        with self._lock:
            return [listener for listener in self._by_sid.values() if wanted(listener)]

    def __len__(self) -> int:
        return len(self._by_sid)
