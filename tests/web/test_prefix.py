"""Below a sub-path: one product, whatever the proxy does to the path."""

from __future__ import annotations

import pytest
from flask import Flask, redirect
from flask.testing import FlaskClient
from werkzeug.test import Client

from services.container import Services
from services.errors import ConfigurationError
from services.setting_values import OWN_PATHS
from services.settings import load
from services.web.prefix import Below, Site
from tests.support import site

PREFIX = "/tools/healthdeck"


@pytest.fixture
def below(services: Services) -> FlaskClient:
    server = site.serve(services)
    server.wsgi_app = Below(server.wsgi_app, PREFIX)  # type: ignore[method-assign]
    return server.test_client()


def prefix(value: str) -> str:
    return load({"URL_PREFIX": value}, secret_key="s" * 40, jwt_secret="j" * 40).url_prefix


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        ("/", ""),
        ("/healthdeck", "/healthdeck"),
        (" /healthdeck/ ", "/healthdeck"),
        ("/tools/healthdeck-2.0~x", "/tools/healthdeck-2.0~x"),
        ("/healthy", "/healthy"),
    ],
)
def test_a_sub_path(given: str, kept: str) -> None:
    assert prefix(given) == kept


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("healthdeck", "write it as /healthdeck"),
        ("//evil.example", "write it as /healthdeck"),
        ("/a//b", "write it as /healthdeck"),
        ("/a/../b", "write it as /healthdeck"),
        ("https://ops.example/healthdeck", "write it as /healthdeck"),
        ("/a b", "write it as /healthdeck"),
        ("/a?b", "write it as /healthdeck"),
        ("/_a", "write it as /healthdeck"),
        ("/" + "a" * 300, "write it as /healthdeck"),
        ("/health", "'/health' is how addresses of our own begin"),
        ("/api/healthdeck", "'/api' is how addresses of our own begin"),
    ],
)
def test_what_is_no_sub_path(given: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        prefix(given)
    (line,) = refused.value.details
    assert line.startswith("URL_PREFIX: ")
    assert words in line


def test_no_path_of_ours_can_be_taken_for_a_prefix(server: Flask) -> None:
    firsts = {rule.rule.split("/")[1] for rule in server.url_map.iter_rules()}
    assert {first for first in firsts if first and first[0] not in "<_"} <= OWN_PATHS


@pytest.mark.parametrize("start", [PREFIX, ""], ids=["passed on whole", "taken off"])
def test_both_kinds_of_proxy(below: FlaskClient, services: Services, start: str) -> None:
    assert below.get(f"{start}/healthz").status_code == 200
    overview = f"{start}/api/admin/health/overview"
    assert below.get(overview).status_code == 401
    assert below.get(overview, headers=site.bearer(services)).status_code == 200
    document = below.get(f"{start}/api/openapi.json").get_json()
    assert document["servers"] == [{"url": f"http://localhost{PREFIX}"}]
    form = below.get(f"{start}/login").get_data(as_text=True)
    assert f'action="{PREFIX}/login"' in form
    assert f'src="{PREFIX}/assets/theme.js"' in form


def test_another_path_that_begins_alike_is_not_below(below: FlaskClient) -> None:
    assert below.get(f"{PREFIX}2/healthz").status_code == 401  # a path of ours that nobody knows


def test_the_prefix_alone_is_the_start_page() -> None:
    server = Site("start")
    server.add_url_rule("/", "start", lambda: "start")
    for path in (PREFIX, f"{PREFIX}/"):
        assert Client(Below(server.wsgi_app, PREFIX)).get(path).text == "start"


@pytest.mark.parametrize(
    ("to", "there"),
    [
        ("/", f"{PREFIX}/"),
        ("/health?from=now-6h", f"{PREFIX}/health?from=now-6h"),
        (f"{PREFIX}/health", f"{PREFIX}/health"),
        (PREFIX, PREFIX),
        (f"{PREFIX}?a=/b", f"{PREFIX}?a=/b"),
        (f"{PREFIX}2", f"{PREFIX}{PREFIX}2"),
        ("https://portal.example/", "https://portal.example/"),
    ],
)
def test_redirects_stay_below_it(to: str, there: str) -> None:
    server = Site("redirects")
    server.add_url_rule("/go", "go", lambda: redirect(to, 303))
    answer = Client(Below(server.wsgi_app, PREFIX)).get("/go")
    assert (answer.status_code, answer.location) == (303, there)
    assert server.test_client().get("/go").location == to


def test_the_cookie_is_for_the_whole_host(below: FlaskClient) -> None:
    """``__Host-`` allows no other path, so plain http has none either."""
    form = {"name": site.NAME, "password": site.PASSWORD}
    origin = {"Origin": "http://localhost"}
    answer = below.post(f"{PREFIX}/login", data=form, headers=origin)
    assert answer.status_code == 303
    assert "Path=/;" in answer.headers["Set-Cookie"]
    secure = below.post(
        f"{PREFIX}/login", base_url="https://localhost", data=form,
        headers={"Origin": "https://localhost"},
    )  # fmt: skip
    assert secure.headers["Set-Cookie"].startswith("__Host-healthdeck=")
    assert "Path=/;" in secure.headers["Set-Cookie"]
