"""What stands around every page: the count of alerts, the search, the keyboard's help."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from dash import html
from dash.development.base_component import Component

from components.help import KEYS, help_dialog
from components.palette import palette
from components.shell import ALERTS, LIVE, Entry, alerts_badge, shell
from services.health.score import Score
from services.observation import Status
from services.views.model import AlertView, Overview

ENTRIES = [Entry("Overview", "/health", "overview"), Entry("Alerts", ALERTS, "alerts")]


def alert(severity: str) -> AlertView:
    return AlertView(
        id=severity, severity=severity, status="active", title="down", message="", target="vps-1",
        triggered_at=0.0, acknowledged_at=None, acknowledged_by=None, impact=(), told="",
    )  # fmt: skip


def view(*severities: str, active: int | None = None) -> Overview:
    return Overview(
        headline="", told="", status=Status.HEALTHY, score=Score(100.0, "excellent", ()),
        uptime_s=0.0, updated_at=0.0, services=(), vps=(),
        alerts=tuple(alert(one) for one in severities), events=(), tenants=0, interval=30.0,
        active=len(severities) if active is None else active,
    )  # fmt: skip


def walk(node: Any) -> Iterator[Component]:
    if isinstance(node, Component):
        yield node
        children = getattr(node, "children", None)
        for child in children if isinstance(children, list | tuple) else [children]:
            yield from walk(child)


def text(node: Any) -> str:
    if isinstance(node, Component):
        children = getattr(node, "children", None)
        return "".join(map(text, children if isinstance(children, list | tuple) else [children]))
    return "" if node is None else str(node)


def has(node: Component, name: str) -> Any:
    return getattr(node, name)


def one(root: Component, name: str, value: str) -> Component:
    (found,) = (node for node in walk(root) if getattr(node, name, None) == value)
    return found


@pytest.mark.parametrize(
    ("shown", "active", "number", "tone"),
    [
        (("warning",), 1, "1", "degraded"),
        (("warning", "critical", "info"), 3, "3", "unhealthy"),
        (("critical",), 250, "99+", "unhealthy"),
        (("info",), 1, "1", "info"),
    ],
)
def test_the_badge_counts_and_has_the_colour_of_the_worst(
    shown: tuple[str, ...], active: int, number: str, tone: str
) -> None:
    badge = alerts_badge(view(*shown, active=active))
    assert text(badge) == f"{number} active"
    assert f"is-{tone}" in has(badge, "className")
    assert has(badge, "data-alerts") == str(active)
    assert not has(badge, "hidden")


def test_without_alerts_there_is_no_badge_but_the_count() -> None:
    badge = alerts_badge(view())
    assert has(badge, "hidden")
    assert (has(badge, "data-alerts"), has(badge, "data-severity")) == ("0", "")


@pytest.mark.parametrize("entries", [ENTRIES, ENTRIES[:1], []])
def test_every_part_that_is_drawn_anew_has_its_place_once(entries: list[Entry]) -> None:
    frame = shell(entries, html.Div(), view("critical"), "ada")
    for name in LIVE.sections:
        one(frame, "id", LIVE.place(name))


def test_the_badge_stands_with_the_alerts() -> None:
    frame = shell(ENTRIES, html.Div(), view("critical"), "ada")
    (link,) = (node for node in walk(frame) if getattr(node, "href", None) == ALERTS)
    assert text(link) == "Alerts1 active"
    assert has(link, "active") == "partial", "also on the pages below it"


def test_the_search_says_by_which_keys_it_opens() -> None:
    frame = shell(ENTRIES, html.Div(), view(), "ada")
    button = one(frame, "data-testid", "search")
    assert text(button) == "SearchCtrl K"
    assert has(button, "aria-keyshortcuts") == "Control+K Meta+K"
    assert has(one(palette(), "data-testid", "palette"), "id") == "palette"


def test_the_help_lists_every_key() -> None:
    said = text(help_dialog())
    for _, keys in KEYS:
        for pressed, does in keys:
            assert " then ".join(pressed) + does in said


def test_the_offer_to_reload_waits() -> None:
    offer = one(shell(ENTRIES, html.Div(), view(), "ada"), "id", "newer")
    assert has(offer, "hidden")
    assert "Reload" in text(offer)
