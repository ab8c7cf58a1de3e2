"""The dns check: a name must be resolved, and to the values that are expected.

Asks the name server itself, over UDP and, when the answer does not fit, over TCP: the system's
own lookup would answer from caches and from files, and block a thread.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.collect.checks.connection import Connection
from services.collect.checks.dns_message import Answer, BadMessage, answers, parse, question
from services.collect.checks.failures import network_failure, printable, unhealthy, where
from services.inventory.schema import DnsCheck
from services.observation import CheckResult, Status

if TYPE_CHECKING:
    from services.collect.checks import ProbeContext

RESOLVER_FILE = Path("/etc/resolv.conf")
PORT = 53

#: Seconds until a question that may have got lost is asked again.
ASK_AGAIN = 1.0

_MOST_NAMED = 5
_REFUSED: Mapping[int, str] = {
    1: "did not understand the question (FORMERR)",
    2: "could not find out (SERVFAIL)",
    4: "does not answer such questions (NOTIMP)",
    5: "refuses to answer us (REFUSED)",
}
_NO_SUCH_NAME = 3


@dataclass(frozen=True, slots=True)
class _Server:
    host: str
    port: int

    def __str__(self) -> str:
        return where(self.host, self.port)


async def probe(check: DnsCheck, timeout: float, context: ProbeContext) -> CheckResult:
    """Asks ``check.server``, or the machine's first name server, within ``timeout`` seconds."""
    server = _server(check.server) if check.server else machine_server()
    if server is None:
        text = f"could not look: {RESOLVER_FILE} names no name server; give the check a server"
        return CheckResult(Status.UNKNOWN, text, evidence={"error": "NoServer"})
    try:
        asked = question(check.name, check.record, secrets.randbits(16))
    except ValueError as error:
        text = f"could not look: '{check.name}' is no name: {error}"
        return CheckResult(Status.UNKNOWN, text, evidence={"error": "BadName"})
    begun = time.perf_counter()
    limit = asyncio.timeout(timeout)
    try:
        async with limit:
            answer = await _ask(server, asked, context)
    except (BadMessage, EOFError) as error:
        text = f"the name server {server} answered something that is not DNS"
        return unhealthy(text, type(error).__name__)
    except OSError as error:
        if limit.expired():
            text = f"the name server {server} did not answer within {timeout:g} s"
            return unhealthy(text, "Timeout")
        return network_failure(error, server.host, server.port)
    return _judged(check, server, answer, (time.perf_counter() - begun) * 1000)


def machine_server() -> _Server | None:
    """The first name server that this machine is set to use."""
    try:
        lines = RESOLVER_FILE.read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    for line in lines:
        word, *rest = line.split()[:2] or [""]
        if word == "nameserver" and rest:
            try:
                ipaddress.ip_address(rest[0])
            except ValueError:
                continue
            return _Server(rest[0], PORT)
    return None


def _server(text: str) -> _Server:
    """``9.9.9.9``, ``9.9.9.9:53``, ``[2620:fe::fe]:53``; the inventory lets nothing else in."""
    host, _, port = text.removeprefix("[").partition("]" if text.startswith("[") else ":")
    return _Server(host, int(port.removeprefix(":") or PORT))


async def _ask(server: _Server, asked: bytes, context: ProbeContext) -> Answer:
    """Raises BadMessage, EOFError, OSError."""
    answer = parse(await _ask_udp(server, asked), asked)
    if not answer.truncated:
        return answer
    connection = await Connection.open(server.host, server.port, context.names)
    try:
        await connection.send(len(asked).to_bytes(2, "big") + asked)
        size = int.from_bytes(await connection.exactly(2), "big")
        message = await connection.exactly(size)
    finally:
        connection.close()
    if not answers(message, asked):
        raise BadMessage
    return parse(message, asked)


async def _ask_udp(server: _Server, asked: bytes) -> bytes:
    """The first message that answers the question; others are passed over."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect((server.host, server.port))  # others' messages stay outside
        while True:
            await loop.sock_sendall(sock, asked)
            again = asyncio.timeout(ASK_AGAIN)
            try:
                async with again:
                    while True:
                        message = await loop.sock_recv(sock, 65535)
                        if answers(message, asked):
                            return message
            except TimeoutError:
                if not again.expired():
                    raise


def _judged(check: DnsCheck, server: _Server, answer: Answer, elapsed: float) -> CheckResult:
    evidence: dict[str, str | int | float] = {"server": str(server), "answerCode": answer.code}
    if answer.values:
        evidence["values"] = _named(answer.values)

    def result(status: Status, text: str) -> CheckResult:
        return CheckResult(status, text, elapsed, evidence=evidence)

    if answer.code == _NO_SUCH_NAME:
        return result(Status.UNHEALTHY, f"the name {check.name} does not exist, says {server}")
    if answer.code:
        said = _REFUSED.get(answer.code, f"answered with the error {answer.code}")
        return result(Status.UNHEALTHY, f"the name server {server} {said}")
    if not answer.values:
        return result(Status.UNHEALTHY, f"{check.name} has no {check.record} record, says {server}")
    found = f"{check.name} is {_named(answer.values)}"
    values = {_plain(check, value) for value in answer.values}
    wanted = {_plain(check, value) for value in check.expect}
    if wanted - values:
        return result(Status.UNHEALTHY, f"{found}; expected {_named(check.expect)}")
    if wanted and values - wanted:
        also = _named(tuple(sorted(values - wanted)))
        return result(Status.DEGRADED, f"{found}; {also} was not expected")
    return result(Status.HEALTHY, found)


def _plain(check: DnsCheck, value: str) -> str:
    """A value as it is compared: addresses in one form, names without case and final dot."""
    if check.record in ("A", "AAAA"):
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            return value
    if check.record == "TXT":
        return value
    host = value.rpartition(" ")[2].rstrip(".").lower()
    # Without a preference in what is expected, a mail server's preference does not matter.
    with_preference = all(" " in expected for expected in check.expect)
    if check.record == "MX" and with_preference and " " in value:
        return f"{value.partition(' ')[0]} {host}"
    return host


def _named(values: tuple[str, ...]) -> str:
    more = f" and {len(values) - _MOST_NAMED} more" if len(values) > _MOST_NAMED else ""
    return ", ".join(printable(value, 60) for value in values[:_MOST_NAMED]) + more
