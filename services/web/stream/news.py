"""What happened by itself: alerts, notices, annotations and jobs, each to whom it may concern.

Everything is read before anybody is told, so that what failed can be tried again as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from models.annotations import AnnotationRow
from services.errors import NotFound
from services.events import AlertChanged, InAppMessage
from services.history.notes import Reading
from services.identity import Scope
from services.observation import PLATFORM
from services.times import iso
from services.web.rest.notes import body_of
from services.web.stream.listeners import Listener, Listeners, Tell

if TYPE_CHECKING:
    from services.container import Services

#: Jobs whose last news are remembered, so that none is told twice.
MOST_JOBS = 500

Body = dict[str, Any]


class Alerted(NamedTuple):
    """What an alert stands on, and the tenants that it reaches."""

    target: str
    tenants: frozenset[str]


class News:
    """Called on the publisher's thread only."""

    def __init__(self, services: Services, listeners: Listeners, tell: Tell) -> None:
        self._services = services
        self._read = services.read
        self._listeners = listeners
        self._tell = tell
        self._jobs: dict[str, int] = {}

    def alert(self, event: AlertChanged) -> Alerted | None:
        """To whoever listens to alerts and may see this one. None for one that is not there."""
        whole = self._alert(event.alert_id, None)
        if whole is None:
            return None
        target = f"@{whole['tenantId']}" if whole["tenantId"] else whole["vpsId"] or PLATFORM
        groups = self._listeners.by_scope(lambda one: one.alerts)
        bodies = {
            scope: whole if scope is None else self._alert(event.alert_id, scope)
            for scope in groups
            if self._read.sees(target, scope)
        }
        name = "alert:new" if event.event == "alert.fired" else "alert:update"
        for scope, body in bodies.items():
            if body is not None:
                self._say(groups[scope], name, body)
        return Alerted(target, frozenset(whole["impact"]["tenants"]))

    def notice(self, event: InAppMessage) -> None:
        """To everybody who has the dashboard open."""
        body = {
            "id": event.id,
            "alertId": event.alert_id,
            "event": event.event,
            "severity": event.severity,
            "title": event.title,
            "text": event.text,
            "sentAt": iso(event.at),
        }
        groups = self._listeners.by_scope(lambda one: one.principal.via == "session")
        may = [
            scope
            for scope in groups
            if scope is None or (event.alert_id and self._alert(event.alert_id, scope))
        ]
        for scope in may:
            self._say(groups[scope], "notice", body)

    def annotation(self, annotation_id: str) -> None:
        """To everybody who may read it."""
        with self._services.database.read() as session:
            row = session.get(AnnotationRow, annotation_id)
        if row is None:
            return  # it was taken away again
        fleet = self._read.fleet()
        for scope, listeners in self._listeners.by_scope().items():
            reading = Reading.of(fleet, scope)
            if reading.sees(row):
                self._say(listeners, "annotation:new", body_of(row, reading))

    def job(self, job_id: str) -> None:
        """To whoever asked for it, and sees the whole fleet, as for asking."""
        try:
            body = self._services.actions.job(job_id)
        except NotFound:
            return
        stamp = hash(json.dumps(body))
        if self._jobs.get(job_id) == stamp:
            return  # it had moved on before it was told: this was told already
        if len(self._jobs) >= MOST_JOBS:
            self._jobs.pop(next(iter(self._jobs)))
        self._jobs[job_id] = stamp
        self._say(self._listeners.all(lambda one: _asked(one, body)), "job:update", body)

    def _alert(self, alert_id: str, scope: Scope) -> Body | None:
        try:
            return self._read.alert(alert_id, scope)
        except NotFound:
            return None

    def _say(self, listeners: Iterable[Listener], name: str, body: Body) -> None:
        self._tell(listeners, name, json.dumps(body, separators=(",", ":")))


def _asked(listener: Listener, body: Body) -> bool:
    principal = listener.principal
    return (
        principal.name[:100] == body["requestedBy"]
        and principal.scope is None
        and principal.via != "embed"
    )
