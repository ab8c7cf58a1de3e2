"""The stream: who gets in, who gets what, how often, and how it ends."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import jwt
import pytest
from flask import Flask

from services.container import Services
from services.events import AlertChanged, InAppMessage
from services.identity import Principal
from services.web.stream import tending, wire
from tests.support import site
from tests.support.stream_site import PLACES, Site
from tests.support.wait import eventually, stays


@pytest.fixture
def here(server: Flask, services: Services) -> Iterator[Site]:
    site = Site(server, services)
    yield site
    site.close()


# Who gets in


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_token_opens_a_socket_in_auth_or_header(here: Site, transport: str) -> None:
    by_auth = here.connect(here.token(), transports=(transport,))
    by_header = here.connect(Authorization=f"Bearer {here.token()}", transports=(transport,))
    assert by_auth.connected
    assert by_header.connected
    assert by_auth.ask("subscribe:alerts") == {"ok": True}


def test_refusals_name_their_reason(here: Site) -> None:
    secret = here.services.settings.jwt_secret
    now = int(time.time())
    visitor = jwt.encode({"sub": "v", "iat": now, "exp": now + 60, "role": "guest"}, secret)
    expired = jwt.encode({"sub": "v", "iat": 1, "exp": 2, "role": "admin"}, secret)
    assert here.connect().refused == "Authentication failed"
    assert here.connect("no token at all").refused == "Authentication failed"
    assert here.connect(expired).refused == "Authentication failed"
    assert here.connect(visitor).refused == "Insufficient permissions"
    assert here.connect(Authorization="Basic dXNlcjpwYXNz").refused == "Authentication failed"


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_session_needs_a_page_that_may_use_it(here: Site, transport: str) -> None:
    cookie = f"healthdeck={here.cookie()}"

    def connects(**headers: str) -> bool:
        return here.connect(Cookie=cookie, transports=(transport,), **headers).connected

    assert connects(Origin=here.url)
    assert connects(Origin=site.PORTAL)
    assert connects(Referer=f"{here.url}/health")
    assert not connects(Origin="https://evil.example")
    assert not connects(Referer="https://evil.example/page")
    assert not connects(Origin="null")
    assert not connects()


def test_a_stranger_s_page_cannot_use_a_token_either(here: Site) -> None:
    assert not here.connect(here.token(), Origin="https://evil.example").connected


def test_beyond_the_places_a_socket_is_refused_until_one_leaves(here: Site) -> None:
    clients = [here.connect(here.token()) for _ in range(PLACES)]
    assert all(client.connected for client in clients)
    refused = here.connect(here.token())
    assert "Too many connections" in str(refused.refused)
    clients[0].close()
    eventually(lambda: here.connect(here.token()).connected, 5, "the free place is given away")


def test_a_connection_brings_no_event_of_its_own(here: Site) -> None:
    assert here.connect(here.token()).within(0.5) == []


def test_a_request_that_is_no_socket_gets_the_shape_of_errors(here: Site) -> None:
    for query in ("", "?EIO=4&transport=carrier-pigeon", "?EIO=4&transport=polling&sid=nobody"):
        answer = httpx.get(f"{here.url}/api/admin/health/stream/{query}")
        assert answer.status_code == 400
        assert set(answer.json()) == {"success", "error", "errorCode", "requestId", "details"}


# What can be subscribed to


def test_subscriptions_are_acknowledged(here: Site) -> None:
    client = here.connect(here.token())
    assert client.ask("subscribe:vps", "vps-1") == {"ok": True}
    assert client.ask("unsubscribe:vps", "vps-1") == {"ok": True}
    assert client.ask("subscribe:alerts") == {"ok": True}
    assert client.ask("unsubscribe:alerts") == {"ok": True}
    for event, *payload in (
        ("subscribe:vps", "vps-9"),
        ("subscribe:vps",),
        ("subscribe:vps", 7),
        ("subscribe:vps", {"id": "vps-1"}),
        ("subscribe:vps", ["vps-1"], "more", None),
        ("subscribe:vps", "../vps-1"),
        ("subscribe:vps", b"vps-1"),
        ("unsubscribe:vps", None),
        ("subscribe:tenant", "nobody"),
        ("subscribe:tenant", 1.5),
    ):
        answer = client.ask(event, *payload)
        assert answer["ok"] is False
        assert isinstance(answer["error"], str)
    assert client.connected


def test_a_limited_caller_cannot_tell_a_hidden_vps_from_none(here: Site) -> None:
    client = here.connect(here.token("acme"))
    assert client.ask("subscribe:vps", "vps-1") == {"ok": True}
    assert client.ask("subscribe:vps", "vps-2") == client.ask("subscribe:vps", "vps-9")


def test_bytes_that_are_no_socket_io_harm_nobody(
    here: Site, caplog: pytest.LogCaptureFixture
) -> None:
    good = here.connect(here.token())
    for text in ("x", "4", "4x", "42", "42[]", '42["subscribe:vps"', '42{"a":1}', "9", "40/x,",
                 '451-["a",{"_placeholder":true,"num":0}]', "4" + "[" * 5000, '43["a"]', "44{}",
                 "42" + '["subscribe:vps",' * 500, b"\x00\xff", "\x00"):  # fmt: skip
        bad = here.raw(here.token())
        bad.send(text)
        bad.close()
    big = here.raw(here.token())
    big.send("4" * (wire.MAX_MESSAGE + 10))
    assert big.closed(5)
    assert good.ask("subscribe:vps", "vps-1") == {"ok": True}
    ours = [record for record in caplog.records if record.name != "werkzeug"]
    assert not [r for r in ours if r.levelno >= logging.ERROR or r.exc_info]


# Who gets what


def test_a_change_reaches_the_subscribers_of_a_vps_and_everybody(here: Site) -> None:
    subscriber, other = here.connect(here.token()), here.connect(here.token())
    subscriber.ask("subscribe:vps", "vps-1")
    subscriber.ask("subscribe:vps", "vps-2")
    began = time.monotonic()
    here.observe("vps-1", "vps-1/postgres")
    name, body = subscriber.next()
    assert time.monotonic() - began < 1
    assert (name, body["vpsId"], body["seq"]) == ("health:update", "vps-1", 1)
    assert body["system"]["cpu"].keys() == {"usage", "cores"}
    name, body = subscriber.next()
    assert (name, body["seq"]) == ("health:update", 2)
    assert body["overall"].keys() >= {"status", "score", "uptime", "lastUpdate"}
    assert body["timestamp"].endswith("Z")
    assert "vpsId" not in body
    assert [body["seq"] for _, body in other.within(0.5)] == [1]
    assert subscriber.within(0.2) == []


def test_after_unsubscribing_only_the_overview_comes(here: Site) -> None:
    client = here.connect(here.token())
    client.ask("subscribe:vps", "vps-1")
    client.ask("unsubscribe:vps", "vps-1")
    here.observe("vps-1")
    assert ["vpsId" in body for _, body in client.within(0.5)] == [False]


def test_the_overview_comes_at_once_and_then_once_a_second(here: Site) -> None:
    client = here.connect(here.token())
    arrivals: list[float] = []
    began = time.monotonic()

    def flood() -> bool:
        here.observe("vps-1")
        arrivals.extend(time.monotonic() for _ in client.within(0.01))
        return True

    stays(flood, 2.5, "changes", every=0.01)
    assert arrivals[0] - began < 0.5
    assert len(arrivals) == 3
    assert all(b - a > 0.8 for a, b in itertools.pairwise(arrivals))
    assert len(client.within(1.5)) == 1  # the last change is not lost


def test_a_limited_caller_hears_of_nothing_else(here: Site) -> None:
    limited, everything = here.connect(here.token("acme")), here.connect(here.token())
    limited.ask("subscribe:alerts")
    everything.ask("subscribe:alerts")
    here.observe("vps-2")
    here.services.bus.publish(AlertChanged(here.alert("hidden", "vps-2"), "alert.fired"))
    names = {name for name, _ in everything.within(1.5)}
    assert names == {"health:update", "alert:new"}
    assert limited.within(0.2) == []
    here.observe("vps-1")
    name, body = limited.next()
    assert name == "health:update"
    assert [vps["id"] for vps in body["vps"]] == ["vps-1"]
    assert body["activeAlerts"] == 0


def test_alerts_reach_their_subscribers_once(here: Site) -> None:
    client, other = here.connect(here.token()), here.connect(here.token())
    client.ask("subscribe:alerts")
    client.ask("subscribe:alerts")
    client.ask("subscribe:vps", "vps-1")
    here.alert("a1")
    here.services.bus.publish(AlertChanged("a1", "alert.fired"))
    here.services.bus.publish(AlertChanged("a1", "alert.acknowledged"))
    here.services.bus.publish(AlertChanged("nobody", "alert.fired"))
    got = [(name, body["id"]) for name, body in client.within(1.5) if name.startswith("alert")]
    assert got == [("alert:new", "a1"), ("alert:update", "a1")]
    assert {name for name, _ in other.within(0.1)} == {"health:update"}


def test_a_notice_reaches_every_browser(here: Site) -> None:
    first, second, script = here.browser(), here.browser(), here.connect(here.token())
    here.services.bus.publish(
        InAppMessage("n1", None, "channel.troubled", "warning", "CPU", "CPU is high", 1_763_894_400)
    )
    for client in (first, second):
        name, body = client.next()
        assert name == "notice"
        assert body == {
            "seq": 1, "id": "n1", "alertId": None, "event": "channel.troubled",
            "severity": "warning", "title": "CPU", "text": "CPU is high",
            "sentAt": "2025-11-23T10:40:00.000Z",
        }  # fmt: skip
    assert script.within(0.3) == []


def test_a_failing_reader_does_not_end_the_stream(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = here.connect(here.token())
    with monkeypatch.context() as patch:
        patch.setattr(here.services.read.kept, "overview", _fail)
        here.observe("vps-1")
        assert client.within(0.5) == []
    here.observe("vps-1")
    assert client.next()[0] == "health:update"


def _fail(*_: object, **__: object) -> None:
    raise OSError("the database is away")


def test_nothing_is_computed_while_nobody_listens(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()
    monkeypatch.setattr(here.services.read.kept, "overview", lambda *_, **__: asked.set())
    here.observe("vps-1")
    assert not asked.wait(0.5)


# How it ends


def test_a_logout_closes_the_sockets_of_that_session_alone(here: Site) -> None:
    cookie = here.cookie()
    mine = here.connect(Cookie=f"healthdeck={cookie}", Origin=here.url)
    other = here.browser()
    assert mine.connected
    here.services.identity.log_out(cookie)
    assert mine.gone.wait(3)
    assert not other.gone.is_set()
    assert here.connect(Cookie=f"healthdeck={cookie}", Origin=here.url).refused


def test_the_end_of_a_token_closes_its_sockets(here: Site) -> None:
    client = here.connect(here.token(minutes=2.5 / 60))
    assert client.connected
    assert client.gone.wait(6)


def test_a_changed_role_closes_sockets(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tending, "RECHECK", 0.2)
    client = here.browser()
    identity = here.services.identity
    before = identity.authenticate_session

    def demoted(cookie: str) -> Principal | None:
        principal = before(cookie)
        return principal and replace(principal, role="admin")

    monkeypatch.setattr(identity, "authenticate_session", demoted)
    assert client.gone.wait(5)


def test_who_does_not_say_who_he_is_must_go(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tending, "HELLO", 0.3)
    assert here.raw().closed(5)


def test_who_is_silent_must_go(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "SILENCE", 0.5)
    assert here.raw(here.token()).closed(5)


def test_who_reads_nothing_is_dropped_and_holds_nobody_up(here: Site) -> None:
    slow = here.raw(cookie=f"healthdeck={here.cookie()}")
    good = here.connect(here.token())
    good.ask("subscribe:vps", "vps-1")
    publish: Callable[[Any], None] = here.services.bus.publish
    text = "x" * 100_000
    slowest = 0.0
    for _ in range(400):
        began = time.monotonic()
        publish(InAppMessage("n1", None, "alert.fired", "info", "news", text, 0.0))
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 0.5
    here.observe("vps-1")
    assert good.next(10)[1]["vpsId"] == "vps-1"
    assert slow.closed(5)
    eventually(lambda: len(here.stream._listeners) == 1, 5, "the slow client is forgotten")


def test_closing_says_goodbye_and_lets_nobody_in(here: Site) -> None:
    clients = [here.connect(here.token()), here.connect(here.token(), transports=("polling",))]
    assert all(client.connected for client in clients)
    here.stream.close()
    assert all(client.gone.wait(5) for client in clients)
    assert not here.connect(here.token()).connected
    answer = httpx.get(f"{here.url}/api/admin/health/stream/?EIO=4&transport=polling")
    assert answer.status_code == 503
    assert answer.json()["errorCode"] == "UNAVAILABLE"
    eventually(lambda: not here.stream._wires, 5, "every connection is gone")
