"""One exchange with the hub over HTTP or HTTPS; the standard library alone.

No proxy of the environment is used and no redirect is followed: the token goes to the hub that
the operator named, and nowhere else. Certificates are verified (``SSL_CERT_FILE`` names others
than the system's).
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import math
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from services.agent.files import AgentError
from services.agent.protocol import AGENT, ROUTE

#: Seconds for each step (connect, send, receive), and for one exchange as a whole.
TIMEOUT = 10.0
WHOLE = 25.0

MOST_ANSWER = 1024 * 1024


class LinkError(Exception):
    """Why no answer came, in words."""


@dataclass(frozen=True, slots=True)
class Reply:
    """``retry_after`` in seconds, when the hub names them."""

    status: int
    content: bytes
    retry_after: float | None = None


class Link:
    """A connection to the hub, kept open between reports. ``exchange`` is for one thread;
    ``abort`` may be called from any."""

    def __init__(self, hub: str, timeout: float = TIMEOUT, whole: float = WHOLE) -> None:
        parts = urlsplit(hub)
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port
        self._path = parts.path.rstrip("/") + ROUTE
        self._timeout, self._whole = timeout, whole
        self._tls = _tls() if self._secure else None
        self._connection: http.client.HTTPConnection | None = None
        self._aborted = False

    def exchange(self, body: bytes, token: str) -> Reply:
        """Posts a report. Raises LinkError when no whole answer came within the time."""
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "User-Agent": AGENT,
        }
        packed = gzip.compress(body, 6, mtime=0)
        self._aborted = False
        watchdog = threading.Timer(self._whole, self.abort)
        watchdog.daemon = True
        watchdog.start()
        try:
            reused = self._connection is not None
            try:
                return self._post(packed, headers)
            except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
                if not reused or self._aborted:
                    raise
                # The hub closed the idle connection; what arrives twice it stores once.
                self.close()
                return self._post(packed, headers)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            if self._aborted:
                raise LinkError(f"it did not answer in full within {self._whole:g} s") from error
            raise LinkError(_words(error)) from error
        finally:
            watchdog.cancel()

    def abort(self) -> None:
        """Ends an exchange that is under way: it raises LinkError."""
        self._aborted = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):
                # Below TLS, whose own shutdown is not for another thread.
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes the connection; the next exchange opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _post(self, packed: bytes, headers: Mapping[str, str]) -> Reply:
        connection = self._connection or self._connect()
        connection.request("POST", self._path, packed, dict(headers))
        answer = connection.getresponse()
        content = answer.read(MOST_ANSWER + 1)
        if len(content) > MOST_ANSWER:
            raise http.client.HTTPException(f"the answer is longer than {MOST_ANSWER} bytes")
        if answer.will_close:
            self.close()
        return Reply(answer.status, content, _seconds(answer.getheader("Retry-After")))

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls is not None:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout, context=self._tls
            )
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        self._connection = connection
        connection.connect()
        return connection


def _tls() -> ssl.SSLContext:
    try:
        context = ssl.create_default_context()
    except (OSError, ssl.SSLError) as error:
        raise AgentError(f"The certificates of this machine cannot be read: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text) if text else math.nan
    except ValueError:  # a date: its clock need not be ours
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _words(error: Exception) -> str:
    """Short, and without what the other side sent."""
    if isinstance(error, TimeoutError):
        return f"it did not answer within {TIMEOUT:g} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not good: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or type(error).__name__}"
    if isinstance(error, http.client.RemoteDisconnected):
        return "it closed the connection without an answer"
    if isinstance(error, http.client.HTTPException):
        return f"it answered something that is not HTTP ({type(error).__name__})"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__
