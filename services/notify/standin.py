"""The same message by a contact's fallback channel. A stand-in has a row of its own with an id that
follows from what it tells, whom and how: however often it is asked for, there is one."""

from __future__ import annotations

from collections.abc import Collection
from uuid import NAMESPACE_URL, uuid5

from models.notifications import NotificationRow as Row
from services.inventory.people import Contact
from services.notify.address import to_contact
from services.notify.batching import BATCHED
from services.notify.quiet_hours import pause
from services.notify.retry import Reason, Status
from services.rule import Channel, Severity

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:healthdeck:notification:instead")


def id_of(row: Row, channel: Channel) -> str:
    """The id of the row that tells the same by a fallback channel."""
    told = f"{row.alert_id} {row.event} {row.created_at!r} {channel} {row.recipient}"
    return uuid5(_NAMESPACE, told).hex


def stand_in(
    row: Row,
    contact: Contact,
    channel: Channel,
    available: Collection[str],
    why: str,
    due: float,
    scope: str | None,
) -> Row:
    """The row that tells by ``channel`` what ``row`` does not, from ``due`` on (seconds since the
    epoch), or at the end of the contact's quiet hours. It has the other's place among the messages
    of its alert."""
    target = to_contact(channel, contact, available, "")
    sendable = target.reason is None
    new = Row(
        id=id_of(row, channel),
        alert_id=row.alert_id,
        event=row.event,
        channel=channel,
        recipient=contact.name,
        body=row.body,
        status=Status.QUEUED if sendable else Status.UNDELIVERABLE,
        reason=target.reason or Reason.INSTEAD,
        detail=target.detail,
        attempts=0,
        created_at=row.created_at,
        next_attempt_at=None,
        scope=scope if channel in BATCHED else None,
        via=f"Instead of {row.channel}, which failed: {why}",
        instead_of=row.id,
    )
    if sendable:
        set_due(new, contact, due)
    return new


def set_due(row: Row, contact: Contact, due: float) -> None:
    """Lets a stand-in leave at a moment, or when the contact's quiet hours are over then."""
    row.reason, row.detail, row.next_attempt_at = Reason.INSTEAD, "", due
    if waits := pause(
        contact, row.channel, str(row.body.get("severity") or Severity.CRITICAL), due
    ):
        row.reason, row.detail = Reason.QUIET_HOURS, waits.detail
        row.next_attempt_at = waits.until
