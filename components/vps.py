"""The servers at a glance: the place in which the browser draws them (assets/overview.js), from the
rows of ``Overview.roster``. So filters, search and form need no server, and of a thousand servers
only those are drawn anew that changed."""

from __future__ import annotations

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from components.links import inside


def vps_panel(some: bool, *, may_add: bool = False) -> Component:
    """The panel of servers, empty where there are none; ``may_add``: the reader may add some."""
    title = html.H2("Servers", id="vps-title")
    if some:
        body = [
            html.Div([title, html.Div(id="fleet-bar")], className="head fleet-head"),
            html.Div(id="fleet", **{"data-inside": inside("/health")}),
        ]
    else:
        body = [html.Div(title, className="head"), _none(may_add)]
    return html.Section(body, **{"aria-labelledby": "vps-title", "data-testid": "vps-panel"})


def _none(may_add: bool) -> Component:
    how = "It takes a minute: name it, choose how it is read, and run the one command it gives you."
    where = [
        "Or list your servers in an inventory file and start with ",
        html.Code("python app.py serve --inventory FILE"),
        ".",
    ]
    add = dbc.Button("Add a server", href=inside("/health/vps?add=1"), color="primary")
    asks = "Somebody with the role super_admin can add one under Servers."
    return html.Div(
        [
            html.P("No server is watched yet.", className="empty-what"),
            *([html.P(how), add] if may_add else [html.P(asks)]),
            html.P(where, className="aside"),
        ],
        className="card empty empty-fleet",
    )
