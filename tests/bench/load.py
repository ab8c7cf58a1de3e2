"""The overview under load: eight connections that ask again as soon as they are answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import aiohttp

from tests.bench.table import Row, quantile
from tests.support.product import Healthdeck

CONNECTIONS = 8
SECONDS = 10.0
PATH = "/api/admin/health/overview"


def overview(install: Callable[..., Healthdeck]) -> list[Row]:
    """Requests a second and response times of ``GET /api/admin/health/overview`` with a JWT.
    The clients run on the same machine and take their part of its cores."""
    installation = install().start()
    took = asyncio.run(_load(installation.url, installation.token()))
    p95 = quantile(took, 0.95) * 1000
    return [
        Row(f"overview, {CONNECTIONS} connections", f"{len(took) / SECONDS:.0f} requests/s"),
        Row("overview, p95", f"{p95:.0f} ms", "< 100 ms", p95 < 100),
    ]


async def _load(url: str, token: str) -> list[float]:
    took: list[float] = []
    async with aiohttp.ClientSession(
        url,
        headers={"Authorization": f"Bearer {token}"},
        connector=aiohttp.TCPConnector(limit=CONNECTIONS),
    ) as client:
        end = time.monotonic() + SECONDS

        async def ask() -> None:
            while (began := time.monotonic()) < end:
                async with client.get(PATH) as answer:
                    await answer.read()
                    assert answer.status == 200, answer.status
                took.append(time.monotonic() - began)

        await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return took
