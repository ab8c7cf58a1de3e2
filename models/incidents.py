"""Incidents: alerts with one root cause, and what people wrote about them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Moment


class IncidentRow(Base):
    """Alerts that belong together; ``id`` is that of the first of them, so that forming the same
    incident again makes no second one.

    ``root`` is the target behind it all, ``status`` active, acknowledged or resolved,
    ``merged_into`` the older incident that it turned out to be a part of: then it has no alerts
    of its own, and only its address lives on.
    """

    __tablename__ = "incidents"
    __table_args__ = (
        Index("ix_incidents_started_at_id", "started_at", "id"),
        Index("ix_incidents_resolved_at", "resolved_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    root: Mapped[str] = mapped_column(String(320))
    title: Mapped[str] = mapped_column(String(300))
    severity: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[float] = mapped_column(Moment)
    resolved_at: Mapped[float | None] = mapped_column(Moment)
    merged_into: Mapped[str | None] = mapped_column(String(32))


class IncidentAlert(Base):
    """Which incident an alert belongs to."""

    __tablename__ = "incident_alerts"

    alert_id: Mapped[str] = mapped_column(
        ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True
    )
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)


class IncidentNote(Base):
    """What somebody wrote about an incident."""

    __tablename__ = "incident_notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    at: Mapped[float] = mapped_column(Moment)
    who: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(Text)


class IncidentProgress(Base):
    """One row: the alert, by when it fired and its id, up to which incidents are formed."""

    __tablename__ = "incident_progress"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float] = mapped_column(Moment)
    alert_id: Mapped[str] = mapped_column(String(32))
