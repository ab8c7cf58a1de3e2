"""Alert rules over REST."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from services.alerts.rules.defaults import DEFAULT_RULES
from services.alerts.rules.desk import RuleDesk
from services.alerts.rules.warnings import warnings
from services.container import EXTENSION, Services
from services.identity.audit import Wanted, audited
from services.notify.directory import Directory
from services.rule import Rule, Rulebook
from services.web import errors, guard
from services.web.rest import rules
from services.web.rest.operation import CHECK_ANSWERS
from tests.support import site

RULES = "/api/admin/alerts/rules"
SWAP: dict[str, Any] = {
    "id": "swap", "name": "Swap", "severity": "warning",
    "condition": {"metric": "memory", "operator": "greaterThan", "value": 95, "duration": 60},
    "notification": {
        "channels": ["webhook", "inApp"], "recipients": ["Opps"], "escalateAfter": 300,
        "remindEvery": 3600,
    },
}  # fmt: skip
OF_FILE = {**SWAP, "id": "of-file", "name": "Of the file"}
IDS = {rule.id for rule in DEFAULT_RULES} | {"of-file"}

Call = Callable[..., TestResponse]


@pytest.fixture
def books() -> list[Rulebook]:
    """The rulebooks that came into force by REST."""
    return []


@pytest.fixture
def client(services: Services, books: list[Rulebook]) -> FlaskClient:
    """These routes behind the guard, over a desk of their own."""
    desk = RuleDesk(
        services.database,
        [Rule.model_validate(OF_FILE)],
        books.append,
        lambda: 1_700_000_000.0,
        lambda rule: warnings(
            rule, services.read.fleet(), Directory(), {"inApp", "webhook"}, 1_700_000_000.0
        ),
    )
    bundle = {field.name: getattr(services, field.name) for field in fields(services)}
    server = Flask("rules", root_path=str(site.HOME))
    server.extensions[EXTENSION] = SimpleNamespace(**{**bundle, "rules": desk})
    server.config[CHECK_ANSWERS] = True
    errors.install(server)
    guard.install(server)
    routes = Blueprint("rest", __name__)
    rules.routes.add_to(routes)
    server.register_blueprint(routes)
    return server.test_client()


@pytest.fixture
def call(client: FlaskClient, services: Services) -> Call:
    """Calls as an admin of everything: ``call("GET", "/swap")``."""
    admin = site.bearer(services)

    def call(
        method: str, path: str = "", json: Any = None, headers: Any = None, **more: Any
    ) -> TestResponse:
        headers = {**admin, **(headers or {})}
        return client.open(RULES + path, method=method, json=json, headers=headers, **more)

    return call


def ids(answer: TestResponse) -> list[str]:
    return [rule["id"] for rule in answer.get_json()["rules"]]


def test_a_rule_comes_changes_and_goes(
    call: Call, services: Services, books: list[Rulebook]
) -> None:
    answer = call("POST", json=SWAP)
    made = answer.get_json()
    assert answer.status_code == 201
    assert {name: made[name] for name in SWAP if name != "condition"} == {
        name: value for name, value in SWAP.items() if name != "condition"
    }
    assert SWAP["condition"].items() <= made["condition"].items()
    assert (made["version"], made["source"], made["updatedBy"]) == (1, "ui", "script")
    assert made["updatedAt"] == "2023-11-14T22:13:20.000Z"
    (warning,) = made["warnings"]
    assert warning.startswith("No contact has the name or address 'Opps'")

    answer = call("GET", "/swap")
    assert answer.get_json() == made
    same = call("GET", "/swap", headers={"If-None-Match": answer.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")

    answer = call("PUT", "/swap", json={**made, "name": "Second"})  # what was read, sent back
    assert (answer.status_code, answer.get_json()["version"]) == (200, 2)
    assert books[-1].rules["swap"].name == "Second"

    answer = call("DELETE", "/swap")
    assert (answer.status_code, answer.data) == (204, b"")
    assert "swap" not in books[-1].rules
    assert [call(*of).status_code for of in (("GET", "/swap"), ("DELETE", "/swap"))] == [404, 404]
    assert call("PUT", "/swap", json=SWAP).status_code == 404

    versions = call("GET", "/swap/versions").get_json()
    assert [(one["version"], one["by"]) for one in versions["versions"]] == [
        (3, "script"), (2, "script"), (1, "script"),
    ]  # fmt: skip
    assert versions["versions"][0]["rule"] is None
    assert versions["versions"][1]["rule"]["name"] == "Second"
    first = call("GET", "/swap/versions?limit=2").get_json()
    rest = call("GET", f"/swap/versions?limit=2&cursor={first['nextCursor']}").get_json()
    assert first["versions"] + rest["versions"] == versions["versions"]
    assert rest["nextCursor"] is None
    assert call("GET", "/never/versions").status_code == 404
    done = [row["action"] for row in audited(services.database, Wanted(target="swap"))]
    assert done == ["rule.delete", "rule.change", "rule.add"]


def test_the_rules_of_the_specification_are_taken_as_they_stand(call: Call) -> None:
    spec = {
        "id": "db-connection-failure", "name": "Database Connection Failure",
        "severity": "critical",
        "condition": {
            "metric": "database.status", "operator": "equals", "value": "unhealthy",
            "duration": 60,
        },
        "notification": {
            "channels": ["email", "sms"], "recipients": ["admin@x.example"], "escalateAfter": 300,
        },
    }  # fmt: skip
    answer = call("PUT", "/db-connection-failure", json=spec)
    assert answer.status_code == 200
    found = answer.get_json()
    assert found["notification"].pop("remindEvery") is None
    assert {name: found[name] for name in ("id", "name", "severity", "notification")} == {
        name: spec[name] for name in ("id", "name", "severity", "notification")
    }


def test_a_change_of_an_older_version_is_a_conflict(call: Call) -> None:
    tag = call("POST", json=SWAP).headers["ETag"]
    answer = call("PUT", "/swap", json={**SWAP, "name": "B"}, headers={"If-Match": tag})
    assert answer.status_code == 200
    newer = answer.headers["ETag"]
    for stale in (tag, '"1"', f"W/{tag}"):
        for method, body in (("PUT", SWAP), ("DELETE", None)):
            answer = call(method, "/swap", json=body, headers={"If-Match": stale})
            assert (answer.status_code, answer.get_json()["errorCode"]) == (409, "CONFLICT")
            assert "is at version 2 by now" in answer.get_json()["error"]
            assert "you changed version 1" in answer.get_json()["error"]
    for odd in ("2", '"two"', '"2', '"1", "2"', '"99999999999999"'):
        assert call("DELETE", "/swap", headers={"If-Match": odd}).status_code == 400
    assert call("PUT", "/swap", json=SWAP, headers={"If-Match": "*"}).status_code == 200
    assert call("DELETE", "/swap", headers={"If-Match": newer}).status_code == 409
    assert call("DELETE", "/swap", headers={"If-Match": '"3"'}).status_code == 204


def test_a_post_that_is_sent_again_is_carried_out_once(call: Call) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = call("POST", json=SWAP, headers=key)
    second = call("POST", json=SWAP, headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.get_json() == second.get_json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert call("POST", json=SWAP).status_code == 409


def test_lists_come_in_pages_with_filters(call: Call) -> None:
    call("POST", json={**SWAP, "enabled": False})
    whole = call("GET").get_json()
    assert whole["total"] == len(IDS) + 1
    names = [rule["name"] for rule in whole["rules"]]
    assert names == sorted(names)
    found: list[str] = []
    query = "?limit=4&sort=-severity"
    while True:
        answer = call("GET", query)
        found += ids(answer)
        cursor = answer.get_json()["nextCursor"]
        if cursor is None:
            break
        query = f"?limit=4&sort=-severity&cursor={cursor}"
    assert sorted(found) == sorted(IDS | {"swap"})
    assert found[0] == "vps-not-reporting"
    assert ids(call("GET", "?enabled=false")) == ["swap"]
    assert set(ids(call("GET", "?enabled=true&severity=critical"))) == {
        rule.id for rule in DEFAULT_RULES if rule.severity == "critical"
    }
    assert ids(call("GET", "?q=SWAP")) == ["swap"]
    assert ids(call("GET", "?q=cpu.us")) == ["high-cpu-usage"]
    assert call("GET", "?sort=colour").status_code == 400
    assert call("GET", "?severity=grave").status_code == 400
    assert call("GET", "?cursor=nonsense").status_code == 400


def test_a_rule_of_the_file_can_be_read_alone(call: Call, books: list[Rulebook]) -> None:
    assert call("GET", "/of-file").get_json()["source"] == "file"
    answers = [
        call("POST", json=OF_FILE),
        call("PUT", "/of-file", json=OF_FILE),
        call("DELETE", "/of-file"),
        call("POST", "/import", json={"yaml": yaml.dump({"rules": [{**OF_FILE, "name": "B"}]})}),
    ]
    assert [answer.status_code for answer in answers] == [409] * 4
    assert "stands in the inventory file" in answers[1].get_json()["error"]
    assert books == []


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"id": "export"}, "id", "part of the address"),
        ({"condition": {**SWAP["condition"], "metric": "memry"}}, "condition.metric", "memory"),
        ({"condition": {**SWAP["condition"], "duration": -1}}, "condition.duration", "at least 0"),
        ({"condition": {**SWAP["condition"], "value": True}}, "condition.value", "a number or"),
        (
            {"condition": {"metric": "vps.status", "operator": "lessThan", "value": "healthy"}},
            "condition",
            "use equals or notEquals",
        ),
        ({"colour": "red"}, "colour", "there is no such field"),
    ],
)
def test_a_wrong_rule_is_told_field_by_field(
    call: Call, changes: dict[str, Any], field: str, said: str
) -> None:
    answer = call("POST", json={**SWAP, **changes})
    body = answer.get_json()
    assert (answer.status_code, body["errorCode"]) == (400, "VALIDATION_ERROR")
    (detail,) = body["details"]
    assert detail["field"] == field
    assert said in detail["problem"]
    assert said in body["error"]


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"value": NaN}', b'{"id": "\\u0000"}'])
def test_a_body_that_is_no_object(call: Call, data: bytes) -> None:
    for method, path in (("POST", ""), ("PUT", "/high-cpu-usage"), ("POST", "/import")):
        answer = call(method, path, data=data, content_type="application/json")
        assert answer.status_code == 400


def test_all_rules_go_out_and_in_again(call: Call, books: list[Rulebook]) -> None:
    call("POST", json=SWAP)
    answer = call("GET", "/export")
    assert answer.content_type == "text/yaml; charset=utf-8"
    assert {rule["id"] for rule in yaml.safe_load(answer.text)["rules"]} == IDS | {"swap"}
    same = call("GET", "/export", headers={"If-None-Match": answer.headers["ETag"]})
    assert same.status_code == 304
    again = call("POST", "/import", json={"yaml": answer.text, "replace": True}).get_json()
    assert (again["created"], again["changed"], again["deleted"]) == (0, 0, 0)
    assert set(again["ids"]["unchanged"]) == IDS | {"swap"}

    text = yaml.dump({"rules": [{**SWAP, "name": "B"}, {**SWAP, "id": "fresh"}]})
    wanted = {"yaml": text, "replace": True, "dryRun": True}
    tried = call("POST", "/import", json=wanted).get_json()
    assert (tried["created"], tried["changed"], tried["unchanged"]) == (1, 1, 0)
    assert (tried["dryRun"], tried["deleted"]) == (True, len(DEFAULT_RULES))
    assert call("GET", "/fresh").status_code == 404
    done = call("POST", "/import", json={**wanted, "dryRun": False}).get_json()
    assert done == {**tried, "dryRun": False}
    assert set(books[-1].rules) == {"swap", "fresh", "of-file"}


def test_a_wrong_import_is_told_line_by_line(call: Call, books: list[Rulebook]) -> None:
    text = "rules:\n- id: a\n  name: A\n  severity: grave\n"
    body = call("POST", "/import", json={"yaml": text}).get_json()
    assert body["errorCode"] == "VALIDATION_ERROR"
    assert body["error"].startswith("The rules cannot be taken in, so none was: line 2: rule 'a'")
    assert {(detail["line"], detail["field"]) for detail in body["details"]} == {
        (2, ""), (4, "severity"),
    }  # fmt: skip
    for wrong in ({}, {"yaml": 7}, {"yaml": "", "replace": "yes"}, {"yaml": "rules: []", "x": 1}):
        assert call("POST", "/import", json=wrong).status_code == 400
    assert books == []


@pytest.mark.parametrize("role", ["admin", "super_admin"])
def test_a_limited_caller_reads_what_names_nobody_else_and_changes_nothing(
    client: FlaskClient, services: Services, call: Call, books: list[Rulebook], role: str
) -> None:
    for name, scope in (("mine", {"tenant": ["acme"]}), ("theirs", {"vps": ["vps-2"]})):
        call("POST", json={**SWAP, "id": name, "scope": scope})
    known = len(books)
    headers = site.bearer(services, role, ["acme"])
    listed = client.get(RULES, headers=headers).get_json()
    assert {rule["id"] for rule in listed["rules"]} == IDS | {"mine"}
    assert listed["total"] == len(IDS) + 1
    mine = client.get(f"{RULES}/mine", headers=headers).get_json()
    assert (mine["notification"]["recipients"], mine["updatedBy"], mine["warnings"]) == (
        [], None, [],
    )  # fmt: skip
    assert client.get(f"{RULES}/theirs", headers=headers).status_code == 404
    answers = [
        client.post(RULES, json=SWAP, headers=headers),
        client.put(f"{RULES}/mine", json=SWAP, headers=headers),
        client.delete(f"{RULES}/mine", headers=headers),
        client.post(f"{RULES}/import", json={"yaml": "rules: []"}, headers=headers),
        client.get(f"{RULES}/export", headers=headers),
        client.get(f"{RULES}/mine/versions", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [403] * 6
    assert len(books) == known
    assert client.get(RULES).status_code == 401
