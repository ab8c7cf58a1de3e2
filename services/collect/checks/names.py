"""The name lookup that all checks share."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, NamedTuple

from services.collect import Workers


class Address(NamedTuple):
    """Where a name leads, ready to be connected to without another lookup."""

    hostname: str
    host: str
    port: int
    family: socket.AddressFamily


class Names:
    """Looks names up on threads of its own, so that slow name servers hold up nothing else."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[Address]:
        """The addresses of a name, anew each time. Raises OSError when it has none."""
        if (of_address := _family(host)) is not None:
            return [_result(host, host, port, of_address)]

        def look_up() -> Sequence[tuple[Any, ...]]:
            try:
                return socket.getaddrinfo(
                    host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
                )
            except UnicodeError as error:  # a label of more than 63 characters
                raise socket.gaierror(socket.EAI_NONAME, "not a host name") from error

        return [
            _result(
                host,
                f"{to[0]}%{to[3]}" if kind is socket.AF_INET6 and to[3] else to[0],
                to[1],
                kind,
            )
            for kind, _, _, _, to in await self._workers.run(look_up)
        ]


def _result(name: str, address: str, port: int, family: socket.AddressFamily) -> Address:
    return Address(name, address, port, family)


def _family(host: str) -> socket.AddressFamily | None:
    """Of an address that is written as one; None of a name."""
    try:
        version = ip_address(host).version
    except ValueError:
        return None
    return socket.AF_INET if version == 4 else socket.AF_INET6
