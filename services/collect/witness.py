"""The monitor's own sight: addresses that answer whenever this machine's own network works."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.collect.checks.connection import Connection
from services.collect.checks.failures import network_failure, where
from services.collect.sight import Sighting

if TYPE_CHECKING:
    from services.collect.checks import ProbeContext
    from services.setting_values import Address

#: Seconds that one address has for accepting a connection.
TIMEOUT = 2.0


async def fault(address: Address, timeout: float, context: ProbeContext) -> str | None:
    """Why ``address`` does not accept a TCP connection within ``timeout`` seconds; None when it
    does. A refusal is a fault: a firewall at home refuses as well."""
    try:
        async with asyncio.timeout(timeout):
            (await Connection.open(address.host, address.port, context.names)).close()
    except TimeoutError:
        return f"no answer within {timeout:g} s"
    except OSError as error:
        return network_failure(error, address.host, address.port).message
    return None


class Witnesses:
    """Asks whether this machine sees anything at all. Belongs to one event loop."""

    def __init__(self, addresses: Sequence[Address], timeout: float = TIMEOUT) -> None:
        self._addresses = tuple(addresses)
        self._timeout = timeout
        self._asking: asyncio.Task[Sighting] | None = None

    async def look(self, context: ProbeContext) -> Sighting | None:
        """What is seen, as soon as one address is reached or none can be; None when there are
        none to ask. Who asks while a look is under way gets its answer."""
        if not self._addresses:
            return None
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._any(context))
        return await asyncio.shield(self._asking)

    async def _any(self, context: ProbeContext) -> Sighting:
        looks = [
            asyncio.ensure_future(fault(address, self._timeout, context))
            for address in self._addresses
        ]
        try:
            for look in asyncio.as_completed(looks):
                if await look is None:
                    return Sighting(True)
            names = (where(address.host, address.port) for address in self._addresses)
            return Sighting(
                False, dict(zip(names, [str(await look) for look in looks], strict=True))
            )
        finally:
            for one in looks:
                one.cancel()
