"""A service that answers datagrams."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

from tests.fleet.endpoint import Gauge
from tests.fleet.session import Trouble


class Datagrams:
    """One place that answers datagrams; it has the words of an Endpoint."""

    speaks = "dns"
    tls = starttls = None

    def __init__(
        self,
        key: str,
        address: str,
        port: int,
        answer: Callable[[bytes, Trouble | None], bytes | None],
        gauge: Gauge,
    ) -> None:
        self.key, self.address, self.port = key, address, port
        self._answer = answer
        self._gauge = gauge
        self._sock: socket.socket | None = None
        self.trouble: Trouble | None = None
        self.lose = 0
        self.loses: Callable[[], bool] | None = None

    @property
    def listening(self) -> bool:
        return self._sock is not None

    def open(self) -> None:
        if self._sock is None:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setblocking(False)
            try:
                sock.bind((self.address, self.port))
            except OSError:
                sock.close()
                raise
            self._sock = sock
            self._gauge.listening += 1
            asyncio.get_running_loop().add_reader(sock.fileno(), self._readable, sock)

    def close(self) -> None:
        if self._sock is not None:
            asyncio.get_running_loop().remove_reader(self._sock.fileno())
            self._sock.close()
            self._sock = None
            self._gauge.listening -= 1

    def settle(self, trouble: Trouble | None) -> None:
        self.trouble = trouble
        if trouble is not None and trouble.kind in ("refuse", "reset"):
            self.close()
        else:
            self.open()

    def _readable(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            query, client = sock.recvfrom(4096)
            self._gauge.requests += 1
            lost = bool(self.lose) or (self.loses is not None and self.loses())
            if lost:
                self.lose = max(self.lose - 1, 0)
                self._gauge.lost += 1
                return
            reply = self._answer(query, self.trouble)
            if reply is None or (self.trouble is not None and self.trouble.kind == "hang"):
                return
            slow = self.trouble is not None and self.trouble.kind == "slow"
            wait = self.trouble.ms / 1000 if slow and self.trouble else 0.0
            loop = asyncio.get_running_loop()
            loop.call_later(wait, self._send, reply, client)

    def _send(self, reply: bytes, client: tuple[str, int]) -> None:
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.sendto(reply, client)
