"""Who can be told, as it was written in the UI."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, Moment


class AlertConfig(Base):
    """Contacts, groups and rotations as they were from ``at`` on: every version stays, the largest
    holds. ``spec`` has no secret in it. ``sealed`` has them by the contact's name and the field,
    encrypted, in the version that holds; earlier ones have none."""

    __tablename__ = "alert_configs"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    spec: Mapped[dict[str, Any]] = mapped_column(Json)
    sealed: Mapped[dict[str, Any]] = mapped_column(Json)
    at: Mapped[float] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(String(100))
