"""Analytics of alerts and suggestions for rules over REST."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from services.container import Services
from services.history import write
from services.observation import Observation
from tests.support import site
from tests.support.insights import Event, store

ANALYTICS = "/api/admin/alerts/analytics"
RULES = "/api/admin/alerts/rules"
HERE = {"Origin": "http://localhost"}
RULE: dict[str, Any] = {
    "id": "hot",
    "name": "CPU high",
    "severity": "warning",
    "condition": {"metric": "cpu", "operator": "greaterThan", "value": 80},
    "scope": {"vps": ["vps-2"]},
}


def lived(services: Services) -> None:
    """An hour ago on vps-1, which carries acme; two hours ago on vps-2, which carries globex."""
    now = time.time()
    for id_, target, ago, tenant in (
        ("a1", "vps-1", 3600.0, "acme"),
        ("g1", "vps-2", 7200.0, "globex"),
    ):
        at = now - ago
        log = [Event("fired", at), Event("told", at + 1), Event("acknowledged", at + 30, "ops")]
        log.append(Event("resolved", at + 600))
        store(services.database, id_, "hot", target, log, impact=[tenant])


@pytest.fixture
def script(server: Flask, services: Services) -> Any:
    """Asks as a script of the whole fleet, or of one that is limited to tenants."""
    lived(services)
    client = server.test_client()

    def ask(query: str = "", tenants: list[str] | None = None) -> TestResponse:
        headers = site.bearer(services, tenants=tenants)
        return client.get(f"{ANALYTICS}{query}", headers=headers, buffered=True)

    return ask


def test_it_is_no_alert(script: Any) -> None:
    answer = script()
    body = answer.get_json()
    assert answer.status_code == 200
    assert body["totals"]["firings"] == 2
    assert body["acknowledgement"]["mean"] == 30.0
    assert body["resolution"]["median"] == 600.0
    assert body["timeZone"] == "UTC"
    assert len(body["perDay"]) == 31
    assert {row["target"] for row in body["byTarget"]["rows"]} == {"vps-1", "vps-2"}


@pytest.mark.parametrize(
    ("query", "firings"),
    [
        ("?timeRange=90m", 1),
        ("?from=now-3h&to=now-90m", 1),
        ("?ruleId=hot", 2),
        ("?ruleId=other", 0),
        ("?vpsId=vps-1,vps-2", 2),
        ("?vpsId=vps-1", 1),
        ("?tenantId=globex", 1),
        ("?severity=warning&severity=critical", 2),
        ("?severity=critical", 0),
        ("?timeZone=Asia/Kathmandu", 2),
    ],
)
def test_ranges_and_filters(script: Any, query: str, firings: int) -> None:
    assert script(query).get_json()["totals"]["firings"] == firings


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?timeRange=500d", "400 days"),
        ("?timeRange=yesterday", "timeRange"),
        ("?timeZone=Mars/Olympus", "there is no time zone"),
        ("?severity=bad", "severity"),
        ("?vpsId=Not%20one", "vpsId"),
        ("?soonMinutes=-1", "soonMinutes"),
        ("?soonMinutes=nan", "soonMinutes"),
        ("?from=now&to=now-1h", "from must lie before to"),
        ("?rule=hot", "rule"),
    ],
)
def test_mistakes_are_told(script: Any, query: str, said: str) -> None:
    answer = script(query)
    assert answer.status_code == 400, answer.text
    assert answer.get_json()["errorCode"] == "VALIDATION_ERROR"
    assert said in answer.text


def test_a_limited_caller_gets_its_own(script: Any) -> None:
    answer = script(tenants=["acme"])
    body = answer.get_json()
    assert body["totals"]["firings"] == 1
    assert "globex" not in answer.text.casefold()
    assert "vps-2" not in answer.text
    assert script("?tenantId=acme&vpsId=vps-1", ["acme"]).get_json()["totals"]["firings"] == 1
    for query in ("?tenantId=globex", "?vpsId=vps-2", "?ruleId=nobody", "?tenantId=nobody"):
        assert script(query, ["acme"]).status_code == 404, query


def test_nobody_without_a_name(server: Flask) -> None:
    client = server.test_client()
    assert client.get(ANALYTICS).status_code == 401
    assert client.post(f"{RULES}/hot/suggestion").status_code == 401


def test_only_read(user: FlaskClient) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert user.open(ANALYTICS, method=method, headers=HERE).status_code == 405


def spiky(services: Services) -> None:
    """Three hours of CPU on vps-2 with a spike of a minute every ten, which alerts told of, and
    trouble of 20 minutes that somebody took on."""
    now = int(time.time())
    first = now - 10800
    values = [95.0 if n % 20 < 2 or 200 <= n < 240 else 20.0 for n in range(350)]
    observed = [
        Observation("vps-2", first + 30 * n, metrics={"system.cpu.usage": value})
        for n, value in enumerate(values)
    ]
    with services.database.write() as session:
        write.samples(session, observed, write.target_ids(session, ["vps-2"]))
    for n in sorted({*range(0, 340, 20)} - {220, 240}):
        at, trouble = float(first + 30 * n), n == 200
        log = [Event("fired", at), Event("told", at)]
        log += [Event("acknowledged", at + 60, "ops")] if trouble else []
        log.append(Event("resolved", at + (1260 if trouble else 60)))
        store(services.database, f"s{n}", "hot", "vps-2", log)


def test_a_suggestion_is_applied_by_one_request(
    user: FlaskClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.intake, "take_rules", lambda _book: None)
    assert user.post(RULES, json=RULE, headers=HERE).status_code == 201
    spiky(services)
    answer = user.post(f"{RULES}/hot/suggestion", json={"timeRange": "4h"}, headers=HERE)
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    found = body["suggestion"]
    assert (found["pagesBefore"], found["pages"], found["reducedBy"]) == (16, 1, 93.8)
    assert found["real"]["told"] == found["real"]["total"] == 1
    assert len(found["missed"]["alertIds"]) == found["missed"]["total"] == 14
    headers = {**HERE, "If-Match": found["ifMatch"]}
    applied = user.put(f"{RULES}/hot", json=found["rule"], headers=headers)
    assert applied.status_code == 200, applied.text
    assert applied.get_json()["version"] == body["version"] + 1
    assert applied.get_json()["condition"]["duration"] == found["change"][0]["to"]
    late = user.put(f"{RULES}/hot", json={**found["rule"], "name": "Other"}, headers=headers)
    assert late.status_code == 409


def test_suggestions_are_for_callers_of_the_whole_fleet(
    server: Flask, services: Services, user: FlaskClient
) -> None:
    limited = site.bearer(services, "super_admin", tenants=["acme"])
    path = f"{RULES}/high-cpu-usage/suggestion"
    assert server.test_client().post(path, headers=limited).status_code == 403
    assert user.post(f"{RULES}/nothing/suggestion", headers=HERE).status_code == 404
    answer = user.post(path, headers=HERE)
    assert answer.get_json()["suggestion"] is None
    assert "not have paged" in answer.get_json()["sentence"]
    wrong = user.post(path, json={"timeRange": "101d"}, headers=HERE)
    assert (wrong.status_code, "100 days" in wrong.text) == (400, True)
