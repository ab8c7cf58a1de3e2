"""Why: every decision about an alert, and of a server why no alert stands."""

from __future__ import annotations

import time
from typing import Any

from flask import g

from services.alerts import trace
from services.alerts.rules.sight import Sight
from services.container import current
from services.errors import NotFound
from services.times import iso
from services.web.rest.operation import Answer, Routes

routes = Routes("Traces")


class Decision(Answer):
    at: str
    kind: str
    text: str
    by: str | None


class AlertTrace(Answer):
    alert_id: str
    rule_id: str
    rule_version: int
    decisions: list[Decision]


class Verdict(Answer):
    """``outcome``: clear, pending, active, resolvedByHand, noValue, failed, paused, disabled or
    outOfScope."""

    rule_id: str
    rule_name: str
    target: str
    label: str
    outcome: str
    text: str
    alert_id: str | None


class VpsTrace(Answer):
    vps_id: str
    verdicts: list[Verdict]


@routes.get("/api/admin/alerts/<alert_id>/trace", answer=AlertTrace)
def trace_alert(alert_id: str) -> dict[str, Any]:
    """Every decision about an alert: when, what and why."""
    services, scope = current(), g.principal.scope
    alert = services.read.alert(alert_id, scope)
    with services.database.read() as session:
        found = trace.decisions(session, alert_id, guarded=scope is not None)
    return {
        "alertId": alert_id,
        "ruleId": alert["ruleId"],
        "ruleVersion": alert["ruleVersion"],
        "decisions": [
            {"at": iso(one.at), "kind": one.kind, "text": one.text, "by": one.who} for one in found
        ],
    }


@routes.get("/api/admin/health/vps/<vps_id>/trace", answer=VpsTrace)
def trace_vps(vps_id: str) -> dict[str, Any]:
    """Where every rule stands for everything on a server, and why there is an alert or none."""
    services, scope = current(), g.principal.scope
    fleet = services.read.fleet()
    if vps_id not in fleet.vps or not services.read.sees(vps_id, scope):
        raise NotFound(f"there is no VPS '{vps_id}'")
    found = trace.verdicts(
        services.engine, services.rules.book, fleet, services.board.snapshot(), vps_id,
        time.time(), guarded=scope is not None,
    )  # fmt: skip
    sight = Sight.of(fleet, scope)
    return {
        "vpsId": vps_id,
        "verdicts": [
            {
                "ruleId": one.rule.id, "ruleName": one.rule.name, "target": one.target,
                "label": fleet.label(one.target), "outcome": one.outcome, "text": one.text,
                "alertId": one.alert_id,
            }
            for one in found
            if services.read.sees(one.target, scope) and sight.sees(one.rule)
        ],
    }  # fmt: skip
