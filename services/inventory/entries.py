"""Servers and tenants that were added in the UI: their rows, and one inventory of the file and
them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from models.inventory import InventoryEntry
from services.errors import ConfigurationError
from services.inventory.literals import literals
from services.inventory.load import validated
from services.inventory.references import check_references
from services.inventory.schema import Inventory
from services.inventory.tree import plant
from services.inventory.written import Path, Written, show

EntryKind = Literal["vps", "tenant"]

#: The list of an inventory in which each kind stands.
LISTS: Mapping[EntryKind, str] = {"vps": "vps", "tenant": "tenants"}
_WORDS = {"vps": "server", "tenants": "tenant", "rules": "rule"}


@dataclass(frozen=True)
class Entry:
    """A server or tenant as it was written (``spec``, with ``${NAME}`` where secrets belong), who
    wrote it, and when: seconds since the epoch."""

    kind: EntryKind
    id: str
    spec: Mapping[str, Any] = field(hash=False)
    by: str = ""
    at: float = 0.0

    @property
    def words(self) -> str:
        return f"{_WORDS[LISTS[self.kind]]} '{self.id}'"


@dataclass(frozen=True)
class Fault:
    """Something wrong at ``place`` in an entry, or in a part of the file when ``entry`` is
    None."""

    entry: Entry | None
    place: str
    text: str

    def __str__(self) -> str:
        owner = f"{self.entry.words} (added by {self.entry.by})" if self.entry else ""
        return ": ".join(part for part in (owner, self.place, self.text) if part)


def merged(
    file: Inventory, entries: Sequence[Entry], environ: Mapping[str, str] = os.environ
) -> Inventory:
    """The inventory of the file with the entries after its own. Raises ConfigurationError with a
    line for each thing that does not go together."""
    inventory, faults = Merger(file, environ).merge(entries)
    if inventory is None:
        raise ConfigurationError(
            "The inventory file and what was added to it do not go together", list(map(str, faults))
        )
    return inventory


class Merger:
    """Puts entries to the inventory of one file, of which it makes the plain form once."""

    def __init__(self, file: Inventory, environ: Mapping[str, str] = os.environ) -> None:
        self._file = file
        self._environ = environ
        self._plain = file.model_dump(
            mode="json", by_alias=True, exclude={"contacts", "groups", "on_call"}
        )

    @property
    def file(self) -> Inventory:
        return self._file

    def merge(self, entries: Sequence[Entry]) -> tuple[Inventory | None, Sequence[Fault]]:
        """One inventory of both, or everything that is wrong."""
        if not entries:
            return self._file, ()
        of = {name: [e for e in entries if LISTS[e.kind] == name] for name in LISTS.values()}
        specs = {name: [dict(entry.spec) for entry in part] for name, part in of.items()}
        if faults := _literals(of):
            return None, faults
        written = Written(plant(specs), self._environ)
        added = validated(written)
        faults = self._references(of, written)
        for mistake in written.mistakes:
            name, at, below = _split(mistake.path)
            faults.append(Fault(of[name][at], show(below), mistake.text))
        if added is None or faults:
            return None, list(dict.fromkeys(faults))
        both = {
            "vps": (*self._file.vps, *added.vps),
            "tenants": (*self._file.tenants, *added.tenants),
        }
        return self._file.model_copy(update=both), ()

    def _references(self, of: Mapping[str, Sequence[Entry]], written: Written) -> list[Fault]:
        """What the file says wrongly once the entries are there; what they say is noted in
        ``written``."""
        whole = {**self._plain, **{name: self._plain[name] + written.data[name] for name in of}}
        faults = []

        def add(path: Path, text: str) -> None:
            name, at, below = _split(path)
            first = len(self._plain[name])
            if name in of and at >= first:
                written.add((name, at - first, *below), text)
            else:
                owner = f"{_WORDS[name]} '{whole[name][at]['id']}' of the file"
                faults.append(Fault(None, f"{owner}: {show(below)}", text))

        check_references(whole, add)
        return faults


def _literals(of: Mapping[str, Sequence[Entry]]) -> list[Fault]:
    return [
        Fault(entry, show(path), text)
        for part in of.values()
        for entry in part
        for path, text in literals(entry.spec)
    ]


def _split(path: Path) -> tuple[str, int, Path]:
    return str(path[0]), int(path[1]), path[2:]


def stored(session: Session) -> tuple[int, tuple[Entry, ...]]:
    """The version of the table, and what it holds in the order in which it was added."""
    rows = session.scalars(
        select(InventoryEntry).order_by(InventoryEntry.created_at, InventoryEntry.version)
    ).all()
    entries = tuple(
        Entry(kind, row.id, row.spec, row.changed_by, row.changed_at)
        for row in rows
        for kind in LISTS
        if row.removed_at is None and row.kind == kind
    )
    return max((row.version for row in rows), default=0), entries


def version(session: Session) -> int:
    """Grows with every change of the table, whoever made it."""
    return session.scalar(select(func.max(InventoryEntry.version))) or 0


def lock(session: Session) -> None:
    """Nobody else changes the table until this transaction ends. On SQLite there is one writer
    anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE inventory_entries IN SHARE ROW EXCLUSIVE MODE"))


def put(session: Session, entry: Entry, version: int) -> None:
    """Adds an entry or writes it anew, as version ``version`` of the table."""
    row = session.get(InventoryEntry, (entry.kind, entry.id))
    if row is None or row.removed_at is not None:
        row = row or InventoryEntry(kind=entry.kind, id=entry.id)
        row.created_at, row.created_by, row.removed_at = entry.at, entry.by, None
        session.add(row)
    row.spec, row.version = dict(entry.spec), version
    row.changed_at, row.changed_by = entry.at, entry.by


def remove(session: Session, entry: Entry, version: int) -> None:
    """Takes an entry away; ``by`` and ``at`` are those of its end."""
    row = session.get_one(InventoryEntry, (entry.kind, entry.id))
    row.version, row.removed_at = version, entry.at
    row.changed_at, row.changed_by = entry.at, entry.by
