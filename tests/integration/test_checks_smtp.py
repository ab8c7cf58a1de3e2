"""The smtp check against mail servers that take us, refuse us, hang and talk nonsense."""

from __future__ import annotations

import base64
import ssl

import pytest

from services.collect.checks import smtp
from services.inventory.schema import SmtpCheck
from services.observation import CheckResult, Status
from tests.support.check_peers import (
    Authority,
    endless,
    hang,
    hang_up,
    hear_and_hang_up,
    look,
    look_at,
    refused_port,
    saying,
)

H, D, U = Status.HEALTHY, Status.DEGRADED, Status.UNHEALTHY


class MailServer:
    """``offers``: the lines after EHLO; ``answers``: what a command is answered instead."""

    def __init__(self, *offers: str, tls: ssl.SSLContext | None = None, **answers: str) -> None:
        self._offers = offers
        self._tls = tls
        self._answers = answers
        self.heard: list[str] = []

    async def __call__(self, reader, writer) -> None:
        writer.write((self._answers.get("GREETING", "220 mail.example ESMTP") + "\r\n").encode())
        while line := (await reader.readline()).decode().strip():
            self.heard.append(line)
            word = line.split()[0].upper()
            if self._answers.get(word) == "silence":
                continue
            writer.write((self._answers.get(word) or self._answer(word, line)).encode() + b"\r\n")
            await writer.drain()
            if word == "STARTTLS" and self._tls is not None:
                await writer.start_tls(self._tls)
            elif word == "STARTTLS":
                await reader.read()
            if word == "QUIT":
                return

    def _answer(self, word: str, line: str) -> str:
        if word == "EHLO":
            *most, last = ("mail.example", *self._offers)
            return "".join(f"250-{one}\r\n" for one in most) + f"250 {last}"
        if word == "STARTTLS":
            return "220 go on"
        if line == "AUTH LOGIN" or line == _packed("monitor"):
            return "334 VXNlcm5hbWU6"
        if line in (f"AUTH PLAIN {_packed(chr(0) + 'monitor' + chr(0) + 'pw')}", _packed("pw")):
            return "235 welcome"
        return "221 bye" if word == "QUIT" else "535 5.7.8 Authentication credentials invalid"


def _packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def seen(talk, tls=None, timeout=3.0, **options) -> CheckResult:
    def check(port: int) -> SmtpCheck:
        return SmtpCheck.model_validate({"host": "127.0.0.1", "port": port, **options})

    return look(check, talk, tls, timeout)


LOGIN = {"user": "monitor", "password": "pw"}


def test_healthy_and_nothing_is_sent():
    server = MailServer("PIPELINING", "SIZE 1000")
    result = seen(server)
    assert result.status is H
    assert result.message.endswith(" takes mail")
    assert result.evidence["banner"] == "mail.example ESMTP"
    assert server.heard == ["EHLO [127.0.0.1]", "QUIT"]


@pytest.mark.parametrize("offer", ["AUTH PLAIN LOGIN", "auth login"])
def test_a_login(offer):
    assert seen(MailServer(offer), **LOGIN).status is H
    wrong = seen(MailServer(offer), user="monitor", password="no")
    assert wrong.status is U
    assert wrong.message.startswith("refuses the login: wrong user or password (535 5.7.8 ")


@pytest.mark.parametrize(
    ("server", "options", "words"),
    [
        (MailServer(GREETING="554 go away"), {}, "greets with a refusal: 554 go away"),
        (MailServer(GREETING="421 too\x07busy" + "x" * 500), {}, "greets with a refusal: 421 too?"),
        (MailServer(EHLO="550 no"), {}, "refuses EHLO: 550 no"),
        (MailServer(), {"security": "starttls"}, "does not offer STARTTLS; is the port right?"),
        (MailServer("STARTTLS", STARTTLS="454 later"), {"security": "starttls"},
         "refuses STARTTLS: 454 later"),
        (MailServer(), LOGIN, "offers no login by user and password; does it want TLS first?"),
        (MailServer(EHLO="silence"), {}, "it stopped at EHLO"),
        (MailServer("STARTTLS"), {"security": "starttls"}, "it stopped during the TLS handshake"),
    ],
)  # fmt: skip
def test_a_server_that_says_no(server, options, words):
    result = seen(server, timeout=0.5 if "it stopped" in words else 5.0, **options)
    assert result.status is U
    assert words in result.message
    assert len(result.message) < 150


@pytest.mark.parametrize(
    ("talk", "words"),
    [
        (hang, "within 0.3 s: it stopped instead of a greeting"),
        (hang_up, "hung up instead of a greeting"),
        (endless, "answered something that is not SMTP"),
        (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "answered something that is not SMTP"),
        (saying(b"220-a\r\n" * 500), "answered something that is not SMTP"),
        (saying(b"\xff\xfe\r\n"), "answered something that is not SMTP"),
        (saying(b"220 hi\r\nxx\r\n"), "answered something that is not SMTP"),
    ],
)
def test_a_peer_that_fails(talk, words):
    result = seen(talk, timeout=0.3 if talk is hang else 5.0)
    assert result.status is U
    assert words in result.message


def test_a_server_that_does_not_say_goodbye_is_well(monkeypatch):
    monkeypatch.setattr(smtp, "LEAVE", 0.05)
    assert seen(MailServer(QUIT="silence")).status is H
    monkeypatch.setattr(smtp, "LEAVE", 30)
    assert seen(MailServer(QUIT="silence"), timeout=0.5).status is H


def test_refused():
    with refused_port() as port:
        result = look_at(SmtpCheck(host="127.0.0.1", port=port))
    assert (result.status, result.message) == (U, f"connection refused by 127.0.0.1:{port}")


class TestTls:
    @pytest.fixture
    def authority(self, tmp_path, monkeypatch) -> Authority:
        authority = Authority(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        return authority

    def test_starttls_then_login(self, authority):
        server = MailServer("STARTTLS", "AUTH PLAIN", tls=authority.server(90.5))
        result = seen(server, security="starttls", **LOGIN)
        assert result.status is H, result.message
        assert result.evidence["tlsDaysLeft"] == 90
        assert [line.split()[0] for line in server.heard] == [
            "EHLO", "STARTTLS", "EHLO", "AUTH", "QUIT",
        ]  # fmt: skip

    def test_tls_from_the_start(self, authority):
        assert seen(MailServer(), authority.server(90), security="tls").status is H
        soon = seen(MailServer(), authority.server(5.5), security="tls")
        assert soon.status is D
        assert "takes mail; certificate ends in 5 days" in soon.message
        assert seen(hear_and_hang_up, security="tls").message.endswith(
            "it hung up during the handshake"
        )

    def test_an_expired_certificate(self, authority):
        server = MailServer("STARTTLS", tls=authority.server(-1))
        result = seen(server, security="starttls")
        assert result.message == "certificate is not valid: certificate has expired"

    def test_words_before_the_handshake_do_not_count_after_it(self, authority):
        """CVE-2011-0411: an attacker's plain text in front of the handshake."""
        injected = "220 go on\r\n250 injected"
        server = MailServer("STARTTLS", tls=authority.server(90), STARTTLS=injected)
        result = seen(server, security="starttls")
        assert result.status is H, result.message
        assert server.heard[-2:] == ["EHLO [127.0.0.1]", "QUIT"]
