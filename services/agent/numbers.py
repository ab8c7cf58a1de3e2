"""The name of this agent's stream and its numbers, none of which is ever used twice."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path

from services.agent.files import decode, encode, write_durably

#: Numbers that are reserved on disk at once. After a crash the rest of them is left out.
RESERVED_AT_ONCE = 1000

STREAM = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Numbers:
    """Gives ascending numbers. A number is given only after its reservation is on disk, so a
    number that was sent cannot come back, whatever a crash or a power cut took away. When a
    reservation cannot be written, the numbers go on in a new stream whose name dies with this
    process. Not thread-safe.

    ``beyond`` is the highest number that was found in the buffer. ``trouble`` says why the
    last reservation failed.
    """

    def __init__(self, folder: Path, beyond: int) -> None:
        self._path = folder / "stream"
        self.stream, reserved = self._load()
        self.last = self._reserved = max(beyond, reserved)
        self._on_disk = reserved > 0
        self.trouble: str | None = None

    def take(self) -> int:
        """The next number, of ``stream`` as it is after this call."""
        if self.last >= self._reserved:
            self._reserve()
        self.last += 1
        return self.last

    def renew(self) -> None:
        """Begins a new stream: the hub knows numbers of this one that we do not remember."""
        self.stream, self._on_disk = str(uuid.uuid4()), False
        self._reserved = self.last

    def close(self) -> None:
        """Gives back what was reserved and not used. Raises OSError."""
        if self._on_disk and self._reserved > self.last:
            self._write(self.last)

    def _reserve(self) -> None:
        until = self.last + RESERVED_AT_ONCE
        try:
            self._write(until)
        except OSError as error:
            self.trouble = error.strerror or str(error)
            if self._on_disk:
                self.renew()
        else:
            self.trouble = None
            self._reserved, self._on_disk = until, True

    def _write(self, reserved: int) -> None:
        content = json.dumps({"stream": self.stream}).encode()
        write_durably(self._path, encode(reserved, content))

    def _load(self) -> tuple[str, int]:
        try:
            found = decode(self._path.read_bytes())
            stream = json.loads(found[1])["stream"] if found else ""
        except (OSError, ValueError, KeyError, TypeError):
            found, stream = None, ""
        if found and isinstance(stream, str) and STREAM.fullmatch(stream):
            return stream, found[0]
        return str(uuid.uuid4()), 0
