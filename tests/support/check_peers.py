"""Small servers for the checks to look at, on the loopback and in the very event loop of the
look; and the certificates that they show."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.collect.checks import PROBES, open_context
from services.observation import CheckResult

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Hands each connection to ``talk``; yields the port. At the end every talk is ended."""
    talks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            await talk(reader, writer)
        except (OSError, asyncio.CancelledError, EOFError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await asyncio.sleep(0)  # for the transports to go


@contextlib.contextmanager
def refused_port() -> Iterator[int]:
    """A port that is taken and that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


async def hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def hang_up(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Closes what was accepted."""


async def hear_and_hang_up(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Closes when it was spoken to."""
    await reader.read(65536)


def saying(data: bytes) -> Talk:
    """Sends this at once, and waits until the other side goes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        await reader.read()

    return talk


async def endless(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A line that never ends."""
    while True:
        writer.write(b"2" * 65536)
        await writer.drain()


def look(
    check: Callable[[int], Any],
    talk: Talk = hang,
    tls: ssl.SSLContext | None = None,
    timeout: float = 3.0,
) -> CheckResult:
    """What one look, without the second, makes of a server; ``check`` is made from its port."""

    async def go() -> CheckResult:
        async with serving(talk, tls) as port, open_context() as context:
            spec = check(port)
            return await PROBES[spec.type](spec, timeout, context)

    return asyncio.run(go())


def look_at(check: Any, timeout: float = 3.0) -> CheckResult:
    """One look at what is there already."""

    async def go() -> CheckResult:
        async with open_context() as context:
            return await PROBES[check.type](check, timeout, context)

    return asyncio.run(go())


class Authority:
    """A certificate authority of its own; ``file`` holds its certificate."""

    NAME = "Test Works"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(self.NAME, "Root 1")
        certificate = (
            self._draft(self._name, self._key.public_key(), 3650)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / "authority.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, days: float, name: str = "127.0.0.1") -> ssl.SSLContext:
        """What a server shows whose certificate ends in ``days`` days (negative: it has)."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternative: x509.GeneralName
        try:
            alternative = x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            alternative = x509.DNSName(name)
        certificate = (
            self._draft(_name("A Service", name), key.public_key(), days)
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        file = self._folder / f"{name}-{days}.pem"
        file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _draft(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, days: float
    ) -> x509.CertificateBuilder:
        end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(end - datetime.timedelta(days=4000))
            .not_valid_after(end)
        )


def _name(organization: str, common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )
