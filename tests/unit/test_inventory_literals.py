"""Secrets in what is added in the UI: only the names of variables are kept."""
# ruff: noqa: E501  (a table reads best with one case a line)

from __future__ import annotations

import pytest

from services.inventory.literals import literals
from services.inventory.written import show

BUCKET = {"endpoint": "https://s3", "bucket": "uploads", "accessKey": "AKIA"}
MAIL = {"type": "smtp", "host": "m", "user": "u"}


def found(check):
    entry = {"id": "a", "services": [{"name": "b", "type": "c", "check": check}]}
    return {show(path).removeprefix("services[0].check"): text for path, text in literals(entry)}


def headers(**given):
    return {"http": {"url": "https://h", "requestHeaders": given}}


@pytest.mark.parametrize(
    "check",
    [
        {"postgres": "postgresql://monitor@h/db"},
        {"postgres": "postgresql://monitor:${PW}@h:5432/db?sslmode=require"},
        {"postgres": "postgresql://${WHO}:${PW}@h/db"},
        {"postgres": {"url": "${PG_URL}"}},
        {"type": "postgres", "url": "postgresql://h/db?user=x&password=${PW}"},
        {"redis": "redis://h:6379/0"},
        {"redis": "redis://:${PW}@h"},
        {"s3": {**BUCKET, "secretKey": "${S3_SECRET}"}},
        {**MAIL, "password": "${A}${B}"},
        headers(Authorization="Bearer ${TOKEN}"),
        headers(**{"X-Api-Key": "${KEY}", "accept": "application/json", "Host": "inner.example"}),
        {"http": "https://h/health?verbose=1&tokenize=no"},
        {"tcp": "h:5"},
        {"dns": "h"},
    ],
)
def test_what_may_be_kept(check):
    assert found(check) == {}


@pytest.mark.parametrize(
    ("check", "place", "said"),
    [
        ({"postgres": "postgresql://u:hidden@h/db"}, ".postgres", "a password is not kept here; in its place write ${NAME}, and set"),
        ({"postgres": "postgresql://u:hid${PW}@h/db"}, ".postgres", "a password is not kept here"),
        ({"postgres": "postgresql://h/db?password=hidden"}, ".postgres", "a password is not kept here"),
        ({"postgres": "postgresql://u:5/hid@den@h/db"}, ".postgres", "a password is not kept here"),
        ({"postgres": "postgresql://u:5#hidden@h/db"}, ".postgres", "a password is not kept here"),
        ({"type": "redis", "url": "redis://:hidden@h"}, ".url", "a password is not kept here"),
        ({"redis": {"url": "rediss://h?password=hidden"}}, ".redis.url", "a password is not kept here"),
        ({"s3": {**BUCKET, "secretKey": "hidden"}}, ".s3.secretKey", "a secret is not kept here; write ${NAME}, and set"),
        ({**MAIL, "password": "hidden"}, ".password", "a secret is not kept here"),
        ({**MAIL, "password": ""}, ".password", "a secret is not kept here"),
        (headers(Authorization="Bearer hidden"), ".http.requestHeaders.Authorization", "what this header says is not kept here; write ${NAME}"),
        (headers(**{"X-Api-Key": "hidden ${A}x"}), ".http.requestHeaders.X-Api-Key", "what this header says is not kept here"),
        ({"http": "https://u:hidden@h"}, ".http", "a login has no place in an address that everybody sees; an http check"),
        ({"http": {"url": "https://h?api_key=hidden"}}, ".http.url", "'api_key' looks like a secret, and everybody sees an address"),
        ({"http": "https://h/${TOKEN}"}, ".http", "a variable may stand only where a secret belongs"),
        ({"smtp": "${HOST}:25"}, ".smtp", "a variable may stand only where a secret belongs"),
        ({"s3": {**BUCKET, "secretKey": "${JWT_SECRET}"}}, ".s3.secretKey", "JWT_SECRET is Healthdeck's own and goes to nobody; set another"),
        ({"postgres": "${DATABASE_URL_FILE}"}, ".postgres", "DATABASE_URL_FILE is Healthdeck's own"),
    ],
)  # fmt: skip
def test_what_may_not_and_what_to_write_instead(check, place, said):
    said_of = found(check)
    assert list(said_of) == [place]
    assert said_of[place].startswith(said)
    assert "hid" not in said_of[place]


def test_every_other_place_takes_plain_text_only():
    entry = {
        "id": "${A}",
        "name": "x ${SECRET_KEY}",
        "tags": ["${B}"],
        "source": {"type": "exporter", "url": "http://u:p@h"},
        "witness": {"http": {"url": "https://h", "requestHeaders": {"X-Key": "plain"}}},
        "services": [{"name": "n", "url": "https://h/?token=x"}],
    }
    assert [show(path) for path, _ in literals(entry)] == [
        "id",
        "name",
        "tags[0]",
        "source.url",
        "witness.http.requestHeaders.X-Key",
        "services[0].url",
    ]


@pytest.mark.parametrize(
    "entry",
    [
        {"services": 5},
        {"services": [5, {"check": []}, {"check": {}}, {"check": {"type": 5}}]},
        {"services": [{"check": {"redis": 5}}, {"check": {"http": {"requestHeaders": 5}}}]},
        {"witness": "x", "source": None},
    ],
)
def test_what_the_schema_will_refuse_is_no_trouble_here(entry):
    assert list(literals(entry)) == []
