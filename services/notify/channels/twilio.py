"""Twilio's API through its own client: how it is asked, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from services.notify.channels import DeliveryError
from services.notify.channels.webhook import seconds_asked
from services.notify.retry import Reason

if TYPE_CHECKING:
    from twilio.base.exceptions import TwilioRestException
    from twilio.rest import Client

T = TypeVar("T")

#: What Twilio's error codes mean to an operator (https://www.twilio.com/docs/api/errors).
_MEANINGS = {
    20003: ("the login is wrong: TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN", Reason.REJECTED),
    20404: ("it knows no account of this TWILIO_ACCOUNT_SID", Reason.REJECTED),
    21211: ("the number is not valid", Reason.ADDRESS_INVALID),
    21212: ("TWILIO_FROM is not valid", Reason.REJECTED),
    21408: ("the account may not send to that country", Reason.REJECTED),
    21603: ("TWILIO_FROM is missing", Reason.REJECTED),
    21606: ("TWILIO_FROM is no number of this account that sends SMS", Reason.REJECTED),
    21608: ("a trial account sends to verified numbers alone", Reason.REJECTED),
    21610: ("the recipient has unsubscribed (answered STOP)", Reason.GONE),
    21612: ("it cannot send from TWILIO_FROM to that number", Reason.REJECTED),
    21614: ("the number takes no SMS", Reason.ADDRESS_INVALID),
}
_TEMPORARY = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Account:
    """``sender``: a number, a name, or the SID of a messaging service."""

    sid: str
    token: str = field(repr=False)
    sender: str
    base_url: str


def ask(account: Account, question: Callable[[Client], T], limit: float, now: float) -> T:
    """What the API answers to a ``question`` within ``limit`` seconds; ``now`` is when it is asked
    (seconds since the epoch). Raises DeliveryError."""
    from twilio.base.exceptions import TwilioException, TwilioRestException
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    answers: list[Any] = []
    keep: Any = {"response": lambda response, *_, **__: answers.append(response.headers)}
    http = TwilioHttpClient(pool_connections=False, request_hooks=keep, timeout=limit)
    client = Client(account.sid, account.token, http_client=http)
    client.api.base_url = account.base_url
    try:
        return question(client)
    except TwilioRestException as error:
        asked = answers[-1].get("Retry-After") if answers else None
        raise _judged(error, seconds_asked(asked, now)) from None
    except OSError as error:  # what its HTTP library raises
        raise _unreachable(error, limit) from None
    except (TwilioException, ValueError):
        raise _lost("gave an answer that cannot be read", Reason.RECEIVER_ERROR) from None


def _judged(error: TwilioRestException, retry_after: float | None) -> DeliveryError:
    status, code = error.status, error.code
    if status == 401:
        code = 20003
    if status >= 500 or status in _TEMPORARY:
        reason = Reason.THROTTLED if status == 429 else Reason.RECEIVER_ERROR
        return DeliveryError(
            f"Twilio takes no messages right now: it answered {status}.",
            permanent=False,
            reason=reason,
            retry_after=retry_after,
        )
    said = str(error.msg).removeprefix("Unable to create record: ")[:200]
    meaning, reason = _MEANINGS.get(code or 0, (said, Reason.REJECTED))
    return DeliveryError(
        f"Twilio refuses the message: {meaning} (error {code}).", permanent=True, reason=reason
    )


def _unreachable(error: OSError, limit: float) -> DeliveryError:
    kind = type(error).__name__
    if "Timeout" in kind:
        return _lost(f"did not answer within {limit:g} s", Reason.TIMEOUT)
    if "SSL" in kind:
        return _lost("gives no secure connection", Reason.TLS_FAILED)
    return _lost("cannot be reached", Reason.CONNECTION_FAILED)


def _lost(said: str, reason: Reason) -> DeliveryError:
    return DeliveryError(f"Twilio {said}.", permanent=False, reason=reason)
