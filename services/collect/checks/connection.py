"""A TCP connection for one check, with or without TLS, on the event loop alone.

Smaller than asyncio's transports in what it does and in what it costs: a check reads and writes
by turns, closes at once, and wants to see the certificate of this very connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from services.collect.checks.names import Address, Names

T = TypeVar("T")

#: Seconds that one address of a name is ahead of the next (RFC 8305, section 5).
HEAD_START = 0.25

_CHUNK = 65536


class LineTooLong(Exception):
    """The peer sent more without an end of line than a line may have."""


class Connection:
    """One connection to ``host:port``; not for two tasks at a time. Close it in the end."""

    __slots__ = ("_incoming", "_loop", "_outgoing", "_pending", "_sock", "_tls")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._tls: ssl.SSLObject | None = None
        self._incoming: ssl.MemoryBIO
        self._outgoing: ssl.MemoryBIO
        self._pending = bytearray()

    @classmethod
    async def open(cls, host: str, port: int, names: Names) -> Connection:
        """Looks the name up and connects. Raises OSError."""
        return cls(await connect(await names.resolve(host, port)))

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Goes on encrypted; ``host`` is the name that the certificate must have if ``context``
        verifies. Raises ssl.SSLError, OSError."""
        # What came before the handshake came in the clear, from whoever it was (RFC 3207, 4.2).
        self._pending.clear()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        await self._encrypted(self._tls.do_handshake)

    @property
    def certificate(self) -> bytes | None:
        """The peer's certificate (DER); None without TLS."""
        return self._tls.getpeercert(binary_form=True) if self._tls else None

    @property
    def tls_version(self) -> str | None:
        return self._tls.version() if self._tls else None

    @property
    def local_address(self) -> str:
        """The address that this machine has on this connection."""
        return str(self._sock.getsockname()[0])

    async def send(self, data: bytes) -> None:
        """Raises OSError."""
        if self._tls is None:
            await self._loop.sock_sendall(self._sock, data)
            return
        tls, rest = self._tls, memoryview(data)
        while rest:
            part = rest
            rest = rest[await self._encrypted(lambda: tls.write(part)) :]  # noqa: B023

    async def receive(self) -> bytes:
        """What has come, at least a byte; nothing when the peer has hung up. Raises OSError."""
        if self._pending:
            data = bytes(self._pending)
            self._pending.clear()
            return data
        if self._tls is None:
            return await self._loop.sock_recv(self._sock, _CHUNK)
        tls = self._tls
        try:
            return await self._encrypted(lambda: tls.read(_CHUNK))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def unread(self, data: bytes | bytearray) -> None:
        """Gives back what was received too much; it comes first again."""
        self._pending[:0] = data

    async def line(self, most: int) -> bytes:
        """The next line without its end. Raises LineTooLong above ``most`` bytes, EOFError when
        the peer hung up before the line was complete, OSError."""
        line = bytearray()
        while True:
            chunk = await self.receive()
            if not chunk:
                raise EOFError
            line += chunk
            if (end := line.find(b"\n")) >= 0 and end <= most:
                self.unread(line[end + 1 :])
                return bytes(line[:end].rstrip(b"\r"))
            if len(line) > most:
                raise LineTooLong

    async def exactly(self, size: int) -> bytes:
        """The next ``size`` bytes. Raises EOFError when the peer hung up before, OSError."""
        data = bytearray()
        while len(data) < size:
            chunk = await self.receive()
            if not chunk:
                raise EOFError
            data += chunk
        self.unread(data[size:])
        return bytes(data[:size])

    def close(self) -> None:
        self._sock.close()

    async def _encrypted(self, step: Callable[[], T]) -> T:
        """The result of a step of the TLS engine, which is fed until it can be taken."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                await self._flush()
                data = await self._loop.sock_recv(self._sock, _CHUNK)
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            except ssl.SSLError:
                with contextlib.suppress(OSError):  # the alert that says why; the error counts
                    await self._flush()
                raise
            else:
                await self._flush()
                return result

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._loop.sock_sendall(self._sock, self._outgoing.read())


async def connect(addresses: Sequence[Address]) -> socket.socket:
    """A connection to the first of the addresses that accepts.

    One after the other, each a quarter of a second after the one before, or as soon as that has
    failed (RFC 8305). Raises the first failure (OSError) when none accepts.
    """
    if not addresses:
        raise socket.gaierror(socket.EAI_NONAME, "no address")
    if len(addresses) == 1:
        return await _attempt(addresses[0])
    attempts: list[asyncio.Task[socket.socket]] = []
    waiting: set[asyncio.Task[socket.socket]] = set()
    rest = iter(addresses)
    try:
        while True:
            if _more(rest, attempts):
                waiting.add(attempts[-1])
            elif not waiting:
                break
            ahead = HEAD_START if len(attempts) < len(addresses) else None
            done, waiting = await asyncio.wait(
                waiting, timeout=ahead, return_when=asyncio.FIRST_COMPLETED
            )
            if won := next((task for task in done if task.exception() is None), None):
                attempts.remove(won)
                return won.result()
    finally:
        for task in attempts:
            task.add_done_callback(_unused)
            task.cancel()
    return attempts[0].result()


def _more(addresses: Iterator[Address], attempts: list[asyncio.Task[socket.socket]]) -> bool:
    for address in addresses:
        attempts.append(asyncio.ensure_future(_attempt(address)))
        return True
    return False


def _unused(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _attempt(address: Address) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (address.host, address.port))
    except BaseException:
        sock.close()
        raise
    return sock
