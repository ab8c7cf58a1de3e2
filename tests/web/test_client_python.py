"""The Python client against servers that misbehave: retries, errors, and what it keeps secret."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from healthdeck_client import (
    ConnectionFailed,
    Healthdeck,
    InvalidToken,
    NotFound,
    RateLimited,
    Unavailable,
    UnexpectedAnswer,
)
from healthdeck_client.patience import Patience, seconds
from tests.support.wait import free_port
from tests.support.web import Answer, LocalServer, Request

TOKEN = "hd_a-secret-that-nobody-may-read"
Serving = Callable[[Any], LocalServer]


def error(status: int, code: str, **headers: str) -> Answer:
    body = {"success": False, "error": "in plain words", "errorCode": code, "requestId": "r-1",
            "details": [{"field": "limit"}]}  # fmt: skip
    return Answer(status, body, {name.replace("_", "-"): one for name, one in headers.items()})


class Slept:
    """Sleeps that take no time and are noted."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def patience(self, attempts: int = 4, seconds: float = 90) -> Patience:
        return Patience(attempts, seconds, self.seconds.append)


@pytest.fixture
def slept() -> Slept:
    return Slept()


@pytest.fixture
def scripted(
    serving: Serving, slept: Slept
) -> Iterator[Callable[..., tuple[Healthdeck, LocalServer]]]:
    """A client of a server that gives these answers, the last one for ever."""
    decks: list[Healthdeck] = []

    def start(*answers: Answer, **more: Any) -> tuple[Healthdeck, LocalServer]:
        left = list(answers)
        server = serving(lambda _: left.pop(0) if len(left) > 1 else left[0])
        decks.append(Healthdeck(server.url, TOKEN, patience=slept.patience(**more)))
        return decks[-1], server

    yield start
    for deck in decks:
        deck.close()


Scripted = Callable[..., tuple[Healthdeck, LocalServer]]
OK = Answer(200, {"alerts": [], "nextCursor": None})


@pytest.mark.parametrize(("status", "code"), [(429, "RATE_LIMIT_EXCEEDED"), (503, "UNAVAILABLE")])
def test_it_asks_again_when_the_server_says(
    scripted: Scripted, slept: Slept, status: int, code: str
) -> None:
    busy = error(status, code, Retry_After="7")
    deck, server = scripted(busy, busy, OK)
    assert deck.list_alerts() == {"alerts": [], "nextCursor": None}
    assert slept.seconds == [7, 7]
    assert len(server.requests) == 3
    assert {one.headers["authorization"] for one in server.requests} == {f"Bearer {TOKEN}"}


def test_without_a_word_of_when_it_waits_a_little_and_gives_up(
    scripted: Scripted, slept: Slept
) -> None:
    deck, server = scripted(error(503, "UNAVAILABLE"))
    with pytest.raises(Unavailable) as raised:
        deck.list_alerts()
    assert len(server.requests) == 4
    assert all(0 <= one <= 10 for one in slept.seconds)
    assert len(slept.seconds) == 3
    assert (raised.value.code, raised.value.status, raised.value.request_id) == (
        "UNAVAILABLE", 503, "r-1"
    )  # fmt: skip
    assert raised.value.details == [{"field": "limit"}]
    assert str(raised.value) == "in plain words (UNAVAILABLE, request r-1)"


def test_who_should_wait_beyond_his_patience_is_told_at_once(
    scripted: Scripted, slept: Slept
) -> None:
    deck, server = scripted(error(429, "RATE_LIMIT_EXCEEDED", Retry_After="600"))
    with pytest.raises(RateLimited) as raised:
        deck.list_alerts()
    assert raised.value.retry_after == 600
    assert (len(server.requests), slept.seconds) == (1, [])


@pytest.mark.parametrize("status", [400, 401, 404, 409, 500, 502])
def test_nothing_else_is_tried_again(scripted: Scripted, slept: Slept, status: int) -> None:
    deck, server = scripted(error(status, "SOME_CODE", Retry_After="1"))
    with pytest.raises(Exception, match="in plain words"):
        deck.list_alerts()
    assert (len(server.requests), slept.seconds) == (1, [])


