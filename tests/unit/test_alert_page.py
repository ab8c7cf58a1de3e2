"""The page of alerts: what its address means, and what a reader sees of each state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from dash.development.base_component import Component

from components import alert_dialog, alert_drawer, alert_filters, alert_page, incidents
from services.alerts.asked import decision
from services.errors import ValidationError
from services.times import iso
from services.views import alert_page as views
from services.views.alert_lists import WORST, AlertFilter
from services.views.alert_model import AlertsPage, Course, Detail, Row, Sent, Step

NOW = 1_763_894_400.0  # 2025-11-23T10:40:00Z

ROW = Row(
    id="al-1",
    severity="critical",
    status="active",
    title="backend-api on Netherlands 1 is unhealthy",
    target="backend-api on Netherlands 1",
    triggered_at=NOW - 300,
    resolved_at=None,
    snoozed_until=None,
    occurrences=3,
    flapping=True,
    suppressed_by="",
    impact=("ACME Corp",),
    handled="",
    told="Ops was told by webhook",
    next_at=NOW + 600,
    next_whom="Night shift",
)
OVER = replace(ROW, id="al-2", status="resolved", resolved_at=NOW - 60, handled="resolved by ada")
BODY = {
    "id": "al-1", "ruleId": "backend-down", "ruleName": "Backend down", "ruleVersion": 2,
    "severity": "critical", "status": "active", "title": ROW.title, "message": "refused",
    "triggeredAt": iso(NOW - 300), "resolvedAt": None, "resolvedBy": None,
    "acknowledgedAt": None, "acknowledgedBy": None, "snoozedUntil": None,
    "occurrences": 1, "flapping": False, "falsePositive": None,
}  # fmt: skip
DETAIL = Detail(
    body=BODY,
    target=ROW.target,
    server=("vps-1", "Netherlands 1"),
    facts=(("Measured", "93 %"), ("Limit", "85 %")),
    impact=(("acme", "ACME Corp"),),
    runbook="https://wiki.example/backend",
    why=("Told (fired): Ops by webhook.",),
    decisions=(
        Step(NOW - 300, "fired", "", None),
        Step(NOW - 299, "queued", "alert.fired by webhook to Ops", None),
        Step(NOW - 200, "acknowledged", "on it", "ada"),
    ),
    messages=(
        Sent("n-1", "webhook", "Ops", "alert.fired", "failed", "rejected", "410", NOW, False),
    ),
    incident="in-1",
    course=Course("CPU", "%", (NOW - 60, NOW), (91.0, 93.0), 85.0, NOW - 3600, NOW, NOW, None),
    may_resend=True,
)
PAGE = AlertsPage(
    tab="active",
    query={"tab": "active"},
    rows=(ROW,),
    total=1,
    more=False,
    servers=(("vps-1", "Netherlands 1"),),
    tenants=(("acme", "ACME Corp"),),
    interval=30.0,
)
INCIDENT = {
    "id": "in-1", "title": "Netherlands 1 is down", "status": "resolved", "severity": "critical",
    "startedAt": iso(NOW - 900), "resolvedAt": iso(NOW), "alertCount": 2, "tenants": ["acme"],
    "durations": {"toTold": 4.0, "toAcknowledged": None, "toResolved": 900.0},
    "alerts": [{"id": "al-1", "title": ROW.title, "severity": "critical", "status": "resolved"}],
    "timeline": [{"at": iso(NOW - 900), "event": "detected", "text": "First.", "by": None}],
    "notes": [{"at": iso(NOW), "who": "ada", "text": "the disk was full"}],
}  # fmt: skip


def walk(node: Any) -> Iterator[Any]:
    if isinstance(node, list | tuple):
        for one in node:
            yield from walk(one)
    elif isinstance(node, Component):
        yield node
        yield from walk(getattr(node, "children", None))
    elif node is not None:
        yield node


def said(node: Any) -> str:
    return " ".join(str(one) for one in walk(node) if not isinstance(one, Component))


def props(node: Any, name: str) -> list[Any]:
    return [
        one.to_plotly_json()["props"][name]
        for one in walk(node)
        if isinstance(one, Component) and name in one.to_plotly_json()["props"]
    ]


def acts(node: Any) -> list[str]:
    ids = [one for one in props(node, "id") if isinstance(one, dict)]
    return [one["act"] for one in ids if one.get("type") == "alert-act"]


@pytest.mark.parametrize(
    ("query", "filter_"),
    [
        ({}, AlertFilter(sort=WORST)),
        ({"tab": "nonsense"}, AlertFilter(sort=WORST)),
        ({"status": "snoozed,nonsense"}, AlertFilter(status=("snoozed",), sort=WORST)),
        (
            {"severity": "critical,warning", "vps": "vps-1", "tenant": "acme", "q": " disk "},
            AlertFilter(
                severity=("critical", "warning"),
                vps=("vps-1",),
                tenant=("acme",),
                q="disk",
                sort=WORST,
            ),
        ),
        ({"sort": "title"}, AlertFilter(sort=WORST)),
        ({"sort": "triggeredAt", "fp": "1"}, AlertFilter(sort="triggeredAt")),
        (
            {"tab": "history", "range": "24h", "fp": "1", "rule": "a,b"},
            AlertFilter(
                status=("resolved",),
                rule=("a", "b"),
                false_positive=True,
                since=NOW - 86400,
                sort="-resolvedAt",
            ),
        ),
        (
            {"tab": "history", "range": "all", "status": "active", "q": ["a", "b"]},
            AlertFilter(status=("resolved",), q="b", sort="-resolvedAt"),
        ),
    ],
)
def test_an_address_is_a_filter(query: dict[str, Any], filter_: AlertFilter) -> None:
    assert views.wanted(views.clean(query), NOW) == filter_


@pytest.mark.parametrize(
    ("pages", "number"), [("", 50), ("2", 100), ("0", 50), ("-1", 50), ("²", 50), ("999", 500)]
)
def test_a_list_has_so_many_pages(pages: str, number: int) -> None:
    assert views.shown({"pages": pages} if pages else {}) == number


def test_a_row_says_what_an_operator_decides_by() -> None:
    drawn = alert_page.listing(PAGE)
    text = said(drawn)
    for words in (
        "critical", ROW.title, "3 times", "flapping", "hits ACME Corp", "Ops was told by webhook",
        "escalates  to Night shift", "1 alert",
    ):  # fmt: skip
        assert words in text
    assert "alert-row" in props(drawn, "data-testid")
    assert acts(drawn) == ["acknowledge", "snooze", "resolve"]
    assert "/health/alerts?tab=active&alert=al-1" in props(drawn, "href")


def test_what_somebody_has_or_is_over_offers_less() -> None:
    taken = replace(ROW, status="acknowledged", handled="ada has it", next_at=None)
    drawn = alert_page.listing(replace(PAGE, rows=(taken,)))
    assert acts(drawn) == ["snooze", "resolve"]
    assert "ada has it" in said(drawn)
    over = alert_page.listing(replace(PAGE, tab="history", rows=(OVER,)))
    assert acts(over) == []
    assert "lasted 4 min" in said(over)
    assert props(over, "data-pick") == []


def test_an_empty_list_says_what_to_do_next() -> None:
    none = replace(PAGE, rows=(), total=0)
    assert "No active alerts." in said(alert_page.listing(none))
    filtered = replace(none, query={"tab": "active", "q": "disk"})
    assert "No alert fits these filters." in said(alert_page.listing(filtered))
    history = replace(none, tab="history", query={"tab": "history"})
    assert "Choose a longer time" in said(alert_page.listing(history))


def test_a_long_list_goes_on() -> None:
    drawn = alert_page.listing(replace(PAGE, more=True, total=None))
    assert "1+ alerts" in said(drawn)
    assert "/health/alerts?tab=active&pages=2" in props(drawn, "href")


def test_a_filter_that_is_no_choice_is_still_told() -> None:
    drawn = alert_filters.tools(replace(PAGE, query={"tab": "active", "vps": "vps-1,vps-2"}))
    assert "vps-1,vps-2" in props(drawn, "value")
    (options,) = [one for one in props(drawn, "options") if one[0]["label"] == "Any server"]
    assert options[-1] == {"value": "vps-1,vps-2", "label": "vps-1,vps-2"}


def test_the_drawer_tells_everything_about_an_alert() -> None:
    view = replace(PAGE, query={"tab": "active", "alert": "al-1"}, chosen=DETAIL)
    state, story = alert_drawer.state(view), alert_drawer.story(view)
    assert acts(state) == ["acknowledge", "note", "snooze", "resolve"]
    text = said([state, story])
    for words in (
        ROW.title, "93 %", "85 %", "ACME Corp", "Told (fired): Ops by webhook.", "Fired",
        "Acknowledged by ada", "on it", "410", "Message written",
    ):  # fmt: skip
        assert words in text
    links = props(state, "href")
    assert {"/health/vps/vps-1", "/health/tenants/acme", DETAIL.runbook} <= set(links)
    assert "/health/alerts?tab=history&view=incidents&incident=in-1" in links
    assert {"type": "alert-resend", "message": "n-1"} in props(story, "id")
    assert len(props(alert_drawer.course(view), "figure") + props(
        alert_drawer.course(view), "data")) > 0  # fmt: skip
    host = alert_drawer.drawer(view, [state])
    assert "al-1" in props(host, "data-drawer")
    assert "/health/alerts?tab=active" in props(host, "href")


def test_who_may_not_resend_has_no_button() -> None:
    view = replace(PAGE, chosen=replace(DETAIL, may_resend=False))
    drawn = alert_drawer.story(view)
    assert not [one for one in props(drawn, "id") if isinstance(one, dict)]


def test_a_resolved_alert_can_be_deleted() -> None:
    body = {**BODY, "status": "resolved", "resolvedAt": iso(NOW), "resolvedBy": "ada"}
    view = replace(PAGE, chosen=replace(DETAIL, body=body))
    assert acts(alert_drawer.state(view)) == ["delete"]
    assert "lasted 5 min" in said(alert_drawer.state(view))


def test_what_is_not_there_is_said() -> None:
    gone = replace(PAGE, query={"tab": "active", "alert": "x"}, missing=True)
    assert "There is no such alert." in said(alert_drawer.state(gone))
    gone = replace(PAGE, query={"tab": "history", "incident": "x"}, missing=True)
    assert "There is no such incident." in said(alert_drawer.state(gone))


def test_incidents_are_listed_and_told() -> None:
    view = replace(
        PAGE,
        tab="history",
        query={"tab": "history", "view": "incidents", "incident": "in-1"},
        incidents=(INCIDENT,),
        incident=INCIDENT,
        names={"acme": "ACME Corp"},
        may_note=True,
    )
    listed = said(incidents.listing(view))
    for words in ("Netherlands 1 is down", "hit ACME Corp", "4 s until told", "15 min until over"):
        assert words in listed
    whole = incidents.whole(view)
    assert "/api/admin/incidents/in-1/postmortem" in props(whole, "href")
    story = said(incidents.story(view))
    assert "the disk was full" in story
    assert "Detected" in story
    assert incidents.note_form(view) is not None
    assert incidents.note_form(replace(view, may_note=False)) is None
    assert "No incident" in said(incidents.listing(replace(view, incidents=())))


@pytest.mark.parametrize(
    ("act", "fields"),
    [
        ("note", ["note"]),
        ("snooze", ["wait", "until", "note"]),
        ("resolve", ["note", "false"]),
        ("delete", []),
    ],
)
def test_a_question_has_the_fields_of_its_act(act: str, fields: list[str]) -> None:
    drawn = alert_dialog.question(act, ROW.title)
    ids = [one["field"] for one in props(drawn, "id") if isinstance(one, dict)]
    assert ids == fields
    assert ROW.title in said(drawn)


@pytest.mark.parametrize(
    "given",
    [
        None,
        {"act": "acknowledge", "ids": []},
        {"act": "explode", "ids": ["a"]},
        {"act": "snooze", "ids": ["a"], "until": float("inf")},
        {"act": "resolve", "ids": ["a"] * 501},
        {"act": "resolve", "ids": [1]},
        {"act": "resolve", "ids": ["a"], "note": "x" * 2001},
        {"act": "resolve", "ids": ["a"], "more": 1},
    ],
)
def test_what_a_browser_asks_is_checked(given: Any) -> None:
    with pytest.raises(ValidationError):
        decision(given)
