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
from services.views.model import Extent

ENTRIES = [Entry("Overview", "/health", "overview"), Entry("Alerts", ALERTS, "alerts")]


def extent(worst: str = "", active: int = 0) -> Extent:
    return Extent(servers=2, services=2, tenants=30, interval=30.0, active=active, worst=worst)


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
    ("worst", "active", "number", "tone"),
    [
        ("warning", 1, "1", "degraded"),
        ("critical", 3, "3", "unhealthy"),
        ("critical", 250, "99+", "unhealthy"),
        ("info", 1, "1", "info"),
    ],
)
def test_the_badge_counts_and_has_the_colour_of_the_worst(
    worst: str, active: int, number: str, tone: str
) -> None:
    badge = alerts_badge(extent(worst, active))
    assert text(badge) == f"{number} active"
    assert f"is-{tone}" in has(badge, "className")
    assert has(badge, "data-alerts") == str(active)
    assert not has(badge, "hidden")


def test_without_alerts_there_is_no_badge_but_the_count() -> None:
    badge = alerts_badge(extent())
    assert has(badge, "hidden")
    assert (has(badge, "data-alerts"), has(badge, "data-severity")) == ("0", "")


@pytest.mark.parametrize("entries", [ENTRIES, ENTRIES[:1], []])
def test_every_part_that_is_drawn_anew_has_its_place_once(entries: list[Entry]) -> None:
    frame = shell(entries, html.Div(), extent("critical", 1), "ada")
    for name in LIVE.sections:
        one(frame, "id", LIVE.place(name))


def test_the_badge_stands_with_the_alerts() -> None:
    frame = shell(ENTRIES, html.Div(), extent("critical", 1), "ada")
    (link,) = (node for node in walk(frame) if getattr(node, "href", None) == ALERTS)
    assert text(link) == "Alerts1 active"
    assert has(link, "active") == "partial", "also on the pages below it"


def test_the_search_says_by_which_keys_it_opens() -> None:
    frame = shell(ENTRIES, html.Div(), extent(), "ada")
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
    offer = one(shell(ENTRIES, html.Div(), extent(), "ada"), "id", "newer")
    assert has(offer, "hidden")
    assert "Reload" in text(offer)
