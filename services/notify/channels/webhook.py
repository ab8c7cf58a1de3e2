"""The channel webhook: the alert as JSON, signed as Standard Webhooks says.

A contact's secret is ``whsec_`` and base64, or base64 alone; any other text is taken as its
UTF-8 bytes, so that its receiver verifies with ``Webhook(base64(secret))``.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import standardwebhooks

from services.inventory.schema import Contact
from services.notify.address import webhook_of
from services.notify.address_guard import Network
from services.notify.channels import DeliveryError, Message, Receipt
from services.notify.outbound import LIMIT, Answer, Outbound, Resolver, resolve
from services.notify.retry import Reason
from services.rule import Channel

_BASE64 = re.compile(r"(whsec_)?[A-Za-z0-9+/]+={0,2}")

#: Of the answers 4xx, those that another attempt may change.
_TEMPORARY = {
    408: Reason.TIMEOUT,
    409: Reason.RECEIVER_ERROR,
    425: Reason.RECEIVER_ERROR,
    429: Reason.THROTTLED,
}


class Webhook:
    """``contacts`` is asked at each sending, so a corrected address or secret holds for what
    still waits. ``allow``: special networks that may be called; ``limit``: seconds a call."""

    name = Channel.WEBHOOK.value

    def __init__(
        self,
        contacts: Callable[[], Sequence[Contact]],
        allow: Sequence[Network] = (),
        resolver: Resolver = resolve,
        limit: float = LIMIT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._contacts = contacts
        self._outbound = Outbound(allow, resolver, limit)
        self._clock = clock

    def send(self, message: Message) -> Receipt:
        webhook = webhook_of(message.recipient, self._contacts())
        if webhook is None:
            raise DeliveryError(
                f"There is no contact '{message.recipient}' with a webhook any more.",
                permanent=True,
                reason=Reason.UNKNOWN_RECIPIENT,
            )
        data = json.dumps({**message.body, "event": message.event}, separators=(",", ":"))
        at = datetime.fromtimestamp(int(self._clock()), UTC)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "healthdeck",
            "Idempotency-Key": message.id,
            "webhook-id": message.id,
            "webhook-timestamp": f"{at.timestamp():.0f}",
            "webhook-signature": signer(webhook.secret.get_secret_value()).sign(
                message.id, at, data
            ),
        }
        judge(self._outbound.post(webhook.url, headers, data.encode()), self._clock())
        return Receipt()


def signer(secret: str) -> standardwebhooks.Webhook:
    """What signs with a contact's secret; DeliveryError when that is empty."""
    text = secret.strip()
    bare = text.removeprefix("whsec_").rstrip("=")
    if not bare:
        raise DeliveryError(
            "The contact's webhook secret is empty: give it one of at least 24 bytes.",
            permanent=True,
            reason=Reason.SIGNING_KEY_INVALID,
        )
    # Four characters carry three bytes; a single one left over carries none: that is no base64.
    if _BASE64.fullmatch(text) and len(bare) % 4 != 1:
        return standardwebhooks.Webhook(text)
    return standardwebhooks.Webhook(text.encode())


def judge(answer: Answer, now: float) -> None:
    """Raises DeliveryError unless the answer says that the message was taken."""
    status, hint = answer.status, ""
    if 200 <= status < 300:
        return
    reason, permanent = Reason.RECEIVER_ERROR, False
    if 300 <= status < 400:
        reason, permanent = Reason.REDIRECTED, True
        hint = ": redirects are not followed; give the final URL"
    elif status == 410:
        reason, permanent, hint = Reason.GONE, True, ": it wants no more messages"
    elif status in _TEMPORARY:
        reason = _TEMPORARY[status]
    elif 400 <= status < 500:
        reason, permanent = Reason.REJECTED, True
    raise DeliveryError(
        f"The receiver answered {status}{hint}.",
        permanent=permanent,
        reason=reason,
        retry_after=seconds_asked(answer.retry_after, now),
    )


def seconds_asked(retry_after: str | None, now: float) -> float | None:
    """A Retry-After header (seconds, or a date) as seconds from ``now``; None when unusable."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(parsedate_to_datetime(text).timestamp() - now, 0.0)
    except (ValueError, OverflowError):
        return None
