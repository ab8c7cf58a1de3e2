"""``/health/vps/<vps_id>``: one server."""

from __future__ import annotations

import time
from typing import Any

import dash
from dash import ALL, ClientsideFunction, Input, Output, State, callback, ctx
from dash.development.base_component import Component

from components import states, vps_page
from components.charts import chart_data, chart_zoom, zoomed
from components.links import inside
from components.vps_charts import GROUP, Figures, chart_name, figures
from components.vps_page import LIVE
from services import container
from services.errors import NotFound, ValidationError
from services.history.stored import Retention
from services.views import vps_courses
from services.views.history import Past
from services.views.vps_courses import PANELS, RANGES, USUAL, Window
from services.views.vps_page import Rights, VpsPage
from services.views.vps_page import vps_page as read_page

dash.register_page(
    __name__,
    path_template="/health/vps/<vps_id>",
    name="Server",
    title=lambda vps_id=None: f"{vps_id or 'Server'} · Healthdeck",
)


def layout(vps_id: str = "", **query: str) -> Component:
    view, now = _view(vps_id), time.time()
    range_ = query.get("range", USUAL)
    range_ = range_ if range_ in RANGES else USUAL
    drawn = _figures(view, vps_courses.window(range_, None, now), now)
    return vps_page.page(view, drawn, range_, now)


@callback(
    *LIVE.outputs,
    *(Output(chart_data(chart_name(name)), "data") for name in PANELS),
    Output("vps-drawn", "data"),
    *LIVE.inputs,
    Input("vps-range", "value"),
    Input(chart_zoom(GROUP), "data"),
    State("vps-id", "data"),
    State("vps-drawn", "data"),
    prevent_initial_call=True,
)
def refresh(
    _event: Any, _acted: Any, before: Any, range_: Any, zoom: Any, vps_id: Any, drawn: Any
) -> list[Any]:
    """Draws what has changed; the charts once a reading may have come, or another range."""
    view, now = _view(vps_id), time.time()
    shown = vps_courses.window(range_, zoomed(zoom), now)
    stamp = _stamp(view, shown, now)
    parts = LIVE.redraw(view, now - view.updated_at, before)
    if stamp == drawn:
        return [*parts, *(dash.no_update for _ in (*PANELS, "drawn"))]
    found = _figures(view, shown, now)
    return [*parts, *(found[name] for name in PANELS), stamp]


@callback(
    LIVE.acted,
    Input({"type": "vps-acknowledge", "alert": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
def acknowledge(_clicks: list[int | None]) -> Any:
    """Takes the alert whose button was pressed."""
    if not ctx.triggered_id or not ctx.triggered[0]["value"]:
        return dash.no_update
    desk, actor = container.current().alerts, container.acting()
    desk.acknowledge(ctx.triggered_id["alert"], actor, "", container.scope())
    dash.set_props("toasts", {"children": states.done("The alert is acknowledged.")})
    return time.time()


@callback(
    Output("vps-remove", "is_open"), Input("vps-remove-open", "n_clicks"), prevent_initial_call=True
)
def ask_removal(clicks: int | None) -> bool:
    return bool(clicks)


@callback(
    Output("vps-remove", "is_open", allow_duplicate=True),
    Output("_pages_location", "pathname", allow_duplicate=True),
    Input("vps-remove-go", "n_clicks"),
    State("vps-remove-typed", "value"),
    State("vps-id", "data"),
    prevent_initial_call=True,
)
def remove(clicks: int | None, typed: Any, vps_id: Any) -> Any:
    """Takes the server off the list, as ``DELETE /api/admin/health/vps/<id>`` does."""
    if not clicks:
        return dash.no_update
    actor = container.acting("chief")
    if not isinstance(vps_id, str) or typed != vps_id:
        raise ValidationError("Type the id of the server to take it off the list.")
    container.current().inventory.delete_vps(vps_id, actor.name)
    done = states.done(f"{vps_id} is off the list; its history stays.")
    dash.set_props("toasts", {"children": done})
    return False, inside("/health/vps")


dash.clientside_callback(
    ClientsideFunction("healthdeck", "is_typed"),
    Output("vps-remove-go", "disabled"),
    Input("vps-remove-typed", "value"),
    Input("vps-id", "data"),
)
dash.clientside_callback(
    ClientsideFunction("healthdeck", "vps_range"),
    Input("vps-range", "value"),
    prevent_initial_call=True,
)


def _past() -> Past:
    services = container.current()
    read = services.read
    return Past(
        services.database,
        services.cache,
        services.board,
        read.fleet(),
        read.impact,
        Retention.of(services.settings),
        lambda hit: read.kept.count("history", hit=hit),
    )


def _view(vps_id: object) -> VpsPage:
    if not isinstance(vps_id, str):
        raise NotFound("There is no such VPS.")
    services, caller = container.current(), container.caller()
    own = any((e.kind, e.id) == ("vps", vps_id) for e in services.inventory.entries)
    chief = caller.is_a("chief")
    rights = Rights(caller.is_a("whole"), chief, chief and own)
    return read_page(_past(), services.read, vps_id, caller.scope, rights, time.time())


def _figures(view: VpsPage, shown: Window, now: float) -> Figures:
    past, scope, card = _past(), container.scope(), view.card
    found = vps_courses.panels(past, card.id, shown, scope, card.interval, now)
    return figures(found, vps_courses.noted(past, card.id, shown, scope), shown)


def _stamp(view: VpsPage, shown: Window, now: float) -> str:
    """Another whenever the charts would be: with each reading, but not more often than they can
    show; what was zoomed to and is over does not change."""
    every = max(view.card.interval, RANGES.get(shown.label, 0.0) / vps_courses.POINTS / 2)
    if shown.label:
        return f"{shown.label} {view.updated_at // every:.0f}"
    return f"{shown.start:.0f}-{shown.end:.0f}"
