"""The metrics page: what an address means, which charts that makes, and what their figures say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from components import metrics_page
from components.metrics_page import LIVE, Shown, plots, written
from services.errors import ValidationError
from services.views.metrics_asked import Selection
from services.views.metrics_notes import new_note
from services.views.metrics_page import (
    Choices,
    Course,
    MetricsView,
    Noted,
    figures,
    with_gaps,
)

NOW = 1_763_894_400.0
CPU = Course("cpu", "CPU", "%", "One", (1.0, 2.0, 3.0), (10.0, None, 30.0), 5.0, 40.0)
VIEW = MetricsView(
    Selection(), NOW - 3600, NOW, (CPU,), 1, ("vps-1",), (),
    Choices((("cpu", "CPU (%)"),), (("vps-1", "One"),), (), whole=True), ("cpu",),
)  # fmt: skip


def view(**changes: Any) -> Shown:
    return Shown(replace(VIEW, **changes))


def test_an_address_says_the_whole_view():
    asked = Selection.of(
        {"metric": "cpu,memory", "vps": "a,b", "tenant": "x", "from": "now-7d", "to": "now",
         "layout": "small", "compare": "1d", "marks": "alert,note", "band": "0", "paused": "1"}
    )  # fmt: skip
    assert asked == Selection(
        ("cpu", "memory"), ("a", "b"), ("x",), "now-7d", "now", None, "small", "1d",
        ("alert", "note"), False, True,
    )  # fmt: skip
    assert Selection.of(asked.to_json()) == asked
    assert Selection.of({"unknown": "1"}) == Selection()


def test_a_range_is_relative_or_absolute():
    assert Selection(start="now-6h").range(NOW) == (NOW - 21600, NOW)
    fixed = Selection(start="2025-11-20T10:00:00Z", end="2025-11-20T11:00:00Z")
    assert fixed.range(NOW)[1] - fixed.range(NOW)[0] == 3600
    assert (Selection().rolling, fixed.rolling) == (True, False)
    zoomed = Selection().zoomed((5.0, 9.0))
    assert (zoomed.range(NOW), zoomed.rolling) == ((5.0, 9.0), False)


@pytest.mark.parametrize(
    "given",
    [
        {"layout": "round"},
        {"compare": "3d"},
        {"marks": "x"},
        {"metric": ",".join("abcdefghijklm")},
    ],
)
def test_what_cannot_be_meant_is_refused(given):
    with pytest.raises(ValidationError):
        Selection.of(given)


@pytest.mark.parametrize(
    ("start", "end"), [("now", "now-1h"), ("yesterday", "now"), ("now-1h", "now-1y"), ("1", "2")]
)
def test_a_range_that_is_none_is_refused(start, end):
    with pytest.raises(ValidationError):
        Selection(start=start, end=end).range(NOW)


def test_kinds_that_a_browser_should_not_send_are_as_usual():
    assert Selection.of({"metric": 5, "vps": {"a": 1}, "from": [], "layout": None}) == Selection()


def test_a_longer_silence_than_usual_is_a_gap():
    times, values = with_gaps([0, 10, 20, 60, 70], [1, 2, 3, 4, 5])
    assert values == [1, 2, 3, None, 4, 5]
    assert times[3] == 30


def test_figures_of_a_course():
    found = figures(CPU)
    assert found is not None
    assert (found.low, found.mean, found.p95, found.high, found.last) == (5, 20, 30, 40, 30)
    assert figures(replace(CPU, times=(), values=())) is None


def test_one_chart_for_each_unit_or_for_each_course():
    memory = replace(CPU, metric="memory", label="Memory")
    speed = replace(CPU, metric="responseTime", label="Response time", unit="ms")
    shown = view(courses=(CPU, memory, speed))
    assert [(p.title, p.unit) for p in plots(shown.view)] == [
        ("CPU, Memory", "%"), ("Response time", "ms"),
    ]  # fmt: skip
    small = view(courses=(CPU, memory), selection=Selection(layout="small"))
    assert [p.title for p in plots(small.view)] == ["One · CPU", "One · Memory"]


def test_what_is_compared_with_lies_dashed_beside_its_course():
    before = replace(CPU, shift=86400)
    (plot,) = plots(view(courses=(CPU, before)).view)
    lines = [line for _, line in plot.courses]
    assert [line.label for line in lines] == ["One", "One, yesterday"]
    assert [line.dash for line in lines] == ["solid", "dash"]
    assert lines[0].colour == lines[1].colour


def test_more_series_than_are_drawn_is_said_plainly():
    text = str(LIVE.held(view(series=60, courses=(CPU,) * 24))["notice"])
    assert "60 series" in text
    assert "first 24" in text
    assert "series" not in str(LIVE.held(view())["notice"])


def test_only_what_the_caller_may_take_away_has_a_button():
    noted = (Noted(NOW - 60, None, "note", "ours", "", "id-1"), Noted(NOW, None, "alert", "CPU"))
    text = str(LIVE.held(view(noted=noted))["noted"])
    assert text.count("metrics-note-delete") == 1
    assert "id-1" in text


def test_limited_callers_note_things_of_their_tenants():
    choices = Choices((), (("vps-1", "One"),), (("acme", "ACME"),), whole=False)
    text = str(metrics_page.page(view(choices=choices), 0, 30))
    assert "'tenant:acme'" in text
    assert "'vps:vps-1'" not in text
    assert "'everything'" not in text


def test_exports_are_of_the_same_selection_and_range():
    shown = view(selection=Selection(start="now-7d"), vps=("a", "b"))
    text = str(LIVE.held(shown)["export"])
    assert "format=csv&metric=cpu&vpsId=a%2Cb&from=now-7d&to=now" in text
    zoomed = str(LIVE.held(view(selection=Selection().zoomed((1.0, 2.0)), start=1.0, end=2.0)))
    assert "from=1970-01-01T00%3A00%3A01.000Z" in zoomed
    assert "export?" not in str(LIVE.held(view(exported=()))["export"])


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(12.345, "%", "12.3 %"), (2_500_000, "bytes/s", "2.5 MB/s"), (12, "bytes/s", "12 B/s"),
     (99.5, "% healthy", "99.5 %"), (1234.5, "ms", "1,234 ms"), (0.5, "", "0.50")],
)  # fmt: skip
def test_values_are_written_with_their_units(value, unit, text):
    assert written(value, unit).replace("\u00a0", " ") == text


GOOD = {"at": NOW, "text": " backend 4.2 ", "kind": "deployment", "about": "everything"}


def test_a_note_from_the_form():
    note = new_note(GOOD)
    assert (note.at, note.text, note.kind, note.vps_id, note.tenant_id) == (
        NOW, "backend 4.2", "deployment", None, None,
    )  # fmt: skip
    assert new_note({**GOOD, "about": "vps:vps-1"}).vps_id == "vps-1"
    assert new_note({**GOOD, "about": "tenant:acme"}).tenant_id == "acme"


@pytest.mark.parametrize(
    "wrong",
    [{"at": None}, {"at": True}, {"at": -1}, {"at": 1e300}, {"text": " "}, {"text": 5},
     {"text": "x" * 2001}, {"kind": "alert"}, {"kind": ["note"]}],
)  # fmt: skip
def test_a_note_that_says_nothing_is_refused(wrong):
    with pytest.raises(ValidationError):
        new_note({**GOOD, **wrong})


def test_figures_go_over_the_wire():
    noted = (Noted(NOW - 9e9, NOW, "maintenance", "work"),)
    for figure in metrics_page.drawn_figures(view(noted=noted)).values():
        assert json.loads(json.dumps(figure))["layout"]["shapes"][0]["x0"] == (NOW - 3600) * 1000
