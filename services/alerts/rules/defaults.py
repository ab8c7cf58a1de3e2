"""The rules that a new installation starts with. Their figures are the specification's where it
has them (the first three) and those of its operators elsewhere. They go to the installation's own
contacts."""

from __future__ import annotations

from typing import Any

from services.metrics import TYPES
from services.rule import Rule

#: Types of services whose failure has a rule of its own, so that it is told once.
_OF_THEIR_OWN = ("database", "redis", "s3")


def _rule(
    id: str, name: str, severity: str, condition: tuple[str, str, float | str, float],
    channels: tuple[str, ...], escalate_after: float | None = None,
    clear_value: float | None = None, keep_firing_for: float = 0, **scope: Any,
) -> Rule:  # fmt: skip
    metric, operator, value, duration = condition
    return Rule.model_validate(
        {
            "id": id,
            "name": name,
            "severity": severity,
            "condition": {
                "metric": metric, "operator": operator, "value": value, "duration": duration,
                "clearValue": clear_value,
            },
            "notification": {
                "channels": ("inApp", "webhook", *channels), "escalateAfter": escalate_after,
            },
            "scope": scope,
            "keepFiringFor": keep_firing_for,
        }
    )  # fmt: skip


DEFAULT_RULES: tuple[Rule, ...] = (
    _rule(
        "db-connection-failure", "Database Connection Failure", "critical",
        ("database.status", "equals", "unhealthy", 60), ("email", "sms"), 300,
    ),
    _rule(
        "high-memory-usage", "High Memory Usage", "warning",
        ("system.memory.usedPercent", "greaterThan", 85, 300), ("email",),
    ),
    _rule(
        "api-response-time", "Slow API Response Time", "warning",
        ("api.averageResponseTime", "greaterThan", 1000, 180), ("email",),
    ),
    # A load around the limit is one trouble, not one for each time that it crosses it.
    _rule(
        "high-cpu-usage", "High CPU Usage", "warning",
        ("system.cpu.usage", "greaterThan", 90, 300), ("email",),
        clear_value=80, keep_firing_for=60,
    ),
    _rule(
        "high-disk-usage", "High Disk Usage", "warning",
        ("system.disk.usedPercent", "greaterThan", 85, 600), ("email",), clear_value=83,
    ),
    _rule(
        "redis-connection-failure", "Redis Connection Failure", "critical",
        ("redis.status", "equals", "unhealthy", 120), ("email", "sms"),
    ),
    _rule(
        "s3-connection-failure", "S3 Connection Failure", "critical",
        ("s3.status", "equals", "unhealthy", 120), ("email", "sms"),
    ),
    _rule(
        "service-down", "Service Down", "critical",
        ("service.status", "equals", "unhealthy", 120), ("email", "sms"), 600,
        exceptTypes=sorted(name for of in _OF_THEIR_OWN for name in TYPES[of]),
    ),
    _rule(
        "vps-not-reporting", "VPS Not Reporting", "critical",
        ("vps.reporting", "equals", "silent", 0), ("email", "sms"), 600,
    ),
)  # fmt: skip
