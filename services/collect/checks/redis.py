"""The redis check: the login and a PING must be answered; INFO tells what ails it.

Speaks the protocol (RESP 2) itself: the four commands are lines, and a client library would keep
connections, look names up on threads of the event loop's own, and try again by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from services.collect.checks.connection import Connection, LineTooLong
from services.collect.checks.failures import (
    Evidence,
    network_failure,
    printable,
    unhealthy,
    where,
)
from services.inventory.schema import RedisCheck
from services.observation import CheckResult, Status

if TYPE_CHECKING:
    from services.collect.checks import ProbeContext

PORT = 6379

#: A dependency check ends within this many seconds, whatever the target's own timeout.
LONGEST = 5.0

_LONGEST_LINE = 4096
_MOST_INFO = 256 * 1024

#: Above this share of its memory limit a Redis that may not evict soon refuses writes.
_FULL = 0.95

_REFUSALS: Mapping[str, str] = {
    "NOAUTH": "needs a password and the address has none",
    "WRONGPASS": "refuses the login: wrong user or password",
    "NOPERM": "the user may not do that; it needs the commands ping, info and select",
    "LOADING": "is still loading its data into memory",
    "MASTERDOWN": "is a replica that has lost its master",
    "DENIED": "is in protected mode and takes no connections from elsewhere",
}


class _Refused(Exception):
    """An error that Redis answered; the text is its line without the dash."""


class _NotRedis(Exception):
    """The peer answered something that is not Redis."""


@dataclass(frozen=True, slots=True)
class _Address:
    host: str
    port: int
    tls: bool
    login: tuple[str, ...]
    database: str

    @classmethod
    def of(cls, url: str) -> _Address:
        parts = urlsplit(url)
        login = (parts.username, parts.password) if parts.username else (parts.password,)
        return cls(
            parts.hostname or "",
            parts.port or PORT,
            parts.scheme == "rediss",
            tuple(unquote(part) for part in login if part is not None),
            parts.path.strip("/"),
        )

    def __str__(self) -> str:
        return where(self.host, self.port)


async def probe(check: RedisCheck, timeout: float, context: ProbeContext) -> CheckResult:
    """Logs in, pings and reads INFO within ``timeout`` seconds, at most 5."""
    address = _Address.of(check.url.get_secret_value())
    timeout = min(timeout, LONGEST)
    begun = time.perf_counter()
    limit = asyncio.timeout(timeout)
    try:
        async with limit:
            elapsed, info = await _ask(address, context, begun)
    except _Refused as error:
        return unhealthy(_words(str(error)), str(error).split(" ", 1)[0][:40])
    except (_NotRedis, LineTooLong):
        return unhealthy(f"{address} answered something that is not Redis", "NotRedis")
    except EOFError:
        return unhealthy(f"{address} hung up without an answer", "EOFError")
    except OSError as error:
        if limit.expired():
            return unhealthy(f"no answer from {address} within {timeout:g} s", "Timeout")
        return network_failure(error, address.host, address.port)
    return _judged(address, elapsed, info)


async def _ask(
    address: _Address, context: ProbeContext, begun: float
) -> tuple[float, Mapping[str, str]]:
    """Milliseconds until the PING was answered, and INFO's fields (none when it is forbidden)."""
    connection = await Connection.open(address.host, address.port, context.names)
    try:
        if address.tls:
            await connection.start_tls(context.tls, address.host)
        if address.login:
            await _command(connection, "AUTH", *address.login)
        if address.database not in ("", "0"):
            await _command(connection, "SELECT", address.database)
        if await _command(connection, "PING") != b"PONG":
            raise _NotRedis
        elapsed = (time.perf_counter() - begun) * 1000
        try:
            info = await _command(connection, "INFO")
        except _Refused:
            info = b""  # a user may well be allowed to ping and no more
        return elapsed, _fields(info)
    finally:
        connection.close()


async def _command(connection: Connection, *words: str) -> bytes:
    """The answer to a command, of the kinds that ours have: a line or a text."""
    arguments = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in map(str.encode, words))
    await connection.send(b"*%d\r\n%s" % (len(words), arguments))
    line = await connection.line(_LONGEST_LINE)
    kind, rest = line[:1], line[1:]
    if kind == b"+":
        return rest
    if kind == b"-":
        raise _Refused(rest.decode("utf-8", "replace"))
    if kind == b"$" and rest.isdigit() and len(rest) < 8 and int(rest) <= _MOST_INFO:
        return (await connection.exactly(int(rest) + 2))[:-2]
    raise _NotRedis


def _fields(info: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in info.decode("utf-8", "replace").splitlines())
    return {name: value for name, colon, value in lines if colon}


def _words(error: str) -> str:
    code, _, rest = error.partition(" ")
    if code == "ERR" and "without any password" in rest:
        return "has no password, but the address gives one"
    if code == "ERR" and "DB index" in rest:
        return "has no database of the number that the address gives"
    return _REFUSALS.get(code) or f"refuses: {printable(error, 100)}"


def _judged(address: _Address, elapsed: float, info: Mapping[str, str]) -> CheckResult:
    evidence: Evidence = {
        shown: printable(info[name], 40)
        for name, shown in (("redis_version", "version"), ("role", "role"))
        if name in info
    }
    uptime = _number(info.get("uptime_in_seconds"))
    if ailments := _ailments(info):
        text = f"{address} answers, but {' and '.join(ailments)}"
        return CheckResult(Status.DEGRADED, text, elapsed, uptime, evidence=evidence)
    text = f"{address} answers PING"
    return CheckResult(Status.HEALTHY, text, elapsed, uptime, evidence=evidence)


def _ailments(info: Mapping[str, str]) -> list[str]:
    found = []
    if info.get("master_link_status") == "down":
        found.append("it has lost its master")
    if info.get("rdb_last_bgsave_status") == "err" or info.get("aof_last_write_status") == "err":
        found.append("it could not save its data to disk")
    used, limit = _number(info.get("used_memory")), _number(info.get("maxmemory"))
    if used and limit and used > _FULL * limit and info.get("maxmemory_policy") == "noeviction":
        found.append(f"it uses {100 * used / limit:.0f} % of the memory that it may")
    return found


def _number(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 20 else None
