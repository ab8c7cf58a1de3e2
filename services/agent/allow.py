"""What the hub may ask of this machine: exactly what its own allow-list names.

``restart:UNIT``, ``logs:UNIT`` for systemd units; ``restart:container:NAME`` and
``logs:container:NAME`` for containers. Nothing else can be said, and nothing is ever a shell line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from services.agent.files import AgentError

ACTIONS = ("restart", "logs")
CONTAINER = "container:"

#: More lines of a log than these are not asked for.
MOST_LINES = 1000

_NAME = re.compile(r"[A-Za-z0-9@._:][A-Za-z0-9@._:-]{0,254}")


def allow_list(words: Iterable[str]) -> tuple[str, ...]:
    """The entries of an allow-list, each once, in their order. Raises AgentError."""
    entries = tuple(dict.fromkeys(words))
    for entry in entries:
        action, colon, unit = entry.partition(":")
        if not colon or action not in ACTIONS or not is_name(unit):
            raise AgentError(
                f"--allow {entry!r} is not understood; right is restart:UNIT or logs:UNIT "
                "(backend.service), or restart:container:NAME or logs:container:NAME"
            )
    return entries


def is_name(unit: str) -> bool:
    """Whether a text can be the name of a unit or container, and nothing else: no option, no
    path, no pattern, no second argument."""
    return bool(_NAME.fullmatch(unit) and _NAME.fullmatch(unit.removeprefix(CONTAINER)))


def arguments(action: str, unit: str, lines: int) -> list[str]:
    """The argument list that carries out an allowed action."""
    if unit.startswith(CONTAINER):
        name = unit.removeprefix(CONTAINER)
        if action == "restart":
            return ["docker", "restart", name]
        return ["docker", "logs", "--tail", str(lines), name]
    if action == "restart":
        return ["systemctl", "restart", unit]
    return ["journalctl", "-u", unit, "-n", str(lines), "--no-pager", "-o", "short-iso"]
