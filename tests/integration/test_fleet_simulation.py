"""The simulated fleet speaks to real clients, fails on command, and is the same at every run."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import math
import signal
import smtplib
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import redis
import yaml

from services.inventory.load import read_inventory
from tests.fleet import bodies, dns, inventory, names, s3, smtp
from tests.fleet.exporter import Exporter
from tests.fleet.life import ANCHOR, BUSY, Life, Strain
from tests.fleet.plan import MOST_SERVICES, Plan, build
from tests.fleet.process import Fleet
from tests.support.product import ROOT
from tests.support.wait import eventually, free_port
from tests.support.web import Answer, LocalServer, Request

#: To make the usual context anew for each request takes longer than the request.
NOBODY = ssl.create_default_context()
NOW = ANCHOR + 90 * 86400.0
EVERYTHING = frozenset(
    {"witness"}
    | {f"check.{kind}" for kind in ("http", "tcp", "tls", "dns", "postgres", "redis", "s3", "smtp")}
    | {f"source.{kind}" for kind in ("agent", "exporter", "health")}
)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Three servers with every kind of service, one of each source."""
    folder = tmp_path_factory.mktemp("fleet")
    options = {"agents": 1, "exporters": 1, "health": 1, "tenants": 3, "apps": 2}
    made = Fleet(folder, vps=3, services=MOST_SERVICES, no_latency=True, **options)
    yield made
    made.close()


@pytest.fixture
def well(fleet: Fleet) -> Iterator[Fleet]:
    """The fleet without a fault, before and after the test."""
    fleet.mend()
    yield fleet
    fleet.mend()


@pytest.fixture(scope="module")
def described(fleet: Fleet) -> dict[str, Any]:
    """What the fleet's plan says of itself, whatever the tree's schema takes."""
    plan = build(3, MOST_SERVICES, 3, 2, (1, 1, 1), 1, fleet.port_base)
    return inventory.describe(plan, EVERYTHING)


@pytest.fixture(scope="module")
def checks(described: dict[str, Any]) -> dict[str, Any]:
    """The checks of the first server by the name of the service."""
    return {service["name"]: service["check"] for service in described["vps"][0]["services"]}


def source(described: dict[str, Any], kind: str) -> tuple[str, str]:
    """Id of the server with this source, and the source's address."""
    (found,) = (vps for vps in described["vps"] if vps.get("source", {}).get("type") == kind)
    return found["id"], found["source"].get("url", "")


def get(url: str, **more: Any) -> httpx.Response:
    given = {"timeout": 5, "verify": NOBODY, **more}
    return httpx.get(url, trust_env=False, **given)


def trusting(fleet: Fleet) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=fleet.ca)


def handshake(fleet: Fleet, check: dict[str, Any]) -> dict[str, Any]:
    """The certificate that a server shows to somebody who trusts the fleet."""
    place = check["host"], check["port"]
    with (
        socket.create_connection(place, timeout=5) as plain,
        trusting(fleet).wrap_socket(plain, server_hostname=check["host"]) as link,
    ):
        found: dict[str, Any] = link.getpeercert() or {}
        return found


def days_left(certificate: dict[str, Any]) -> float:
    return (ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) / 86400


def look_up(server: str, name: str, kind: int, timeout: float = 5) -> tuple[int, bytes]:
    """Code and records of an answer to a query written by hand."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, kind, 1)
    host, _, port = server.partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        sock.connect((host, int(port)))
        sock.send(query)
        reply = sock.recv(4096)
    asked, flags, _, count, *_ = struct.unpack_from("!HHHHHH", reply)
    assert (asked, flags & 0x8000) == (7, 0x8000)
    assert bool(count) == (len(reply) > len(query))
    return flags & 0xF, reply[len(query) :]


# --- the past, the present and another run agree


def test_the_same_numbers_make_the_same_plan() -> None:
    one, again, other = (build(40, 6, 50, 2, (10, 10, 10), seed) for seed in (3, 3, 4))
    assert one == again
    assert one != other
    assert sorted(filter(None, (vps.source for vps in one.vps))) == sorted(
        ["agent", "exporter", "health"] * 10
    )
    keys = [service.key for service in one.services()] + [app.key for app in one.apps()]
    places = [(service.address, service.port) for service in one.services()]
    places += [(app.address, app.port) for app in one.apps()]
    assert len(set(keys)) == len(keys) == 40 * 6 + 50 * 2
    assert len(set(places)) == len(places)


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ({"vps": 0}, "1 to 62,500 servers"),
        ({"vps": 1, "services": 99}, "services on each"),
        ({"vps": 2, "sources": (2, 1)}, "3 sources for 2 servers"),
    ],
)
def test_numbers_that_cannot_be_are_refused(numbers: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        build(**numbers)


def test_tenants_have_names_of_their_own() -> None:
    ids = [names.tenant_id(at) for at in range(2000)]
    assert ids[:3] == ["tenant-acme-corp", "tenant-globex", "tenant-initech"]
    assert len(set(ids)) == 2000


def test_a_life_depends_on_its_seed_and_the_moment_alone() -> None:
    def values(life: Life, at: float) -> tuple[float, ...]:
        return (
            life.cpu(at), life.busy_seconds(at), life.memory(at), life.disk(at), life.load(at),
            life.received(at), life.latency_ms(40, at),
        )  # fmt: skip

    one, again, other = Life("vps-1", 7), Life("vps-1", 7), Life("vps-1", 8)
    moments = [NOW + 13.7 * step for step in range(50)]
    seen = [values(one, at) for at in moments]
    assert seen == [values(again, at) for at in reversed(moments)][::-1]
    assert seen != [values(other, at) for at in moments]
    assert Exporter(one).page(NOW) == Exporter(again).page(NOW)


@pytest.mark.parametrize("seed", range(8))
def test_a_life_is_plausible(seed: int) -> None:
    """Within a fortnight: a day's rhythm, nothing near its limits, and counters that are the
    integral of the share that they stand for."""
    life = Life("vps-1", seed)
    moments = [NOW + 60.0 * minute for minute in range(14 * 1440)]
    cpu = [life.cpu(at) for at in moments]
    assert 0.01 < min(cpu) < max(cpu) < 0.85
    assert max(life.memory(at) for at in moments) < 0.83
    assert max(life.disk(at) for at in moments) < 0.83
    by_hour = [sum(cpu[hour * 60 :: 1440]) for hour in range(24)]
    assert max(by_hour) > 1.2 * min(by_hour)
    fine = [life.cpu(NOW + 0.5 + second) for second in range(3600)]
    used = life.busy_seconds(NOW + 3600) - life.busy_seconds(NOW)
    assert used == pytest.approx(sum(fine), rel=0.01)
    counts = [life.busy_seconds(NOW + 1.7 * step) for step in range(4000)]
    assert all(b > a for a, b in itertools.pairwise(counts))


def test_response_times_follow_the_load() -> None:
    life = Life("vps-1", 1)

    def median(start: float) -> float:
        return sorted(life.latency_ms(40, start + 7.3 * step) for step in range(200))[100]

    usual = median(NOW)
    life.strains.append(Strain("busy", NOW, end=NOW + 3600))
    assert median(NOW) > 3 * usual
    assert median(NOW + 7200) < 2 * usual


def test_a_strain_rises_evenly_and_ends() -> None:
    life = Life("vps-1", 1)
    before = life.disk(NOW)
    life.strains.append(Strain("disk", NOW, to=0.95, over=600, end=NOW + 900))
    assert life.disk(NOW + 300) == pytest.approx((before + 0.95) / 2, abs=0.01)
    assert life.disk(NOW + 700) == pytest.approx(0.95, abs=0.001)
    assert life.disk(NOW + 901) == pytest.approx(before, abs=0.01)
    life.strains.append(Strain("busy", NOW, end=NOW + 60))
    assert life.cpu(NOW + 30) == BUSY
    assert life.busy_seconds(NOW + 60) - life.busy_seconds(NOW) == pytest.approx(60 * BUSY)


# --- the inventory


def test_healthdeck_takes_the_inventory(fleet: Fleet) -> None:
    """Whatever of it this tree's schema understands by now."""
    found = read_inventory(fleet.inventory, {})
    assert [vps.id for vps in found.vps] == ["vps-1", "vps-2", "vps-3"]
    assert sum(len(vps.services) for vps in found.vps) == 3 * MOST_SERVICES
    assert [tenant.label for tenant in found.tenants] == ["ACME Corp", "Globex", "Initech"]
    assert all(vps.tenants for vps in found.vps)


