"""Coming in and leaving."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from services.container import Services
from services.web.counts import MAX_KEYS, Counts
from services.web.errors import RateLimited
from services.web.login import local_path
from services.web.throttle import LIMIT, WINDOW_SECONDS, Throttle
from tests.support import site

ASSETS = Path(__file__).resolve().parents[2] / "assets"
PAGE = {"Accept": "text/html", "Origin": "http://localhost"}


def test_name_and_password_open_the_door(anonymous: FlaskClient) -> None:
    answer = site.post_login(anonymous, next="/health/vps?vps=a")
    assert (answer.status_code, answer.location) == (303, "/health/vps?vps=a")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("healthdeck=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Max-Age=1209600" in cookie
    assert "Secure" not in cookie
    assert anonymous.get("/api/admin/health/overview").status_code == 200
    assert anonymous.get("/login?next=/health", headers=PAGE).location == "/health"


def test_over_https_the_cookie_is_secure_and_bound_to_the_host(anonymous: FlaskClient) -> None:
    answer = anonymous.post(
        "/login",
        base_url="https://localhost",
        data={"name": site.NAME, "password": site.PASSWORD},
        headers={"Accept": "text/html", "Origin": "https://localhost"},
    )
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-healthdeck=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


def test_a_wrong_password_is_said_on_the_form(anonymous: FlaskClient) -> None:
    answer = site.post_login(anonymous, name='o"p<s', password="wrong password", next="/x")
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers
    page = answer.text
    assert re.search(r'id="error" role="alert">The name or the password is wrong', page)
    assert page.count('aria-describedby="error"') == 2
    assert 'value="o&#34;p&lt;s"' in page
    assert 'name="next" value="/x"' in page
    assert "wrong password" not in page


def test_an_empty_form_is_said_on_the_form(anonymous: FlaskClient) -> None:
    answer = site.post_login(anonymous, name=" ", password="")
    assert answer.status_code == 400
    assert "Enter your name and your password." in answer.text


def test_a_program_gets_json_and_needs_no_origin(anonymous: FlaskClient) -> None:
    form = {"name": site.NAME, "password": "wrong password"}
    answer = anonymous.post("/login", data=form)
    assert (answer.status_code, answer.get_json()["errorCode"]) == (401, "AUTHENTICATION_REQUIRED")
    form["password"] = site.PASSWORD
    assert anonymous.post("/login", data=form).status_code == 303


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_another_site_cannot_log_anybody_in(anonymous: FlaskClient, origin: str) -> None:
    answer = anonymous.post(
        "/login",
        data={"name": site.NAME, "password": site.PASSWORD},
        headers={"Accept": "text/html", "Origin": origin},
    )
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "given",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "evil",
     "/\t/evil.example", "/x\r\nSet-Cookie: a=b", "", "///evil.example", "/" + "x" * 3000,
     "/login", "/login?next=/login", "/logout", "/setup?token=x", "\\/evil.example", "/\x00"],
)  # fmt: skip
def test_the_way_after_the_login_stays_here(given: str) -> None:
    assert local_path(given) == "/"


@pytest.mark.parametrize("given", ["/", "/health", "/health?x=//a&y=1#z", "/health/vps/vps-1"])
def test_our_own_paths_are_gone_to(given: str) -> None:
    assert local_path(given) == given


def test_a_redirect_never_leaves_this_host(anonymous: FlaskClient) -> None:
    assert site.post_login(anonymous, next="//evil.example/x").location == "/"
    answer = anonymous.get("/login?next=//evil.example", headers=PAGE)
    assert answer.location == "/"


def test_logging_out_ends_the_session(user: FlaskClient) -> None:
    answer = user.post("/logout", headers=PAGE)
    assert answer.status_code == 303
    assert "Expires=Thu, 01 Jan 1970" in answer.headers["Set-Cookie"]
    assert user.get("/api/admin/health/overview").status_code == 401
    assert "You have logged out." in user.get(answer.location, headers=PAGE).text


def test_too_many_failures_have_to_wait(anonymous: FlaskClient) -> None:
    for _ in range(LIMIT):
        assert site.post_login(anonymous, password="wrong password").status_code == 401
    for password in ("wrong password", site.PASSWORD):
        answer = site.post_login(anonymous, password=password)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= WINDOW_SECONDS
        assert "Too many tries" in answer.text
    assert site.post_login(anonymous, name="somebody-else").status_code == 401


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_throttle_counts_the_failures_of_a_window() -> None:
    clock = Clock()
    throttle = Throttle(Counts(clock=clock), limit=3, window=60, clock=clock)
    for second in (0, 10, 20):
        clock.now = second
        throttle.admit("a", "x")
    clock.now = 30
    with pytest.raises(RateLimited, match="a minute") as refused:
        throttle.admit("a", "x")
    assert refused.value.retry_after == 30
    throttle.admit("a", "y")
    throttle.admit("b", "x")
    clock.now = 60  # the window is over
    for _ in range(3):
        throttle.admit("a", "x")
    throttle.forgive("a", "x")
    throttle.admit("a", "x")


def test_many_names_from_one_address_are_slowed() -> None:
    throttle = Throttle(Counts(clock=Clock()), limit=3, address_limit=5, clock=Clock())
    for number in range(20):  # who knows a password is not held up
        throttle.admit("a", f"right-{number}")
        throttle.forgive("a", f"right-{number}")
    for number in range(5):
        throttle.admit("a", f"wrong-{number}")
    throttle.admit("b", "wrong-6")
    with pytest.raises(RateLimited):
        throttle.admit("a", "wrong-6")


def test_a_right_password_does_not_forgive_the_failures_of_other_names() -> None:
    throttle = Throttle(Counts(clock=Clock()), limit=99, address_limit=5, clock=Clock())
    with pytest.raises(RateLimited):
        for number in range(7):
            throttle.admit("a", f"victim-{number}")
            throttle.admit("a", "own")
            throttle.forgive("a", "own")


def test_the_counts_do_not_grow_without_bound() -> None:
    counts = Counts(clock=Clock())
    for number in range(MAX_KEYS + 10):
        counts.incr(str(number), 60)
    assert (counts.reset() or 0) <= MAX_KEYS


# Setting up


@pytest.fixture
def fresh(empty_services: Services) -> FlaskClient:
    """A browser at an installation without users."""
    return site.serve(empty_services).test_client()


def set_up(client: FlaskClient, token: str, again: str = site.PASSWORD, **form: str):
    data = {"token": token, "name": "boss", "password": site.PASSWORD, "again": again, **form}
    return client.post("/setup", data=data, headers=PAGE)


def test_the_link_makes_the_first_user_once(fresh: FlaskClient, empty_services: Services) -> None:
    token = empty_services.identity.setup_token()
    form = fresh.get(f"/setup?token={token}", headers=PAGE)
    assert form.status_code == 200
    assert f'value="{token}"' in form.text
    answer = set_up(fresh, token)
    assert (answer.status_code, answer.location) == (303, "/")
    assert fresh.get("/api/admin/health/overview").status_code == 200
    for late in (fresh.get(f"/setup?token={token}", headers=PAGE), set_up(fresh, token, name="x")):
        assert late.status_code == 409
        assert "works once" in late.text
    assert fresh.get("/setup", headers=PAGE).location == "/login"


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"again": "something else"}, "The two passwords differ"),
        ({"password": "short", "again": "short"}, "at least 12 characters"),
        ({"name": " "}, "The name must have"),
    ],
)
def test_a_mistake_is_said_on_the_form(
    fresh: FlaskClient, empty_services: Services, form: dict[str, str], says: str
) -> None:
    token = empty_services.identity.setup_token()
    answer = set_up(fresh, token, **form)
    assert answer.status_code == 400
    assert says in answer.text
    assert f'value="{token}"' in answer.text
    assert not empty_services.identity.has_users()


@pytest.mark.parametrize("token", ["x", "a.b.c"])
def test_a_wrong_link_says_how_to_get_another(fresh: FlaskClient, token: str) -> None:
    for answer in (fresh.get(f"/setup?token={token}", headers=PAGE), set_up(fresh, token)):
        assert answer.status_code == 401
        assert "wrong or older than a day" in answer.text
        assert "restart Healthdeck" in answer.text


def test_without_users_the_login_leads_to_setting_up(fresh: FlaskClient) -> None:
    assert fresh.get("/login", headers=PAGE).location == "/setup"
    page = fresh.get("/setup", headers=PAGE)
    assert page.status_code == 200
    assert "/setup?token=" in page.text


def test_another_site_cannot_set_up(fresh: FlaskClient, empty_services: Services) -> None:
    data = {"token": empty_services.identity.setup_token(), "name": "a", "password": site.PASSWORD}
    answer = fresh.post("/setup", data=data, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    assert not empty_services.identity.has_users()


# Look


def test_the_dark_colours_are_those_of_the_tokens() -> None:
    def tokens(text: str) -> dict[str, str]:
        return dict(re.findall(r"(--[\w-]+):\s*([^;]+);", text))

    everywhere = (ASSETS / "tokens.css").read_text(encoding="utf-8")
    dark = tokens(everywhere[everywhere.index('[data-bs-theme="dark"] {') :].split("}")[0])
    ours = (ASSETS / "login.css").read_text(encoding="utf-8")
    repeated = tokens(ours.split("}")[0])
    assert repeated == {name: dark[name] for name in repeated}
    used = set(re.findall(r"var\((--[\w-]+)\)", ours))
    assert used.intersection(dark) <= set(repeated)
