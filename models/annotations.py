"""What people noted on the time line: deployments, incidents, maintenance."""

from __future__ import annotations

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, Moment


class AnnotationRow(Base):
    """A note on a moment, or on the time from ``at`` to ``until``. Without a server or a tenant it
    is about everything."""

    __tablename__ = "annotations"
    __table_args__ = (Index("ix_annotations_at_id", "at", "id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    at: Mapped[float] = mapped_column(Moment)
    until: Mapped[float | None] = mapped_column(Moment)
    kind: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    vps_id: Mapped[str | None] = mapped_column(String(100))
    tenant_id: Mapped[str | None] = mapped_column(String(100))
    tags: Mapped[list[str]] = mapped_column(Json)
    created_at: Mapped[float] = mapped_column(Moment)
    created_by: Mapped[str] = mapped_column(String(100))
