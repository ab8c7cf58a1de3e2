"""The monitor's own sight: addresses that answer whenever this machine's own network works."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.collect.checks.connection import Connection

if TYPE_CHECKING:
    from services.collect.checks import ProbeContext
    from services.setting_values import Address

#: Seconds that one address has for accepting a connection.
TIMEOUT = 2.0


async def sees(address: Address, timeout: float, context: ProbeContext) -> bool:
    """Whether ``address`` accepts a TCP connection within ``timeout`` seconds. A refusal does not
    count: a firewall at home refuses as well."""
    with contextlib.suppress(OSError):  # the end of the time is one
        async with asyncio.timeout(timeout):
            (await Connection.open(address.host, address.port, context.names)).close()
            return True
    return False


class Witnesses:
    """Asks whether this machine sees anything at all. Belongs to one event loop."""

    def __init__(self, addresses: Sequence[Address], timeout: float = TIMEOUT) -> None:
        self._addresses = tuple(addresses)
        self._timeout = timeout
        self._asking: asyncio.Task[bool] | None = None

    async def look(self, context: ProbeContext) -> bool | None:
        """True as soon as one address is reached, False when none is, None when there are none
        to ask. Who asks while a look is under way gets its answer."""
        if not self._addresses:
            return None
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._any(context))
        return await asyncio.shield(self._asking)

    async def _any(self, context: ProbeContext) -> bool:
        looks = [
            asyncio.ensure_future(sees(address, self._timeout, context))
            for address in self._addresses
        ]
        try:
            for look in asyncio.as_completed(looks):
                if await look:
                    return True
            return False
        finally:
            for one in looks:
                one.cancel()
