"""Users, API keys and the audit over REST; each kind of token and what it is answered."""

from __future__ import annotations

import time
from collections.abc import Callable

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.container import Services
from services.events import Event, SessionEnded
from services.identity import Identity
from services.identity.audit import Actor
from tests.support import callers, site
from tests.support.site import CHEAP

KEYS, USERS, AUDIT = "/api/admin/api-keys", "/api/admin/users", "/api/admin/audit"
OVERVIEW = "/api/admin/health/overview"
VPS_1, VPS_2 = "/api/admin/health/vps/vps-1", "/api/admin/health/vps/vps-2"
ORIGIN = {"Origin": "http://localhost"}
SECRET = "j" * 40
PASSWORD = "another long password"


@pytest.fixture
def server(services: Services) -> Flask:
    return callers.serve(services)


@pytest.fixture
def chief(services: Services) -> dict[str, str]:
    return site.bearer(services, "super_admin")


@pytest.fixture
def told(services: Services) -> list[Event]:
    events: list[Event] = []
    services.bus.subscribe(events.append)
    return events


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def signed(key: str = SECRET, **changes: object) -> dict[str, str]:
    now = int(time.time())
    claims = {"sub": "s", "role": "admin", "iat": now, "exp": now + 60, **changes}
    return bearing(
        jwt.encode({k: v for k, v in claims.items() if v is not None}, key, algorithm="HS256")
    )


# Tokens


def key_of(services: Services, **given: object) -> tuple[str, int]:
    made = services.identity.keys.create("test", "admin", Actor("test"), **given)  # type: ignore[arg-type]
    return made["key"], int(made["id"])


def revoked(services: Services) -> dict[str, str]:
    key, id_ = key_of(services)
    services.identity.keys.revoke(id_, Actor("test"))
    return bearing(key)


def embedded(services: Services) -> dict[str, str]:
    return bearing("embed.x")


