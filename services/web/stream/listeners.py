"""Who is connected to the stream, and what each of them asked for."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from services.identity import Principal, Scope
from services.web.stream.callers import Credential
from services.web.stream.limits import MAX_EACH, MAX_ROOMS

#: What can be listened to: ``("vps", "vps-1")``, ``("tenant", "acme")``.
Room = tuple[str, str]


@dataclass(eq=False, slots=True)
class Listener:
    """One socket. ``seq`` counts the events that it was sent, ``told`` has the ETags of what each
    room was last told, ``whole`` says that it was told of every server once; only the publisher
    writes these. ``checked_at``: when its credential was last looked at (monotonic)."""

    sid: str
    session: str
    principal: Principal
    credential: Credential
    checked_at: float
    rooms: frozenset[Room] = frozenset()
    alerts: bool = False
    seq: int = 0
    whole: bool = False
    told: dict[Room, str] = field(default_factory=dict)
    _queued: int = 0
    _written: int = 0

    @property
    def behind(self) -> int:
        """What it was sent and has not been written yet, in bytes."""
        return self._queued - self._written

    def queue(self, weight: int) -> None:
        """Something is to be written. On the publisher's thread only."""
        self._queued += weight

    def wrote(self, weight: int) -> None:
        """Something was written. On the socket's own thread only."""
        self._written += weight


Wanted = Callable[[Listener], bool]


def _everybody(_: Listener) -> bool:
    return True


class Listeners:
    """All of them; safe to use from any thread. ``most`` altogether, ``each`` of one identity."""

    def __init__(self, most: int, each: int = MAX_EACH) -> None:
        self.most = most
        self.each = each
        self._lock = threading.Lock()
        self._by_sid: dict[str, Listener] = {}
        self._held: Counter[str] = Counter()

    def add(self, listener: Listener) -> str:
        """Empty, or why there is no place for it."""
        identity = listener.principal.identity
        with self._lock:
            if len(self._by_sid) >= self.most:
                return f"Too many connections: all {self.most} places are taken; try later"
            if self._held[identity] >= self.each:
                return f"Too many connections: you have {self.each} already; close some first"
            self._by_sid[listener.sid] = listener
            self._held[identity] += 1
            return ""

    def remove(self, sid: str) -> None:
        with self._lock:
            gone = self._by_sid.pop(sid, None)
            if gone is None:
                return
            identity = gone.principal.identity
            self._held[identity] -= 1
            if not self._held[identity]:
                del self._held[identity]

    def enter(self, listener: Listener, room: Room) -> bool:
        """False when it is in as many rooms as it may be. What it was told in that room before
        does not count: it may have changed twice since."""
        with self._lock:
            if room not in listener.rooms:
                if len(listener.rooms) >= MAX_ROOMS:
                    return False
                listener.told.pop(room, None)
                listener.rooms |= {room}
            return True

    def leave(self, listener: Listener, room: Room) -> None:
        with self._lock:
            listener.rooms -= {room}
            listener.told.pop(room, None)

    def get(self, sid: str) -> Listener | None:
        return self._by_sid.get(sid)

    def all(self, wanted: Wanted = _everybody) -> list[Listener]:
        with self._lock:
            found = list(self._by_sid.values())
        return [listener for listener in found if wanted(listener)]

    def by_scope(self, wanted: Wanted = _everybody) -> dict[Scope, list[Listener]]:
        """Together those who may see the same."""
        groups: dict[Scope, list[Listener]] = defaultdict(list)
        for listener in self.all(wanted):
            groups[listener.principal.scope].append(listener)
        return groups

    def by_room(self) -> dict[tuple[Room, Scope], list[Listener]]:
        """Together those in one room who may see the same."""
        groups: dict[tuple[Room, Scope], list[Listener]] = defaultdict(list)
        for listener in self.all():
            for room in listener.rooms:
                groups[room, listener.principal.scope].append(listener)
        return groups

    def __len__(self) -> int:
        return len(self._by_sid)


#: Sends some listeners an event, as JSON text of an object.
Tell = Callable[[Iterable[Listener], str, str], None]
