"""Two Healthdecks on one PostgreSQL database: one leads, the other stands by and takes over."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import psycopg
import pytest

from services.web.leadership import KEY
from tests.conftest import Installs
from tests.support.product import Healthdeck
from tests.support.scenes import WEBHOOKS, mail, one_service
from tests.support.stores import PostgresServer
from tests.support.wait import eventually
from tests.support.web import LocalServer, health

#: Seconds within which somebody leads again, as promised; it should be about 5.
TAKES_OVER = 30.0
INTERVAL = 1.0

CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name LIKE 'healthdeck leader%' AND datname = current_database()"""
WAITS = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"

Installed = Callable[[], Healthdeck]


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def install(
    database: str, healthdeck: Installs, monitored: LocalServer, receiver: LocalServer
) -> Installed:
    """Installs Healthdeck on the one database; it watches a service and tells a receiver."""
    inventory = one_service(monitored, receiver, interval=INTERVAL)
    return lambda: healthdeck(inventory, DATABASE_URL=database, **WEBHOOKS)


def ready(one: Healthdeck) -> httpx.Response | None:
    try:
        return httpx.get(f"{one.url}/readyz", timeout=5)
    except httpx.TransportError:
        return None


def leads(one: Healthdeck) -> bool:
    return (answer := ready(one)) is not None and answer.status_code == 200


def stands_by(one: Healthdeck) -> bool:
    answer = ready(one)
    return answer is not None and "leads on this database" in answer.text


def one_leads(*several: Healthdeck, timeout: float = TAKES_OVER) -> Healthdeck:
    """The one that leads, as soon as all others stand by."""

    def found() -> list[Healthdeck]:
        leading = [one for one in several if leads(one)]
        rest = [one for one in several if one not in leading]
        return leading if len(leading) == 1 and all(map(stands_by, rest)) else []

    try:
        return eventually(found, timeout, "one leads, the others stand by")[0]
    except AssertionError as error:
        raise AssertionError("\n".join([str(error), *(one.output() for one in several)])) from None


def looks(service: LocalServer, more: int = 3) -> None:
    """Returns when the service was looked at some more times."""
    seen = len(service.requests)
    eventually(lambda: len(service.requests) >= seen + more, 20, "the service is looked at")


def test_two_started_at_once_tell_an_outage_once_and_one_goes_on_for_the_other(
    install: Installed, monitored: LocalServer, receiver: LocalServer
) -> None:
    first, second = install(), install()
    first.launch()
    second.launch()
    leader = one_leads(first, second, timeout=60)
    standby = second if leader is first else first
    assert leader.process
    assert f"process {leader.process.pid}, since 20" in standby.output()
    assert "standing by at" in standby.output()
    assert "Healthdeck is running at" not in standby.output()

    monitored.answer = health("error")
    (told,) = eventually(lambda: mail(receiver, "alert.fired"), 20, "the outage is told")
    looks(monitored)
    assert len(receiver.requests) == 1

    leader.kill()
    eventually(lambda: leads(standby), TAKES_OVER, "the standby takes over")
    assert "Healthdeck is running at" in standby.output()
    looks(monitored)
    with standby.client() as client:
        (alert,) = client.get("/api/admin/alerts").json()["alerts"]
    assert alert["id"] == told["id"]
    assert len(receiver.requests) == 1, "an alert that stands is told once"

    leader.launch()
    assert one_leads(first, second, timeout=60) is standby
    monitored.answer = health()
    (resolved,) = eventually(lambda: mail(receiver, "alert.resolved"), 20, "its end is told")
    assert resolved["id"] == told["id"]
    looks(monitored)
    assert len(receiver.requests) == 2
    assert "Traceback" not in first.output() + second.output()


def test_what_a_standby_answers(install: Installed) -> None:
    install().start()
    standby = install()
    standby.launch()
    eventually(lambda: stands_by(standby), 30, "it stands by")
    for path in ("/healthz", "/health/live"):
        answer = httpx.get(f"{standby.url}{path}")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    for method, path in (("GET", "/readyz"), ("POST", "/api/admin/alerts/x"), ("GET", "/")):
        answer = httpx.request(method, f"{standby.url}{path}", headers={"X-Request-ID": "ask-1"})
        body = answer.json()
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert body["success"] is False
        assert body["errorCode"] == "UNAVAILABLE"
        assert body["requestId"] == "ask-1"
        assert body["details"] == [
            "leader: another Healthdeck leads on this database; this one stands by"
        ]
    assert standby.stop() < 5
    assert standby.process
    assert standby.process.returncode == 0


def test_a_leader_that_ends_in_good_order_is_followed_at_once(install: Installed) -> None:
    first = install().start()
    second = install()
    second.launch()
    eventually(lambda: stands_by(second), 30, "it stands by")
    first.stop()
    eventually(lambda: leads(second), TAKES_OVER, "it takes over")


def test_a_leader_that_is_overtaken_stands_by_without_being_started_again(
    install: Installed, database: str, monitored: LocalServer, receiver: LocalServer
) -> None:
    one = install().start()
    with (
        psycopg.connect(database, autocommit=True) as admin,
        psycopg.connect(database, autocommit=True) as quicker,
        ThreadPoolExecutor(1) as pool,
    ):
        has = pool.submit(quicker.execute, "SELECT pg_advisory_lock(%s)", (KEY,))
        eventually(lambda: admin.execute(WAITS).fetchone(), 10, "it waits for the lock")
        admin.execute(CUT)
        has.result(10)
        eventually(lambda: stands_by(one), 20, "it stands by")
        seen = len(monitored.requests)
        monitored.answer = health("error")
        assert "stops leading at once" in one.output()
        assert len(monitored.requests) <= seen + 1
        assert receiver.requests == []
    eventually(lambda: leads(one), TAKES_OVER, "it leads again")
    eventually(lambda: mail(receiver, "alert.fired"), 20, "the outage is told")
    assert one.process
    assert one.process.poll() is None


def test_a_worker_that_dies_leaves_one_leader(
    install: Installed, monitored: LocalServer, receiver: LocalServer
) -> None:
    first = install().start()
    second = install()
    second.launch()
    eventually(lambda: stands_by(second), 30, "it stands by")
    monitored.answer = health("error")
    eventually(lambda: mail(receiver, "alert.fired"), 20, "the outage is told")
    assert first.process
    (worker,) = psutil.Process(first.process.pid).children()
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait(10)
    one_leads(first, second)
    looks(monitored)
    assert len(receiver.requests) == 1
