"""Figures as plotly gets them, and what a page believes of a zoom that a browser sends."""

from __future__ import annotations

import json
import math

import pytest

from components import charts
from components.bars import Bars, bars, heatmap
from components.charts import Band, Chart, Line, Mark


def drawn(chart: Chart) -> charts.Figure:
    return charts.figure(chart)


def test_a_gap_stays_a_gap():
    (trace,) = drawn(Chart([Line("a", [1, 2, 3], [1.0, None, 3.0])]))["data"]
    assert trace["x"] == [1000, 2000, 3000]
    assert trace["y"] == [1.0, None, 3.0]
    assert trace["connectgaps"] is False


@pytest.mark.parametrize(
    ("unit", "hover", "suffix"),
    [
        ("%", "%{y:.4~g}\u00a0%", "\u00a0%"),
        ("bytes/s", "%{y:.3~s}B/s", "B/s"),
        ("", "%{y:.4~g}", ""),
    ],
)
def test_values_have_their_unit_at_the_scale_and_under_the_pointer(unit, hover, suffix):
    figure = drawn(Chart([Line("a", [1], [1.0])], unit=unit))
    assert figure["data"][0]["hovertemplate"] == hover
    assert figure["layout"]["yaxis"]["ticksuffix"] == suffix


def test_a_series_is_the_same_from_drawing_to_drawing_and_another_is_not():
    first, again, other = (
        drawn(Chart([Line(label, [1], [1.0])]))["data"][0]["uid"]
        for label in ("Server 1", "Server 1", "Server 2")
    )
    assert first == again != other
    assert first.isalnum()  # plotly makes a selector of it


def test_words_of_a_mark_are_no_markup_and_a_lasting_one_is_a_range():
    layout = drawn(Chart([], marks=[Mark(1, "<b>x</b>"), Mark(2, "y", until=5)]))["layout"]
    assert [note["text"] for note in layout["annotations"]] == ["&lt;b&gt;x&lt;/b&gt;", "y"]
    assert [shape["type"] for shape in layout["shapes"]] == ["line", "rect"]
    assert layout["shapes"][1]["x1"] == 5000


def test_the_scale_reaches_the_values_and_the_least_that_was_asked_for():
    figure = drawn(Chart([Line("a", [1], [30.0])], top=100))
    assert figure["layout"]["yaxis"]["range"] == [0, pytest.approx(106)]


def test_a_band_is_filled_between_its_edges_and_has_no_hover():
    data = drawn(Chart([], band=Band([1, 2], [1, 1], [3, 3])))["data"]
    assert [trace["hoverinfo"] for trace in data] == ["skip", "skip"]
    assert data[1]["fill"] == "tonexty"


@pytest.mark.parametrize(
    "sent",
    [None, {}, [], "x", 5, {"start": 5}, {"start": 9, "end": 5}, {"start": "1", "end": "2"},
     {"start": True, "end": 5}, {"start": -5, "end": 5}, {"start": 1, "end": math.inf},
     {"start": math.nan, "end": 5}, {"start": 1, "end": 1e15}],
)  # fmt: skip
def test_what_is_no_range_is_no_zoom(sent):
    assert charts.zoomed(sent) is None


def test_a_zoom_is_a_range_in_seconds():
    assert charts.zoomed({"start": 5, "end": 9.5}) == (5.0, 9.5)


def test_charts_of_a_group_name_it_and_one_alone_is_its_own():
    together = charts.graph("a", None, "a", group="vps").to_plotly_json()["props"]
    alone = charts.graph("b", None, "b").to_plotly_json()["props"]
    assert together["data-group"] == "vps"
    assert alone["data-group"] == "only b"


def test_bars_stand_on_each_other_and_lie_for_long_labels():
    chart = Bars(["a", "b"], [1, 2], "first", stacks=[("second", [3, None], "var(--s2)")])
    figure = bars(chart)
    assert [trace["y"] for trace in figure["data"]] == [[1, 2], [3, None]]
    assert figure["layout"]["barmode"] == "stack"
    lying = bars(Bars(["a"], [1], lying=True, key=["x"]))["data"][0]
    assert (lying["orientation"], lying["x"], lying["customdata"]) == ("h", [1], ["x"])
    json.dumps(figure)


def test_a_map_of_hours_says_each_count_and_is_darkest_where_there_is_most():
    counts = [[0] * 24 for _ in range(7)]
    counts[0][9], counts[6][23] = 10, 1
    text = str(heatmap(counts, "Alerts by hour"))
    assert "Mon 09:00\u201310:00: 10 alerts" in text
    assert "Sun 23:00\u201324:00: 1 alert'" in text
    assert text.count("className='shade-5'") == 1
    assert text.count("className='shade-1'") == 1
