"""The checks: how a service is probed, one file a kind, and the second look that they share."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import structlog

from services.collect import Workers
from services.collect.checks import dns, http, postgres, redis, s3, smtp, tcp, tls
from services.collect.checks.names import Names
from services.inventory.schema import Check
from services.observation import CheckResult, Status

log = structlog.get_logger(__name__)

SECOND_LOOK_AFTER = 0.5
SECOND_LOOK_TIMEOUT = 1.0

#: Name lookups at a time. Each may hang for as long as the system waits for its name servers.
_LOOKUPS = 64


@dataclass(frozen=True)
class ProbeContext:
    """What all probes share. ``second_look_after``: seconds from the begin of a look that fails
    to the second one at the earliest: a hang has waited long enough by itself."""

    names: Names
    second_look_after: float = SECOND_LOOK_AFTER

    async def pause(self, began: float) -> None:
        """Waits until a look that ``began`` then (the loop's time) may be followed by another."""
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(max(began + self.second_look_after - now, 0.0))

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """Verifies chain and name, by the authorities that this machine trusts. Made when first
        needed: reading them all takes some 30 ms."""
        return ssl.create_default_context()


@asynccontextmanager
async def open_context(second_look_after: float = SECOND_LOOK_AFTER) -> AsyncIterator[ProbeContext]:
    """A context for the running event loop."""
    workers = Workers(_LOOKUPS, "lookup")
    try:
        yield ProbeContext(Names(workers), second_look_after)
    finally:
        workers.close()


Probe = Callable[[Any, float, ProbeContext], Awaitable[CheckResult]]

#: How each kind of check of the inventory is probed.
PROBES: Mapping[str, Probe] = {
    "http": http.probe,
    "tcp": tcp.probe,
    "tls": tls.probe,
    "dns": dns.probe,
    "postgres": postgres.probe,
    "redis": redis.probe,
    "s3": s3.probe,
    "smtp": smtp.probe,
}


async def probe(check: Check, timeout: float, context: ProbeContext) -> CheckResult:
    """What a check finds, within ``timeout`` seconds and a second look.

    A failure counts when a second look, at least half a second after the first began, fails too;
    the first one's words stand. A defect of the probe itself is logged and makes the status
    unknown.
    """
    began = asyncio.get_running_loop().time()
    first = await _look(check, timeout, context)
    if first.status is not Status.UNHEALTHY:
        return first
    await context.pause(began)
    second = await _look(check, min(SECOND_LOOK_TIMEOUT, timeout), context)
    if second.status in (Status.HEALTHY, Status.DEGRADED):
        return replace(second, evidence={**second.evidence, "firstLook": first.message})
    return replace(first, evidence={**first.evidence, "secondLook": second.message})


async def _look(check: Check, timeout: float, context: ProbeContext) -> CheckResult:
    try:
        return await PROBES[check.type](check, timeout, context)
    except Exception as error:
        name = type(error).__name__
        log.exception("probe_failed", check=check.type)
        return CheckResult(
            Status.UNKNOWN, f"could not look: {name} inside Healthdeck", evidence={"error": name}
        )
