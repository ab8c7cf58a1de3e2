"""``/api/admin/alerts``: what is wrong, and who takes care of it."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from flask import g
from pydantic import Field, Strict, StringConstraints, model_validator

from services.alerts import manage
from services.alerts.manage import Outcome
from services.container import acting, current
from services.errors import ValidationError
from services.views.alert_lists import AlertFilter
from services.web.rest import alert_filters, cursors
from services.web.rest.alert_filters import AlertsQuery, AlertsSelection
from services.web.rest.ids import ID
from services.web.rest.operation import Answer, Body, Routes
from services.web.rest.ranges import Moment

PREFIX = "/api/admin/alerts"
routes = Routes("Alerts")

AlertId = Annotated[str, StringConstraints(pattern=f"^{ID.pattern}$")]


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
        return _end(self.minutes, self.until)


class AlertsBulk(Body):
    """What is done with many alerts: those of ``ids``, or those that ``filter`` finds now.
    ``snooze`` takes ``minutes`` or ``until``, ``resolve`` may take ``falsePositive``."""

    action: Literal["acknowledge", "snooze", "resolve"]
    ids: Annotated[list[AlertId] | None, Field(min_length=1, max_length=manage.MOST)] = None
    filter: Annotated[AlertsSelection | None, Strict(False)] = Field(
        None, description=f"as of the list; it may find {manage.MOST} alerts at most"
    )
    note: str | None = Field(default=None, max_length=2000)
    minutes: float | None = Field(default=None, gt=0, le=43200, allow_inf_nan=False)
    until: Annotated[Moment | None, Strict(False)] = None
    false_positive: bool | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.ids is None) is (self.filter is None):
            raise ValueError("give either ids or filter")
        times = sum(one is not None for one in (self.minutes, self.until))
        if times != (self.action == "snooze"):
            raise ValueError("a snooze, and nothing else, takes either minutes or until")
        if self.false_positive is not None and self.action != "resolve":
            raise ValueError("only resolve takes falsePositive")
        return self


class AlertOutcome(Answer):
    """What became of one alert. ``error`` and ``errorCode`` say why it was not ``done``."""

    id: str
    done: bool
    error: str | None
    error_code: str | None


class AlertsHandled(Answer):
    """``done`` and ``failed`` are numbers, ``results`` come in the order of the ids."""

    action: str
    done: int
    failed: int
    results: list[AlertOutcome]


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
    """``total`` is how many the filters find: on the first page, and null above 1,000."""

    alerts: list[Alert]
    total: int | None
    next_cursor: str | None


@routes.get(PREFIX, query=AlertsQuery, answer=Alerts, errors=(404,))
def list_alerts(query: AlertsQuery) -> dict[str, Any]:
    """Alerts: without a filter the unresolved ones, newest first.

    sort: triggeredAt, severity, resolvedAt, duration; a - in front puts the latest, the most
    severe, the longest first. What is not over comes last where an end is asked for. worst: what
    needs somebody first, what another alert explains last. A limited caller gets a 404 for
    servers, tenants, services and rules that it may not know of."""
    wanted = alert_filters.wanted(query, query.sort)
    name = f"alerts:{wanted.sort}"
    after = cursors.unpack(name, query.cursor, float, float, str) if query.cursor else None
    found = current().read.alerts(g.principal.scope, wanted, query.limit, after)
    following = cursors.pack(name, found.last) if found.last else None
    return {"alerts": found.rows, "total": found.total, "nextCursor": following}


@routes.post(f"{PREFIX}/bulk", body=AlertsBulk, answer=AlertsHandled, errors=(404,))
def handle_alerts(body: AlertsBulk) -> dict[str, Any]:
    """Acknowledge, snooze or resolve many alerts at once.

    Each has an outcome of its own, as if it were asked for alone; what can be done is done in one
    transaction."""
    desk, scope, note = current().alerts, g.principal.scope, body.note or ""
    ids = body.ids if body.ids is not None else _found(body)
    if body.action == "acknowledge":
        outcomes = desk.acknowledge_many(ids, acting(), note, scope)
    elif body.action == "resolve":
        outcomes = desk.resolve_many(ids, acting(), note, body.false_positive, scope)
    else:
        until = _end(body.minutes, body.until)
        outcomes = desk.snooze_many(ids, until, acting(), note, scope)
    failed = sum(outcome.refused is not None for outcome in outcomes)
    return {
        "action": body.action,
        "done": len(outcomes) - failed,
        "failed": failed,
        "results": [_outcome(outcome) for outcome in outcomes],
    }


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
    current().alerts.acknowledge(alert_id, acting(), body.note or "", caller.scope)
    return current().read.alert(alert_id, caller.scope)


@routes.post(
    f"{PREFIX}/<alert_id>/resolve", body=Resolution, body_optional=True, answer=Alert, errors=(409,)
)
def resolve_alert(alert_id: str, body: Resolution) -> dict[str, Any]:
    """End an alert.

    While its condition holds it stays so until that has cleared once. 409 when it is resolved."""
    caller = g.principal
    current().alerts.resolve(alert_id, acting(), body.note or "", body.false_positive, caller.scope)
    return current().read.alert(alert_id, caller.scope)


@routes.post(f"{PREFIX}/<alert_id>/snooze", body=Snooze, answer=Alert, errors=(409,))
def snooze_alert(alert_id: str, body: Snooze) -> dict[str, Any]:
    """Be silent about an alert for a while; then it is again what it was.

    409 when it is resolved."""
    caller = g.principal
    current().alerts.snooze(alert_id, body.at, acting(), body.note or "", caller.scope)
    return current().read.alert(alert_id, caller.scope)


@routes.delete(f"{PREFIX}/<alert_id>", errors=(409,))
def delete_alert(alert_id: str) -> None:
    """Take a resolved alert away, with its history.

    409 while it is not resolved."""
    current().alerts.delete(alert_id, acting(), g.principal.scope)


def _end(minutes: float | None, until: datetime | None) -> float:
    """When a snooze ends, in seconds since the epoch."""
    return until.timestamp() if until is not None else time.time() + 60 * (minutes or 0)


def _found(body: AlertsBulk) -> list[str]:
    """The ids of the alerts that the filter finds. Raises ValidationError for too many."""
    wanted = alert_filters.wanted(body.filter) if body.filter else AlertFilter()
    found = current().read.alerts(g.principal.scope, wanted, manage.MOST)
    if found.last is not None:
        raise ValidationError(
            f"The filter finds more than {manage.MOST} alerts; narrow it, or go in steps.",
            [{"field": "filter", "problem": f"may find {manage.MOST} alerts at most"}],
        )
    return [row["id"] for row in found.rows]


def _outcome(outcome: Outcome) -> dict[str, Any]:
    refused = outcome.refused
    return {
        "id": outcome.alert_id,
        "done": refused is None,
        "error": refused.message if refused else None,
        "errorCode": refused.code if refused else None,
    }