def test_what_a_schema_does_not_take_is_written_as_it_can(tmp_path: Path) -> None:
    plan = build(1, MOST_SERVICES, 1, 1, (1,))
    path = tmp_path / "inventory.yaml"
    inventory.write(path, inventory.describe(plan, frozenset({"check.http", "check.tcp"})))
    assert "witness" not in path.read_text()
    (vps,) = yaml.safe_load(path.read_text())["vps"]
    kinds = {s["name"]: set(s.get("check", ())) for s in vps["services"]}
    assert "source" not in vps
    assert kinds["postgres"] == {"tcp"}
    assert kinds["resolver"] == set()
    assert kinds["backend-api"] == {"http"}


def test_a_webhook_becomes_a_contact() -> None:
    described = inventory.describe(build(1), EVERYTHING, "http://127.0.0.1:1/hook", "s" * 32)
    (contact,) = described["contacts"]
    assert contact["webhook"] == {"url": "http://127.0.0.1:1/hook", "secret": "s" * 32}


# --- every protocol, spoken to by a real client


def test_the_exporter_counts(fleet: Fleet, described: dict[str, Any]) -> None:
    _, url = source(described, "exporter")
    first, second = _samples(get(url).text), _samples(get(url).text)
    for name in (
        "node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes", "node_load1",
        "node_boot_time_seconds", 'node_cpu_seconds_total{cpu="0",mode="iowait"}',
        'node_filesystem_avail_bytes{device="/dev/vda1",fstype="ext4",mountpoint="/"}',
        'node_network_transmit_bytes_total{device="eth0"}',
    ):  # fmt: skip
        assert math.isfinite(first[name]), name
    assert 25 <= len(first) <= 90
    clock = "node_time_seconds"
    assert second[clock] > first[clock]
    grown = 'node_network_receive_bytes_total{device="eth0"}'
    assert second[grown] >= first[grown]
    cores = sum(name.endswith('mode="idle"}') for name in first)
    cpu = sum(value for name, value in first.items() if name.startswith("node_cpu_seconds"))
    assert cpu / cores == pytest.approx(first[clock] - first["node_boot_time_seconds"], rel=1e-4)


def _samples(text: str) -> dict[str, float]:
    return {
        name: float(value)
        for name, _, value in (
            line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")
        )
    }


def test_the_health_page_of_a_server(fleet: Fleet, described: dict[str, Any]) -> None:
    body = get(source(described, "health")[1]).json()
    assert body["status"] == "ok"
    assert body["services"] == {"database": "ok", "redis": "ok", "api": "ok"}
    memory = body["system"]["memory"]
    assert (memory["unit"], 0 < memory["used"] < memory["total"]) == ("MB", True)
    assert 0 < body["system"]["cpu"]["usage"] < 100


@pytest.mark.parametrize(
    ("service", "kind", "well_word", "ill_word"),
    [
        ("backend-api", "application/json", '"ok"', '"degraded"'),
        ("paylinq-api", "application/vnd.spring-boot.actuator.v3+json", '"UP"', '"UNKNOWN"'),
        ("recruitiq-api", "application/health+json", '"pass"', '"warn"'),
        ("portal-api", "application/json", '"Healthy"', '"Degraded"'),
        ("worker", "text/plain; charset=utf-8", "Healthy", "Degraded"),
    ],
)
def test_the_formats_of_health(
    well: Fleet, checks: dict[str, Any], service: str, kind: str, well_word: str, ill_word: str
) -> None:
    url = checks[service]["http"]
    answer = get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert well_word in answer.text
    assert ill_word not in answer.text
    well.fault(f"vps-1/{service}", "degraded")
    answer = get(url)
    assert (answer.status_code, ill_word in answer.text) == (200, True)


def test_http_as_it_must_be(fleet: Fleet, checks: dict[str, Any]) -> None:
    url = checks["backend-api"]["http"]
    with httpx.Client(trust_env=False) as client:  # one kept connection
        assert client.get(url).json()["status"] == "ok"
        assert client.head(url).text == ""
        assert client.get(url).headers["connection"] == "keep-alive"
        assert client.get(f"{url}/live").text == "OK"
        assert client.get(url.replace("/health", "/else")).status_code == 404
        refused = client.post(url, content=b"x")
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    page = get(checks["nexus-frontend"]["http"])
    assert page.headers["content-type"].startswith("text/html")
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as sock:
        sock.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 400")


def test_the_applications_of_tenants(fleet: Fleet, described: dict[str, Any]) -> None:
    apps = [app for tenant in described["tenants"] for app in tenant["services"]]
    assert len(apps) == 6
    assert {get(app["url"]).status_code for app in apps} == {200}


