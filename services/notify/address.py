"""Who is meant by a rule's recipients, on which channel, and why somebody cannot be told. Pure.

A recipient is written as a contact's name, e-mail address, phone number or webhook URL, and
is resolved through the contacts to what the channel needs. E-mail addresses and phone numbers
also stand for themselves on their own channel; a webhook needs a contact, which holds its secret.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from services.inventory.schema import Contact, WebhookAddress
from services.notify.retry import Reason
from services.rule import Channel, NotificationPlan

#: The recipient of what everybody with the dashboard open sees.
EVERYONE = "everyone"

_NEEDS = {
    Channel.EMAIL: "an e-mail address",
    Channel.SMS: "a phone number",
    Channel.WEBHOOK: "a webhook with its URL and secret",
    Channel.APPRISE: "a service URL",
}
_LITERAL = {
    Channel.EMAIL: re.compile(r"[^@\s]+@[^@\s]+"),
    Channel.SMS: re.compile(r"\+?[0-9][0-9 ().-]{5,}"),
    Channel.APPRISE: re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE),
}
_LONGEST = 320


@dataclass(frozen=True, slots=True)
class Destination:
    """One recipient on one channel. ``recipient`` is the contact's name or what was written;
    ``reason`` is None when a message can be sent, else why not, with ``detail`` in words."""

    channel: Channel
    recipient: str
    reason: Reason | None = None
    detail: str = ""


def destinations(
    plan: NotificationPlan, contacts: Sequence[Contact], available: Collection[str]
) -> list[Destination]:
    """Who is to be told by a plan, each once per channel.

    ``available`` holds the names of the channels that can send. Without recipients every
    contact is meant that has an address for the channel.
    """
    found: dict[tuple[str, str], Destination] = {}
    for channel in plan.channels:
        for key, destination in _on_channel(channel, plan.recipients, contacts):
            if destination.reason is None and channel not in available:
                destination = Destination(
                    channel,
                    destination.recipient,
                    Reason.CHANNEL_UNAVAILABLE,
                    f"The channel {channel} is not set up, so {destination.recipient} "
                    "cannot be told by it.",
                )
            found.setdefault((channel, key), destination)
    return list(found.values())


def webhook_of(recipient: str, contacts: Sequence[Contact]) -> WebhookAddress | None:
    """The webhook of the contact that a recipient names; None when there is none (any more)."""
    return next((c.webhook for c in _matching(recipient, contacts) if c.webhook), None)


def _on_channel(
    channel: Channel, recipients: Sequence[str], contacts: Sequence[Contact]
) -> Iterator[tuple[str, Destination]]:
    """Each destination with a key that is equal for equal addresses."""
    if channel is Channel.IN_APP:
        yield EVERYONE, Destination(channel, EVERYONE)
    elif recipients:
        for written in recipients:
            yield from _named(channel, written, contacts)
    else:
        for contact in contacts:
            if address := _address(channel, contact):
                yield _plain(address), Destination(channel, contact.name)


def _named(
    channel: Channel, written: str, contacts: Sequence[Contact]
) -> Iterator[tuple[str, Destination]]:
    known = _matching(written, contacts)
    usable = [(address, c.name) for c in known if (address := _address(channel, c))]
    literal = _LITERAL.get(channel)
    if usable:
        for address, name in usable:
            yield _plain(address), Destination(channel, name)
    elif literal and len(written) <= _LONGEST and literal.fullmatch(written.strip()):
        yield _plain(written), Destination(channel, written.strip())
    elif known:
        name = known[0].name
        detail = f"The contact {name} has not got {_NEEDS[channel]}, which {channel} needs."
        yield _plain(name), Destination(channel, name, Reason.NO_ADDRESS, detail)
    else:
        shown = _printable(written)
        detail = (
            f"No contact has the name or address '{shown}'. Add a contact with "
            f"{_NEEDS[channel]}, or correct the recipient."
        )
        yield _plain(shown), Destination(channel, shown, Reason.UNKNOWN_RECIPIENT, detail)


def _matching(written: str, contacts: Sequence[Contact]) -> list[Contact]:
    wanted = _plain(written)
    named = [c for c in contacts if _plain(c.name) == wanted]
    return named or [
        c
        for c in contacts
        if wanted in {_plain(a) for a in (c.email, c.phone, c.webhook and c.webhook.url) if a}
    ]


def _address(channel: Channel, contact: Contact) -> str | None:
    match channel:
        case Channel.EMAIL:
            return contact.email
        case Channel.SMS:
            return contact.phone
        case Channel.WEBHOOK:
            return contact.webhook.url if contact.webhook else None
        case Channel.APPRISE:
            return contact.apprise.get_secret_value() if contact.apprise else None
        case _:
            return None


def _plain(text: str) -> str:
    """A form in which two writings of one address are equal."""
    text = text.strip().casefold()
    return re.sub(r"[ ().-]", "", text) if _LITERAL[Channel.SMS].fullmatch(text) else text


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text.strip())[:_LONGEST]
