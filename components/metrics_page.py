"""The metrics page: courses as charts, their figures, and what was noted meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from components import charts, states
from components.charts import COLOURS, DASHES, Band, Chart, Line, Mark
from components.live import Live, Section, stale_after
from components.marks import DASH, NBSP, count, moment
from components.metrics_controls import GROUP, controls, export, note_form
from services.views.metrics_asked import MARKS
from services.views.metrics_page import MOST_SERIES, Course, MetricsView, Noted, figures

SHIFTS = {86400: "yesterday", 604800: "last week"}
TONES = {
    "deployment": "var(--accent)",
    "incident": "var(--unhealthy)",
    "alert": "var(--degraded)",
    "maintenance": "var(--unknown)",
    "note": "var(--ink-2)",
}
HEIGHTS = {"overlay": 340, "small": 170}


@dataclass(frozen=True, slots=True)
class Shown:
    """A view with the expected range of its only course."""

    view: MetricsView
    band: Band | None = None


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart of some courses of one unit; ``key`` names it on the page."""

    key: str
    title: str
    unit: str
    courses: tuple[tuple[Course, Line], ...]


def page(shown: Shown, age: float, interval: float) -> Component:
    """The whole page."""
    view = shown.view
    held = LIVE.held(shown)
    body = [
        dcc.Store(id="metrics-view", data=view.selection.to_json()),
        dcc.Store(id="metrics-note-at"),
        controls(view, held["export"]),
        held["notice"],
        html.Div(held["charts"], **{"data-testid": "metrics-chart"}),
        held["figures"],
        held["noted"],
        note_form(view.choices),
    ]
    return LIVE.frame("Metrics", body, shown, age, stale_after(interval))


def plots(view: MetricsView) -> list[Plot]:
    """The charts: one for each unit, or one for each course with what it is compared with."""
    now = [course for course in view.courses if not course.shift]
    metrics = list(dict.fromkeys(course.metric for course in now))
    groups: dict[str, list[Course]] = {}
    for place, course in enumerate(now):
        small = view.selection.layout == "small"
        groups.setdefault(f"small-{place}" if small else f"unit-{course.unit}", []).append(course)
    before = {(c.metric, c.of): c for c in view.courses if c.shift}
    found = []
    for key, courses in groups.items():
        labels = list(dict.fromkeys(course.label for course in courses))
        title = ", ".join(labels)
        if key.startswith("small"):
            title = f"{courses[0].of} · {title}" if len(metrics) > 1 else courses[0].of
        several = len(labels) > 1
        drawn = []
        for place, course in enumerate(courses):
            colour, dash = COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS) % 4]
            drawn.append((course, _line(course, several, colour, dash)))
            if other := before.get((course.metric, course.of)):
                behind = "var(--ink-3)" if key.startswith("small") else colour
                drawn.append((other, _line(other, several, behind, "dash")))
        found.append(Plot(key, title, courses[0].unit, tuple(drawn)))
    return found


def figure(shown: Shown, plot: Plot) -> charts.Figure:
    """A chart as plotly takes it."""
    view = shown.view
    small = plot.key.startswith("small")
    percent = plot.unit in ("%", "% healthy", "points")
    lines = [line for _, line in plot.courses]
    made = charts.figure(
        Chart(
            lines=lines,
            unit="%" if percent and plot.unit != "points" else plot.unit,
            start=view.start,
            end=view.end,
            band=shown.band,
            marks=[_mark(one, view.start, small) for one in view.noted],
            top=_top(lines, percent),
        )
    )
    # a click between two points notes something there, too
    made["layout"] |= {"clickanywhere": True, "hoveranywhere": True}
    return made


def drawn_figures(shown: Shown) -> dict[str, charts.Figure]:
    """The figures by the names of their charts."""
    return {_name(plot): figure(shown, plot) for plot in plots(shown.view)}


def structure(shown: Shown) -> object:
    """What the charts consist of, whatever they show: while it stays, figures are drawn anew."""
    return [(p.key, p.title, p.unit, [line.label for _, line in p.courses])
            for p in plots(shown.view)]  # fmt: skip


def _charts(shown: Shown) -> Component:
    cards = [_card(shown, plot) for plot in plots(shown.view)]
    if not cards:
        return states.empty("No server to show", "Add a server, or choose another metric.")
    return html.Div(cards, className=f"metrics-charts is-{shown.view.selection.layout}")


def _card(shown: Shown, plot: Plot) -> Component:
    legend = [
        html.Span([_swatch(line), line.label], className="legend-item")
        for _, line in plot.courses
        if len(plot.courses) > 1
    ]
    head = [html.H2([plot.title, html.Small(plot.unit)])]
    if legend and len(legend) <= MOST_SERIES and not plot.key.startswith("small"):
        head.append(html.Div(legend, className="legend", **{"aria-hidden": "true"}))
    label = f"{plot.title} of {count(len(plot.courses), 'series').removesuffix('s')}"
    height = HEIGHTS[shown.view.selection.layout]
    return html.Section(
        [
            html.Div(head, className="head"),
            charts.graph(_name(plot), figure(shown, plot), label, height, GROUP),
        ],
        className="card metric-card",
    )


