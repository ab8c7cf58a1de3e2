"""The REST routes over real services."""

from __future__ import annotations

import time
from itertools import chain

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from models.alerts import AlertEvent, AlertRow
from services.container import Services
from tests.support import site

ORIGIN = {"Origin": "http://localhost"}


def put_alert(services: Services, id_: str, target: str = "vps-1", status: str = "active") -> str:
    row = AlertRow(
        id=id_, fingerprint=id_, rule_id="high-cpu-usage", rule_name="High CPU", target=target,
        vps_id=target.partition("/")[0], severity="critical", status=status, title="CPU is high",
        message="95 %", value=95, threshold=90, triggered_at=time.time(), impact=["acme"],
        resolved_at=time.time() if status == "resolved" else None,
    )  # fmt: skip
    with services.database.write() as session:
        session.add(row)
    return id_


@pytest.fixture
def limited(services: Services) -> dict[str, str]:
    """The header of a caller that may see globex alone, which is on vps-2."""
    return site.bearer(services, tenants=["globex"])


def test_the_overview_is_as_specified(user: FlaskClient, services: Services) -> None:
    put_alert(services, "a1")
    body = user.get("/api/admin/health/overview").get_json()
    assert list(body)[:4] == ["overall", "services", "vps", "activeAlerts"]
    assert {"status", "score", "uptime", "lastUpdate"} <= set(body["overall"])
    assert [vps["id"] for vps in body["vps"]][:2] == ["vps-1", "vps-2"]
    assert body["activeAlerts"] == 1


def test_a_vps_is_as_specified(user: FlaskClient) -> None:
    body = user.get("/api/admin/health/vps/vps-1").get_json()
    assert body["vpsId"] == "vps-1"
    assert set(body["system"]) >= {"cpu", "memory", "disk"}
    assert body["tenants"] == ["acme"]


@pytest.mark.parametrize(
    ("vps_id", "status"),
    [("vps-9", 404), ("VPS-1", 400), ("-x", 400), ("a%20b", 400), ("x" * 101, 400), ("a%00", 400),
     ("a%0a", 400), ("%C3%A9", 400), ("a/b", 404), ("..", 400)],
)  # fmt: skip
def test_other_ids_are_wrong_or_unknown(user: FlaskClient, vps_id: str, status: int) -> None:
    answer = user.get(f"/api/admin/health/vps/{vps_id}")
    assert answer.status_code == status
    assert answer.get_json()["errorCode"] == {400: "VALIDATION_ERROR", 404: "NOT_FOUND"}[status]


def test_who_may_see_one_tenant_knows_of_nothing_else(
    anonymous: FlaskClient, services: Services, limited: dict[str, str]
) -> None:
    put_alert(services, "a1", "vps-1")
    put_alert(services, "a2", "vps-2")
    overview = anonymous.get("/api/admin/health/overview", headers=limited)
    assert [vps["id"] for vps in overview.get_json()["vps"]] == ["vps-2"]
    assert overview.get_json()["activeAlerts"] == 1
    listed = anonymous.get("/api/admin/alerts", headers=limited)
    assert [alert["id"] for alert in listed.get_json()["alerts"]] == ["a2"]
    for text in (overview.text, listed.text):
        assert "vps-1" not in text
        assert "acme" not in text
    assert anonymous.get("/api/admin/health/vps/vps-2", headers=limited).status_code == 200
    for path in ("/api/admin/health/vps/vps-1", "/api/admin/alerts/a1"):
        assert anonymous.get(path, headers=limited).status_code == 404
    answer = anonymous.post("/api/admin/alerts/a1/acknowledge", headers=limited)
    assert answer.status_code == 404
    with services.database.read() as session:
        assert session.get_one(AlertRow, "a1").status == "active"


def test_alerts_are_listed_by_status(user: FlaskClient, services: Services) -> None:
    for id_, status in (("a1", "active"), ("a2", "acknowledged"), ("a3", "resolved")):
        put_alert(services, id_, status=status)

    def ids(query: str) -> set[str]:
        answer = user.get(f"/api/admin/alerts{query}")
        return {alert["id"] for alert in answer.get_json()["alerts"]}

    assert ids("") == {"a1", "a2"}
    assert ids("?status=active") == {"a1"}
    assert ids("?status=resolved") == {"a3"}
    for wrong in ("pending", "", "ACTIVE"):
        assert user.get(f"/api/admin/alerts?status={wrong}").status_code == 400


