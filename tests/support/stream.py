"""Clients of the stream over real connections."""

from __future__ import annotations

import json
import queue
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import requests
import socketio
import websocket

PATH = "api/admin/health/stream"


class Listening:
    """A Socket.IO client that notes what it gets. ``refused`` holds the reason of a refusal."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        transports: tuple[str, ...] = ("websocket",),
        **headers: str,
    ) -> None:
        self.events: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self.refused: str | None = None
        self.gone = threading.Event()
        self._opened: list[websocket.WebSocket] = []
        self._session = requests.Session()
        self._client = socketio.Client(
            reconnection=False,
            handle_sigint=False,
            http_session=self._session,
            # without the first it adds an Origin of its own
            websocket_extra_options={"suppress_origin": True, "class_": self._websocket},
        )
        self._client.on("connect_error", self._on_error)
        self._client.on("disconnect", self._on_gone)
        self._client.on("*", lambda name, body: self.events.put((name, body)))
        with suppress(socketio.exceptions.ConnectionError):
            self._client.connect(
                url,
                headers={name.replace("_", "-"): value for name, value in headers.items()},
                auth={"token": token} if token else None,
                transports=list(transports),
                socketio_path=PATH,
                wait_timeout=10,
            )

    def _websocket(self, **options: Any) -> websocket.WebSocket:
        self._opened.append(websocket.WebSocket(**options))
        return self._opened[-1]

    def _on_error(self, reason: Any) -> None:
        self.refused = reason.get("message") if isinstance(reason, dict) else str(reason)

    def _on_gone(self, *_: Any) -> None:
        self.gone.set()

    @property
    def connected(self) -> bool:
        return bool(self._client.connected)

    def ask(self, event: str, *payload: Any) -> Any:
        """Emits and returns the acknowledgement."""
        return self._client.call(event, payload or None, timeout=5)

    def next(self, timeout: float = 5) -> tuple[str, dict[str, Any]]:
        """The next event; fails when there is none in time."""
        try:
            return self.events.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"no event within {timeout:g} s") from None

    def within(self, seconds: float) -> list[tuple[str, dict[str, Any]]]:
        """Everything that arrives within some seconds."""
        deadline = time.monotonic() + seconds
        got = []
        with suppress(queue.Empty):
            while True:
                got.append(self.events.get(timeout=max(0.0, deadline - time.monotonic())))
        return got

    def close(self) -> None:
        """Leaves, and closes what the library leaves open when it was put out."""
        if self.connected and not self.gone.is_set():
            self._client.disconnect()
        for ws in self._opened:
            ws.shutdown()
        self._session.close()


class Raw:
    """A websocket below Socket.IO, for clients that misbehave. It answers no ping, and reads
    only when told to."""

    def __init__(self, url: str, token: str | None = None, *, cookie: str | None = None) -> None:
        self._ws = websocket.create_connection(
            f"{url.replace('http', 'ws', 1)}/{PATH}/?EIO=4&transport=websocket",
            timeout=5,
            origin=url,
            cookie=cookie,
            sockopt=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)],
        )
        self._socket = self._ws.sock  # the library forgets it when the other side is first
        self._ws.recv()  # the greeting of Engine.IO
        if token or cookie:
            self.send("40" + (json.dumps({"token": token}) if token else ""))
            answer = self._ws.recv()
            assert str(answer).startswith("40"), answer

    def send(self, text: str | bytes) -> None:
        self._ws.send(text) if isinstance(text, str) else self._ws.send_binary(text)

    def closed(self, timeout: float) -> bool:
        """Whether the server ends the connection within ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self._ws.settimeout(max(0.05, deadline - time.monotonic()))
            try:
                if not self._ws.recv():
                    return True
            except websocket.WebSocketTimeoutException:
                return False
            except (websocket.WebSocketException, OSError):
                return True
        return False

    def close(self) -> None:
        with suppress(websocket.WebSocketException, OSError):
            self._ws.close(timeout=0)
        if self._socket is not None:
            self._socket.close()
