"""Charts of counts: bars, and a map of the hours of a week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dash import html
from dash.development.base_component import Component

from components.charts import COLOURS, Figure, html_free, uid

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
#: Shades of a map: a count is shown by one of so many.
SHADES = 5


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of ``values`` (None: no bar) under ``labels``. ``stacks`` are further values that stand
    on the first, each with its name; ``lying``: labels to the left, for long ones. ``dated``:
    labels are seconds since the epoch. ``key`` of each bar is what a click on it tells
    (``clickData["points"][0]["customdata"]``)."""

    labels: Sequence[str] | Sequence[float]
    values: Sequence[float | None]
    name: str = ""
    unit: str = ""
    colour: str = COLOURS[0]
    stacks: Sequence[tuple[str, Sequence[float | None], str]] = field(default_factory=tuple)
    lying: bool = False
    dated: bool = False
    key: Sequence[str] = ()


def bars(chart: Bars) -> Figure:
    """The bars as a plotly figure, for ``components.charts.graph``."""
    series = [(chart.name, chart.values, chart.colour), *chart.stacks]
    value = {
        "gridcolor": "var(--line)", "zeroline": False, "nticks": 5, "fixedrange": True,
        "rangemode": "tozero", "tickformat": ".4~g", "automargin": True,
        "ticksuffix": f"\u00a0{chart.unit}" if chart.unit else "",
    }  # fmt: skip
    label = {
        "gridcolor": "rgba(0,0,0,0)", "linecolor": "var(--line-strong)", "fixedrange": True,
        "type": "date" if chart.dated else "category", "tickangle": 0, "automargin": True,
        **({"autorange": "reversed"} if chart.lying else {}),
    }  # fmt: skip
    return {
        "data": [_trace(chart, *one) for one in series],
        "layout": {
            "barmode": "stack", "bargap": 0.28, "dragmode": False, "uirevision": "kept",
            "margin": {"l": 44, "r": 8, "t": 8, "b": 36},
            "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"color": "var(--ink-3)", "size": 11, "family": "var(--font)"},
            "hovermode": "closest",
            "hoverlabel": {
                "bgcolor": "var(--surface)", "bordercolor": "var(--line-strong)",
                "font": {"color": "var(--ink)", "size": 12},
            },
            "showlegend": len(series) > 1,
            "legend": {
                "orientation": "h", "x": 0, "y": -0.14, "yanchor": "top",
                "font": {"color": "var(--ink-2)", "size": 12},
            },
            "xaxis": value if chart.lying else label,
            "yaxis": label if chart.lying else value,
        },
    }  # fmt: skip


def heatmap(
    counts: Sequence[Sequence[float]],
    label: str,
    noun: str = "alert",
    rows: Sequence[str] = DAYS,
) -> Component:
    """A table of ``counts`` by row (Monday first) and hour of the day (0 to 23), the darker the
    more. ``label`` says what it shows."""
    most = max((n for row in counts for n in row), default=0)
    head = html.Tr(
        [html.Td(), *(html.Th(hour if hour % 3 == 0 else "", scope="col") for hour in range(24))]
    )
    body = [
        html.Tr([html.Th(name, scope="row"), *(_cell(n, most, name, h, noun) for h, n in cells)])
        for name, cells in zip(rows, map(enumerate, counts), strict=True)
    ]
    table = html.Table([html.Thead(head), html.Tbody(body)], **{"aria-label": label})
    return html.Div(table, className="heat", tabIndex=0, role="group", **{"aria-label": label})


def _cell(number: float, most: float, row: str, hour: int, noun: str) -> Component:
    shade = 0 if number <= 0 else max(1, min(SHADES, -int(-SHADES * number // most)))
    words = f"{row} {hour:02}:00\u2013{hour + 1:02}:00: {number:.4g} {noun}"
    title = words if number == 1 else f"{words}s"
    seen = html.Span(f"{number:.4g}", className="visually-hidden")
    return html.Td(seen, className=f"shade-{shade}", title=title)


def _trace(chart: Bars, name: str, values: Sequence[float | None], colour: str) -> dict[str, Any]:
    labels = [round(at * 1000) if isinstance(at, int | float) else at for at in chart.labels]
    along, up = ("y", "x") if chart.lying else ("x", "y")
    suffix = f"\u00a0{chart.unit}" if chart.unit else ""
    named = f"{html_free(name)}: " if name else ""
    return {
        "type": "bar", "name": name, "uid": uid(name), along: labels, up: list(values),
        "orientation": "h" if chart.lying else "v",
        "marker": {"color": colour, "line": {"width": 0}, "cornerradius": 3},
        "customdata": list(chart.key) or None,
        "hovertemplate": f"%{{{along}}}<br>{named}%{{{up}:.4~g}}{suffix}<extra></extra>",
    }  # fmt: skip
