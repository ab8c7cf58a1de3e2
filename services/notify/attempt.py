"""One attempt to send a claimed row, and what follows from how it went."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from services.notify.bounded import Late, within
from services.notify.channels import Channel, DeliveryError, Message, Receipt
from services.notify.claims import Claim, Outcome
from services.notify.retry import Reason, Status, next_attempt

log = structlog.get_logger(__name__)

_DETAIL_LENGTH = 500


def attempt(
    channel: Channel, claim: Claim, clock: Callable[[], float], jitter: float, limit: float
) -> Outcome:
    """Sends; whatever the channel does becomes an outcome within ``limit`` seconds."""
    try:
        receipt = _send(channel, claim.message, limit)
    except DeliveryError as error:
        return _failure(claim, error, clock(), jitter)
    except Exception as error:
        log.exception("notification_channel_failed", channel=channel.name)
        unexpected = DeliveryError(
            f"The channel {channel.name} failed unexpectedly ({type(error).__name__}); "
            "the log has the details.",
            permanent=False,
            reason=Reason.INTERNAL_ERROR,
        )
        return _failure(claim, unexpected, clock(), jitter)
    if receipt.delivered:
        status, reason = Status.DELIVERED, Reason.CONFIRMED
    else:
        status, reason = Status.SENT, Reason.ACCEPTED
    said = [receipt.note]
    if claim.rows > 1:
        reason = Reason.BATCHED
        said.insert(0, f"One message told of this and {claim.rows - 1} more.")
    detail = _detail(" ".join(said).strip())
    return Outcome(status, reason, detail, sent_at=clock(), provider_id=receipt.provider_id)


def _send(channel: Channel, message: Message, limit: float) -> Receipt:
    try:
        return within(limit, lambda: channel.send(message), f"notify-send-{channel.name}")
    except Late:
        raise DeliveryError(
            f"The channel {channel.name} did not finish within {limit:g} s.",
            permanent=False,
            reason=Reason.TIMEOUT,
        ) from None


def _failure(claim: Claim, error: DeliveryError, now: float, jitter: float) -> Outcome:
    detail = _detail(error.message)
    if error.permanent:
        return Outcome(Status.FAILED, error.reason, detail)
    again = next_attempt(claim.attempts, claim.since, now, jitter, error.retry_after)
    if again is None:
        return Outcome(Status.FAILED, Reason.GAVE_UP, f"Gave up after 24 h. {detail}")
    return Outcome(Status.QUEUED, error.reason, detail, next_attempt_at=again)


def _detail(said: str) -> str:
    return "".join(c if c.isprintable() else " " for c in said)[:_DETAIL_LENGTH]
