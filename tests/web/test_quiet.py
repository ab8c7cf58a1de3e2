"""Maintenance and silences over REST."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient

from services.container import EXTENSION, Services
from services.web import errors, guard
from services.web.rest import maintenance, openapi, silences
from services.web.rest.operation import CHECK_ANSWERS
from tests.support import site

MAINTENANCE, SILENCES = "/api/admin/maintenance", "/api/admin/silences"
WEEKLY = {
    "type": "weekly", "days": ["sun"], "at": "02:00", "minutes": 120,
    "timeZone": "Europe/Amsterdam",
}  # fmt: skip
WORK = {"name": "DB upgrade", "schedule": WEEKLY, "scope": {"vps": ["vps-1"]}}
OURS = {**WORK, "scope": {"tenant": ["acme"]}}
HUSH = {
    "comment": "known", "minutes": 30,
    "matchers": [{"field": "vps", "operator": "equals", "value": "vps-1"}],
}  # fmt: skip
OUR_HUSH = {**HUSH, "matchers": [{"field": "tenant", "operator": "equals", "value": "acme"}]}

Headers = dict[str, str]


@pytest.fixture
def client(services: Services) -> FlaskClient:
    """These routes behind the guard."""
    server = Flask("quiet", root_path=str(site.HOME))
    server.extensions[EXTENSION] = services
    server.config[CHECK_ANSWERS] = True
    errors.install(server)
    guard.install(server)
    routes = Blueprint("rest", __name__)
    maintenance.routes.add_to(routes)
    silences.routes.add_to(routes)
    server.register_blueprint(routes)
    return server.test_client()


@pytest.fixture
def admin(services: Services) -> Headers:
    return site.bearer(services)


@pytest.fixture
def limited(services: Services) -> Headers:
    return site.bearer(services, tenants=["acme"])


def test_maintenance_comes_changes_and_goes(client: FlaskClient, admin: Headers) -> None:
    answer = client.post(MAINTENANCE, json=WORK, headers=admin)
    made = answer.get_json()
    assert answer.status_code == 201
    assert (made["schedule"], made["scope"]["vps"]) == (WEEKLY, ["vps-1"])
    assert (made["state"], made["createdBy"]) == (
        "active" if made["active"] else "upcoming",
        "script",
    )
    one = f"{MAINTENANCE}/{made['id']}"
    assert client.get(one, headers=admin).get_json() == made
    for state, ids in ((made["state"], [made["id"]]), ("ended", [])):
        listed = client.get(f"{MAINTENANCE}?state={state}", headers=admin).get_json()
        assert [each["id"] for each in listed["maintenance"]] == ids
    now = datetime.now(UTC)
    once = {
        "type": "once",
        "start": (now - timedelta(hours=1)).isoformat(),
        "end": (now + timedelta(hours=1)).isoformat(),
    }
    changed = {"name": "Now", "schedule": once, "scope": {"everything": True}}
    answer = client.put(one, json=changed, headers=admin)
    assert answer.status_code == 200
    assert (answer.get_json()["state"], answer.get_json()["next"]) == ("active", None)
    assert answer.get_json()["current"]["end"][:16] == once["end"][:16]
    # What was read can be sent back as it is.
    read = client.get(one, headers=admin).get_json()
    again = {field: read[field] for field in ("name", "schedule")}
    answer = client.put(one, json={**again, "scope": {"everything": True}}, headers=admin)
    assert answer.get_json() == read
    assert client.delete(one, headers=admin).status_code == 204
    assert client.get(one, headers=admin).status_code == 404
    assert client.delete(one, headers=admin).status_code == 404


def test_the_calendar_shows_each_window(
    client: FlaskClient, admin: Headers, limited: Headers
) -> None:
    nightly = {"type": "daily", "at": "01:30", "timeZone": "Europe/Amsterdam", "minutes": 60}
    client.post(MAINTENANCE, json={**WORK, "name": "Nightly", "schedule": nightly}, headers=admin)
    month = f"{MAINTENANCE}/calendar?from=2026-10-24T12:00:00Z&to=2026-10-27T00:00:00Z"
    answer = client.get(month, headers=admin).get_json()
    assert answer["complete"] is True
    assert [(one["name"], one["start"][:16], one["end"][:16]) for one in answer["windows"]] == [
        ("Nightly", "2026-10-24T23:30", "2026-10-25T00:30"),
        ("Nightly", "2026-10-26T00:30", "2026-10-26T01:30"),
    ], "by the clock of Amsterdam, which is set back on the 25th"
    assert client.get(month, headers=limited).get_json()["windows"] == []
    assert len(client.get(f"{MAINTENANCE}/calendar", headers=admin).get_json()["windows"]) >= 31
    for wrong in ("from=now&to=now-1d", "from=2026-01-01&to=2027-01-03", "from=soon"):
        refused = client.get(f"{MAINTENANCE}/calendar?{wrong}", headers=admin)
        assert refused.get_json()["errorCode"] == "VALIDATION_ERROR"


def test_a_silence_comes_and_is_ended(client: FlaskClient, admin: Headers) -> None:
    answer = client.post(SILENCES, json=HUSH, headers=admin)
    made = answer.get_json()
    assert (answer.status_code, made["state"], made["matchers"]) == (
        201,
        "active",
        HUSH["matchers"],
    )
    one = f"{SILENCES}/{made['id']}"
    assert client.get(one, headers=admin).get_json() == made
    assert client.delete(one, headers=admin).status_code == 204
    assert client.get(one, headers=admin).get_json()["state"] == "ended"
    listed = client.get(f"{SILENCES}?state=ended", headers=admin).get_json()
    assert [each["id"] for each in listed["silences"]] == [made["id"]]
    answer = client.delete(one, headers=admin)
    assert (answer.status_code, answer.get_json()["errorCode"]) == (409, "CONFLICT")
    assert client.put(one, json=HUSH, headers=admin).status_code == 405


def test_pages_follow_each_other(client: FlaskClient, admin: Headers) -> None:
    for path, body, of in ((MAINTENANCE, WORK, "maintenance"), (SILENCES, HUSH, "silences")):
        made = [client.post(path, json=body, headers=admin).get_json()["id"] for _ in range(3)]
        first = client.get(f"{path}?limit=2", headers=admin).get_json()
        rest = client.get(
            path, query_string={"limit": 2, "cursor": first["nextCursor"]}, headers=admin
        ).get_json()
        found = [each["id"] for page in (first, rest) for each in page[of]]
        assert sorted(found) == sorted(made)
        assert rest["nextCursor"] is None
        wrong = {"cursor": "bm90IG91cnM"}
        assert client.get(path, query_string=wrong, headers=admin).status_code == 400


@pytest.mark.parametrize(
    ("word", "path", "body", "status", "field", "said"),
    [
        ("no scope", MAINTENANCE, {"name": "x", "schedule": WEEKLY}, 400, "scope", "required"),
        ("an empty scope", MAINTENANCE, {**WORK, "scope": {}}, 400, "scope",
            "an empty scope would be the whole fleet"),
        ("a cron that never comes", MAINTENANCE,
            {**WORK, "schedule": {"type": "cron", "expression": "0 0 30 2 *", "minutes": 5}}, 400,
            "schedule.cron.expression", "never comes: no month has such a day"),
        ("no such server", MAINTENANCE, {**WORK, "scope": {"vps": ["vps-11"]}}, 404, "scope.vps",
            "did you mean 'vps-1'"),
        ("a server's old name", SILENCES,
            {**HUSH, "matchers": [{"field": "vps", "value": "vps1"}]}, 404, "matchers.0.value",
            "did you mean 'vps-1'"),
        ("no comment", SILENCES, {**HUSH, "comment": ""}, 400, "comment", "at least 1 character"),
        ("no end", SILENCES, {key: HUSH[key] for key in ("comment", "matchers")}, 400, "",
            "a silence needs an end"),
        ("a number as name", MAINTENANCE, {**WORK, "name": 5}, 400, "name", "valid string"),
    ],
)  # fmt: skip
def test_a_wrong_one_is_told_field_by_field(
    client: FlaskClient, admin: Headers, word: str, path: str, body: dict[str, Any], status: int,
    field: str, said: str,
) -> None:  # fmt: skip
    answer = client.post(path, json=body, headers=admin)
    assert answer.status_code == status, word
    details = answer.get_json()["details"]
    assert [each["field"] for each in details] == [field]
    assert said in details[0]["problem"]


def test_limited_callers_keep_within_their_tenants(
    client: FlaskClient, admin: Headers, limited: Headers
) -> None:
    for path, ours, theirs, of in (
        (MAINTENANCE, OURS, WORK, "maintenance"),
        (SILENCES, OUR_HUSH, HUSH, "silences"),
    ):
        answer = client.post(path, json=theirs, headers=limited)
        assert (answer.status_code, answer.get_json()["errorCode"]) == (
            403, "INSUFFICIENT_PERMISSIONS",
        )  # fmt: skip
        foreign = json.loads(json.dumps(ours).replace("acme", "globex"))
        unknown = json.loads(json.dumps(ours).replace("acme", "nobody"))
        refused = [client.post(path, json=body, headers=limited) for body in (foreign, unknown)]
        assert [answer.status_code for answer in refused] == [404, 404]
        assert "known: acme" in refused[0].get_json()["error"]
        hidden = client.post(path, json=theirs, headers=admin).get_json()["id"]
        made = client.post(path, json=ours, headers=limited).get_json()["id"]
        listed = client.get(path, headers=limited).get_json()[of]
        assert [each["id"] for each in listed] == [made]
        assert client.get(f"{path}/{hidden}", headers=limited).status_code == 404
        assert client.delete(f"{path}/{hidden}", headers=limited).status_code == 404
        assert client.delete(f"{path}/{made}", headers=limited).status_code == 204
    answer = client.put(f"{MAINTENANCE}/{hidden}", json=OURS, headers=limited)
    assert answer.status_code == 404


def test_nobody_else_comes_in(client: FlaskClient) -> None:
    for path in (MAINTENANCE, SILENCES, f"{MAINTENANCE}/x", f"{SILENCES}/x"):
        assert client.get(path).status_code == 401
    assert client.post(MAINTENANCE, json=WORK).status_code == 401


def test_sent_again_it_is_made_once(client: FlaskClient, admin: Headers) -> None:
    headers = {**admin, "Idempotency-Key": "again"}
    first, second = (client.post(SILENCES, json=HUSH, headers=headers) for _ in range(2))
    assert first.get_json() == second.get_json()
    assert len(client.get(SILENCES, headers=admin).get_json()["silences"]) == 1


def test_the_description_names_each_kind_of_schedule() -> None:
    found = openapi.document([*maintenance.routes, *silences.routes], "1", "/")
    schemas = found["components"]["schemas"]
    assert {"Once", "Daily", "Weekly", "Cron", "MaintenanceScope"} <= schemas.keys()
    assert sorted(found["paths"]) == [
        MAINTENANCE, f"{MAINTENANCE}/calendar", f"{MAINTENANCE}/{{maintenanceId}}",
        SILENCES, f"{SILENCES}/{{silenceId}}",
    ]  # fmt: skip
