"""How checks and sources are written: each form, and what is told of a wrong one."""
# ruff: noqa: E501  (a table reads best with one case a line)

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.errors import ConfigurationError
from services.inventory.load import parse_inventory
from services.inventory.schema import (
    AgentSource,
    DnsCheck,
    ExporterSource,
    HealthSource,
    HttpCheck,
    LocalSource,
    PostgresCheck,
    RedisCheck,
    S3Check,
    SmtpCheck,
    TcpCheck,
    TlsCheck,
)


def read(vps, **environ):
    text = json.dumps({"vps": [{"id": "a", **vps}]})
    return parse_inventory(text.encode(), Path("inventory.yml"), environ).vps[0]


def check_of(check, **environ):
    return (
        read({"services": [{"name": "b", "type": "c", "check": check}]}, **environ)
        .services[0]
        .check
    )


def mistakes(check, **environ):
    with pytest.raises(ConfigurationError) as caught:
        check_of(check, **environ)
    return [line.removeprefix("line 1: vps[0].services[0].check") for line in caught.value.details]


HTTP = {"url": "https://h/health"}
PG = "postgresql://monitor:pw@10.0.0.5:5432/app"
BUCKET = {"endpoint": "https://s3.example", "bucket": "uploads"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"http": HTTP["url"]}, HttpCheck(url=HTTP["url"])),
        ({"tcp": "db.example:5432"}, TcpCheck(host="db.example", port=5432)),
        ({"tcp": "tcp://[fd00::5]:6379"}, TcpCheck(host="fd00::5", port=6379)),
        ({"tls": "h.example"}, TlsCheck(host="h.example", port=443, days=14)),
        ({"tls": "h.example:8443"}, TlsCheck(host="h.example", port=8443)),
        ({"tls": {"host": "h", "days": 30}}, TlsCheck(host="h", days=30)),
        ({"dns": "h.example"}, DnsCheck(name="h.example")),
        ({"dns": {"name": "_dmarc.h.example", "record": "TXT", "server": "9.9.9.9:5353", "expect": ["v=DMARC1"]}},
         DnsCheck(name="_dmarc.h.example", record="TXT", server="9.9.9.9:5353", expect=("v=DMARC1",))),
        ({"dns": {"name": "h", "server": "[2620:fe::fe]:53"}}, DnsCheck(name="h", server="[2620:fe::fe]:53")),
        ({"dns": {"name": "h", "server": "2620:fe::fe"}}, DnsCheck(name="h", server="2620:fe::fe")),
        ({"postgres": PG}, PostgresCheck(url=PG)),
        ({"type": "postgres", "url": PG}, PostgresCheck(url=PG)),
        ({"redis": "rediss://:pw@h:6380/1"}, RedisCheck(url="rediss://:pw@h:6380/1")),
        ({"smtp": "mail.example"}, SmtpCheck(host="mail.example", port=25)),
        ({"smtp": "smtp://mail.example:587"}, SmtpCheck(host="mail.example", port=587)),
        ({"smtp": {"host": "m", "security": "starttls", "user": "u", "password": "p"}},
         SmtpCheck(host="m", security="starttls", user="u", password="p")),
        ({"s3": BUCKET}, S3Check(endpoint="https://s3.example", bucket="uploads")),
        ({"s3": {**BUCKET, "accessKey": "k", "secretKey": "s"}},
         S3Check(endpoint="https://s3.example", bucket="uploads", access_key="k", secret_key="s")),
        ({"http": {**HTTP, "status": 204}}, HttpCheck(url=HTTP["url"], status=(204,))),
        ({"http": {**HTTP, "json": {"db.state": "up", "n": 3, "ok": True, "error": None}}},
         HttpCheck(url=HTTP["url"], json_paths={"db.state": "up", "n": 3.0, "ok": True, "error": None})),
        ({"http": {**HTTP, "requestHeaders": {"Authorization": "Bearer x"}, "header": {"server": "nginx"}, "text": "ok", "tlsDays": 0, "status": [200, 301]}},
         HttpCheck(url=HTTP["url"], request_headers={"Authorization": "Bearer x"}, header={"server": "nginx"}, text="ok", tls_days=0, status=(200, 301))),
    ],
)  # fmt: skip
def test_a_check_is_read(written, meant):
    assert check_of(written) == meant


