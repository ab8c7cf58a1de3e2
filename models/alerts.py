"""Rules and their versions, the state of each rule per target, alerts, and what became of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, event, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, Moment


class RuleRow(Base):
    """A rule in force that can be changed here; those of the inventory file are not among them.
    ``spec`` is the rule as it goes over the wire."""

    __tablename__ = "rules"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    version: Mapped[int]
    spec: Mapped[dict[str, Any]] = mapped_column(Json)
    updated_at: Mapped[float] = mapped_column(Moment)
    updated_by: Mapped[str] = mapped_column(String(100))


class RuleVersion(Base):
    """What a rule was from ``at`` on, those of the inventory file included. ``spec`` None: it was
    taken away. Versions count on when a rule of that id returns."""

    __tablename__ = "rule_versions"

    rule_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    spec: Mapped[dict[str, Any] | None] = mapped_column(Json)
    at: Mapped[float] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(String(100))


class RuleStateRow(Base):
    """Where a rule stands for a target, while it is not inactive or its latest alert is still
    remembered (services.alerts.evaluate.RuleState)."""

    __tablename__ = "rule_states"

    rule_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    target: Mapped[str] = mapped_column(String(320), primary_key=True)
    phase: Mapped[str] = mapped_column(String(16))
    since: Mapped[float] = mapped_column(Moment)
    held: Mapped[float] = mapped_column(Moment)
    seen_at: Mapped[float] = mapped_column(Moment)
    clear: Mapped[float | None] = mapped_column(Moment)
    ended_at: Mapped[float | None] = mapped_column(Moment)
    firings: Mapped[list[float]] = mapped_column(Json)
    alert_id: Mapped[str | None] = mapped_column(ForeignKey("alerts.id"))


class DetectorRow(Base):
    """What the anomaly detector of a rule has learned of a target, up to ``at``."""

    __tablename__ = "detectors"

    rule_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    target: Mapped[str] = mapped_column(String(320), primary_key=True)
    at: Mapped[float] = mapped_column(Moment)
    state: Mapped[bytes] = mapped_column(LargeBinary)


class AlertRow(Base):
    """One trouble of one target under one rule, from firing to resolution.

    ``triggered_at`` is the first firing, ``fired_at`` the latest: an alert that was reopened has
    had several. ``told_at``: when somebody was first told of the latest firing, ``retold_at``: when
    last again, by a step of the escalation or a reminder; ``withheld``: why nobody was, with its
    reason in words before it (``maintenance: ...``); ``snoozed_from``: the status to which the end
    of a snooze returns. ``expected`` is what an anomaly's detector
    expected: ``{value, lower, upper}``. ``caused_by``: what explained it first, also when that is
    over; ``search``: what lists search; ``lasted``: seconds from the first
    firing to the end.
    """

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
        Index("ix_alerts_triggered_at", "triggered_at"),
        Index("ix_alerts_rule_id_triggered_at", "rule_id", "triggered_at"),
        Index("ix_alerts_vps_id_triggered_at", "vps_id", "triggered_at"),
        Index("ix_alerts_service_name_triggered_at", "service_name", "triggered_at"),
        Index("ix_alerts_tenant_id_triggered_at", "tenant_id", "triggered_at"),
        Index("ix_alerts_severity_triggered_at", "severity", "triggered_at"),
        Index(
            "ix_alerts_false_positive",
            "triggered_at",
            sqlite_where=text("false_positive IS NOT NULL"),
            postgresql_where=text("false_positive IS NOT NULL"),
        ),
        Index(
            "ix_alerts_reopened",
            "fired_at",
            sqlite_where=text("occurrences > 1"),
            postgresql_where=text("occurrences > 1"),
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    rule_id: Mapped[str] = mapped_column(String(100))
    rule_name: Mapped[str] = mapped_column(String(200))
    rule_version: Mapped[int] = mapped_column(default=1)
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
    expected: Mapped[dict[str, float] | None] = mapped_column(Json)
    triggered_at: Mapped[float] = mapped_column(Moment)
    fired_at: Mapped[float] = mapped_column(
        Moment, default=lambda context: context.get_current_parameters()["triggered_at"]
    )
    told_at: Mapped[float | None] = mapped_column(Moment)
    retold_at: Mapped[float | None] = mapped_column(Moment)
    withheld: Mapped[str | None] = mapped_column(String(500))
    acknowledged_at: Mapped[float | None] = mapped_column(Moment)
    acknowledged_by: Mapped[str | None] = mapped_column(String(100))
    snoozed_until: Mapped[float | None] = mapped_column(Moment)
    snoozed_from: Mapped[str | None] = mapped_column(String(16))
    resolved_at: Mapped[float | None] = mapped_column(Moment)
    resolved_by: Mapped[str | None] = mapped_column(String(100))
    resolution: Mapped[str | None] = mapped_column(Text)
    escalation_level: Mapped[int] = mapped_column(default=0)
    occurrences: Mapped[int] = mapped_column(default=1)
    flapping: Mapped[bool] = mapped_column(default=False)
    false_positive: Mapped[bool | None]
    suppressed_by: Mapped[str | None] = mapped_column(String(320))
    caused_by: Mapped[str | None] = mapped_column(String(320))
    impact: Mapped[list[str]] = mapped_column(Json)
    search: Mapped[str] = mapped_column(Text, default="", server_default="")
    lasted: Mapped[float | None] = mapped_column(Moment, index=True)


#: Bytes of ``search``, which SQLite reads through.
MOST_SEARCHED = 2000


def searched(target: str, title: str, rule_name: str, message: str) -> str:
    """The text in which lists look for words, whatever their case."""
    whole = "\n".join((target, title, rule_name, message)).casefold()
    return whole.encode(errors="ignore")[:MOST_SEARCHED].decode(errors="ignore")


@event.listens_for(AlertRow, "before_insert")
@event.listens_for(AlertRow, "before_update")
def _keep_what_is_derived(_mapper: object, _connection: object, row: AlertRow) -> None:
    row.search = searched(row.target, row.title, row.rule_name, row.message)
    row.caused_by = row.caused_by or row.suppressed_by
    row.lasted = None if row.resolved_at is None else row.resolved_at - row.triggered_at


#: Kinds of decisions whose reason may name other tenants and servers.
SPEAKS_OF_OTHERS = frozenset({"withheld", "told", "raised", "escalated"})


class AlertEvent(Base):
    """A decision about an alert, with its reason: fired, withheld, acknowledged, resolved..."""

    __tablename__ = "alert_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.id"), index=True)
    at: Mapped[float] = mapped_column(Moment)
    kind: Mapped[str] = mapped_column(String(32))
    actor: Mapped[str | None] = mapped_column(String(100))
    note: Mapped[str] = mapped_column(Text, default="")
