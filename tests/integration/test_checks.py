"""The checks against real servers on the loopback: those that answer, and those that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import ssl
import subprocess
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from services.collect import checks
from services.collect.checks import http, open_context, probe, tcp
from services.inventory.schema import (
    DnsCheck,
    HttpCheck,
    PostgresCheck,
    RedisCheck,
    S3Check,
    SmtpCheck,
    TcpCheck,
    TlsCheck,
)
from services.observation import CheckResult, Status
from tests.support import check_peers

H, D, U, X = Status.HEALTHY, Status.DEGRADED, Status.UNHEALTHY, Status.UNKNOWN
MIB = 1024 * 1024
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Hands every accepted connection, its request read, to ``talk(server, connection)``."""

    def __init__(
        self,
        talk: Callable[[Server, socket.socket], None],
        tls: ssl.SSLContext | None = None,
        reads: bool = True,
    ) -> None:
        self._talk = talk
        self._tls = tls
        self._reads = reads
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.closing = threading.Event()
        self.requests: list[bytes] = []
        self.sent = 0
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.append(connection)
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            if self._reads:
                request = b""
                while b"\r\n\r\n" not in request:
                    chunk = connection.recv(65536)
                    if not chunk:
                        return
                    request += chunk
                self.requests.append(request)
            self._talk(self, connection)
        except OSError:
            pass
        finally:
            connection.close()

    def path(self) -> str:
        return self.requests[-1].split()[1].decode()


Talk = Callable[[Server, socket.socket], None]
Starts = Callable[..., Server]


