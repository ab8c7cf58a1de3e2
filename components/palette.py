"""The command palette: the way to any server, tenant, service, rule or page by a few letters of its
name. The browser's part is assets/palette.js; it asks for the names when it is opened."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

#: Stores: written by the browser to ask, by the server to answer.
ASKED, FOUND = "palette-asked", "palette-found"


def search_button() -> Component:
    """Opens the palette, and says by which keys it opens too."""
    return html.Button(
        [
            html.I(className="icon icon-search", **{"aria-hidden": "true"}),
            html.Span("Search", className="search-word"),
            html.Kbd("Ctrl K", className="search-keys", **{"aria-hidden": "true"}),
        ],
        type="button",
        className="chip search-button",
        **{
            "data-palette": "",
            "data-testid": "search",
            "aria-haspopup": "dialog",
            "aria-keyshortcuts": "Control+K Meta+K",
        },
    )


def palette() -> Component:
    """The dialog, empty until it is opened, and its stores."""
    dialog = html.Dialog(
        id="palette",
        className="palette",
        **{"aria-label": "Search and commands", "data-testid": "palette"},
    )
    return html.Div([dialog, dcc.Store(id=ASKED), dcc.Store(id=FOUND)])
