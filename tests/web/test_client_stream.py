"""The Python client's stream against a small Socket.IO server that leaves out, floods and dies."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import socketio
from werkzeug.serving import make_server

from healthdeck_client import (
    AuthenticationFailed,
    ConnectionFailed,
    Healthdeck,
    Missed,
    OverviewChanged,
    TenantChanged,
    Unavailable,
    Unknown,
    ValidationError,
    VPSChanged,
)
from healthdeck_client import stream as stream_module
from tests.support.wait import eventually


class Hub:
    """A server of the stream's protocol without anything behind it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.tokens: list[Any] = []
        self.refuse: str | None = None
        self.sids: list[str] = []
        self._io = socketio.Server(async_mode="threading", cors_allowed_origins=[])
        self._io.on("connect", self._connect)
        for name in ("subscribe:vps", "subscribe:tenant", "subscribe:alerts"):
            self._io.on(name, self._answer(name))
        app = socketio.WSGIApp(self._io, socketio_path="api/admin/health/stream")
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def _connect(self, sid: str, _environ: Any, auth: Any = None) -> None:
        self.tokens.append(auth and auth["token"])
        if self.refuse:
            raise socketio.exceptions.ConnectionRefusedError(self.refuse)
        self.sids.append(sid)

    def _answer(self, name: str) -> Any:
        def answer(_sid: str, *payload: Any) -> dict[str, Any]:
            self.asked.append((name, *payload))
            if "nowhere" in payload:
                return {"ok": False, "error": "there is no such VPS"}
            return {"ok": True}

        return answer

    def send(self, name: str, **body: Any) -> None:
        self._io.emit(name, body, to=self.sids[-1])

    def put_out(self) -> None:
        self._io.disconnect(self.sids[-1])

    def close(self) -> None:
        for sid in self.sids:
            self._io.disconnect(sid)
        self._io.shutdown()
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()


@pytest.fixture
def there() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.close()


@pytest.fixture
def deck(there: Hub) -> Iterator[Healthdeck]:
    with Healthdeck(there.url, "a-token") as deck:
        yield deck


def test_events_have_their_kinds(there: Hub, deck: Healthdeck) -> None:
    with deck.stream(vps=["vps-1"], tenants=["acme"], alerts=True) as stream:
        assert there.asked == [
            ("subscribe:vps", "vps-1"), ("subscribe:tenant", "acme"), ("subscribe:alerts",)
        ]  # fmt: skip
        assert there.tokens == ["a-token"]
        there.send("health:update", seq=1, overall={"status": "healthy"})
        there.send("health:update", seq=2, vpsId="vps-1")
        there.send("health:update", seq=3, vpsId="vps-1", tenantId="acme")
        there.send("something:new", seq=4, a=1)
        assert [stream.next(5) for _ in range(4)] == [
            OverviewChanged(1, {"overall": {"status": "healthy"}}),  # type: ignore[typeddict-item]
            VPSChanged(2, "vps-1", {"vpsId": "vps-1"}),  # type: ignore[typeddict-item]
            TenantChanged(3, "acme", {"vpsId": "vps-1", "tenantId": "acme"}),  # type: ignore[typeddict-item]
            Unknown(4, "something:new", {"a": 1}),
        ]
        with pytest.raises(TimeoutError):
            stream.next(0.05)


def test_what_was_left_out_is_told(there: Hub, deck: Healthdeck) -> None:
    with deck.stream() as stream:
        there.send("a", seq=3)
        there.send("a", seq=4)
        there.send("a", seq=6)
        assert [stream.next(5) for _ in range(5)] == [
            Missed("gap", 2), Unknown(3, "a", {}), Unknown(4, "a", {}), Missed("gap", 1),
            Unknown(6, "a", {}),
        ]  # fmt: skip


def test_a_flood_keeps_its_order(there: Hub, deck: Healthdeck) -> None:
    """More than may wait: what does not fit is not read before there is room."""
    count = 3000

    def flood() -> None:
        for n in range(1, count + 1):
            there.send("a", seq=n)

    with deck.stream() as stream:
        sender = threading.Thread(target=flood)
        sender.start()
        got = [stream.next(10) for _ in range(count)]
        sender.join(10)
    assert got == [Unknown(n, "a", {}) for n in range(1, count + 1)]


def test_a_broken_connection_is_made_again(
    there: Hub, deck: Healthdeck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "FIRST_PAUSE", 0.01)
    with deck.stream(vps=["vps-1"]) as stream:
        there.send("a", seq=1)
        assert stream.next(5) == Unknown(1, "a", {})
        there.refuse = "Too many connections: all 4 places are taken; try later"
        there.put_out()
        came: list[Any] = []
        reader = threading.Thread(target=lambda: came.extend([stream.next(10), stream.next(10)]))
        reader.start()
        eventually(lambda: len(there.tokens) >= 3, 5, "it tries again although refused")
        there.refuse = None
        eventually(lambda: len(there.asked) == 2, 5, "it subscribes again")
        there.send("a", seq=1)
        reader.join(10)
        assert came == [Missed("reconnected"), Unknown(1, "a", {})]


def test_a_token_that_is_no_longer_taken_ends_it(there: Hub, deck: Healthdeck) -> None:
    with deck.stream() as stream:
        there.refuse = "Authentication failed"
        there.put_out()
        with pytest.raises(AuthenticationFailed, match="Authentication failed"):
            stream.next(10)


def test_without_reconnecting_the_end_is_an_error(there: Hub, deck: Healthdeck) -> None:
    with deck.stream(reconnect=False) as stream:
        there.put_out()
        with pytest.raises(ConnectionFailed, match="has ended"):
            stream.next(10)


def test_the_first_connection_fails_at_once(there: Hub, deck: Healthdeck) -> None:
    there.refuse = "Too many connections: all 4 places are taken; try later"
    with pytest.raises(Unavailable, match="Too many connections"):
        next(deck.stream())
    there.refuse = None
    with pytest.raises(ValidationError, match="subscribe:vps nowhere: there is no such VPS"):
        next(deck.stream(vps=["nowhere"]))


def test_the_token_is_in_no_log(
    there: Hub, deck: Healthdeck, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with deck.stream() as stream:
        there.send("a", seq=1)
        assert stream.next(5) == Unknown(1, "a", {})
    assert there.tokens == ["a-token"]
    assert "a-token" not in caplog.text


def test_who_waits_is_told_that_it_was_closed(there: Hub, deck: Healthdeck) -> None:
    stream = deck.stream()
    heard: list[Any] = []
    reader = threading.Thread(target=lambda: heard.extend(stream))
    reader.start()
    eventually(lambda: there.sids, 5, "it is connected")
    there.send("a", seq=1)
    eventually(lambda: heard, 5, "it hears")
    stream.close()
    reader.join(5)
    assert not reader.is_alive()
    assert heard == [Unknown(1, "a", {})]
    assert list(stream) == []
