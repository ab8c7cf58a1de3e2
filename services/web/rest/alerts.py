"""``/api/admin/alerts``: what is wrong, and who takes care of it."""

from __future__ import annotations

from typing import Any, Literal

from flask import g
from pydantic import Field

from services.container import current
from services.web.rest import cursors
from services.web.rest.cursors import PageQuery
from services.web.rest.operation import Answer, Body, Routes

PREFIX = "/api/admin/alerts"
routes = Routes("Alerts")


class AlertsQuery(PageQuery):
    status: Literal["active", "acknowledged", "snoozed", "resolved"] | None = Field(
        None, description="only alerts in this state; without it the unresolved ones"
    )


class Acknowledgement(Body):
    """What an operator says when taking an alert on."""

    note: str | None = Field(default=None, max_length=2000)


class Impact(Answer):
    tenants: list[str]


class Alert(Answer):
    """``value`` and ``threshold`` are numbers, or words where the metric has words."""

    id: str
    rule_id: str
    rule_name: str
    severity: str
    status: str
    fingerprint: str
    vps_id: str | None
    service_name: str | None
    tenant_id: str | None
    title: str
    message: str
    value: float | str | None
    threshold: float | str | None
    triggered_at: str
    acknowledged_at: str | None
    acknowledged_by: str | None
    snoozed_until: str | None
    resolved_at: str | None
    resolved_by: str | None
    resolution: str | None
    escalation_level: int
    occurrences: int
    suppressed_by: str | None
    impact: Impact
    timeline: tuple[dict[str, Any], ...] = ()
    notifications: tuple[dict[str, Any], ...] = ()


class Alerts(Answer):
    alerts: list[Alert]
    next_cursor: str | None


@routes.get(PREFIX, query=AlertsQuery, answer=Alerts)
def list_alerts(query: AlertsQuery) -> dict[str, Any]:
    """Alerts, newest first."""
    after = cursors.unpack("alerts", query.cursor, float, str) if query.cursor else None
    found, last = current().read.alerts(g.principal.scope, query.status, query.limit, after)
    return {"alerts": found, "nextCursor": cursors.pack("alerts", last) if last else None}


@routes.get(f"{PREFIX}/<alert_id>", answer=Alert)
def get_alert(alert_id: str) -> dict[str, Any]:
    """One alert with its timeline and notifications."""
    return current().read.alert(alert_id, g.principal.scope)


@routes.post(
    f"{PREFIX}/<alert_id>/acknowledge", body=Acknowledgement, body_optional=True, answer=Alert
)
def acknowledge_alert(alert_id: str, body: Acknowledgement) -> dict[str, Any]:
    """Take an alert on.

    409 when it is not active."""
    caller = g.principal
    current().alerts.acknowledge(alert_id, caller.name, body.note or "", caller.scope)
    return current().read.alert(alert_id, caller.scope)
