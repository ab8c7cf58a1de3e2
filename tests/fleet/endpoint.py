"""The sockets: who listens where, and what happens to whoever comes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fleet.links import Connection, SecureLink, reset
from tests.fleet.session import Session, Silent, Trouble

BACKLOG = 128
_OFTEN = 32


@dataclass
class Gauge:
    """What all endpoints together did. ``open`` counts connections, ``listening`` listeners."""

    requests: int = 0
    connections: int = 0
    lost: int = 0
    open: int = 0
    listening: int = 0
    peak: int = 0

    def opened(self) -> None:
        self.connections += 1
        self.open += 1
        self.peak = max(self.peak, self.open + self.listening)


@dataclass(eq=False)
class Endpoint:
    """One place that answers.

    ``delay`` gives the seconds that its work takes (with ``once`` only before the first reply of
    a connection), ``loses`` whether the connection that comes just now is lost, ``lose`` how many
    of the next ones are. With ``tls`` it speaks TLS at once, with ``starttls`` when asked, and
    goes on with ``secured``.
    """

    key: str
    address: str
    port: int
    converse: Callable[[], Session]
    gauge: Gauge
    delay: Callable[[], float] | None = None
    loses: Callable[[], bool] | None = None
    tls: Callable[[], ssl.SSLContext] | None = None
    starttls: Callable[[], ssl.SSLContext] | None = None
    secured: Callable[[], Session] | None = None
    speaks: str = "page"
    once: bool = False
    trouble: Trouble | None = None
    lose: int = 0
    _listener: socket.socket | None = field(default=None, repr=False)
    _fillers: list[socket.socket] = field(default_factory=list, repr=False)
    _live: set[Connection | SecureLink] = field(default_factory=set, repr=False)

    @property
    def listening(self) -> bool:
        return self._listener is not None

    def open(self) -> None:
        """Listens. Raises OSError when somebody else does, or the address is not there."""
        if self._listener is not None:
            return
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.address, self.port))
            listener.setblocking(False)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        self._listener = listener
        self.gauge.listening += 1
        self.gauge.peak = max(self.gauge.peak, self.gauge.open + self.gauge.listening)
        asyncio.get_running_loop().add_reader(listener.fileno(), self._accept, listener)

    def close(self) -> None:
        """Refuses whoever comes, and breaks what is open."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener.fileno())
            self._listener.close()
            self._listener = None
            self.gauge.listening -= 1
        self._let_in()
        for link in list(self._live):
            link.abort()

    def settle(self, trouble: Trouble | None) -> None:
        """Behaves so from now on. Who waits for an answer that hangs goes on waiting."""
        self.trouble = trouble
        kind = trouble.kind if trouble else None
        if kind == "refuse":
            self.close()
            return
        self._let_in()
        self.open()
        if kind == "hang" and self.converse is Silent:
            self._stall()

    def _stall(self) -> None:
        """Lets the queue of connections run full, so that a client's first packet gets no
        answer: a service that only accepts connections can hang in no other way."""
        assert self._listener is not None
        asyncio.get_running_loop().remove_reader(self._listener.fileno())
        self._listener.listen(0)
        for _ in range(2):
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect((self.address, self.port))
            self._fillers.append(filler)

    def _let_in(self) -> None:
        for filler in self._fillers:
            filler.close()
        if self._fillers and self._listener is not None:
            self._listener.listen(BACKLOG)
            asyncio.get_running_loop().add_reader(
                self._listener.fileno(), self._accept, self._listener
            )
        self._fillers.clear()

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_OFTEN):
            try:
                sock, _ = listener.accept()
            except OSError:  # nobody more waits, or there is no descriptor left
                return
            sock.setblocking(False)
            self.gauge.opened()
            if self._is_lost():
                self.gauge.lost += 1
                self.gauge.open -= 1
                reset(sock)
            elif self.tls is not None and not self._speechless():
                self.secure(sock, self.tls(), self.converse)
            else:
                self._live.add(Connection(self, sock))

    def _is_lost(self) -> bool:
        if self.lose:
            self.lose -= 1
            return True
        return self.loses is not None and self.loses()

    def _speechless(self) -> bool:
        """Whether the trouble comes before TLS."""
        return self.trouble is not None and self.trouble.kind in ("hang", "reset", "5xx")

    def secure(
        self, sock: socket.socket, context: ssl.SSLContext, converse: Callable[[], Session]
    ) -> None:
        """Goes on with TLS on an open connection."""
        link = SecureLink(self, converse())
        self._live.add(link)
        handshake = asyncio.get_running_loop().connect_accepted_socket(
            lambda: link, sock, ssl=context, ssl_handshake_timeout=20, ssl_shutdown_timeout=1
        )
        link.task = asyncio.create_task(link.shake(handshake, sock))

    def left(self, link: Connection | SecureLink) -> None:
        if link in self._live:
            self._live.remove(link)
            self.gauge.open -= 1

    def handed_over(self, link: Connection) -> None:
        """The socket of a connection went on to TLS."""
        self._live.discard(link)

    def wait(self) -> float:
        """Seconds that the next answer takes."""
        usual = self.delay() if self.delay else 0.0
        slow = self.trouble.ms / 1000 if self.trouble and self.trouble.kind == "slow" else 0.0
        return usual + slow
