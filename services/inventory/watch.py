"""Notices that the inventory file has changed, without a restart.

Only ``look`` does anything, and whoever keeps time calls it (every two seconds). A new content is
read once it has looked the same twice, for editors write in steps; a file that is gone or cannot
be read is told of only when it stays so, for editors and config maps replace it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from services.errors import ConfigurationError
from services.inventory.load import MAX_BYTES, parse_inventory, unreadable
from services.inventory.schema import Inventory

#: Looks at a file that cannot be read before that is told.
PATIENCE = 3
#: Looks after which the content is read although nothing seems to have changed: some file systems
#: keep times in whole seconds.
READ_ANYWAY = 15

#: Device, inode, size and time of change. Of a link: of what it leads to.
Signature = tuple[int, int, int, int]


class InventoryWatch:
    """Calls ``changed`` with a new inventory, or ``refused`` with what is wrong, once for each
    content. ``changed`` may raise ConfigurationError for one that cannot be put in force, which
    is then told through ``refused``. Going back to the content in force counts as a change: what
    was refused is over.
    """

    def __init__(
        self,
        path: Path,
        changed: Callable[[Inventory], None],
        refused: Callable[[ConfigurationError], None],
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._path = path
        self._changed = changed
        self._refused = refused
        self._environ = environ
        self._told: str | None = None
        self._read: Signature | None = None
        self._seen: Signature | None = None
        self._failures = 0
        self._looks = 0

    def first(self) -> Inventory:
        """The inventory to start with; later looks compare with it. Raises ConfigurationError."""
        try:
            signature, data = self._content()
        except (OSError, ValueError) as error:
            raise unreadable(self._path, error) from None
        inventory = parse_inventory(data, self._path, self._environ)
        self._told, self._read = _digest(data), signature
        return inventory

    def look(self) -> None:
        """Looks once. Costs a few microseconds while nothing changes."""
        self._looks += 1
        try:
            found = self._path.stat()
            if stat.S_ISFIFO(found.st_mode):
                return  # what a shell's <(...) gives: it was read at the start and is empty now
            signature = _signature(found)
            settled, self._seen = signature == self._seen, signature
            due = signature != self._read or self._looks % READ_ANYWAY == 0
            if not (due and settled):
                return
            signature, data = self._content()
        except (OSError, ValueError) as error:
            self._fail(error)
            return
        self._failures = 0
        if signature == self._seen:  # else it was written to meanwhile
            self._judge(data)
            self._read = signature

    def _content(self) -> tuple[Signature, bytes]:
        """What the file holds, and its signature after that was read."""
        with self._path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
            return _signature(os.fstat(file.fileno())), data

    def _fail(self, error: OSError | ValueError) -> None:
        self._read = None
        self._failures += 1
        if self._failures >= PATIENCE and self._told != str(error):
            self._refused(unreadable(self._path, error))
            self._told = str(error)

    def _judge(self, data: bytes) -> None:
        digest = _digest(data)
        if digest == self._told:
            return
        try:
            self._changed(parse_inventory(data, self._path, self._environ))
        except ConfigurationError as error:
            self._refused(error)
        self._told = digest  # not before: what failed for another reason is tried again


def _signature(found: os.stat_result) -> Signature:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
