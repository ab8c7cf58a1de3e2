"""What admins do with notifications: look at them, and have one sent again."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.alerts import AlertRow
from models.database import Database
from models.notifications import NotificationRow as Row
from services.errors import Conflict, NotFound
from services.events import AlertChanged, Event, NotificationsQueued
from services.identity import Scope
from services.identity.audit import Actor, audit
from services.notify.listing import Page, Place, Wanted, listed
from services.notify.retry import OPEN, Reason, Status


class NotificationDesk:
    """``channels`` are the names of those that can send, ``sees(target, scope)`` tells whether a
    caller limited to ``scope`` may know a target, and ``publish`` hears of what is to be sent."""

    def __init__(
        self,
        database: Database,
        channels: Collection[str],
        sees: Callable[[str, Scope], bool],
        publish: Callable[[Event], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._channels = channels
        self._sees = sees
        self._publish = publish
        self._clock = clock

    def list(
        self, wanted: Wanted, limit: int = 100, after: Place | None = None, scope: Scope = None
    ) -> Page:
        """A page of notifications, newest first; for a limited caller those about alerts that it
        may know of. Raises NotFound for an alert that there is not, or not for this caller."""
        sees = None if scope is None else lambda target: self._sees(target, scope)
        with self._database.read() as session:
            if wanted.alert_id is not None:
                alert = session.get(AlertRow, wanted.alert_id)
                if alert is None or not (sees is None or sees(alert.target)):
                    raise NotFound(f"There is no alert '{wanted.alert_id}'.")
            return listed(session, wanted, limit, after, sees)

    def resend(self, notification_id: str, actor: Actor) -> Row:
        """Has the content of a notification sent once more, to the same recipient by the same
        channel: at once, alone, and beside what an hour may have. Raises NotFound, and Conflict
        for one that is still to be sent or whose channel is not set up."""
        now = self._clock()
        with self._database.write() as session:
            # Two who ask at the same moment are served in turn.
            row = session.get(Row, notification_id, with_for_update=True)
            if row is None:
                raise NotFound(f"There is no notification '{notification_id}'.")
            self._check(session, row)
            again = _again(row, actor, now)
            session.add(again)
            detail = {"new": again.id, "channel": row.channel, "recipient": row.recipient}
            audit(session, actor, "notification.resend", row.id, now, detail)
        self._publish(NotificationsQueued())
        if again.alert_id:
            self._publish(AlertChanged(again.alert_id, "alert.notified"))
        return again

    def _check(self, session: Session, row: Row) -> None:
        if row.channel not in self._channels:
            raise Conflict(
                f"The channel {row.channel} is not set up, so nothing can be sent by it."
            )
        if row.status in OPEN:
            raise Conflict(
                f"The notification is {row.status}; it can be sent again once that has ended."
            )
        waiting = select(Row.id).where(Row.resent_from == row.id, Row.status.in_(OPEN)).limit(1)
        if session.scalar(waiting) is not None:
            raise Conflict("The notification is being sent again already.")


def _again(row: Row, actor: Actor, now: float) -> Row:
    """Its message is made: it is the only row of it, so it waits for no others; without a time
    it does not count for the recipient's hour."""
    id_ = uuid4().hex
    return Row(
        id=id_,
        alert_id=row.alert_id,
        event=row.event,
        channel=row.channel,
        recipient=row.recipient,
        body=row.body,
        status=Status.QUEUED,
        reason=Reason.RESENT,
        detail=f"Sent again by {actor.name}.",
        attempts=0,
        created_at=now,
        next_attempt_at=now,
        batch=id_,
        via=row.via,
        resent_from=row.id,
        resent_by=actor.name[:100],
    )
