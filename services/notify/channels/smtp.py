"""A talk with a mail server that ends in time: smtplib with one deadline for everything.

The library's own timeout is for each read, and a server that sends a byte now and then could
hold a worker for hours.
"""

from __future__ import annotations

import contextlib
import io
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager

from services.channel_values import MailServer
from services.notify.channels import DeliveryError
from services.notify.outbound import LIMIT, resolve
from services.notify.retry import Reason

_CHUNK = 16 * 1024
_MOST = 256 * 1024
_LEAVE = 1.0


class Session(smtplib.SMTP):
    """``ends``: when it must be over (monotonic). Not connected yet."""

    def __init__(self, ends: float) -> None:
        # With a name it does not ask the resolver for one; the address takes its place below.
        super().__init__(local_hostname="localhost")
        self.ends = ends

    def open(self, server: MailServer, tls: ssl.SSLContext) -> None:
        """Connects, encrypts and logs in as ``server`` says."""
        addresses = resolve(server.host, server.port)
        self.sock = self._reach([(address, server.port) for address in addresses])
        if server.security == "tls":
            self._encrypt(tls, server.host)
        code, said = self.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        here = self.sock.getsockname()[0].partition("%")[0]
        self.local_hostname = f"[IPv6:{here}]" if ":" in here else f"[{here}]"
        self.ehlo_or_helo_if_needed()
        if server.security == "starttls":
            if not self.has_extn("starttls"):
                raise smtplib.SMTPNotSupportedError("does not offer STARTTLS; is the port right?")
            code, said = self.docmd("STARTTLS")
            if code != 220:
                raise smtplib.SMTPResponseException(code, said)
            self._encrypt(tls, server.host)
            # What was said before the encryption counts for nothing (RFC 3207, 4.2).
            self.ehlo_resp, self.esmtp_features, self.does_esmtp = None, {}, False
            self.ehlo()
        if server.user:
            self.login(server.user, server.password)

    def leave(self) -> None:
        """QUIT; whether the server says goodbye is of no matter."""
        self.ends = min(self.ends, time.monotonic() + _LEAVE)
        with contextlib.suppress(OSError):
            self.quit()

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Timely(self.sock, self))
        return super().getreply()

    def send(self, s: object) -> None:
        data = s.encode(self.command_encoding) if isinstance(s, str) else memoryview(s)  # type: ignore[arg-type]
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("hung up")
        try:
            for start in range(0, len(data), _CHUNK):
                self.sock.settimeout(self.left())
                self.sock.sendall(data[start : start + _CHUNK])
        except OSError as error:
            self.close()
            raise smtplib.SMTPServerDisconnected(str(error)) from error

    def left(self) -> float:
        """Seconds until the deadline; TimeoutError when it has passed."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is over")
        return left

    def _reach(self, addresses: list[tuple[str, int]]) -> socket.socket:
        """The first address that takes a connection. Each has its share of the time."""
        for number, address in enumerate(addresses):
            try:
                return socket.create_connection(address, self.left() / (len(addresses) - number))
            except OSError:
                if number == len(addresses) - 1:
                    raise
        raise OSError("the name has no address")

    def _encrypt(self, tls: ssl.SSLContext, host: str) -> None:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("hung up")
        self.sock.settimeout(self.left())
        self.sock = tls.wrap_socket(self.sock, server_hostname=host)
        self.file = None


class _Timely(io.RawIOBase):
    """Reads from a socket until the session's deadline, and not without end."""

    def __init__(self, source: socket.socket, session: Session) -> None:
        self._source, self._session, self._read = source, session, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        self._source.settimeout(self._session.left())
        count = self._source.recv_into(buffer)
        self._read += count
        if self._read > _MOST:
            raise OSError("it talks without end")
        return count


@contextmanager
def session(server: MailServer, tls: ssl.SSLContext, limit: float = LIMIT) -> Iterator[Session]:
    """A session, open and logged in; whatever goes wrong in it is raised as DeliveryError."""
    talk = Session(time.monotonic() + limit)
    try:
        talk.open(server, tls)
        yield talk
        talk.leave()
    except OSError as error:  # the library's exceptions are such too
        late = isinstance(error, TimeoutError) or time.monotonic() >= talk.ends
        raise _judged(error, server, limit if late else None) from error
    finally:
        talk.close()


def _judged(error: OSError, server: MailServer, limit: float | None) -> DeliveryError:
    """What an error means: an answer 4xx may change by itself, 5xx does not (RFC 5321, 4.2.1)."""
    permanent, reason = False, Reason.CONNECTION_FAILED
    if (refused := _answer(error)) is not None:
        said, (code, text) = refused
        permanent = 500 <= code < 600
        reason = Reason.REJECTED if permanent else Reason.RECEIVER_ERROR
        said = f"{said} ({code} {text})" if code > 0 else "answers something that is not SMTP"
    elif limit is not None:
        said, reason = f"did not get done within {limit:g} s", Reason.TIMEOUT
    elif isinstance(error, smtplib.SMTPNotSupportedError):
        said, permanent, reason = _offers_less(str(error)), True, Reason.REJECTED
    elif isinstance(error, ssl.SSLError):
        why = getattr(error, "verify_message", "") or error.reason or "broken off"
        said, reason = f"gives no secure connection: {why}", Reason.TLS_FAILED
    elif isinstance(error, socket.gaierror):
        said, reason = "cannot be found by its name", Reason.NAME_UNRESOLVED
    elif isinstance(error, smtplib.SMTPException):
        said = "hung up before it had taken the message"
    else:
        said = f"takes no connection: {error.strerror or error}"
    return DeliveryError(
        f"The mail server {server.host} {said}.", permanent=permanent, reason=reason
    )


def _answer(error: OSError) -> tuple[str, tuple[int, str]] | None:
    """What the server said no to, with code and text; None when it said nothing."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        ((code, text), *_) = error.recipients.values()
        return "refuses the recipient", (code, _shown(text))
    if not isinstance(error, smtplib.SMTPResponseException):
        return None
    what = "refuses the message"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        what = "refuses the login: user or password in SMTP_URL is wrong"
        if error.smtp_code < 500:
            what = "cannot check the login right now"
    elif isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code != 552:
        what = "refuses the sender (MAIL_FROM)"
    elif not isinstance(error, smtplib.SMTPDataError | smtplib.SMTPSenderRefused):
        what = "takes no mail from us"
    return what, (error.smtp_code, _shown(error.smtp_error))


def _offers_less(said: str) -> str:
    if "SMTPUTF8" in said:
        return "takes no address with letters beyond ASCII"
    if "AUTH" in said or "auth" in said:
        return "takes no login by user and password here; does it want STARTTLS or TLS?"
    return said


def _shown(text: bytes | str) -> str:
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join("".join(c if c.isprintable() else " " for c in plain).split())[:200]
