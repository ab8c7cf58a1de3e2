"""What the http check can be told to expect, and the formats of bodies and framings it meets."""

from __future__ import annotations

import asyncio
import json

import pytest

from services.collect.checks import open_context
from services.collect.checks.http import probe
from services.inventory.schema import HttpCheck
from services.observation import CheckResult, Status
from tests.support.check_peers import look, saying, serving

H, D, U = Status.HEALTHY, Status.DEGRADED, Status.UNHEALTHY

BODY = {"status": "ok", "queue": {"depth": 3, "names": ["a", "b"]}, "a.b": True, "gone": None}


def answer(body=b"", code="200 OK", kind="application/json", headers=""):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {code}\r\nContent-Type: {kind}\r\nContent-Length: {len(raw)}\r\n{headers}\r\n"
    return saying(head.encode() + raw)


def seen(talk, path="/", timeout=3.0, **options) -> CheckResult:
    def check(port: int) -> HttpCheck:
        return HttpCheck.model_validate({"url": f"http://127.0.0.1:{port}{path}", **options})

    return look(check, talk, timeout=timeout)


@pytest.mark.parametrize(
    ("expected", "code", "status", "words"),
    [
        ([404], "404 No", H, "answered 404"),
        ([401, 403], "403 No", H, "answered 403"),
        ([204], "200 OK", U, "answered 200 where 204 was expected"),
        ([200, 204], "503 No", U, "says that it is unavailable (503)"),
        ([302], "302 Found", H, "answered 302"),
    ],
)
def test_the_expected_status(expected, code, status, words):
    result = seen(answer(code=code, headers="Location: /elsewhere\r\n"), status=expected)
    assert (result.status, result.message) == (status, words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"header": {"x-app": "BACK"}}, None),
        ({"header": {"X-App": "front"}},
         "the header X-App is 'backend' and does not contain 'front'"),
        ({"header": {"X-None": "a"}}, "the answer has no header X-None"),
        ({"text": '"depth": 3'}, None),
        ({"text": "depth: 4"}, "the answer does not contain 'depth: 4'"),
        ({"json": {"queue.depth": 3, "queue.names.1": "b", "a.b": True, "gone": None}}, None),
        ({"json": {"queue.depth": 3.0}}, None),
        ({"json": {"queue.depth": "3"}}, "queue.depth is 3; expected '3'"),
        ({"json": {"a.b": 1}}, "a.b is true; expected 1"),
        ({"json": {"queue": "full"}}, "queue is an object; expected 'full'"),
        ({"json": {"queue.names.2": "c"}}, "the answer has no queue.names.2; expected 'c'"),
        ({"json": {"status": "fine"}, "text": "nowhere"},
         "the answer does not contain 'nowhere'; status is 'ok'; expected 'fine'"),
    ],
)  # fmt: skip
def test_what_the_answer_must_hold(options, words):
    result = seen(answer(BODY, headers="X-App: backend\r\n"), **options)
    if words is None:
        assert result.status is H, result.message
    else:
        assert (result.status, result.message) == (U, words)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b"NaN",
        b'{"a": NaN}',
    ],
)
def test_json_that_is_none_is_told(body):
    result = seen(answer(body), json={"a": 1})
    assert result.status is U
    assert result.message in (
        "the answer is not JSON", "the answer has no a; expected 1", "a is NaN; expected 1",
    )  # fmt: skip


def test_json_beyond_the_limit_is_told():
    result = seen(answer(b'{"a": "' + b"x" * 2**20 + b'"}'), json={"a": "x"})
    assert (result.status, result.message) == (
        U, "the answer is longer than 1 MiB, too long for its JSON to be read",
    )  # fmt: skip


def test_expectations_of_ones_own_replace_the_one_of_a_report_but_a_report_is_believed():
    assert seen(answer(b"pong", kind="text/html"), "/health", text="pong").status is H
    assert seen(answer(b"<html>", kind="text/html"), "/health").status is D
    assert seen(answer({"status": "degraded"}), "/health", text="degraded").status is D
    told = seen(answer({"status": "error", "services": {"db": "down"}}), "/health", text="absent")
    assert (told.status, told.message) == (U, "reports error: db is unhealthy")


