"""Ends what should not be open: strangers, the expired, the slow, and closed ones that linger."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from services.errors import HealthdeckError
from services.identity import Identity
from services.web.stream.limits import MAX_QUEUE
from services.web.stream.listeners import Listener, Listeners
from services.web.stream.publisher import TENDING
from services.web.stream.wire import Wire

log = structlog.get_logger(__name__)

#: Seconds in which a connection must say who it is, and in which a closed one must be gone.
HELLO = 10.0
GOODBYE = 2.0

#: Seconds within which every credential is looked at again.
RECHECK = 30.0


class Tender:
    """``sessions`` and ``wires`` are the transport's own, by session; ``drop`` ends a session at
    once, ``end`` puts a listener out."""

    def __init__(
        self,
        identity: Identity,
        listeners: Listeners,
        sessions: Callable[[], Mapping[str, Any]],
        wires: Mapping[str, Wire],
        drop: Callable[[Any], None],
        end: Callable[[Listener], None],
    ) -> None:
        self._identity = identity
        self._listeners = listeners
        self._sessions = sessions
        self._wires = wires
        self._drop = drop
        self._end = end
        self._unnamed: dict[str, float] = {}

    def tend(self) -> None:
        """Looks at everything once; to be called every TENDING seconds."""
        now = time.monotonic()
        sessions = self._sessions()
        known = {listener.session for listener in self._listeners.all()}
        self._unnamed = {sid: self._unnamed.get(sid, now) for sid in sessions if sid not in known}
        for sid, session in sessions.items():
            stranger = now - self._unnamed.get(sid, now) > HELLO
            if stranger or session.queue.qsize() > MAX_QUEUE:
                self._drop(session)
        for wire in list(self._wires.values()):
            if wire.overdue(GOODBYE):
                wire.abort()
        wall = time.time()
        for listener in self._listeners.all(lambda one: one.principal.expires_at <= wall):
            self._end(listener)
        self._look_again(now)

    def _look_again(self, now: float) -> None:
        """Looks at some credentials, so that each has its turn in time and nobody waits for all
        of them."""
        due = self._listeners.all(lambda one: now - one.checked_at >= RECHECK / 2)
        due.sort(key=lambda one: one.checked_at)
        share = math.ceil(len(self._listeners) * TENDING / (RECHECK / 2))
        for listener in due[:share]:
            listener.checked_at = now
            if self.changed(listener):
                self._end(listener)

    def changed(self, listener: Listener) -> bool:
        """Whether its caller is no longer who it was: logged out elsewhere, another role."""
        try:
            now = listener.credential.holder(self._identity)
        except HealthdeckError:
            return True
        except Exception as error:  # without a database nobody is put out
            log.warning("stream_identity_unavailable", reason=repr(error))
            return False
        then = listener.principal
        return (now.role, now.scope, now.pages) != (then.role, then.scope, then.pages)
