"""``/health``: the state of everything that the caller may see."""

from __future__ import annotations

import time
from typing import Any

import dash
from dash import ALL, ClientsideFunction, Input, Output, State, callback, clientside_callback, ctx
from dash.development.base_component import Component

from components import overview
from components.overview import LIVE, Page
from services import container
from services.errors import ValidationError

dash.register_page(
    __name__, path="/health", name="Overview", title="Healthdeck", icon="overview", order=1
)


def _page(beats: object) -> Page:
    """What there is to show now; ``beats`` is what a browser sent."""
    services, scope = container.current(), container.scope()
    span = beats if isinstance(beats, str) and beats in overview.SPANS else overview.USUAL
    view = services.read.over(services.read.overview(scope), span, scope)
    return Page(view, span, container.caller().is_a("chief"))


def layout(beats: str = "", **_query: str) -> Component:
    return overview.page(_page(beats), time.time())


@callback(
    *LIVE.outputs,
    Output(overview.FLEET, "data"),
    *LIVE.inputs,
    State(overview.DRAWN, "data"),
    Input(overview.BEATS, "value"),
    prevent_initial_call=True,
)
def refresh(_event: Any, _acted: Any, before: Any, drawn: Any, beats: Any) -> list[Any]:
    """Reads the view again and draws what differs from what is on the screen."""
    page = _page(beats)
    rows = page.view.roster.since(drawn)
    age = time.time() - page.view.updated_at
    return [*LIVE.redraw(page, age, before), dash.no_update if rows is None else rows]


clientside_callback(
    ClientsideFunction("healthdeck", "fleet"),
    Output(overview.DRAWN, "data"),
    Input(overview.FLEET, "data"),
)


@callback(
    LIVE.acted,
    Input({"type": "acknowledge", "alert": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
def acknowledge(clicks: list[int | None]) -> Any:
    """Takes the alert whose button was pressed."""
    if not any(clicks) or ctx.triggered_id is None:
        return dash.no_update
    desk, actor = container.current().alerts, container.acting()
    desk.acknowledge(ctx.triggered_id["alert"], actor, "", container.scope())
    return time.time()


@callback(LIVE.acted, Input(overview.SNOOZE, "data"), prevent_initial_call=True)
def snooze(asked: Any) -> Any:
    """Nobody hears of an alert until the moment that was chosen (assets/overview.js)."""
    alert, until = (asked.get(k) for k in ("alert", "until")) if isinstance(asked, dict) else (0, 0)
    if not isinstance(alert, str) or not isinstance(until, int | float):
        raise ValidationError("A snooze needs an alert and the moment at which it ends.")
    actor = container.acting()
    container.current().alerts.snooze(alert, float(until), actor, "", container.scope())
    return time.time()
