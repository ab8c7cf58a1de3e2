"""What a digest says."""

from __future__ import annotations

from typing import Any

import pytest

from services.notify.digest import Part, digest_body


def part(alert_id: str, event: str = "alert.fired", severity: str = "warning") -> Part:
    title = f"{alert_id.upper()} is\n full"
    return Part(alert_id, event, {"id": alert_id, "severity": severity, "title": title})


def listed(body: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [(alert["id"], alert["event"], alert["cameAndWent"]) for alert in body["alerts"]]


def test_each_alert_is_listed_once_as_it_was_last_and_the_worst_first() -> None:
    body = digest_body(
        [
            part("a"),
            part("b", severity="critical"),
            part("c", "alert.resolved"),
            part("a", "alert.resolved"),
            part("d", "alert.escalated", "critical"),
            part("e", severity="info"),
        ]
    )
    assert listed(body) == [
        ("b", "alert.fired", False),
        ("d", "alert.escalated", False),
        ("e", "alert.fired", False),
        ("c", "alert.resolved", False),
        ("a", "alert.resolved", True),
    ]
    assert body["title"] == "5 alerts: 2 critical, 1 info, 1 resolved, 1 came and went"
    assert body["severity"] == "critical"
    assert body["counts"] == {
        "alert.fired": 3,
        "alert.resolved": 2,
        "alert.escalated": 1,
        "alerts": 5,
        "cameAndWent": 1,
    }
    assert body["message"].splitlines() == [
        "Critical: B is full",
        "Critical: D is full",
        "Info: E is full",
        "Resolved: C is full",
        "Came and went: A is full",
    ]
    assert body["alerts"][-1]["events"] == ["alert.fired", "alert.resolved"]


@pytest.mark.parametrize(
    ("why", "events", "went", "title"),
    [
        ("it ended", ["alert.resolved"], False, "1 alert: 1 resolved"),
        ("it came and went", ["alert.fired", "alert.resolved"], True, "1 alert: 1 came and went"),
        (
            "it ended and came back",
            ["alert.resolved", "alert.fired"],
            False,
            "1 alert: 1 warning",
        ),
    ],
)
def test_what_happened_to_one(why: str, events: list[str], went: bool, title: str) -> None:
    body = digest_body([part("a", event) for event in events])
    assert listed(body) == [("a", events[-1], went)], why
    assert body["title"] == title
    assert body["severity"] == ("info" if events[-1] == "alert.resolved" else "warning")


def test_an_alert_that_says_little_is_named_by_its_id() -> None:
    body = digest_body([Part("a1", "alert.fired", {"id": "a1"}), Part("a2", "alert.fired", {})])
    assert body["message"] == "Info: a1\nInfo: "
    assert body["title"] == "2 alerts: 2 info"
