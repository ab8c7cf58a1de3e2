"""The Python client and Healthdeck as an operator runs it."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from healthdeck_client import (
    AlertRaised,
    AuthenticationFailed,
    AuthenticationRequired,
    Conflict,
    Healthdeck,
    InsufficientPermissions,
    InvalidToken,
    Missed,
    NotFound,
    Stream,
    ValidationError,
    VPSChanged,
)
from tests.support.product import Healthdeck as Installation
from tests.support.scenes import WEBHOOKS, one_service
from tests.support.wait import eventually
from tests.support.web import LocalServer, health


class Place:
    """An installation with one server, one tenant and one service, and clients of it."""

    def __init__(self, folder: Path) -> None:
        self.service = LocalServer(health())
        self._receiver = LocalServer(health())
        self.installation = Installation(
            folder,
            one_service(self.service, self._receiver, interval=1),
            {**WEBHOOKS, "RATE_LIMIT": "6000 per minute"},
        )

    @property
    def url(self) -> str:
        return self.installation.url

    def token(self, seconds: float, role: str = "admin") -> str:
        """A JWT that ends so many seconds from now."""
        now = time.time()
        claims = {"sub": "t", "role": role, "iat": now - 60, "exp": now + seconds}
        return jwt.encode(claims, self.installation.env["JWT_SECRET"])

    def close(self) -> None:
        self.installation.kill()
        self.service.close()
        self._receiver.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("client"))
    try:
        place.installation.start()
        with Healthdeck(place.url, place.token(60)) as deck:
            eventually(
                lambda: deck.get_vps_health("vps-1")["services"][0]["status"] == "healthy",
                20, "the service is seen",
            )  # fmt: skip
        yield place
    finally:
        place.close()


@pytest.fixture
def deck(place: Place) -> Iterator[Healthdeck]:
    with Healthdeck(place.url, place.token(300)) as deck:
        yield deck


@pytest.fixture
def chief(place: Place) -> Iterator[Healthdeck]:
    with Healthdeck(place.url, place.token(300, "super_admin")) as deck:
        yield deck


def test_it_reads_what_is_there(deck: Healthdeck) -> None:
    overview = deck.get_health_overview()
    assert [vps["id"] for vps in overview["vps"]] == ["vps-1"]
    assert overview["services"]["backend"]["instances"] == 1
    assert deck.get_tenant_health("tenant-acme")["organizationName"] == "ACME Corp"
    assert deck.get_service_dependencies("backend-api")["service"] == "backend-api"
    history = deck.get_health_history(metric="cpu", time_range="1h", vps_id=["vps-1"])
    assert (history["metric"], history["timeRange"]) == ("cpu", "1h")
    services = list(deck.iterate_services(limit=1))
    assert len(services) == deck.list_services()["total"] > 1
    assert "backend-api" in {row["name"] for row in services}
    assert deck.get_openapi()["openapi"].startswith("3.1")
    assert "healthdeck_" in deck.get_metrics()
    assert deck.get_liveness() == {"status": "ok"}


def test_errors_are_the_server_s(deck: Healthdeck, place: Place) -> None:
    with pytest.raises(NotFound) as missing:
        deck.get_vps_health("vps-9")
    assert (missing.value.code, missing.value.status) == ("NOT_FOUND", 404)
    assert "vps-9" in missing.value.message
    assert missing.value.request_id
    with pytest.raises(ValidationError, match="timeRange"):
        deck.get_health_history(time_range="yesterday")
    with pytest.raises(ValidationError) as wrong:
        deck.list_services(limit=0)
    assert wrong.value.details[0]["field"] == "limit"
    with pytest.raises(InsufficientPermissions):
        deck.list_users()
    with Healthdeck(place.url) as nobody, pytest.raises(AuthenticationRequired):
        nobody.get_health_overview()
    with Healthdeck(place.url, place.token(-30)) as late, pytest.raises(InvalidToken) as ended:
        late.get_health_overview()
    assert ended.value.code == "INVALID_TOKEN"


def test_a_change_is_made_once_and_lists_come_page_by_page(chief: Healthdeck) -> None:
    new: Any = {"name": "ada", "password": "a password that is long", "role": "admin"}
    made = chief.create_user(new, idempotency_key="the-same")
    assert chief.create_user(new, idempotency_key="the-same") == made
    with pytest.raises(Conflict):
        chief.create_user(new)
    for name in ("bob", "cleo"):
        other: Any = {**new, "name": name}
        chief.create_user(other)
    assert len(chief.list_users(limit=2)["users"]) == 2
    assert [user["name"] for user in chief.iterate_users(limit=2)] == ["ada", "bob", "cleo"]
    assert chief.change_user(made["id"], {"role": "admin"})["role"] == "admin"
    chief.delete_user(made["id"])
    assert [user["name"] for user in chief.iterate_users()] == ["bob", "cleo"]


def test_an_export_is_saved(deck: Healthdeck, tmp_path: Path) -> None:
    export = deck.export_health_metrics(format="csv", time_range="1h", metric=["cpu"])
    size = export.save(tmp_path / "cpu.csv")
    assert size == (tmp_path / "cpu.csv").stat().st_size
    assert export.name.endswith(".csv")
    with (tmp_path / "cpu.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.reader(file))) > 1


def until(stream: Stream, kind: type, wanted: Any = None, timeout: float = 30) -> Any:
    """The next event of a kind that fulfils something; events before it are passed over."""
    deadline = time.monotonic() + timeout
    while True:
        event = stream.next(max(0.0, deadline - time.monotonic()))
        assert event is not None, f"the stream ended without a {kind.__name__}"
        if isinstance(event, kind) and (wanted is None or wanted(event)):
            return event


def failed(event: VPSChanged) -> bool:
    return event.body["services"][0]["status"] == "unhealthy"


def test_the_stream_tells_what_happens(place: Place, deck: Healthdeck) -> None:
    with deck.stream(vps=["vps-1"], alerts=True) as stream:
        place.service.stop()
        try:
            alert = until(stream, AlertRaised)
            assert alert.body["ruleId"] == "backend-down"
            assert deck.acknowledge_alert(alert.body["id"])["status"] == "acknowledged"
            assert until(stream, VPSChanged, failed).vps_id == "vps-1"
        finally:
            place.service.start()
        until(stream, VPSChanged, lambda event: not failed(event))
    changes = deck.iterate_health_events(limit=1, target="vps-1/backend-api")
    assert [change["status"] for change in changes][:2] == ["healthy", "unhealthy"]


def test_the_stream_says_no_to_who_may_not_hear(place: Place) -> None:
    with (
        Healthdeck(place.url, place.token(-30)) as late,
        pytest.raises(AuthenticationFailed, match="Authentication failed"),
    ):
        next(late.stream())
    with Healthdeck(place.url, place.token(300)) as deck, pytest.raises(ValidationError):
        next(deck.stream(vps=["vps-9"]))


def test_the_stream_ends_with_its_token_or_goes_on_with_the_next(place: Place) -> None:
    with (
        Healthdeck(place.url, place.token(4)) as short,
        pytest.raises(AuthenticationFailed, match="Authentication failed"),
    ):
        for event in short.stream():
            assert not isinstance(event, Missed)
    tokens = iter([place.token(3), place.token(300)])
    with Healthdeck(place.url, lambda: next(tokens)) as renewed, renewed.stream() as stream:
        assert until(stream, Missed).reason == "reconnected"


def test_the_stream_outlives_a_restart_of_the_server(place: Place, deck: Healthdeck) -> None:
    """Last in this file."""
    with deck.stream(vps=["vps-1"]) as stream:
        until(stream, VPSChanged)
        place.installation.restart()
        assert until(stream, Missed).reason == "reconnected"
        until(stream, VPSChanged)
