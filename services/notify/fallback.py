"""What follows for a contact's fallback channel from how sending went, in the same transaction.

The first failure writes the stand-in, which leaves when the other channel has failed for as long as
the contact says, or at once when it failed for good. When the other channel works before, the
stand-in is not needed. A stand-in has none of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.notifications import NotificationRow as Row
from services.inventory.people import Contact
from services.notify import claims, outbox
from services.notify.claims import Claim, Outcome
from services.notify.directory import Directory
from services.notify.retry import Reason, Status
from services.notify.standin import id_of, set_due, stand_in
from services.rule import Channel

#: What people must know; that somebody else took it on is not among it.
_TOLD = (outbox.FIRING, outbox.ESCALATION, outbox.RESOLUTION)
_WENT = (Status.SENT, Status.DELIVERED)


class Fallbacks:
    """``people`` gives who can be told, ``available`` has the names of the channels that can
    send."""

    def __init__(
        self, people: Callable[[], Directory] = Directory, available: Collection[str] = ()
    ) -> None:
        self._people = people
        self._available = available

    def follow(self, session: Session, claim: Claim, outcome: Outcome, now: float) -> bool:
        """Called when the outcome of a claim was recorded, before the commit. ``now`` in seconds
        since the epoch. Whether there may be something to send at once."""
        if outcome.status in _WENT:
            # Only what has failed before has a stand-in.
            if claim.attempts > 1:
                self._work_again(session, claim)
            return False
        contact = self._people().contact(claim.message.recipient)
        fallback = contact.fallback if contact else None
        if contact is None or fallback is None or fallback.channel == claim.channel:
            return False
        due = now
        if outcome.status is not Status.FAILED:
            first = now if claim.attempts == 1 else claim.since
            due = max(now, first + fallback.after)
        for row in _rows(session, claim):
            self._write(session, row, contact, fallback.channel, outcome, due)
        return due <= now

    def _write(
        self,
        session: Session,
        row: Row,
        contact: Contact,
        channel: Channel,
        outcome: Outcome,
        due: float,
    ) -> None:
        found = session.get(Row, id_of(row, channel))
        if found is None:
            if not _told_anyway(session, row, channel):
                alert_id = row.alert_id or ""
                scope = outbox.scope_of(row.body, alert_id)
                why = outcome.detail or str(outcome.reason)
                for one in (row, *_ends(session, row)):
                    session.add(stand_in(one, contact, channel, self._available, why, due, scope))
        elif found.status == Status.SUPPRESSED and found.reason == Reason.NOT_NEEDED:
            # It stood in for another channel, which worked in the end; this one does not.
            found.status, found.instead_of = Status.QUEUED, row.id
            set_due(found, contact, due)
        elif _waits(found) and due < (found.next_attempt_at or 0.0):
            set_due(found, contact, due)

    def _work_again(self, session: Session, claim: Claim) -> None:
        """The channel took the message in the end: what waits to stand in for it is not sent, nor
        what would have followed it."""
        ids = [row.id for row in _rows(session, claim)]
        waiting = [
            row
            for row in session.scalars(
                select(Row).where(Row.instead_of.in_(ids), Row.status == Status.QUEUED)
            )
            if _waits(row)
        ]
        for row in waiting:
            row.status, row.reason = Status.SUPPRESSED, Reason.NOT_NEEDED
            row.detail = f"By {claim.channel} it could be told before."
            row.next_attempt_at = None
        session.flush()
        for row in waiting:
            if row.event == outbox.FIRING and row.alert_id:
                claims.suppress_what_follows(session, [row.alert_id], row.channel, row.recipient)


def _waits(row: Row) -> bool:
    """Whether a stand-in has not begun to be sent."""
    return (
        row.status == Status.QUEUED
        and row.reason in (Reason.INSTEAD, Reason.QUIET_HOURS)
        and row.attempts == 0
        and row.batch is None
    )


def _rows(session: Session, claim: Claim) -> Sequence[Row]:
    """The rows of a message that somebody must be told of, and that neither stand in for others nor
    were sent again by hand."""
    found = select(Row).where(
        or_(Row.id == claim.message.id, Row.batch == claim.message.id),
        Row.alert_id.is_not(None),
        Row.event.in_(_TOLD),
        Row.instead_of.is_(None),
        Row.resent_from.is_(None),
    )
    return session.scalars(found.execution_options(populate_existing=True)).all()


def _ends(session: Session, row: Row) -> Sequence[Row]:
    """The end of the alert that a firing tells of, where it waits behind that, or is not told for
    it: whoever learns of the firing another way must learn of the end there."""
    if row.event != outbox.FIRING:
        return ()
    found = select(Row).where(
        Row.alert_id == row.alert_id,
        Row.event == outbox.RESOLUTION,
        Row.channel == row.channel,
        Row.recipient == row.recipient,
        Row.created_at > row.created_at,
        or_(Row.status == Status.QUEUED, Row.reason == Reason.NEVER_TOLD),
    )
    found = found.order_by(Row.created_at).limit(1)
    return session.scalars(found.execution_options(populate_existing=True)).all()


def _told_anyway(session: Session, row: Row, channel: Channel) -> bool:
    """Whether the same is told to the contact by this channel as planned."""
    planned = select(Row.id).where(
        Row.alert_id == row.alert_id,
        Row.event == row.event,
        Row.created_at == row.created_at,
        Row.channel == channel,
        Row.recipient == row.recipient,
        Row.status != Status.SUPPRESSED,
    )
    return session.execute(planned.limit(1)).first() is not None
