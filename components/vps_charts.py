"""The charts of a server: a panel for each resource, with one crosshair and one zoom for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.charts import COLOURS, DASHES, Chart, Figure, Line, Mark, figure, graph, zoom
from components.marks import DASH, NBSP, percent, rates, response
from services.views.vps_courses import MOST_LINES, PANELS, RANGES, NoteMark, Panel, Window
from services.views.vps_page import VpsPage

GROUP = "vps"
#: What DASHES look like in a legend.
BORDERS = ("solid", "dashed", "dotted", "dashed")
HEIGHT = 190
#: The share of a chart's width from which on a gap has room for words.
ROOM = 0.05
NOTES = {
    "deployment": "var(--accent)",
    "incident": "var(--unhealthy-bar)",
    "maintenance": "var(--unknown)",
    "note": "var(--ink-3)",
}
WORDS = {"1h": "1 h", "6h": "6 h", "24h": "24 h", "7d": "7 d", "30d": "30 d"}

#: A figure for each panel, by its name.
Figures = Mapping[str, Figure]


def chart_name(panel: str) -> str:
    return f"vps-{panel}"


def figures(panels: Sequence[Panel], notes: Sequence[NoteMark], shown: Window) -> dict[str, Figure]:
    """The charts of what is ``shown``."""
    return {panel.name: _figure(panel, notes, shown) for panel in panels}


def _figure(panel: Panel, notes: Sequence[NoteMark], shown: Window) -> Figure:
    room = (shown.end - shown.start) * ROOM
    marks = [
        Mark(a, "no data" if b - a > room else "", b, "var(--unknown-bar)") for a, b in panel.gaps
    ]
    marks += [
        Mark(one.at, one.text if panel.name == "cpu" else "", one.until, NOTES[one.kind])
        for one in notes
    ]
    lines = [
        Line(c.label, c.times, c.values, COLOURS[c.place], DASHES[c.place % len(DASHES)])
        for c in panel.lines
    ]
    return figure(
        Chart(
            lines,
            unit=panel.unit,
            start=shown.start,
            end=shown.end,
            limit=None if panel.limit is None else (panel.limit, f"{panel.limit:g} %"),
            marks=marks,
            top=100.0 if panel.unit == "%" else None,
        )
    )


def resource_charts(
    view: VpsPage, drawn: Figures, range_: str, heads: Mapping[str, Component]
) -> Component:
    """A panel for each resource; of a server that is not measured the response times alone.
    ``heads`` holds the panels' heads as ``head-<panel>``."""
    options = [{"label": WORDS[name], "value": name} for name in RANGES]
    control = html.Span(
        dbc.RadioItems(id="vps-range", options=options, value=range_, inline=True,
                       inputClassName="btn-check", labelClassName="segment-part",
                       className="segment"),
        role="radiogroup", **{"aria-label": "Range of the charts", "data-unzoom": GROUP},
    )  # fmt: skip
    tools = html.Div(
        [html.H2("Resources", id="vps-charts-title"), zoom(GROUP), control], className="head"
    )
    panels = [_panel(view, name, drawn.get(name), heads[f"head-{name}"]) for name in PANELS]
    return html.Section(
        [
            tools,
            html.Div(panels, className="panels"),
            dcc.Store(id="vps-drawn"),
        ],
        **{"aria-labelledby": "vps-charts-title", "data-testid": "resource-charts"},
    )


def _panel(view: VpsPage, name: str, drawn: Figure | None, head: Component) -> Component:
    label = PANELS[name][0]
    shown = view.card.measured if name != "response" else bool(view.services)
    return html.Div(
        [
            head,
            graph(chart_name(name), drawn, f"{label} of {view.card.name} over time", HEIGHT, GROUP),
        ],
        className="card panel",
        hidden=not shown,
        **{"data-panel": name},
    )


def panel_head(view: VpsPage, name: str) -> Component:
    """What a panel shows, its lines and its value now."""
    label, metrics = PANELS[name]
    lines = [words for _, words in metrics] if metrics else _answering(view)
    legend = [_key(words, place) for words, place in _placed(lines)] if len(lines) > 1 else []
    value, hot = _now(view, name)
    return html.Div(
        [
            html.H3(label),
            html.Span(legend, className="keys"),
            html.B(value, className="is-hot" if hot else None),
        ],
        className="panel-head",
    )


def _answering(view: VpsPage) -> list[str]:
    return [line.instance.name for line in view.services]


def _placed(lines: Sequence[str]) -> list[tuple[str, int]]:
    return [(words, place) for place, words in enumerate(lines[:MOST_LINES])]


def _key(words: str, place: int) -> Component:
    """A line's name beside how it is drawn."""
    style = {"borderTopColor": COLOURS[place], "borderTopStyle": BORDERS[place % len(BORDERS)]}
    return html.Span([html.I(style=style, **{"aria-hidden": "true"}), words], className="key")


def _now(view: VpsPage, name: str) -> tuple[str, bool]:
    """A panel's value now, and whether it is past its limit."""
    card = view.card
    gauge = {"cpu": card.cpu, "memory": card.memory, "disk": card.disk}.get(name)
    if gauge is not None:
        return percent(gauge.percent), gauge.hot
    if name == "load":
        return (DASH if card.load is None else f"{card.load:.2f}"), False
    if name == "network" and (card.network_in is not None or card.network_out is not None):
        (received, sent), unit = rates(card.network_in, card.network_out)
        return f"{received} / {sent}{NBSP}{unit}", False
    took = [s.instance.response_ms for s in view.services if s.instance.response_ms is not None]
    return (response(max(took)) if name == "response" and took else DASH), False
