"""When a message is tried again, and the words for how it stands. Pure."""

from __future__ import annotations

from enum import StrEnum

FIRST_DELAY = 5.0
LONGEST_DELAY = 1800.0
GIVE_UP_AFTER = 86400.0


class Status(StrEnum):
    """Where a notification stands. ``sent``: the receiver or provider took it; ``delivered``:
    it is known to have arrived; ``undeliverable``: there was no way to try;
    ``suppressed``: a decision not to send."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNDELIVERABLE = "undeliverable"
    SUPPRESSED = "suppressed"


#: Not decided yet: sending is still to come or under way.
OPEN = (Status.QUEUED, Status.SENDING)

#: The recipient knows, or will.
REACHING = (*OPEN, Status.SENT, Status.DELIVERED)


class Reason(StrEnum):
    """Why a notification stands where it stands."""

    NEW = "new"
    RESENT = "resent"
    IN_PROGRESS = "in_progress"
    INTERRUPTED = "interrupted"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    BATCHED = "batched"
    LIMITED = "limited"
    NO_ADDRESS = "no_address"
    UNKNOWN_RECIPIENT = "unknown_recipient"
    CHANNEL_UNAVAILABLE = "channel_unavailable"
    NEVER_TOLD = "never_told"
    QUIET_HOURS = "quiet_hours"
    OVER = "over"
    INSTEAD = "instead"
    NOT_NEEDED = "not_needed"
    GAVE_UP = "gave_up"
    TIMEOUT = "timeout"
    NAME_UNRESOLVED = "name_unresolved"
    CONNECTION_FAILED = "connection_failed"
    TLS_FAILED = "tls_failed"
    ADDRESS_REFUSED = "address_refused"
    ADDRESS_INVALID = "address_invalid"
    SIGNING_KEY_INVALID = "signing_key_invalid"
    REDIRECTED = "redirected"
    REJECTED = "rejected"
    GONE = "gone"
    THROTTLED = "throttled"
    RECEIVER_ERROR = "receiver_error"
    INTERNAL_ERROR = "internal_error"


def next_attempt(
    failures: int,
    created_at: float,
    now: float,
    jitter: float,
    retry_after: float | None = None,
) -> float | None:
    """When to try again after ``failures`` (1 or more) failed attempts; None: give up.

    The delay starts at 5 s and doubles to at most 30 min; ``jitter`` (0 to 1) scales it to 50 to
    100 % so that many messages to one receiver spread out. ``retry_after`` (seconds) is what the
    receiver asked for; it is never undercut. 24 h after ``created_at`` (seconds since the epoch)
    there is one last attempt, whatever the delay, and then none.
    """
    last = created_at + GIVE_UP_AFTER
    if now >= last:
        return None
    # 2**9 steps already pass the longest delay; a larger power would only overflow in the end.
    step = min(FIRST_DELAY * 2.0 ** min(failures - 1, 9), LONGEST_DELAY)
    delay = max(step * (0.5 + 0.5 * jitter), retry_after or 0.0)
    return min(now + delay, last)
