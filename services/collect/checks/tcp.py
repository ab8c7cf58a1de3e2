"""The tcp check: a connection must be accepted."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from services.collect.checks.connection import Connection
from services.collect.checks.failures import network_failure, unhealthy, where
from services.inventory.schema import TcpCheck
from services.observation import CheckResult, Status

if TYPE_CHECKING:
    from services.collect.checks import ProbeContext


async def probe(check: TcpCheck, timeout: float, context: ProbeContext) -> CheckResult:
    """Connects within ``timeout`` seconds, the name lookup included, and hangs up."""
    place = where(check.host, check.port)
    begun = time.perf_counter()
    limit = asyncio.timeout(timeout)
    try:
        async with limit:
            connection = await Connection.open(check.host, check.port, context.names)
    except OSError as error:
        if limit.expired():
            return unhealthy(f"no connection to {place} within {timeout:g} s", "Timeout")
        return network_failure(error, check.host, check.port)
    elapsed = (time.perf_counter() - begun) * 1000
    connection.close()
    return CheckResult(Status.HEALTHY, f"{place} accepts connections", response_ms=elapsed)
