"""The dns check against name servers that answer, lie, cut off and keep silent."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collect.checks import dns, open_context
from services.collect.checks.dns_message import BadMessage, answers, parse, question
from services.inventory.schema import DnsCheck
from services.observation import CheckResult, Status
from tests.support.check_peers import refused_port

H, D, U, X = Status.HEALTHY, Status.DEGRADED, Status.UNHEALTHY, Status.UNKNOWN

Reply = Callable[[bytes], list[bytes]]


def name(text: str) -> bytes:
    return b"".join(bytes((len(p),)) + p.encode() for p in text.split(".")) + b"\0"


def record(owner: bytes, kind: int, data: bytes) -> bytes:
    return owner + struct.pack("!2HIH", kind, 1, 60, len(data)) + data


HERE = b"\xc0\x0c"  # the name that was asked for


def reply(*records: bytes, code: int = 0, flags: int = 0x8180, change: int = 0) -> Reply:
    def make(asked: bytes) -> list[bytes]:
        number = struct.unpack("!H", asked[:2])[0] ^ change
        head = struct.pack("!6H", number, flags | code, 1, len(records), 0, 0)
        return [head + asked[12:] + b"".join(records)]

    return make


class _NameServer(asyncio.DatagramProtocol):
    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.asked: list[bytes] = []

    def connection_made(self, transport) -> None:
        self._transport = transport

    def datagram_received(self, data, addr) -> None:
        self.asked.append(data)
        for message in self._reply(data):
            self._transport.sendto(message, addr)


def seen(over_udp: Reply, over_tcp: Reply | None = None, timeout=2.0, **options) -> CheckResult:
    async def go() -> CheckResult:
        loop = asyncio.get_running_loop()

        async def talk(reader, writer) -> None:
            size = int.from_bytes(await reader.readexactly(2), "big")
            asked = await reader.readexactly(size)
            for message in over_tcp(asked) if over_tcp else []:
                writer.write(len(message).to_bytes(2, "big") + message)
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        udp, _ = await loop.create_datagram_endpoint(
            lambda: _NameServer(over_udp), local_addr=("127.0.0.1", port)
        )
        try:
            async with open_context() as context:
                settings = {"name": "app.example", "server": f"127.0.0.1:{port}", **options}
                return await dns.probe(DnsCheck.model_validate(settings), timeout, context)
        finally:
            udp.close()
            server.close()
            await server.wait_closed()

    return asyncio.run(go())


A1 = record(HERE, 1, bytes((10, 0, 0, 1)))
A2 = record(HERE, 1, bytes((10, 0, 0, 2)))


@pytest.mark.parametrize(
    ("records", "options", "status", "words"),
    [
        ([A1], {}, H, "app.example is 10.0.0.1"),
        ([A1, A2], {"expect": ["10.0.0.2", "10.0.0.1"]}, H, "app.example is 10.0.0.1, 10.0.0.2"),
        ([A1], {"expect": ["10.0.0.9"]}, U, "app.example is 10.0.0.1; expected 10.0.0.9"),
        ([A1, A2], {"expect": ["10.0.0.1"]}, D,
         "app.example is 10.0.0.1, 10.0.0.2; 10.0.0.2 was not expected"),
        ([record(HERE, 28, bytes(15) + b"\1")], {"record": "AAAA", "expect": ["0:0::1"]}, H,
         "app.example is ::1"),
        ([record(HERE, 5, name("Web.Example")), record(name("web.example"), 1, b"\x0a\0\0\1")],
         {}, H, "app.example is 10.0.0.1"),
        ([record(name("evil.example"), 1, b"\x0a\0\0\1")], {}, U, "app.example has no A record"),
        ([record(HERE, 5, name("web.example"))], {"record": "CNAME", "expect": ["WEB.example."]},
         H, "app.example is web.example"),
        ([record(HERE, 15, b"\0\x0a" + name("mx.example"))],
         {"record": "MX", "expect": ["mx.example"]}, H, "app.example is 10 mx.example"),
        ([record(HERE, 15, b"\0\x0a" + name("mx.example"))],
         {"record": "MX", "expect": ["20 mx.example"]}, U,
         "app.example is 10 mx.example; expected 20 mx.example"),
        ([record(HERE, 16, b"\4v=sp\2f1")], {"record": "TXT", "expect": ["v=spf1"]}, H,
         "app.example is v=spf1"),
        ([], {}, U, "app.example has no A record"),
    ],
)  # fmt: skip
def test_what_an_answer_means(records, options, status, words):
    result = seen(reply(*records), **options)
    assert result.status is status
    assert result.message.startswith(words)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (3, "the name app.example does not exist, says 127.0.0.1:"),
        (2, "could not find out (SERVFAIL)"),
        (5, "refuses to answer us (REFUSED)"),
        (9, "answered with the error 9"),
    ],
)
def test_no_answer_but_a_verdict(code, words):
    result = seen(reply(code=code))
    assert result.status is U
    assert words in result.message


def test_an_answer_that_is_cut_off_is_asked_for_over_tcp():
    many = [record(HERE, 1, bytes((10, 0, n // 256, n % 256))) for n in range(200)]
    result = seen(reply(flags=0x8380), reply(*many))
    assert result.status is H
    assert result.message.endswith("10.0.0.4 and 195 more")
    assert seen(reply(flags=0x8380), reply(*many, change=1)).message.endswith("is not DNS")
    assert seen(reply(flags=0x8380)).message.endswith("is not DNS")


def test_messages_that_answer_another_question_do_not_count():
    def forged_first(asked: bytes) -> list[bytes]:
        other = asked[:12] + name("other.example") + asked[-4:]
        lies = record(HERE, 1, b"\x06\x06\x06\x06")
        return [
            *reply(lies, change=0x5555)(asked),
            *reply(lies)(other),
            asked,
            b"",
            *reply(A1)(asked),
        ]

    assert seen(forged_first).message == "app.example is 10.0.0.1"


def test_a_lost_question_is_asked_again(monkeypatch):
    monkeypatch.setattr(dns, "ASK_AGAIN", 0.05)
    heard: list[bytes] = []

    def deaf_at_first(asked: bytes) -> list[bytes]:
        heard.append(asked)
        return reply(A1)(asked) if len(heard) == 3 else []

    assert seen(deaf_at_first).status is H


def test_silence_refusal_and_junk():
    result = seen(lambda _: [], timeout=0.2)
    assert result.message.endswith("did not answer within 0.2 s")
    result = seen(lambda _: [b"x" * 40], timeout=0.2)
    assert result.message.endswith("did not answer within 0.2 s")
    cut = seen(lambda asked: [reply(A1)(asked)[0][:-2]])
    assert cut.message.endswith("answered something that is not DNS")

    async def go(port: int) -> CheckResult:
        async with open_context() as context:
            check = DnsCheck(name="app.example", server=f"127.0.0.1:{port}")
            return await dns.probe(check, 2, context)

    with refused_port() as port:
        assert asyncio.run(go(port)).message == f"connection refused by 127.0.0.1:{port}"


def test_the_machines_own_name_server(monkeypatch, tmp_path):
    file = tmp_path / "resolv.conf"
    monkeypatch.setattr(dns, "RESOLVER_FILE", file)
    assert dns.machine_server() is None
    file.write_text("# one\nsearch x\nnameserver junk\nnameserver 10.9.8.7\nnameserver 10.9.8.6\n")
    assert str(dns.machine_server()) == "10.9.8.7:53"
    file.write_text("nameserver\n")

    async def go() -> CheckResult:
        async with open_context() as context:
            return await dns.probe(DnsCheck(name="app.example"), 1, context)

    result = asyncio.run(go())
    assert result.status is X
    assert "names no name server" in result.message


@settings(max_examples=100, deadline=None)
@given(tail=st.binary(max_size=80), count=st.integers(0, 65535))
def test_nothing_a_name_server_sends_raises_anything_else(tail, count):
    asked = question("app.example", "A", 7)
    message = struct.pack("!6H", 7, 0x8180, 1, count, 0, 0) + asked[12:] + tail
    assert answers(message, asked)
    with contextlib.suppress(BadMessage):
        parse(message, asked)


@pytest.mark.parametrize("bad", ["a..b", "a" * 64 + ".example", ".".join(["a" * 60] * 5)])
def test_what_is_no_name_cannot_be_asked_for(bad):
    with pytest.raises(ValueError, match="has"):
        question(bad, "A", 1)
