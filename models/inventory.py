"""What is watched besides the inventory file: servers and tenants that were added in the UI."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, Moment


class InventoryEntry(Base):
    """A server or tenant as it was written, variables and all. One that was taken away keeps its
    row, with ``removed_at``. ``version`` grows with every change of the table: its maximum tells
    whether anything changed."""

    __tablename__ = "inventory_entries"

    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    spec: Mapped[dict[str, Any]] = mapped_column(Json)
    version: Mapped[int] = mapped_column(index=True)
    created_at: Mapped[float] = mapped_column(Moment)
    created_by: Mapped[str] = mapped_column(String(100))
    changed_at: Mapped[float] = mapped_column(Moment)
    changed_by: Mapped[str] = mapped_column(String(100))
    removed_at: Mapped[float | None] = mapped_column(Moment)
