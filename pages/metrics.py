"""``/health/metrics``: the course of any metric, side by side."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import lru_cache
from typing import Any

import dash
from dash import ALL, ClientsideFunction, Input, Output, State, callback, clientside_callback, ctx
from dash.development.base_component import Component

from components import charts, metrics_page, states
from components.charts import Band
from components.metrics_controls import GROUP
from components.metrics_page import LIVE, Shown
from services import container
from services.alerts.anomaly import Detector
from services.history.stored import DAY, Retention
from services.identity import Scope
from services.times import iso
from services.views import metrics_notes
from services.views import metrics_page as views
from services.views.alert_lists import AlertFilter
from services.views.chosen import Asked
from services.views.history import Past, Question, history_body
from services.views.metrics_asked import Selection, moment
from services.views.metrics_page import MetricsView, Noted

dash.register_page(
    __name__,
    path="/health/metrics",
    name="Metrics",
    title="Metrics · Healthdeck",
    icon="metrics",
    order=4,
)

#: A detector has to have seen so much before the range to know what is usual.
LEARNED = 8 * DAY
BAND_POINTS = 2000
MOST_ALERTS = 100
#: The least seconds between two drawings of a range that moves on.
LEAST = 2.0


def layout(**asked: str) -> Component:
    selection = Selection.of(asked)
    if not selection.vps and not selection.tenants:
        # what is busiest changes from minute to minute; what is looked at does not
        view = container.current().read.overview(container.scope())
        selection = replace(selection, vps=views.busiest(view.vps))
    shown = _shown(selection, time.time())
    services = container.current()
    age = time.time() - services.read.updated_at(container.scope())
    return metrics_page.page(shown, age, services.settings.collect_interval)


@callback(
    *LIVE.outputs,
    Input("metrics-view", "data"),
    *LIVE.inputs,
    prevent_initial_call=True,
)
def refresh(sent: Any, _event: Any, acted: Any, before: Any) -> list[Any]:
    """Reads what is selected again; a range that stands still is left alone by the stream."""
    now, selection = time.time(), _selection(sent)
    age = now - container.current().read.updated_at(container.scope())
    # an event supersedes what was asked a moment ago: then it has to answer for that, too
    asked = [sent, acted]
    answered = _dict(before).get("asked", asked) == asked
    if _told_by_stream() and answered and not _due(selection, before, now):
        return [*[dash.no_update] * len(LIVE.sections), {**_dict(before), "age": age}]
    shown = _shown(selection, now)
    drawn = LIVE.redraw(shown, age, before)
    if drawn[list(LIVE.sections).index("charts")] is dash.no_update:
        for name, figure in metrics_page.drawn_figures(shown).items():
            dash.set_props(charts.chart_data(name), {"data": figure})
    return [*drawn[:-1], {**drawn[-1], "at": now, "asked": asked}]


@callback(
    LIVE.acted,
    Output("metrics-note", "is_open", allow_duplicate=True),
    Output("metrics-note-text", "value"),
    Input("metrics-note-save", "n_clicks"),
    State("metrics-note-at", "data"),
    State("metrics-note-text", "value"),
    State("metrics-note-kind", "value"),
    State("metrics-note-about", "value"),
    prevent_initial_call=True,
)
def add_note(_clicks: Any, at: Any, text: Any, kind: Any, about: Any) -> tuple[float, bool, str]:
    """Notes what the form says."""
    actor, now = container.acting(), time.time()
    note = metrics_notes.new_note({"at": at, "text": text, "kind": kind, "about": about})
    metrics_notes.add_note(_past(), container.current().bus, note, container.scope(), actor, now)
    dash.set_props("toasts", {"children": states.done("The note was added.")})
    return now, False, ""


@callback(
    LIVE.acted,
    Input({"type": "metrics-note-delete", "note": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
def delete_note(clicks: list[int | None]) -> Any:
    """Takes a note away."""
    if not any(clicks) or not isinstance(ctx.triggered_id, dict):
        return dash.no_update
    actor = container.acting()
    metrics_notes.delete_note(
        _past(), ctx.triggered_id["note"], container.scope(), actor, time.time()
    )
    dash.set_props("toasts", {"children": states.done("The note was deleted.")})
    return time.time()


clientside_callback(
    ClientsideFunction("healthdeck", "metricsChosen"),
    Output("metrics-view", "data"),
    Input("metrics-metric", "value"),
    Input("metrics-vps", "value"),
    Input("metrics-tenant", "value"),
    Input("metrics-layout", "value"),
    Input("metrics-compare", "value"),
    Input("metrics-marks", "value"),
    Input("metrics-band", "value"),
    Input(charts.chart_zoom(GROUP), "data"),
    State("metrics-view", "data"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("healthdeck", "metricsShown"),
    Output("metrics-state", "children"),
    Input("metrics-view", "data"),
)
clientside_callback(
    ClientsideFunction("healthdeck", "metricsCancel"),
    Output("metrics-note", "is_open"),
    Input("metrics-note-cancel", "n_clicks"),
    prevent_initial_call=True,
)


def _selection(sent: Any) -> Selection:
    given = _dict(sent)
    return Selection.of(given).zoomed(charts.zoomed(given.get("zoom")))


def _dict(sent: Any) -> dict[str, Any]:
    return sent if isinstance(sent, dict) else {}


def _told_by_stream() -> bool:
    return ctx.triggered_prop_ids.keys() == {f'{{"page":"{LIVE.page}","type":"live-event"}}.data'}


def _due(selection: Selection, before: Any, now: float) -> bool:
    """Whether a range that ends now has moved on by as much as can be seen."""
    at = _dict(before).get("at")
    if not selection.rolling or selection.paused or not isinstance(at, int | float):
        return selection.rolling and not selection.paused
    start, end = selection.range(now)
    return now - at >= max(LEAST, (end - start) / views.POINTS[selection.layout])


def _past() -> Past:
    services = container.current()
    read = services.read
    return Past(
        services.database, services.cache, services.board, read.fleet(), read.impact,
        Retention.of(services.settings),
    )  # fmt: skip


def _shown(selection: Selection, now: float) -> Shown:
    scope = container.scope()
    servers = () if selection.vps else container.current().read.overview(scope).vps
    others = _others(selection, scope, now)
    view = views.metrics_view(_past(), selection, servers, others, scope, now)
    return Shown(view, _band(view, scope, now) if selection.band else None)


def _others(selection: Selection, scope: Scope, now: float) -> list[Noted]:
    """Alerts and maintenance windows that touch the range."""
    start, end = selection.range(now)
    services, found = container.current(), list[Noted]()
    if "alert" in selection.marks:
        wanted = AlertFilter(status=("all",), vps=selection.vps, since=start, until=end)
        for row in services.read.alerts(scope, wanted, MOST_ALERTS).rows:
            ended = row["resolvedAt"]
            until = moment(ended, "resolvedAt", now) if ended else now
            at = moment(row["triggeredAt"], "triggeredAt", now)
            found.append(Noted(at, until, "alert", row["title"], row.get("vpsId") or ""))
    if "maintenance" in selection.marks:
        windows, _ = services.quiet.calendar(scope, start, end, views.MOST_NOTES)
        found += [
            Noted(moment(w["start"], "start", now), moment(w["end"], "end", now), "maintenance",
                  w["name"])
            for w in windows
        ]  # fmt: skip
    return found


def _band(view: MetricsView, scope: Scope, now: float) -> Band | None:
    """What was to be expected of the only course, learned from what came before each moment."""
    if len(view.courses) != 1 or not view.exported:
        return None
    asked = Asked(view.vps, view.selection.tenants)
    start, end = view.start - LEARNED, min(view.end, now)
    question = Question(
        view.selection.metrics[0], asked, start, end, f"band {view.selection.start}/now",
        False, BAND_POINTS,
    )  # fmt: skip
    body = history_body(_past(), question, scope, now)
    points = tuple((p["timestamp"], p["value"]) for p in body["dataPoints"])
    times, low, high = _expected(points, iso(view.start) or "")
    return Band(times, low, high) if len(times) > 1 else None


@lru_cache(64)
def _expected(
    points: tuple[tuple[str, float], ...], since: str
) -> tuple[list[float], list[float], list[float]]:
    detector = Detector()
    times, low, high = [], [], []
    for stamp, value in points:
        at = moment(stamp, "timestamp", 0.0)
        verdict = detector.step(value, at)
        if stamp >= since and verdict.lower is not None and verdict.upper is not None:
            times.append(at)
            low.append(max(verdict.lower, 0.0))
            high.append(verdict.upper)
    return times, low, high
