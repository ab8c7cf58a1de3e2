"""Alerts that are not: for looking at a template before anybody is told by it, and for trying it on
one of which hardly anything is known."""

from __future__ import annotations

from typing import Any

from services.times import iso

_AGO = 720.0


def example(event: str, now: float) -> dict[str, Any]:
    """The body of a message of this kind with all that it can have."""
    body = _alert(event, now)
    if event == "alert.digest":
        second = body | {
            "id": "e" * 32,
            "severity": "warning",
            "title": "CPU of vps-2 at 96 %",
            "message": "Above 80 %, for at least 5 min.",
            "serviceName": None,
            "vpsId": "vps-2",
            "value": 96.2,
            "threshold": 80.0,
            "impact": {"tenants": []},
        }
        third = _alert("alert.resolved", now) | {"id": "f" * 32, "title": "vps-3 does not report"}
        fourth = third | {"id": "c" * 32, "title": "redis on vps-2 is slow", "cameAndWent": True}
        return {"alerts": [body, second, third, fourth]}
    return body


def everything(now: float) -> dict[str, Any]:
    """A body in which each moment is set, so that all that can be read is there."""
    return _alert("alert.resolved", now) | {"snoozedUntil": iso(now)}


def sparse(event: str, now: float) -> dict[str, Any]:
    """The least that a message of this kind can have."""
    body: dict[str, Any] = {
        "id": "0" * 32,
        "severity": "info",
        "status": "resolved" if event == "alert.resolved" else "active",
        "title": "vps-1 does not report",
        "message": "",
        "triggeredAt": iso(now),
        "impact": {"tenants": []},
    }
    return {"alerts": [body]} if event == "alert.digest" else body


def _alert(event: str, now: float) -> dict[str, Any]:
    began = now - _AGO
    taken = event in ("alert.acknowledged", "alert.resolved")
    over = event == "alert.resolved"
    status = "resolved" if over else "acknowledged" if taken else "active"
    return {
        "id": "d" * 32,
        "ruleId": "database-down",
        "ruleName": "Database down",
        "ruleVersion": 3,
        "severity": "critical",
        "status": status,
        "fingerprint": "a" * 64,
        "vpsId": "vps-1",
        "serviceName": "postgres",
        "tenantId": None,
        "title": "postgres on vps-1 is unhealthy",
        "message": "Connection refused, for at least 2 min.",
        "value": "unhealthy",
        "threshold": "unhealthy",
        "expected": None,
        "triggeredAt": iso(began),
        "firedAt": iso(began),
        "acknowledgedAt": iso(began + 300) if taken else None,
        "acknowledgedBy": "alice" if taken else None,
        "snoozedUntil": None,
        "resolvedAt": iso(now) if over else None,
        "resolvedBy": None,
        "resolution": "Recovered: accepts connections." if over else None,
        "escalationLevel": 1 if event == "alert.escalated" else 0,
        "occurrences": 1,
        "flapping": False,
        "suppressedBy": None,
        "withheld": None,
        "falsePositive": None,
        "impact": {"tenants": ["tenant-acme", "tenant-globex"]},
    }