@pytest.fixture
def server() -> Iterator[Starts]:
    started: list[Server] = []

    def start(talk: Talk, **options) -> Server:
        started.append(Server(talk, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


def answer(body=b"", code="200 OK", kind="application/json", headers="", length=None) -> Talk:
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {code}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n{headers}\r\n"

    def talk(_server: Server, connection: socket.socket) -> None:
        connection.sendall(head.encode() + body)

    return talk


def hang(server: Server, _connection: socket.socket) -> None:
    server.closing.wait(20)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def look(url: str, timeout: float = 3.0) -> CheckResult:
    """One look, without the second one."""

    async def go() -> CheckResult:
        async with open_context() as context:
            return await http.probe(HttpCheck(url=url), timeout, context)

    return asyncio.run(go())


def look_tcp(host: str, port: int, timeout: float = 3.0) -> CheckResult:
    async def go() -> CheckResult:
        async with open_context() as context:
            return await tcp.probe(TcpCheck(host=host, port=port), timeout, context)

    return asyncio.run(go())


def look_twice(check: HttpCheck | TcpCheck, timeout: float = 3.0) -> CheckResult:
    async def go() -> CheckResult:
        async with open_context(second_look_after=0) as context:
            return await probe(check, timeout, context)

    return asyncio.run(go())


@pytest.fixture
def refused() -> Iterator[int]:
    """A port that is taken and that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


REPORT = {"status": "ok", "uptime": 12, "services": {"database": "ok"}}


def test_a_health_report_is_read(server):
    result = look(server(answer(REPORT)).url + "/health")
    assert (result.status, result.message) == (H, "reports ok")
    assert (result.uptime_s, result.parts) == (12.0, {"database": H})
    assert result.response_ms is not None
    assert 0 < result.response_ms < 3000
    assert result.evidence == {"httpStatus": 200, "contentType": "application/json"}


def test_the_request_says_who_asks_and_asks_for_one_answer(server):
    one = server(answer(REPORT))
    look(one.url + "/health?deep=1")
    request = one.requests[0].decode().lower()
    assert one.path() == "/health?deep=1"
    assert "user-agent: healthdeck\r\n" in request
    assert "connection: close\r\n" in request
    assert "cookie" not in request


@pytest.mark.parametrize(
    ("why", "talk", "status", "words"),
    [
        ("5xx", answer(b"", "500 Oops"), U, "failed inside (500)"),
        ("503 with a report", answer({"status": "error", "services": {"db": "down"}}, "503 No"),
         U, "says that it is unavailable (503): db is unhealthy"),
        ("not found", answer(b"", "404 No"), U, "no such page (404)"),
        ("login", answer(b"", "401 No"), U, "needs a login (401)"),
        ("HTML", answer(b"<html>hi</html>", kind="text/html"), D, "a web page (text/html)"),
        ("half JSON", answer(b'{"status": "o'), D, "breaks off at character 13"),
        ("invalid UTF-8", answer(b'{"status": "\xff"}'), D, "not UTF-8"),
        ("wrong type", answer(REPORT, kind="text/plain"), H, "reports ok"),
        ("no content", answer(code="204 No Content"), H, "answered 204"),
    ],
)  # fmt: skip
def test_what_an_answer_means(server, why, talk, status, words):
    result = look(server(talk).url + "/health")
    assert result.status is status, why
    assert words in result.message


def flood(size: int | None, head: bytes) -> Talk:
    """A body of ``size`` bytes, or one without an end."""

    def talk(server: Server, connection: socket.socket) -> None:
        connection.sendall(head)
        block = b"x" * 65536
        while (size is None or server.sent < size) and not server.closing.is_set():
            server.sent += connection.send(block)

    return talk


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (50 * MIB, b"HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n"),
        (None, b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
)
@pytest.mark.parametrize(("path", "status"), [("/health", D), ("/download", H)])
def test_a_huge_body_costs_neither_memory_nor_time(server, size, head, path, status):
    one = server(flood(size, head))
    begun = time.monotonic()
    tracemalloc.start()
    try:
        result = look(one.url + path, timeout=8)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.status is status
    assert peak < 8 * MIB
    assert time.monotonic() - begun < 4
    one.close()
    assert one.sent < 20 * MIB, "what the system's socket buffers hold, and no more"


def test_a_packed_body_is_not_unpacked_without_limit(server):
    bomb = gzip.compress(b"x" * (100 * MIB), 1)
    one = server(answer(bomb, headers="Content-Encoding: gzip\r\n"))
    tracemalloc.start()
    try:
        result = look(one.url + "/health", timeout=8)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.status is D
    assert "more than 1 MiB" in result.message
    assert peak < 8 * MIB


def test_a_server_that_hangs(server):
    one = server(hang)
    begun = time.monotonic()
    result = look(one.url, timeout=0.3)
    assert (result.status, result.message) == (U, "no answer within 0.3 s")
    assert result.evidence == {"error": "Timeout"}
    assert time.monotonic() - begun < 2


def test_a_server_that_does_not_finish(server):
    def drip(server: Server, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        server.closing.wait(20)

    result = look(server(drip).url + "/health", timeout=0.3)
    assert result.status is U
    assert result.message == "began to answer but was not done within 0.3 s"
    assert result.response_ms is not None


def test_an_error_page_that_does_not_finish_is_still_that_error(server):
    def drip(server: Server, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 502 No\r\nContent-Length: 100\r\n\r\n<")
        server.closing.wait(20)

    assert "(502)" in look(server(drip).url, timeout=0.3).message


def test_a_reset_in_the_middle_of_the_answer(server):
    def talk(_server: Server, connection: socket.socket) -> None:
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"status"')
        # The client has read what came before the reset: nothing of it may count.
        reset(connection)

    result = look(server(talk).url + "/health")
    assert result.status is U
    assert "broke off" in result.message or "reset" in result.message


def test_an_answer_shorter_than_it_said(server):
    result = look(server(answer(b'{"status": "ok"}', length=100)).url)
    assert (result.status, result.message) == (U, "the answer broke off after 16 bytes")


def test_a_server_that_hangs_up(server):
    one = server(lambda _server, _connection: None)
    result = look(one.url)
    assert (result.status, result.message) == (
        U, f"127.0.0.1:{one.port} hung up without an answer",
    )  # fmt: skip


def test_a_reset_instead_of_an_answer(server):
    one = server(lambda _server, connection: reset(connection))
    result = look(one.url)
    assert (result.status, result.message) == (U, f"connection reset by 127.0.0.1:{one.port}")
    assert len(one.requests) == 1, "a look is one request"


def test_a_server_that_speaks_something_else(server):
    def talk(_server: Server, connection: socket.socket) -> None:
        connection.sendall(b"220 mail.example ESMTP\r\n")

    one = server(talk)
    assert look(one.url).message == f"127.0.0.1:{one.port} answered something that is not HTTP"


def test_endless_headers(server):
    def talk(server: Server, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not server.closing.is_set():
            connection.sendall(b"X-Same: " + b"y" * 1000 + b"\r\n")

    assert look(server(talk).url, timeout=2).status is U


def redirect(to: Callable[[str], str]) -> Talk:
    def talk(server: Server, connection: socket.socket) -> None:
        answer(code="302 Found", headers=f"Location: {to(server.path())}\r\n")(server, connection)

    return talk


def test_a_redirect_is_followed_and_told(server):
    def talk(server: Server, connection: socket.socket) -> None:
        if server.path() == "/health":
            redirect(lambda _: "/login?token=secret")(server, connection)
        else:
            answer(b"<html>", kind="text/html")(server, connection)

    one = server(talk)
    result = look(one.url + "/health")
    assert result.status is D, "the report was expected at the address that we were given"
    assert result.evidence["redirectedTo"] == f"{one.url}/login"


@pytest.mark.parametrize(("hops", "status"), [(5, H), (6, U)])
def test_five_redirects_are_followed(server, hops, status):
    def talk(server: Server, connection: socket.socket) -> None:
        hop = int(server.path().removeprefix("/"))
        there = redirect(lambda _: f"/{hop + 1}") if hop < hops else answer(b"here")
        there(server, connection)

    result = look(server(talk).url + "/0")
    assert result.status is status
    assert status is H or "redirects more than 5 times" in result.message


def test_a_redirect_loop(server):
    result = look(server(redirect(lambda path: "/b" if path == "/a" else "/a")).url + "/a")
    assert result.status is U
    assert "redirects in a circle, by way of http://127.0.0.1" in result.message


@pytest.mark.parametrize("to", ["ftp://127.0.0.1/x", "http://", "mailto:ops@example"])
def test_a_redirect_to_nowhere(server, to):
    result = look(server(redirect(lambda _: to)).url)
    assert (result.status, result.message) == (
        U, "redirects to something that is no web address",
    )  # fmt: skip


def test_cookies_are_not_kept(server):
    def talk(server: Server, connection: socket.socket) -> None:
        if server.path() == "/":
            headers = "Location: /next\r\nSet-Cookie: who=me; Path=/\r\n"
            answer(code="302 Found", headers=headers)(server, connection)
        else:
            answer(b"ok")(server, connection)

    one = server(talk)
    assert look(one.url + "/").status is H
    assert b"cookie" not in one.requests[1].lower()


def test_the_proxy_of_the_environment_is_not_used(server, monkeypatch, refused):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{refused}")
    monkeypatch.delenv("no_proxy", raising=False)
    assert look(server(answer(REPORT)).url).status is H


def test_a_connection_is_not_used_again(server):
    one = server(answer(REPORT))

    async def go() -> tuple[CheckResult, CheckResult]:
        check = HttpCheck(url=one.url + "/health")
        async with open_context() as context:
            first = await http.probe(check, 3, context)
            one.close()
            return first, await http.probe(check, 3, context)

    first, second = asyncio.run(go())
    assert (first.status, second.status) == (H, U)
    assert second.message == f"connection refused by 127.0.0.1:{one.port}"


def test_refused(refused):
    words = f"connection refused by 127.0.0.1:{refused}"
    for result in (look(f"http://127.0.0.1:{refused}/health"), look_tcp("127.0.0.1", refused)):
        assert (result.status, result.message) == (U, words)
        assert result.evidence["errno"] == "ECONNREFUSED"


@pytest.mark.parametrize("host", ["nonexistent.invalid", "a" * 70 + ".invalid"])
def test_a_name_that_nobody_knows(host):
    for result in (look(f"http://{host}/health"), look_tcp(host, 80)):
        assert result.status is U
        assert result.message in (
            f"the name {host} is not known",
            f"the name {host} could not be looked up: the name server did not answer",
        )
        assert result.evidence == {"error": "gaierror"}


def test_a_name_server_that_does_not_answer(monkeypatch):
    def lost(*_args, **_more):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", lost)
    for result in (look("http://api.example"), look_tcp("api.example", 80)):
        assert result.message == (
            "the name api.example could not be looked up: the name server did not answer"
        )


def test_a_slow_lookup_holds_up_nobody_else(server, monkeypatch):
    one = server(answer(REPORT))
    release = threading.Event()
    real = socket.getaddrinfo

    def slow(host, *args, **more):
        if host == "slow.example":
            release.wait(10)
        return real(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)

    async def go() -> list[CheckResult]:
        async with open_context() as context:
            urls = ["http://slow.example/"] * 40 + [f"http://localhost:{one.port}/health"]
            looks = [http.probe(HttpCheck(url=url), 1, context) for url in urls]
            return await asyncio.gather(*looks)

    begun = time.monotonic()
    try:
        results = asyncio.run(go())
    finally:
        release.set()
    assert time.monotonic() - begun < 4
    assert results[-1].status is H
    assert {result.message for result in results[:-1]} == {
        "no connection to slow.example:80 within 1 s"
    }


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory) -> ssl.SSLContext:
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def test_a_self_signed_certificate(server, self_signed):
    result = look(server(answer(REPORT), tls=self_signed).url + "/health")
    assert result.status is U
    assert result.message.startswith("certificate is not valid: self")
    assert "signed certificate" in result.message


def test_tls_with_a_server_that_speaks_plain_text(server):
    def talk(_server: Server, connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    one = server(talk, reads=False)
    result = look(one.url.replace("http", "https"))
    assert result.status is U
    assert result.message.startswith(f"no TLS with 127.0.0.1:{one.port}: ")
    assert result.message.endswith("; is it http instead of https?")


def test_tcp(server):
    one = server(hang, reads=False)
    result = look_tcp("localhost", one.port)
    assert (result.status, result.message) == (H, f"localhost:{one.port} accepts connections")
    assert result.response_ms is not None


def test_tcp_takes_the_address_that_accepts(server, monkeypatch):
    one = server(hang, reads=False)
    real = socket.getaddrinfo

    def several(_host, port, *args, **more):
        dead = real("127.0.0.2", port, *args, **more)
        return dead + real("127.0.0.1", port, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", several)
    assert look_tcp("many.example", one.port).status is H


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """A listener whose queue is full: it drops what comes, as a firewall does."""
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield full.getsockname()[1]


def test_an_address_that_does_not_react_holds_up_the_next_for_a_moment(server, monkeypatch):
    one = server(answer(REPORT))
    real = socket.getaddrinfo

    def several(host, port, *args, **more):
        if host != "many.example":
            return real(host, port, *args, **more)
        return real("127.0.0.1", dead, *args, **more) + real("127.0.0.1", port, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", several)
    with silent() as dead:
        result = look(f"http://many.example:{one.port}/health")
    assert result.status is H
    assert result.response_ms is not None
    assert result.response_ms < 1000


def test_tcp_without_an_answer():
    with silent() as port:
        words = f"no connection to 127.0.0.1:{port} within 0.3 s"
        assert look_tcp("127.0.0.1", port, timeout=0.3).message == words
        assert look(f"http://127.0.0.1:{port}", timeout=0.3).message == words


def test_a_machine_without_free_sockets_could_not_look(monkeypatch):
    def full(*_args, **_more):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", full)
    for result in (look_tcp("127.0.0.1", 80), look("http://127.0.0.1:80")):
        assert result.status is X
        assert result.message == "could not look at 127.0.0.1:80: too many open files here"


def test_the_second_look_counts_when_it_succeeds(server):
    def talk(server: Server, connection: socket.socket) -> None:
        if len(server.requests) == 1:
            reset(connection)
        else:
            answer(REPORT)(server, connection)

    one = server(talk)
    result = look_twice(HttpCheck(url=one.url + "/health"))
    assert (result.status, result.message) == (H, "reports ok")
    assert result.evidence["firstLook"] == f"connection reset by 127.0.0.1:{one.port}"


def test_a_failure_counts_when_both_looks_fail(server):
    def talk(server: Server, connection: socket.socket) -> None:
        code = "500 Oops" if len(server.requests) == 1 else "502 Oops"
        answer(code=code)(server, connection)

    one = server(talk)
    result = look_twice(HttpCheck(url=one.url))
    assert (result.status, result.message) == (U, "failed inside (500)")
    assert "(502)" in str(result.evidence["secondLook"])
    assert len(one.requests) == 2


def test_one_look_is_enough_for_anything_but_a_failure(server):
    one = server(answer({"status": "degraded"}))
    assert look_twice(HttpCheck(url=one.url + "/health")).status is D
    assert len(one.requests) == 1


def test_the_second_look_waits_at_most_a_second(monkeypatch):
    seen = []

    async def failing(_check, timeout, _context):
        seen.append(timeout)
        return CheckResult(U, "no")

    monkeypatch.setattr(checks, "PROBES", {"http": failing})
    look_twice(HttpCheck(url="http://x.example"), timeout=10)
    look_twice(HttpCheck(url="http://x.example"), timeout=0.4)
    assert seen == [10, 1.0, 0.4, 0.4]


def test_a_defect_of_a_probe_is_logged_and_means_unknown(monkeypatch):
    async def broken(_check, _timeout, _context):
        raise ZeroDivisionError

    monkeypatch.setattr(checks, "PROBES", {"tcp": broken})
    with structlog.testing.capture_logs() as logged:
        result = look_twice(TcpCheck(host="127.0.0.1", port=1))
    assert (result.status, result.message) == (
        X, "could not look: ZeroDivisionError inside Healthdeck",
    )  # fmt: skip
    assert [(entry["event"], entry["exc_info"]) for entry in logged] == [("probe_failed", True)]


def test_hanging_checks_of_every_kind_hold_up_nobody_and_take_no_thread():
    def checks_of(port: int) -> list[Any]:
        place = f"127.0.0.1:{port}"
        return [
            HttpCheck(url=f"http://{place}"),
            HttpCheck(url=f"https://{place}"),
            TlsCheck(host="127.0.0.1", port=port),
            DnsCheck(name="app.example", server=place),
            PostgresCheck.model_validate({"url": f"postgresql://m@{place}/app"}),
            RedisCheck.model_validate({"url": f"redis://{place}"}),
            S3Check(endpoint=f"http://{place}", bucket="uploads"),
            SmtpCheck(host="127.0.0.1", port=port),
        ]

    async def go() -> tuple[list[CheckResult], CheckResult, float]:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        async with check_peers.serving(check_peers.hang) as port, open_context() as context:
            udp.bind(("127.0.0.1", port))
            hanging = [
                asyncio.ensure_future(checks.PROBES[check.type](check, 3, context))
                for check in checks_of(port) * 15
            ]
            async with check_peers.serving(check_peers.saying(OK)) as well:
                begun = time.monotonic()
                quick = await http.probe(HttpCheck(url=f"http://127.0.0.1:{well}"), 5, context)
                took = time.monotonic() - begun
            assert {thread.name for thread in threading.enumerate()} == before
            assert not any(task.done() for task in hanging)
            found = await asyncio.gather(*hanging)
        udp.close()
        return found, quick, took

    before = {thread.name for thread in threading.enumerate()}
    found, quick, took = asyncio.run(go())
    assert quick.status is H
    assert took < 1.2
    assert {result.status for result in found} == {U}
    assert {result.evidence["error"] for result in found} == {"Timeout"}
