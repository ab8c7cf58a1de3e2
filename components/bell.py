"""The bell of the top bar and its panel: what the in-app channel told. assets/bell.js fills it."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from components.links import inside
from components.states import empty


def bell() -> Component:
    """The button with its count, and the panel that it opens. Hidden until the browser's part runs:
    a page in a portal's frame has none."""
    button = html.Button(
        [
            html.I(className="icon icon-bell", **{"aria-hidden": "true"}),
            html.Span(id="bell-count", className="unread", hidden=True, **{"aria-hidden": "true"}),
        ],
        id="bell-button",
        type="button",
        className="chip icon-button",
        title="Messages",
        **{
            "aria-label": "Messages",
            "aria-expanded": "false",
            "aria-controls": "bell-panel",
            "data-testid": "bell",
        },
    )
    return html.Div(
        [button, _panel()],
        id="bell",
        className="bell",
        hidden=True,
        **{"data-alerts": inside("/health/alerts")},
    )


def message_toasts() -> Component:
    """Where messages show up for a moment. The browser's part draws them."""
    return html.Div(id="bell-toasts", className="toast-stack")


def _panel() -> Component:
    head = html.Div(
        [
            html.H2("Messages", id="bell-title"),
            html.Button(
                "Mark all as read", id="bell-read", type="button", className="plain", disabled=True
            ),
        ],
        className="bell-head",
    )
    nothing = empty(
        "No messages yet.",
        "Alerts appear here when they fire and when they are over, if their rule has inApp.",
    )
    failed = html.Div(
        [
            html.P("The messages could not be loaded.", className="empty-what"),
            html.P(id="bell-why"),
            html.Button("Try again", id="bell-again", type="button", className="plain"),
        ],
        id="bell-failed",
        className="empty",
        hidden=True,
    )
    return html.Section(
        [
            head,
            html.Div(
                [
                    html.P("Loading…", id="bell-loading", className="empty"),
                    html.Div(nothing, id="bell-empty", hidden=True),
                    failed,
                    html.Ul(id="bell-list", className="rows"),
                ],
                className="bell-body",
            ),
            _computer(),
        ],
        id="bell-panel",
        className="card bell-panel",
        hidden=True,
        tabIndex=-1,
        **{"aria-labelledby": "bell-title", "data-testid": "bell-panel"},
    )


def _computer() -> Component:
    """The browser's own notifications; a switch, since a browser asks once and for good."""
    switch = html.Button(
        [
            html.Span("Also show on this computer when this tab is in the background"),
            html.I(className="switch", **{"aria-hidden": "true"}),
        ],
        id="bell-computer",
        type="button",
        role="switch",
        **{"aria-checked": "false", "aria-describedby": "bell-computer-why"},
    )
    why = html.P(id="bell-computer-why", className="aside", role="status")
    return html.Div([switch, why], className="bell-foot")
