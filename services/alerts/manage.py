"""What an operator does with an alert."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import update

from models.alerts import AlertEvent, AlertRow
from models.database import Database
from services.errors import Conflict, NotFound
from services.events import AlertChanged, Bus, NotificationsQueued
from services.notify import outbox
from services.notify.body import alert_body

Sees = Callable[[str, frozenset[str] | None], bool]


class AlertDesk:
    """``sees(target, scope)`` tells whether a caller limited to ``scope`` may know a target."""

    def __init__(
        self, database: Database, bus: Bus, sees: Sees, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._bus = bus
        self._sees = sees
        self._clock = clock

    def acknowledge(
        self, alert_id: str, who: str, note: str = "", scope: frozenset[str] | None = None
    ) -> None:
        """Marks an active alert as taken care of; escalation ends and others see who.

        Raises NotFound, and Conflict when it is not active any more (with who was first).
        """
        now = self._clock()
        with self._database.write() as session:
            found = session.get(AlertRow, alert_id)
            if found is None or not self._sees(found.target, scope):
                raise NotFound(f"there is no alert '{alert_id}'")
            changed = session.scalars(
                update(AlertRow)
                .where(AlertRow.id == alert_id, AlertRow.status == "active")
                .values(status="acknowledged", acknowledged_at=now, acknowledged_by=who)
                .returning(AlertRow),
                execution_options={"populate_existing": True},
            )
            alert = changed.one_or_none()
            if alert is None:
                session.refresh(found)
                by = f" by {found.acknowledged_by}" if found.status == "acknowledged" else ""
                raise Conflict(f"the alert is already {found.status}{by}")
            session.add(
                AlertEvent(alert_id=alert_id, at=now, kind="acknowledged", actor=who, note=note)
            )
            outbox.enqueue_acknowledgement(
                session, alert_id=alert_id, body=alert_body(alert), now=now
            )
        self._bus.publish(AlertChanged(alert_id, "alert.acknowledged"))
        self._bus.publish(NotificationsQueued())
