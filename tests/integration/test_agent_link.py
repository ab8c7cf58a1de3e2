"""One exchange of the agent with a hub over real sockets, plain and encrypted."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.agent.link import MOST_ANSWER, Link, LinkError
from tests.support.wait import eventually

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, made = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=hub"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(made)),
        ],
        check=True,
        capture_output=True,
    )
    return made, key


class Peer:
    """Answers the requests of each connection with the next of ``answers``, as they are, and
    closes the connection once they are used up."""

    def __init__(self, *answers: list[bytes], tls: ssl.SSLContext | None = None) -> None:
        self._answers, self._tls = list(answers), tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.heads: list[str] = []
        self.closed = 0
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        for answers in self._answers:
            connection = self._listener.accept()[0]
            with connection if not self._tls else self._wrapped(connection) as peer:
                for answer in answers:
                    self.heads.append(self._request(peer))
                    peer.sendall(answer)
            self.closed += 1
        self._listener.close()

    def _wrapped(self, connection: socket.socket) -> ssl.SSLSocket:
        assert self._tls is not None
        return self._tls.wrap_socket(connection, server_side=True)

    def _request(self, peer: socket.socket) -> str:
        with peer.makefile("rb") as stream:
            head = b"".join(iter(stream.readline, b"\r\n")).decode()
            length = next(w for w in head.splitlines() if w.startswith("Content-Length"))
            stream.read(int(length.split()[1]))
        return head


@pytest.fixture
def linked() -> Iterator[Callable[..., Link]]:
    """Makes links, closed at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda *words, **options: stack.enter_context(
            contextlib.closing(Link(*words, **options))
        )


@pytest.fixture(params=["http", "https"])
def tls(
    request: pytest.FixtureRequest,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ssl.SSLContext | None]:
    if request.param == "http":
        yield None
        return
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    yield context


def test_a_report_as_the_hub_sees_it(linked: Callable[..., Link]) -> None:
    peer = Peer([OK])
    reply = linked(f"{peer.url}/below/").exchange(b"{}", "hda_token")
    assert (reply.status, reply.content) == (200, b"{}")
    head = peer.heads[0].splitlines()
    assert head[0] == "POST /below/api/agent/v1/report HTTP/1.1"
    assert "Authorization: Bearer hda_token" in head
    assert "Content-Encoding: gzip" in head


def test_a_connection_that_the_hub_has_closed_is_no_failure(
    linked: Callable[..., Link], tls: ssl.SSLContext | None
) -> None:
    peer = Peer([OK, OK], [OK], tls=tls)
    link = linked(peer.url)
    for _ in range(2):
        assert link.exchange(b"{}", "hda_token").status == 200
    eventually(lambda: peer.closed == 1, 5, "the hub closes an idle connection")
    assert link.exchange(b"{}", "hda_token").status == 200
    assert len(peer.heads) == 3


@pytest.mark.parametrize(
    "answer",
    [b"", b"\x00\x01\x02\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500, b"HTTP/9.9 x\r\n\r\n"],
)
def test_what_is_not_an_answer(linked: Callable[..., Link], answer: bytes) -> None:
    with pytest.raises(LinkError):
        linked(Peer([answer]).url).exchange(b"{}", "hda_token")


def test_an_answer_has_an_end(linked: Callable[..., Link]) -> None:
    peer = Peer([b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (MOST_ANSWER + 1)])
    with pytest.raises(LinkError, match="not HTTP"):
        linked(peer.url).exchange(b"{}", "hda_token")


def test_a_redirect_is_not_followed(linked: Callable[..., Link]) -> None:
    target = Peer([OK])
    answer = f"HTTP/1.1 307 Go\r\nLocation: {target.url}/\r\nContent-Length: 0\r\n\r\n".encode()
    assert linked(Peer([answer]).url).exchange(b"{}", "hda_token").status == 307
    assert target.heads == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), ("2.5", 2.5), ("-1", None), ("nan", None), ("Fri", None)]
)
def test_retry_after(linked: Callable[..., Link], text: str, seconds: float | None) -> None:
    answer = f"HTTP/1.1 503 Busy\r\nRetry-After: {text}\r\nContent-Length: 0\r\n\r\n".encode()
    assert linked(Peer([answer]).url).exchange(b"{}", "hda_token").retry_after == seconds


def test_the_time_of_an_exchange_is_limited(
    linked: Callable[..., Link], tls: ssl.SSLContext | None
) -> None:
    """Each step in time, the whole never done."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        over = threading.Event()

        def drip() -> None:
            connection = listener.accept()[0]
            with tls.wrap_socket(connection, server_side=True) if tls else connection as peer:
                peer.recv(1000)
                while not over.wait(0.05):
                    try:
                        peer.send(b"H")
                    except OSError:
                        return

        threading.Thread(target=drip, daemon=True).start()
        scheme = "https" if tls else "http"
        link = linked(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", timeout=5, whole=0.5)
        began = time.monotonic()
        with pytest.raises(LinkError, match="in full"):
            link.exchange(b"{}", "hda_token")
        assert time.monotonic() - began < 2
        over.set()


def test_a_hub_that_says_nothing(linked: Callable[..., Link]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        link = linked(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.2)
        with pytest.raises(LinkError, match="did not answer within"):
            link.exchange(b"{}", "hda_token")


def test_a_hub_that_is_not_there(linked: Callable[..., Link]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(LinkError, match="refused"):
        linked(f"http://127.0.0.1:{port}").exchange(b"{}", "hda_token")
