"""What an HTTP answer says about a service, case by case."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collect.checks.body import expects_body, judge_body
from services.collect.checks.body_formats import MOST_PARTS
from services.observation import Status

H, D, U, X = Status.HEALTHY, Status.DEGRADED, Status.UNHEALTHY, Status.UNKNOWN
JSON = "application/json; charset=utf-8"


def judge(body, code=200, kind=JSON, expected=True, truncated=False):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return judge_body(code, kind, raw, truncated, expected)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("ok", H), ("OK", H), (" up ", H), ("UP", H), ("pass", H), ("healthy", H), (True, H),
        (200, H), ("degraded", D), ("warn", D), ("warning", D), ("error", U), ("DOWN", U),
        ("fail", U), ("unhealthy", U), (False, U), (503, U), ("sideways", D), ("unknown", D),
        (17, D), ({"nested": 1}, D), ("x" * 5000, D), ("\ud800\x00\n", D),
    ],
)  # fmt: skip
def test_the_word_of_a_report(word, status):
    verdict = judge({"status": word})
    assert verdict.status is status
    assert verdict.message.isprintable()
    assert len(verdict.message) < 200
    verdict.message.encode()


def test_an_unknown_word_is_quoted_and_the_known_ones_named():
    verdict = judge({"status": "sideways"})
    assert verdict.message == "reports the status sideways; known are ok, degraded and error"


def test_the_body_of_the_specification():
    verdict = judge(
        {
            "status": "degraded", "timestamp": "2025-11-20T10:30:00Z", "uptime": 86400,
            "environment": "production", "version": "1.2.3",
            "services": {"database": "degraded", "api": "ok"},
            "system": {"memory": {"used": 1, "total": 2, "unit": "MB"}, "cpu": {}},
        }
    )  # fmt: skip
    assert (verdict.status, verdict.uptime_s) == (D, 86400.0)
    assert verdict.parts == {"database": D, "api": H}
    assert verdict.message == "reports degraded: database is degraded"


@pytest.mark.parametrize(
    ("why", "body", "parts"),
    [
        ("words and objects", {"services": {"db": "up", "mq": {"status": "fail"}}},
         {"db": H, "mq": U}),
        ("Spring's components", {"components": {"db": {"status": "OUT_OF_SERVICE"}}}, {"db": U}),
        ("health+json lists readings",
         {"checks": {"db:ms": [{"status": "pass"}, {"status": "warn"}]}},
         {"db": D}),
        ("a list with names", {"services": [{"name": "db", "status": "ok"}, "junk", 3, None]},
         {"db": H}),
        ("a word nobody knows", {"services": {"db": "sideways"}}, {"db": D}),
        ("not said or switched off", {"services": {"db": None, "mq": "disabled", "s3": {}}},
         {"db": X, "mq": X, "s3": X}),
        ("names become ids", {"services": {"Primärer Speicher!": "ok", "_.-x": "ok", "数据": "ok"}},
         {"primarer-speicher": H, "x": H, "part": H}),
        ("two names with one id: the worse counts",
         {"services": {"DB": "ok", "db": "down", "Db": "ok"}},
         {"db": U}),
        ("not a mapping at all", {"services": "all fine"}, {}),
        ("numbers, lists, nothing", {"services": {"a": 1.5, "b": [], "c": [1]}},
         {"a": D}),
    ],
)  # fmt: skip
def test_dependencies_become_parts(why, body, parts):
    assert judge({"status": "ok", **body}).parts == parts, why


SPRING = {
    "status": "DOWN",
    "components": {
        "db": {"status": "DOWN", "details": {"error": "SQLException:\n  refused"}},
        "diskSpace": {"status": "UP", "details": {"free": 1, "threshold": 2}},
        "broker": {"status": "UNKNOWN"},
        "readers": {"status": "OUT_OF_SERVICE", "components": {"a": {"status": "DOWN"}}},
    },
}
DRAFT = {
    "status": "warn",
    "checks": {
        "cassandra:responseTime": [
            {"status": "pass", "observedValue": 250},
            {"status": "warn", "observedValue": 900, "output": "node 2 is slow"},
        ],
        "cassandra:connections": [{"status": "pass", "observedValue": 75}],
        "memory:utilization": [{"observedValue": 8.5}],
        "uptime": [{"status": "pass", "observedValue": 20.5, "observedUnit": "min"}],
    },
}
ASP_NET = {
    "status": "Unhealthy",
    "totalDuration": "00:00:00.05",
    "entries": {
        "sql": {"status": "Unhealthy", "description": None, "exception": "timeout", "data": {}},
        "mq": {"status": "Degraded", "description": "42 waiting", "tags": ["ready"]},
    },
}


@pytest.mark.parametrize(
    ("why", "body", "status", "parts", "words"),
    [
        ("Spring Boot Actuator", SPRING, U, {"db": U, "diskspace": H, "broker": X, "readers": U},
         "reports DOWN: db is unhealthy (SQLException: refused), readers is unhealthy"),
        ("Spring Boot before 2.2", {"status": "UP", "details": SPRING["components"]}, H,
         {"db": U, "diskspace": H, "broker": X, "readers": U}, "reports UP: db is unhealthy"),
        ("details that are none of Spring's", {"status": "ok", "details": {"error": "no"}}, H, {},
         "reports ok"),
        ("application/health+json", DRAFT, D, {"cassandra": D, "uptime": H},
         "reports warn: cassandra is degraded (node 2 is slow)"),
        ("ASP.NET", ASP_NET, U, {"sql": U, "mq": D},
         "reports Unhealthy: sql is unhealthy (timeout), mq is degraded (42 waiting)"),
        ("ASP.NET in numbers", {"status": 1, "entries": {"a": {"status": 0}, "b": {"status": 2}}},
         D, {"a": U, "b": H}, "reports degraded: a is unhealthy"),
        ("numbers beyond them", {"status": 3, "results": {"a": {"status": -1}}}, D, {"a": D},
         "reports the status int; known are"),
    ],
)  # fmt: skip
def test_the_formats_that_services_speak(why, body, status, parts, words):
    verdict = judge(body, kind="application/vnd.spring-boot.actuator.v3+json")
    assert (verdict.status, verdict.parts) == (status, parts), why
    assert verdict.message.startswith(words)


def test_the_draft_tells_the_uptime_among_its_checks():
    assert judge(DRAFT).uptime_s == 1230.0
    for reading in ({"observedValue": -1}, {"observedValue": 5, "observedUnit": "moons"}, 7, {}):
        assert judge({"status": "pass", "checks": {"uptime": [reading]}}).uptime_s is None


@pytest.mark.parametrize(
    ("text", "status"), [("Healthy", H), ("Degraded", D), ("Unhealthy", U), ("degraded soon", H)]
)
def test_the_one_word_of_asp_net_is_believed_at_any_address(text, status):
    assert judge(text.encode(), kind="text/plain", expected=False).status is status


def test_what_parts_say_of_themselves_stays_short_and_printable():
    verdict = judge({"status": "ok", "services": {"a": {"status": "down", "error": "\x07" * 9999}}})
    assert verdict.message.isprintable()
    assert len(verdict.message) < 150


@pytest.mark.parametrize(
    ("code", "accepted", "status", "words"),
    [
        (404, (404,), H, "answered 404"),
        (200, (204, 404), U, "answered 200 where 204 or 404 was expected"),
        (500, (404,), U, "failed inside (500)"),
        (503, (503,), D, "reports degraded"),
    ],
)
def test_statuses_that_will_do(code, accepted, status, words):
    body = b'{"status": "degraded"}' if code == 503 else b""
    verdict = judge_body(code, JSON, body, False, False, accepted)
    assert (verdict.status, verdict.message) == (status, words)


def test_a_report_is_believed_over_its_parts_but_they_are_named():
    verdict = judge({"status": "ok", "services": {"redis": "down"}})
    assert (verdict.status, verdict.message) == (H, "reports ok: redis is unhealthy")


@pytest.mark.parametrize(("part", "status"), [("ok", H), ("degraded", D), ("down", D)])
def test_parts_without_a_word_for_the_whole(part, status):
    assert judge({"services": {"db": part}}).status is status


@pytest.mark.parametrize(
    ("uptime", "seconds"),
    [
        ("12.5", 12.5), ("0", 0.0), ("-1", None), ("NaN", None), ("Infinity", None),
        ("-Infinity", None), ("1e999", None), ('"3 days"', None), ("true", None), ("null", None),
        ("[1]", None), ("1" + "0" * 400, None), ("1e300", None),
    ],
)  # fmt: skip
def test_uptime_is_a_number_of_seconds_or_nothing(uptime, seconds):
    verdict = judge(f'{{"status": "ok", "uptime": {uptime}}}'.encode())
    assert (verdict.status, verdict.uptime_s) == (H, seconds)


HTML = b"<!DOCTYPE html><html><body>Welcome</body></html>"


@pytest.mark.parametrize(
    ("why", "body", "kind", "words"),
    [
        ("a web page", HTML, "text/html; charset=utf-8",
         "answered a web page (text/html) where a health report was expected; is the address"),
        ("a page that calls itself JSON", HTML, JSON, "answered a web page (application/json)"),
        ("half a JSON", b'{"status": "ok", "services": {"data', JSON,
         "said JSON but it breaks off at character 35"),
        ("cut in a word", b'{"status": tr', JSON, "breaks off at character 13"),
        ("cut in an escape", b'{"status": "\\u00', JSON, "breaks off at character 16"),
        ("cut after a number", b'{"uptime": 12', JSON, "breaks off at character 13"),
        ("wrong in the middle", b'{"status": ok, "uptime": 1}', JSON,
         "said JSON but it goes wrong at character 12"),
        ("nothing", b"", JSON, "said JSON but the answer is empty"),
        ("looks like JSON under another name", b'{"status"', "text/plain", "breaks off"),
        ("not UTF-8", b'{"status": "\xff\xfe"}', JSON, "not UTF-8 text (byte 12)"),
        ("nested deeply", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, JSON, "nested too deeply"),
        ("an endless number", b'{"uptime": ' + b"9" * 5000 + b"}", JSON, "a number too long"),
    ],
)  # fmt: skip
def test_what_comes_instead_of_a_report(why, body, kind, words):
    verdict = judge(body, kind=kind)
    assert verdict.status is D, why
    assert words in verdict.message
    assert judge(body, kind=kind, expected=False).status is H, "elsewhere any 2xx is healthy"


def test_too_much_where_a_report_was_expected():
    assert judge(b"x" * 10, truncated=True).status is D
    assert "more than 1 MiB" in judge(b"x" * 10, truncated=True).message
    assert judge(b"x" * 10, truncated=True, expected=False).status is H


@pytest.mark.parametrize(
    ("why", "body", "kind"),
    [
        ("plain text", b"OK", "text/plain"),
        ("an unknown text", b"pong", "text/plain"),
        ("no content", b"", ""),
        ("a list", b"[1, 2]", JSON),
        ("a number", b"42", JSON),
        ("JSON without a status", b'{"version": "1"}', JSON),
        ("with a byte order mark", b'\xef\xbb\xbf{"status": "ok"}', JSON),
    ],
)
@pytest.mark.parametrize("expected", [True, False])
def test_other_answers_are_plain_healthy(why, body, kind, expected):
    assert judge(body, kind=kind, expected=expected).status is H, why


def test_plain_text_that_says_down_is_believed_where_a_report_was_expected():
    assert judge(b"DOWN\n", kind="text/plain").status is U
    assert judge(b"DOWN\n", kind="text/plain", expected=False).status is H


def test_a_status_of_something_else_is_no_health_report():
    order = {"status": "shipped", "items": [1]}
    assert judge(order, expected=False).status is H
    assert judge(order, expected=True).status is D


def test_ten_thousand_parts_keep_the_first_fifty():
    services = {f"part {n}": "ok" for n in range(10_000)} | {"last": "down"}
    verdict = judge({"status": "ok", "services": services})
    assert list(verdict.parts) == [f"part-{n}" for n in range(MOST_PARTS)]
    assert "10001 dependencies listed, 50 read" in verdict.message


def test_long_names_are_cut():
    (name,) = judge({"status": "ok", "services": {"a" * 100_000: "ok"}}).parts
    assert name == "a" * 64


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (301, "points elsewhere (301)"), (304, "points elsewhere (304)"),
        (400, "refused the request (400 Bad Request)"), (401, "needs a login (401)"),
        (403, "refuses us entry (403)"), (404, "no such page (404); is the path right?"),
        (418, "refused the request"), (429, "so many requests (429)"),
        (500, "failed inside (500)"), (502, "behind its proxy (502)"),
        (503, "says that it is unavailable (503)"), (504, "waited in vain"),
        (599, "failed inside (599)"), (999, "failed inside (999)"),
    ],
)  # fmt: skip
def test_answers_that_are_no_2xx(code, words):
    for expected in (True, False):
        verdict = judge(HTML, code=code, kind="text/html", expected=expected)
        assert verdict.status is U
        assert words in verdict.message


def test_503_with_a_report_names_the_bad_parts():
    verdict = judge(
        {"status": "error", "uptime": 5, "services": {"api": "ok", "redis": "warn", "db": "down"}},
        code=503,
    )
    assert verdict.status is U
    assert verdict.message == (
        "says that it is unavailable (503): db is unhealthy, redis is degraded"
    )
    assert (verdict.parts, verdict.uptime_s) == ({"api": H, "redis": D, "db": U}, 5.0)


def test_many_bad_parts_are_counted():
    services = {f"p{n}": "down" for n in range(8)}
    assert judge({"status": "error", "services": services}).message.endswith(
        "p4 is unhealthy and 3 more"
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/health", True), ("/api/Healthz/", True), ("/ready", True), ("/readyz", True),
        ("/livez", True), ("/live", True), ("/status", True), ("/actuator", True),
        ("/actuator/health", True), ("/healthcheck", True), ("/", False), ("", False),
        ("/healthy-food", False), ("/health/summary", False),
    ],
)  # fmt: skip
def test_where_a_report_is_expected(path, expected):
    assert expects_body(path) is expected


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["status", "services", "checks", "entries", "details", "uptime", "name", "error"]
            )
            | st.text(max_size=8),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@settings(max_examples=150, deadline=None)
@given(
    body=st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()),
    code=st.integers(100, 999),
    kind=st.sampled_from([JSON, "text/html", "", ";;;", "application/health+json"]) | st.text(),
    truncated=st.booleans(),
    expected=st.booleans(),
)
def test_nothing_a_server_sends_raises(body, code, kind, truncated, expected):
    verdict = judge_body(code, kind, body, truncated, expected)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name) for name in verdict.parts)
    assert verdict.message.isprintable()
    assert verdict.uptime_s is None or verdict.uptime_s >= 0
