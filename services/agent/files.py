"""Files that survive a kill and a power cut."""

from __future__ import annotations

import fcntl
import os
import zlib
from pathlib import Path


class AgentError(Exception):
    """Why the agent cannot start, and what would be right."""


def encode(number: int, content: bytes) -> bytes:
    """One line: CRC-32 of the rest, ``number``, ``content`` (which has no newline)."""
    rest = b"%d %b" % (number, content)
    return b"%08x %b\n" % (zlib.crc32(rest), rest)


def decode(line: bytes) -> tuple[int, bytes] | None:
    """What ``encode`` was given; None for a line that is cut off or damaged."""
    check, _, rest = line.partition(b" ")
    if len(check) != 8 or not rest.endswith(b"\n"):
        return None
    rest = rest[:-1]
    try:
        if int(check, 16) != zlib.crc32(rest):
            return None
        number, _, content = rest.partition(b" ")
        return int(number), content
    except ValueError:
        return None


def write_durably(path: Path, content: bytes) -> None:
    """Replaces a file: after a power cut it holds the old or the new content, whole.

    Raises OSError and leaves the old file."""
    beside = path.with_name(f"{path.name}.new")
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_all(fd, content)
        os.fsync(fd)
    finally:
        os.close(fd)
    beside.replace(path)
    sync_folder(path.parent)


def write_all(fd: int, content: bytes) -> None:
    """``os.write`` may take a part and call that a success; a full disk shows at the next try."""
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def take_folder(folder: Path) -> int:
    """Makes the state folder this process' own and returns the lock, which lasts until its
    descriptor is closed or the process ends. Raises AgentError when another agent has it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise AgentError(
            f"The state folder {folder} cannot be written ({error.strerror}); "
            "name one that this user may write: --state DIR"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise AgentError(
            f"Another agent runs with the state folder {folder}; stop it, "
            "or give this one a folder of its own: --state DIR"
        ) from error
    return lock
