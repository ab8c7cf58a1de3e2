"""The inventory in force: what the file says and what was added in the UI, and changes of
both."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy.orm import Session

from models.database import Database
from services.errors import (
    Conflict,
    NotFound,
    ValidationError,
)
from services.inventory import entries as rows
from services.inventory.entries import Entry, EntryKind, Fault, Merger, merged
from services.inventory.schema import Inventory

log = structlog.get_logger(__name__)

Alter = Callable[[tuple[Entry, ...]], tuple[Entry, ...]]
Write = Callable[[Session, Entry, int], None]


class InventoryDesk:
    """Holds the inventory in force; ``on_change`` is told each new one, one at a time and after
    the commit. The methods take what was sent as JSON, and raise ValidationError for what is
    wrong in it, Conflict for what does not go with the rest, and NotFound.

    Raises ConfigurationError when file and entries do not go together.
    """

    def __init__(
        self,
        database: Database,
        file: Inventory,
        on_change: Callable[[Inventory], None],
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._on_change = on_change
        self._environ = environ
        self._clock = clock
        self._lock = threading.RLock()
        with database.read() as session:
            self._version, self._entries = rows.stored(session)
        self._inventory = merged(file, self._entries, environ)
        self._merger = Merger(file, environ)

    @property
    def inventory(self) -> Inventory:
        """What is in force now."""
        return self._inventory

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What was added in the UI and can be changed there."""
        return self._entries

    def take_file(self, file: Inventory) -> None:
        """Puts a new content of the file in force. Raises ConfigurationError, and the old stays,
        when it does not go with the entries."""
        with self._lock:
            inventory = merged(file, self._entries, self._environ)
            self._merger = Merger(file, self._environ)
            self._take(self._version, self._entries, inventory)

    def refresh(self) -> None:
        """Takes in what other processes changed. Raises ConfigurationError, once for each change,
        when it cannot be used here."""
        with self._lock:
            with self._database.read() as session:
                if rows.version(session) == self._version:
                    return
                self._version, self._entries = rows.stored(session)
            inventory = merged(self._merger.file, self._entries, self._environ)
            self._take(self._version, self._entries, inventory)

    def add_vps(self, given: Mapping[str, Any], by: str) -> Mapping[str, Any]:
        """Adds a server; the answer is what is stored."""
        return self._add("vps", given, by)

    def change_vps(self, vps_id: str, given: Mapping[str, Any], by: str) -> Mapping[str, Any]:
        """Writes a server anew. ``given`` may leave the id out."""
        return self._rewrite("vps", vps_id, given, by)

    def delete_vps(self, vps_id: str, by: str) -> None:
        """Takes a server away; its history stays, for it may return."""
        self._delete("vps", vps_id, by)

    def add_tenant(self, given: Mapping[str, Any], by: str) -> Mapping[str, Any]:
        return self._add("tenant", given, by)

    def change_tenant(self, tenant_id: str, given: Mapping[str, Any], by: str) -> Mapping[str, Any]:
        return self._rewrite("tenant", tenant_id, given, by)

    def delete_tenant(self, tenant_id: str, by: str) -> None:
        self._delete("tenant", tenant_id, by)

    def _add(self, kind: EntryKind, given: Mapping[str, Any], by: str) -> Mapping[str, Any]:
        id_ = given.get("id")
        entry = self._entry(kind, id_ if isinstance(id_, str) else "", given, by)

        def alter(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
            if self._of_file(kind, entry.id) or _find(entries, entry):
                raise Conflict(f"There already is a {entry.words}.")
            return (*entries, entry)

        self._change(entry, alter, rows.put)
        return entry.spec

    def _rewrite(
        self, kind: EntryKind, id_: str, given: Mapping[str, Any], by: str
    ) -> Mapping[str, Any]:
        if given.get("id", id_) != id_:
            raise ValidationError(
                f"The id stays '{id_}'. For another id add another entry.",
                [{"field": "id", "problem": f"must be '{id_}' or left out"}],
            )
        entry = self._entry(kind, id_, {"id": id_, **given}, by)

        def alter(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
            old = self._own(entries, entry, "change it there")
            return tuple(entry if one is old else one for one in entries)

        self._change(entry, alter, rows.put)
        return entry.spec

    def _delete(self, kind: EntryKind, id_: str, by: str) -> None:
        entry = self._entry(kind, id_, {}, by)

        def alter(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
            old = self._own(entries, entry, "take it out there")
            return tuple(one for one in entries if one is not old)

        self._change(entry, alter, rows.remove)

    def _entry(self, kind: EntryKind, id_: str, spec: Mapping[str, Any], by: str) -> Entry:
        return Entry(kind, id_, spec, by[:100], self._clock())

    def _of_file(self, kind: EntryKind, id_: str) -> bool:
        file = self._merger.file
        return any(spec.id == id_ for spec in (file.vps if kind == "vps" else file.tenants))

    def _own(self, entries: Sequence[Entry], wanted: Entry, instead: str) -> Entry:
        if found := _find(entries, wanted):
            return found
        if self._of_file(wanted.kind, wanted.id):
            raise Conflict(f"The {wanted.words} stands in the inventory file; {instead}.")
        raise NotFound(f"There is no {wanted.words}.")

    def _change(self, entry: Entry, alter: Alter, write: Write) -> None:
        """Judges before the write transaction, which is short so. When another process has
        changed the table meanwhile, it judges again, now with the table locked."""
        with self._lock:
            with self._database.read() as session:
                version, before = rows.stored(session)
            after, inventory = self._judge(entry, alter, before)
            with self._database.write() as session:
                rows.lock(session)
                if rows.version(session) != version:
                    version, before = rows.stored(session)
                    after, inventory = self._judge(entry, alter, before)
                write(session, entry, version + 1)
            self._take(version + 1, after, inventory)
        log.info("inventory_entry_changed", entry=entry.words, by=entry.by)

    def _judge(
        self, entry: Entry, alter: Alter, before: tuple[Entry, ...]
    ) -> tuple[tuple[Entry, ...], Inventory]:
        after = alter(before)
        inventory, faults = self._merger.merge(after)
        if inventory is None:
            raise _refusal(entry, faults)
        return after, inventory

    def _take(self, version: int, entries: tuple[Entry, ...], inventory: Inventory) -> None:
        self._version, self._entries, self._inventory = version, entries, inventory
        self._on_change(inventory)


def _find(entries: Sequence[Entry], wanted: Entry) -> Entry | None:
    return next((e for e in entries if (e.kind, e.id) == (wanted.kind, wanted.id)), None)


def _refusal(entry: Entry, faults: Sequence[Fault]) -> ValidationError | Conflict:
    own = [fault for fault in faults if fault.entry is entry]
    if own:
        return ValidationError(
            f"The {entry.words} is not as it should be." if entry.id else "It has no id.",
            [{"field": fault.place, "problem": fault.text} for fault in own],
        )
    return Conflict(
        f"This change of the {entry.words} does not go with the rest.", list(map(str, faults))
    )
