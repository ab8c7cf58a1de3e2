"""``/api/admin/alerts``: what is wrong, and who takes care of it."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal, Self

from flask import g
from pydantic import Field, Strict, model_validator

from services.container import current
from services.web.rest import cursors
from services.web.rest.cursors import PageQuery
from services.web.rest.operation import Answer, Body, Routes
from services.web.rest.ranges import Moment

PREFIX = "/api/admin/alerts"
routes = Routes("Alerts")


class AlertsQuery(PageQuery):
    status: Literal["active", "acknowledged", "snoozed", "resolved"] | None = Field(
        None, description="only alerts in this state; without it the unresolved ones"
    )


class Acknowledgement(Body):
    """What an operator says when taking an alert on."""

    note: str | None = Field(default=None, max_length=2000)


class Resolution(Body):
    """How an operator ends an alert."""

    note: str | None = Field(default=None, max_length=2000)
    false_positive: bool | None = Field(
        default=None, description="whether there was no trouble; it counts for the rule's precision"
    )


class Snooze(Body):
    """``minutes`` or ``until``."""

    minutes: float | None = Field(
        default=None, gt=0, le=43200, allow_inf_nan=False, description="how long, from now"
    )
    until: Annotated[Moment | None, Strict(False)] = Field(
        default=None, description="a moment, with its time zone"
    )
    note: str | None = Field(default=None, max_length=2000)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.minutes is None) is (self.until is None):
            raise ValueError("give either minutes or until")
        return self

    @property
    def at(self) -> float:
        """The end, in seconds since the epoch."""
        if self.until is not None:
            return self.until.timestamp()
        return time.time() + 60 * (self.minutes or 0)


class Impact(Answer):
    tenants: list[str]


class Alert(Answer):
    """``value`` and ``threshold`` are numbers, or words where the metric has words; ``expected``
    is what an anomaly's detector expected. ``withheld``: why nobody is told at the moment."""

    id: str
    rule_id: str
    rule_name: str
    rule_version: int
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
    expected: dict[str, float | None] | None
    triggered_at: str
    fired_at: str
    acknowledged_at: str | None
    acknowledged_by: str | None
    snoozed_until: str | None
    resolved_at: str | None
    resolved_by: str | None
    resolution: str | None
    escalation_level: int
    occurrences: int
    flapping: bool
    suppressed_by: str | None
    withheld: str | None
    false_positive: bool | None
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


@routes.post(
    f"{PREFIX}/<alert_id>/resolve", body=Resolution, body_optional=True, answer=Alert, errors=(409,)
)
def resolve_alert(alert_id: str, body: Resolution) -> dict[str, Any]:
    """End an alert.

    While its condition holds it stays so until that has cleared once. 409 when it is resolved."""
    caller = g.principal
    current().alerts.resolve(
        alert_id, caller.name, body.note or "", body.false_positive, caller.scope
    )
    return current().read.alert(alert_id, caller.scope)


@routes.post(f"{PREFIX}/<alert_id>/snooze", body=Snooze, answer=Alert, errors=(409,))
def snooze_alert(alert_id: str, body: Snooze) -> dict[str, Any]:
    """Be silent about an alert for a while; then it is again what it was.

    409 when it is resolved."""
    caller = g.principal
    current().alerts.snooze(alert_id, body.at, caller.name, body.note or "", caller.scope)
    return current().read.alert(alert_id, caller.scope)


@routes.delete(f"{PREFIX}/<alert_id>", errors=(409,))
def delete_alert(alert_id: str) -> None:
    """Take a resolved alert away, with its history.

    409 while it is not resolved."""
    current().alerts.delete(alert_id, g.principal.scope)
