"""What was read and is not yet with the hub: on disk, and in memory while the disk takes nothing.

Policy: a reading is written at once (it survives the end of the process) and synced when the
last sync is ``SYNC_EVERY`` seconds old (a power cut costs the readings of that time at most).
What the hub has is removed. Beyond ``limit`` bytes the oldest file is dropped, and counted.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from services.agent.files import encode
from services.agent.numbers import Numbers
from services.agent.segments import LONGEST_LINE, Segment, Stored, Write, Writer, found_in
from services.agent.voice import Voice

#: A reading takes about 500 bytes: at 30 s this is ten days and more.
LIMIT = 16 * 1024 * 1024
SEGMENT = 64 * 1024
#: What memory holds while the disk takes nothing: about 15 hours at 30 s.
RING = 1024 * 1024
SYNC_EVERY = 10.0


class Buffer:
    """Keeps readings in the order of their numbers until they are acknowledged. Thread-safe.

    ``dropped`` counts readings that were lost because there was no room for them.
    """

    def __init__(
        self,
        folder: Path,
        voice: Voice,
        steady: Callable[[], float],
        *,
        limit: int = LIMIT,
        segment: int = SEGMENT,
        ring: int = RING,
        write: Write = os.write,
    ) -> None:
        self._folder, self._voice, self._steady, self._write = folder, voice, steady, write
        self._limit, self._segment, self._ring_limit = limit, segment, ring
        self._lock = threading.Lock()
        self._closed = deque(found_in(folder))
        self._measure()
        self._newest = max((one.last for one in self._closed), default=0)
        self._numbers = Numbers(folder, self._newest)
        self._writer: Writer | None = None
        self._ring: deque[Stored] = deque()
        self._ring_size = 0
        self._acknowledged = 0
        self._synced = steady()
        self._trouble: str | None = None
        self.dropped = 0
        self._voice.state("disk", "fine")
        self._bound()

    @property
    def last(self) -> int:
        """The highest number that was ever given."""
        return self._numbers.last

    @property
    def stream(self) -> str:
        return self._numbers.stream

    @property
    def trouble(self) -> str | None:
        """Why the state folder takes nothing; None while it does."""
        return self._trouble or self._numbers.trouble

    def append(self, content: Mapping[str, Any]) -> None:
        """Keeps one reading. Never fails: without a disk it stays in memory."""
        text = json.dumps(content, allow_nan=False, separators=(",", ":")).encode()
        with self._lock:
            seq = self._numbers.take()
            if len(text) > LONGEST_LINE - 64:
                self._lose(1, "it is too long")
                return
            self._ring.append(Stored(self._numbers.stream, seq, text))
            self._ring_size += len(text)
            self._newest = seq
            self._pour()
            self._bound()

    def batch(self, count: int, size: int) -> list[Stored]:
        """The oldest unacknowledged readings of one stream, ascending: at most ``count``, and
        (beyond the first) at most ``size`` bytes."""
        found: list[Stored] = []
        with self._lock:
            for one in self._unacknowledged():
                size -= len(one.content)
                if len(found) == count or (found and (size < 0 or one.stream != found[0].stream)):
                    break
                found.append(one)
            if not found:  # what there was is lost; nobody should wait for it
                self._acknowledged = self._newest
        return found

    def has_unacknowledged(self) -> bool:
        return self._newest > self._acknowledged

    def waiting(self) -> int:
        """How many readings are not yet acknowledged. Reads the whole buffer."""
        with self._lock:
            return sum(1 for _ in self._unacknowledged())

    def acknowledge(self, seq: int) -> None:
        """Removes everything up to ``seq``: the hub has it, or will never take it."""
        with self._lock:
            self._acknowledged = max(self._acknowledged, seq)
            while self._ring and self._ring[0].seq <= seq:
                self._ring_size -= len(self._ring.popleft().content)
            while self._closed and self._closed[0].last <= seq:
                self._remove(self._closed.popleft().path)
            writer = self._writer
            if writer and writer.segment.size and writer.segment.last <= seq:
                with contextlib.suppress(OSError):  # then it is sent twice and stored once
                    writer.empty()

    def renew_stream(self) -> None:
        """What is read from now on belongs to a new stream."""
        with self._lock:
            self._numbers.renew()

    def close(self) -> None:
        """Makes everything durable; nothing may be appended afterwards."""
        with self._lock, contextlib.suppress(OSError):
            self._pour()
            if self._writer:
                self._writer.sync()
                self._retire(self._writer)
            self._numbers.close()
        if self._ring:
            self._voice.event(f"{len(self._ring)} reading(s) were in memory only and are lost")

    def _measure(self) -> None:
        damaged = 0
        for segment in self._closed:
            try:
                damaged += segment.measure()
            except OSError as error:
                self._voice.event(f"{segment.path} cannot be read: {error.strerror}")
        if damaged:
            self._voice.event(
                f"{damaged} line(s) of the buffer were damaged (a power cut?) and are left out"
            )

    def _unacknowledged(self) -> Iterator[Stored]:
        segments = [*self._closed, *([self._writer.segment] if self._writer else [])]
        for segment in segments:
            if segment.last <= self._acknowledged:
                continue
            try:
                yield from (one for one in segment.read() if one.seq > self._acknowledged)
            except OSError as error:
                self._forget(segment, error)
        yield from self._ring

    def _forget(self, segment: Segment, error: OSError) -> None:
        """Goes on without a file that cannot be read; the next start tries it again."""
        self._voice.event(f"{segment.path} cannot be read ({error.strerror}) and is left out")
        if segment in self._closed:
            self._closed.remove(segment)
        elif self._writer:
            self._writer.close()
            self._writer = None

    def _pour(self) -> None:
        """From memory to disk, in order, as far as the disk takes it."""
        try:
            while self._ring:
                first = self._ring[0]
                line = encode(first.seq, first.content)
                self._writer_for(first, len(line)).append(first.seq, line)
                self._ring_size -= len(self._ring.popleft().content)
            self._sync()
        except OSError as error:
            self._disk_fails(error)
            return
        self._trouble = None
        self._voice.state("disk", "fine", "the disk takes readings again", level=logging.INFO)

    def _writer_for(self, one: Stored, length: int) -> Writer:
        writer = self._writer
        full = writer and writer.segment.size and writer.segment.size + length > self._segment
        if writer and (full or writer.segment.stream != one.stream):
            self._retire(writer)
        if self._writer is None:
            self._writer = Writer(self._folder, one.stream, one.seq, self._write)
        return self._writer

    def _retire(self, writer: Writer) -> None:
        self._writer = None
        writer.close()
        if writer.segment.size and writer.segment.last > self._acknowledged:
            self._closed.append(writer.segment)
        else:
            self._remove(writer.segment.path)

    def _sync(self) -> None:
        now = self._steady()
        if self._writer and now - self._synced >= SYNC_EVERY:
            self._writer.sync()
            self._synced = now

    def _disk_fails(self, error: OSError) -> None:
        self._trouble = error.strerror or errno.errorcode.get(error.errno or 0, str(error))
        self._voice.state(
            "disk",
            self._trouble,
            f"{self._folder} takes no readings ({self._trouble}); they are kept in memory, "
            f"the newest {self._ring_limit // 1024} KiB of them",
        )
        if self._writer:  # its tail may be torn; what follows begins a new file
            with contextlib.suppress(OSError):
                self._retire(self._writer)

    def _bound(self) -> None:
        lost = 0
        while self._ring_size > self._ring_limit:
            self._ring_size -= len(self._ring.popleft().content)
            lost += 1
        size = sum(one.size for one in self._closed)
        size += self._writer.segment.size if self._writer else 0
        while size > self._limit and self._closed:
            oldest = self._closed.popleft()
            size -= oldest.size
            with contextlib.suppress(OSError):
                lost += sum(one.seq > self._acknowledged for one in oldest.read())
            self._remove(oldest.path)
        if lost:
            self._lose(lost, "the buffer is full")

    def _lose(self, count: int, why: str) -> None:
        self.dropped += count
        self._voice.state(
            "loss", why, f"{why}: {self.dropped} reading(s) lost so far", again_after=3600
        )

    def _remove(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