def test_a_post_keeps_its_key_over_the_tries_and_no_other_has_it(
    scripted: Scripted,
) -> None:
    deck, server = scripted(error(503, "UNAVAILABLE", Retry_After="1"), Answer(200, {"id": "a"}))
    deck.acknowledge_alert("a", {"note": "on it"})
    deck.acknowledge_alert("a")
    deck.acknowledge_alert("a", idempotency_key="mine")
    keys = [one.headers["idempotency-key"] for one in server.requests]
    assert keys[0] == keys[1]
    assert len({*keys}) == 3
    assert keys[-1] == "mine"
    assert [one.body for one in server.requests][:3] == [b'{"note":"on it"}'] * 2 + [b""]
    deck.list_alerts()
    assert "idempotency-key" not in server.requests[-1].headers


def test_a_probe_is_asked_once(scripted: Scripted, slept: Slept) -> None:
    deck, server = scripted(error(503, "UNAVAILABLE", Retry_After="1"))
    with pytest.raises(Unavailable):
        deck.get_readiness()
    assert (len(server.requests), slept.seconds) == (1, [])


def test_a_moment_is_a_time_to_wait_too() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 27 <= (seconds(soon) or 0) <= 30
    assert seconds("Thu, 20 Nov 2025 10:30:00 GMT") == 0
    assert [seconds(text) for text in ("12", None, "", "soon", "-3")] == [
        12,
        None,
        None,
        None,
        None,
    ]


# What is sent


def test_filters_stand_in_the_query_as_the_server_reads_them(scripted: Scripted) -> None:
    deck, server = scripted(OK)
    deck.list_alerts(status="active")
    deck.list_alerts()
    assert [urlsplit(one.path).query for one in server.requests] == ["status=active", ""]


def test_an_id_never_leads_elsewhere(scripted: Scripted) -> None:
    deck, server = scripted(error(404, "NOT_FOUND"))
    for wrong in ("", ".", ".."):
        with pytest.raises(ValueError, match="an id is needed"):
            deck.get_vps_health(wrong)
    assert server.requests == []
    for odd in ("a/../b", "a?b=c", "a#b", "ü", "%2e"):
        with pytest.raises(NotFound):
            deck.get_vps_health(odd)
        assert server.requests[-1].path.startswith("/api/admin/health/vps/")
        assert not set("/?#") & set(server.requests[-1].path.removeprefix("/api/admin/health/vps/"))


def test_below_a_sub_path_everything_is(serving: Serving) -> None:
    server = serving(OK)
    with Healthdeck(f"{server.url}/healthdeck/", TOKEN) as deck:
        deck.list_alerts()
    assert server.requests[0].path == "/healthdeck/api/admin/alerts"


def test_pages_are_asked_for_as_they_are_needed(serving: Serving) -> None:
    pages = {None: (["a", "b"], "2"), "2": (["c"], "3"), "3": ([], "4"), "4": (["d"], None)}

    def answer(request: Request) -> Answer:
        asked = parse_qs(urlsplit(request.path).query)
        assert asked["limit"] == ["2"]
        names, after = pages[asked.get("cursor", [None])[0]]
        return Answer(200, {"users": [{"name": name} for name in names], "nextCursor": after})

    server = serving(answer)
    with Healthdeck(server.url, TOKEN) as deck:
        users = deck.iterate_users(limit=2)
        assert next(users)["name"] == "a"
        assert len(server.requests) == 1
        assert [user["name"] for user in users] == ["b", "c", "d"]
        assert len(server.requests) == 4


def test_the_token_may_change_while_it_runs(serving: Serving) -> None:
    server = serving(OK)
    tokens = iter(["first", "second"])
    with Healthdeck(server.url, lambda: next(tokens)) as deck:
        deck.list_alerts()
        deck.list_alerts()
    sent = [one.headers["authorization"] for one in server.requests]
    assert sent == ["Bearer first", "Bearer second"]


# What goes wrong


