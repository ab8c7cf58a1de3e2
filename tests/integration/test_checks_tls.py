"""Certificates, seen by the tls check and by the checks that speak over TLS."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import pytest

from services.collect.checks import certificate
from services.inventory.schema import HttpCheck, TlsCheck
from services.observation import Status
from tests.support.check_peers import (
    Authority,
    hang,
    hear_and_hang_up,
    look,
    look_at,
    refused_port,
    saying,
)

H, D, U = Status.HEALTHY, Status.DEGRADED, Status.UNHEALTHY


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority, monkeypatch) -> Authority:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    return authority


def tls_check(port: int) -> TlsCheck:
    return TlsCheck(host="127.0.0.1", port=port)


def date(days: float) -> str:
    return datetime.fromtimestamp(time.time() + days * 86400, UTC).date().isoformat()


@pytest.mark.parametrize(
    ("days", "status", "words"),
    [
        (90.01, H, "certificate ends in 90 days ({}), issued by Test Works Root 1"),
        (13.01, D, "certificate ends in 13 days ({}), issued by Test Works Root 1"),
        (0.5, D, "certificate ends in 0 days ({}), issued by Test Works Root 1"),
        (-0.5, U, "certificate ended today ({}), issued by Test Works Root 1"),
        (-3.01, U, "certificate ended 3 days ago ({}), issued by Test Works Root 1"),
    ],
)
def test_days_left(trusted, days, status, words):
    result = look(tls_check, hang, trusted.server(days))
    assert (result.status, result.message) == (status, words.format(date(days)))
    assert result.evidence["tlsIssuer"] == "Test Works Root 1"
    assert result.evidence["tlsUntil"] == date(days)


def test_a_healthy_handshake_is_timed_and_names_its_version(trusted):
    result = look(tls_check, hang, trusted.server(50))
    assert result.evidence["tlsVersion"] == "TLSv1.3"
    assert result.response_ms is not None
    assert 0 < result.response_ms < 3000


def test_the_number_of_days_is_the_checks_own(trusted):
    server = trusted.server(20.5)
    assert (
        look(lambda port: TlsCheck(host="127.0.0.1", port=port, days=30), hang, server).status is D
    )
    assert (
        look(lambda port: TlsCheck(host="127.0.0.1", port=port, days=20), hang, server).status is H
    )


def test_a_certificate_for_another_name(trusted):
    result = look(tls_check, hang, trusted.server(50, "other.example"))
    assert result.status is U
    assert "not valid for '127.0.0.1'" in result.message
    assert result.message.endswith(
        f"(certificate ends in 49 days ({date(50)}), issued by Test Works Root 1)"
    )


def test_a_certificate_by_nobody_known(authority, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    result = look(tls_check, hang, authority.server(50))
    assert result.status is U
    assert "local issuer certificate" in result.message
    assert "issued by Test Works Root 1" in result.message


def test_refused_hanging_plain_and_gone():
    with refused_port() as port:
        words = f"connection refused by 127.0.0.1:{port}"
        assert look_at(tls_check(port)).message == words
    assert look(tls_check, hang, timeout=0.2).message.endswith("within 0.2 s")
    assert "it hung up during the handshake" in look(tls_check, hear_and_hang_up).message
    assert "does it speak without TLS?" in look(tls_check, saying(b"220 mail.example\r\n")).message


def ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
    return saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")(reader, writer)


@pytest.mark.parametrize(
    ("days", "asked", "status", "words"),
    [
        (60.5, 14, H, "answered 200"),
        (5.5, 14, D, "answered 200; certificate ends in 5 days"),
        (5.5, 3, H, "answered 200"),
        (-2.5, 14, U, "certificate is not valid: certificate has expired"),
    ],
)
def test_http_reads_the_certificate_of_its_own_connection(trusted, days, asked, status, words):
    def check(port: int) -> HttpCheck:
        return HttpCheck(url=f"https://127.0.0.1:{port}/", tls_days=asked)

    result = look(check, ok, trusted.server(days))
    assert result.status is status
    assert result.message.startswith(words)
    if status is not U:
        assert result.evidence["tlsDaysLeft"] == int(days)


@pytest.mark.parametrize(
    "der",
    [b"", b"\x30", b"\x30\x82\xff\xff", b"\x30\x03\x30\x01\x02", b"\x30\x84" * 50, b"\0" * 99],
)
def test_what_is_no_certificate_reads_as_none(der):
    assert certificate.read(der) is None
