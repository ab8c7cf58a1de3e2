"""The panel of active alerts: what, since when, whom it hits, who was told, who has it."""

from __future__ import annotations

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.links import inside
from components.marks import moment, names, tag
from components.states import empty
from services.views.model import AlertView

#: Alerts that the panel shows; the others are a link away.
MOST_ALERTS = 20
#: For how long an alert can be put aside: minutes, or a word for assets/overview.js.
SNOOZES = {"30": "30 min", "60": "1 h", "240": "4 h", "tomorrow": "Until tomorrow, 08:00"}


def alerts_panel(alerts: Sequence[AlertView], total: int | None = None) -> Component:
    """Unresolved alerts, in the order of the view; ``total``: how many there are, where these are
    not all."""
    number = len(alerts) if total is None else total
    if alerts:
        body = [_alert(alert) for alert in alerts]
    else:
        body = [empty("No active alerts.", "One appears here as soon as a rule's condition holds.")]
    every = dcc.Link(
        f"All {number} alerts" if number > len(alerts) else "All alerts",
        href=inside("/health/alerts"),
        className="aside",
    )
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Active alerts", id="alerts-title"),
                    html.Span(str(number), className="chip count") if alerts else None,
                    every,
                ],
                className="head",
            ),
            html.Div(body, className="card rows"),
        ],
        **{"aria-labelledby": "alerts-title", "data-testid": "alerts-panel"},
    )


def _alert(alert: AlertView) -> Component:
    title = dcc.Link(alert.title, href=inside(f"/health/alerts?alert={alert.id}"))
    head = [
        tag(alert.severity),
        html.H3(title),
        html.Span(moment(alert.triggered_at, "since"), className="since"),
    ]
    impact = f"Hits {names(alert.impact)}." if alert.impact else ""
    return html.Article(
        [
            html.Div(head, className="alert-head"),
            html.P(" ".join(part for part in (alert.message, impact) if part)),
            html.Div(_acts(alert), className="acts"),
        ],
        id={"type": "alert", "alert": alert.id},
        className="alert-item",
        **{"data-alert": alert.id, "data-status": alert.status},
    )


def _acts(alert: AlertView) -> list[Component]:
    taken = alert.acknowledged_at is not None
    told = html.Span(alert.told, className="told")
    if alert.status == "snoozed" and alert.snoozed_until is not None:
        until = html.Span(["snoozed until ", moment(alert.snoozed_until, "at")])
        return [html.Span([until, *_taken(alert)], className="handled"), told]
    handling = html.Span(_taken(alert)[1:], className="handled") if taken else _acknowledge(alert)
    return [html.Span([handling, _snooze(alert)], className="handling"), told]


def _taken(alert: AlertView) -> list[str | Component]:
    """By whom, with a dot in front."""
    if alert.acknowledged_at is None:
        return []
    by = f"acknowledged by {alert.acknowledged_by}" if alert.acknowledged_by else "acknowledged"
    return [" · ", by, " · ", moment(alert.acknowledged_at, "ago")]


def _acknowledge(alert: AlertView) -> Component:
    return dbc.Button(
        ["Acknowledge", html.Span(f" {alert.title}", className="visually-hidden")],
        id={"type": "acknowledge", "alert": alert.id},
        color="primary",
        size="sm",
    )


def _snooze(alert: AlertView) -> Component:
    """A menu; assets/overview.js knows what the choices mean in the reader's own time."""
    named = html.Span(f" {alert.title}", className="visually-hidden")
    choices = [
        html.Button(label, type="button", className="menu-item", **{"data-snooze": value})
        for value, label in SNOOZES.items()
    ]
    return html.Details(
        [
            html.Summary(["Snooze", named], className="btn btn-sm btn-quiet"),
            html.Div(choices, className="menu", role="group", **{"aria-label": "Snooze for"}),
        ],
        className="menu-holder",
    )
