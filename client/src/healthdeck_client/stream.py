"""The stream as an iterator that goes on after a broken connection."""

from __future__ import annotations

import random
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from healthdeck_client import events
from healthdeck_client.errors import ConnectionFailed, Unavailable
from healthdeck_client.events import Event, Missed
from healthdeck_client.socket import Socket

#: Seconds before a second and every later try, at most.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0

_spread = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is subscribed to; the overview comes unasked."""

    vps: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    alerts: bool = False


class Stream:
    """Iterate over it, in one thread; ``close`` it from any, or use it in a ``with`` statement.

    The first connection fails with an exception. One that breaks later is made again, with
    growing pauses, and ``Missed`` tells that news may be lost; so does a number that was left out.
    A token that is no longer taken, and with ``reconnect=False`` every end, raises.
    """

    def __init__(
        self,
        url: str,
        bearer: Callable[[], str | None],
        wanted: Wanted,
        *,
        reconnect: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._url = url
        self._bearer = bearer
        self._wanted = wanted
        self._reconnect = reconnect
        self._tls = tls
        self._socket: Socket | None = None
        self._ahead: deque[Event] = deque()
        self._seq = 0
        self._before = False
        self._closed = threading.Event()

    def __repr__(self) -> str:
        return f"Stream({self._url!r}, {self._wanted!r})"

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        event = self.next()
        if event is None:
            raise StopIteration
        return event

    def __enter__(self) -> Self:
        self._connected()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def next(self, timeout: float | None = None) -> Event | None:
        """The next event; None when the stream was closed. Raises TimeoutError after so many
        seconds without one, connecting not counted."""
        while not self._closed.is_set():
            socket = self._connected()
            if self._ahead:
                return self._ahead.popleft()
            if socket is None:
                break
            came = socket.take(timeout)
            if came is not None:
                self._take(*events.read(*came))
                continue
            socket.close()
            self._socket = None
            if not self._reconnect and not self._closed.is_set():
                raise ConnectionFailed(f"The stream of {self._url} has ended.")
        return None

    def close(self) -> None:
        """Ends the stream; who waits for an event is told that there is none."""
        self._closed.set()
        if self._socket is not None:
            self._socket.close()

    def _take(self, seq: int, event: Event) -> None:
        if seq > self._seq + 1:
            self._ahead.append(Missed("gap", seq - self._seq - 1))
        self._seq = max(self._seq, seq)
        self._ahead.append(event)

    def _connected(self) -> Socket | None:
        """The connection, made when there is none; None when the stream was closed meanwhile."""
        pause = FIRST_PAUSE
        while self._socket is None and not self._closed.is_set():
            try:
                self._socket = self._open()
            except (ConnectionFailed, Unavailable):
                if not self._before:
                    raise
                self._closed.wait(pause * _spread.uniform(0.5, 1))
                pause = min(2 * pause, LONGEST_PAUSE)
        if self._closed.is_set() and self._socket is not None:
            self._socket.close()
            return None
        return self._socket

    def _open(self) -> Socket:
        socket = Socket(self._url, self._bearer(), self._tls)
        try:
            for vps_id in self._wanted.vps:
                socket.ask("subscribe:vps", vps_id)
            for tenant_id in self._wanted.tenants:
                socket.ask("subscribe:tenant", tenant_id)
            if self._wanted.alerts:
                socket.ask("subscribe:alerts")
        except BaseException:
            socket.close()
            raise
        self._seq = 0
        if self._before:
            self._ahead.append(Missed("reconnected"))
        self._before = True
        return socket
