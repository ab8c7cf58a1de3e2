"""The rooms of servers and tenants: told at once when what they show has changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from services.errors import NotFound
from services.identity import Scope
from services.views.touch import Touched
from services.web.stream import parts
from services.web.stream.listeners import Listeners, Room, Tell

if TYPE_CHECKING:
    from services.cache import Kept
    from services.inventory.fleet import Fleet
    from services.views.reader import Reader


class Rooms:
    """``touch`` and ``compare`` note what may be another now, ``send`` tells it, once for each set
    of what callers may see, to those who were not told exactly that before."""

    def __init__(self, read: Reader, listeners: Listeners, tell: Tell) -> None:
        self._read = read
        self._listeners = listeners
        self._tell = tell
        self._touched: set[Room] = set()
        self._moved: set[tuple[Room, Scope]] = set()

    @property
    def waiting(self) -> bool:
        """Whether something is still to be told."""
        return bool(self._touched or self._moved)

    def observed(self, touched: Touched) -> None:
        """New readings touched these servers and tenants."""
        self._touched |= {("vps", name) for name in touched.vps}
        self._touched |= {("tenant", name) for name in touched.tenants}

    def alerted(self, tenants: Iterable[str]) -> None:
        """An alert that reaches these tenants is another."""
        self._touched |= {("tenant", name) for name in tenants}

    def compare(self, before: Fleet, after: Fleet) -> None:
        """There is another fleet: touches the rooms that show it."""
        for room, scope in self._listeners.by_room():
            if parts.of_room(before, room, scope) != parts.of_room(after, room, scope):
                self._moved.add((room, scope))

    def send(self) -> None:
        """Raises what the first body that could not be had raised; those stay to be told."""
        if not self.waiting:
            return
        touched, moved = self._touched, self._moved
        self._touched, self._moved = set(), set()
        failed: Exception | None = None
        for (room, scope), listeners in self._listeners.by_room().items():
            if room not in touched and (room, scope) not in moved:
                continue
            try:
                kept = self._body(room, scope)
            except NotFound:
                continue  # it left the inventory, or what this caller may see
            except Exception as error:
                self._moved.add((room, scope))
                failed = failed or error
                continue
            news = [one for one in listeners if one.told.get(room) != kept.etag]
            for listener in news:
                listener.told[room] = kept.etag
            if news:
                self._tell(news, "health:update", kept.data.decode())
        if failed:
            raise failed

    def _body(self, room: Room, scope: Scope) -> Kept:
        kind, name = room
        read = self._read.kept.vps if kind == "vps" else self._read.kept.tenant
        return read(name, scope, fresh=True)
