"""What stands around every page: rail, top bar, notices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.bell import bell, message_toasts
from components.links import inside
from components.live import Live, Section
from components.marks import count
from services.times import span
from services.views.model import Overview

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
    view: Overview,
    user: str,
    *,
    age: float = 0.0,
    told: bool = True,
) -> Component:
    """The frame of the dashboard around ``content``, for ``user``. ``age`` of the view in seconds;
    ``told``: with the bell."""
    return html.Div(
        [
            html.A("Skip to content", href="#content", className="skip"),
            _rail(entries, view),
            html.Div(
                [
                    _bar(user, told),
                    html.Div(
                        id="connection-notice", className="connection", role="status", hidden=True
                    ),
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
            *LIVE.stores(view, age),
            dcc.Store(id="theme"),
            dcc.Interval(id="poll", interval=POLL_EVERY, disabled=False),
        ],
        id="shell",
        className="app",
        **{"data-live": LIVE.page},
    )


def counts(view: Overview) -> Component:
    """How much is watched, and how often."""
    services = sum(len(row.instances) for row in view.services)
    tenants = [count(view.tenants, "tenant")] if view.tenants else []
    every = f"every {span(view.interval)}"
    return html.Div(
        [
            html.Div(f"{count(len(view.vps), 'server')} · {count(services, 'service')}"),
            html.Div(" · ".join([*tenants, every])),
        ]
    )


#: What around the pages is drawn anew by itself.
LIVE = Live(
    "shell",
    {
        "counts": Section(
            lambda v: (len(v.vps), [len(r.instances) for r in v.services], v.tenants, v.interval),
            counts,
        )
    },
)


def _rail(entries: Sequence[Entry], view: Overview) -> Component:
    links = [
        dbc.NavLink(
            [_icon(entry.icon), html.Span(entry.label)],
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
    return html.Header(
        [
            brand,
            html.Nav(dbc.Nav(links, vertical=True), className="pages", **{"aria-label": "Pages"}),
            html.Div(LIVE.held(view)["counts"], className="foot"),
        ],
        className="rail",
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
    )
    clock = html.Span(id="clock", className="chip clock")
    parts = [live, clock, bell() if told else None, theme, leave]
    return html.Div(parts, className="bar")


def _icon(name: str) -> Component:
    return html.I(className=f"icon icon-{name}", **{"aria-hidden": "true"})
