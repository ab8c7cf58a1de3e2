"""The body of an alert, as the API shows it and a webhook carries it."""

from __future__ import annotations

from typing import Any

from models.alerts import AlertRow
from services.times import iso


def alert_body(alert: AlertRow) -> dict[str, Any]:
    """The fields of CONTRACT.md's alert, without its timeline and notifications."""
    return {
        "id": alert.id,
        "ruleId": alert.rule_id,
        "ruleName": alert.rule_name,
        "ruleVersion": alert.rule_version,
        "severity": alert.severity,
        "status": alert.status,
        "fingerprint": alert.fingerprint,
        "vpsId": alert.vps_id,
        "serviceName": alert.service_name,
        "tenantId": alert.tenant_id,
        "title": alert.title,
        "message": alert.message,
        "value": alert.value,
        "threshold": alert.threshold,
        "expected": alert.expected,
        "triggeredAt": iso(alert.triggered_at),
        "firedAt": iso(alert.fired_at),
        "acknowledgedAt": iso(alert.acknowledged_at),
        "acknowledgedBy": alert.acknowledged_by,
        "snoozedUntil": iso(alert.snoozed_until),
        "resolvedAt": iso(alert.resolved_at),
        "resolvedBy": alert.resolved_by,
        "resolution": alert.resolution,
        "escalationLevel": alert.escalation_level,
        "occurrences": alert.occurrences,
        "flapping": alert.flapping,
        "suppressedBy": alert.suppressed_by,
        "withheld": alert.withheld,
        "falsePositive": alert.false_positive,
        "impact": {"tenants": alert.impact},
    }
