"""The checks of databases and stores: against the real ones, and against peers that fail."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from email.utils import formatdate

import psycopg
import pytest
import redis as redis_client

from services.collect.checks.aws_signature import sign, signing_key
from services.inventory.schema import PostgresCheck, RedisCheck, S3Check
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


def postgres(url: str) -> PostgresCheck:
    return PostgresCheck.model_validate({"url": url})


def redis(url: str) -> RedisCheck:
    return RedisCheck.model_validate({"url": url})


class TestPostgres:
    def test_healthy(self, postgres_server):
        result = look_at(postgres(postgres_server.create()))
        assert (result.status, result.message) == (
            H, f"127.0.0.1:{postgres_server.port} answers SELECT 1",
        )  # fmt: skip
        assert result.response_ms is not None
        assert str(result.evidence["version"]).split(".")[0].isdigit()

    def test_by_name(self, postgres_server):
        url = postgres_server.create().replace("127.0.0.1", "localhost")
        assert look_at(postgres(url)).status is H

    def test_no_such_database_or_user(self, postgres_server):
        url = f"postgresql://postgres@127.0.0.1:{postgres_server.port}/nowhere"
        result = look_at(postgres(url))
        assert (result.status, result.message) == (U, "database nowhere does not exist")
        result = look_at(postgres(url.replace("postgres@", "monitor@")))
        assert (result.status, result.message) == (U, "role monitor does not exist")

    def test_too_many_connections(self, postgres_server):
        url = postgres_server.create()
        name = url.rpartition("/")[2]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE monitor LOGIN")
            connection.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0".encode())
        result = look_at(postgres(url.replace("postgres@", "monitor@")))
        assert (result.status, result.message) == (
            U, f"too many connections for database {name}",
        )  # fmt: skip

    def test_a_wrong_password(self):
        error = b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "monitor"\0\0'
        packet = b"E" + (len(error) + 4).to_bytes(4, "big") + error
        result = look(
            lambda port: postgres(f"postgresql://monitor:no@127.0.0.1:{port}/app?sslmode=disable"),
            saying(packet),
        )
        assert (result.status, result.message) == (
            U, "password authentication failed for user monitor",
        )  # fmt: skip

    def test_a_server_that_hangs_after_the_login(self):
        login = b"R\0\0\0\x08\0\0\0\0" + b"K\0\0\0\x0c\0\0\0\1\0\0\0\1" + b"Z\0\0\0\5I"
        begun = time.monotonic()
        result = look(
            lambda port: postgres(f"postgresql://m@127.0.0.1:{port}/app?sslmode=disable"),
            saying(login),
            timeout=0.3,
        )
        assert result.message.endswith("within 0.3 s")
        assert time.monotonic() - begun < 2

    @pytest.mark.parametrize(
        ("talk", "words"),
        [
            (hang, "no answer from 127.0.0.1:{} within 0.3 s"),
            (hang_up, "127.0.0.1:{} hung up without an answer"),
            (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "no login at 127.0.0.1:{}: "),
        ],
    )
    def test_a_peer_that_fails(self, talk, words):
        ports: list[int] = []

        def check(port: int) -> PostgresCheck:
            ports.append(port)
            return postgres(f"postgresql://monitor@127.0.0.1:{port}/app")

        result = look(check, talk, timeout=0.3 if talk is hang else 5.0)
        assert result.status is U
        assert result.message.startswith(words.format(ports[0]))
        assert "\n" not in result.message

    def test_refused(self):
        with refused_port() as port:
            result = look_at(postgres(f"postgresql://monitor@127.0.0.1:{port}/app"))
        assert (result.status, result.message) == (U, f"connection refused by 127.0.0.1:{port}")


class TestRedis:
    def test_healthy(self, redis_server):
        result = look_at(redis(redis_server.url))
        assert (result.status, result.message) == (
            H, f"127.0.0.1:{redis_server.port} answers PING",
        )  # fmt: skip
        assert result.uptime_s is not None
        assert result.evidence["role"] == "master"

    def test_passwords_and_rights(self, redis_server):
        place = f"127.0.0.1:{redis_server.port}"
        with redis_client.Redis.from_url(redis_server.url) as client:
            client.acl_setuser("mute", enabled=True, passwords=["+pw"], commands=["+info"])
            client.acl_setuser("bare", enabled=True, passwords=["+p w"], commands=["+ping"])
            seen = {
                url: look_at(redis(url)).message
                for url in (
                    f"redis://mute:wrong@{place}",
                    f"redis://mute:pw@{place}/0",
                    f"redis://bare:p%20w@{place}/0",
                    f"redis://:pw@{place}/0",
                    f"redis://{place}/999",
                )
            }
            client.config_set("requirepass", "secret")
            client.execute_command("AUTH", "secret")
            try:
                seen["needs"] = look_at(redis(f"redis://{place}")).message
                seen["has"] = look_at(redis(f"redis://:secret@{place}/0")).message
            finally:
                client.config_set("requirepass", "")
        assert list(seen.values()) == [
            "refuses the login: wrong user or password",
            "the user may not do that; it needs the commands ping, info and select",
            f"{place} answers PING",
            "has no password, but the address gives one",
            "has no database of the number that the address gives",
            "needs a password and the address has none",
            f"{place} answers PING",
        ]

    def test_nearly_full_is_degraded(self, redis_server):
        with redis_client.Redis.from_url(redis_server.url) as client:
            client.config_set("maxmemory", client.info("memory")["used_memory"])
            try:
                result = look_at(redis(redis_server.url))
            finally:
                client.config_set("maxmemory", 0)
        assert result.status is D
        assert "% of the memory that it may" in result.message

    @pytest.mark.parametrize(
        ("info", "words"),
        [
            (b"role:slave\r\nmaster_link_status:down\r\n", "it has lost its master"),
            (b"rdb_last_bgsave_status:err\r\n", "it could not save its data to disk"),
            (b"uptime_in_seconds:-5\r\nmaxmemory:nan\r\njunk\r\n\xff\r\n", None),
        ],
    )
    def test_what_ails_it(self, info, words):
        talk = saying(b"+PONG\r\n$%d\r\n%s\r\n" % (len(info), info))
        result = look(lambda port: redis(f"redis://127.0.0.1:{port}"), talk)
        assert result.status is (D if words else H)
        assert words is None or words in result.message
        assert result.uptime_s is None

    @pytest.mark.parametrize(
        ("talk", "words"),
        [
            (hang, "within 0.3 s"),
            (hear_and_hang_up, "hung up without an answer"),
            (endless, "answered something that is not Redis"),
            (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "answered something that is not Redis"),
            (saying(b"+PONG\r\n$99999999999\r\n"), "answered something that is not Redis"),
            (saying(b"-LOADING Redis is loading\r\n"), "is still loading its data into memory"),
            (saying(b"-ERR \x07what\xff\r\n"), "refuses: ERR ?what"),
        ],
    )
    def test_a_peer_that_fails(self, talk, words):
        result = look(
            lambda port: redis(f"redis://127.0.0.1:{port}"),
            talk,
            timeout=0.3 if talk is hang else 5.0,
        )
        assert result.status is U
        assert words in result.message

    def test_refused(self):
        with refused_port() as port:
            result = look_at(redis(f"redis://127.0.0.1:{port}"))
        assert (result.status, result.message) == (U, f"connection refused by 127.0.0.1:{port}")

    def test_over_tls(self, tmp_path, monkeypatch):
        authority = Authority(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        talk = saying(b"+PONG\r\n$0\r\n\r\n")
        good = look(lambda port: redis(f"rediss://127.0.0.1:{port}"), talk, authority.server(30))
        assert good.status is H
        bad = look(lambda port: redis(f"rediss://127.0.0.1:{port}"), talk, authority.server(-1))
        assert bad.message == "certificate is not valid: certificate has expired"


KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


class TestSignature:
    def test_the_published_example(self):
        """ "GET Object" of the reference that aws_signature names."""
        at = datetime(2013, 5, 24, tzinfo=UTC).timestamp()
        headers = {"Host": "examplebucket.s3.amazonaws.com", "Range": "bytes=0-9"}
        signed = sign("GET", "/test.txt", headers, "us-east-1", KEY, SECRET, at)
        assert signed["Authorization"] == (
            f"AWS4-HMAC-SHA256 Credential={KEY}/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        )

    def test_the_published_key(self):
        key = signing_key(
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam"
        )
        assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


class Store:
    """An S3 store that has the bucket ``uploads``, and works the signature out for itself."""

    def __init__(self, region: str = "eu-west-1", clock_off: float = 0.0) -> None:
        self._region = region
        self._off = clock_off

    async def __call__(self, reader, writer) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        (line, *lines) = request.rstrip().split("\r\n")
        headers = {k.lower(): v for k, _, v in (one.partition(": ") for one in lines)}
        code, more = self._judge(line, headers)
        writer.write(
            f"HTTP/1.1 {code} x\r\n{more}Date: {formatdate(time.time() + self._off, usegmt=True)}"
            "\r\nContent-Length: 300\r\n\r\n".encode()
        )
        await writer.drain()
        await reader.read()

    def _judge(self, line: str, headers: dict[str, str]) -> tuple[int, str]:
        method, path, _ = line.split()
        assert method == "HEAD"
        if path == "/moved":
            return 301, "x-amz-bucket-region: ap-south-1\r\n"
        if path == "/slow":
            return 503, ""
        if path not in ("/uploads", "/prefix%20x/uploads"):
            return 404, ""
        if "authorization" not in headers:
            return 403, ""
        if abs(_seconds(headers["x-amz-date"]) - time.time() - self._off) > 900:
            return 403, ""
        fields = dict(
            field.split("=", 1) for field in headers["authorization"].split(" ", 1)[1].split(",")
        )
        access, day, region, service, _ = fields["Credential"].split("/")
        if region != self._region:
            return 400, f"x-amz-bucket-region: {self._region}\r\n"
        names = fields["SignedHeaders"].split(";")
        assert {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names)
        canonical = "\n".join(
            ["HEAD", path, "", *(f"{n}:{headers[n]}" for n in names), "", ";".join(names),
             hashlib.sha256(b"").hexdigest()]
        )  # fmt: skip
        text = "\n".join(
            ["AWS4-HMAC-SHA256", headers["x-amz-date"], f"{day}/{region}/{service}/aws4_request",
             hashlib.sha256(canonical.encode()).hexdigest()]
        )  # fmt: skip
        key = ("AWS4" + SECRET).encode()
        for part in (day, region, service, "aws4_request", text):
            key = _hmac(key, part.encode())
        good = access == KEY and fields["Signature"] == key.hex()
        return (200 if good else 403), ""


def _hmac(key: bytes, message: bytes) -> bytes:
    """RFC 2104, written out: the product's way is the library's."""
    key = key.ljust(64, b"\0") if len(key) <= 64 else hashlib.sha256(key).digest().ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in key) + message).digest()
    return hashlib.sha256(bytes(b ^ 0x5C for b in key) + inner).digest()


def _seconds(text: str) -> float:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def s3(talk, timeout=3.0, tls=None, **options) -> CheckResult:
    def check(port: int) -> S3Check:
        scheme = "https" if tls else "http"
        return S3Check.model_validate(
            {
                "endpoint": f"{scheme}://127.0.0.1:{port}{options.pop('path', '')}",
                "bucket": "uploads", "region": "eu-west-1",
                "accessKey": KEY, "secretKey": SECRET, **options,
            }
        )  # fmt: skip

    return look(check, talk, tls, timeout)


class TestS3:
    @pytest.mark.parametrize(
        ("options", "status", "words"),
        [
            ({}, H, "bucket 'uploads' is there"),
            ({"path": "/prefix%20x/"}, H, "bucket 'uploads' is there"),
            ({"accessKey": None, "secretKey": None}, H,
             "bucket 'uploads' is there and asks for keys"),
            ({"secretKey": "wrong"}, U,
             "access to bucket 'uploads' denied (403): wrong keys, or no right to it"),
            ({"bucket": "nowhere"}, U, "bucket 'nowhere' does not exist"),
            ({"bucket": "moved"}, U, "bucket 'moved' is in the region ap-south-1, not eu-west-1"),
            ({"region": "us-east-1"}, U,
             "bucket 'uploads' is in the region eu-west-1, not us-east-1"),
            ({"bucket": "slow"}, U, "the store is overloaded or unavailable (503)"),
        ],
    )  # fmt: skip
    def test_what_the_store_says(self, options, status, words):
        result = s3(Store(), **options)
        assert (result.status, result.message) == (status, words)
        assert result.response_ms is not None

    def test_a_clock_that_is_off_is_told(self):
        result = s3(Store(clock_off=3600 * 3))
        assert result.status is U
        assert result.message.endswith("no right to it; its clock differs from ours by 3 h")

    def test_over_tls(self, tmp_path, monkeypatch):
        authority = Authority(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        assert s3(Store(), tls=authority.server(90)).status is H
        soon = s3(Store(), tls=authority.server(3.5))
        assert soon.status is D
        assert "; certificate ends in 3 days" in soon.message

    @pytest.mark.parametrize(
        ("talk", "words"),
        [
            (hang, "within 0.3 s"),
            (hear_and_hang_up, "hung up without an answer"),
            (endless, "answered something that is not HTTP"),
            (saying(b"HTTP/1.1 418 x\r\n\r\n"), "answered 418; is this an S3 endpoint?"),
            (saying(b"HTTP/1.1 500 x\r\n\r\n"), "the store failed inside (500)"),
            (saying(b"HTTP/1.1 307 x\r\n\r\n"), "lies at another endpoint (307)"),
        ],
    )
    def test_a_peer_that_fails(self, talk, words):
        result = s3(talk, timeout=0.3 if talk is hang else 5.0)
        assert result.status is U
        assert words in result.message

    def test_refused(self):
        with refused_port() as port:
            result = look_at(S3Check(endpoint=f"http://127.0.0.1:{port}", bucket="uploads"))
        assert (result.status, result.message) == (U, f"connection refused by 127.0.0.1:{port}")