def test_alerts_come_in_pages(
    user: FlaskClient, anonymous: FlaskClient, services: Services, limited: dict[str, str]
) -> None:
    for number in range(7):
        put_alert(services, f"a{number}", f"vps-{number % 2 + 1}")

    def pages(headers: dict[str, str], limit: int) -> list[list[str]]:
        found: list[list[str]] = []
        cursor = ""
        while not found or cursor:
            query = f"?limit={limit}{cursor and f'&cursor={cursor}'}"
            body = (
                (anonymous if headers else user)
                .get(f"/api/admin/alerts{query}", headers=headers)
                .get_json()
            )
            found.append([alert["id"] for alert in body["alerts"]])
            cursor = body["nextCursor"]
        return found

    assert [len(page) for page in pages({}, 3)] == [3, 3, 1]
    assert sorted(chain(*pages({}, 3))) == [f"a{number}" for number in range(7)]
    assert [len(page) for page in pages({}, 7)] == [7]
    assert sorted(chain(*pages(limited, 2))) == ["a1", "a3", "a5"]
    assert user.get("/api/admin/alerts?cursor=garbage").status_code == 400


@pytest.mark.usefixtures("judging")
def test_an_alert_is_acknowledged_once(user: FlaskClient, services: Services) -> None:
    put_alert(services, "a1")
    url = "/api/admin/alerts/a1/acknowledge"
    answer = user.post(url, json={"note": "on it"}, headers=ORIGIN)
    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["status"], body["acknowledgedBy"]) == ("acknowledged", "ops")
    assert user.get("/api/admin/alerts/a1").get_json() == body
    again = user.post(url, headers=ORIGIN)
    assert (again.status_code, again.get_json()["errorCode"]) == (409, "CONFLICT")
    with services.database.read() as session:
        events = session.scalars(select(AlertEvent)).all()
        assert [(e.kind, e.actor, e.note) for e in events] == [("acknowledged", "ops", "on it")]


@pytest.mark.usefixtures("judging")
def test_acknowledging_needs_no_body(anonymous: FlaskClient, services: Services) -> None:
    put_alert(services, "a1")
    headers = site.bearer(services)
    answer = anonymous.post("/api/admin/alerts/a1/acknowledge", headers=headers)
    assert answer.get_json()["acknowledgedBy"] == "script"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"{", "application/json"), (b"[]", "application/json"), (b"null", "application/json"),
        (b'"x"', "application/json"), (b'{"note": 1}', "application/json"),
        (b'{"other": "x"}', "application/json"), (b'{"note": "\\u0000"}', "application/json"),
        (b'{"note": "\\ud800"}', "application/json"), (b'{"note": "\xff"}', "application/json"),
        (b'{"note": NaN}', "application/json"), (b"[" * 100_000, "application/json"),
        (b'{"note": "' + b"x" * 2001 + b'"}', "application/json"), (b"{}", "text/plain"),
        (b"note=x", "application/x-www-form-urlencoded"),
    ],
)  # fmt: skip
def test_a_body_that_is_wrong_changes_nothing(
    anonymous: FlaskClient, services: Services, data: bytes, kind: str
) -> None:
    put_alert(services, "a1")
    answer = anonymous.post(
        "/api/admin/alerts/a1/acknowledge",
        data=data,
        content_type=kind,
        headers=site.bearer(services),
    )
    assert (answer.status_code, answer.get_json()["errorCode"]) == (400, "VALIDATION_ERROR")
    with services.database.read() as session:
        assert session.get_one(AlertRow, "a1").status == "active"


@pytest.mark.parametrize("alert_id", ["none", "a" * 100])
def test_an_unknown_alert_is_not_found(user: FlaskClient, alert_id: str) -> None:
    assert user.get(f"/api/admin/alerts/{alert_id}").status_code == 404
    answer = user.post(f"/api/admin/alerts/{alert_id}/acknowledge", headers=ORIGIN)
    assert answer.status_code == 404


def test_options_name_the_methods_that_a_path_has(user: FlaskClient) -> None:
    answer = user.options("/api/admin/health/vps/vps-1")
    assert answer.status_code == 204
    assert answer.headers["Allow"] == "GET, PUT, DELETE, OPTIONS"


@pytest.fixture
def server(services: Services) -> Flask:
    """The site with a catch-all like Dash's."""
    server = site.serve(services)
    server.add_url_rule("/<path:path>", "catch-all", lambda path: f"page {path}")
    return server


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api", 404), ("GET", "/api/", 404), ("GET", "/api/unknown", 404),
        ("POST", "/api/unknown", 404), ("DELETE", "/api/admin/health", 404),
        ("OPTIONS", "/api/unknown", 404), ("HEAD", "/api/unknown", 404),
        ("GET", "/api/admin/health/overview/", 404), ("GET", "/api/admin/Health/overview", 404),
        ("POST", "/api/admin/health/overview", 405), ("PATCH", "/api/admin/alerts/a1", 405),
        ("GET", "/api/admin/alerts/a1/acknowledge", 405), ("PUT", "/api/admin/alerts", 405),
    ],
)  # fmt: skip
def test_what_the_api_does_not_have_is_said_by_the_api(
    user: FlaskClient, method: str, path: str, status: int
) -> None:
    answer = user.open(path, method=method, headers={**ORIGIN, "Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (status, "application/json")
    if status == 405:
        assert answer.headers["Allow"]
        assert method not in answer.headers["Allow"].split(", ")