def test_what_is_not_ours_is_told_so(scripted: Scripted) -> None:
    html = {"Content-Type": "text/html"}
    deck, _ = scripted(Answer(200, b"<h1>Welcome</h1>", html))
    with pytest.raises(UnexpectedAnswer, match="no JSON"):
        deck.list_alerts()
    deck, _ = scripted(Answer(301, b"", {"Location": "https://elsewhere.example/"}))
    with pytest.raises(UnexpectedAnswer, match=r"301.*https"):
        deck.list_alerts()
    deck, server = scripted(Answer(503, b"<h1>Busy</h1>", {**html, "Retry-After": "2"}), OK)
    assert deck.list_alerts() == {"alerts": [], "nextCursor": None}
    assert len(server.requests) == 2


def test_nobody_there_is_a_clear_error() -> None:
    with (
        Healthdeck(f"http://127.0.0.1:{free_port()}", TOKEN) as deck,
        pytest.raises(ConnectionFailed, match="does not answer"),
    ):
        deck.get_health_overview()
    with (
        Healthdeck(f"http://127.0.0.1:{free_port()}", TOKEN) as deck,
        pytest.raises(ConnectionFailed, match="does not answer"),
    ):
        next(deck.stream())


@pytest.mark.parametrize(
    "url", ["healthdeck.example", "ftp://x", "https://", "https://u:p@x", "https://x/?a=1", ""]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url must"):
        Healthdeck(url, TOKEN)


def test_no_secret_is_shown(scripted: Scripted) -> None:
    deck, _ = scripted(error(401, "INVALID_TOKEN"))
    shown = [repr(deck), str(deck), repr(vars(deck)), repr(deck.stream(alerts=True))]
    with pytest.raises(InvalidToken) as raised:
        deck.list_alerts()
    one: BaseException | None = raised.value
    while one is not None:
        shown += [str(one), repr(one), repr(vars(one)), repr(one.args)]
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    for wrong in (f"{TOKEN}\n{TOKEN}", f"{TOKEN}ü", f"{TOKEN} {TOKEN}", ""):
        with pytest.raises(ValueError, match="token") as refused:
            Healthdeck("https://x.example", wrong)
        shown += [str(refused.value), repr(refused.value)]
    with Healthdeck(f"http://127.0.0.1:{free_port()}", TOKEN) as alone:
        for call in (alone.list_alerts, lambda: next(alone.stream())):
            with pytest.raises(ConnectionFailed) as failed:
                call()
            shown += [str(failed.value), repr(failed.value), repr(vars(failed.value))]
    assert [text for text in shown if TOKEN in text] == []


# Downloads


@pytest.fixture
def broken() -> Iterator[str]:
    """A server that breaks off in the middle of its answer."""
    listening = socket.create_server(("127.0.0.1", 0))
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nstart\r\n"

    def serve() -> None:
        for _ in range(2):
            peer, _ = listening.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(head)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    thread.join(5)
    listening.close()


def test_a_file_that_breaks_off_is_no_file(broken: str, tmp_path: Path) -> None:
    target = tmp_path / "export.csv"
    target.write_text("of yesterday", encoding="utf-8")
    with Healthdeck(broken, TOKEN) as deck:
        pieces = []
        with pytest.raises(ConnectionFailed, match="broke off"):
            pieces += list(deck.export_health_metrics(format="csv"))
        with pytest.raises(ConnectionFailed, match="broke off"):
            deck.export_health_metrics(format="csv").save(target)
    assert target.read_text(encoding="utf-8") == "of yesterday"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_is_written_while_it_comes(serving: Serving, tmp_path: Path) -> None:
    text = json.dumps(["x" * 1000] * 1000).encode()
    server = serving(Answer(200, text, {"Content-Disposition": 'attachment; filename="e.json"'}))
    with Healthdeck(server.url, TOKEN) as deck:
        export = deck.export_health_metrics(vps_id=["vps-1", "vps-2"], time_range="7d")
        assert server.requests == []
        assert export.save(tmp_path / "e.json") == len(text)
        assert export.name == "e.json"
    assert (tmp_path / "e.json").read_bytes() == text
    assert urlsplit(server.requests[0].path).query == "timeRange=7d&vpsId=vps-1&vpsId=vps-2"
