"""What stands around every page: rail, top bar, notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.bell import bell, message_toasts
from components.help import help_dialog
from components.links import inside
from components.live import Live, Section
from components.marks import SEVERITY_CLASS, count
from components.palette import palette, search_button
from services.times import span
from services.views.model import Extent

#: The page whose entry in the rail carries the number of active alerts.
ALERTS = "/health/alerts"
#: More than so many alerts are not counted on the screen.
MOST_COUNTED = 99

#: While the stream is down the page asks by itself, so often (ms).
POLL_EVERY = 60_000


class Entry(NamedTuple):
    """A page in the rail; ``icon`` names a file of assets/icons."""

    label: str
    path: str
    icon: str


def shell(
    entries: Sequence[Entry],
    content: Component,
    extent: Extent,
    user: str,
    *,
    told: bool = True,
) -> Component:
    """The frame of the dashboard around ``content``, for ``user``. ``told``: with the bell."""
    held = LIVE.held(extent)
    return html.Div(
        [
            html.A("Skip to content", href="#content", className="skip"),
            _rail(entries, held),
            html.Div(
                [
                    _bar(user, told),
                    html.Div(
                        id="connection-notice", className="connection", role="status", hidden=True
                    ),
                    _newer(),
                    html.Div(id="notice", className="notices", role="status"),
                    html.Main(content, id="content", tabIndex=-1),
                ],
                className="main",
            ),
            html.Div(
                [html.Div(id="toasts", className="toast-stack"), message_toasts()],
                className="toasts",
                role="status",
                **{"aria-live": "polite", "aria-atomic": "false"},
            ),
            palette(),
            help_dialog(),
            *LIVE.stores(extent, age=0.0),
            dcc.Store(id="theme"),
            dcc.Interval(id="poll", interval=POLL_EVERY, disabled=False),
        ],
        id="shell",
        className="app",
        **{"data-live": LIVE.page},
    )


def counts(extent: Extent) -> Component:
    """How much is watched, and how often."""
    tenants = [count(extent.tenants, "tenant")] if extent.tenants else []
    every = f"every {span(extent.interval)}"
    return html.Div(
        [
            html.Div(f"{count(extent.servers, 'server')} · {count(extent.services, 'service')}"),
            html.Div(" · ".join([*tenants, every])),
        ]
    )


def alerts_badge(extent: Extent) -> Component:
    """How many alerts are active, and how bad the worst is; title, favicon and the portal have
    these from here (assets/title.js)."""
    number, worst = extent.active, extent.worst
    shown = f"{MOST_COUNTED}+" if number > MOST_COUNTED else str(number)
    return html.Span(
        [shown, html.Span(" active", className="visually-hidden")],
        className=f"rail-count is-{SEVERITY_CLASS.get(worst, 'info')}",
        hidden=not number,
        **{"data-alerts": str(number), "data-severity": worst},
    )


#: What around the pages is drawn anew by itself.
LIVE = Live(
    "shell",
    {
        "counts": Section(lambda e: (e.servers, e.services, e.tenants, e.interval), counts),
        "alerts": Section(lambda e: (e.active, e.worst), alerts_badge),
    },
)


def _newer() -> Component:
    """The offer to load the page again once the server has newer files; hidden until then."""
    button = html.Button("Reload", type="button", className="plain", **{"data-reload": ""})
    return html.Div(
        [html.Span("Healthdeck was updated while this page was open. "), button],
        id="newer",
        className="connection",
        role="status",
        hidden=True,
    )


def _rail(entries: Sequence[Entry], held: Mapping[str, Component]) -> Component:
    links = [
        dbc.NavLink(
            [
                _icon(entry.icon),
                html.Span(entry.label),
                *([held["alerts"]] if entry.path == ALERTS else []),
            ],
            href=inside(entry.path),
            active="exact" if entry.path == "/health" else "partial",
        )
        for entry in entries
    ]
    brand = dcc.Link(
        [
            html.Img(src=inside("/assets/favicon.svg"), alt="", width=24, height=24),
            html.Span("Healthdeck"),
        ],
        href=inside("/health"),
        className="brand",
    )
    foot = [held["counts"], _keys_button()]
    if all(entry.path != ALERTS for entry in entries):
        foot.append(html.Div(held["alerts"], hidden=True))
    return html.Header(
        [
            brand,
            html.Nav(dbc.Nav(links, vertical=True), className="pages", **{"aria-label": "Pages"}),
            html.Div(foot, className="foot"),
        ],
        className="rail",
    )


def _keys_button() -> Component:
    return html.Button(
        ["Press ", html.Kbd("?"), " for keys"],
        type="button",
        className="plain keys-button",
        **{"data-help": ""},
    )


def _bar(user: str, told: bool) -> Component:
    live = html.Span(
        [
            html.I(className="dot", **{"aria-hidden": "true"}),
            html.Span("Connecting…", id="live-text"),
        ],
        className="chip live",
        **{"data-testid": "live-indicator", "data-state": "connecting"},
    )
    theme = html.Button(
        _icon("theme"),
        type="button",
        className="chip icon-button",
        **{"data-theme-button": "", "aria-label": "Theme"},
    )
    leave = html.Form(
        html.Button(
            _icon("log-out"),
            type="submit",
            className="chip icon-button",
            title=f"Log out ({user})",
            **{"aria-label": "Log out"},
        ),
        action=inside("/logout"),
        method="POST",
        id="log-out",
    )
    clock = html.Span(id="clock", className="chip clock")
    parts = [live, clock, search_button(), bell() if told else None, theme, leave]
    return html.Div(parts, className="bar")


def _icon(name: str) -> Component:
    return html.I(className=f"icon icon-{name}", **{"aria-hidden": "true"})
