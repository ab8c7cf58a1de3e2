"""Pages in a frame of the portal's: the token, its trade, what the session may; other origins."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.container import Services
from services.errors import InsufficientPermissions, InvalidToken
from services.events import Event, SessionEnded
from services.identity import Identity, OnlyServers, Principal, scope_key
from services.identity.audit import Actor
from services.identity.embeds import TOKEN_SECONDS, Wish
from services.web.embedding import checked_target
from services.web.guard import PUBLIC
from tests.support import callers, site
from tests.support.site import CHEAP, PORTAL

TOKENS, TRADE = "/api/admin/embed-tokens", "/auth/embed"
VPS_1, VPS_2 = "/api/admin/health/vps/vps-1", "/api/admin/health/vps/vps-2"
HERE = {"Origin": "http://localhost"}
CHIEF = Principal("boss", "super_admin", None, "session", "session:x")
ACTOR = Actor("boss")


@pytest.fixture
def server(services: Services) -> Flask:
    return callers.serve(services)


def token_of(services: Services, **wish: object) -> str:
    made = services.identity.embeds.create(Wish(**{"minutes": 5, **wish}), CHIEF, ACTOR)  # type: ignore[arg-type]
    return made[0]


def embedded(server: Flask, services: Services, **wish: object) -> FlaskClient:
    """A frame whose session is open."""
    client = server.test_client()
    sent = {"token": token_of(services, **wish)}
    assert client.post(TRADE, json=sent, headers=HERE).status_code == 200
    return client


# The token


def test_the_portal_asks_for_a_token_and_the_frame_trades_it_once(
    server: Flask, services: Services
) -> None:
    backend = server.test_client()
    sent = {"minutes": 30, "tenants": ["acme"]}
    made = backend.post(TOKENS, json=sent, headers=site.bearer(services))
    assert made.status_code == 201
    token = made.get_json()["token"]
    frame = server.test_client()
    opened = frame.post(TRADE, json={"token": token}, headers=HERE)
    assert opened.status_code == 200
    assert opened.get_json()["expiresAt"] > made.get_json()["expiresAt"]
    cookie = opened.headers["Set-Cookie"]
    assert cookie.startswith("healthdeck_embed=embed.")
    for part in ("Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/", "Max-Age="):
        assert part in cookie
    assert frame.post(TRADE, json={"token": token}, headers=HERE).status_code == 200
    stranger = server.test_client().post(TRADE, json={"token": token}, headers=HERE)
    assert (stranger.status_code, stranger.get_json()["errorCode"]) == (401, "INVALID_TOKEN")


def test_over_https_the_cookie_is_bound_to_the_host(server: Flask, services: Services) -> None:
    answer = server.test_client().post(
        TRADE, json={"token": token_of(services)}, base_url="https://hd.example",
        headers={"Origin": "https://hd.example"},
    )  # fmt: skip
    assert answer.headers["Set-Cookie"].startswith("__Host-healthdeck-embed=")


@pytest.mark.parametrize(
    ("host", "status"),
    [("hd.example", 400), ("192.0.2.7:8050", 400), ("127.0.0.1:8050", 200), ("localhost", 200),
     ("[::1]:8050", 200), ("127.0.0.1.example", 400)],
)  # fmt: skip
def test_without_tls_only_loopback_can_be_embedded(
    server: Flask, services: Services, host: str, status: int
) -> None:
    answer = server.test_client().post(
        TRADE, json={"token": token_of(services)}, base_url=f"http://{host}"
    )
    assert answer.status_code == status
    if status == 400:
        assert "needs TLS" in answer.get_json()["error"]


@pytest.mark.parametrize(
    "wish",
    [{"minutes": 0}, {"minutes": -1}, {"minutes": 1441}, {"minutes": "5"}, {}, {"tenants": ["a"]},
     {"minutes": 5, "tenants": []}, {"minutes": 5, "pages": ["/login"]},
     {"minutes": 5, "pages": ["/health/../x"]}, {"minutes": 5, "vps": "vps-1"},
     {"minutes": 5, "role": "super_admin"}],
)  # fmt: skip
def test_a_wish_that_makes_no_sense_is_refused(
    anonymous: FlaskClient, services: Services, wish: dict[str, object]
) -> None:
    answer = anonymous.post(TOKENS, json=wish, headers=site.bearer(services))
    assert (answer.status_code, answer.get_json()["errorCode"]) == (400, "VALIDATION_ERROR")


def test_nobody_embeds_more_than_they_may_see(server: Flask, services: Services) -> None:
    limited = site.bearer(services, tenants=["acme"])
    client = server.test_client()
    wish = {"minutes": 5, "tenants": ["acme", "globex"]}
    assert client.post(TOKENS, json=wish, headers=limited).status_code == 403
    token = client.post(TOKENS, json={"minutes": 5}, headers=limited).get_json()["token"]
    frame = server.test_client()
    frame.post(TRADE, json={"token": token}, headers=HERE)
    assert frame.get(VPS_1).status_code == 200
    assert frame.get(VPS_2).status_code == 404
    assert frame.post(TOKENS, json={"minutes": 5}, headers=HERE).status_code == 403


def test_tokens_and_sessions_end(services: Services) -> None:
    class Clock:
        now = time.time()

        def __call__(self) -> float:
            return self.now

    clock = Clock()
    identity = Identity(
        services.database, services.settings, services.bus, hasher=CHEAP, clock=clock
    )
    old, _ = identity.embeds.create(Wish(5), CHIEF, ACTOR)
    clock.now += TOKEN_SECONDS
    with pytest.raises(InvalidToken, match="too old"):
        identity.embeds.trade(old, "")
    fresh, _ = identity.embeds.create(Wish(5), CHIEF, ACTOR)
    cookie, ends = identity.embeds.trade(fresh, "")
    assert ends == pytest.approx(clock.now + 300)
    clock.now += 299
    assert identity.authenticate_session(cookie)
    clock.now += 1
    assert identity.authenticate_session(cookie) is None
    identity.forget_expired()
    holder = Principal("x", "admin", None, "embed", "embed:1")
    with pytest.raises(InsufficientPermissions):
        identity.embeds.create(Wish(5), holder, ACTOR)


def test_what_was_embedded_ends_with_its_maker(server: Flask, services: Services) -> None:
    told: list[Event] = []
    services.bus.subscribe(told.append)
    identity, frames = services.identity, []
    anna = identity.users.create("anna", site.PASSWORD, "admin", ACTOR)
    key = identity.keys.create("portal", "admin", ACTOR)
    person = identity.authenticate_session(identity.log_in("anna", site.PASSWORD))
    assert person
    for maker in (person, identity.authenticate_token(key["key"])):
        frames.append(server.test_client())
        token, _ = identity.embeds.create(Wish(5), maker, ACTOR)
        assert frames[-1].post(TRADE, json={"token": token}, headers=HERE).status_code == 200
        assert frames[-1].get(VPS_1).status_code == 200
    identity.users.delete(int(anna["id"]), ACTOR)
    assert [frame.get(VPS_1).status_code for frame in frames] == [401, 200]
    identity.keys.revoke(int(key["id"]), ACTOR)
    assert [frame.get(VPS_1).status_code for frame in frames] == [401, 401]
    assert {SessionEnded("embed:1"), SessionEnded("embed:2")} <= set(told)


# What the session may


def test_a_frame_that_is_limited_to_pages_opens_no_other(server: Flask, services: Services) -> None:
    frame = embedded(server, services, pages=["/health/vps/vps-1"])
    page = {"Accept": "text/html"}
    allowed = {"/health/vps/vps-1": 404, "/health/vps/vps-1/": 404}  # the test has no pages
    for path, status in {**allowed, "/health": 403, "/health/vps/vps-2": 403, VPS_1: 403}.items():
        assert frame.get(path, headers=page).status_code == status, path
    for pathname, status in (("/health/vps/vps-1", 404), ("/health", 403), ("/", 403)):
        for part in ("inputs", "state"):
            given = [{"id": "url", "property": "pathname", "value": pathname}]
            sent = {"output": "x", "inputs": [], part: [given]}
            answer = frame.post("/_dash-update-component", json=sent, headers=HERE)
            assert answer.status_code == status, (pathname, part)
    assert frame.post("/_dash-update-component", data="x", headers=HERE).status_code == 400


def test_a_frame_that_is_limited_to_servers_is_shown_nothing_by_who_does_not_know_of_it(
    server: Flask, services: Services
) -> None:
    frame = embedded(server, services, vps=["vps-1"])
    assert frame.get(VPS_2).status_code == 404
    assert "vps-2" not in frame.get("/api/admin/health/overview").text


def test_scopes_are_told_apart() -> None:
    one = OnlyServers.of(["vps-1"], None)
    assert one == OnlyServers.of({"vps-1"}, None)
    assert hash(one) == hash(OnlyServers.of({"vps-1"}, None))
    others = [frozenset[str](), frozenset({"vps-1"}), OnlyServers.of(["vps-2"], None),
              OnlyServers.of(["vps-1"], frozenset({"acme"})), None]  # fmt: skip
    assert one not in others
    assert len({scope_key(scope) for scope in (one, *others)}) == 6
    assert len({one, *others}) == 6
    assert not one


# Other origins


def test_a_third_origin_cannot_use_the_frames_cookie(server: Flask, services: Services) -> None:
    frame = embedded(server, services)
    evil = "https://evil.example"
    for headers, status in (
        ({}, 200),
        ({"Origin": PORTAL}, 200),
        ({"Origin": evil}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, 200),
    ):
        answer = frame.get(VPS_1, headers=headers)
        assert answer.status_code == status, headers
        told = answer.headers.get("Access-Control-Allow-Origin")
        assert told == (PORTAL if headers.get("Origin") == PORTAL else None)
    acknowledge = "/api/admin/alerts/a1/acknowledge"
    assert frame.post(acknowledge).status_code == 403
    assert frame.post(acknowledge, headers={"Origin": evil}).status_code == 403
    assert frame.post(acknowledge, headers={"Origin": PORTAL}).status_code == 404
    sent = {"token": token_of(services)}
    assert server.test_client().post(TRADE, json=sent, headers={"Origin": evil}).status_code == 403


def test_the_portals_pages_may_ask_the_api_and_others_may_not(
    anonymous: FlaskClient, services: Services
) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x"}
    path = "/api/admin/health/overview"
    answer = anonymous.options(path, headers={"Origin": PORTAL, **asked})
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == PORTAL
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    taken = {"Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "X-Request-ID"}
    assert set(answer.headers["Access-Control-Allow-Headers"].split(", ")) == taken
    assert "Origin" in answer.headers["Vary"]
    for origin in ("https://evil.example", f"{PORTAL}.evil.example", "null", f"{PORTAL}:444"):
        refused = anonymous.options(path, headers={"Origin": origin, **asked})
        assert refused.status_code == 401
        read = anonymous.get(path, headers={"Origin": origin, **site.bearer(services)})
        for one in (refused, read):
            assert not [name for name, _ in one.headers if name.startswith("Access-Control")]
            assert "Origin" in one.headers["Vary"]
    assert anonymous.options(path, headers={"Origin": PORTAL}).status_code == 401
    assert anonymous.options("/health", headers={"Origin": PORTAL, **asked}).status_code == 401
    denied = anonymous.get(path, headers={"Origin": PORTAL})
    assert (denied.status_code, denied.headers["Access-Control-Allow-Origin"]) == (401, PORTAL)
    for name in ("Retry-After", "ETag", "X-RateLimit-Remaining", "X-Request-ID"):
        assert name in denied.headers["Access-Control-Expose-Headers"]


def test_without_a_portal_nobody_else_may(tmp_path: Path, empty_file: Path) -> None:
    services = site.build(tmp_path, empty_file, portal_url="")
    client = callers.serve(services).test_client()
    answer = client.get("/api/admin/health/overview", headers={"Origin": PORTAL})
    assert "Vary" not in answer.headers
    assert "Access-Control-Allow-Origin" not in answer.headers
    services.database.close()


# The page


@pytest.mark.parametrize(
    "to",
    ["/login", "//evil.example/health", "https://evil.example/health", "/healthz", "health", "",
     "/health/../login", "/health/%2e%2e/login", "/health\\..\\login", "/health//evil.example",
     "/health/\nx", "javascript:alert(1)", "/health" + "x" * 3000],
)  # fmt: skip
def test_a_frame_goes_nowhere_else(anonymous: FlaskClient, to: str) -> None:
    answer = anonymous.get("/embed", query_string={"to": to})
    assert (answer.status_code, answer.get_json()["errorCode"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "to", ["/health", "/health/", "/health/vps/vps-1?from=now-6h&embed=1", "/health?x=//y#z"]
)
def test_a_frame_goes_to_our_pages(to: str) -> None:
    assert checked_target(to) == to


def test_the_page_has_nothing_inline_and_may_be_framed_by_the_portal(
    server: Flask, services: Services
) -> None:
    page = server.test_client().get("/embed?to=/health/vps/vps-1?x=%221%22")
    assert page.status_code == 200
    assert 'data-to="/health/vps/vps-1?x=&#34;1&#34;"' in page.text
    assert "<script>" not in page.text
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert set(files) <= PUBLIC
    assert f"frame-ancestors 'self' {PORTAL}" in page.headers["Content-Security-Policy"]


def test_a_frame_can_look_when_its_session_ends(server: Flask, services: Services) -> None:
    nobody = server.test_client().get(TRADE)
    assert nobody.get_json() == {"expiresAt": None, "portals": [PORTAL]}
    assert embedded(server, services).get(TRADE).get_json()["expiresAt"].startswith("20")
