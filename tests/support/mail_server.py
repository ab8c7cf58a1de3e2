"""A real mail server (aiosmtpd) that refuses, delays and drops on command."""

from __future__ import annotations

import asyncio
import email
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from email.message import EmailMessage
from email.policy import default
from typing import Any, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from services.channel_values import MailServer
from tests.support.wait import free_port

USER, PASSWORD = "hub", "a pass:word @1"
FROM = "Healthdeck <alerts@healthdeck.example>"


class Post:
    """``answers``: what a command (MAIL, RCPT, DATA) is answered instead of yes. While ``held`` a
    mail's end is not answered; ``drops``: the connection is cut there."""

    def __init__(
        self,
        security: Literal["starttls", "tls", "none"] = "none",
        tls: ssl.SSLContext | None = None,
        login: bool = False,
        largest: int = 4_000_000,
        smtputf8: bool = True,
    ) -> None:
        self.answers: dict[str, str] = {}
        self.drops = False
        self.logins = 0
        self.raw: list[bytes] = []
        self.recipients: list[list[str]] = []
        self.waiting = threading.Event()
        self._held: asyncio.Event | None = None
        port = free_port()
        self.settings = MailServer(
            "127.0.0.1", port, security, USER if login else "", PASSWORD if login else ""
        )
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=port,
            ready_timeout=30,
            ssl_context=tls if security == "tls" else None,
            tls_context=tls if security == "starttls" else None,
            require_starttls=security == "starttls",
            authenticator=self._authenticate if login else None,
            auth_required=login and security == "starttls",
            auth_require_tls=security == "starttls",
            data_size_limit=largest,
            enable_SMTPUTF8=smtputf8,
        )
        self._controller.start()

    def hold(self) -> None:
        self._held = asyncio.Event()

    def let_go(self) -> None:
        if self._held is not None:
            self._controller.loop.call_soon_threadsafe(self._held.set)

    def close(self) -> None:
        self.let_go()
        self._controller.stop(no_assert=True)

    @property
    def mails(self) -> list[EmailMessage]:
        return [read(data) for data in self.raw]

    def _authenticate(
        self, _server: SMTP, _session: Any, _envelope: Any, _how: str, given: Any
    ) -> AuthResult:
        self.logins += 1
        right = LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=given == right, handled=False)

    async def handle_MAIL(
        self, _server: SMTP, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Any) -> str:
        if self.drops:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        if self._held is not None:
            self.waiting.set()
            await self._held.wait()
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.raw.append(bytes(envelope.original_content))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 2.0.0 queued as 1"


def read(data: bytes) -> EmailMessage:
    """A mail as a reader's program understands it."""
    return email.message_from_bytes(data, policy=default)


@contextmanager
def talking(serve: Callable[[socket.socket], None]) -> Iterator[MailServer]:
    """A server that is none: ``serve`` does with the one connection what it wants."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        try:
            connection, _ = listener.accept()
            with connection:
                serve(connection)
        except OSError:
            return  # the client or the test has ended it

    threading.Thread(target=run, daemon=True).start()
    with closing(listener):
        yield MailServer("127.0.0.1", listener.getsockname()[1], "none", "", "")
