"""``/health``: the state of everything that the caller may see."""

from __future__ import annotations

import time
from typing import Any

import dash
from dash import ALL, Input, callback, ctx
from dash.development.base_component import Component

from components import overview
from components.overview import LIVE
from services import container

dash.register_page(
    __name__, path="/health", name="Overview", title="Healthdeck", icon="overview", order=1
)


def layout(**_query: str) -> Component:
    return overview.page(container.current().read.overview(container.scope()), time.time())


@callback(*LIVE.outputs, *LIVE.inputs, prevent_initial_call=True)
def refresh(_event: Any, _acted: Any, before: Any) -> list[Any]:
    """Reads the view again and draws the sections that differ from what is on the screen."""
    view = container.current().read.overview(container.scope())
    return LIVE.redraw(view, time.time() - view.updated_at, before)


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
