"""When messages are withheld: maintenance windows and silences."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, Moment


class MaintenanceRow(Base):
    """A window in which work is done on part of the fleet. ``spec`` is the window as it goes over
    the wire: schedule, time zone and scope."""

    __tablename__ = "maintenance"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    spec: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[float] = mapped_column(Moment)
    created_by: Mapped[str] = mapped_column(String(100))


class SilenceRow(Base):
    """From ``starts_at`` to ``ends_at`` nobody is told of alerts that all ``matchers`` fit."""

    __tablename__ = "silences"
    __table_args__ = (Index("ix_silences_ends_at", "ends_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    comment: Mapped[str] = mapped_column(String(500))
    matchers: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    starts_at: Mapped[float] = mapped_column(Moment)
    ends_at: Mapped[float] = mapped_column(Moment)
    created_at: Mapped[float] = mapped_column(Moment)
    created_by: Mapped[str] = mapped_column(String(100))
