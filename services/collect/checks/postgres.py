"""The postgres check: a login and ``SELECT 1``.

Through libpq's non-blocking calls on the event loop itself. psycopg's own connection would look
names up on the loop's default threads, and on a timeout wait 5 s more for a server that hangs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from services.collect.checks.failures import (
    network_failure,
    printable,
    unhealthy,
    where,
)
from services.inventory.schema import PostgresCheck
from services.observation import CheckResult, Status

if TYPE_CHECKING:
    from services.collect.checks import ProbeContext

PORT = 5432

#: A dependency check ends within this many seconds, whatever the target's own timeout.
LONGEST = 5.0

#: Addresses that are kept as libpq has read them.
TARGETS = 4096


class _Refused(Exception):
    """The server, or the way to it, said no; the text is libpq's."""


async def probe(check: PostgresCheck, timeout: float, context: ProbeContext) -> CheckResult:
    """Logs in and asks ``SELECT 1`` within ``timeout`` seconds, at most 5."""
    try:
        login = _login(check.url.get_secret_value())
        host, port = str(login.get("host") or "localhost"), int(login.get("port") or PORT)
    except (psycopg.Error, ValueError):
        text = "could not look: the address cannot be used"
        return CheckResult(Status.UNKNOWN, text, evidence={"error": "InvalidURL"})
    place = where(host, port)
    timeout = min(timeout, LONGEST)
    begun = time.perf_counter()
    limit = asyncio.timeout(timeout)
    try:
        async with limit:
            # Given a name alone, libpq would look it up itself, and block.
            addresses = await context.names.resolve(host, port)
            version = await _ask(_conninfo(login, host, [one.host for one in addresses]))
    except _Refused as error:
        return unhealthy(_words(str(error), place), "OperationalError")
    except OSError as error:
        if limit.expired():
            return unhealthy(f"no answer from {place} within {timeout:g} s", "Timeout")
        return network_failure(error, host, port)
    elapsed = (time.perf_counter() - begun) * 1000
    text = f"{place} answers SELECT 1"
    return CheckResult(Status.HEALTHY, text, elapsed, evidence={"version": _version(version)})


@lru_cache(maxsize=TARGETS)
def _login(url: str) -> Mapping[str, Any]:
    """What an address says, which is asked for with each look. Raises psycopg.Error."""
    return conninfo_to_dict(url)


def _conninfo(login: Mapping[str, Any], host: str, addresses: Sequence[str]) -> str:
    """The words by which libpq finds the server at these addresses, and logs in."""
    values = {
        "gssencmode": "disable",  # asks a Kerberos server, and waits for it
        "application_name": "healthdeck",
        **login,
        "hostaddr": ",".join(addresses),
        "host": ",".join([host] * len(addresses)),
    }
    # make_conninfo would have libpq parse what it has just put together.
    return " ".join(f"{name}={_quoted(value)}" for name, value in values.items())


def _quoted(value: object) -> str:
    text = str(value).replace("\\", r"\\").replace("'", r"\'")
    return f"'{text}'"


async def _ask(conninfo: str) -> int:
    """The server's version, as libpq numbers it. Raises _Refused."""
    connection = pq.PGconn.connect_start(conninfo.encode())
    try:
        while (state := connection.connect_poll()) != pq.PollingStatus.OK:
            if state == pq.PollingStatus.FAILED:
                raise _Refused(_text(connection.error_message))
            await _ready(connection.socket, writing=state == pq.PollingStatus.WRITING)
        connection.nonblocking = 1
        connection.send_query(b"SELECT 1")
        while connection.flush():
            await _ready(connection.socket, writing=True)
        while True:
            while connection.is_busy():
                await _ready(connection.socket, writing=False)
                connection.consume_input()
            result = connection.get_result()
            if result is None:
                return connection.server_version
            if result.status != pq.ExecStatus.TUPLES_OK:
                raise _Refused(_text(result.error_message))
    except psycopg.Error as error:
        raise _Refused(str(error)) from error
    finally:
        connection.finish()


async def _ready(file: int, *, writing: bool) -> None:
    """Returns when a socket can be read from, or written to."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    add, remove = (
        (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
    )
    add(file, ready.set)
    try:
        await ready.wait()
    finally:
        remove(file)


def _text(message: bytes) -> str:
    return message.decode("utf-8", "replace")


def _words(message: str, place: str) -> str:
    """What libpq says, without where and how often it tried.

    The server's own words stand after FATAL or ERROR, libpq's after the address.
    """
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    for line in lines:
        for mark in ("FATAL:", "ERROR:", "PANIC:"):
            if mark in line:
                return printable(line.partition(mark)[2].replace('"', ""), 160)
    first = lines[0] if lines else ""
    if "Connection refused" in first:
        return f"connection refused by {place}"
    if "server closed the connection unexpectedly" in first:
        return f"{place} hung up without an answer"
    if "failed: " in first:
        first = first.rpartition("failed: ")[2]
    return printable(f"no login at {place}: {first.replace(chr(34), '')}", 160)


def _version(number: int) -> str:
    """``150004`` is 15.4 (since version 10)."""
    return f"{number // 10000}.{number % 10000}"
