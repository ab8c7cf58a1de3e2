"""Redis is killed in the middle of the load and comes back empty: nobody sees an error, limits and
the throttle of logins count on, and it is used again soon."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import httpx
import pytest
from redis import Redis

from tests.conftest import Installs
from tests.support import site
from tests.support.product import Healthdeck
from tests.support.stores import RedisServer
from tests.support.wait import eventually

THREADS = 8
#: Requests that each key may make; the window is longer than the test.
LIMIT = 400
PATHS = (
    "overview", "vps/vps-1", "vps/vps-2", "tenant/acme", "services", "vps?sort=-cpu", "tenants",
    "history?metric=cpu&timeRange=1h", "dependencies?service=api", "events", "sla",
)  # fmt: skip
FLEET = site.FLEET.replace(
    "source: {type: local},",
    "source: {type: local}, services: [{name: api, type: backend}],",
)


class Load:
    """Threads that ask without a pause, each with an API key of its own."""

    def __init__(self, installation: Healthdeck, keys: list[str]) -> None:
        self.statuses = [Counter[int]() for _ in keys]
        self._url = f"{installation.url}/api/admin/health/"
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(len(keys))
        self._runs = [
            self._pool.submit(self._run, key, seen)
            for key, seen in zip(keys, self.statuses, strict=True)
        ]

    def _run(self, key: str, seen: Counter[int]) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=self._url, headers=headers, timeout=20) as client:
            for path in cycle(PATHS):
                if self._stop.is_set():
                    return
                seen[client.get(path).status_code] += 1

    def reach(self, each: int) -> None:
        """Returns when every thread has had so many answers."""

        def reached() -> bool:
            for run in self._runs:
                if run.done():
                    run.result()
            return min(seen.total() for seen in self.statuses) >= each

        eventually(reached, 90, f"{each} answers for each of {THREADS} threads")

    def stop(self) -> None:
        self._stop.set()
        self._pool.shutdown()
        for run in self._runs:
            run.result()


@pytest.fixture
def installation(healthdeck: Installs, redis_server: RedisServer) -> Iterator[Healthdeck]:
    found = healthdeck(FLEET, REDIS_URL=redis_server.url, RATE_LIMIT=f"{LIMIT} per hour")
    found.create_user(site.NAME, site.PASSWORD)
    yield found.start()
    found.stop()


def keys_of(installation: Healthdeck, count: int) -> list[str]:
    with installation.client("super_admin", "--subject", "maker") as client:
        made = [
            client.post("/api/admin/api-keys", json={"name": f"key {n}", "role": "admin"})
            for n in range(count)
        ]
    return [answer.raise_for_status().json()["key"] for answer in made]


def tries(installation: Healthdeck, count: int, password: str = "a wrong password") -> list[int]:
    form = {"name": site.NAME, "password": password}
    headers = {"Origin": installation.url}
    return [
        httpx.post(f"{installation.url}/login", data=form, headers=headers, timeout=20).status_code
        for _ in range(count)
    ]


def reachable(watcher: httpx.Client) -> float:
    answer = watcher.get("/metrics")
    assert answer.status_code == 200, answer.text
    found = re.search(r"^healthdeck_cache_reachable (\S+)$", answer.text, re.MULTILINE)
    assert found
    return float(found[1])


@pytest.mark.timeout(240)
def test_redis_is_killed_under_load(installation: Healthdeck, redis_server: RedisServer) -> None:
    keys = keys_of(installation, THREADS + 1)
    watcher = installation.client("admin", "--subject", "watcher")
    load = Load(installation, keys[:THREADS])
    load.reach(LIMIT // 4)
    assert reachable(watcher) == 1
    with Redis.from_url(redis_server.url) as redis:
        assert redis.keys("healthdeck:limits*")
    logins = tries(installation, 4)

    redis_server.stop()
    eventually(lambda: reachable(watcher) == 0, 10, "the cache is told as away")
    logins += tries(installation, 3)
    load.reach(LIMIT // 2)

    redis_server.start()
    back = time.monotonic()
    fresh = {"Authorization": f"Bearer {keys[THREADS]}"}

    def used_again() -> bool:
        asked = httpx.get(f"{installation.url}/api/admin/health/overview", headers=fresh)
        assert asked.status_code == 200
        names = {key.decode().split(":")[0] for key in redis.keys("*")}
        limits = redis.keys("healthdeck:limits*")
        return reachable(watcher) == 1 and bool(limits) and bool(names - {"healthdeck"})

    with Redis.from_url(redis_server.url) as redis:
        eventually(used_again, 30, "Redis is used again", every=0.5)
        took = time.monotonic() - back
    logins += tries(installation, 3)
    logins += tries(installation, 1) + tries(installation, 1, site.PASSWORD)
    load.reach(LIMIT + 50)
    load.stop()

    total = sum(load.statuses, Counter[int]())
    sys.stdout.write(f"{total.total():,} requests: {total}; used again after {took:.1f} s\n")
    assert set(total) == {200, 429}, total
    assert [seen[200] for seen in load.statuses] == [LIMIT] * THREADS
    assert logins == [401] * 10 + [429, 429]
    assert "Traceback" not in installation.output()
    watcher.close()
