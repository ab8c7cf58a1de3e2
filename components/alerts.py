"""The panel of active alerts: what, since when, whom it hits, who was told, who has it."""

from __future__ import annotations

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from components.marks import moment, names, tag
from components.states import empty
from services.views.model import AlertView


def alerts_panel(alerts: Sequence[AlertView]) -> Component:
    """Every unresolved alert, in the order of the view."""
    if alerts:
        body = [_alert(alert) for alert in alerts]
    else:
        body = [empty("No active alerts.", "One appears here as soon as a rule's condition holds.")]
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Active alerts", id="alerts-title"),
                    html.Span(str(len(alerts)), className="chip count") if alerts else None,
                ],
                className="head",
            ),
            html.Div(body, className="card rows"),
        ],
        **{"aria-labelledby": "alerts-title", "data-testid": "alerts-panel"},
    )


def _alert(alert: AlertView) -> Component:
    head = [
        tag(alert.severity),
        html.H3(alert.title),
        html.Span(moment(alert.triggered_at, "since"), className="since"),
    ]
    impact = f"Hits {names(alert.impact)}." if alert.impact else ""
    return html.Article(
        [
            html.Div(head, className="alert-head"),
            html.P(" ".join(part for part in (alert.message, impact) if part)),
            html.Div([_handling(alert), html.Span(alert.told, className="told")], className="acts"),
        ],
        id={"type": "alert", "alert": alert.id},
        className="alert-item",
        **{"data-alert": alert.id, "data-status": alert.status},
    )


def _handling(alert: AlertView) -> Component:
    if alert.acknowledged_at is not None:
        by = f"acknowledged by {alert.acknowledged_by}" if alert.acknowledged_by else "acknowledged"
        return html.Span([by, " · ", moment(alert.acknowledged_at, "ago")], className="handled")
    return dbc.Button(
        ["Acknowledge", html.Span(f" {alert.title}", className="visually-hidden")],
        id={"type": "acknowledge", "alert": alert.id},
        color="primary",
        size="sm",
    )