def _name(plot: Plot) -> str:
    return f"metrics-{plot.key}"


def _line(course: Course, several: bool, colour: str, dash: str) -> Line:
    words = f"{course.of} · {course.label}" if several else course.of
    if course.shift:
        words = f"{words}, {SHIFTS[course.shift]}"
    return Line(words, course.times, course.values, colour, dash, 1.2 if course.shift else 1.7)


def _top(lines: Sequence[Line], percent: bool) -> float | None:
    """A share is seen whole where it is large; small ones would be a flat line."""
    most = max((v for line in lines for v in line.values if v is not None), default=0.0)
    return 100 / 1.06 if percent and most > 50 else None


def _mark(one: Noted, start: float, small: bool) -> Mark:
    at = max(one.at, start)
    return Mark(at, "" if small else one.text, one.until, TONES.get(one.kind, TONES["note"]))


def _notice(shown: Shown) -> Component:
    view = shown.view
    if view.series <= MOST_SERIES:
        return html.Div()
    words = (
        f"These would be {view.series} series. The first {len(view.courses)} are drawn; choose "
        "fewer servers, tenants or metrics to see the others."
    )
    return html.P(words, className="connection", role="status")


def _figures(shown: Shown) -> Component:
    """The table of statistics."""
    heads = ("Series", "Min", "Mean", "p95", "Max", "Last")
    rows = [_row(course, line) for plot in plots(shown.view) for course, line in plot.courses]
    table = html.Table(
        [
            html.Thead(html.Tr([html.Th(text, scope="col") for text in heads])),
            html.Tbody(rows),
        ],
        className="figures",
    )
    return html.Section(
        [html.Div(html.H2("Figures"), className="head"), html.Div(table, className="card scroll")],
        **{"aria-label": "Figures"},
    )


def _row(course: Course, line: Line) -> Component:
    found = figures(course)
    name = html.Th([_swatch(line), html.Span([line.label, html.Small(course.label)])], scope="row")
    if found is None:
        return html.Tr([name, html.Td("no data in this range", colSpan=5, className="aside")])
    values = (found.low, found.mean, found.p95, found.high, found.last)
    return html.Tr([name, *(html.Td(written(value, course.unit)) for value in values)])


def written(value: float, unit: str) -> str:
    """A value with its unit: ``12.4 %``, ``2.50 MB/s``."""
    if unit == "bytes/s":
        for size, name in ((1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s")):
            if abs(value) >= size:
                return f"{value / size:.3g}{NBSP}{name}"
        return f"{value:.0f}{NBSP}B/s"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}{NBSP}{'%' if unit == '% healthy' else unit}".rstrip(NBSP)


def _swatch(line: Line) -> Component:
    kind = "" if line.dash == "solid" else " is-dashed"
    return html.I(
        className=f"swatch{kind}", style={"--swatch": line.colour}, **{"aria-hidden": "true"}
    )


def _noted(shown: Shown) -> Component:
    found = sorted(shown.view.noted, key=lambda one: -one.at)
    if not found:
        hint = "Click a chart to note a deployment, or anything else that explains a curve."
        return html.P(hint, className="aside metrics-hint")
    items = [_note(one) for one in found]
    return html.Section(
        [
            html.Div([html.H2("Noted"), html.Span(str(len(items)), className="chip count")],
                     className="head"),
            html.Ul(items, className="card rows noted"),
        ],
        **{"aria-label": "Noted"},
    )  # fmt: skip


def _note(one: Noted) -> Component:
    ended: list[Any] = [f" {DASH} ", moment(one.until, "at")] if one.until else []
    take = html.Button(
        html.I(className="icon icon-trash", **{"aria-hidden": "true"}),
        type="button",
        id={"type": "metrics-note-delete", "note": one.id},
        className="chip icon-button",
        **{"aria-label": f"Delete note: {one.text[:60]}"},
    )
    kind = html.Span(
        [html.I(className="swatch", style={"--swatch": TONES[one.kind]}), MARKS[one.kind][:-1]
         if one.kind != "maintenance" else "Maintenance"],
        className="noted-kind",
    )  # fmt: skip
    return html.Li(
        [
            html.Span([moment(one.at, "at"), *ended], className="noted-when"),
            kind,
            html.Span([one.text, html.Small(one.about)], className="noted-text"),
            take if one.id else None,
        ]
    )


LIVE: Live[Shown] = Live(
    "metrics",
    {
        "notice": Section(lambda s: (s.view.series, len(s.view.courses)), _notice),
        "charts": Section(structure, _charts),
        "figures": Section(lambda s: s.view.courses, _figures),
        "noted": Section(lambda s: s.view.noted, _noted),
        "export": Section(lambda s: str(export(s.view)), lambda s: export(s.view)),
    },
)
