"""What happened becomes what listeners are sent, on one thread of its own."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from services.errors import NotFound
from services.events import AlertChanged, Event, InAppMessage, SessionEnded, TargetsObserved
from services.identity import Scope
from services.observation import vps_of
from services.times import iso
from services.views.bodies import overview_body, vps_body
from services.web.stream.listeners import Listener, Listeners

if TYPE_CHECKING:
    from services.views.reader import Reader

log = structlog.get_logger(__name__)

#: Seconds between two overviews. The first change after a pause is sent at once.
PACE = 1.0

#: Seconds between two looks at sockets that should be closed.
TENDING = 1.0

#: Sends one event, as JSON text of an object, to a listener.
Send = Callable[[Listener, str, str], None]


class Publisher:
    """Takes events from any thread without making it wait; computes a body only when somebody
    listens, and once for each set of what callers may see."""

    def __init__(
        self,
        read: Reader,
        listeners: Listeners,
        send: Send,
        end: Callable[[Listener], None],
        tend: Callable[[], None],
    ) -> None:
        self._read = read
        self._listeners = listeners
        self._send = send
        self._end = end
        self._tend = tend
        self._inbox: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._observed: set[str] = set()
        self._alerts: set[str] = set()
        self._sent_at = -PACE
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
            self._publish([event for event in events if event is not None])

    def _next(self) -> list[Event | None]:
        """Everything that has arrived; empty when it is time to do something else."""
        now = time.monotonic()
        due = self._tended_at + TENDING
        if self._observed or self._alerts:
            due = min(due, self._sent_at + PACE)
        events: list[Event | None] = []
        try:
            events.append(self._inbox.get(timeout=max(0.0, due - now)))
            while True:
                events.append(self._inbox.get_nowait())
        except queue.Empty:
            return events

    def _publish(self, events: Iterable[Event]) -> None:
        observed: set[str] = set()
        for event in events:
            if isinstance(event, TargetsObserved):
                observed |= event.keys
            elif isinstance(event, AlertChanged):
                self._alerts.add(event.alert_id)
                self._try(self._alert, event)
            elif isinstance(event, InAppMessage):
                self._try(self._notice, event)
            elif isinstance(event, SessionEnded):
                self._try(self._close, event.identity)
        self._try(self._servers, {vps_id for key in observed if (vps_id := vps_of(key))})
        self._observed |= observed
        now = time.monotonic()
        if (self._observed or self._alerts) and now - self._sent_at >= PACE:
            self._sent_at = now
            self._try(self._overview)
        if now - self._tended_at >= TENDING:
            self._tended_at = now
            self._try(self._tend)

    def _try(self, step: Callable[..., None], *arguments: Any) -> None:
        """One thing that fails takes nothing else with it. While the database is away that is
        every second, so it is told in one line."""
        try:
            step(*arguments)
        except Exception as error:
            away = isinstance(error, OSError | SQLAlchemyError)
            log.warning("stream_failed", step=step.__name__, reason=repr(error), exc_info=not away)

    def _servers(self, vps_ids: set[str]) -> None:
        for vps_id in vps_ids:
            for scope, listeners in self._by_scope(lambda one, i=vps_id: i in one.vps):  # type: ignore[misc]
                try:
                    body = vps_body(self._read.vps(vps_id, scope))
                except NotFound:
                    continue  # it left the inventory, or what this caller may see
                self._tell(listeners, "health:update", {"vpsId": vps_id, **body})

    def _overview(self) -> None:
        observed, alerts = frozenset(self._observed), frozenset(self._alerts)
        for scope, listeners in self._by_scope():
            if scope is not None and not self._concerns(scope, observed, alerts):
                continue  # even the moment of an update would tell of what it may not see
            body = overview_body(self._read.overview(scope))
            self._tell(listeners, "health:update", {**body, "timestamp": iso(time.time())})
        self._observed, self._alerts = set(), set()  # not before: what failed is tried again

    def _concerns(self, scope: Scope, observed: Iterable[str], alerts: Iterable[str]) -> bool:
        return any(self._read.sees(key, scope) for key in observed) or any(
            self._alert_body(alert_id, scope) for alert_id in alerts
        )

    def _alert(self, event: AlertChanged) -> None:
        name = "alert:new" if event.event == "alert.fired" else "alert:update"
        for scope, listeners in self._by_scope(lambda one: one.alerts):
            if body := self._alert_body(event.alert_id, scope):
                self._tell(listeners, name, body)

    def _alert_body(self, alert_id: str, scope: Scope) -> dict[str, Any] | None:
        try:
            return self._read.alert(alert_id, scope)
        except NotFound:
            return None

    def _notice(self, event: InAppMessage) -> None:
        body = {
            "severity": event.severity,
            "title": event.title,
            "text": event.text,
            "alertId": event.alert_id,
        }
        for scope, listeners in self._by_scope(lambda one: one.principal.via == "session"):
            if scope is None or (event.alert_id and self._alert_body(event.alert_id, scope)):
                self._tell(listeners, "notice", body)

    def _close(self, identity: str) -> None:
        for listener in self._listeners.all(lambda one: one.principal.key == identity):
            self._end(listener)

    def _by_scope(
        self, wanted: Callable[[Listener], bool] = lambda _: True
    ) -> Iterable[tuple[Scope, list[Listener]]]:
        groups: dict[Scope, list[Listener]] = defaultdict(list)
        for listener in self._listeners.all(wanted):
            groups[listener.principal.scope].append(listener)
        return groups.items()

    def _tell(self, listeners: Iterable[Listener], event: str, body: dict[str, Any]) -> None:
        text = json.dumps(body, separators=(",", ":"))
        for listener in listeners:
            self._send(listener, event, text)
