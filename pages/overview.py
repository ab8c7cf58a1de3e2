"""``/health``: the state of everything that the caller may see."""

from __future__ import annotations

import time
from typing import Any

import dash
from dash import ALL, ClientsideFunction, Input, Output, State, callback, clientside_callback, ctx
from dash.development.base_component import Component
from flask import g, request

from components import overview, states
from services import container
from services.errors import Conflict, NotFound
from services.identity.audit import Actor

dash.register_page(__name__, path="/health", name="Overview", title="Healthdeck", icon="overview")


def layout(**_query: str) -> Component:
    return overview.page(container.current().read.overview(g.principal.scope), time.time())


@callback(
    *(Output(f"overview-{name}", "children") for name in overview.SECTIONS),
    Output("overview-drawn", "data"),
    Output("notice", "children"),
    Input("stream-event", "data"),
    Input("poll", "n_intervals"),
    Input("overview-acted", "data"),
    State("overview-drawn", "data"),
    prevent_initial_call=True,
)
def refresh(_event: Any, _poll: Any, _acted: Any, before: Any) -> list[Any]:
    """Reads the view again and draws the sections that differ from what is on the screen."""
    view = container.current().read.overview(g.principal.scope)
    drawn = overview.drawn(view, time.time())
    parts = overview.draw(view, overview.changed(drawn, before))
    return [*(parts.get(n, dash.no_update) for n in overview.SECTIONS), drawn, None]


clientside_callback(
    ClientsideFunction("healthdeck", "drawn"),
    Input("overview-drawn", "data"),
)
clientside_callback(ClientsideFunction("healthdeck", "failed"), Input("notice", "children"))


@callback(
    Output("overview-acted", "data"),
    Output("toasts", "children"),
    Input({"type": "acknowledge", "alert": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
def acknowledge(clicks: list[int | None]) -> tuple[Any, Any]:
    """Takes the alert whose button was pressed; says so when somebody else was first."""
    if not any(clicks) or ctx.triggered_id is None:
        return dash.no_update, dash.no_update
    desk, alert = container.current().alerts, ctx.triggered_id["alert"]
    actor = Actor(g.principal.name, request.remote_addr or "")
    try:
        desk.acknowledge(alert, actor, "", g.principal.scope)
    except (Conflict, NotFound) as problem:
        return time.time(), states.refused(problem.message)
    return time.time(), dash.no_update
