"""Who is meant by a rule's recipients, on which channel, and why somebody cannot be told. Pure.

A recipient is written as the name of a contact, a group or a rotation, or as a contact's e-mail
address, phone number or webhook URL, and is resolved through the directory to what the channel
needs. E-mail addresses and phone numbers also stand for themselves on their own channel; a webhook
needs a contact, which holds its secret.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from services.inventory.people import Contact, WebhookAddress
from services.notify.channels.recipient import contact_of
from services.notify.directory import Directory, Found, addresses, plain
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
    ``reason`` is None when a message can be sent, else why not, with ``detail`` in words. ``via``
    says in words through what a recipient was meant that was not named itself."""

    channel: Channel
    recipient: str
    reason: Reason | None = None
    detail: str = ""
    via: str = ""


def destinations(
    plan: NotificationPlan, people: Directory, available: Collection[str], at: float
) -> list[Destination]:
    """Who is to be told by a plan at a moment (seconds since the epoch), each once per channel.

    ``available`` holds the names of the channels that can send. Without recipients every
    contact is meant that has an address for the channel.
    """
    found: dict[tuple[str, str], Destination] = {}
    meant = [(written, people.resolve(written, at)) for written in plan.recipients]
    for channel in plan.channels:
        for key, destination in _on_channel(channel, meant, people):
            if destination.reason is None and channel not in available:
                destination = unavailable(channel, destination.recipient, destination.via)
            found.setdefault((channel, key), destination)
    return list(found.values())


def to_contact(
    channel: Channel, contact: Contact, available: Collection[str], via: str
) -> Destination:
    """A contact on a channel, whether or not it can be told by it."""
    if not contact.address(channel):
        return _lacking(channel, contact, via)
    if channel not in available:
        return unavailable(channel, contact.name, via)
    return Destination(channel, contact.name, via=via)


def unavailable(channel: Channel, recipient: str, via: str = "") -> Destination:
    """Somebody who would be told if the channel were set up."""
    detail = f"The channel {channel} is not set up, so {recipient} cannot be told by it."
    return Destination(channel, recipient, Reason.CHANNEL_UNAVAILABLE, detail, via)


def webhook_of(recipient: str, contacts: Sequence[Contact]) -> WebhookAddress | None:
    """The webhook of the contact that a recipient names; None when there is none (any more)."""
    if contact := contact_of(recipient, contacts):
        return contact.webhook
    wanted = plain(recipient)
    return next((c.webhook for c in contacts if c.webhook and wanted in addresses(c)), None)


def _on_channel(
    channel: Channel, meant: Sequence[tuple[str, Found]], people: Directory
) -> Iterator[tuple[str, Destination]]:
    """Each destination with a key that is equal for equal addresses."""
    if channel is Channel.IN_APP:
        yield EVERYONE, Destination(channel, EVERYONE)
    elif meant:
        for written, found in meant:
            yield from _many(channel, found) if found.collective else _one(channel, written, found)
    else:
        for address, name in people.reached_by(channel):
            yield address, Destination(channel, name)


def _many(channel: Channel, found: Found) -> Iterator[tuple[str, Destination]]:
    """The members of a group, or who is on call."""
    for contact in found.contacts:
        if address := contact.address(channel):
            yield plain(address), Destination(channel, contact.name, via=found.via)
        else:
            yield plain(contact.name), _lacking(channel, contact, found.via)
    for detail in found.lacking:
        shown = _printable(found.name)
        yield detail, Destination(channel, shown, Reason.UNKNOWN_RECIPIENT, detail)


def _one(channel: Channel, written: str, found: Found) -> Iterator[tuple[str, Destination]]:
    usable = [(address, c.name) for c in found.contacts if (address := c.address(channel))]
    literal = _LITERAL.get(channel)
    if usable:
        for address, name in usable:
            yield plain(address), Destination(channel, name)
    elif literal and len(written) <= _LONGEST and literal.fullmatch(written.strip()):
        yield plain(written), Destination(channel, written.strip())
    elif found.contacts:
        contact = found.contacts[0]
        yield plain(contact.name), _lacking(channel, contact)
    else:
        shown = _printable(written)
        detail = (
            f"No contact has the name or address '{shown}'. Add a contact with "
            f"{_NEEDS[channel]}, or correct the recipient."
        )
        yield plain(shown), Destination(channel, shown, Reason.UNKNOWN_RECIPIENT, detail)


def _lacking(channel: Channel, contact: Contact, via: str = "") -> Destination:
    detail = f"The contact {contact.name} has not got {_NEEDS[channel]}, which {channel} needs."
    return Destination(channel, contact.name, Reason.NO_ADDRESS, detail, via)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text.strip())[:_LONGEST]
