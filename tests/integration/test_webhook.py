"""The webhook channel against real receivers on loopback."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest
import standardwebhooks
from pydantic import SecretStr

from services.inventory.schema import Contact, WebhookAddress
from services.notify.channels import DeliveryError, Message, Receipt
from services.notify.channels.webhook import Webhook
from services.notify.outbound import Resolver, resolve
from tests.support.web import Answer, LocalServer

SECRET = "whsec_aGVhbHRoZGVjay1pbi1hLXRlc3Qtb2YtaXRzLW93bg=="
LOOPBACK = (ip_network("127.0.0.0/8"),)
BODY = {"id": "a1", "severity": "critical", "title": "Grüße 🚨 مرحبا", "event": "overwritten"}
MESSAGE = Message("0123456789abcdef", "a1", "alert.fired", "Ops", BODY)


def channel(
    url: str,
    allow: Sequence[object] = LOOPBACK,
    resolver: Resolver = resolve,
    limit: float = 5,
) -> Webhook:
    contact = Contact(name="Ops", webhook=WebhookAddress(url=url, secret=SecretStr(SECRET)))
    return Webhook(lambda: [contact], allow, resolver, limit)  # type: ignore[arg-type]


def failure(webhook: Webhook) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        webhook.send(MESSAGE)
    return caught.value


@pytest.fixture
def raw() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Starts receivers that do with a connection whatever a test wants."""
    servers: list[socket.socket] = []

    def start(serve: Callable[[socket.socket], None]) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def run() -> None:
            try:
                connection, _ = server.accept()
                with connection:
                    serve(connection)
            except OSError:
                return  # the client or the test has ended it

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/hook"

    yield start
    for server in servers:
        server.close()


def test_a_message_is_signed_and_stays_the_same_over_retries(receiver: LocalServer) -> None:
    webhook = channel(f"{receiver.url}/ops?team=1")
    assert webhook.send(MESSAGE) == Receipt(provider_id=None, delivered=False)
    webhook.send(MESSAGE)
    first, second = receiver.requests
    verified = standardwebhooks.Webhook(SECRET).verify(first.body, first.headers)
    assert verified == {**BODY, "event": "alert.fired"}
    assert (first.method, first.path) == ("POST", "/ops?team=1")
    assert first.headers["idempotency-key"] == first.headers["webhook-id"] == MESSAGE.id
    assert second.headers["idempotency-key"] == MESSAGE.id
    assert first.headers["content-type"] == "application/json"
    assert first.headers["user-agent"] == "healthdeck"
    assert first.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert first.body == second.body


def test_a_name_is_kept_in_the_host_header(receiver: LocalServer) -> None:
    url = f"http://hooks.example:{receiver.port}/"
    channel(url, resolver=lambda _host, _port: ["127.0.0.1"]).send(MESSAGE)
    assert receiver.requests[0].headers["host"] == f"hooks.example:{receiver.port}"


