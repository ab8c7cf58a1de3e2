"""What became of an SMS after Twilio had taken it: its receipts, in whatever order they come."""

from __future__ import annotations

import re

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from models.notifications import NotificationRow as Row
from services.notify.retry import OPEN, Reason, Status
from services.rule import Channel

_ARRIVED = frozenset({"delivered", "read"})
_FAILED = frozenset({"undelivered", "failed", "canceled"})
#: Why it did not arrive (https://www.twilio.com/docs/api/errors).
_MEANINGS = {
    "30001": "too much was waiting to be sent",
    "30002": "the account is suspended",
    "30003": "the phone cannot be reached",
    "30004": "the recipient blocks messages",
    "30005": "the number is not in use",
    "30006": "a landline, or a carrier that cannot be reached",
    "30007": "a carrier took it for spam",
    "30008": "the carrier does not say why",
    "30034": "the sending number is not registered for this",
}


def take(
    session: Session, notification: str, sid: str, status: str, code: str, now: float
) -> str | None:
    """Writes down what a receipt says of a notification; the id of its alert when that changed
    something, else None.

    That a message arrived is the last word, also when it was believed lost and waits for another
    attempt. That it failed counts for what was sent under the same id of Twilio's, or while it is
    being sent: a receipt may be faster than the answer that gives that id. All others are steps
    on the way.
    """
    # One message may tell of several rows; it goes by the id of the first.
    ours = or_(Row.id == notification, Row.batch == notification)
    of_it = [ours, Row.channel == Channel.SMS]
    if status in _ARRIVED:
        which = [*of_it, Row.status.in_((*OPEN, Status.SENT, Status.FAILED))]
        outcome, reason, detail = Status.DELIVERED, Reason.CONFIRMED, ""
    elif status in _FAILED:
        under_way = Row.status == Status.SENDING
        sent = (Row.status == Status.SENT) & (Row.provider_id == sid)
        which = [*of_it, or_(under_way, sent)]
        outcome, reason, detail = Status.FAILED, Reason.REJECTED, _why(status, code)
    else:
        return None
    changed = session.execute(
        update(Row)
        .where(*which)
        .values(
            status=outcome,
            reason=reason,
            detail=detail,
            provider_id=sid,
            sent_at=func.coalesce(Row.sent_at, now),
            next_attempt_at=None,
            claimed_by=None,
            lease_until=None,
        )
        .execution_options(synchronize_session=False)
    )
    if not getattr(changed, "rowcount", 0):
        return None
    return session.scalar(select(Row.alert_id).where(Row.id == notification))


def _why(status: str, code: str) -> str:
    shown = code if re.fullmatch(r"[0-9]{1,6}", code) else ""
    meaning = _MEANINGS.get(shown, f"Twilio says {status}")
    return f"The SMS did not arrive: {meaning}{f' (error {shown})' if shown else ''}."
