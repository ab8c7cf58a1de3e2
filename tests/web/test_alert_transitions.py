"""Every endpoint of alerts in every state of an alert: what is done, and what is refused with 409;
many at once; who did what."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from models.alerts import AlertRow
from services.container import Services
from services.events import AlertChanged, Event
from services.identity.audit import Wanted, audited
from tests.support import site

HERE = {"Origin": "http://localhost"}
ALERTS = "/api/admin/alerts"
NOW = time.time()

pytestmark = pytest.mark.usefixtures("judging")

RULES = ("high-cpu-usage", "high-memory-usage", "high-disk-usage", "vps-not-reporting")

#: What a stored alert is like in each state.
STATES: Mapping[str, Mapping[str, Any]] = {
    "active": {},
    "reopened": {"occurrences": 2, "fired_at": NOW - 20},
    "suppressed": {"suppressed_by": "vps-2", "withheld": "down: vps-2 is down", "told_at": None},
    "acknowledged": {
        "status": "acknowledged", "acknowledged_at": NOW - 30, "acknowledged_by": "eve",
    },
    "snoozed": {"status": "snoozed", "snoozed_until": NOW + 3000, "snoozed_from": "active"},
    "snoozed after it was acknowledged": {
        "status": "snoozed", "snoozed_until": NOW + 3000, "snoozed_from": "acknowledged",
        "acknowledged_at": NOW - 30, "acknowledged_by": "eve",
    },
    "resolved": {
        "status": "resolved", "resolved_at": NOW - 10, "resolved_by": "eve", "resolution": "x",
    },
}  # fmt: skip
#: What comes of each action: the state, or what the refusal says.
DONE: Mapping[tuple[str, str], str] = {
    ("active", "acknowledge"): "acknowledged",
    ("active", "snooze"): "snoozed",
    ("active", "resolve"): "resolved",
    ("active", "delete"): "409 the alert is active; resolve it before it is deleted",
    ("reopened", "acknowledge"): "acknowledged",
    ("reopened", "snooze"): "snoozed",
    ("reopened", "resolve"): "resolved",
    ("reopened", "delete"): "409 the alert is active; resolve it before it is deleted",
    ("suppressed", "acknowledge"): "acknowledged",
    ("suppressed", "snooze"): "snoozed",
    ("suppressed", "resolve"): "resolved",
    ("suppressed", "delete"): "409 the alert is active; resolve it before it is deleted",
    ("acknowledged", "acknowledge"): "409 the alert is already acknowledged by eve",
    ("acknowledged", "snooze"): "snoozed",
    ("acknowledged", "resolve"): "resolved",
    ("acknowledged", "delete"): "409 the alert is acknowledged; resolve it before it is deleted",
    ("snoozed", "acknowledge"): "409 the alert is already snoozed",
    ("snoozed", "snooze"): "snoozed",
    ("snoozed", "resolve"): "resolved",
    ("snoozed", "delete"): "409 the alert is snoozed; resolve it before it is deleted",
    ("snoozed after it was acknowledged", "acknowledge"): "409 the alert is already snoozed by eve",
    ("snoozed after it was acknowledged", "snooze"): "snoozed",
    ("snoozed after it was acknowledged", "resolve"): "resolved",
    ("snoozed after it was acknowledged", "delete"):
        "409 the alert is snoozed; resolve it before it is deleted",
    ("resolved", "acknowledge"): "409 the alert is already resolved by eve",
    ("resolved", "snooze"): "409 the alert is already resolved by eve",
    ("resolved", "resolve"): "409 the alert is already resolved by eve",
    ("resolved", "delete"): "gone",
}  # fmt: skip
BODIES: Mapping[str, Mapping[str, Any]] = {
    "acknowledge": {"note": "why"},
    "snooze": {"minutes": 30, "note": "why"},
    "resolve": {"note": "why", "falsePositive": True},
}


def put(
    services: Services, id_: str, state: str = "active", target: str = "vps-1", rule: int = 0
) -> str:
    """A rule has one alert of a target: others need another ``rule``."""
    given = {
        "status": "active", "told_at": NOW - 50, "impact": ["acme"], **STATES[state],
    }  # fmt: skip
    row = AlertRow(
        id=id_, fingerprint=id_, rule_id=RULES[rule], rule_name="High CPU", target=target,
        vps_id=target, severity="critical", title=f"CPU is high on {target}", message="95 %",
        value=95, threshold=90, triggered_at=NOW - 60, **given,
    )  # fmt: skip
    with services.database.write() as session:
        session.add(row)
    return id_


def act(client: FlaskClient, id_: str, action: str) -> Any:
    if action == "delete":
        return client.delete(f"{ALERTS}/{id_}", headers=HERE)
    return client.post(f"{ALERTS}/{id_}/{action}", json=BODIES[action], headers=HERE)


def acts(services: Services, id_: str) -> list[tuple[str, str]]:
    """Who did what with an alert, by the audit."""
    return [(row["who"], row["action"]) for row in audited(services.database, Wanted(target=id_))]


@pytest.mark.parametrize(("state", "action"), DONE)
def test_what_an_action_does_in_a_state(
    user: FlaskClient, services: Services, state: str, action: str
) -> None:
    id_, expected = put(services, "a1", state), DONE[(state, action)]
    before = user.get(f"{ALERTS}/{id_}").get_json()
    answer = act(user, id_, action)
    after = user.get(f"{ALERTS}/{id_}")
    if expected.startswith("409"):
        body = answer.get_json()
        assert (answer.status_code, body["errorCode"]) == (409, "CONFLICT")
        assert body["error"] == expected.removeprefix("409 ")
        assert after.get_json() == before, "what is refused changes nothing"
        assert acts(services, id_) == []
        return
    assert acts(services, id_) == [("ops", f"alert.{action}")]
    if expected == "gone":
        assert (answer.status_code, after.status_code) == (204, 404)
        return
    body = answer.get_json()
    assert (answer.status_code, body["status"]) == (200, expected)
    assert body == after.get_json()
    last = body["timeline"][-1]
    assert (last["event"], last["by"], last["note"]) == (expected, "ops", "why")
    if action == "acknowledge":
        assert body["acknowledgedBy"] == "ops"
    if action == "resolve":
        assert (body["resolvedBy"], body["falsePositive"]) == ("ops", True)


@pytest.mark.parametrize("action", ["acknowledge", "snooze", "resolve", "delete"])
def test_what_is_not_there_cannot_be_handled(
    user: FlaskClient, services: Services, action: str
) -> None:
    assert act(user, "nobody", action).status_code == 404
    assert acts(services, "nobody") == []


@pytest.mark.parametrize("part", ["rules", "config", "analytics", "bulk"])
def test_words_of_the_api_are_never_ids(user: FlaskClient, services: Services, part: str) -> None:
    put(services, part)
    answer = user.delete(f"{ALERTS}/{part}", headers=HERE)
    assert answer.status_code in (404, 405), answer.text
    assert user.get(f"{ALERTS}/{part}").get_json().get("id") is None


def bulk(client: FlaskClient, action: str, **more: Any) -> Any:
    answer = client.post(f"{ALERTS}/bulk", json={"action": action, **more}, headers=HERE)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


@pytest.mark.parametrize("action", ["acknowledge", "snooze", "resolve"])
def test_each_of_many_has_an_outcome_of_its_own(
    user: FlaskClient, services: Services, action: str
) -> None:
    states = list(STATES)
    ids = [
        put(services, f"a{n}", state, f"vps-{1 + n % 2}", n // 2) for n, state in enumerate(states)
    ]
    heard: list[Event] = []
    services.bus.subscribe(heard.append)
    more = dict(BODIES[action])
    body = bulk(user, action, ids=[*ids, "nobody", ids[0]], **more)
    assert [one["id"] for one in body["results"]] == [*ids, "nobody"]
    for one, state in zip(body["results"], states, strict=False):
        expected = DONE[(state, action)]
        wrong = expected.removeprefix("409 ") if expected.startswith("409") else None
        assert (one["done"], one["error"]) == (wrong is None, wrong)
        assert one["errorCode"] == (None if wrong is None else "CONFLICT")
        assert acts(services, one["id"]) == ([] if wrong else [("ops", f"alert.{action}")])
    assert (body["results"][-1]["done"], body["results"][-1]["errorCode"]) == (False, "NOT_FOUND")
    done = [one["id"] for one in body["results"] if one["done"]]
    assert (body["done"], body["failed"]) == (len(done), len(ids) + 1 - len(done))
    changed = [one.alert_id for one in heard if isinstance(one, AlertChanged)]
    assert [id_ for id_ in changed if id_ in ids][: len(done)] == done


def test_many_are_found_by_a_filter(user: FlaskClient, services: Services) -> None:
    for n in range(3):
        put(services, f"a{n}", target="vps-1", rule=n)
    put(services, "b", target="vps-2")
    body = bulk(user, "resolve", filter={"vpsId": ["vps-1"], "q": "cpu IS high"})
    assert sorted(one["id"] for one in body["results"]) == ["a0", "a1", "a2"]
    with services.database.read() as session:
        left = session.scalars(select(AlertRow.id).where(AlertRow.resolved_at.is_(None)))
        assert list(left) == ["b"]


@pytest.mark.parametrize(
    "given",
    [
        {}, {"action": "acknowledge"}, {"action": "delete", "ids": ["a1"]},
        {"action": "acknowledge", "ids": []}, {"action": "acknowledge", "ids": ["A b"]},
        {"action": "acknowledge", "ids": ["a1"], "filter": {}},
        {"action": "acknowledge", "ids": ["a1"], "minutes": 5},
        {"action": "snooze", "ids": ["a1"]},
        {"action": "snooze", "ids": ["a1"], "minutes": 5, "until": "2999-01-01T00:00:00Z"},
        {"action": "snooze", "ids": ["a1"], "until": "2020-01-01T00:00:00Z"},
        {"action": "snooze", "ids": ["a1"], "falsePositive": True, "minutes": 5},
        {"action": "resolve", "ids": [f"a{n}" for n in range(501)]},
        {"action": "resolve", "filter": {"severity": ["fatal"]}},
        {"action": "resolve", "filter": {"limit": 5}},
    ],
)  # fmt: skip
def test_many_are_handled_only_as_it_makes_sense(
    user: FlaskClient, services: Services, given: dict[str, Any]
) -> None:
    put(services, "a1")
    answer = user.post(f"{ALERTS}/bulk", json=given, headers=HERE)
    assert (answer.status_code, answer.get_json()["errorCode"]) == (400, "VALIDATION_ERROR")
    assert user.get(f"{ALERTS}/a1").get_json()["status"] == "active"


def test_who_is_limited_handles_none_of_others(anonymous: FlaskClient, services: Services) -> None:
    put(services, "a1", target="vps-1")
    put(services, "b1", target="vps-2")
    headers = site.bearer(services, tenants=["globex"])
    given = {"action": "resolve", "ids": ["a1", "b1"]}
    body = anonymous.post(f"{ALERTS}/bulk", json=given, headers=headers).get_json()
    assert [(one["id"], one["done"]) for one in body["results"]] == [("a1", False), ("b1", True)]
    assert body["results"][0]["error"] == "there is no alert 'a1'"


def test_a_list_takes_several_of_each_filter(user: FlaskClient, services: Services) -> None:
    for n, state in enumerate(STATES):
        put(services, f"a{n}", state, target="vps-1" if n % 2 else "vps-2")

    def ids(query: str) -> list[str]:
        return sorted(alert["id"] for alert in user.get(f"{ALERTS}?{query}").get_json()["alerts"])

    assert ids("") == ids("status=unresolved") == [f"a{n}" for n in range(6)]
    assert ids("status=all") == [f"a{n}" for n in range(7)]
    assert ids("status=acknowledged&status=resolved") == ["a3", "a6"]
    assert ids("status=all&vpsId=vps-2&severity=critical&severity=info") == ["a0", "a2", "a4", "a6"]
    assert ids("suppressed=true") == ["a2"]
    assert ids("status=all&tenantId=acme&timeRange=1h&q=CPU") == [f"a{n}" for n in range(7)]
    assert ids("status=all&to=now-1h") == []
    body = user.get(f"{ALERTS}?status=all&limit=3").get_json()
    assert (len(body["alerts"]), body["total"]) == (3, 7)
    wrong = user.get(f"{ALERTS}?sort=name")
    assert (wrong.status_code, wrong.get_json()["errorCode"]) == (400, "VALIDATION_ERROR")
    other = user.get(f"{ALERTS}?status=all&sort=-severity&cursor={body['nextCursor']}")
    assert other.status_code == 400


def test_the_description_says_that_rules_take_a_version(user: FlaskClient) -> None:
    paths = user.get("/api/openapi.json").get_json()["paths"]
    for verb in ("put", "delete"):
        parameters = paths[f"{ALERTS}/rules/{{ruleId}}"][verb]["parameters"]
        assert [one["name"] for one in parameters if one["in"] == "header"] == ["If-Match"]