def test_postgres(fleet: Fleet, checks: dict[str, Any]) -> None:
    with psycopg.connect(checks["postgres"]["postgres"], connect_timeout=5) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        version = connection.execute("SELECT version()").fetchone()
        assert version is not None
        assert version[0].startswith("PostgreSQL")
        assert connection.execute("SELECT 2", prepare=True).fetchone() == (2,)
        assert connection.info.server_version >= 170000
        connection.commit()
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


@pytest.mark.parametrize("protocol", [2, 3])
def test_redis(fleet: Fleet, checks: dict[str, Any], protocol: int) -> None:
    with redis.Redis.from_url(checks["redis"]["redis"], protocol=protocol) as client:
        assert client.ping() is True
        info: Any = client.info()
        assert info["redis_version"].startswith("7.")
        assert info["used_memory"] > 0
        with pytest.raises(redis.ResponseError, match="unknown command"):
            client.execute_command("FLUSHALL")
        with pytest.raises(redis.AuthenticationError):
            client.execute_command("AUTH", "anything")


def test_tls(fleet: Fleet, checks: dict[str, Any]) -> None:
    assert days_left(handshake(fleet, checks["gateway"]["tls"])) == pytest.approx(90, abs=1)
    place = checks["gateway"]["tls"]
    stranger = ssl.create_default_context()
    with (
        socket.create_connection((place["host"], place["port"]), timeout=5) as plain,
        pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"),
    ):
        stranger.wrap_socket(plain, server_hostname=place["host"])
    assert get(checks["secure-api"]["http"], verify=trusting(fleet)).json()["status"] == "ok"


def test_dns(fleet: Fleet, checks: dict[str, Any]) -> None:
    server = checks["resolver"]["dns"]["server"]
    code, records = look_up(server, dns.DOMAIN, 1)
    assert (code, records[-4:]) == (0, socket.inet_aton(dns.ADDRESS))
    assert look_up(server, dns.DOMAIN, 28)[1].endswith(socket.inet_pton(10, dns.ADDRESS6))
    assert dns.TXT.encode() in look_up(server, dns.DOMAIN, 16)[1]
    assert b"\4mail" in look_up(server, dns.DOMAIN, 15)[1]
    assert b"\3app" in look_up(server, dns.ALIAS, 5)[1]
    assert look_up(server, "nowhere.example", 1) == (3, b"")


def test_an_object_store_checks_the_signature(fleet: Fleet, checks: dict[str, Any]) -> None:
    """Against the documentation's own example of the signing key, and without one."""
    endpoint = checks["uploads"]["s3"]["endpoint"]
    assert httpx.head(f"{endpoint}/{s3.BUCKET}", trust_env=False).status_code == 403
    signed = _sign("HEAD", endpoint, f"/{s3.BUCKET}", s3.SECRET_KEY)
    assert httpx.head(f"{endpoint}/{s3.BUCKET}", headers=signed, trust_env=False).status_code == 200
    wrong = _sign("GET", endpoint, f"/{s3.BUCKET}", "another key")
    assert "SignatureDoesNotMatch" in get(f"{endpoint}/{s3.BUCKET}", headers=wrong).text
    other = _sign("GET", endpoint, "/elsewhere", s3.SECRET_KEY)
    assert get(f"{endpoint}/elsewhere", headers=other).status_code == 404


def _sign(method: str, endpoint: str, path: str, key: str) -> dict[str, str]:
    """Signature Version 4 of a request without a body, spelled out."""
    import hashlib
    import hmac

    moment, empty = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), hashlib.sha256(b"").hexdigest()
    host, scope = urlsplit(endpoint).netloc, f"{moment[:8]}/{s3.REGION}/s3/aws4_request"
    request = (
        f"{method}\n{path}\n\nhost:{host}\nx-amz-content-sha256:{empty}\nx-amz-date:{moment}\n\n"
        f"host;x-amz-content-sha256;x-amz-date\n{empty}"
    )
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    secret = f"AWS4{key}".encode()
    for part in scope.split("/"):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
    return {
        "x-amz-date": moment,
        "x-amz-content-sha256": empty,
        "Authorization": f"AWS4-HMAC-SHA256 Credential={s3.ACCESS_KEY}/{scope}, "
        f"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}",
    }


