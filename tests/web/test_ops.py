"""Probes: is the process alive, can it do its work."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from services.container import Services
from services.observation import CheckResult, Status
from services.web.rest.ops import Readiness
from tests.support import site

FINE = CheckResult(Status.HEALTHY, "fine")


def test_the_process_is_alive_for_everybody(anonymous: FlaskClient) -> None:
    for path in ("/healthz", "/health/live"):
        answer = anonymous.get(path)
        assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


def test_ready_with_all_that_it_needs(anonymous: FlaskClient, services: Services) -> None:
    services.heartbeat.beat()
    for path in ("/readyz", "/health/ready"):
        answer = anonymous.get(path)
        assert answer.status_code == 200
        assert answer.get_json() == {
            "status": "ready",
            "checks": {name: {"status": "ok"} for name in ("database", "cache", "scheduler")},
        }


def test_not_ready_says_why_in_the_one_shape(services: Services) -> None:
    broken = CheckResult(
        Status.UNHEALTHY, "host=10.0.0.5 refused", evidence={"error": "OperationalError"}
    )
    late = CheckResult(Status.UNHEALTHY, "the scheduler has not run for 40 s")
    checks = {"database": lambda: broken, "cache": lambda: FINE, "scheduler": lambda: late}
    client = site.serve(replace(services, own_checks=checks)).test_client()
    answer = client.get("/readyz")
    body = answer.get_json()
    assert answer.status_code == 503
    assert (body["success"], body["errorCode"]) == (False, "UNAVAILABLE")
    assert body["requestId"] == answer.headers["X-Request-ID"]
    assert body["checks"]["database"]["reason"] == "the database does not answer"
    assert body["checks"]["cache"] == {"status": "ok"}
    assert body["checks"]["scheduler"]["reason"] == "the scheduler has not run for 40 s"
    assert len(body["details"]) == 2
    assert "10.0.0.5" not in answer.text


def test_a_database_that_is_gone_makes_it_unready_not_dead(
    anonymous: FlaskClient, services: Services
) -> None:
    file = services.settings.database_file
    assert file is not None
    services.database.close()
    file.parent.chmod(0o700)
    for part in file.parent.glob("test.db*"):
        part.unlink()
    file.mkdir()  # what stands there now is no database, and opening it fails
    answer = anonymous.get("/readyz")
    assert answer.status_code == 503
    assert "database" in answer.get_json()["details"][0]
    assert anonymous.get("/healthz").status_code == 200


def test_a_check_that_hangs_holds_nobody_up_and_is_not_started_twice() -> None:
    release, started = threading.Event(), []

    def hang() -> CheckResult:
        started.append(1)
        release.wait(20)
        return FINE

    readiness = Readiness(timeout=0.1, keep=0)
    begun = time.monotonic()
    for _ in range(3):
        found = readiness.look({"database": hang, "cache": lambda: FINE})
        assert found == {"database": "the database does not answer in time", "cache": None}
    assert time.monotonic() - begun < 5
    assert len(started) == 1
    release.set()
    deadline = time.monotonic() + 10
    while readiness.look({"database": hang})["database"] and time.monotonic() < deadline:
        pass
    assert readiness.look({"database": hang}) == {"database": None}


def test_however_many_ask_it_looks_once_a_second() -> None:
    looks: list[int] = []

    def look() -> CheckResult:
        looks.append(1)
        return FINE

    readiness = Readiness(keep=60)
    threads = [threading.Thread(target=readiness.look, args=({"a": look},)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(looks) == 1


@pytest.mark.parametrize("error", [RuntimeError("secret"), OSError("secret")])
def test_a_check_that_breaks_is_a_reason(error: Exception) -> None:
    def broken() -> CheckResult:
        raise error

    assert Readiness().look({"cache": broken}) == {"cache": "the cache cannot be checked"}
