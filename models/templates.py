"""What messages say where an admin wrote it differently."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, Moment


class TemplateRow(Base):
    """The sources that take the place of the default's, by part (``subject``, ``text``, ...); what
    is not there stays the default's."""

    __tablename__ = "notification_templates"

    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    event: Mapped[str] = mapped_column(String(32), primary_key=True)
    parts: Mapped[dict[str, Any]] = mapped_column(Json)
    updated_at: Mapped[float] = mapped_column(Moment)
    updated_by: Mapped[str] = mapped_column(String(100))