def test_mail(fleet: Fleet, checks: dict[str, Any]) -> None:
    plain, relay = checks["mail"]["smtp"], checks["relay"]["smtp"]
    with smtplib.SMTP(plain["host"], plain["port"], timeout=5) as client:
        assert client.ehlo()[0] == 250
        assert client.login(smtp.USER, smtp.PASSWORD)[0] == 235
        assert client.mail("a@example.com")[0] == 550
    with smtplib.SMTP(relay["host"], relay["port"], timeout=5) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        client.starttls(context=trusting(fleet))
        assert client.login(smtp.USER, smtp.PASSWORD)[0] == 235
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(smtp.USER, "wrong")


# --- faults


def outcome(call: Callable[[], Any]) -> str:
    """In a word, what somebody meets who calls."""
    try:
        found = call()
    except (httpx.TimeoutException, TimeoutError, redis.TimeoutError):
        return "hang"
    except psycopg.OperationalError as error:
        known = ("refused", "timeout", "starting up")
        return next((word for word in known if word in str(error)), str(error))
    except (httpx.TransportError, OSError, redis.RedisError, smtplib.SMTPException) as error:
        text = f"{type(error).__name__} {error}".lower()
        if "timed out" in text:
            return "hang"
        # what a broken connection looks like depends on who was faster
        text = text.replace("disconnected without", "reset without")
        words = ("refused", "reset", "expired", "loading", "421", "alert")
        return next((word for word in words if word in text), text)
    return str(found)


def calls(fleet: Fleet, checks: dict[str, Any], service: str) -> Callable[[], Any]:
    """A real client's call of a service, which gives up after a second."""
    check = checks[service]

    def ask_redis() -> Any:
        client = redis.Redis.from_url(check["redis"], socket_timeout=1, retry=None)
        with contextlib.closing(client):
            return client.ping()

    def ask_postgres() -> Any:
        # libpq waits for two seconds at least
        with psycopg.connect(check["postgres"], connect_timeout=2) as connection:
            return connection.execute("SELECT 1").fetchone()

    def ask_mail() -> Any:
        place = check["smtp"]
        with smtplib.SMTP(place["host"], place["port"], timeout=1) as client:
            return client.ehlo()[0]

    def connect() -> Any:
        host, _, port = check["tcp"].partition(":")
        with socket.create_connection((host, int(port)), timeout=1):
            return "accepted"

    return {
        "backend-api": lambda: get(check["http"], timeout=1).status_code,
        "nexus-frontend": lambda: get(check["http"], timeout=1).status_code,
        "redis": ask_redis,
        "postgres": ask_postgres,
        "mail": ask_mail,
        "queue": connect,
        "gateway": lambda: round(days_left(handshake(fleet, check["tls"]))),
        "resolver": lambda: look_up(check["dns"]["server"], dns.DOMAIN, 1, timeout=0.5)[0],
    }[service]


@pytest.mark.parametrize(
    ("service", "kind", "usual", "ill"),
    [
        ("backend-api", "refuse", "200", "refused"),
        ("backend-api", "hang", "200", "hang"),
        ("backend-api", "5xx", "200", "503"),
        ("backend-api", "reset", "200", "reset"),
        ("redis", "refuse", "True", "refused"),
        ("redis", "hang", "True", "hang"),
        ("redis", "5xx", "True", "loading"),
        ("postgres", "refuse", "(1,)", "refused"),
        ("postgres", "hang", "(1,)", "timeout"),
        ("postgres", "5xx", "(1,)", "starting up"),
        ("mail", "refuse", "250", "refused"),
        ("mail", "hang", "250", "hang"),
        ("mail", "5xx", "250", "421"),
        ("queue", "refuse", "accepted", "refused"),
        ("queue", "hang", "accepted", "hang"),
        ("gateway", "refuse", "90", "refused"),
        ("gateway", "5xx", "90", "alert"),
        ("gateway", "reset", "90", "reset"),
        ("gateway", "expired", "90", "expired"),
        ("gateway", "soon", "90", "5"),
        ("resolver", "refuse", "0", "refused"),
        ("resolver", "hang", "0", "hang"),
        ("resolver", "5xx", "0", "2"),
    ],
)
def test_a_fault_takes_effect_and_ends(
    well: Fleet, checks: dict[str, Any], service: str, kind: str, usual: str, ill: str
) -> None:
    call = calls(well, checks, service)
    assert outcome(call) == usual
    asked = time.monotonic()
    fault = well.fault(f"vps-1/{service}", kind)
    assert asked <= fault["monotonic"] <= time.monotonic()
    assert abs(fault["at"] - time.time()) < 5
    assert outcome(call) == ill
    assert [f["id"] for f in well._asked("GET", "/faults")["active"]] == [fault["id"]]
    ended = well.mend(fault)
    assert fault["monotonic"] < ended["ended_monotonic"] <= time.monotonic()
    assert outcome(call) == usual


