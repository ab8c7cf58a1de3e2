"""The guard: what passes without a login, what does not, and who may change something."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dash import Input, Output, dcc, html
from flask import Flask, g, jsonify
from flask.testing import FlaskClient

from services.container import Services
from services.web import guard
from tests.support import callers, site

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
JSON = {"Accept": "application/json"}
SHAPE = {"success", "error", "errorCode", "requestId", "details"}


@pytest.fixture
def server(services: Services) -> Iterator[Flask]:
    """The site with a Dash application on it, its routes added after the guard."""
    server = callers.serve(services)

    @server.get("/api/test/who")
    def who():
        return jsonify(name=g.principal.name, via=g.principal.via)

    @server.post("/api/test/change")
    def change():
        return jsonify(done=True)

    with site.lone_dash(server) as app:
        app.layout = html.Div([dcc.Input(id="in"), html.Div(id="out")])

        @app.callback(Output("out", "children"), Input("in", "value"))
        def echo(value: str) -> str:
            return f"{g.principal.name}: {value}"

        yield server


@pytest.fixture
def bare(server: Flask) -> FlaskClient:
    """A program that sends the cookie that it is told to."""
    return server.test_client(use_cookies=False)


PRIVATE = [
    ("GET", "/"), ("GET", "/health"), ("GET", "/health/vps/vps-1"), ("GET", "/unknown"),
    ("GET", "/api"), ("GET", "/api/"), ("GET", "/api/admin/health/overview"),
    ("GET", "/api/unknown"), ("POST", "/api/admin/alerts/a/acknowledge"),
    ("GET", "/_dash-layout"), ("GET", "/_dash-dependencies"), ("GET", "/_reload-hash"),
    ("POST", "/_dash-update-component"), ("GET", "/_dash-component-suites/dash/deps/polyfill.js"),
    ("GET", "/_favicon.ico"), ("GET", "/assets/stream.js"), ("GET", "/own/x.css"),
    ("GET", "/assets/../assets/stream.js"), ("GET", "/assets//login.css"), ("GET", "/login/"),
    ("GET", "/healthz/"), ("GET", "/HEALTHZ"), ("GET", "/healthz/../api"), ("POST", "/logout"),
    ("GET", "/static/x"), ("OPTIONS", "/api/admin/health/overview"), ("HEAD", "/api/unknown"),
    ("DELETE", "/health"), ("GET", "/login%00"), ("GET", "/%2e%2e/etc/passwd"),
    ("GET", "/health/live/x"), ("GET", "/metrics"), ("GET", "/login;x"), ("GET", "/setup/x"),
]  # fmt: skip


def test_a_program_without_identity_gets_401(anonymous: FlaskClient) -> None:
    for method, path in PRIVATE:
        answer = anonymous.open(path, method=method, headers=JSON)
        assert answer.status_code == 401, (method, path)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        if method != "HEAD":
            assert set(answer.get_json()) == SHAPE
            assert answer.get_json()["errorCode"] == "AUTHENTICATION_REQUIRED"


def test_what_the_login_page_and_probes_need_is_public(anonymous: FlaskClient) -> None:
    for path in sorted(guard.PUBLIC - {"/setup"}):
        with anonymous.get(path) as answer:
            assert answer.status_code in (200, 503), path  # 503: not ready is an answer too


@pytest.mark.parametrize(
    ("path", "next_"),
    [
        ("/", None),
        ("/health", "/health"),
        ("/health/vps?vps=a,b&x=1%202", "/health/vps?vps=a,b&x=1%202"),
        ("/caf%C3%A9", "/caf%C3%A9"),
        ("/a%2520b", "/a%2520b"),
    ],
)
def test_a_browser_is_taken_to_the_login_and_remembers_where_it_was(
    anonymous: FlaskClient, path: str, next_: str | None
) -> None:
    answer = anonymous.get(path, headers=PAGE)
    assert answer.status_code == 303
    assert answer.location.partition("?")[0] == "/login"
    page = anonymous.get(answer.location, headers=PAGE)
    wanted = (next_ or "/").replace("&", "&amp;")
    assert f'name="next" value="{wanted}"' in page.text


@pytest.mark.parametrize("path", ["/api/admin/health/overview", "/_dash-layout", "/assets/x.js"])
def test_what_is_no_page_never_leads_to_the_login(anonymous: FlaskClient, path: str) -> None:
    answer = anonymous.get(path, headers=PAGE)
    assert answer.status_code == 401
    assert set(answer.get_json()) == SHAPE


def test_without_any_user_the_way_leads_to_the_set_up_page(empty_services: Services) -> None:
    browser = site.serve(empty_services).test_client()
    answer = browser.get("/health", headers=PAGE)
    assert (answer.status_code, answer.location) == (303, "/setup")
    assert "one-time set-up link" in browser.get("/setup", headers=PAGE).text


def test_a_cookie_and_a_token_say_who_it_is(
    user: FlaskClient, anonymous: FlaskClient, services: Services
) -> None:
    assert user.get("/api/test/who").get_json() == {"name": "ops", "via": "session"}
    scripted = anonymous.get("/api/test/who", headers=site.bearer(services))
    assert scripted.get_json() == {"name": "script", "via": "token"}


def test_a_token_wins_over_a_cookie_and_a_bad_one_is_not_made_good_by_it(
    user: FlaskClient, services: Services
) -> None:
    assert user.get("/api/test/who", headers=site.bearer(services)).get_json()["via"] == "token"
    for header in ("Bearer", "Bearer ", "Bearer x", "bearer x.y.z", "BEARER null"):
        answer = user.get("/api/test/who", headers={"Authorization": header})
        assert (answer.status_code, answer.get_json()["errorCode"]) == (401, "INVALID_TOKEN")


def test_another_scheme_is_left_to_the_proxy_that_asked_for_it(user: FlaskClient) -> None:
    assert user.get("/api/test/who", headers={"Authorization": "Basic eDp5"}).status_code == 200


@pytest.mark.parametrize("cookie", ["", "x", "a b", "\xff", "x" * 5000])
def test_a_strange_cookie_is_nobody(bare: FlaskClient, cookie: str) -> None:
    answer = bare.get("/api/test/who", headers={"Cookie": f"healthdeck={cookie}"})
    assert answer.status_code == 401


ORIGINS: list[tuple[dict[str, str], int]] = [
    ({}, 403),
    ({"Origin": "http://localhost"}, 200),
    ({"Origin": "http://LOCALHOST:80"}, 200),
    ({"Origin": "https://portal.example"}, 200),
    ({"Origin": "https://portal.example:443"}, 200),
    ({"Origin": "http://portal.example"}, 403),
    ({"Origin": "https://portal.example.evil.example"}, 403),
    ({"Origin": "https://localhost"}, 403),
    ({"Origin": "http://localhost:8051"}, 403),
    ({"Origin": "http://localhost.evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "garbage"}, 403),
    ({"Origin": "http://[::1"}, 403),
    ({"Origin": "http://localhost:x"}, 403),
    ({"Origin": "http://evil.example", "Referer": "http://localhost/"}, 403),
    ({"Referer": "http://localhost/health?x=1"}, 200),
    ({"Referer": "http://evil.example/localhost"}, 403),
]


def test_a_cookie_changes_something_only_from_a_page_of_ours(user: FlaskClient) -> None:
    for headers, status in ORIGINS:
        answer = user.post("/api/test/change", headers=headers)
        assert answer.status_code == status, headers
        if status == 403:
            assert answer.get_json()["errorCode"] == "INSUFFICIENT_PERMISSIONS"


def test_reading_needs_no_origin_and_a_token_changes_from_anywhere(
    user: FlaskClient, anonymous: FlaskClient, services: Services
) -> None:
    evil = {"Origin": "http://evil.example"}
    assert user.get("/api/test/who", headers=evil).status_code == 200
    scripted = anonymous.post("/api/test/change", headers=evil | site.bearer(services))
    assert scripted.status_code == 200


def test_dash_works_for_whoever_is_logged_in_and_knows_them(user: FlaskClient) -> None:
    assert user.get("/_dash-layout").status_code == 200
    sent = {
        "output": "out.children",
        "outputs": {"id": "out", "property": "children"},
        "inputs": [{"id": "in", "property": "value", "value": "hello"}],
        "changedPropIds": ["in.value"],
    }
    answer = user.post("/_dash-update-component", json=sent, headers={"Origin": "http://localhost"})
    assert answer.get_json()["response"] == {"out": {"children": "ops: hello"}}
    assert user.post("/_dash-update-component", json=sent).status_code == 403


def test_logged_out_is_locked_out_at_once(user: FlaskClient, bare: FlaskClient) -> None:
    cookie = user.get_cookie("healthdeck")
    assert cookie is not None
    stolen = {"Cookie": f"healthdeck={cookie.value}"}
    assert bare.get("/_dash-layout", headers=stolen).status_code == 200
    user.post("/logout", headers={"Origin": "http://localhost"})
    assert bare.get("/_dash-layout", headers=stolen).status_code == 401


def test_over_https_only_the_host_cookie_counts(user: FlaskClient, bare: FlaskClient) -> None:
    cookie = user.get_cookie("healthdeck")
    assert cookie is not None
    for name, status in (("healthdeck", 401), ("__Host-healthdeck", 200)):
        header = {"Cookie": f"{name}={cookie.value}"}
        answer = bare.get("/api/test/who", base_url="https://localhost", headers=header)
        assert answer.status_code == status


@pytest.mark.parametrize("path", ["/api/test/change", "/_dash-update-component", "/login"])
def test_more_than_a_mebibyte_is_refused(user: FlaskClient, path: str) -> None:
    answer = user.post(
        path,
        data=b"x" * (1024 * 1024 + 1),
        headers={"Origin": "http://localhost", "Content-Type": "application/json"},
    )
    assert answer.status_code == 413
    assert answer.get_json()["errorCode"] == "PAYLOAD_TOO_LARGE"


def test_a_body_says_nothing_about_who_sent_it(anonymous: FlaskClient, services: Services) -> None:
    token = services.identity.issue_token("super_admin", "x", 5)
    form = {"token": token, "Authorization": f"Bearer {token}", "public": "true"}
    assert anonymous.post("/api/test/change", json=form).status_code == 401
    assert anonymous.post("/api/test/change", data=form).status_code == 401
