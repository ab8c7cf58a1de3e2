"""One attempt to send a claimed row, and what follows from how it went."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

import structlog

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
    detail = ""
    if claim.rows > 1:
        reason, detail = Reason.BATCHED, f"One message told of this and {claim.rows - 1} more."
    return Outcome(status, reason, detail, sent_at=clock(), provider_id=receipt.provider_id)


def _send(channel: Channel, message: Message, limit: float) -> Receipt:
    """Sends in a thread of its own, since a blocked call cannot be ended from outside."""
    result: Future[Receipt] = Future()

    def run() -> None:
        try:
            result.set_result(channel.send(message))
        except Exception as error:
            result.set_exception(error)

    threading.Thread(target=run, name=f"notify-send-{channel.name}", daemon=True).start()
    try:
        return result.result(limit)
    except TimeoutError:
        if result.done():
            raise
        raise DeliveryError(
            f"The channel {channel.name} did not finish within {limit:g} s.",
            permanent=False,
            reason=Reason.TIMEOUT,
        ) from None


def _failure(claim: Claim, error: DeliveryError, now: float, jitter: float) -> Outcome:
    detail = "".join(c if c.isprintable() else " " for c in error.message)[:_DETAIL_LENGTH]
    if error.permanent:
        return Outcome(Status.FAILED, error.reason, detail)
    again = next_attempt(claim.attempts, claim.since, now, jitter, error.retry_after)
    if again is None:
        return Outcome(Status.FAILED, Reason.GAVE_UP, f"Gave up after 24 h. {detail}")
    return Outcome(Status.QUEUED, error.reason, detail, next_attempt_at=again)