def test_a_wrong_body(well: Fleet, checks: dict[str, Any]) -> None:
    url = checks["backend-api"]["http"]
    fault = well.fault("vps-1/backend-api", "body")
    assert get(url).content == bodies.WRONG
    well.mend(fault)
    well.fault("vps-1/backend-api", "body", text='{"status": "error"}')
    assert get(url).json() == {"status": "error"}
    well.fault("vps-1/resolver", "body")
    assert look_up(checks["resolver"]["dns"]["server"], dns.DOMAIN, 1)[1][-4:] != socket.inet_aton(
        dns.ADDRESS
    )


def test_slow_takes_as_long_as_asked(well: Fleet, checks: dict[str, Any]) -> None:
    well.fault("vps-1/backend-api", "slow", ms=400)
    began = time.monotonic()
    assert get(checks["backend-api"]["http"]).status_code == 200
    assert 0.4 <= time.monotonic() - began < 2


def test_a_fault_ends_by_itself(well: Fleet, checks: dict[str, Any]) -> None:
    call = calls(well, checks, "backend-api")
    fault = well.fault("vps-1/backend-api", "5xx", seconds=0.3, status=500)
    assert outcome(call) == "500"
    eventually(lambda: outcome(call) == "200", 5, "the fault's end")
    (past,) = [f for f in well._asked("GET", "/faults")["past"] if f["id"] == fault["id"]]
    assert past["ended_monotonic"] - fault["monotonic"] == pytest.approx(0.3, abs=0.2)


def test_a_partial_fault_loses_one_probe_and_no_more(well: Fleet, checks: dict[str, Any]) -> None:
    call = calls(well, checks, "backend-api")
    well.fault("vps-1/backend-api", "partial")
    assert [outcome(call) for _ in range(3)] == ["reset", "200", "200"]
    well.fault("vps-1/resolver", "partial")
    assert [outcome(calls(well, checks, "resolver")) for _ in range(2)] == ["hang", "0"]


def test_flapping_comes_and_goes(well: Fleet, checks: dict[str, Any]) -> None:
    call = calls(well, checks, "nexus-frontend")
    well.fault("vps-1/nexus-frontend", "flap", period=0.4)
    for wanted in ("refused", "200", "refused", "200"):
        eventually(lambda w=wanted: outcome(call) == w, 5, wanted, every=0.02)  # type: ignore[misc]
    well.mend()
    assert outcome(call) == "200"


def test_a_server_that_is_down_refuses_everything(well: Fleet, described: dict[str, Any]) -> None:
    vps_id, url = source(described, "exporter")
    (vps,) = (vps for vps in described["vps"] if vps["id"] == vps_id)
    (tenant,) = (t for t in described["tenants"] if t["id"] in vps["tenants"])
    host, _, port = vps["witness"]["tcp"].partition(":")
    places = [(host, int(port))]
    addresses = (url, *(app["url"] for app in tenant["services"]))
    places += [(host, urlsplit(address).port or 0) for address in addresses]
    places += [(host, well.port_base + 10 + at) for at in range(MOST_SERVICES)]
    udp = next(s["check"]["dns"]["server"] for s in vps["services"] if s["name"] == "resolver")
    places.remove((host, int(udp.partition(":")[2])))
    fault = well.fault(vps_id, "down")
    for place in places:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(place, timeout=1)
    with pytest.raises(ConnectionRefusedError):
        look_up(udp, dns.DOMAIN, 1)
    well.mend(fault)
    for place in places:
        socket.create_connection(place, timeout=1).close()
    assert look_up(udp, dns.DOMAIN, 1)[0] == 0


def test_a_refusal_breaks_what_is_open(well: Fleet, checks: dict[str, Any]) -> None:
    host, _, port = checks["queue"]["tcp"].partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as sock:
        sock.sendall(b"hello")
        well.fault("vps-1/queue", "refuse")
        with pytest.raises(ConnectionResetError):
            sock.recv(10)


