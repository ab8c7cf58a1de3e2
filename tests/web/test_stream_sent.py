"""Whatever a client sends harms nobody but itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import socketio.packet
import websocket
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.container import Services
from tests.support.stream_site import Site
from tests.support.wait import eventually

EVENTS = [f"{verb}:{what}" for verb in ("subscribe", "unsubscribe") for what in
          ("vps", "tenant", "alerts")]  # fmt: skip
LIBRARY = ["connect", "disconnect", "connect_error", "message", "disconnecting"]
LEAVES = st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.binary()
VALUES = st.recursive(
    LEAVES | st.sampled_from(["vps-1", "acme", "_placeholder"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.sampled_from(["_placeholder", "num"]), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(EVENTS) | st.sampled_from(LIBRARY) | st.text() | VALUES
PACKETS = st.builds(
    lambda data, number, namespace: socketio.packet.Packet(
        socketio.packet.EVENT, data=data, id=number, namespace=namespace
    ).encode(),
    st.builds(lambda name, rest: [name, *rest], NAMES, st.lists(VALUES, max_size=3)) | VALUES,
    st.none() | st.integers(0, 10**6),
    st.sampled_from([None, "/", "/other"]),
)
TEXTS = st.text().map(lambda text: f"4{text}") | st.text() | st.binary()


@pytest.fixture
def here(server: Flask, services: Services) -> Iterator[Site]:
    site = Site(server, services)
    yield site
    site.close()


def parts(packet: Any) -> list[str | bytes]:
    found = packet if isinstance(packet, list) else [packet]
    return [one if isinstance(one, bytes) else f"4{one}" for one in found]


def test_any_packet_harms_nobody_but_its_sender(
    here: Site, caplog: pytest.LogCaptureFixture
) -> None:
    good = here.connect(here.token("acme"))
    good.ask("subscribe:vps", "vps-1")

    @settings(max_examples=60, deadline=None,
              suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
    @given(st.lists(PACKETS.map(parts) | TEXTS.map(lambda text: [text]), max_size=12))
    def sends(packets: list[list[str | bytes]]) -> None:
        bad = here.raw(here.token())
        with suppress(websocket.WebSocketException, OSError):  # it was put out already
            for packet in packets:
                for part in packet:
                    bad.send(part)
        assert good.ask("subscribe:alerts") == {"ok": True}
        bad.close()
        eventually(lambda: len(here.stream._listeners) == 1, 5, "the sender is forgotten", 0.01)

    sends()
    here.observe("vps-1")
    assert good.next()[1]["vpsId"] == "vps-1"
    assert good.next()[1]["seq"] == 2
    ours = [record for record in caplog.records if record.name != "werkzeug"]
    assert not [r for r in ours if r.levelno >= logging.ERROR or r.exc_info]


@pytest.mark.parametrize("name", LIBRARY)
def test_no_client_calls_the_transport_s_own_events(here: Site, name: str) -> None:
    good, bad = here.connect(here.token()), here.raw(here.token())
    bad.send(f'421["{name}",{{}},{{"token":"x"}}]')
    bad.send('422["subscribe:alerts"]')
    here.observe("vps-1")
    assert good.next()[0] == "health:update"
    assert len(here.stream._listeners) == 2
    assert {one.seq for one in here.stream._listeners.all()} <= {0, 1}


def test_a_second_introduction_makes_no_second_listener(here: Site) -> None:
    bad = here.raw(here.token())
    bad.send('40{"token":"another"}')
    bad.send("40")
    assert len(here.stream._listeners) == 1


def test_parts_that_never_come_are_not_waited_for(here: Site) -> None:
    good, bad = here.connect(here.token()), here.raw(here.token())
    bad.send('459999999999-["subscribe:vps",{"_placeholder":true,"num":0}]')
    for _ in range(50):
        bad.send(b"x" * 60_000)
    eventually(lambda: not here.stream._server._binary_packet, 5, "nothing is kept")
    assert good.ask("subscribe:alerts") == {"ok": True}


def test_answers_that_nobody_reads_are_not_kept_for_ever(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.web.stream.tending.MAX_QUEUE", 50)
    bad = here.raw(here.token())
    with suppress(websocket.WebSocketException, OSError):
        for number in range(100_000):
            bad.send(f'42{number}["subscribe:vps","{"x" * 500}"]')
            if not len(here.stream._listeners):
                break
    eventually(lambda: len(here.stream._listeners) == 0, 10, "it is put out")


def test_rubbish_by_polling_harms_nobody(here: Site) -> None:
    url = f"{here.url}/api/admin/health/stream/?EIO=4&transport=polling"
    good = here.connect(here.token())
    for text in (
        "x" * 70_000,
        "",
        "4",
        "42[]",
        '42["connect",{}]',
        "b!!!",
        "4\x1e4\x1e9",
        "4" + "[" * 5000,
    ):
        sid = httpx.get(url).text.split('"')[3]
        answer = httpx.post(f"{url}&sid={sid}", content=text)
        assert answer.status_code in (200, 400)
    assert good.ask("subscribe:alerts") == {"ok": True}
