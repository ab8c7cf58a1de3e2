"""The transport below the stream: one websocket, and the gate in front of all of them."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from socket import SHUT_RDWR, SO_SNDBUF, SOL_SOCKET
from typing import TYPE_CHECKING, Any

import simple_websocket  # type: ignore[import-untyped]
from engineio.async_drivers._websocket_wsgi import (
    SimpleWebSocketWSGI,
)
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/api/admin/health/stream"

#: Clients send subscriptions and pongs; a message beyond this many bytes is not one of ours.
MAX_MESSAGE = 64 * 1024

PING_INTERVAL = 12
PING_TIMEOUT = 8

#: Bytes that the kernel may hold for a client (it takes twice as many).
SEND_BUFFER = 128 * 1024

#: Seconds without a word from a client, pongs included, after which nobody is there.
SILENCE = PING_INTERVAL + PING_TIMEOUT + 5


class Wire(SimpleWebSocketWSGI):  # type: ignore[misc]  # untyped base
    """One websocket that can always be ended: a peer that is gone or reads nothing holds four
    threads until the kernel gives up, which takes a quarter of an hour."""

    def __init__(self, wires: dict[str, Wire], handler: Any, server: Any) -> None:
        super().__init__(
            handler,
            server,
            max_message_size=MAX_MESSAGE,
            thread_class=partial(threading.Thread, daemon=True),
        )
        self.session = handler.__self__
        self.closed_at: float | None = None
        self._wires = wires
        self._socket: Any = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self._socket = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
        with suppress(OSError):  # else the kernel takes megabytes for a client that reads nothing
            self._socket.setsockopt(SOL_SOCKET, SO_SNDBUF, SEND_BUFFER)
        # compression costs 300 KB a connection and packs the same body once for each of them
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        self._wires[self.session.sid] = self
        try:
            return super().__call__(environ, start_response)  # type: ignore[no-any-return]
        except (RemoteProtocolError, LocalProtocolError, simple_websocket.ConnectionError):
            start_response("400 Bad Request", [("Content-Type", "application/json")])
            return [json.dumps("this is no valid websocket handshake").encode()]
        except (RecursionError, ValueError):  # a packet that the transport cannot take apart
            self.session.close(wait=False, abort=True)
            self.abort()
            end = StopIteration if "gunicorn.socket" in environ else ConnectionError
            raise end from None
        finally:
            self._wires.pop(self.session.sid, None)

    def wait(self) -> str | bytes | None:
        """The next message; None when the connection is closed, silent or not Engine.IO."""
        message: str | bytes | None = None
        with suppress(simple_websocket.ConnectionClosed):
            message = self.ws.receive(timeout=SILENCE)
        if message is None or (isinstance(message, str) and message[:1] not in tuple("0123456")):
            self.abort()
            return None
        return message

    def close(self) -> None:
        """Says goodbye and ends the connection without waiting for the answer."""
        with suppress(OSError, LocalProtocolError, simple_websocket.ConnectionClosed):
            super().close()
        self.abort()

    def abort(self) -> None:
        """Ends the connection at once, also while another thread is blocked in it."""
        with suppress(OSError):
            self._socket.shutdown(SHUT_RDWR)

    def overdue(self, seconds: float) -> bool:
        """Whether its session ended at least so long ago; True only from the second look on."""
        if not self.session.closed:
            return False
        self.closed_at = self.closed_at or time.monotonic()
        return time.monotonic() - self.closed_at >= seconds


def hang_up(engine: Any, sid: str) -> None:
    """Ends a session that sent by polling what the transport does not take. The library's own
    waits until the client has fetched what is left, and holds its thread for ever when it does
    not."""
    if session := engine.sockets.pop(sid, None):
        session.close(wait=False)


class Gate:
    """Lets at most ``places`` requests of the stream in at a time, so that every other request
    finds a thread, and puts refusals into the one shape of errors."""

    def __init__(self, app: WSGIApplication, places: int) -> None:
        self._app = app
        self._places = threading.BoundedSemaphore(places)
        self.closed = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path != PATH and not path.startswith(f"{PATH}/"):
            return self._app(environ, start_response)
        if path == PATH:
            environ["PATH_INFO"] = f"{PATH}/"
        if self.closed:
            return _refuse(start_response, 503, "the server is stopping; connect again")
        if not self._places.acquire(blocking=False):
            return _refuse(start_response, 503, "too many connections; try again later")
        try:
            return self._reshape(environ, start_response)
        finally:
            self._places.release()

    def _reshape(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        refused: list[int] = []

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            code = int(status.split(" ", 1)[0])
            if code < 400:
                return start_response(status, headers, *more)
            refused.append(code)
            return None

        answer = self._app(environ, start)
        if not refused:
            return answer
        try:
            message = str(json.loads(b"".join(answer)))
        except ValueError:
            message = HTTPStatus(refused[0]).phrase
        return _refuse(start_response, refused[0], message)


_CODES = {401: "AUTHENTICATION_REQUIRED", 405: "METHOD_NOT_ALLOWED", 503: "UNAVAILABLE"}


def _refuse(start_response: StartResponse, status: int, message: str) -> Iterable[bytes]:
    body = {
        "success": False,
        "error": message,
        "errorCode": _CODES.get(status, "VALIDATION_ERROR"),
        "requestId": uuid.uuid4().hex,
        "details": [],
    }
    text = json.dumps(body).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(text)))]
    if status == 503:
        headers.append(("Retry-After", "5"))
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    return [text]