def test_disk_memory_and_cpu_as_the_exporter_shows_them(
    well: Fleet, described: dict[str, Any]
) -> None:
    vps_id, url = source(described, "exporter")
    for kind in ("disk", "leak"):
        well.fault(vps_id, kind, to=0.96, over=0)
    well.fault(vps_id, "busy")
    first = _samples(get(url).text)
    root = '{device="/dev/vda1",fstype="ext4",mountpoint="/"}'
    free = first[f"node_filesystem_free_bytes{root}"] / first[f"node_filesystem_size_bytes{root}"]
    left = first["node_memory_MemAvailable_bytes"] / first["node_memory_MemTotal_bytes"]
    assert [free, left] == pytest.approx([0.04, 0.04], abs=0.002)
    later = eventually(
        lambda: (
            (s := _samples(get(url).text))["node_time_seconds"] > first["node_time_seconds"] + 1
            and s
        ),
        5,
        "a second to pass",
    )
    assert later is not False
    idle = [later[name] - first[name] for name in first if name.endswith('mode="idle"}')]
    seconds = later["node_time_seconds"] - first["node_time_seconds"]
    assert sum(idle) / len(idle) / seconds == pytest.approx(1 - BUSY, abs=0.03)


def test_a_trouble_spreads_to_what_depends_on_it(
    well: Fleet, checks: dict[str, Any], described: dict[str, Any]
) -> None:
    fault = well.fault("vps-1/postgres", "refuse", spread=True)
    answer = get(checks["backend-api"]["http"])
    assert (answer.status_code, answer.json()["services"]["database"]) == (503, "error")
    assert get(checks["nexus-frontend"]["http"]).status_code == 502
    assert get(described["tenants"][0]["services"][0]["url"]).status_code == 502
    assert {"vps-1/postgres", "vps-1/backend-api", "@tenant-acme-corp/nexus"} <= set(
        fault["reached"]
    )
    well.mend(fault)
    assert get(described["tenants"][0]["services"][0]["url"]).status_code == 200


