"""The unresolved alerts of a server and of what is on it."""

from __future__ import annotations

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.links import inside
from components.marks import moment, names, tag
from components.states import empty
from services.views.model import AlertView


def alert_list(alerts: Sequence[AlertView]) -> Component:
    """The unresolved alerts of the server and what is on it."""
    if alerts:
        body = [_alert(alert) for alert in alerts]
    else:
        body = [empty("No active alerts.", "One appears here as soon as a rule's condition holds.")]
    return html.Section(
        [
            html.Div(html.H2("Alerts", id="vps-alerts-title"), className="head"),
            html.Div(body, className="card rows"),
        ],
        **{"aria-labelledby": "vps-alerts-title", "data-testid": "alert-list"},
    )


def _alert(alert: AlertView) -> Component:
    title = dcc.Link(alert.title, href=inside(f"/health/alerts?alert={alert.id}"))
    impact = f"Hits {names(alert.impact)}." if alert.impact else ""
    told = html.Span(alert.told, className="told")
    return html.Article(
        [
            html.Div(
                [tag(alert.severity), html.H3(title),
                 html.Span(moment(alert.triggered_at, "since"), className="since")],
                className="alert-head",
            ),
            html.P(" ".join(part for part in (alert.message, impact) if part)),
            html.Div([_handling(alert), told], className="acts"),
        ],
        id={"type": "vps-alert", "alert": alert.id},
        className="alert-item",
        **{"data-alert": alert.id, "data-status": alert.status},
    )  # fmt: skip


def _handling(alert: AlertView) -> Component:
    if alert.acknowledged_at is not None:
        by = f"acknowledged by {alert.acknowledged_by}" if alert.acknowledged_by else "acknowledged"
        return html.Span([by, " · ", moment(alert.acknowledged_at, "ago")], className="handled")
    named = html.Span(f" {alert.title}", className="visually-hidden")
    id_ = {"type": "vps-acknowledge", "alert": alert.id}
    return dbc.Button(["Acknowledge", named], id=id_, color="primary", size="sm")
