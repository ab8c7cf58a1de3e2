"""One process a SQLite file: two would each judge, alert and send what the other does."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from services.errors import ConfigurationError


def hold(database: Path) -> int:
    """Takes the lock beside a database file, for as long as this process or a child of it lives;
    the descriptor that holds it. Raises ConfigurationError when another process has it."""
    path = database.with_name(f"{database.name}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise ConfigurationError(
            f"Another Healthdeck (process {holder}) is using {database}. Stop it first, or give "
            "this one a DATABASE_URL of its own."
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor
