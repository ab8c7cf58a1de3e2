"""Packets below the stream's handlers, and the book of who is connected."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import engineio.packet
import socketio
import socketio.packet

from services.web.stream.limits import PACKET

#: The transport's own events. Their handlers are ours, so no client may call them by name.
RESERVED = frozenset({"connect", "disconnect", "connect_error", "disconnecting", "message"})

#: Binary parts of one event. Nothing that we understand has any.
MAX_PARTS = 4


class Told(engineio.packet.Packet):  # type: ignore[misc]  # untyped base
    """An event on its way to one socket. All who are told the same share its ``text`` (JSON of an
    object that is not empty); what differs is put in when it is written, so that a socket which
    reads nothing costs no copy. ``written`` is then called with ``weight``."""

    def __init__(self, name: str, seq: int, text: str, written: Callable[[int], None]) -> None:
        super().__init__(engineio.packet.MESSAGE)
        self.weight = len(text) + PACKET
        self._head = f'42["{name}",{{"seq":{seq},'
        self._text = text
        self._written = written

    def encode(self, b64: bool = False) -> str:
        """The packet as Engine.IO sends it: a message (4) with an event (2)."""
        self._written(self.weight)
        return f"{self._head}{self._text[1:]}]"


class Received(socketio.packet.Packet):  # type: ignore[misc]  # untyped base
    """A packet of a client. A ValueError is the transport's word for what it does not take."""

    def decode(self, encoded_packet: str) -> int | None:
        """Raises ValueError for an event without a name, for one of the transport's own, and for
        more binary parts than anybody needs: they would be waited for and kept."""
        parts: int | None = super().decode(encoded_packet)
        if (parts or 0) > MAX_PARTS:
            raise ValueError("too many binary parts")
        if self.packet_type in (socketio.packet.EVENT, socketio.packet.BINARY_EVENT):
            name = self.data[0] if isinstance(self.data, list) and self.data else None
            if not isinstance(name, str) or name in RESERVED:
                raise ValueError("no event that a client may send")
        return parts


def _locked(name: str) -> Any:
    def call(self: Book, *args: Any, **more: Any) -> Any:
        with self.lock:
            return getattr(super(Book, self), name)(*args, **more)

    return call


class Book(socketio.Manager):  # type: ignore[misc]  # untyped base
    """Who is connected, for many threads: the library's own asks first and acts then, so that of
    two that come or go in the same moment one would fail."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.RLock()

    pre_connect = _locked("pre_connect")
    connect = _locked("connect")
    is_connected = _locked("is_connected")
    pre_disconnect = _locked("pre_disconnect")
    basic_disconnect = _locked("basic_disconnect")
