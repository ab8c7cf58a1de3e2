"""The readings on disk: append-only files of lines, the oldest file first.

A reader of a damaged file skips what is damaged: each line carries its checksum. A file is never
appended to by a later process, so a half-written tail cannot swallow the line after it.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from services.agent.files import decode, sync_folder
from services.agent.numbers import STREAM

#: Longest line that a reader takes; what is longer is damage.
LONGEST_LINE = 64 * 1024

_NAME = re.compile(rf"readings-(\d{{16}})-({STREAM.pattern})\.log")

Write = Callable[[int, bytes], int]


class Stored(NamedTuple):
    """One reading: its place in its stream, and the JSON object."""

    stream: str
    seq: int
    content: bytes


class Segment:
    """One file of readings of one stream."""

    def __init__(self, path: Path, stream: str) -> None:
        self.path = path
        self.stream = stream
        self.last = 0
        self.size = 0

    def read(self) -> Iterator[Stored]:
        """The whole lines in the file. Raises OSError."""
        for line in self._lines():
            if found := decode(line):
                yield Stored(self.stream, *found)

    def measure(self) -> int:
        """Sets ``last`` and ``size``; returns how many lines are damaged. Raises OSError."""
        damaged = 0
        for line in self._lines():
            found = decode(line)
            damaged += found is None
            self.last = max(self.last, found[0] if found else 0)
        self.size = self.path.stat().st_size
        return damaged

    def _lines(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while line := file.readline(LONGEST_LINE):
                yield line


class Writer:
    """Appends to one new segment. A line is whole or it is not there: what could not be written
    in full is cut off again."""

    def __init__(self, folder: Path, stream: str, first: int, write: Write) -> None:
        self.segment = Segment(folder / f"readings-{first:016d}-{stream}.log", stream)
        self._write = write
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(self.segment.path, flags, 0o600)
        with contextlib.suppress(OSError):
            sync_folder(folder)

    def append(self, seq: int, line: bytes) -> None:
        """Raises OSError when the line could not be written in full."""
        segment = self.segment
        view = memoryview(line)
        try:
            while view:
                view = view[self._write(self._fd, bytes(view)) :]
        except OSError:
            os.ftruncate(self._fd, segment.size)
            raise
        segment.size += len(line)
        segment.last = seq

    def sync(self) -> None:
        """Makes what was appended survive a power cut. Raises OSError."""
        os.fdatasync(self._fd)

    def empty(self) -> None:
        """Takes everything out of the file. Raises OSError."""
        os.ftruncate(self._fd, 0)
        self.segment.size = 0

    def close(self) -> None:
        os.close(self._fd)


def found_in(folder: Path) -> list[Segment]:
    """The segments in a folder, the oldest first."""
    matches = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    ordered = sorted((int(match[1]), path, match[2]) for match, path in matches if match)
    return [Segment(path, stream) for _, path, stream in ordered]
