"""Alerts, the state of each rule per target, and what happened to an alert."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, Moment


class RuleStateRow(Base):
    """Where a rule stands for a target, while it is not inactive."""

    __tablename__ = "rule_states"

    rule_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    target: Mapped[str] = mapped_column(String(320), primary_key=True)
    phase: Mapped[str] = mapped_column(String(16))
    since: Mapped[float] = mapped_column(Moment)
    held: Mapped[float] = mapped_column(Moment)
    seen_at: Mapped[float] = mapped_column(Moment)
    alert_id: Mapped[str | None] = mapped_column(ForeignKey("alerts.id"))


class AlertRow(Base):
    """One trouble of one target under one rule, from firing to resolution."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "uq_alerts_live_fingerprint",
            "fingerprint",
            unique=True,
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
        Index("ix_alerts_resolved_at_triggered_at", "resolved_at", "triggered_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    rule_id: Mapped[str] = mapped_column(String(100))
    rule_name: Mapped[str] = mapped_column(String(200))
    target: Mapped[str] = mapped_column(String(320))
    vps_id: Mapped[str | None] = mapped_column(String(100))
    service_name: Mapped[str | None] = mapped_column(String(200))
    tenant_id: Mapped[str | None] = mapped_column(String(100))
    severity: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(300))
    message: Mapped[str] = mapped_column(Text)
    value: Mapped[Any] = mapped_column(Json)
    threshold: Mapped[Any] = mapped_column(Json)
    triggered_at: Mapped[float] = mapped_column(Moment)
    acknowledged_at: Mapped[float | None] = mapped_column(Moment)
    acknowledged_by: Mapped[str | None] = mapped_column(String(100))
    snoozed_until: Mapped[float | None] = mapped_column(Moment)
    resolved_at: Mapped[float | None] = mapped_column(Moment)
    resolved_by: Mapped[str | None] = mapped_column(String(100))
    resolution: Mapped[str | None] = mapped_column(Text)
    escalation_level: Mapped[int] = mapped_column(default=0)
    occurrences: Mapped[int] = mapped_column(default=1)
    suppressed_by: Mapped[str | None] = mapped_column(String(320))
    impact: Mapped[list[str]] = mapped_column(Json)


class AlertEvent(Base):
    """A line of an alert's timeline: fired, acknowledged, resolved, and why."""

    __tablename__ = "alert_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.id"), index=True)
    at: Mapped[float] = mapped_column(Moment)
    kind: Mapped[str] = mapped_column(String(32))
    actor: Mapped[str | None] = mapped_column(String(100))
    note: Mapped[str] = mapped_column(Text, default="")
