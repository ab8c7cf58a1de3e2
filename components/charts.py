"""Charts as plotly takes them. Colours are names of tokens and times are ms since the epoch: the
browser (assets/charts.js) puts in the theme's colours and its own clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

Figure = dict[str, Any]

#: The series' colours, in the order in which they are given.
COLOURS = tuple(f"var(--s{number})" for number in range(1, 7))
DASHES = ("solid", "dash", "dot", "dashdot")

#: The same for every chart. Nothing is sent anywhere.
CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "displayModeBar": False,
    "responsive": True,
    "scrollZoom": False,
    "doubleClick": False,
    "showTips": False,
    "modeBarButtonsToRemove": ["sendChartToCloud"],
}


@dataclass(frozen=True, slots=True)
class Line:
    """A series: ``times`` in seconds since the epoch, ``values`` (None: a gap), and for whose
    eyes ``colour`` is not enough its ``dash``."""

    label: str
    times: Sequence[float]
    values: Sequence[float | None]
    colour: str = COLOURS[0]
    dash: str = "solid"


@dataclass(frozen=True, slots=True)
class Band:
    """The usual range of a series."""

    times: Sequence[float]
    low: Sequence[float | None]
    high: Sequence[float | None]
    colour: str = COLOURS[0]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something noted at a time; ``until``: it lasted. ``kind`` names its colour."""

    at: float
    text: str
    until: float | None = None
    colour: str = "var(--ink-3)"


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart of values over time shows. ``unit`` stands at the scale; ``limit`` is a dashed
    line with its words; ``start`` and ``end`` (seconds since the epoch) are what the time axis
    spans, also where there is no data; ``top`` is the least that the scale reaches up to."""

    lines: Sequence[Line]
    unit: str = ""
    start: float | None = None
    end: float | None = None
    limit: tuple[float, str] | None = None
    band: Band | None = None
    marks: Sequence[Mark] = field(default_factory=tuple)
    top: float | None = None
    legend: bool = False


def figure(chart: Chart) -> Figure:
    """The chart as a plotly figure."""
    traces = [*(_band(chart.band) if chart.band else ()), *map(_line, chart.lines)]
    shapes, notes = _marks(chart.marks)
    if chart.limit:
        value, words = chart.limit
        shapes.append(
            {
                "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value,
                "line": {"color": "var(--degraded-bar)", "width": 1, "dash": "dash"},
            }
        )  # fmt: skip
        notes.append(
            {
                "xref": "paper", "x": 1, "y": value, "text": words, "showarrow": False,
                "xanchor": "right", "yanchor": "bottom",
                "font": {"size": 11, "color": "var(--degraded)"},
            }
        )  # fmt: skip
    span = [_ms(t) for t in (chart.start, chart.end) if t is not None]
    known = [v for line in chart.lines for v in line.values if v is not None]
    reach = max([chart.top or 0.0, *known, *((chart.limit[0] * 1.1,) if chart.limit else ())])
    low = min([0.0, *known])
    return {
        "data": traces,
        "layout": {
            "margin": {"l": 44, "r": 8, "t": 8, "b": 36},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"color": "var(--ink-3)", "size": 11, "family": "var(--font)"},
            "hovermode": "x unified",
            "hoverlabel": {
                "bgcolor": "var(--surface)", "bordercolor": "var(--line-strong)",
                "font": {"color": "var(--ink)", "size": 12},
            },
            "dragmode": "zoom",
            "showlegend": chart.legend,
            "legend": {"orientation": "h", "x": 0, "y": -0.12, "font": {"color": "var(--ink-2)"}},
            "xaxis": {
                "type": "date", "range": span if len(span) == 2 else None,
                "gridcolor": "rgba(0,0,0,0)", "linecolor": "var(--line-strong)",
                "showspikes": True, "spikemode": "across", "spikesnap": "cursor",
                "spikethickness": 1, "spikecolor": "var(--ink-3)", "spikedash": "solid",
                "nticks": 7,
            },
            "yaxis": {
                "range": [low, reach * 1.06 or 1], "fixedrange": True,
                "gridcolor": "var(--line)", "zeroline": False, "nticks": 5,
                "ticksuffix": f" {chart.unit}" if chart.unit else "",
                "automargin": True,
            },
            "shapes": shapes,
            "annotations": notes,
        },
    }  # fmt: skip


def graph(name: str, figure: Figure | None, label: str, height: int = 180) -> Component:
    """A place for a chart. Whoever wants to draw it anew writes another figure to ``data`` of
    ``chart_data(name)``. ``label`` is what it shows, for those who cannot see it; ``height`` px."""
    return html.Div(
        [
            dcc.Store(id=chart_data(name), data=figure),
            dcc.Graph(
                id={"type": "chart", "chart": name},
                config=CONFIG,
                responsive=True,
                style={"height": f"{height}px"},
            ),
        ],
        className="chart",
        role="img",
        **{"aria-label": label, "data-chart": name},
    )


def chart_data(name: str) -> dict[str, str]:
    """The id of the store that holds a chart's figure."""
    return {"type": "chart-data", "chart": name}


def _line(line: Line) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": line.label,
        "x": [_ms(t) for t in line.times],
        "y": list(line.values),
        "connectgaps": False,
        "line": {"color": line.colour, "width": 1.6, "dash": line.dash},
        "hovertemplate": "%{y:.4~g}",
    }


def _band(band: Band) -> list[dict[str, Any]]:
    edge = {
        "type": "scatter", "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip",
        "showlegend": False, "x": [_ms(t) for t in band.times],
    }  # fmt: skip
    return [
        {**edge, "y": list(band.low)},
        {
            **edge,
            "y": list(band.high),
            "fill": "tonexty",
            "fillcolor": f"color-mix(in srgb, {band.colour} 14%, transparent)",
        },
    ]


def _marks(marks: Sequence[Mark]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    shapes, notes = [], []
    for mark in marks:
        at = _ms(mark.at)
        common = {"yref": "paper", "y0": 0, "y1": 1, "layer": "below", "x0": at}
        if mark.until is None:
            line = {"color": mark.colour, "width": 1, "dash": "dot"}
            shapes.append({**common, "type": "line", "x1": at, "line": line})
        else:
            soft = f"color-mix(in srgb, {mark.colour} 12%, transparent)"
            shapes.append(
                {
                    **common,
                    "type": "rect",
                    "x1": _ms(mark.until),
                    "fillcolor": soft,
                    "line": {"width": 0},
                }
            )
        notes.append(
            {
                "x": at, "yref": "paper", "y": 1, "text": mark.text, "showarrow": False,
                "xanchor": "left", "yanchor": "top", "font": {"size": 11, "color": mark.colour},
            }
        )  # fmt: skip
    return shapes, notes


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
