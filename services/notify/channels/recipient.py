"""From a row's recipient to the address that a channel needs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from services.inventory.schema import Contact
from services.notify.channels import DeliveryError
from services.notify.retry import Reason

Contacts = Callable[[], Sequence[Contact]]


def contact_of(recipient: str, contacts: Sequence[Contact]) -> Contact | None:
    """The contact of this name. Contacts are asked at each sending, so that a corrected address
    holds for what still waits."""
    wanted = recipient.strip().casefold()
    return next((one for one in contacts if one.name.strip().casefold() == wanted), None)


def gone(recipient: str, what: str) -> NoReturn:
    """Raises the DeliveryError of a recipient that has lost its address."""
    raise DeliveryError(
        f"There is no contact '{recipient}' with {what} any more.",
        permanent=True,
        reason=Reason.UNKNOWN_RECIPIENT,
    )
