"""The overview for everybody: at once after a pause, then at most once a second, for each set of
what callers may see by itself."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.identity import Scope
from services.times import iso
from services.web.stream import parts
from services.web.stream.listeners import Listener, Listeners, Tell

if TYPE_CHECKING:
    from services.inventory.fleet import Fleet
    from services.views.reader import Reader

#: Seconds between two overviews. The first change after a pause is sent at once.
PACE = 1.0
#: Above so many servers only those that changed are told, to whoever was told of all once.
WHOLE_UP_TO = 100


@dataclass(slots=True)
class _Crowd:
    """Those who may see the same. ``servers``: what they were last told, by id."""

    due: bool = False
    sent_at: float = -math.inf
    servers: dict[str, Any] | None = None


class Broadcast:
    """``touch`` and ``compare`` note who has something new to see, ``send`` tells one crowd. What
    a crowd is told, and when, depends on what it may see alone."""

    def __init__(
        self,
        read: Reader,
        listeners: Listeners,
        tell: Tell,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._listeners = listeners
        self._tell = tell
        self._monotonic = monotonic
        self._crowds: dict[Scope, _Crowd] = {}

    def touch(self, concerns: Callable[[Scope], bool]) -> None:
        """Something changed that concerns callers of these scopes."""
        scopes = self._listeners.by_scope().keys()
        self._crowds = {scope: self._crowds.get(scope) or _Crowd() for scope in scopes}
        for scope, crowd in self._crowds.items():
            crowd.due = crowd.due or concerns(scope)

    def compare(self, before: Fleet, after: Fleet) -> None:
        """There is another fleet: who sees a part that is the same hears nothing of it."""
        self.touch(lambda one: parts.of_scope(before, one) != parts.of_scope(after, one))

    def due_at(self) -> float:
        """When ``send`` has something to do (monotonic); infinity for not at all."""
        crowds = self._crowds.values()
        return min((one.sent_at + PACE for one in crowds if one.due), default=math.inf)

    def send(self) -> bool:
        """Tells the crowd that has waited longest; False when none is due. One that fails is
        tried again after its pause."""
        now = self._monotonic()
        due = [
            (crowd.sent_at, scope)
            for scope, crowd in self._crowds.items()
            if crowd.due and now - crowd.sent_at >= PACE
        ]
        if not due:
            return False
        scope = min(due, key=lambda one: one[0])[1]
        crowd = self._crowds[scope]
        crowd.sent_at = now
        listeners = self._listeners.by_scope().get(scope)
        if listeners is None:
            del self._crowds[scope]
            return True
        body = json.loads(self._read.kept.overview(scope, fresh=True).data)
        crowd.due = False  # not before: what failed is tried again
        self._send(crowd, listeners, body)
        return True

    def _send(self, crowd: _Crowd, listeners: list[Listener], body: dict[str, Any]) -> None:
        body["timestamp"] = iso(time.time())
        before, crowd.servers = crowd.servers, {one["id"]: one for one in body["vps"]}
        newcomers = listeners
        if (
            before is not None
            and len(crowd.servers) > WHOLE_UP_TO
            and before.keys() <= crowd.servers.keys()  # who left is seen in a whole list alone
        ):
            newcomers = [one for one in listeners if not one.whole]
            others = [one for one in listeners if one.whole]
            changed = [one for id_, one in crowd.servers.items() if before.get(id_) != one]
            if others:
                part = {**body, "vps": changed, "partial": True}
                self._tell(others, "health:update", _text(part))
        if newcomers:
            for listener in newcomers:
                listener.whole = True
            self._tell(newcomers, "health:update", _text(body))


def _text(body: dict[str, Any]) -> str:
    return json.dumps(body, separators=(",", ":"))