class Recorder:
    """Answers in order, and keeps the requests."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answers.pop(0))
        await writer.drain()
        await reader.read()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_head_and_headers_of_ones_own():
    peer = Recorder(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")
    headers = {"authorization": "Bearer abc", "User-Agent": "me", "Host": "api.example"}
    assert seen(peer, "/health", method="HEAD", requestHeaders=headers).status is H
    request = peer.requests[0].decode()
    assert request.startswith("HEAD /health HTTP/1.1\r\n")
    for line in ("authorization: Bearer abc", "User-Agent: me", "Host: api.example"):
        assert f"\r\n{line}\r\n" in request
    assert request.lower().count("user-agent:") == request.lower().count("host:") == 1


def test_secret_headers_do_not_follow_to_another_address():
    async def go() -> tuple[Recorder, Recorder]:
        there = Recorder(OK)
        async with serving(there) as other:
            moved = f"HTTP/1.1 302 No\r\nLocation: http://127.0.0.1:{other}/\r\n\r\n".encode()
            here = Recorder(b"HTTP/1.1 307 No\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", moved)
            async with serving(here) as port, open_context() as context:
                check = HttpCheck.model_validate(
                    {
                        "url": f"http://me:pass@127.0.0.1:{port}/a",
                        "requestHeaders": {"X-Key": "secret"},
                    }
                )
                result = await probe(check, 3, context)
        assert result.status is H
        assert "pass" not in str(result.evidence)
        return here, there

    here, there = asyncio.run(go())
    assert b"X-Key: secret" in here.requests[0]
    assert b"Authorization: Basic bWU6cGFzcw==" in here.requests[0]
    assert b"X-Key: secret" in here.requests[1]
    assert b"secret" not in there.requests[0]
    assert b"Authorization" not in there.requests[0]


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("why", "raw", "words"),
    [
        ("chunked", CHUNKED + b'7;x=y\r\n{"statu\r\n8\r\ns":"ok"}\r\n0\r\nTrailer: 1\r\n\r\n',
         "reports ok"),
        ("interim answers first", b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + OK,
         "answered 200"),
        ("no reason", b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "answered 200"),
        ("bare line feeds", b"HTTP/1.0 200 OK\nContent-Length: 2\n\nok", "answered 200"),
        ("the same length twice", b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
         "answered 200"),
    ],
)  # fmt: skip
def test_framings(why, raw, words):
    assert seen(saying(raw)).message == words, why


@pytest.mark.parametrize(
    "raw",
    [
        CHUNKED + b"zz\r\n",
        CHUNKED + b"-1\r\n",
        CHUNKED + b"2\r\nokk\r\n0\r\n\r\n",
        CHUNKED + b"1" * 5000,
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"\xff\xfe\x00",
    ],
)
def test_what_is_not_http(raw):
    result = seen(saying(raw), timeout=1)
    assert result.status is U
    assert result.message.endswith("answered something that is not HTTP")


def test_a_chunked_body_that_breaks_off():
    async def talk(_reader, writer) -> None:
        writer.write(CHUNKED + b"5\r\nhello\r\n5\r\nhe")
        writer.close()
        await writer.wait_closed()

    assert seen(talk).message == "the answer broke off after 5 bytes"


SPRING = {
    "status": "DOWN",
    "components": {
        "db": {"status": "DOWN", "details": {"error": "java.sql.SQLException: refused"}},
        "diskSpace": {"status": "UP", "details": {"total": 1, "free": 1}},
        "ping": {"status": "UP"},
    },
}


def test_a_report_in_each_format_over_the_wire():
    result = seen(answer(SPRING, "503 No"), "/actuator/health")
    assert result.status is U
    assert result.message == (
        "says that it is unavailable (503): db is unhealthy (java.sql.SQLException: refused)"
    )
    assert dict(result.parts) == {"db": U, "diskspace": H, "ping": H}
    assert seen(answer(b"Degraded", kind="text/plain"), "/anything").status is D
    assert seen(answer({"status": "warn"}, kind="application/health+json"), "/").status is D


def test_a_page_at_a_health_address_will_do_when_its_status_is_the_expected_one():
    page = answer(b"<html>", "404 No", "text/html")
    assert seen(page, "/health", status=[404]).status is H
