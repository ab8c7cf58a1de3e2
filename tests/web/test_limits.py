"""How many requests a caller may make, with Redis and without."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from limits import parse_many
from redis import Redis

from services.container import Services
from services.errors import ConfigurationError
from services.settings import load
from services.web import counts
from services.web.counts import Counts
from services.web.throttle import LIMIT
from tests.support import callers, site
from tests.support.stores import RedisServer
from tests.support.wait import eventually

OVERVIEW = "/api/admin/health/vps/vps-1"
SECRETS = {"SECRET_KEY": "s" * 40, "JWT_SECRET": "j" * 40}
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def redis_server(redis_server: RedisServer) -> RedisServer:
    """One that knows of no counts."""
    redis_server.stop()
    redis_server.start()
    return redis_server


def client_of(
    folder: Path, empty: Path, rate: str, **settings: object
) -> tuple[Services, FlaskClient]:
    services = site.build(folder, empty, rate_limit=rate, **settings)
    services.identity.create_user(site.NAME, site.PASSWORD, "super_admin")
    return services, callers.serve(services).test_client()


def test_the_61st_request_of_a_minute_is_refused(services: Services) -> None:
    client, headers = callers.serve(services).test_client(), site.bearer(services)
    began = time.time()
    for left in range(59, -1, -1):
        answer = client.get(OVERVIEW, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["X-RateLimit-Limit"] == "60"
        assert answer.headers["X-RateLimit-Remaining"] == str(left)
        assert "Retry-After" not in answer.headers
    assert began + 59 <= int(answer.headers["X-RateLimit-Reset"]) <= time.time() + 62
    refused = client.get(OVERVIEW, headers=headers)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    body = refused.get_json()
    assert (body["success"], body["error"], body["errorCode"]) == (
        False, "Too many health check requests", "RATE_LIMIT_EXCEEDED",
    )  # fmt: skip
    assert set(body) == {"success", "error", "errorCode", "requestId", "details"}
    assert client.get(OVERVIEW, headers=site.bearer(services, "super_admin")).status_code == 429
    other = {"Authorization": f"Bearer {services.identity.issue_token('admin', 'other', 5)}"}
    assert client.get(OVERVIEW, headers=other).status_code == 200


def test_each_kind_of_caller_has_a_limit_of_its_own(tmp_path: Path, empty_file: Path) -> None:
    services, client = client_of(tmp_path, empty_file, "3 per minute")
    assert site.post_login(client).status_code == 303
    for _ in range(5):
        for probe in ("/healthz", "/health/live"):
            assert client.get(probe).status_code == 200
        assert client.get("/nowhere", headers={"Accept": "text/html"}).status_code == 404
        with client.get("/assets/login.css") as file:
            assert file.status_code == 200
            assert "X-RateLimit-Limit" not in file.headers
    assert [client.get(OVERVIEW).status_code for _ in range(4)] == [200, 200, 200, 429]
    page = client.get("/nowhere", headers={"Accept": "text/html"})
    assert page.headers["X-RateLimit-Limit"] == "600"
    agent = client.post("/api/agent/v1/report", headers={"Authorization": "Bearer hda_x"})
    assert (agent.status_code, agent.headers["X-RateLimit-Limit"]) == (401, "1200")
    services.database.close()


def test_who_is_refused_is_counted_by_address(tmp_path: Path, empty_file: Path) -> None:
    services, client = client_of(tmp_path, empty_file, "3 per minute")
    wrong = {"Authorization": "Bearer hd_wrong"}
    found = [client.get(OVERVIEW, headers=wrong).status_code for _ in range(4)]
    assert found == [401, 401, 401, 429]
    refused = client.get(OVERVIEW)
    assert refused.get_json()["errorCode"] == "RATE_LIMIT_EXCEEDED"
    assert int(refused.headers["Retry-After"]) > 0
    assert client.get(OVERVIEW, environ_base=ELSEWHERE).status_code == 401
    assert client.get(OVERVIEW, headers=site.bearer(services)).status_code == 200
    services.database.close()


def test_the_addresses_of_one_network_are_one(tmp_path: Path, empty_file: Path) -> None:
    services, client = client_of(tmp_path, empty_file, "2 per minute")
    for last, status in (("1", 401), ("2:3", 401), ("4", 429)):
        home = {"REMOTE_ADDR": f"2001:db8:1:2::{last}"}
        assert client.get(OVERVIEW, environ_base=home).status_code == status
    other = {"REMOTE_ADDR": "2001:db8:1:3::1"}
    assert client.get(OVERVIEW, environ_base=other).status_code == 401
    services.database.close()


def test_limits_are_shared_by_redis_and_outlive_a_process(
    tmp_path: Path, empty_file: Path, redis_server: RedisServer
) -> None:
    services, client = client_of(tmp_path, empty_file, "4 per minute", redis_url=redis_server.url)
    headers = site.bearer(services)
    other = callers.serve(services).test_client()
    found = [one.get(OVERVIEW, headers=headers).status_code for one in (client, other) * 3]
    assert found == [200, 200, 200, 200, 429, 429]
    for _ in range(LIMIT):
        assert site.post_login(client, password="wrong password").status_code == 401
    again = callers.serve(services).test_client()
    assert site.post_login(again).status_code == 429
    services.database.close()


def test_without_redis_limits_hold_and_nobody_sees_an_error(
    tmp_path: Path, empty_file: Path, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "RETRY_SECONDS", 0.2)
    services, client = client_of(tmp_path, empty_file, "8 per minute", redis_url=redis_server.url)
    headers = site.bearer(services)
    tries = [site.post_login(client, password="wrong password").status_code for _ in range(5)]
    found = [client.get(OVERVIEW, headers=headers).status_code for _ in range(3)]
    redis_server.stop()
    found += [client.get(OVERVIEW, headers=headers).status_code for _ in range(3)]
    tries += [site.post_login(client, password="wrong password").status_code for _ in range(6)]
    redis_server.start()  # empty: what was counted before is known here alone
    found += [client.get(OVERVIEW, headers=headers).status_code for _ in range(4)]
    assert found == [200] * 8 + [429, 429]
    assert tries == [401] * 10 + [429]

    def counted() -> bool:
        assert client.get(OVERVIEW, headers=headers).status_code == 429
        return bool(Redis.from_url(redis_server.url).keys("healthdeck:limits*script*"))

    eventually(counted, 10, "limits are counted in Redis again")
    services.database.close()


def test_a_redis_that_never_was_there_harms_nobody(tmp_path: Path, empty_file: Path) -> None:
    services, client = client_of(
        tmp_path, empty_file, "2 per minute", redis_url="redis://127.0.0.1:9/0"
    )
    headers = site.bearer(services)
    found = [client.get(OVERVIEW, headers=headers).status_code for _ in range(3)]
    assert found == [200, 200, 429]
    services.database.close()


def test_redis_is_asked_again_after_a_while_and_by_one_at_a_time(redis_server: RedisServer) -> None:
    clock = Clock()
    store = Counts(redis_url=redis_server.url, monotonic=clock)
    other = Counts(redis_url=redis_server.url)
    key = f"test-{time.monotonic_ns()}"
    assert (store.incr(key, 60), other.incr(key, 60)) == (1, 2)
    redis_server.stop()
    assert store.incr(key, 60) == 2  # its own two; the other's is not known
    redis_server.start()
    clock.now = counts.RETRY_SECONDS - 0.1
    assert store.incr(key, 60) == 3
    assert other.get(key) == 2
    clock.now = counts.RETRY_SECONDS + 0.1
    assert store.incr(key, 60) == 4
    assert Redis.from_url(redis_server.url).get(f"healthdeck:limits:{key}") == b"1"


@pytest.mark.parametrize(
    ("text", "rate"),
    [("60 per minute", "60 per minute"), ("5/second", "5/second"), ("10 PER  hour", "10 per hour"),
     ("10 per second;300 per minute", "10 per second; 300 per minute"), ("9/day", "9/day")],
)  # fmt: skip
def test_a_rate_is_read(text: str, rate: str) -> None:
    found = load({"DATABASE_URL": "postgresql://h/d", **SECRETS, "RATE_LIMIT": text}).rate_limit
    assert found == rate
    assert len(parse_many(found)) == text.count(";") + 1


@pytest.mark.parametrize(
    "text", ["60", "0 per minute", "-1/minute", "lots", "60 per week", ";", "1 / s"]
)
def test_a_wrong_rate_stops_the_start(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({"DATABASE_URL": "postgresql://h/d", **SECRETS, "RATE_LIMIT": text})
    (line,) = caught.value.details
    assert line.startswith("RATE_LIMIT: ")
    assert "write it as 60 per minute" in line


def test_a_window_ends() -> None:
    clock = Clock()
    store = Counts(clock=clock)
    assert [store.incr("a", 60), store.incr("a", 60)] == [1, 2]
    assert store.get_expiry("a") == 60
    clock.now = 60
    assert (store.get("a"), store.incr("a", 60), store.get_expiry("a")) == (0, 1, 120)
    store.clear("a")
    assert store.get("a") == 0
    assert store.check()
