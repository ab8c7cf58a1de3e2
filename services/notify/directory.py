"""Everybody who can be told, by the names and addresses that a rule may write. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.inventory.people import Contact, Group, Rotation
from services.inventory.references import plain_name
from services.notify.oncall import who_is_on_call
from services.rule import Channel

_PHONE = re.compile(r"\+?[0-9][0-9 ().-]{5,}")
_PUNCTUATION = re.compile(r"[ ().-]")


@dataclass(frozen=True, slots=True)
class Found:
    """Who is meant by what was written. Of a group or a rotation ``name`` is its name, and ``via``
    says through what the contacts are meant; ``lacking``: in words who of it there is not, or that
    it has nobody."""

    contacts: Sequence[Contact] = ()
    name: str = ""
    via: str = ""
    lacking: Sequence[str] = ()

    @property
    def collective(self) -> bool:
        return bool(self.name)


@dataclass(frozen=True)
class Directory:
    """``contacts``, ``groups`` and ``rotations`` in force. Does not change: a change of them makes
    a new one."""

    contacts: Sequence[Contact] = ()
    groups: Sequence[Group] = ()
    rotations: Sequence[Rotation] = ()

    def resolve(self, written: str, at: float) -> Found:
        """Who is meant at a moment (seconds since the epoch): the contact of this name, else the
        members of the group, else who is on call in the rotation, whatever the case; else the
        contacts that have it as an address."""
        name = plain_name(written)
        if contact := self._named.get(name):
            return Found((contact,))
        if group := self._groups.get(name):
            return self._members(group)
        if rotation := self._rotations.get(name):
            return self._on_call(rotation, at)
        return Found(self._addressed.get(plain(written), ()))

    def ever(self, written: str) -> Sequence[str]:
        """All that may be meant at any time: of a rotation everybody who is in it, whether or not
        on call now; else what was written."""
        name = plain_name(written)
        rotation = self._rotations.get(name)
        if rotation is None or name in self._named or name in self._groups:
            return (written,)
        names = (*rotation.members, *(one.contact for one in rotation.overrides))
        return tuple(dict.fromkeys(names)) if rotation.members else (written, *names)

    def contact(self, name: str) -> Contact | None:
        """The contact of this name, whatever the case."""
        return self._named.get(plain_name(name))

    def reached_by(self, channel: Channel) -> Sequence[tuple[str, str]]:
        """The address, in plain form, and the name of each contact that has one for a channel."""
        return self._reached.get(channel, ())

    def zone_of(self, recipient: str) -> str | None:
        """The name of the time zone that a recipient reads times in; None when nobody said."""
        contact = self.contact(recipient)
        return contact.time_zone if contact else None

    def _members(self, group: Group) -> Found:
        known = [(name, self.contact(name)) for name in group.members]
        lacking = [f"The group {group.name} names {n}, and there is no such contact."
                   for n, contact in known if contact is None]  # fmt: skip
        if not known:
            lacking = [f"The group {group.name} has no members, so nobody is told by it."]
        found = tuple(contact for _, contact in known if contact is not None)
        return Found(found, group.name, f"Member of {group.name}.", lacking)

    def _on_call(self, rotation: Rotation, at: float) -> Found:
        name = who_is_on_call(rotation, at).contact
        via = f"On call in {rotation.name}."
        if name is None:
            lacking = f"The rotation {rotation.name} has no members, so nobody is on call."
        elif contact := self.contact(name):
            return Found((contact,), rotation.name, via)
        else:
            lacking = f"{name} is on call in {rotation.name}, and there is no such contact."
        return Found((), rotation.name, via, (lacking,))

    @cached_property
    def _reached(self) -> Mapping[Channel, Sequence[tuple[str, str]]]:
        return {
            channel: [
                (plain(address), one.name)
                for one in self.contacts
                if (address := one.address(channel))
            ]
            for channel in Channel
        }

    @cached_property
    def _named(self) -> Mapping[str, Contact]:
        # Of two that are called the same the first holds.
        return {plain_name(one.name): one for one in reversed(self.contacts)}

    @cached_property
    def _groups(self) -> Mapping[str, Group]:
        return {plain_name(one.name): one for one in reversed(self.groups)}

    @cached_property
    def _rotations(self) -> Mapping[str, Rotation]:
        return {plain_name(one.name): one for one in reversed(self.rotations)}

    @cached_property
    def _addressed(self) -> Mapping[str, Sequence[Contact]]:
        found: dict[str, list[Contact]] = {}
        for contact in self.contacts:
            for address in addresses(contact):
                found.setdefault(address, []).append(contact)
        return found


def addresses(contact: Contact) -> set[str]:
    """What a contact may be written as besides its name, in plain form."""
    url = contact.webhook and contact.webhook.url
    return {plain(one) for one in (contact.email, contact.phone, url) if one}


def plain(text: str) -> str:
    """A form in which two writings of one address are equal."""
    text = text.strip().casefold()
    return _PUNCTUATION.sub("", text) if _PHONE.fullmatch(text) else text
