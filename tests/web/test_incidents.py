"""Incidents over REST."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask.testing import FlaskClient

from models.alerts import AlertRow
from services.container import Services
from services.identity.audit import Wanted, audited
from tests.support import site

HERE = {"Origin": "http://localhost"}
INCIDENTS = "/api/admin/incidents"


@pytest.fixture
def two(services: Services) -> Services:
    """One incident that stands, of two alerts; one that is over."""
    now = time.time()
    with services.database.write() as session:
        for id_, target, ago, lasted in (
            ("a1", "vps-1", 600, None), ("a2", "vps-1", 500, None), ("b1", "vps-2", 90000, 60),
        ):  # fmt: skip
            session.add(
                AlertRow(
                    id=id_, fingerprint=id_, rule_id="down", rule_name="Down", target=target,
                    vps_id=target, severity="critical",
                    status="resolved" if lasted else "active", title=f"{target} is down",
                    message="refused", value=1, threshold=1, triggered_at=now - ago,
                    resolved_at=now - ago + lasted if lasted else None,
                    impact=["acme" if target == "vps-1" else "globex"],
                )
            )  # fmt: skip
    services.incidents.former.look()
    return services


def ids(client: FlaskClient, query: str = "", **more: Any) -> list[str]:
    answer = client.get(f"{INCIDENTS}{query}", **more)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.get_json()["incidents"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["a1", "b1"]), ("?status=active", ["a1"]), ("?status=resolved", ["b1"]),
        ("?status=active&status=resolved", ["a1", "b1"]), ("?status=acknowledged", []),
        ("?tenantId=globex", ["b1"]), ("?timeRange=1h", ["a1"]), ("?to=now-1d", ["b1"]),
        ("?from=now-5m", ["a1"]), ("?limit=1", ["a1"]),
    ],
)  # fmt: skip
def test_incidents_are_filtered(
    user: FlaskClient, two: Services, query: str, found: list[str]
) -> None:
    assert ids(user, query) == found


def test_pages_go_on(user: FlaskClient, two: Services) -> None:
    cursor = user.get(f"{INCIDENTS}?limit=1").get_json()["nextCursor"]
    body = user.get(f"{INCIDENTS}?limit=1&cursor={cursor}").get_json()
    assert ([one["id"] for one in body["incidents"]], body["nextCursor"]) == (["b1"], None)


def test_an_incident_takes_notes(user: FlaskClient, two: Services) -> None:
    answer = user.post(f"{INCIDENTS}/a1/notes", json={"text": " it is the disk "}, headers=HERE)
    assert (answer.status_code, answer.get_json()["text"]) == (201, "it is the disk")
    body = user.get(f"{INCIDENTS}/a1").get_json()
    assert [(note["who"], note["text"]) for note in body["notes"]] == [("ops", "it is the disk")]
    assert (body["alertCount"], body["rootTarget"], body["tenants"]) == (2, "vps-1", ["acme"])
    (row,) = audited(two.database, Wanted(target="a1"))
    assert (row["who"], row["action"]) == ("ops", "incident.note")
    for wrong in ({}, {"text": "  "}, {"text": "x" * 10_001}):
        assert user.post(f"{INCIDENTS}/a1/notes", json=wrong, headers=HERE).status_code == 400
    unknown = user.post(f"{INCIDENTS}/nobody/notes", json={"text": "x"}, headers=HERE)
    assert unknown.status_code == 404


def test_a_postmortem_is_markdown_in_the_asked_zone(user: FlaskClient, two: Services) -> None:
    answer = user.get(f"{INCIDENTS}/b1/postmortem?timeZone=Asia/Tokyo")
    assert answer.mimetype == "text/markdown"
    assert "| UTC | Asia/Tokyo | Event | What | Who |" in answer.text
    assert "| Globex | globex | 1 |" in answer.text
    wrong = user.get(f"{INCIDENTS}/b1/postmortem?timeZone=Amsterdam")
    assert (wrong.status_code, "Europe/Amsterdam" in wrong.text) == (400, True)


def test_who_is_limited_writes_nothing_and_reads_its_own(
    anonymous: FlaskClient, two: Services
) -> None:
    headers = site.bearer(two, tenants=["globex"])
    assert ids(anonymous, headers=headers) == ["b1"]
    assert anonymous.get(f"{INCIDENTS}/a1", headers=headers).status_code == 404
    assert anonymous.get(f"{INCIDENTS}?tenantId=acme", headers=headers).status_code == 404
    note = anonymous.post(f"{INCIDENTS}/b1/notes", json={"text": "x"}, headers=headers)
    assert note.status_code == 403


def test_a_deleted_alert_takes_its_empty_incident_along(
    user: FlaskClient, two: Services, judging: None
) -> None:
    assert user.delete("/api/admin/alerts/b1", headers=HERE).status_code == 204
    assert ids(user) == ["a1"]
    assert user.get(f"{INCIDENTS}/b1").status_code == 404
