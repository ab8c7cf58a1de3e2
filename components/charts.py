"""Charts as plotly takes them. Colours are names of tokens and times are ms since the epoch: the
browser (assets/charts.js) puts in the theme's colours and its own clock, finds room for the words
of marks, and lets charts of one group share their crosshair and their zoom."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

Figure = dict[str, Any]

#: The series' colours, in the order in which they are given.
COLOURS = tuple(f"var(--s{number})" for number in range(1, 7))
DASHES = ("solid", "dash", "dot", "dashdot")
#: How values of a unit are written at the scale (d3's formats) and what stands behind them. Large
#: ones are written with a prefix: 2.5 MB/s.
_UNITS = {"bytes/s": ("~s", "B/s"), "bytes": ("~s", "B")}

#: How the time axis is labelled, by the milliseconds between two labels; the second line stands
#: where it changes. Short, so that a narrow chart has room for more than one.
_TIMES = [
    {"dtickrange": [None, 60_000], "value": "%H:%M:%S\n%-d %b"},
    {"dtickrange": [60_000, 86_400_000], "value": "%H:%M\n%-d %b"},
    {"dtickrange": [86_400_000, "M1"], "value": "%-d %b\n%Y"},
    {"dtickrange": ["M1", None], "value": "%b\n%Y"},
]

#: The last moment that a range may have: the last day of a four-digit year.
_LAST = 253_402_214_400.0

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
    width: float = 1.6


@dataclass(frozen=True, slots=True)
class Band:
    """The usual range of a series."""

    times: Sequence[float]
    low: Sequence[float | None]
    high: Sequence[float | None]
    colour: str = COLOURS[0]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something noted at a time; ``until``: it lasted. ``text`` is cut where there is no room; the
    pointer on it shows all of it."""

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
    lines = [_line(line, chart.unit) for line in chart.lines]
    traces = [*(_band(chart.band) if chart.band else ()), *lines]
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
                "font": {"size": 11, "color": "var(--degraded)"}, "bgcolor": "var(--surface)",
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
            "uirevision": "kept",
            "hovermode": "x unified",
            "hoverlabel": {
                "bgcolor": "var(--surface)", "bordercolor": "var(--line-strong)",
                "font": {"color": "var(--ink)", "size": 12},
            },
            "dragmode": "zoom",
            "showlegend": chart.legend,
            "legend": {
                "orientation": "h", "x": 0, "y": -0.14, "yanchor": "top",
                "font": {"color": "var(--ink-2)", "size": 12},
            },
            "xaxis": {
                "type": "date", "range": span if len(span) == 2 else None,
                "gridcolor": "rgba(0,0,0,0)", "linecolor": "var(--line-strong)",
                "showspikes": True, "spikemode": "across", "spikesnap": "cursor",
                "spikethickness": 1, "spikecolor": "var(--ink-3)", "spikedash": "solid",
                "nticks": 7, "tickangle": 0, "tickformatstops": _TIMES,
                "hoverformat": "%a %-d %b, %H:%M:%S",
            },
            "yaxis": {
                "range": [low, reach * 1.06 or 1], "fixedrange": True,
                "gridcolor": "var(--line)", "zeroline": False, "nticks": 5,
                "tickformat": _scale(chart.unit), "ticksuffix": _suffix(chart.unit),
                "automargin": True, "ticklabelstandoff": 4,
            },
            "shapes": shapes,
            "annotations": notes,
        },
    }  # fmt: skip


def graph(
    name: str, figure: Figure | None, label: str, height: int = 180, group: str | None = None
) -> Component:
    """A place for a chart. Whoever wants to draw it anew writes another figure to ``data`` of
    ``chart_data(name)``. ``label`` is what it shows, for those who cannot see it; ``height`` px.
    Charts of one ``group`` show the time under the pointer together, and zoom together."""
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
        **{"aria-label": label, "data-chart": name, "data-group": group or f"only {name}"},
    )


def zoom(group: str) -> Component:
    """For pages that read finer points when somebody zooms: the store ``chart_zoom(group)`` and the
    button that steps back, which is there while the group is zoomed. Stands once on the page. A
    button with ``data-unzoom=<group>`` ends the zoom when it is pressed (presets of a range)."""
    back = html.Button(
        [html.I(className="icon icon-back", **{"aria-hidden": "true"}), "Step back"],
        type="button",
        hidden=True,
        className="chip step-back",
        title="To the range before the zoom (or double-click the chart)",
    )
    return html.Span(
        [dcc.Store(id=chart_zoom(group)), back], className="zoom", **{"data-zoom": group}
    )


def chart_zoom(group: str) -> dict[str, str]:
    """The id of the store that holds what somebody zoomed to: ``{"start": s, "end": s}`` in
    seconds since the epoch, ``{}`` for what the page shows by itself. Read it with ``zoomed``."""
    return {"type": "chart-zoom", "group": group}


def zoomed(sent: Any) -> tuple[float, float] | None:
    """The range of what a browser sent of a ``chart_zoom``; None where it is no range."""
    if not isinstance(sent, dict):
        return None
    ends = [sent.get("start"), sent.get("end")]
    numbers = [float(n) for n in ends if isinstance(n, int | float) and not isinstance(n, bool)]
    if len(numbers) != 2 or not all(map(math.isfinite, numbers)):
        return None
    start, end = numbers
    return (start, end) if 0 <= start < end <= _LAST else None


def chart_data(name: str) -> dict[str, str]:
    """The id of the store that holds a chart's figure."""
    return {"type": "chart-data", "chart": name}


def _scale(unit: str) -> str:
    return _UNITS.get(unit, (".4~g", ""))[0]


def _suffix(unit: str) -> str:
    words = _UNITS.get(unit, ("", unit))[1]
    return f"\u00a0{words}" if words and unit not in _UNITS else words


def _line(line: Line, unit: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": html_free(line.label),
        "x": [_ms(t) for t in line.times],
        "y": list(line.values),
        "connectgaps": False,
        "uid": uid(line.label),
        "line": {"color": line.colour, "width": line.width, "dash": line.dash},
        "hovertemplate": f"%{{y:{_hover(unit)}}}{_suffix(unit)}",
    }


def _hover(unit: str) -> str:
    return ".3~s" if unit in _UNITS else ".4~g"


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
                "name": "mark", "x": at, "yref": "paper", "y": 1, "showarrow": False,
                "text": html_free(mark.text), "hovertext": html_free(mark.text),
                "xanchor": "left", "yanchor": "bottom", "font": {"size": 11, "color": mark.colour},
            }
        )  # fmt: skip
    return shapes, notes


def uid(label: str) -> str:
    """What tells a series from the others from drawing to drawing; plotly makes a selector of
    it."""
    return f"s{zlib.crc32(label.encode()):x}"


def html_free(text: str) -> str:
    """Words as plotly shows them, which would take ``<b>`` for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
