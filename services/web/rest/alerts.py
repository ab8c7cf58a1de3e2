"""``/api/admin/alerts``: what is wrong, and who takes care of it."""

from __future__ import annotations

from flask import Blueprint, g, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ConfigDict, Field

from services.container import current
from services.errors import ValidationError
from services.web import body
from services.web.rest import ids

PREFIX = "/api/admin/alerts"
STATUSES = ("active", "acknowledged", "snoozed", "resolved")


class Acknowledgement(BaseModel):
    """What an operator says when taking an alert on."""

    model_config = ConfigDict(extra="forbid", strict=True)

    note: str | None = Field(default=None, max_length=2000)


def add_routes(routes: Blueprint) -> None:
    routes.add_url_rule(PREFIX, "alerts", alerts)
    routes.add_url_rule(f"{PREFIX}/<alert_id>", "alert", alert)
    routes.add_url_rule(
        f"{PREFIX}/<alert_id>/acknowledge", "acknowledge", acknowledge, methods=["POST"]
    )


def alerts() -> ResponseReturnValue:
    """The unresolved alerts, or those of one ``status``; newest first."""
    status = request.args.get("status")
    if status is not None and status not in STATUSES:
        raise ValidationError(f"status must be one of {', '.join(STATUSES)}.")
    return jsonify({"alerts": current().read.alerts(g.principal.scope, status)})


def alert(alert_id: str) -> ResponseReturnValue:
    """One alert with its timeline and notifications."""
    return jsonify(current().read.alert(ids.checked(alert_id), g.principal.scope))


def acknowledge(alert_id: str) -> ResponseReturnValue:
    """Takes an active alert on; the answer is the alert. 409 when it is not active."""
    given = body.check(Acknowledgement, body.read_object(optional=True))
    caller, wanted = g.principal, ids.checked(alert_id)
    current().alerts.acknowledge(wanted, caller.name, given.note or "", caller.scope)
    return jsonify(current().read.alert(wanted, caller.scope))
