"""Contacts, groups and rotations as they were sent, checked so that every mistake is told with its
field."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from services.errors import Conflict, ValidationError
from services.inventory.load import validated
from services.inventory.near import nearest
from services.inventory.references import check_people, plain_name
from services.inventory.schema import Inventory
from services.inventory.tree import plant
from services.inventory.written import Path, Written, show
from services.notify.config_secrets import Secrets

#: The lists, what one of each is called, and how many there may be.
PARTS: Mapping[str, tuple[str, int]] = {
    "contacts": ("contact", 2000),
    "groups": ("group", 500),
    "onCall": ("rotation", 200),
}
#: What an answer says besides; sent back, it is passed over.
ABOUT = frozenset({"version", "updatedAt", "updatedBy", "channels"})
_ABOUT_EACH = frozenset({"readOnly", "problem", "now"})

_MOST = 20
#: Webhooks whose names are looked up at a time, and seconds for all.
_LOOK_UPS, _PATIENCE = 16, 10.0
_EMAIL = re.compile(r"""[^\s@"(),:;<>\[\\\]]+@[^\s@"(),:;<>\[\\\]]+""")
_PHONE = re.compile(r"\+?[0-9][0-9 ().-]{5,40}")

Entries = Mapping[str, Sequence[Mapping[str, Any]]]
Refusal = Callable[[str], str | None]


class Sent:
    """What was sent for each list, without what stands in the inventory file. Raises
    ValidationError, and Conflict for a change of what the file has (``file``: its entries as they
    are shown, by list)."""

    def __init__(self, given: Mapping[str, Any], file: Entries) -> None:
        self._problems: list[tuple[Path, str]] = []
        self._places: dict[str, list[int]] = {}
        self.entries: dict[str, list[Any]] = {}
        self._file = file
        for name in given.keys() - PARTS.keys() - ABOUT:
            self._add((name,), f"there is no such field; {nearest(name, PARTS)}")
        for part in PARTS:
            self._take(part, given)
        self._raise()

    def check(self, secrets: Secrets, refusal: Refusal, known_urls: frozenset[str]) -> Inventory:
        """The entries as models. ``refusal`` says why a webhook's URL may not be called; it is not
        asked for ``known_urls``."""
        data: dict[str, list[Any]] = {part: list(self.entries[part]) for part in PARTS}
        for at, spec in enumerate(data["contacts"]):
            if isinstance(spec, dict):
                data["contacts"][at], problem = secrets.prepared(spec)
                if problem:
                    self._add(("contacts", at, "webhook", "secret"), problem)
        for path, text in _texts(data, ()):
            if "${" in text:
                self._add(path, "variables stand in the inventory file only; write the text itself")
        self._raise()
        written = Written(plant(data), {})
        found = validated(written)
        taken = {
            plain_name(one["name"]): f"a {PARTS[part][0]} '{one['name']}' in the inventory file"
            for part, entries in self._file.items()
            for one in entries
        }
        others = [one["name"] for one in self._file["contacts"]]
        check_people(data, lambda path, text: written.add(path, text), others, taken)
        for mistake in written.mistakes:
            self._add(mistake.path, mistake.text)
        self._raise()
        inventory = found or Inventory()
        self._addresses(inventory, refusal, known_urls)
        self._raise()
        return inventory

    def _take(self, part: str, given: Mapping[str, Any]) -> None:
        word, most = PARTS[part]
        self.entries[part], self._places[part] = [], []
        sent = given.get(part)
        if not isinstance(sent, list):
            text = "must be a list; [] means none" if part in given else "is missing; [] means none"
            self._problems.append(((part,), text))
            return
        shown = {plain_name(one["name"]): one for one in self._file[part]}
        for at, entry in enumerate(sent):
            if isinstance(entry, dict):
                entry = {name: value for name, value in entry.items() if name not in _ABOUT_EACH}
                name = entry.get("name")
                of_file = shown.get(plain_name(name)) if isinstance(name, str) else None
                if of_file is not None:
                    if not _same(entry, of_file):
                        raise Conflict(
                            f"The {word} '{of_file['name']}' stands in the inventory file; change "
                            "it there."
                        )
                    continue
            self.entries[part].append(entry)
            self._places[part].append(at)
        if len(self.entries[part]) > most:
            self._problems.append(((part,), f"has more than {most:,}, and no more fit"))

    def _addresses(
        self, inventory: Inventory, refusal: Refusal, known_urls: frozenset[str]
    ) -> None:
        new: dict[str, list[int]] = {}
        for at, contact in enumerate(inventory.contacts):
            if contact.email is not None and not _EMAIL.fullmatch(contact.email):
                self._add(
                    ("contacts", at, "email"),
                    "is no e-mail address; write it alone, as ops@example.com",
                )
            if contact.phone is not None and not _PHONE.fullmatch(contact.phone):
                self._add(
                    ("contacts", at, "phone"),
                    "is no phone number; write it with its country, as +31600000000",
                )
            if contact.webhook is not None and contact.webhook.url not in known_urls:
                new.setdefault(contact.webhook.url, []).append(at)
        if not new:
            return
        ends = time.monotonic() + _PATIENCE
        with ThreadPoolExecutor(_LOOK_UPS) as pool:
            # What nobody has the time to judge is judged when it is called.
            judged = pool.map(lambda url: refusal(url) if time.monotonic() < ends else None, new)
            for url, why in zip(new, judged, strict=True):
                for at in new[url] if why else ():
                    self._add(("contacts", at, "webhook", "url"), str(why))

    def _add(self, path: Path, text: str) -> None:
        """Notes a mistake at the place where it was sent."""
        if len(path) > 1 and isinstance(path[1], int) and path[0] in self._places:
            path = (path[0], self._places[str(path[0])][path[1]], *path[2:])
        self._problems.append((path, text))

    def _raise(self) -> None:
        if not self._problems:
            return
        problems = [
            {"field": show(path), "problem": text}
            for path, text in dict.fromkeys(self._problems[:_MOST])
        ]
        first = ": ".join(problems[0].values()).removesuffix(".")
        raise ValidationError(f"The configuration is not as it should be: {first}.", problems)


def _same(entry: Mapping[str, Any], shown: Mapping[str, Any]) -> bool:
    """Whether what was sent of an entry of the file is what is shown; what is left out is."""
    return all(entry[name] == shown.get(name) for name in entry)


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, below in value.items():
            yield from _texts(below, (*path, key))
    elif isinstance(value, list):
        for at, below in enumerate(value):
            yield from _texts(below, (*path, at))