CASES: list[tuple[str, Callable[[Services], dict[str, str]], str, int, str]] = [
    ("none", lambda _: {}, OVERVIEW, 401, "AUTHENTICATION_REQUIRED"),
    ("another scheme", lambda _: {"Authorization": "Basic eDp5"}, OVERVIEW, 401,
     "AUTHENTICATION_REQUIRED"),
    ("empty", lambda _: bearing(""), OVERVIEW, 401, "INVALID_TOKEN"),
    ("garbage", lambda _: bearing("garbage"), OVERVIEW, 401, "INVALID_TOKEN"),
    ("alg none", lambda _: bearing(jwt.encode({"sub": "s", "role": "admin"}, "", "none")),
     OVERVIEW, 401, "INVALID_TOKEN"),
    ("wrong key", lambda _: signed("k" * 40), OVERVIEW, 401, "INVALID_TOKEN"),
    ("no exp", lambda _: signed(exp=None), OVERVIEW, 401, "INVALID_TOKEN"),
    ("expired", lambda _: signed(exp=1), OVERVIEW, 401, "INVALID_TOKEN"),
    ("unknown API key", lambda _: bearing("hd_unknown"), OVERVIEW, 401, "INVALID_TOKEN"),
    ("endless API key", lambda _: bearing("hd_" + "x" * 5000), OVERVIEW, 401, "INVALID_TOKEN"),
    ("revoked API key", revoked, OVERVIEW, 401, "INVALID_TOKEN"),
    ("token of an agent", lambda _: bearing("hda_x"), OVERVIEW, 401, "INVALID_TOKEN"),
    ("cookie as a token", embedded, OVERVIEW, 401, "INVALID_TOKEN"),
    ("role viewer", lambda _: signed(role="viewer"), OVERVIEW, 403, "INSUFFICIENT_PERMISSIONS"),
    ("admin asks what a super_admin may", lambda _: signed(), USERS, 403,
     "INSUFFICIENT_PERMISSIONS"),
    ("limited super_admin", lambda _: signed(role="super_admin", tenants=["acme"]), KEYS, 403,
     "INSUFFICIENT_PERMISSIONS"),
    ("another tenant's server, by JWT", lambda _: signed(tenants=["acme"]), VPS_2, 404,
     "NOT_FOUND"),
    ("another tenant's server, by API key", lambda s: bearing(key_of(s, tenants=["acme"])[0]),
     VPS_2, 404, "NOT_FOUND"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "path", "status", "code"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_a_token_that_is_no_good(
    anonymous: FlaskClient,
    services: Services,
    headers: Callable[[Services], dict[str, str]],
    path: str,
    status: int,
    code: str,
) -> None:
    answer = anonymous.get(path, headers=headers(services))
    assert (answer.status_code, answer.get_json()["errorCode"]) == (status, code)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize(("aud", "status"), [("hd", 200), ("other", 401), (None, 401)])
def test_an_audience_that_is_configured_counts(
    tmp_path, empty_file, aud: str | None, status: int
) -> None:
    services = site.build(tmp_path, empty_file, jwt_audience="hd")
    client = callers.serve(services).test_client()
    assert client.get(OVERVIEW, headers=signed(aud=aud)).status_code == status
    services.database.close()


# API keys


def test_a_key_is_told_once_works_and_ends(
    anonymous: FlaskClient, services: Services, chief: dict[str, str], told: list[Event]
) -> None:
    sent = {"name": "nightly", "role": "admin", "tenants": ["acme"]}
    made = anonymous.post(KEYS, json=sent, headers=chief)
    assert made.status_code == 201
    row = made.get_json()
    key = bearing(row["key"])
    assert row["key"].startswith(row["prefix"])
    assert len(row["key"]) > 40
    assert anonymous.get(VPS_1, headers=key).status_code == 200
    listed = anonymous.get(KEYS, headers=chief)
    assert row["key"] not in listed.text
    (shown,) = listed.get_json()["keys"]
    assert (shown["name"], shown["tenants"], shown["createdBy"]) == ("nightly", ["acme"], "script")
    assert shown["lastUsedAt"]
    assert anonymous.delete(f"{KEYS}/{row['id']}", headers=chief).status_code == 204
    refused = anonymous.get(VPS_1, headers=key)
    assert refused.status_code == 401
    assert "revoked" in refused.get_json()["error"]
    assert SessionEnded(f"key:{row['id']}") in told
    (shown,) = anonymous.get(KEYS, headers=chief).get_json()["keys"]
    assert shown["revokedAt"]
    assert anonymous.delete(f"{KEYS}/{row['id']}", headers=chief).status_code == 404
    assert anonymous.delete(f"{KEYS}/nine", headers=chief).status_code == 404


@pytest.mark.parametrize(
    "changes",
    [{"role": "viewer"}, {"name": ""}, {"name": " "}, {"name": "a\nb"}, {"tenants": []},
     {"tenants": ["A"]}, {"tenants": "acme"}, {"expiresAt": "2020-01-01T00:00:00Z"},
     {"expiresAt": "9999-12-31T23:59:59-14:00"}, {"expiresAt": "2029-01-01T00:00:00"},
     {"expiresAt": "soon"}, {"expiresAt": 4e9}, {"expiresAt": "4000000000"}, {"color": "red"}],
)  # fmt: skip
def test_a_key_that_makes_no_sense_is_refused(
    anonymous: FlaskClient, chief: dict[str, str], changes: dict[str, object]
) -> None:
    sent = {"name": "x", "role": "admin", **changes}
    answer = anonymous.post(KEYS, json=sent, headers=chief)
    assert (answer.status_code, answer.get_json()["errorCode"]) == (400, "VALIDATION_ERROR")
    assert anonymous.get(KEYS, headers=chief).get_json()["keys"] == []


def test_a_key_expires_and_its_use_is_written_once_a_minute(services: Services) -> None:
    class Clock:
        now = time.time()

        def __call__(self) -> float:
            return self.now

    clock = Clock()
    identity = Identity(
        services.database, services.settings, services.bus, hasher=CHEAP, clock=clock
    )
    made = identity.keys.create("x", "admin", Actor("t"), expires_at=clock.now + 200)

    def written() -> float | None:
        other = Identity(services.database, services.settings, services.bus, hasher=CHEAP)
        found: float | None = other.keys.all()[0]["lastUsedAt"]
        return found

    identity.keys.write_uses()
    assert written() is None
    seen = []
    for _ in range(5):
        clock.now += 30
        identity.authenticate_token(made["key"])
        identity.keys.write_uses()
        seen.append(written())
    assert [one == before for one, before in zip(seen[1:], seen, strict=False)] == [
        True, False, True, False,
    ]  # fmt: skip
    clock.now += 60
    with pytest.raises(Exception, match="expired"):
        identity.authenticate_token(made["key"])


# Users


def test_a_user_comes_changes_and_goes(
    server: Flask, services: Services, chief: dict[str, str], told: list[Event]
) -> None:
    client = server.test_client()
    sent = {"name": "anna", "password": PASSWORD, "role": "admin"}
    made = client.post(USERS, json=sent, headers=chief)
    assert made.status_code == 201
    assert set(made.get_json()) == {"id", "name", "role", "createdAt"}
    assert client.post(USERS, json=sent, headers=chief).status_code == 409
    path = f"{USERS}/{made.get_json()['id']}"
    for change in ({"role": "super_admin"}, {"password": "yet another password"}):
        browser = server.test_client()
        assert site.post_login(browser, "anna", PASSWORD).status_code == 303
        assert browser.get(OVERVIEW).status_code == 200
        told.clear()
        answer = client.put(path, json=change, headers=chief)
        assert (answer.status_code, answer.get_json()["role"]) == (200, "super_admin")
        assert browser.get(OVERVIEW).status_code == 401
        assert len([event for event in told if isinstance(event, SessionEnded)]) == 1
    assert site.post_login(server.test_client(), "anna", PASSWORD).status_code == 401
    browser = server.test_client()
    assert site.post_login(browser, "anna", "yet another password").status_code == 303
    assert client.delete(path, headers=chief).status_code == 204
    assert browser.get(OVERVIEW).status_code == 401
    names = [user["name"] for user in client.get(USERS, headers=chief).get_json()["users"]]
    assert names == [site.NAME]
    for missing in (client.delete(path, headers=chief), client.delete(f"{USERS}/x", headers=chief)):
        assert missing.status_code == 404


def test_the_last_super_admin_stays(anonymous: FlaskClient, chief: dict[str, str]) -> None:
    (last,) = anonymous.get(USERS, headers=chief).get_json()["users"]
    path = f"{USERS}/{last['id']}"
    for answer in (
        anonymous.delete(path, headers=chief),
        anonymous.put(path, json={"role": "admin"}, headers=chief),
    ):
        assert (answer.status_code, answer.get_json()["errorCode"]) == (409, "CONFLICT")
    for wrong in ({}, {"password": "short"}, {"role": "viewer"}, {"name": "x"}):
        assert anonymous.put(path, json=wrong, headers=chief).status_code == 400
    same = anonymous.put(path, json={"role": "super_admin"}, headers=chief)
    assert same.status_code == 200
    second = {"name": "b", "password": PASSWORD, "role": "super_admin"}
    assert anonymous.post(USERS, json=second, headers=chief).status_code == 201
    assert anonymous.delete(path, headers=chief).status_code == 204


def test_a_list_is_told_in_parts(
    anonymous: FlaskClient, services: Services, chief: dict[str, str]
) -> None:
    for number in range(4):
        services.identity.create_user(f"user-{number}", PASSWORD, "admin")
    names, cursor = [], ""
    for _ in range(3):
        part = anonymous.get(f"{USERS}?limit=2{cursor}", headers=chief).get_json()
        names += [user["name"] for user in part["users"]]
        cursor = f"&cursor={part['nextCursor']}"
    assert names == [site.NAME, *(f"user-{number}" for number in range(4))]
    assert part["nextCursor"] is None
    for wrong in ("x", "W10", "WzEsMl0", "WyJhIl0", "[]", "WzFlOTk5XQ", "W3RydWVd"):
        answer = anonymous.get(f"{USERS}?cursor={wrong}", headers=chief)
        assert answer.status_code == 400, wrong


# Audit


def test_what_changes_something_is_noted(
    server: Flask, services: Services, chief: dict[str, str]
) -> None:
    client = server.test_client()
    site.post_login(client, password="wrong password")
    site.post_login(client)
    client.post("/logout", headers=ORIGIN)
    sent = {"name": "anna", "password": PASSWORD, "role": "admin"}
    id_ = client.post(USERS, json=sent, headers=chief).get_json()["id"]
    client.put(f"{USERS}/{id_}", json={"role": "super_admin"}, headers=chief)
    client.delete(f"{USERS}/{id_}", headers=chief)
    key = client.post(KEYS, json={"name": "k", "role": "admin"}, headers=chief).get_json()
    client.delete(f"{KEYS}/{key['id']}", headers=chief)
    client.post("/api/admin/embed-tokens", json={"minutes": 5}, headers=chief)
    answer = client.get(AUDIT, headers=chief)
    entries = answer.get_json()["entries"]
    assert [(one["who"], one["action"], one["target"]) for one in reversed(entries)] == [
        ("command line", "user.create", site.NAME),
        (site.NAME, "login.failed", ""),
        (site.NAME, "login", site.NAME),
        (site.NAME, "logout", site.NAME),
        ("script", "user.create", "anna"),
        ("script", "user.change", "anna"),
        ("script", "user.delete", "anna"),
        ("script", "key.create", key["id"]),
        ("script", "key.revoke", key["id"]),
        ("script", "embed.create", "1"),
    ]
    assert entries[3]["detail"] == {"role": "admin"} or entries[4]["detail"]
    assert {one["address"] for one in entries} == {"", "127.0.0.1"}
    for secret in ("wrong password", PASSWORD, key["key"]):
        assert secret not in answer.text


def test_the_audit_is_filtered_and_paged(
    anonymous: FlaskClient, services: Services, chief: dict[str, str]
) -> None:
    for number in range(3):
        services.identity.create_user(f"user-{number}", PASSWORD, "admin", Actor("anna"))
    everything = anonymous.get(AUDIT, headers=chief).get_json()["entries"]
    assert [one["target"] for one in everything] == ["user-2", "user-1", "user-0", site.NAME]
    newest = everything[0]["at"]
    for query, count in (
        ("who=anna", 3),
        ("action=user.create&who=nobody", 0),
        ("target=user-1", 1),
        (f"from={newest}", sum(one["at"] == newest for one in everything)),
        ("to=2020-01-01T00:00:00Z", 0),
        ("from=2020-01-01T00:00:00%2B02:00", 4),
    ):
        found = anonymous.get(f"{AUDIT}?{query}", headers=chief).get_json()["entries"]
        assert len(found) == count, query
    first = anonymous.get(f"{AUDIT}?limit=3", headers=chief).get_json()
    rest = anonymous.get(f"{AUDIT}?limit=3&cursor={first['nextCursor']}", headers=chief).get_json()
    assert first["entries"] + rest["entries"] == everything
    assert rest["nextCursor"] is None
    for wrong in ("from=yesterday", "from=2020-01-01T00:00:00", "who=%00", "limit=0", "x=1"):
        assert anonymous.get(f"{AUDIT}?{wrong}", headers=chief).status_code == 400, wrong
