"""The rules that a new installation starts with: the specification's three, and disk, service
down and VPS not reporting. They go to the installation's own contacts."""

from __future__ import annotations

from typing import Any

from services.rule import Rule


def _rule(
    id: str, name: str, severity: str, metric: str, operator: str, value: float | str,
    duration: float, channels: tuple[str, ...], escalate_after: float | None = None, **scope: Any,
) -> Rule:  # fmt: skip
    return Rule.model_validate(
        {
            "id": id,
            "name": name,
            "severity": severity,
            "condition": {
                "metric": metric, "operator": operator, "value": value, "duration": duration,
            },
            "notification": {
                "channels": ("inApp", "webhook", *channels), "escalateAfter": escalate_after,
            },
            "scope": scope,
        }
    )  # fmt: skip


DEFAULT_RULES: tuple[Rule, ...] = (
    _rule(
        "db-connection-failure", "Database Connection Failure", "critical",
        "database.status", "equals", "unhealthy", 60, ("email", "sms"), 300,
    ),
    _rule(
        "high-memory-usage", "High Memory Usage", "warning",
        "system.memory.usedPercent", "greaterThan", 85, 300, ("email",),
    ),
    _rule(
        "api-response-time", "Slow API Response Time", "warning",
        "api.averageResponseTime", "greaterThan", 1000, 180, ("email",),
    ),
    _rule(
        "high-disk-usage", "High Disk Usage", "warning",
        "system.disk.usedPercent", "greaterThan", 85, 600, ("email",),
    ),
    _rule(
        "service-down", "Service Down", "critical",
        "service.status", "equals", "unhealthy", 120, ("email", "sms"), 600,
        exceptTypes=("database", "postgres", "postgresql", "mysql", "db"),
    ),
    _rule(
        "vps-not-reporting", "VPS Not Reporting", "critical",
        "vps.reporting", "equals", "silent", 0, ("email", "sms"), 600,
    ),
)  # fmt: skip
