"""What goes on around every page: the shell's own callbacks."""

from __future__ import annotations

from typing import Any

import dash
from dash import ALL, MATCH, ClientsideFunction, Input, Output

from components.palette import ASKED, FOUND
from components.shell import LIVE
from services import container
from services.web import palette


def install(app: dash.Dash) -> None:
    """Adds the callbacks that belong to no page. They are the app's own, for what is declared
    when a module is imported belongs to the first app of a process."""

    @app.callback(*LIVE.outputs, *LIVE.inputs, prevent_initial_call=True)
    def refresh(_event: Any, _acted: Any, before: Any) -> list[Any]:
        extent = container.current().read.extent(container.scope())
        return LIVE.redraw(extent, 0.0, before)

    @app.callback(Output(FOUND, "data"), Input(ASKED, "data"), prevent_initial_call=True)
    def find(_asked: Any) -> dict[str, Any]:
        return palette.rows()

    in_browser: Any = app.clientside_callback
    in_browser(
        ClientsideFunction("healthdeck", "drawn"),
        Output("notice", "children"),
        Input({"type": "live-drawn", "page": ALL}, "data"),
    )
    in_browser(ClientsideFunction("healthdeck", "failed"), Input("notice", "children"))
    in_browser(ClientsideFunction("healthdeck", "found"), Input(FOUND, "data"))
    in_browser(ClientsideFunction("healthdeck", "poll"), Input("poll", "n_intervals"))
    in_browser(
        ClientsideFunction("healthdeck", "paint"),
        Output({"type": "chart", "chart": MATCH}, "figure"),
        Input({"type": "chart-data", "chart": MATCH}, "data"),
        Input("theme", "data"),
    )
