"""What analytics say, and that each figure leads back to its alerts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from dash.development.base_component import Component

from components import analytics_tab
from components.marks import NBSP

TIMES = {"count": 2, "mean": 300.0, "median": 240.0, "p90": 600.0, "leftOut": {}, "definition": "."}
NONE = {"rows": [], "total": 0, "tested": 10}
NOISE = {
    "ruleId": "cpu", "ruleName": "CPU", "firings": 6, "alerts": 5, "told": 6, "messages": 12,
    "acknowledgedShare": 50.0, "resolved": 5, "falsePositiveShare": 40.0, "precision": 60.0,
    "falsePositives": {"marked": 1, "selfResolved": 1, "deployment": 0},
}  # fmt: skip


def told(**more: Any) -> dict[str, Any]:
    total = {"firings": 6, "alerts": 5, "told": 6, "acknowledged": 2, "open": 1}
    return {
        "timeZone": "UTC", "counted": "Counted so.",
        "totals": {**total, "before": {**total, "firings": 8, "told": 6}, "change": -25.0},
        "acknowledgement": {**TIMES, "before": {**TIMES, "median": 120.0}},
        "resolution": {**TIMES, "before": {**TIMES, "median": None}},
        "rules": {"rows": [NOISE], "total": 1},
        "falsePositives": {**NOISE, "definition": "."},
        "byTarget": {"rows": [{"target": "vps-1/api", "label": "api on One", "vpsId": "vps-1",
                               "firings": 6, "alerts": 5, "before": 0, "change": None}],
                     "total": 9},
        "flapping": NONE,
        "patterns": {"together": NONE, "precedes": NONE, "sameHour": NONE, "notes": [],
                     "method": "."},
        **more,
    }  # fmt: skip


SHAPE = {
    "days": [1_763_769_600.0, 1_763_856_000.0],
    "bySeverity": {"critical": [1, 2], "warning": [3, 0], "info": [0, 0]},
    "week": [[0] * 24 for _ in range(7)],
}


def parts(component: Any) -> Iterator[Component]:
    if isinstance(component, list | tuple):
        for one in component:
            yield from parts(one)
    elif isinstance(component, Component):
        yield component
        yield from parts(getattr(component, "children", None))


def words(component: Any) -> str:
    texts = (getattr(part, "children", None) for part in parts(component))
    found = (
        child
        for text in texts
        for child in (text if isinstance(text, list | tuple) else [text])
        if isinstance(child, str | int)
    )
    return " ".join(map(str, found)).replace(NBSP, " ")


def links(component: Any) -> dict[str, str]:
    return {words(one): str(getattr(one, "href", "")) for one in parts(component)
            if hasattr(one, "href")}  # fmt: skip


def drawn(**more: Any) -> Component:
    return analytics_tab.body(told(**more), SHAPE, {"range": "7d", "severity": "warning"})


def test_figures_stand_beside_those_before() -> None:
    said = words(drawn())
    assert "25 % fewer than before" in said
    assert "100 % slower than before" in said  # 4 min, and 2 before
    assert "none before" in said
    assert "MTTA 5 min, nine of ten within 10 min" in said
    assert "60 % were real" in said
    assert "and 8 more targets" in said


def test_everything_leads_back_to_a_list() -> None:
    found = links(drawn())
    history = "/health/alerts?tab=history&range=7d&severity=warning"
    assert found["CPU"] == f"{history}&rule=cpu"
    assert found["api on One"] == f"{history}&vps=vps-1&service=api"
    assert found["1 marked by hand"] == f"{history}&fp=1"
    assert found["suggest"] == "/health/alerts?tab=rules&rule=cpu"


def test_patterns_and_flapping_name_their_alerts() -> None:
    row = {
        "sentence": "A and B come together.",
        "first": {"ruleId": "a"},
        "second": {"ruleId": "b"},
    }
    together = {"rows": [row], "total": 1, "tested": 10}
    flap = {"ruleId": "cpu", "ruleName": "CPU", "target": "@acme/web", "label": "web of ACME",
            "firings": 4, "spells": 1, "medianGap": 600.0}  # fmt: skip
    page = drawn(
        patterns={"together": together, "precedes": NONE, "sameHour": NONE, "notes": [],
                  "method": "."},
        flapping={"rows": [flap], "total": 1},
    )  # fmt: skip
    said = words(page)
    assert "A and B come together." in said
    assert "4 alerts, one every 10 min, in 1 spell" in said
    hrefs = [str(getattr(one, "href", "")) for one in parts(page)]
    assert any("rule=a%2Cb" in href for href in hrefs)
    assert any("rule=cpu&tenant=acme&service=web" in href for href in hrefs)


def test_nothing_fired() -> None:
    nothing = {**told()["totals"], "firings": 0}
    assert "No alert fired in this time." in words(drawn(totals=nothing))


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [(5, 5, "as before"), (None, 5, ""), (6, 5, "20 % more than before"), (3, None, "none before")],
)
def test_directions(now: float | None, before: float | None, said: str) -> None:
    assert analytics_tab._than(now, before, "more", "fewer").replace(NBSP, " ") == said