@pytest.mark.parametrize(
    ("target", "kind", "more", "reason"),
    [
        ("vps-1/nothing", "refuse", {}, "nothing listens for 'vps-1/nothing'"),
        ("vps-1/backend-api", "down", {}, "happens to a server"),
        ("vps-1/backend-api", "expired", {}, "speaks context; it can refuse"),
        ("vps-1/queue", "slow", {}, "speaks tcp"),
        ("vps-1/backend-api", "slow", {"seconds": -1}, "lasts some seconds"),
        ("vps-1/backend-api", "slow", {"speed": 1}, "has no speed"),
        ("vps-1/backend-api", "slow", {"ms": "much"}, "this is no command"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_in_words(
    well: Fleet, target: str, kind: str, more: dict[str, Any], reason: str
) -> None:
    wanted = {"target": target, "kind": kind, **more}
    answer = httpx.post(f"{well.ready['control']}/faults", json=wanted, trust_env=False)
    assert (answer.status_code, reason in answer.json()["error"]) == (400, True), answer.text
    assert well._asked("GET", "/faults")["active"] == []


# --- agents


class Hub:
    """The hub's side of the agent protocol, as ISSUE 3 describes it."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, float]] = []
        self.reports: list[dict[str, Any]] = []
        self.busy = 0
        self.commands: list[dict[str, Any]] = []

    def __call__(self, request: Request) -> Answer:
        report = json.loads(gzip.decompress(request.body))
        if request.headers["authorization"] != f"Bearer hda_{report['vpsId']}":
            return Answer(401, {"success": False})
        if self.busy:
            self.busy -= 1
            return Answer(503, {"success": False}, {"Retry-After": "0"})
        self.reports.append(report)
        seen = report["observations"]
        self.rows += [(report["stream"], one["seq"], one["at"]) for one in seen]
        commands, self.commands = self.commands, []
        body = {
            "accepted": seen[-1]["seq"] if seen else 0, "duplicates": 0, "rejected": [],
            "serverTime": time.time(), "interval": 0.2, "commands": commands,
        }  # fmt: skip
        return Answer(200, body, {"Content-Type": "application/json"})


def test_agents_report_keep_and_replay(well: Fleet, serving: Callable[[Hub], LocalServer]) -> None:
    hub = Hub()
    hub.busy = 1
    address = serving(hub).url
    well.enlist(address, {vps: f"hda_{vps}" for vps in ("vps-1", "vps-2")}, interval=0.2)
    eventually(lambda: len(hub.rows) >= 4, 10, "reports")
    report = hub.reports[0]
    assert report["observations"][0]["metrics"].keys() >= {"system.cpu.usage", "system.load.1m"}
    assert "restart:backend-api.service" in report["allows"]
    well.send_agents("away")
    eventually(lambda: well.stats()["agents"]["buffered"] >= 8, 10, "a buffer that fills")
    kept = len(hub.rows)
    hub.commands = [{"id": "c1", "action": "logs", "unit": "backend-api.service", "lines": 2}]
    well.send_agents("back")
    eventually(lambda: len(hub.rows) >= kept + 8, 10, "what was kept")
    results = eventually(lambda: [r for one in hub.reports for r in one["results"]], 10, "results")
    assert [(r["id"], r["state"], r["output"].count("\n")) for r in results] == [("c1", "done", 2)]
    well.fault("vps-2", "down")
    stats = well._asked("DELETE", "/agents")
    assert (stats["busy"], stats["failed"]) == (1, 0)
    assert len(set(hub.rows)) == len(hub.rows)
    acknowledged = {
        (agent["stream"], seq, at)
        for agent in (well.agent("vps-1"), well.agent("vps-2"))
        for seq, at in agent["acknowledged"]
    }
    assert acknowledged <= set(hub.rows)
    assert len(acknowledged) >= kept + 8
    for stream in {stream for stream, _, _ in hub.rows}:
        order = [seq for name, seq, _ in hub.rows if name == stream]
        assert order == list(range(1, len(order) + 1))


def test_an_agent_with_a_wrong_token_keeps_what_it_has(
    well: Fleet, serving: Callable[[Hub], LocalServer]
) -> None:
    well.enlist(serving(Hub()).url, {"vps-1": "hda_other"}, interval=0.2)
    eventually(lambda: well.stats()["agents"]["answers"].get("401", 0) >= 2, 10, "refusals")
    stats = well._asked("DELETE", "/agents")
    assert (stats["acknowledged"], stats["buffered"]) == (0, stats["observed"])


# --- size


def test_a_thousand_servers_start_within_five_seconds(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, vps=1000, services=5, tenants=2000, agents=500, exporters=500)
    try:
        assert fleet.ready["seconds"] < 5
        stats = fleet.stats()
        assert stats["listening"] == 1000 * 6 + 500 + 2000
        plan = build(1000, 5, 2000, 1, (500, 500), 1, fleet.port_base)
        for app in list(plan.apps())[::400]:
            assert get(app.url).status_code == 200
        assert fleet.stats()["requests"] == stats["requests"] + 5
    finally:
        fleet.close()


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    plan: Plan = build(1)
    assert plan.vps[0].address == "127.10.0.1"
    with socket.socket() as taken:
        taken.bind(("127.10.0.1", 0))
        taken.listen()
        base = taken.getsockname()[1]
        with pytest.raises(AssertionError, match="cannot be played"):
            Fleet(tmp_path, vps=1, exporters=1, services=0, port_base=base)


def test_lost_probes_are_never_two_in_a_row(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, vps=1, services=1, no_latency=True, lossy=0.2)
    try:
        plan = build(1, 1, port_base=fleet.port_base)
        (service,) = plan.services()
        url = f"http://{service.address}:{service.port}/health"
        seen = [outcome(lambda: get(url).status_code) for _ in range(200)]
    finally:
        fleet.close()
    lost = [at for at, one in enumerate(seen) if one != "200"]
    assert 15 <= len(lost) <= 60
    assert all(b - a > 1 for a, b in itertools.pairwise(lost))


# --- the demo


def test_the_demo_shows_a_fleet_with_a_past_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    port = free_port()
    size = {"vps": 1, "services": 6, "tenants": 2, "days": 3, "port": port, "folder": tmp_path}
    words = [str(word) for name, value in size.items() for word in (f"--{name}", value)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fleet", "demo", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        eventually(
            lambda: get(f"http://127.0.0.1:{port}/readyz").status_code == 200, 60, "the dashboard"
        )
        with contextlib.closing(sqlite3.connect(tmp_path / "healthdeck.db")) as database:
            count = "SELECT count(*), min(at) FROM host_samples"
            readings, first = database.execute(count).fetchone()
            statuses = "SELECT DISTINCT status FROM status_intervals WHERE ended_at IS NOT NULL"
            seen = {status for (status,) in database.execute(statuses)}
            (alerts,) = database.execute("SELECT count(*) FROM alerts").fetchone()
        assert readings > 1000
        assert time.time() - first == pytest.approx(3 * 86400, abs=600)
        assert seen >= {"healthy", "unhealthy"}
        assert alerts > 0
    finally:
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=40)
    assert process.returncode == 0, output
    assert "3 days with" in output
    with pytest.raises(httpx.ConnectError):
        get(f"http://127.0.0.1:{port}/readyz")