def test_what_json_says_is_kept_as_it_is():
    found = check_of({"http": {**HTTP, "json": {"ok": True, "n": 1, "text": "1"}}}).json_paths
    assert [(type(value), value) for value in found.values()] == [
        (bool, True),
        (float, 1.0),
        (str, "1"),
    ]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"http": {**HTTP, "method": "POST"}}, ".http.method: 'POST' is not known here; known: 'GET', 'HEAD'"),
        ({"http": {**HTTP, "method": "HEAD", "text": "ok"}}, ".http: HEAD brings no body to look into; with text or json use GET"),
        ({"http": {**HTTP, "status": [700]}}, ".http.status[0]: '700' is out of range; it must be at most 599"),
        ({"http": {**HTTP, "status": "2xx"}}, ".http.status: '2xx' is not a list"),
        ({"http": {**HTTP, "json": {"a": [1]}}}, ".http.json.a: a value to compare with is text, a number, true, false or null"),
        ({"http": {**HTTP, "json": {"": 1}}}, ".http.json"),
        ({"http": {**HTTP, "header": {"two words": "x"}}}, ".http.header: 'two words' is no header that can be asked for or sent"),
        ({"http": {**HTTP, "requestHeaders": {"Content-Length": "5"}}}, ".http.requestHeaders: 'Content-Length' is no header that can"),
        ({"http": {**HTTP, "requestHeaders": {"X-Key": "a\nHost: b"}}}, ".http.requestHeaders: the header 'X-Key' holds characters that"),
        ({"http": {**HTTP, "requestHeaders": {"X-Key": 5}}}, ".http.requestHeaders.X-Key: this is not text; put it in quotes"),
        ({"http": {**HTTP, "tlsDays": -1}}, ".http.tlsDays: '-1' is out of range; it must be at least 0"),
        ({"tls": "https://h"}, ": 'https://h' is no address; write it as host:port, such as db.example or db.example:443"),
        ({"tls": {"host": "h:443"}}, ".tls.host: 'h:443' is no host; write a name or an address alone"),
        ({"tcp": {"host": "h"}}, ".tcp: needs a 'port'"),
        ({"dns": "two words"}, ".dns: 'two words' does not fit"),
        ({"dns": {"name": "h", "record": "a"}}, ".dns.record: 'a' is not known here; known: 'A', 'AAAA', 'CNAME', 'MX', 'TXT'"),
        ({"dns": {"name": "h", "server": "dns.example"}}, ".dns.server: 'dns.example' is no DNS server; write its address, such as 9.9.9.9"),
        ({"dns": {"name": "h", "server": "9.9.9.9:0"}}, ".dns.server: '9.9.9.9:0' is no DNS server"),
        ({"postgres": "mysql://h"}, ".postgres: this is no PostgreSQL address; write postgresql://user:password@host:5432/database"),
        ({"postgres": {"url": 5}}, ".postgres.url: this is not text; put it in quotes"),
        ({"redis": "h:6379"}, ".redis: this is not a Redis URL; write redis://host:6379/0"),
        ({"smtp": {"host": "h", "user": "u"}}, ".smtp: user and password go together; give both or neither"),
        ({"smtp": {"host": "h", "security": "ssl"}}, ".smtp.security: 'ssl' is not known here; known: 'none', 'starttls', 'tls'"),
        ({"s3": "uploads"}, ": the s3 check needs its fields: {s3: {field: value}}"),
        ({"s3": {**BUCKET, "bucket": "My Bucket"}}, ".s3.bucket: 'My Bucket' does not fit"),
        ({"s3": {**BUCKET, "accessKey": "k"}}, ".s3: accessKey and secretKey go together; give both or neither"),
    ],
)  # fmt: skip
def test_a_wrong_check_is_named_with_what_would_be_right(written, said):
    (line,) = mistakes(written)
    assert line.startswith(said)


