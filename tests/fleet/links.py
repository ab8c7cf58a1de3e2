"""Connections, and what they do while their service is well or ill.

Plain sockets on the event loop, without transports: a probe opens a connection for one answer,
and that costs half as much so. TLS goes through asyncio's own. Readers are registered by number:
asked for a socket that it does not know yet, a selector first writes an error about it in full.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from tests.fleet.session import Session, Silent

if TYPE_CHECKING:
    from tests.fleet.endpoint import Endpoint

_RESET = struct.pack("ii", 1, 0)
#: An alert of TLS: handshake failure.
_NO_HANDSHAKE = b"\x15\x03\x03\x00\x02\x02\x28"


def reset(sock: socket.socket) -> None:
    """Closes so that the other side sees a reset."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    sock.close()


class Connection:
    """A client on a plain socket."""

    __slots__ = ("_endpoint", "_loop", "_out", "_session", "_sock", "_timer", "_worked")

    def __init__(self, endpoint: Endpoint, sock: socket.socket) -> None:
        self._endpoint = endpoint
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._session = endpoint.converse()
        self._out = b""
        self._timer: asyncio.TimerHandle | None = None
        self._worked = False
        self._loop.add_reader(sock.fileno(), self._readable)
        trouble = endpoint.trouble
        if trouble is not None and trouble.kind == "reset" and endpoint.converse is Silent:
            self.abort()
        elif self._session.greeting and not (trouble and trouble.kind == "hang"):
            self._reply(self._session.greeting)

    def _readable(self) -> None:
        try:
            data = self._sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close()
            return
        trouble, endpoint = self._endpoint.trouble, self._endpoint
        endpoint.gauge.requests += 1
        if trouble is not None:
            if trouble.kind == "hang":
                return
            if trouble.kind == "reset":
                self.abort()
                return
            if trouble.kind == "5xx" and endpoint.tls is not None:
                self._session.closing = True
                self._reply(_NO_HANDSHAKE)
                return
        reply = self._session.received(data, trouble)
        if reply is not None:
            self._reply(reply)
        elif self._session.closing:
            self._close()

    def _reply(self, data: bytes) -> None:
        self._out += data
        if self._timer is not None:
            return
        # Those who talk in turns take their time once.
        wait = 0.0 if self._worked and self._endpoint.once else self._endpoint.wait()
        self._worked = True
        if wait:
            self._timer = self._loop.call_later(wait, self._flush)
        else:
            self._flush()

    def _flush(self) -> None:
        self._timer = None
        data, self._out = self._out, b""
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._close()
            return
        if sent < len(data):
            self._out = data[sent:]
            self._timer = self._loop.call_later(0.01, self._flush)
        elif self._session.closing:
            self._close()
        elif self._session.upgrade and self._endpoint.starttls and self._endpoint.secured:
            self._loop.remove_reader(self._sock.fileno())
            self._endpoint.handed_over(self)
            self._endpoint.secure(self._sock, self._endpoint.starttls(), self._endpoint.secured)

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
        self._endpoint.left(self)

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._close()


class SecureLink(asyncio.Protocol):
    """A client behind TLS."""

    def __init__(self, endpoint: Endpoint, session: Session) -> None:
        self._endpoint = endpoint
        self._session = session
        self._transport: asyncio.Transport | None = None
        self.task: asyncio.Task[None] | None = None

    async def shake(self, handshake: Awaitable[object], sock: socket.socket) -> None:
        try:
            await handshake
        except (OSError, ssl.SSLError):
            sock.close()
            self._endpoint.left(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._session.greeting:
            self._send(self._session.greeting)

    def data_received(self, data: bytes) -> None:
        trouble = self._endpoint.trouble
        self._endpoint.gauge.requests += 1
        if trouble is not None and trouble.kind == "hang":
            return
        if trouble is not None and trouble.kind == "reset":
            self.abort()
            return
        reply = self._session.received(data, trouble)
        if reply is not None:
            asyncio.get_running_loop().call_later(self._endpoint.wait(), self._send, reply)

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
            if self._session.closing:
                self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._endpoint.left(self)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        elif self.task is not None:
            self.task.cancel()
            self._endpoint.left(self)
