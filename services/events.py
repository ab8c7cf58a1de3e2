"""What happened, published in process after the commit that made it true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TargetsObserved:
    """New readings of these targets are stored; ``changed`` holds those whose status moved."""

    keys: frozenset[str]
    changed: frozenset[str]


@dataclass(frozen=True, slots=True)
class AlertChanged:
    """An alert fired, was acknowledged or resolved (``event`` is the webhook's word for it), or a
    message about it was sent or failed (``alert.notified``)."""

    alert_id: str
    event: str


@dataclass(frozen=True, slots=True)
class NotificationsQueued:
    """There is something to send."""


@dataclass(frozen=True, slots=True)
class InAppMessage:
    """A message for everybody who has the dashboard open. ``id`` is the notification's, ``event``
    what it tells of, ``at`` when it was sent (seconds since the epoch)."""

    id: str
    alert_id: str | None
    event: str
    severity: str
    title: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """A login ended: its sockets must close."""

    identity: str


@dataclass(frozen=True, slots=True)
class AnnotationAdded:
    """Somebody noted something on the time line."""

    annotation_id: str


@dataclass(frozen=True, slots=True)
class JobChanged:
    """What somebody asked of a server was asked, fetched, begun or ended."""

    job_id: str


Event = (
    TargetsObserved
    | AlertChanged
    | NotificationsQueued
    | InAppMessage
    | SessionEnded
    | AnnotationAdded
    | JobChanged
)


class Bus:
    """Calls each subscriber in turn; one that fails is logged and does not stop the others."""

    def __init__(self) -> None:
        self._subscribers: list[Callable[[Event], None]] = []

    def subscribe(self, handler: Callable[[Event], None]) -> None:
        self._subscribers.append(handler)

    def publish(self, event: Event) -> None:
        for handler in self._subscribers:
            try:
                handler(event)
            except Exception:
                log.exception(
                    "subscriber_failed",
                    subscriber=handler.__qualname__,
                    event_type=type(event).__name__,
                )
