"""The smtp check: a mail server must greet, offer what was configured and take the login. It never
sends mail."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.collect.checks import certificate
from services.collect.checks.certificate import Certificate
from services.collect.checks.connection import Connection, LineTooLong
from services.collect.checks.failures import (
    Evidence,
    network_failure,
    printable,
    unhealthy,
    where,
)
from services.inventory.schema import SmtpCheck
from services.observation import CheckResult, Status, worst

if TYPE_CHECKING:
    from services.collect.checks import ProbeContext

#: A dependency check ends within this many seconds, whatever the target's own timeout.
LONGEST = 5.0

#: Seconds that a server has to say goodbye.
LEAVE = 0.5

_LONGEST_LINE = 2048
_MOST_LINES = 100


class _Refused(Exception):
    """The server said no, or offers less than it should; the text says what."""


class _NotSmtp(Exception):
    """The peer answered something that is not SMTP."""


@dataclass(slots=True)
class _Talk:
    """How far the talk has come. ``doing``: the step under way, in words; ``answered``: when all
    was said that the verdict needs (perf_counter)."""

    answered: float = 0.0
    doing: str = "connect"
    banner: str = ""
    shown: Certificate | None = None
    offers: dict[str, str] = field(default_factory=dict)


async def probe(check: SmtpCheck, timeout: float, context: ProbeContext) -> CheckResult:
    """Greeting, EHLO, STARTTLS, AUTH and QUIT within ``timeout`` seconds, at most 5."""
    place = where(check.host, check.port)
    timeout = min(timeout, LONGEST)
    talk = _Talk()
    begun = time.perf_counter()
    limit = asyncio.timeout(timeout)
    try:
        async with limit:
            await _converse(check, talk, context)
    except _Refused as error:
        return unhealthy(str(error), "Refused")
    except (_NotSmtp, LineTooLong):
        return unhealthy(f"{place} answered something that is not SMTP", "NotSmtp")
    except EOFError:
        return unhealthy(f"{place} hung up {talk.doing}", "EOFError")
    except OSError as error:
        if not talk.answered:
            if limit.expired():
                return unhealthy(_slow(talk, place, timeout), "Timeout")
            return network_failure(error, check.host, check.port)
    return _judged(place, talk, (talk.answered - begun) * 1000)


async def _converse(check: SmtpCheck, talk: _Talk, context: ProbeContext) -> None:
    """Raises _Refused, _NotSmtp, LineTooLong, EOFError, OSError."""
    connection = await Connection.open(check.host, check.port, context.names)
    try:
        if check.security == "tls":
            talk.doing = "during the TLS handshake"
            await _encrypt(check, talk, connection, context)
        talk.doing = "instead of a greeting"
        code, lines = await _reply(connection)
        if code != 220:
            raise _Refused(f"greets with a refusal: {_shown(code, lines)}")
        talk.banner = lines[0]
        await _greet(talk, connection)
        if check.security == "starttls":
            if "STARTTLS" not in talk.offers:
                raise _Refused("does not offer STARTTLS; is the port right?")
            await _step(talk, connection, "STARTTLS", "STARTTLS", (220,))
            talk.doing = "during the TLS handshake"
            await _encrypt(check, talk, connection, context)
            await _greet(talk, connection)
        if check.user is not None and check.password is not None:
            await _log_in(talk, connection, check.user, check.password.get_secret_value())
        talk.answered = time.perf_counter()
        await _take_leave(connection)
    finally:
        connection.close()


async def _take_leave(connection: Connection) -> None:
    """QUIT, so that nobody's log speaks of a lost connection; no verdict hangs on it."""
    with contextlib.suppress(_NotSmtp, LineTooLong, EOFError, OSError):
        async with asyncio.timeout(LEAVE):
            await connection.send(b"QUIT\r\n")
            await _reply(connection)


async def _encrypt(
    check: SmtpCheck, talk: _Talk, connection: Connection, context: ProbeContext
) -> None:
    await connection.start_tls(context.tls, check.host)
    talk.shown = certificate.read(connection.certificate or b"")


async def _greet(talk: _Talk, connection: Connection) -> None:
    """EHLO with the address that we come from (RFC 5321, 4.1.3: it stands for a name)."""
    address = connection.local_address
    literal = f"IPv6:{address.partition('%')[0]}" if ":" in address else address
    lines = await _step(talk, connection, f"EHLO [{literal}]", "EHLO", (250,))
    words = (line.upper().partition(" ") for line in lines[1:])
    talk.offers = {name: rest for name, _, rest in words}


async def _log_in(talk: _Talk, connection: Connection, user: str, password: str) -> None:
    ways = talk.offers.get("AUTH", "").split()
    if "PLAIN" in ways:
        secret = _packed(f"\0{user}\0{password}")
        await _step(talk, connection, f"AUTH PLAIN {secret}", "AUTH", (235,))
    elif "LOGIN" in ways:
        await _step(talk, connection, "AUTH LOGIN", "AUTH", (334,))
        await _step(talk, connection, _packed(user), "AUTH", (334,))
        await _step(talk, connection, _packed(password), "AUTH", (235,))
    else:
        raise _Refused("offers no login by user and password; does it want TLS first?")


async def _step(
    talk: _Talk, connection: Connection, command: str, name: str, good: tuple[int, ...]
) -> list[str]:
    talk.doing = f"at {name}"
    await connection.send(f"{command}\r\n".encode())
    code, lines = await _reply(connection)
    if code in good:
        return lines
    if name == "AUTH" and code == 535:
        raise _Refused(f"refuses the login: wrong user or password ({_shown(code, lines)})")
    raise _Refused(f"refuses {name}: {_shown(code, lines)}")


async def _reply(connection: Connection) -> tuple[int, list[str]]:
    """The code of a reply and the text of each of its lines."""
    lines: list[str] = []
    for _ in range(_MOST_LINES):
        line = (await connection.line(_LONGEST_LINE)).decode("utf-8", "replace")
        code, mark, text = line[:3], line[3:4], line[4:]
        if not (code.isascii() and code.isdigit() and "200" <= code < "600"):
            raise _NotSmtp
        lines.append(text)
        if mark != "-":
            return int(code), lines
    raise _NotSmtp


def _packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _shown(code: int, lines: list[str]) -> str:
    return printable(f"{code} {lines[0]}", 80)


def _slow(talk: _Talk, place: str, timeout: float) -> str:
    if talk.doing == "connect":
        return f"no connection to {place} within {timeout:g} s"
    return f"{place} did not get on within {timeout:g} s: it stopped {talk.doing}"


def _judged(place: str, talk: _Talk, elapsed: float) -> CheckResult:
    status, text = Status.HEALTHY, f"{place} takes mail"
    evidence: Evidence = {"banner": printable(talk.banner, 100)}
    if talk.shown is not None:
        now = time.time()
        evidence.update(talk.shown.evidence(now))
        of_certificate, words = talk.shown.judge(certificate.DAYS, now)
        if of_certificate is not Status.HEALTHY:
            status, text = worst((status, of_certificate)), f"{text}; {words}"
    return CheckResult(status, text, elapsed, evidence=evidence)
