"""The channel sms: Twilio's Programmable Messaging, through its own client."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from urllib.parse import quote

from services.notify.channels import DeliveryError, Message, Receipt, Words
from services.notify.channels.recipient import Contacts, contact_of, gone
from services.notify.channels.segments import fitted
from services.notify.channels.twilio import Account, ask
from services.notify.outbound import LIMIT
from services.notify.retry import Reason
from services.rule import Channel

#: Where Twilio tells what became of a message.
RECEIPTS = "/api/twilio/status"

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


class Sms:
    """``words`` writes the messages; ``address``: where Twilio reaches us, for receipts, if known;
    ``limit``: seconds for all."""

    name = Channel.SMS.value

    def __init__(
        self,
        account: Account,
        contacts: Contacts,
        words: Words,
        address: str | None = None,
        limit: float = LIMIT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._account = account
        self._contacts = contacts
        self._address = address
        self._words = words
        self._limit = limit
        self._clock = clock

    def send(self, message: Message) -> Receipt:
        to, options = self._number(message.recipient), self._options(message)
        said = self._words(message)
        text = fitted(said.text.splitlines())
        taken = ask(
            self._account,
            lambda client: client.messages.create(to=to, body=text, **options),
            self._limit,
            self._clock(),
        )
        return Receipt(taken.sid, note=said.note)

    def _number(self, recipient: str) -> str:
        contact = contact_of(recipient, self._contacts())
        written = contact.phone if contact else recipient
        number = re.sub(r"[ ().-]", "", written or "")
        if not number:
            gone(recipient, "a phone number")
        number = f"+{number[2:]}" if number.startswith("00") else number
        if not _NUMBER.fullmatch(number):
            raise DeliveryError(
                f"'{written}' is no phone number; write it with its country, as +31600000000.",
                permanent=True,
                reason=Reason.ADDRESS_INVALID,
            )
        return number

    def _options(self, message: Message) -> dict[str, str]:
        account = self._account
        service = re.fullmatch(r"MG[0-9a-fA-F]{32}", account.sender)
        options = {"messaging_service_sid" if service else "from_": account.sender}
        if self._address:
            receipts = f"{self._address}{RECEIPTS}?notification={quote(message.id, safe='')}"
            options["status_callback"] = receipts
        return options
