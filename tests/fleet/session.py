"""A conversation with one client, without its socket: bytes in, bytes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a service that is ill does instead of its work.

    ``kind`` is ``hang``, ``slow`` (by ``ms``), ``reset``, ``refuse``, ``expired``, ``5xx`` (HTTP
    ``status``, or the protocol's own words for it), ``body`` (``text`` or else something wrong),
    ``part`` (says that the dependency ``text`` is ``word``).
    """

    kind: str
    ms: float = 0.0
    status: int = 500
    text: str | None = None
    word: str = "error"


class Session(Protocol):
    """``greeting`` is sent at once, ``closing`` ends the connection after the next reply,
    ``upgrade`` goes on with TLS after it."""

    greeting: bytes
    closing: bool
    upgrade: bool

    def received(self, data: bytes, trouble: Trouble | None) -> bytes | None:
        """The reply to what came; None while something is missing."""


class Silent:
    """Accepts a connection and says nothing (what a tcp check looks at)."""

    greeting = b""
    closing = False
    upgrade = False

    def received(self, data: bytes, trouble: Trouble | None) -> bytes | None:
        return None


class Lines:
    """Base of protocols that speak in lines. ``line`` answers one."""

    greeting = b""

    def __init__(self) -> None:
        self.closing = False
        self.upgrade = False
        self._held = b""

    def received(self, data: bytes, trouble: Trouble | None) -> bytes | None:
        self._held += data
        *lines, self._held = self._held.split(b"\r\n")
        replies = [self.line(line, trouble) for line in lines]
        if len(self._held) > 65536:
            self.closing = True
        return b"".join(replies) or None

    def line(self, line: bytes, trouble: Trouble | None) -> bytes:
        raise NotImplementedError
