"""What operators do with alerts over REST, and the traces that say why there is one or none."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask.testing import FlaskClient

from models.alerts import AlertEvent, AlertRow
from services.alerts import manage
from services.container import Services
from services.identity.audit import Actor
from services.observation import Observation
from services.times import iso
from tests.support import site

HERE = {"Origin": "http://localhost"}
ALERTS = "/api/admin/alerts"
RULE = "high-cpu-usage"

pytestmark = pytest.mark.usefixtures("judging")


def put_alert(services: Services, id_: str, target: str = "vps-1", **more: Any) -> str:
    """An alert that stands, fired and told of a minute ago."""
    at = time.time() - 60
    row = AlertRow(
        id=id_, fingerprint=id_, rule_id=RULE, rule_name="High CPU", target=target,
        vps_id=target, severity="critical", status="active", title="CPU is high", message="95 %",
        value=95, threshold=90, triggered_at=at, told_at=at, impact=["acme"], **more,
    )  # fmt: skip
    with services.database.write() as session:
        session.add(row)
        session.flush()
        for kind, note in (("fired", "95 %"), ("told", "2 messages")):
            session.add(AlertEvent(alert_id=id_, at=at, kind=kind, note=note))
    return id_


def test_an_alert_is_resolved_once(user: FlaskClient, services: Services) -> None:
    url = f"{ALERTS}/{put_alert(services, 'a1')}/resolve"
    answer = user.post(url, json={"note": "known", "falsePositive": True}, headers=HERE)
    body = answer.get_json()
    assert (answer.status_code, body["status"], body["falsePositive"]) == (200, "resolved", True)
    assert (body["resolvedBy"], body["resolution"]) == ("ops", "known")
    assert body["resolvedAt"] is not None
    assert body["timeline"][-1] == {
        "at": body["resolvedAt"], "event": "resolved", "by": "ops", "note": "known",
    }  # fmt: skip
    for action, given in (("resolve", {}), ("acknowledge", {}), ("snooze", {"minutes": 5})):
        again = user.post(f"{ALERTS}/a1/{action}", json=given, headers=HERE)
        assert (again.status_code, again.get_json()["errorCode"]) == (409, "CONFLICT"), action
        assert again.get_json()["error"] == "the alert is already resolved by ops"


def test_resolving_needs_no_body(user: FlaskClient, services: Services) -> None:
    answer = user.post(f"{ALERTS}/{put_alert(services, 'a1')}/resolve", headers=HERE)
    assert answer.get_json()["resolution"] == "Resolved by ops."


def test_a_snooze_lasts_for_minutes_or_until_a_moment(
    user: FlaskClient, services: Services
) -> None:
    url = f"{ALERTS}/{put_alert(services, 'a1')}/snooze"
    before = time.time()
    body = user.post(url, json={"minutes": 30, "note": "lunch"}, headers=HERE).get_json()
    assert body["status"] == "snoozed"
    assert str(iso(before + 1799)) < body["snoozedUntil"] < str(iso(time.time() + 1801))
    until = iso(before + 7200)
    body = user.post(url, json={"until": until}, headers=HERE).get_json()
    assert (body["snoozedUntil"], body["acknowledgedBy"]) == (until, None)
    listed = user.get(f"{ALERTS}?status=snoozed").get_json()
    assert [alert["id"] for alert in listed["alerts"]] == ["a1"]
    said = user.post(f"{ALERTS}/a1/acknowledge", headers=HERE)
    assert (said.status_code, said.get_json()["error"]) == (409, "the alert is already snoozed")


@pytest.mark.parametrize(
    "given",
    [
        {}, {"minutes": 0}, {"minutes": -5}, {"minutes": 43201}, {"minutes": "NaN"},
        {"until": "2020-01-01T00:00:00Z"}, {"until": "2999-01-01T00:00:00Z"},
        {"until": "2999-01-01T00:00:00"}, {"until": "tomorrow"}, {"until": 4000000000},
        {"minutes": 5, "until": "2999-01-01T00:00:00Z"}, {"minutes": 5, "hours": 1},
    ],
)  # fmt: skip
def test_a_snooze_that_makes_no_sense_changes_nothing(
    user: FlaskClient, services: Services, given: dict[str, Any]
) -> None:
    answer = user.post(f"{ALERTS}/{put_alert(services, 'a1')}/snooze", json=given, headers=HERE)
    assert (answer.status_code, answer.get_json()["errorCode"]) == (400, "VALIDATION_ERROR")
    assert user.get(f"{ALERTS}/a1").get_json()["status"] == "active"


def test_only_what_is_over_is_deleted(user: FlaskClient, services: Services) -> None:
    url = f"{ALERTS}/{put_alert(services, 'a1')}"
    refused = user.delete(url, headers=HERE)
    assert refused.status_code == 409
    assert refused.get_json()["error"] == "the alert is active; resolve it before it is deleted"
    user.post(f"{url}/resolve", headers=HERE)
    assert (user.delete(url, headers=HERE).status_code, user.get(url).status_code) == (204, 404)
    assert user.delete(url, headers=HERE).status_code == 404


def test_what_cannot_be_done_now_is_said(
    user: FlaskClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer is gone: nothing can be stored."""
    monkeypatch.setattr(manage, "PATIENCE", 0.05)
    url = f"{ALERTS}/{put_alert(services, 'a1')}/resolve"
    services.intake.stop()
    answer = user.post(url, headers=HERE)
    assert (answer.status_code, answer.get_json()["errorCode"]) == (503, "UNAVAILABLE")