@pytest.mark.parametrize(
    "written",
    [
        {"postgres": "postgresql://u:hid/den@h/db"},
        {"postgres": "postgresql://u:hid#den@h/db"},
        {"postgres": "mysql://u:hidden@h/db"},
        {"postgres": "hidden"},
        {"redis": "redis://:hidden@h:port"},
        {"redis": {"url": {"deep": "hidden"}}},
        {"smtp": {"host": "h", "user": "u", "password": ["hidden"]}},
        {"s3": {**BUCKET, "secretKey": "hidden"}},
        {"http": {**HTTP, "requestHeaders": {"X-Key": "hidden\n"}}},
        {"http": {**HTTP, "requestHeaders": "hidden"}},
        {"http": "https://u:hid/den@h/"},
        {"http": "https://u:hid den@h/"},
        {"http": "https://u:hid'den@h:x/"},
        {"tcp": "postgresql://u:hidden@h"},
        {"type": "http", "url": "ftp://u:" + "hidden" * 100 + "@h"},
        {"type": "redis", "url": "hidden", "hint": 1},
        "postgresql://u:hidden@h/db",
    ],
)
def test_no_secret_gets_into_a_message(written):
    lines = mistakes(written)
    assert lines
    assert not [line for line in lines if "hid" in line]


@pytest.mark.parametrize("value", ["hidden-value", "h!d"])
@pytest.mark.parametrize(
    "written",
    [
        {"postgres": "${S}"},
        {"redis": "http://:${S}@h"},
        {"s3": {**BUCKET, "secretKey": "${S}"}},
        {"smtp": {"host": "${S} x", "user": "u", "password": "${S}"}},
        {"dns": {"name": "h", "server": "${S}"}},
        {"http": {**HTTP, "requestHeaders": {"X-Key": "${S}\u00e9"}}},
    ],
)
def test_the_value_of_a_variable_does_not_either(written, value):
    assert not [line for line in mistakes(written, S=value) if value in line]


def test_secrets_do_not_show_in_a_representation():
    for check in (
        {"postgres": PG},
        {"redis": "redis://:pw@h"},
        {"s3": {**BUCKET, "accessKey": "k", "secretKey": "pw"}},
        {"smtp": {"host": "m", "user": "u", "password": "pw"}},
        {"http": {**HTTP, "requestHeaders": {"X-Key": "pw"}}},
    ):
        assert "pw" not in repr(check_of(check))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"type": "local"}, LocalSource(type="local")),
        ({"type": "agent"}, AgentSource(type="agent")),
        ({"type": "exporter", "url": "http://h:9100/metrics"}, ExporterSource(type="exporter", url="http://h:9100/metrics")),
        ({"exporter": "http://h:9100/metrics"}, ExporterSource(type="exporter", url="http://h:9100/metrics")),
        ({"exporter": {"url": "http://h:9100/metrics"}}, ExporterSource(type="exporter", url="http://h:9100/metrics")),
        ({"type": "health", "url": "https://h/health"}, HealthSource(type="health", url="https://h/health")),
        ({"health": "https://h/health"}, HealthSource(type="health", url="https://h/health")),
    ],
)  # fmt: skip
def test_a_source_is_read(written, meant):
    assert read({"source": written}).source == meant


def test_a_witness_is_a_port_or_a_page():
    assert read({"witness": {"tcp": "h:443"}}).witness == TcpCheck(host="h", port=443)
    assert read({"witness": {"http": "https://h"}}).witness == HttpCheck(url="https://h")


@pytest.mark.parametrize(
    "unit",
    ["backend.service", "backend", "getty@tty1.service", r"dev-disk-by\x2did.device", "a:b_c"],
)
def test_a_service_names_its_unit_or_container(unit):
    service = {"name": "b", "type": "c"}
    assert read({"services": [{**service, "unit": unit}]}).services[0].unit == unit
    assert read({"services": [{**service, "container": "app_1"}]}).services[0].container == "app_1"
