"""What every channel is: a name, and a way to send one message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from services.notify.retry import Reason
from services.notify.templates.parts import Rendered


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. ``id`` is the same over all attempts, ``body`` the alert as it was when the
    event happened, ``recipient`` a contact's name, a written address, or "everyone"."""

    id: str
    alert_id: str | None
    event: str
    recipient: str
    body: Mapping[str, Any]


#: What puts a message into words, for a channel whose receivers are people.
Words = Callable[[Message], Rendered]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The message was taken; ``delivered`` when it is also known to have arrived. ``note``: what
    an admin should know all the same, else empty."""

    provider_id: str | None = None
    delivered: bool = False
    note: str = ""


class DeliveryError(Exception):
    """A message was not taken. ``permanent``: trying again is of no use.
    ``retry_after``: seconds that the receiver asked to be left alone."""

    def __init__(
        self,
        message: str,
        *,
        permanent: bool,
        reason: Reason,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.reason = reason
        self.retry_after = retry_after


class Channel(Protocol):
    """A way to tell somebody. ``send`` is called from worker threads, several at a time; it
    returns or raises DeliveryError within 10 s."""

    @property
    def name(self) -> str: ...

    def send(self, message: Message) -> Receipt: ...
