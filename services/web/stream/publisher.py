"""What happened becomes what listeners are sent, on one thread of its own."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from services.events import (
    AlertChanged,
    AnnotationAdded,
    Event,
    InAppMessage,
    JobChanged,
    SessionEnded,
    TargetsObserved,
)
from services.views.touch import Reach
from services.web.stream.broadcast import Broadcast
from services.web.stream.listeners import Listener, Listeners, Tell
from services.web.stream.news import News
from services.web.stream.rooms import Rooms

if TYPE_CHECKING:
    from services.container import Services

log = structlog.get_logger(__name__)

#: Seconds between two looks at sockets that should be closed.
TENDING = 1.0
#: Events that wait to be tried again while the database is away.
MOST_AGAIN = 1000


class Publisher:
    """Takes events from any thread without making it wait; computes a body only when somebody
    listens, and once for each set of what callers may see."""

    def __init__(
        self,
        services: Services,
        listeners: Listeners,
        tell: Tell,
        end: Callable[[Listener], None],
        tend: Callable[[], None],
    ) -> None:
        self._read = services.read
        self._listeners = listeners
        self._end = end
        self._tend = tend
        self._fleet = services.read.fleet()
        self._reach = Reach(self._fleet)
        self._news = News(services, listeners, tell)
        self._rooms = Rooms(services.read, listeners, tell)
        self._broadcast = Broadcast(services.read, listeners, tell)
        self._inbox: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._again: deque[Event] = deque(maxlen=MOST_AGAIN)
        self._tended_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="stream", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; what has not been sent stays unsent."""
        self._inbox.put(None)
        if self._thread.is_alive():
            self._thread.join(2)

    def offer(self, event: Event) -> None:
        """Never waits."""
        if len(self._listeners):
            self._inbox.put(event)

    def _run(self) -> None:
        while None not in (events := self._next()):
            self._try(self._follow)
            self._publish([event for event in events if event is not None])
            self._try(self._rooms.send)
            self._try(self._overviews)
            if time.monotonic() - self._tended_at >= TENDING:
                self._tended_at = time.monotonic()
                self._publish([self._again.popleft() for _ in range(len(self._again))])
                self._try(self._tend)

    def _next(self) -> list[Event | None]:
        """Everything that has arrived; empty when it is time to do something else."""
        due = min(self._tended_at + TENDING, self._broadcast.due_at())
        events: list[Event | None] = []
        try:
            events.append(self._inbox.get(timeout=max(0.0, due - time.monotonic())))
            while True:
                events.append(self._inbox.get_nowait())
        except queue.Empty:
            return events

    def _follow(self) -> None:
        """Takes note of another fleet."""
        before, after = self._fleet, self._read.fleet()
        if after is before:
            return
        self._fleet, self._reach = after, Reach(after)
        self._rooms.compare(before, after)
        self._broadcast.compare(before, after)

    def _publish(self, events: Iterable[Event]) -> None:
        observed: set[str] = set()
        for event in events:
            if isinstance(event, TargetsObserved):
                observed |= event.keys
            elif not self._try(self._one, event):
                self._again.append(event)
        if observed:
            self._try(self._observed, observed)

    def _one(self, event: Event) -> None:
        if isinstance(event, AlertChanged):
            self._alert(event)
        elif isinstance(event, InAppMessage):
            self._news.notice(event)
        elif isinstance(event, AnnotationAdded):
            self._news.annotation(event.annotation_id)
        elif isinstance(event, JobChanged):
            self._news.job(event.job_id)
        elif isinstance(event, SessionEnded):
            for listener in self._listeners.all(lambda one: one.principal.key == event.identity):
                self._end(listener)

    def _alert(self, event: AlertChanged) -> None:
        alerted = self._news.alert(event)
        if alerted is not None:
            self._rooms.alerted(alerted.tenants)
            self._broadcast.touch(lambda scope: self._read.sees(alerted.target, scope))

    def _observed(self, keys: Iterable[str]) -> None:
        """Even the moment of an update would tell a limited caller of what it may not see."""
        touched = self._reach.of(keys, alerts=False)
        self._rooms.observed(touched)
        self._broadcast.touch(lambda scope: touched.touches("overview", "", scope))

    def _overviews(self) -> None:
        """Those that are due, as long as nothing new has come: a room is told at once."""
        while self._broadcast.send() and self._inbox.empty():
            pass

    def _try(self, step: Callable[..., None], *arguments: Any) -> bool:
        """One thing that fails takes nothing else with it; False when it is worth another try.
        While the database is away that is every second, so it is told in one line."""
        try:
            step(*arguments)
        except Exception as error:
            away = isinstance(error, OSError | SQLAlchemyError)
            log.warning("stream_failed", step=step.__name__, reason=repr(error), exc_info=not away)
            return not away
        return True