def test_the_trace_of_an_alert_holds_its_decisions(user: FlaskClient, services: Services) -> None:
    put_alert(services, "a1")
    user.post(f"{ALERTS}/a1/acknowledge", json={"note": "mine"}, headers=HERE)
    body = user.get(f"{ALERTS}/a1/trace").get_json()
    assert (body["alertId"], body["ruleId"], body["ruleVersion"]) == ("a1", RULE, 1)
    assert [(d["kind"], d["text"], d["by"]) for d in body["decisions"]] == [
        ("fired", "95 %", None), ("told", "2 messages", None), ("acknowledged", "mine", "ops"),
    ]  # fmt: skip
    assert user.get(f"{ALERTS}/none/trace").status_code == 404


def test_the_trace_of_a_server_names_an_outcome_for_every_rule(
    user: FlaskClient, services: Services
) -> None:
    def outcomes() -> dict[str, str]:
        body = user.get("/api/admin/health/vps/vps-1/trace").get_json()
        assert body["vpsId"] == "vps-1"
        for one in body["verdicts"]:
            assert all(one[name] for name in ("text", "label", "ruleName"))
        own = [one for one in body["verdicts"] if one["target"] == "vps-1"]
        return {one["ruleId"]: one["outcome"] for one in own}

    assert outcomes()[RULE] == "noValue"
    seen = Observation("vps-1", time.time(), metrics={"system.cpu.usage": 42.0})
    services.intake.submit([seen])
    services.intake.flush(60)
    found = outcomes()
    assert found[RULE] == "clear"
    services.rules.change(
        RULE, {**services.rules.get(RULE).rule.model_dump(by_alias=True), "enabled": False},
        Actor("ops"),
    )  # fmt: skip
    assert outcomes()[RULE] == "disabled"
    assert user.get("/api/admin/health/vps/nowhere/trace").status_code == 404


def test_who_is_limited_reads_and_does_nothing_of_others(
    anonymous: FlaskClient, services: Services
) -> None:
    headers = site.bearer(services, tenants=["globex"])
    put_alert(services, "a1")
    for action, given in (("resolve", {}), ("snooze", {"minutes": 5}), ("acknowledge", {})):
        answer = anonymous.post(f"{ALERTS}/a1/{action}", json=given, headers=headers)
        assert answer.status_code == 404, action
    assert anonymous.delete(f"{ALERTS}/a1", headers=headers).status_code == 404
    for path in (f"{ALERTS}/a1/trace", "/api/admin/health/vps/vps-1/trace"):
        assert anonymous.get(path, headers=headers).status_code == 404
    with services.database.read() as session:
        assert session.get_one(AlertRow, "a1").status == "active"


def test_who_is_limited_reads_nothing_of_others_in_its_own(
    anonymous: FlaskClient, services: Services
) -> None:
    headers = site.bearer(services, tenants=["globex"])
    rule = services.rules.get(RULE).rule.model_dump(by_alias=True, mode="json")
    services.rules.create(
        {**rule, "id": "far", "name": "Far", "scope": {"vps": ["vps-1"], "tenant": ["acme"]}},
        Actor("ops"),
    )
    why = "down: suppressed by Netherlands 1, which serves acme"
    put_alert(services, "a2", "vps-2", withheld=why, suppressed_by="vps-1")
    with services.database.write() as session:
        for kind in ("withheld", "raised", "escalated"):
            session.add(AlertEvent(alert_id="a2", at=time.time(), kind=kind, note=why))
    for path in (f"{ALERTS}/a2", f"{ALERTS}/a2/trace", ALERTS, "/api/admin/health/vps/vps-2/trace"):
        answer = anonymous.get(path, headers=headers)
        assert answer.status_code == 200
        for word in ("vps-1", "Netherlands 1", "acme", '"far"'):
            assert word not in answer.text, path
    alert = anonymous.get(f"{ALERTS}/a2", headers=headers).get_json()
    assert (alert["withheld"], alert["suppressedBy"], alert["impact"]) == (
        "down", None, {"tenants": []},
    )  # fmt: skip