def test_a_proxy_of_the_environment_is_not_asked(
    receiver: LocalServer, serving: Callable[[Answer], LocalServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serving(Answer(200))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    channel(receiver.url).send(MESSAGE)
    assert len(receiver.requests) == 1
    assert proxy.requests == []


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1"])
def test_short_forms_reach_what_they_resolve_to(receiver: LocalServer, host: str) -> None:
    channel(f"http://{host}:{receiver.port}/").send(MESSAGE)
    assert len(receiver.requests) == 1


def test_one_refused_address_among_good_ones_refuses_the_host(receiver: LocalServer) -> None:
    found = ["127.0.0.1", "10.0.0.1"]
    error = failure(channel(f"http://two.example:{receiver.port}/", resolver=lambda *_: found))
    assert error.reason == "address_refused"
    assert "10.0.0.1 is a private address" in error.message
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("status", "permanent"), [(400, True), (410, True), (408, False), (429, False), (503, False)]
)
def test_an_error_shows_the_status_and_nothing_of_the_body(
    receiver: LocalServer, status: int, permanent: bool
) -> None:
    receiver.answer = Answer(status, b"internal secret", {"Retry-After": "90"})
    error = failure(channel(receiver.url))
    assert (error.permanent, error.retry_after) == (permanent, 90.0)
    assert str(status) in error.message
    assert "secret" not in error.message


def test_a_receiver_that_is_down_is_tried_again_later(receiver: LocalServer) -> None:
    receiver.stop()
    error = failure(channel(receiver.url))
    assert (error.permanent, error.reason) == (False, "connection_failed")
    assert "refused" in error.message.lower()
    receiver.start()
    channel(receiver.url).send(MESSAGE)


def test_the_next_address_is_used_when_one_is_down(receiver: LocalServer) -> None:
    found = ["127.0.0.2", "127.0.0.1"]
    channel(f"http://two.example:{receiver.port}/", resolver=lambda *_: found).send(MESSAGE)
    assert len(receiver.requests) == 1


def test_a_receiver_that_hangs_is_left_in_time(receiver: LocalServer) -> None:
    receiver.hang()
    error = failure(channel(receiver.url, limit=0.3))
    assert (error.permanent, error.reason) == (False, "timeout")
    assert "0.3 s" in error.message


def test_a_receiver_that_trickles_is_left_in_time(
    raw: Callable[[Callable[[socket.socket], None]], str],
) -> None:
    """Each byte comes soon, the answer never: the deadline is for the whole."""
    ended = threading.Event()

    def trickle(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not ended.wait(0.02):
            connection.sendall(b"x")

    try:
        error = failure(channel(raw(trickle), limit=0.4))
    finally:
        ended.set()
    assert (error.permanent, error.reason) == (False, "timeout")


@pytest.mark.parametrize(
    ("sent", "said"), [(b"", "without an answer"), (b"secret nonsense\r\n\r\n", "not HTTP")]
)
def test_a_connection_without_a_proper_answer(
    raw: Callable[[Callable[[socket.socket], None]], str], sent: bytes, said: str
) -> None:
    def serve(connection: socket.socket) -> None:
        while b"overwritten" not in (data := connection.recv(65536)) and data:
            if b"alert.fired" in data:
                break
        connection.sendall(sent)

    error = failure(channel(raw(serve)))
    assert (error.permanent, error.reason) == (False, "connection_failed")
    assert said in error.message
    assert "secret" not in error.message


def test_a_name_that_is_not_known_may_be_known_later() -> None:
    def unknown(host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    error = failure(channel("http://nowhere.example/", resolver=unknown))
    assert (error.permanent, error.reason) == (False, "name_unresolved")
    assert "nowhere.example" in error.message


def test_a_label_that_no_name_can_have_is_permanent() -> None:
    error = failure(channel(f"http://{'a' * 70}.example/"))
    assert (error.permanent, error.reason) == (True, "address_invalid")


def test_a_contact_that_has_gone() -> None:
    with pytest.raises(DeliveryError, match="no contact 'Ops'") as caught:
        Webhook(list).send(MESSAGE)
    assert caught.value.permanent
    assert caught.value.reason == "unknown_recipient"


class _Taken(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a receiver with a certificate for hooks.example, which is trusted here."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=hooks.example", "-addext",
         "subjectAltName=DNS:hooks.example", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = HTTPServer(("127.0.0.1", 0), _Taken)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_the_certificate_is_that_of_the_name_and_not_of_the_address(secure: int) -> None:
    here: Resolver = lambda _host, _port: ["127.0.0.1"]  # noqa: E731
    channel(f"https://hooks.example:{secure}/", resolver=here).send(MESSAGE)
    error = failure(channel(f"https://other.example:{secure}/", resolver=here))
    assert (error.permanent, error.reason) == (False, "tls_failed")
    assert "other.example" in error.message
