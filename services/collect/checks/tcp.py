"""The tcp check: a connection must be accepted. Here are also the name lookup that all checks
share, and the words for what the network answers instead of a connection."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import time
from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from aiohttp.abc import AbstractResolver, ResolveResult

from services.collect import Workers
from services.inventory.schema import TcpCheck
from services.observation import CheckResult, Status

if TYPE_CHECKING:
    from services.collect.checks import ProbeContext

#: Failures of this machine, not of what it looks at.
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})

#: Lookup failures that say nothing of the name, only that nobody could be asked.
_UNANSWERED = frozenset({socket.EAI_AGAIN, socket.EAI_SYSTEM})


async def probe(check: TcpCheck, timeout: float, context: ProbeContext) -> CheckResult:
    """Connects within ``timeout`` seconds, the name lookup included, and hangs up."""
    place = where(check.host, check.port)
    begun = time.perf_counter()
    limit = asyncio.timeout(timeout)
    try:
        async with limit:
            addresses = await context.names.resolve(check.host, check.port)
            await _connect(addresses)
    except OSError as error:
        if limit.expired():
            text = f"no connection to {place} within {timeout:g} s"
            return CheckResult(Status.UNHEALTHY, text, evidence={"error": "Timeout"})
        return network_failure(error, check.host, check.port)
    elapsed = (time.perf_counter() - begun) * 1000
    return CheckResult(Status.HEALTHY, f"{place} accepts connections", response_ms=elapsed)


class Names(AbstractResolver):
    """Looks names up on threads of its own, so that slow name servers hold up nothing else."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name, anew each time. Raises OSError when it has none."""

        def look_up() -> Sequence[tuple[Any, ...]]:
            try:
                return socket.getaddrinfo(
                    host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
                )
            except UnicodeError as error:  # a label of more than 63 characters
                raise socket.gaierror(socket.EAI_NONAME, "not a host name") from error

        found = look_up() if _is_address(host) else await self._workers.run(look_up)
        return [
            ResolveResult(
                hostname=host,
                host=f"{to[0]}%{to[3]}" if kind is socket.AF_INET6 and to[3] else to[0],
                port=to[1],
                family=kind,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, proto, _, to in found
        ]

    async def close(self) -> None:
        """The threads belong to whoever made them."""


def where(host: str, port: int | None) -> str:
    """``host:port`` as one writes it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def network_failure(error: OSError, host: str, port: int | None) -> CheckResult:
    """What it means that no connection came about, or that it broke.

    Unhealthy; unknown when this machine itself lacks what looking takes.
    """
    place = where(host, port)
    evidence: dict[str, str | int | float] = {"error": type(error).__name__}
    if error.errno is not None:
        evidence["errno"] = errno.errorcode.get(error.errno, error.errno)
    if isinstance(error, socket.gaierror):
        text = f"the name {host} is not known"
        if error.errno in _UNANSWERED:
            text = f"the name {host} could not be looked up: the name server did not answer"
        return CheckResult(Status.UNHEALTHY, text, evidence={"error": "gaierror"})
    if error.errno in _OURS:
        text = f"could not look at {place}: {os.strerror(error.errno or 0).lower()} here"
        return CheckResult(Status.UNKNOWN, text, evidence=evidence)
    return CheckResult(Status.UNHEALTHY, _words(error, place), evidence=evidence)


def _words(error: OSError, place: str) -> str:
    match error.errno:
        case errno.ECONNREFUSED:
            return f"connection refused by {place}"
        case errno.ECONNRESET | errno.EPIPE | errno.ECONNABORTED:
            return f"connection reset by {place}"
        case errno.EHOSTUNREACH | errno.ENETUNREACH:
            return f"no way to {place}: {os.strerror(error.errno).lower()}"
        case errno.ETIMEDOUT:
            return f"no connection to {place}: it did not react"
        case errno.EACCES | errno.EPERM:
            return f"a firewall forbids the connection to {place}"
        case int(number):
            return f"no connection to {place}: {os.strerror(number).lower()}"
    return f"no connection to {place}"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def _connect(addresses: Sequence[ResolveResult]) -> None:
    """Returns when the first of the addresses accepts; raises the first failure if none does."""
    if not addresses:
        raise socket.gaierror(socket.EAI_NONAME, "no address")
    attempts = [asyncio.ensure_future(_attempt(address)) for address in addresses]
    failures: list[OSError] = []
    try:
        for attempt in asyncio.as_completed(attempts):
            try:
                return await attempt
            except OSError as error:
                failures.append(error)
    finally:
        for task in attempts:
            task.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)
    raise failures[0]


async def _attempt(address: ResolveResult) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.closing(socket.socket(address["family"], socket.SOCK_STREAM)) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, (address["host"], address["port"]))
