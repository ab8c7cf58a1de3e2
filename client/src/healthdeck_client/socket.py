"""One connection of the stream, from the handshake to its end."""

from __future__ import annotations

import logging
import queue
import ssl
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import engineio
import requests
import socketio
import websocket

from healthdeck_client.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    HealthdeckError,
    InsufficientPermissions,
    Unavailable,
    ValidationError,
)

PATH = "api/admin/health/stream"

#: Seconds for the handshake, and for an acknowledgement.
PATIENCE = 10.0

#: Events that may wait for who iterates. Beyond them nothing more is read, and a server that
#: finds nobody reading ends the connection.
ROOM = 1000

# The libraries log every packet, the one with the token too: only their errors go on, to whoever
# has set up logging.
_log = logging.getLogger("healthdeck_client.socket")
_log.setLevel(logging.ERROR)
_log.addHandler(logging.NullHandler())

_REFUSED: Mapping[str, type[HealthdeckError]] = {
    "Authentication failed": AuthenticationFailed,
    "Insufficient permissions": InsufficientPermissions,
}


class Inbox:
    """What has come and was not taken yet, in its order."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[tuple[str, Any]] = deque()
        self._ended = False

    def put(self, name: str, body: Any) -> None:
        """Waits while it is full; afterwards there is no effect any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or len(self._waiting) < ROOM)
            if not self._ended:
                self._waiting.append((name, body))
                self._changed.notify_all()

    def end(self, *_: Any) -> None:
        """Nothing more will come; what is there can still be taken."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def take(self, timeout: float | None) -> tuple[str, Any] | None:
        """The next one; None at the end. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._ended or bool(self._waiting), timeout):
                raise TimeoutError
            self._changed.notify_all()
            return self._waiting.popleft() if self._waiting else None


class _InOrder(engineio.Client):  # type: ignore[misc]  # untyped base
    """The library gives each message to a thread of its own, which may overtake one another; here
    one thread takes them all. ``failed`` is called when it cannot read one."""

    failed: Callable[[], None]

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._lane: queue.Queue[tuple[Callable[..., Any], tuple[Any, ...]] | None]
        self._lane = queue.Queue(ROOM)
        self._finished = False
        self._worker: threading.Thread | None = None

    def start_background_task(self, target: Callable[..., Any], *args: Any, **more: Any) -> Any:
        if target is not self.handlers.get("message"):
            return super().start_background_task(target, *args, **more)
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name="healthdeck", daemon=True)
            self._worker.start()
        if not self._finished:
            self._lane.put((target, args))
        return self._worker

    def _work(self) -> None:
        while (task := self._lane.get()) is not None:
            target, args = task
            try:
                target(*args)
            except Exception:
                self.failed()

    def finish(self) -> None:
        """Ends the thread, after what has come. Before ``disconnect``: two threads that end one
        connection make the library's writer wait for ever."""
        self._finished = True
        if self._worker is not None:
            self._lane.put(None)
            self._worker.join(PATIENCE)


class _Prompt(websocket.WebSocket):
    """Closes without waiting for the other side's goodbye, which another thread may have read.
    ``closed`` is called then."""

    def __init__(self, closed: Callable[[], None], **options: Any) -> None:
        super().__init__(**options)
        self._closed = closed

    def close(self, *given: Any, **more: Any) -> None:
        super().close(*given, **{**more, "timeout": 0})
        self._closed()


class _Client(socketio.Client):  # type: ignore[misc]  # untyped base
    def _engineio_client_class(self) -> type[engineio.Client]:
        return _InOrder


class Socket:
    """A connection that stands. Raises AuthenticationFailed, InsufficientPermissions, Unavailable
    (no place is free) or ConnectionFailed when it does not come about."""

    def __init__(self, url: str, bearer: str | None, tls: ssl.SSLContext | None) -> None:
        self._inbox = Inbox()
        self._leaving = threading.Lock()
        self._refused: Any = None
        self._opened: list[websocket.WebSocket] = []
        self._session = requests.Session()
        self._client = _Client(
            reconnection=False,
            handle_sigint=False,
            logger=_log,
            engineio_logger=_log,
            http_session=self._session,
            websocket_extra_options={
                "suppress_origin": True,
                "class_": self._websocket,
                **({"sslopt": {"context": tls}} if tls else {}),
            },
        )
        self._client.eio.failed = self._inbox.end
        self._client.on("connect_error", self._note)
        self._client.on("disconnect", self._inbox.end)
        self._client.on("*", self._inbox.put)
        parts = urlsplit(url)
        token = bearer.removeprefix("Bearer ") if bearer else None
        try:
            self._client.connect(
                f"{parts.scheme}://{parts.netloc}",
                auth=(lambda: {"token": token}) if token else None,
                transports=["websocket"],
                socketio_path=f"{parts.path.strip('/')}/{PATH}".lstrip("/"),
                wait_timeout=PATIENCE,
            )
        except Exception as error:
            self.close()
            raise self._reason(url, error) from None

    def take(self, timeout: float | None) -> tuple[str, Any] | None:
        """The next event's name and body; None when the connection has ended. Raises
        TimeoutError."""
        return self._inbox.take(timeout)

    def ask(self, event: str, *payload: str) -> None:
        """Emits and waits for the acknowledgement. Raises ValidationError with the server's words
        when it is none."""
        try:
            answer = self._client.call(event, payload or None, timeout=PATIENCE)
        except socketio.exceptions.SocketIOError as error:
            raise ConnectionFailed(f"{event} was not answered: {error!r}") from None
        if not (isinstance(answer, dict) and answer.get("ok") is True):
            problem = answer.get("error") if isinstance(answer, dict) else "no acknowledgement"
            raise ValidationError(f"{' '.join((event, *payload))}: {problem}")

    def close(self) -> None:
        """Leaves, once, whoever closes it. Also closes what the library leaves open when it was put
        out."""
        self._inbox.end()
        if not self._leaving.acquire(blocking=False):
            return
        self._client.eio.finish()
        with suppress(Exception):
            self._client.disconnect()
        self._wake()
        for ws in self._opened:
            with suppress(OSError):
                ws.shutdown()  # type: ignore[no-untyped-call]
        self._session.close()

    def _websocket(self, **options: Any) -> websocket.WebSocket:
        self._opened.append(_Prompt(self._wake, **options))
        return self._opened[-1]

    def _wake(self) -> None:
        """The library's writer may have taken its last word before it was told to end, and would
        then wait for another one, a quarter of a minute."""
        self._client.eio.queue.put(None)

    def _note(self, reason: Any) -> None:
        self._refused = reason

    def _reason(self, url: str, error: Exception) -> HealthdeckError:
        if isinstance(self._refused, dict) and "message" in self._refused:
            message = str(self._refused["message"])
            return _REFUSED.get(message, Unavailable)(f"The stream: {message}")
        return ConnectionFailed(f"The stream of {url} does not answer: {self._refused or error}")
