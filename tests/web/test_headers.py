"""What browsers are told about each response."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from services.web.headers import policy

PAGE = {"Accept": "text/html"}


def directives(text: str) -> dict[str, list[str]]:
    parts = (part.split() for part in text.split(";"))
    return {name: values for name, *values in parts}


def test_the_policy_allows_our_own_files_and_the_given_scripts(anonymous: FlaskClient) -> None:
    sent = directives(anonymous.get("/login", headers=PAGE).headers["Content-Security-Policy"])
    assert sent["default-src"] == ["'self'"]
    assert sent["script-src"] == ["'self'", "'sha256-abc='"]
    assert sent["object-src"] == sent["base-uri"] == ["'none'"]
    assert sent["form-action"] == ["'self'"]
    assert sent["frame-ancestors"] == ["'self'", "https://portal.example"]
    assert "'unsafe-inline'" not in sent["script-src"]


def test_without_a_portal_only_we_may_frame_it() -> None:
    assert directives(policy((), ()))["frame-ancestors"] == ["'self'"]


@pytest.mark.parametrize("path", ["/login", "/healthz", "/api/unknown", "/nowhere"])
def test_answers_are_not_kept(user: FlaskClient, path: str) -> None:
    headers = user.get(path).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_files_are_kept_by_their_fingerprint(anonymous: FlaskClient) -> None:
    with anonymous.get("/assets/login.css?m=1.5") as marked:
        assert "immutable" in marked.headers["Cache-Control"]
    with anonymous.get("/assets/login.css") as plain:
        assert plain.headers["Cache-Control"] == "no-cache"
        tag = plain.headers["ETag"]
    with anonymous.get("/assets/login.css", headers={"If-None-Match": tag}) as again:
        assert again.status_code == 304


def test_what_the_api_marks_is_asked_for_again(user: FlaskClient) -> None:
    path = "/api/admin/health/vps/vps-1"
    first = user.get(path)
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = user.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.headers["Cache-Control"]) == (304, "private, no-cache")


def test_a_missing_file_is_not_kept(user: FlaskClient) -> None:
    answer = user.get("/assets/none.css?m=1")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")


def test_the_login_page_has_nothing_inline(anonymous: FlaskClient) -> None:
    page = anonymous.get("/login", headers=PAGE).text
    assert "<style" not in page
    assert " style=" not in page
    assert "<script>" not in page
    assert "http://" not in page
    assert "https://" not in page
