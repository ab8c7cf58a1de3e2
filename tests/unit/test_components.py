"""What a reader sees of the frozen views: texts, states, names for machines and for the ear."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import dash
import pytest
from dash import html
from dash.development.base_component import Component

from components import overview, states
from components.alerts import MOST_ALERTS, SNOOZES, alerts_panel
from components.events import events_panel
from components.links import about
from components.marks import (
    availability,
    mark,
    names,
    percent,
    points,
    rates,
    response,
    score_number,
)
from components.overview import Page
from components.services import MOST_INSTANCES, heartbeat, service_grid, service_rows
from components.shell import Entry, counts, shell
from components.spark import Box, parts, polygon, spark, thinned
from components.vps import vps_panel
from services.health.score import Reason, Score
from services.observation import Status
from services.views.model import (
    AlertView,
    Beat,
    EventView,
    Extent,
    Gauge,
    Instance,
    Overview,
    Said,
    ServiceType,
    VpsCard,
)

NOW = 1_763_894_400.0  # 2025-11-23T10:40:00Z

INSTANCE = Instance(
    "vps-1/backend-api", "backend-api", "vps-1", Status.HEALTHY, "", NOW, 24.0, 3600.0, {}
)
BROKEN = replace(
    INSTANCE,
    key="vps-4/backend-api",
    vps_id="vps-4",
    status=Status.UNHEALTHY,
    message="connection refused",
    response_ms=None,
    checks={"database": Status.DEGRADED},
)
CARD = VpsCard(
    id="vps-1",
    name="Netherlands 1",
    region="nl-west",
    status=Status.HEALTHY,
    reason="all well",
    since=NOW - 600,
    measured=True,
    seen_at=NOW - 12,
    interval=30.0,
    cores=4,
    cpu=Gauge("CPU", 34.4, None, None, "%", (30.0, 34.4), hot=False),
    memory=Gauge("Memory", 61.0, 4.75, 7.8, "GiB", (60.0, 61.0), hot=False),
    disk=Gauge("Disk", 91.2, 73.0, 80.0, "GiB", (91.0, 91.2), hot=True),
    load=0.42,
    network_in=2_700_000.0,
    network_out=400_000.0,
    services=(INSTANCE,),
    tenants=("acme", "globex"),
    tenant_names=("ACME Corp", "Globex"),
)
SILENT = replace(
    CARD,
    id="vps-4",
    status=Status.UNKNOWN,
    reason="no reading for 90 s",
    cpu=None,
    memory=None,
    disk=None,
    load=None,
    network_in=None,
    network_out=None,
    seen_at=None,
)
ALERT = AlertView(
    id="al-1",
    severity="critical",
    status="active",
    title="vps-4 does not report",
    message="No reading for 82 s.",
    target="vps-4",
    triggered_at=NOW - 125,
    acknowledged_at=None,
    acknowledged_by=None,
    impact=("ACME Corp", "Globex", "Initech", "Hooli"),
    told="told Ops by webhook",
)
BEATS = (
    Beat(NOW - 3600, NOW - 1800, Status.HEALTHY, "answered 200"),
    Beat(NOW - 1800, NOW, Status.UNHEALTHY, "connection refused"),
)
BACKEND = ServiceType(
    "backend", "Backend API", Status.DEGRADED, (INSTANCE, BROKEN), 1, BEATS, 99.996
)
VIEW = Overview(
    headline="vps-4 is down; 3 of 30 tenants are affected.",
    told="Ops was told by webhook.",
    status=Status.DEGRADED,
    score=Score(81.5, "good", (Reason("vps-4 unreachable", 18.5, "vps-4"),)),
    uptime_s=7200.0,
    updated_at=NOW - 2,
    services=(BACKEND,),
    vps=(CARD, SILENT),
    alerts=(ALERT,),
    events=(EventView(NOW, "vps-4", "vps-4", Status.UNHEALTHY, "is unhealthy: unreachable"),),
    tenants=30,
    interval=30.0,
)
EXTENT = Extent(servers=2, services=2, tenants=30, interval=30.0, active=1, worst="critical")


def walk(node: Any) -> Iterator[Any]:
    """Every component of a tree, parents first."""
    if isinstance(node, Component):
        yield node
        yield from walk(getattr(node, "children", None))
    elif isinstance(node, (list, tuple)):
        for child in node:
            yield from walk(child)


def text(node: Any) -> str:
    """What can be read, without doubled spaces."""

    def words(part: Any) -> Iterator[str]:
        if isinstance(part, Component):
            yield from words(getattr(part, "children", None))
        elif isinstance(part, (list, tuple)):
            for child in part:
                yield from words(child)
        elif part is not None:
            yield str(part)

    return re.sub(r"\s+", " ", " ".join(words(node))).strip()


def having(node: Any, attribute: str, value: Any = ...) -> list[Any]:
    """The components with an attribute (of this value)."""
    found = [one for one in walk(node) if getattr(one, attribute, None) is not None]
    return [one for one in found if value is ... or getattr(one, attribute) == value]


def classed(node: Any, name: str) -> list[Any]:
    return [one for one in walk(node) if name in (getattr(one, "className", None) or "").split()]


@pytest.mark.parametrize("status", list(Status))
def test_a_status_is_always_a_word_too(status: Status) -> None:
    assert text(mark(status)) == status
    assert text(mark(status, word=False)) == status, "it is not read aloud"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (100.0, "100\u00a0%"),
        (99.996, "99.99\u00a0%"),
        (99.9, "99.90\u00a0%"),
        (0.0, "0.00\u00a0%"),
        (None, "no data"),
    ],
)
def test_availability_is_never_rounded_up(value: float | None, words: str) -> None:
    assert availability(value) == words


def test_numbers_have_units_and_no_more_digits_than_needed() -> None:
    assert (percent(91.4), percent(None)) == ("91\u00a0%", "–")
    assert (response(24.2), response(1400.0), response(0.3)) == (
        "24\u00a0ms",
        "1.4\u00a0s",
        "<1\u00a0ms",
    )
    assert (score_number(81.5), score_number(100.0), score_number(None)) == ("81.5", "100", "–")
    assert rates(2_700_000.0, 400_000.0) == (["2.7", "0.4"], "MB/s")
    assert rates(512.0, None) == (["512", "–"], "B/s")
    assert rates(None, None) == (["–", "–"], "B/s")
    assert names(["A", "B"]) == "A and B"
    assert names(["A", "B", "C", "D", "E"]) == "A, B, C and 2 more"


def test_the_hero_says_the_sentence_the_score_and_why() -> None:
    hero = overview.hero(VIEW)
    (score,) = having(hero, "data-testid", "health-score")
    assert getattr(score, "aria-label") == "Health score 81.5 of 100, good"
    assert "81.5 good" in text(score)
    assert VIEW.headline in text(hero)
    assert VIEW.told in text(hero)
    assert "vps-4 unreachable −18.5" in text(hero)


def test_the_sentence_leads_to_what_it_names_and_says_since_when_somebody_knows() -> None:
    said = (Said("vps-4", "vps-4"), Said(" is down; "), Said("3 of 30 tenants", "tenants:"))
    alert = replace(ALERT, told="Ops was told by webhook", told_at=NOW - 120)
    view = replace(
        VIEW, sentence=said, alerts=(alert,), told=f"{alert.told}; not acknowledged yet."
    )
    hero = overview.hero(view)
    assert [one.href for one in having(classed(hero, "say")[0], "href")] == [
        "/health/vps/vps-4",
        "/health/tenants",
    ]
    assert "Ops was told by webhook 10:38 UTC ; not acknowledged yet." in text(hero)


def test_reasons_beyond_the_first_can_be_unfolded_and_add_up() -> None:
    reasons = tuple(Reason(f"reason {n}", 1.5, "x") for n in range(6))
    hero = overview.hero(replace(VIEW, score=Score(91.0, "good", reasons)))
    assert "and 2 more −3.0" in text(hero)
    assert all(reason.text in text(hero) for reason in reasons)


def test_without_observations_there_is_no_score_and_no_zero() -> None:
    hero = overview.hero(
        replace(VIEW, status=Status.UNKNOWN, score=Score(None, "unknown", ()), services=(), vps=())
    )
    (score,) = having(hero, "data-testid", "health-score")
    assert text(score) == "– no data"
    assert "first readings" in text(hero)


def test_a_row_of_the_grid_has_state_share_heartbeat_and_instances() -> None:
    grid = html.Div(service_rows([BACKEND]))
    (row,) = having(grid, "data-service-type", "backend")
    assert getattr(row, "data-status") == "degraded"
    assert "Backend API 2 instances, 1 healthy degraded available 99.99 %" in text(row)
    first, second = classed(row, "instance")
    assert "backend-api on vps-4 unhealthy connection refused database degraded" in text(first)
    assert "backend-api on vps-1 healthy 24 ms" in text(second)


def test_a_heartbeat_tells_time_state_and_message_by_keyboard_too() -> None:
    bars = having(heartbeat(BEATS), "data-from")
    assert [getattr(bar, "data-state") for bar in bars] == ["healthy", "unhealthy"]
    reached = having(heartbeat(BEATS), "tabIndex", 0)
    assert [getattr(bar, "aria-label") for bar in reached] == ["unhealthy: connection refused"]
    assert getattr(reached[0], "data-to") == "2025-11-23T10:40:00.000Z"


def test_of_many_instances_the_worst_are_shown_and_a_link_leads_to_the_others() -> None:
    many = tuple(replace(INSTANCE, key=f"vps-{n}/backend-api") for n in range(99))
    grid = html.Div(service_rows([replace(BACKEND, instances=(*many, BROKEN), healthy=99)]))
    shown = classed(grid, "instance")
    assert len(shown) == MOST_INSTANCES
    assert getattr(shown[0], "data-instance") == BROKEN.key
    (more,) = having(grid, "href", "/health/vps?service=backend")
    assert text(more) == "88 more on the servers page"


def test_heartbeats_can_reach_back_further() -> None:
    (choice,) = having(service_grid([BACKEND], "7d"), "id", "overview-beats")
    assert choice.value == "7d"
    assert [one["value"] for one in choice.options] == ["24h", "7d", "90d"]


def test_an_alert_says_what_since_when_whom_and_who_knows() -> None:
    panel = alerts_panel([ALERT])
    assert getattr(panel, "data-testid") == "alerts-panel"
    words = text(panel)
    assert "critical vps-4 does not report" in words
    assert "No reading for 82 s. Hits ACME Corp, Globex, Initech and 1 more." in words
    assert "told Ops by webhook" in words
    (button,) = having(panel, "id", {"type": "acknowledge", "alert": "al-1"})
    assert text(button) == "Acknowledge vps-4 does not report"
    (since,) = having(panel, "dateTime")
    assert since.dateTime == "2025-11-23T10:37:55.000Z"


def test_an_acknowledged_alert_says_who_has_it_and_has_no_button() -> None:
    taken = replace(ALERT, status="acknowledged", acknowledged_at=NOW, acknowledged_by="lea")
    panel = alerts_panel([taken])
    assert "acknowledged by lea" in text(panel)
    assert not having(panel, "id", {"type": "acknowledge", "alert": "al-1"})
    assert having(panel, "data-alert", "al-1")


def test_an_alert_can_be_put_aside() -> None:
    panel = alerts_panel([ALERT])
    assert [getattr(one, "data-snooze") for one in having(panel, "data-snooze")] == [*SNOOZES]
    until = replace(ALERT, status="snoozed", snoozed_until=NOW + 3600)
    panel = alerts_panel([until])
    assert "snoozed until 11:40 UTC" in text(panel)
    assert not having(panel, "data-snooze")
    assert not having(panel, "id", {"type": "acknowledge", "alert": "al-1"})


def test_an_alert_leads_to_its_own_page_and_the_panel_to_all() -> None:
    panel = alerts_panel([ALERT], 123)
    (link,) = having(panel, "href", "/health/alerts?alert=al-1")
    assert text(link) == ALERT.title
    (every,) = having(panel, "href", "/health/alerts")
    assert text(every) == "All 123 alerts"


def test_of_many_alerts_the_worst_are_shown() -> None:
    many = tuple(replace(ALERT, id=f"al-{n}") for n in range(90))
    page = overview.page(Page(replace(VIEW, alerts=many, active=400)), NOW)
    assert len(classed(page, "alert-item")) == MOST_ALERTS
    assert "All 400 alerts" in text(page)


@pytest.mark.parametrize(
    ("target", "page"),
    [
        ("vps-4", "/health/vps/vps-4"),
        ("vps-4/api", "/health/vps/vps-4"),
        ("@acme", "/health/tenants/acme"),
        ("@acme/shop", "/health/tenants/acme"),
        ("servers:unhealthy", "/health?state=unhealthy"),
        ("tenants:", "/health/tenants"),
        ("*", ""),
        ("", ""),
    ],
)
def test_what_is_named_leads_to_its_page(target: str, page: str) -> None:
    assert about(target) == page


def test_events_name_their_target_once() -> None:
    events = [
        EventView(NOW, "vps-4", "vps-4", Status.UNHEALTHY, "is unhealthy"),
        EventView(NOW, "vps-2", "vps-2", Status.HEALTHY, "vps-2 is healthy again"),
    ]
    words = text(events_panel(events))
    assert "unhealthy vps-4 is unhealthy" in words
    assert words.count("vps-2") == 1


@pytest.mark.parametrize("panel", [service_grid, alerts_panel, events_panel])
def test_an_empty_panel_says_so_and_what_comes(panel: Any) -> None:
    (empty,) = classed(panel([]), "empty")
    assert len(text(empty).split(". ")) >= 2


def test_where_there_is_no_server_the_page_says_what_to_do_next() -> None:
    (add,) = having(vps_panel(False, may_add=True), "href")
    assert (add.href, text(add)) == ("/health/vps?add=1", "Add a server")
    refused = vps_panel(False, may_add=False)
    assert not having(refused, "href")
    assert "super_admin" in text(refused)
    assert not classed(vps_panel(True), "empty")


def redrawn(view: Overview, before: Any) -> set[str]:
    """The parts of the overview that a browser is sent anew."""
    *parts, _ = overview.LIVE.redraw(Page(view), 0.0, before)
    return {
        name
        for name, part in zip(overview.SECTIONS, parts, strict=True)
        if part is not dash.no_update
    }


def test_only_what_changed_is_drawn_again() -> None:
    before = overview.LIVE.drawn(Page(VIEW), 0.0)
    assert redrawn(VIEW, before) == set()
    later = replace(VIEW, alerts=())
    assert redrawn(later, before) == {"alerts"}
    assert overview.LIVE.redraw(Page(later), 1.0, before)[-1]["age"] == before["age"] + 1


def test_response_times_are_drawn_twice_a_minute() -> None:
    row = VIEW.services[0]
    quicker = replace(row, instances=tuple(replace(i, response_ms=1.5) for i in row.instances))
    before = overview.LIVE.drawn(Page(VIEW), 0.0)
    view = replace(VIEW, services=(quicker, *VIEW.services[1:]))
    assert redrawn(view, before) == set()
    view = replace(view, updated_at=VIEW.updated_at + overview.RESPONSES_EVERY)
    assert "services" in redrawn(view, before)


@pytest.mark.parametrize("sent", [None, [], {}, {"digests": 3}, "x"])
def test_everything_is_drawn_for_a_browser_that_knows_nothing(sent: Any) -> None:
    assert redrawn(VIEW, sent) == {*overview.SECTIONS}


def test_the_page_has_the_promised_hooks() -> None:
    page = overview.page(Page(VIEW), NOW)
    hooks = {getattr(one, "data-testid") for one in having(page, "data-testid")}
    islands = " ".join(getattr(one, "data-html") for one in having(page, "data-html"))
    hooks |= set(re.findall('data-testid="([a-z-]+)"', islands))
    assert {"health-score", "service-grid", "vps-panel", "alerts-panel"} <= hooks
    assert text(next(walk(page.children[0]))) == "System Health"
    held = {one.id for one in having(page, "id") if isinstance(one.id, str)}
    assert {f"overview-{name}" for name in overview.SECTIONS} <= held


def test_the_frame_has_navigation_indicator_and_a_way_out() -> None:
    frame = shell([Entry("Overview", "/health", "overview")], html.Div(), EXTENT, "ada")
    (live,) = having(frame, "data-testid", "live-indicator")
    assert text(live) == "Connecting…"
    (form,) = having(frame, "action", "/logout")
    assert form.method == "POST"
    assert [one.href for one in having(frame, "active")] == ["/health"]
    assert having(frame, "href", "#content")
    assert "2 servers · 2 services 30 tenants · every 30 s" in text(counts(EXTENT))


def test_the_bell_is_hidden_until_the_browser_has_its_part() -> None:
    frame = shell([], html.Div(), EXTENT, "ada")
    (button,) = having(frame, "data-testid", "bell")
    (panel,) = having(frame, "data-testid", "bell-panel")
    (around,) = having(frame, "id", "bell")
    assert getattr(button, "aria-controls") == panel.id
    assert getattr(button, "aria-expanded") == "false"
    assert around.hidden
    assert panel.hidden
    for words in ("Messages", "Mark all as read", "No messages yet.", "Also show on this computer"):
        assert words in text(panel)


def test_who_is_told_nothing_has_no_bell() -> None:
    frame = shell([], html.Div(), EXTENT, "portal", told=False)
    assert not having(frame, "id", "bell")
    assert having(frame, "action", "/logout")


@pytest.mark.parametrize(
    ("course", "stretches"),
    [
        ((1.0, 2.0, 3.0), [3]),
        ((1.0, None, 3.0, 4.0), [1, 2]),
        ((None, None), []),
        ((), []),
    ],
)
def test_a_gap_in_a_course_is_a_gap(course: Sequence[float | None], stretches: list[int]) -> None:
    assert [len(part) for part in parts(course)] == stretches
    assert len(classed(spark(course), "line")) == len(stretches)


def test_a_course_keeps_its_peaks_and_its_scale() -> None:
    course: list[float | None] = [10.0] * 200
    course[77] = 99.0
    few = thinned(course, 40)
    assert len(few) <= 40
    assert max(value for value in few if value is not None) == 99.0
    ((low, high),) = parts([0.0, 100.0], Box(100, 20))
    assert (low[0], high[0]) == (0.0, 100.0)
    assert low[1] > 18 > 2 > high[1]


def test_a_line_is_a_thin_closed_outline() -> None:
    outline = polygon([(0.0, 10.0), (50.0, 10.0), (100.0, 10.0)], Box(100, 20))
    assert outline == "polygon(0% 46.2%,50% 46.2%,100% 46.2%,100% 53.8%,50% 53.8%,0% 53.8%)"


def test_what_failed_is_told_with_its_reference() -> None:
    assert "req-42" in text(states.failure("req-42"))
    assert "None" not in text(states.failure(None))
    assert text(states.refused("the alert is already resolved")) == "The alert is already resolved."


@pytest.mark.parametrize(
    ("value", "said"),
    [(4.0, "\u22124.0"), (0.06, "\u22120.1"), (0.04, "<\u00a00.1"), (18.46, "\u221218.5")],
)
def test_a_deduction_is_never_said_to_be_nothing(value: float, said: str) -> None:
    assert points(value) == said
