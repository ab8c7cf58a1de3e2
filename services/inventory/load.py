"""The inventory file: read, checked, and every mistake in it told at once with its line."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from services.errors import ConfigurationError
from services.inventory.references import check_references
from services.inventory.schema import Inventory
from services.inventory.tree import Node, Unreadable, grow
from services.inventory.wording import explain, fields_at
from services.inventory.written import Written

MAX_BYTES = 5 * 1024 * 1024

_NO_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_inventory(path: Path, environ: Mapping[str, str] = os.environ) -> Inventory:
    """The inventory in the file ``path``, ``${NAME}`` in its texts taken from ``environ``.

    Raises ConfigurationError with one detail per mistake, in the order of the lines:
    ``line N: vps[0].services[1].check: what is wrong and what would be right``.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None
    return parse_inventory(data, path, environ)


def unreadable(path: Path, error: OSError | ValueError) -> ConfigurationError:
    """What is told of an inventory that cannot be read."""
    said = error.strerror if isinstance(error, OSError) else str(error)
    return ConfigurationError(_problem(path), [f"cannot read it: {said}"])


def parse_inventory(data: bytes, path: Path, environ: Mapping[str, str]) -> Inventory:
    """The inventory that ``data`` says, which was read from ``path``. Raises as read_inventory."""
    try:
        root = _tree(data)
    except Unreadable as error:
        place = "" if error.line is None else f"line {error.line}: "
        raise ConfigurationError(_problem(path), [f"{place}{error}"]) from None
    written = Written(root, environ)
    inventory = validated(written)
    check_references(written.data, written.add)
    if inventory is None or written.mistakes:
        ordered = sorted(written.mistakes, key=lambda mistake: mistake.line)
        raise ConfigurationError(_problem(path), list(dict.fromkeys(map(str, ordered))))
    return inventory


def validated(written: Written) -> Inventory | None:
    """The inventory that was written; None, and the mistakes noted, when a field is wrong. What
    one part says of another is not looked at."""
    try:
        return Inventory.model_validate(written.data, by_alias=True, by_name=False)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            written.add(item["loc"], explain(item, written.find(item["loc"])[2]))
    return None


def _problem(path: Path) -> str:
    return f"The inventory {path} cannot be used"


def _tree(data: bytes) -> Node:
    known = ", ".join(fields_at(()))
    root = grow(_text(data))
    if root is None or root.raw == "":
        raise Unreadable(None, f"it is empty; it may have {known}")
    if not isinstance(root.value, dict):
        raise Unreadable(root.line, f"an inventory is a mapping of fields: {known}")
    return root


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise Unreadable(None, f"it is larger than {MAX_BYTES // 1024**2} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(line, "this is not UTF-8; save the file as UTF-8") from None
    if found := _NO_TEXT.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise Unreadable(line, f"the character U+{ord(found[0]):04X} has no place in a text")
    return text
