"""The API over a fleet of 1,000 VPSes, 5,000 services and 2,000 tenants: cached, cold, at once.

The fleet's state is put into the database before the server starts; afterwards one machine is
read every second, so that bodies are kept up to date all the while. The client runs on the same
cores. Cold figures come from a server on Redis, whose entries are deleted before each request;
of lists and events they are those of questions that nobody asked before.

``python -m tests.bench.api`` takes a quarter of an hour: ten seconds for each figure, then ten
minutes of mixed requests for the hit rate, and one table at the end. ``--seconds 3 --mixed 10``
is a quick look, whose hit rate tells nothing: the first time that a screen asks is a miss.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import redis
import yaml
from prometheus_client.parser import text_string_to_metric_families

from models.database import Database
from services.health.status import Judgement
from services.history import write
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.inventory.sync import sync
from services.metrics import HOST_METRICS
from services.observation import CheckResult, Kind, Observation, Status, kind_of
from tests.bench.installations import installations
from tests.bench.table import Row, quantile, table
from tests.fleet import plan
from tests.support.product import Healthdeck
from tests.support.stores import RedisServer

RATE = 100
CONNECTIONS = 8
AT_ONCE = 200
COLD = 40
#: Screens of the mixed run, each of which asks for everything it shows so often (seconds), and
#: turns to another server and tenant after so many times.
SCREENS, EVERY, TURNS = 20, 5.0, 24

HEALTH = "/api/admin/health"
OVERVIEW = f"{HEALTH}/overview"
HISTORY = f"{HEALTH}/history?metric=cpu&timeRange=24h&vpsId="
LISTS = (f"{HEALTH}/services", f"{HEALTH}/vps", f"{HEALTH}/tenants", f"{HEALTH}/events")

Client = aiohttp.ClientSession


def api(install: Callable[..., Healthdeck], seconds: float, mixed: float) -> list[Row]:
    """All figures: ``seconds`` for each load, ``mixed`` seconds for the hit rate."""
    entries = inventory()
    with running(install, entries) as warm:
        rows = asyncio.run(_warm(warm, seconds, mixed))
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        try:
            with (
                running(install, entries, REDIS_URL=server.url) as cold,
                closing(redis.Redis.from_url(server.url)) as store,
            ):
                rows += asyncio.run(_cold(cold, store))
        finally:
            server.stop()
    return rows


def inventory() -> dict[str, Any]:
    """The fleet in the words of an inventory; nothing of it is looked at."""
    made = plan.build(1000, 5, 2000, 1)
    tenants: dict[str, list[str]] = {}
    for tenant in made.tenants:
        tenants.setdefault(tenant.vps, []).append(tenant.id)
    servers: list[dict[str, Any]] = [
        {
            "id": vps.id, "name": vps.name, "region": vps.region, "source": {"type": "agent"},
            "services": [
                {"name": s.part.name, "type": s.part.type, "dependsOn": list(s.part.depends_on)}
                for s in vps.services
            ],
            "tenants": tenants.get(vps.id, []),
        }
        for vps in made.vps
    ]  # fmt: skip
    servers.append({"id": "here", "source": {"type": "local"}, "monitoring": {"interval": 1}})
    customers = [
        {
            "id": tenant.id, "organizationName": tenant.organization,
            "services": [
                {"name": a.name, "url": "http://127.0.0.1:9/", "runsOn": a.runs_on}
                for a in tenant.apps
            ],
        }
        for tenant in made.tenants
    ]  # fmt: skip
    return {"vps": servers, "tenants": customers}


def fill(url: str, entries: dict[str, Any]) -> None:
    """A state for each target, one in a hundred not healthy, and a reading of each machine."""
    parsed = Inventory.model_validate(entries, by_alias=True, by_name=False)
    fleet, now = Fleet.build(parsed, "bench", "cache"), time.time()
    keys = [key for key in fleet.keys() if kind_of(key) is not Kind.TENANT]  # noqa: SIM118
    metrics = {metric.name: 20.0 for metric in HOST_METRICS}
    judged, seen = {}, []
    for number, key in enumerate(keys):
        status = Status.UNHEALTHY if number % 100 == 7 else Status.HEALTHY
        reason = "all well" if status is Status.HEALTHY else "refuses connections"
        judged[key] = (None, Judgement(status, now, reason, status, 1, now))
        if kind_of(key) is Kind.VPS:
            seen.append(Observation(key, now, metrics=metrics, facts={"cores": 4}))
        else:
            check = CheckResult(status, reason, response_ms=12.3, uptime_s=3600.0)
            seen.append(Observation(key, now, check=check))
    with closing(Database(url)) as database:
        database.migrate()
        with database.write() as session:
            sync(session, fleet, now)
            memory = write.Memory()
            ids = write.target_ids(session, keys, memory)
            write.samples(session, seen, ids, memory)
            write.judgements(session, judged, ids)


@contextmanager
def running(
    install: Callable[..., Healthdeck], entries: dict[str, Any], **env: str
) -> Iterator[Healthdeck]:
    """A server over the fleet; what is not told otherwise is looked at once in ten hours."""
    text = yaml.safe_dump(entries, sort_keys=False)
    installation = install(text, RATE_LIMIT="1000000 per minute", COLLECT_INTERVAL="36000", **env)
    fill(installation.env["DATABASE_URL"], entries)
    yield installation.start(timeout=120)
    installation.stop()


@contextmanager
def _opened(installation: Healthdeck, limit: int) -> Iterator[Any]:
    headers = {"Authorization": f"Bearer {installation.token('admin', '--minutes', '60')}"}
    yield aiohttp.ClientSession(
        installation.url, headers=headers, connector=aiohttp.TCPConnector(limit=limit)
    )


async def _warm(installation: Healthdeck, seconds: float, mixed: float) -> list[Row]:
    with _opened(installation, AT_ONCE) as opened:
        async with opened as client:
            names = _names(await _json(client, OVERVIEW))
            tenant = (await _json(client, f"{HEALTH}/vps/{names[0]}"))["tenants"][0]
            rows = []
            for what, path, aim in (
                ("overview", OVERVIEW, 10),
                ("a VPS", f"{HEALTH}/vps/{names[0]}", 20),
                ("a tenant", f"{HEALTH}/tenant/{tenant}", 20),
                ("dependencies", f"{HEALTH}/dependencies?service=backend", 20),
                ("history", HISTORY + names[0], 20),
                *((path.rpartition("/")[2], path, 20) for path in LISTS),
            ):
                if await _there(client, path):
                    took = await _open_loop(client, path, seconds)
                    rows.append(_p95(f"{what}, cached, {RATE} requests/s", took, aim))
    with _opened(installation, CONNECTIONS) as opened:
        async with opened as client:
            rows.insert(1, await _closed_loop(client, OVERVIEW, seconds))
            rows.append(await _mixed(client, names, mixed))
    return rows


async def _cold(installation: Healthdeck, store: redis.Redis) -> list[Row]:
    with _opened(installation, AT_ONCE) as opened:
        async with opened as client:
            names = _names(await _json(client, OVERVIEW))
            tenants = [
                (await _json(client, f"{HEALTH}/vps/{name}"))["tenants"][0] for name in names[:COLD]
            ]
            rows = []
            asked = [
                ("overview", [OVERVIEW] * COLD, "health:overview", 150),
                ("a VPS", [f"{HEALTH}/vps/{n}" for n in names[-COLD - 1 : -1]], "", 200),
                ("a tenant", [f"{HEALTH}/tenant/{n}" for n in tenants], "", 200),
                (
                    "dependencies",
                    [f"{HEALTH}/dependencies?service=backend"] * COLD,
                    "health:dependencies:backend",
                    200,
                ),
                ("history", [HISTORY + n for n in names[:COLD]], "", 200),
                *(
                    (
                        path.rpartition("/")[2],
                        [f"{path}?limit={99 - n}" for n in range(COLD)],
                        "",
                        200,
                    )
                    for path in LISTS
                ),
            ]
            for what, paths, key, aim in asked:
                if await _there(client, paths[-1]):
                    took = [await _after_delete(client, path, store, key) for path in paths[:-1]]
                    rows.append(_p95(f"{what}, cold", took, aim))
            rows.append(await _at_once(client, store))
    return rows


async def _after_delete(client: Client, path: str, store: redis.Redis, key: str) -> float:
    if key:
        await asyncio.to_thread(store.delete, key)
    began = time.perf_counter()
    await _read(client, path)
    return time.perf_counter() - began


async def _at_once(client: Client, store: redis.Redis) -> Row:
    """The writer may keep the body up to date meanwhile; that is no request."""
    await asyncio.gather(*(_read(client, "/healthz") for _ in range(AT_ONCE)))  # connect
    before = await _figure(client, "healthdeck_cache_bodies_total", read="overview", why="request")
    await asyncio.to_thread(store.delete, "health:overview")
    took = await asyncio.gather(*(_timed(client, OVERVIEW) for _ in range(AT_ONCE)))
    after = await _figure(client, "healthdeck_cache_bodies_total", read="overview", why="request")
    made = after - before
    return Row(
        f"overview, {AT_ONCE} at once on a cold key: computed, slowest",
        f"{made:.0f} times, {1000 * max(took):.0f} ms", "once", made <= 1,
    )  # fmt: skip


async def _open_loop(client: Client, path: str, seconds: float) -> list[float]:
    """Seconds from the moment at which each request was due: one that has to wait for another
    counts its waiting."""
    await _read(client, path)
    began = time.perf_counter()

    async def ask(number: int) -> float:
        due = began + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await _read(client, path)
        return time.perf_counter() - due

    return await asyncio.gather(*(ask(number) for number in range(int(RATE * seconds))))


async def _closed_loop(client: Client, path: str, seconds: float) -> Row:
    await _read(client, path)
    end = time.perf_counter() + seconds
    count = 0

    async def ask() -> None:
        nonlocal count
        while time.perf_counter() < end:
            await _read(client, path)
            count += 1

    await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    rate = count / seconds
    return Row(
        f"overview, {CONNECTIONS} connections", f"{rate:.0f} requests/s", ">= 500 requests/s",
        rate >= 500,
    )  # fmt: skip


async def _mixed(client: Client, names: Sequence[str], seconds: float) -> Row:
    before = await _hits(client)
    end = time.perf_counter() + seconds
    history = await _there(client, HISTORY + names[0])

    async def screen(number: int) -> None:
        turn, name, tenant = 0, "", ""
        await asyncio.sleep(number * EVERY / SCREENS)
        while time.perf_counter() < end:
            if turn % TURNS == 0:
                name = names[(number * 37 + turn) % (len(names) - 1)]
                tenant = (await _json(client, f"{HEALTH}/vps/{name}"))["tenants"][0]
            paths = [OVERVIEW, f"{HEALTH}/vps/{name}", f"{HEALTH}/tenant/{tenant}",
                     f"{HEALTH}/dependencies?service=backend"]  # fmt: skip
            for path in [*paths, *([HISTORY + name] if history else [])]:
                await _read(client, path)
            turn += 1
            await asyncio.sleep(EVERY)

    await asyncio.gather(*(screen(number) for number in range(SCREENS)))
    hits, misses = (a - b for a, b in zip(await _hits(client), before, strict=True))
    share = 100 * hits / (hits + misses)
    return Row(
        f"hit rate of {SCREENS} screens, {seconds:.0f} s",
        f"{share:.1f} % of {hits + misses:.0f}", ">= 95 %", share >= 95,
    )  # fmt: skip


async def _hits(client: Client) -> tuple[float, float]:
    name = "healthdeck_cache_requests_total"
    return await _figure(client, name, result="hit"), await _figure(client, name, result="miss")


async def _figure(client: Client, name: str, **labels: str) -> float:
    async with client.get("/metrics") as answer:
        text = await answer.text()
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


async def _timed(client: Client, path: str) -> float:
    began = time.perf_counter()
    await _read(client, path)
    return time.perf_counter() - began


async def _read(client: Client, path: str) -> bytes:
    async with client.get(path) as answer:
        data = await answer.read()
        assert answer.status == 200, f"{path}: {answer.status} {data[:200]!r}"
    return data


async def _there(client: Client, path: str) -> bool:
    async with client.get(path) as answer:
        await answer.read()
        return answer.status == 200


def _json(client: Client, path: str) -> Awaitable[Any]:
    async def read() -> Any:
        async with client.get(path) as answer:
            return await answer.json()

    return read()


def _names(overview: Any) -> list[str]:
    return [one["id"] for one in overview["vps"]]


def _p95(what: str, took: Sequence[float], aim: float) -> Row:
    p95 = 1000 * quantile(took, 0.95)
    return Row(f"{what}, p95", f"{p95:.1f} ms", f"<= {aim:g} ms", p95 <= aim)


def main() -> None:
    given = argparse.ArgumentParser(prog="python -m tests.bench.api", description=__doc__)
    given.add_argument("--seconds", type=float, default=10.0, help="seconds of each load (10)")
    given.add_argument("--mixed", type=float, default=600.0, help="seconds of the mixed run (600)")
    asked = given.parse_args()
    with installations() as install:
        print(table(api(install, asked.seconds, asked.mixed)), flush=True)


if __name__ == "__main__":
    main()
