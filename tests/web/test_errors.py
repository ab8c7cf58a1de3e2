"""One shape for every error, one id for every request."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from services.container import Services
from services.errors import Conflict, NotFound, PayloadTooLarge, Unavailable, ValidationError
from services.web.errors import RateLimited
from tests.support import site

PAGE = {"Accept": "text/html"}


@pytest.fixture
def server(services: Services) -> Flask:
    server = site.serve(services)
    raised = {
        "validation": ValidationError("wrong", [{"field": "a", "problem": "b"}]),
        "missing": NotFound("gone"),
        "conflict": Conflict("taken"),
        "large": PayloadTooLarge("big"),
        "limited": RateLimited("slow down", 7),
        "unavailable": Unavailable("later"),
        "database": OperationalError("SELECT secret", {}, Exception("host=10.0.0.5 password=x")),
        "bug": RuntimeError("a secret detail"),
    }

    @server.get("/api/test/<which>")
    def fail(which: str):
        if which.isdigit():
            abort(int(which))
        structlog.get_logger().info("working")
        raise raised[which]

    @server.get("/page/<which>")
    def page(which: str):
        raise raised[which]

    return server


@pytest.fixture
def records() -> Iterator[list[dict]]:
    """What was logged while the test ran, with what was bound to the request."""
    kept = structlog.get_config()
    seen: list[dict] = []

    def keep(_logger, _method, event):
        seen.append(dict(event))
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.contextvars.merge_contextvars, keep])
    yield seen
    structlog.configure(**kept)


@pytest.mark.parametrize(
    ("which", "status", "code"),
    [
        ("validation", 400, "VALIDATION_ERROR"),
        ("missing", 404, "NOT_FOUND"),
        ("conflict", 409, "CONFLICT"),
        ("large", 413, "PAYLOAD_TOO_LARGE"),
        ("limited", 429, "RATE_LIMIT_EXCEEDED"),
        ("unavailable", 503, "UNAVAILABLE"),
        ("database", 503, "UNAVAILABLE"),
        ("bug", 500, "INTERNAL_ERROR"),
        ("400", 400, "VALIDATION_ERROR"),
        ("403", 403, "INSUFFICIENT_PERMISSIONS"),
        ("404", 404, "NOT_FOUND"),
        ("415", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("418", 418, "IM_A_TEAPOT"),
        ("500", 500, "INTERNAL_ERROR"),
        ("503", 503, "UNAVAILABLE"),
    ],
)
def test_every_error_has_the_one_shape(
    user: FlaskClient, which: str, status: int, code: str
) -> None:
    answer = user.get(f"/api/test/{which}", headers=PAGE)  # also where a browser looks at the API
    body = answer.get_json()
    assert (answer.status_code, body["errorCode"]) == (status, code)
    assert set(body) == {"success", "error", "errorCode", "requestId", "details"}
    assert body["success"] is False
    assert isinstance(body["error"], str)
    assert body["error"]
    assert body["requestId"] == answer.headers["X-Request-ID"]
    assert isinstance(body["details"], list)
    assert not any(leak in answer.text for leak in ("secret", "password", "Traceback", "10.0.0.5"))


def test_details_and_retry_after_reach_the_caller(user: FlaskClient) -> None:
    assert user.get("/api/test/validation").get_json()["details"] == [
        {"field": "a", "problem": "b"}
    ]
    assert user.get("/api/test/limited").headers["Retry-After"] == "7"


def test_a_person_gets_a_page(user: FlaskClient) -> None:
    for which, status, says in (
        ("missing", 404, "gone"),
        ("bug", 500, "Something went wrong"),
        ("database", 503, "The database does not answer"),
    ):
        answer = user.get(f"/page/{which}", headers=PAGE)
        assert (answer.status_code, answer.mimetype) == (status, "text/html")
        assert says in answer.text
        assert "secret" not in answer.text
    answer = user.get("/page/bug", headers=PAGE)
    assert answer.headers["X-Request-ID"] in answer.text


def test_unknown_pages_and_wrong_methods(user: FlaskClient) -> None:
    origin = {"Origin": "http://localhost"}
    assert user.get("/nowhere").get_json()["errorCode"] == "NOT_FOUND"
    answer = user.delete("/login", headers=origin)
    assert (answer.status_code, answer.get_json()["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("given", ["abc-123", "A.b_c", "0" * 64])
def test_a_sane_request_id_is_kept(anonymous: FlaskClient, given: str) -> None:
    answer = anonymous.get("/healthz", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", " ", "a b", "x" * 65, "<script>", "-a", "é"])
def test_another_is_replaced(anonymous: FlaskClient, given: str) -> None:
    first, second = (
        anonymous.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"]
        for _ in range(2)
    )
    assert given != first != second
    assert first.isalnum()


def test_the_log_has_the_request_id_and_the_trace(
    user: FlaskClient, records: list[dict], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    user.get("/api/test/bug", headers={"X-Request-ID": "r-1"})
    [failure] = [record for record in records if record["event"] == "unexpected_error"]
    assert failure["request_id"] == "r-1"
    assert isinstance(failure["exc_info"], RuntimeError)
    assert [r["request_id"] for r in records if r["event"] == "working"] == ["r-1"]
    user.get("/healthz")
    assert structlog.contextvars.get_contextvars() == {}
    assert json.dumps([r["event"] for r in records]).count("unexpected_error") == 1


def test_a_database_that_is_gone_is_not_our_bug(services: Services, user: FlaskClient) -> None:
    with services.database.write() as session:
        session.execute(text("DROP TABLE alerts"))
    answer = user.get("/api/admin/alerts")
    assert (answer.status_code, answer.get_json()["errorCode"]) == (503, "UNAVAILABLE")
