"""What people asked of servers, and how it went."""

from __future__ import annotations

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Moment


class Job(Base):
    """One command for one agent. ``state``: queued, sent, running, done, failed or expired.
    ``unit`` is a systemd unit, or ``container:NAME``; ``lines`` is for logs."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_vps_id_state", "vps_id", "state"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    vps_id: Mapped[str] = mapped_column(String(100))
    service: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(16))
    unit: Mapped[str] = mapped_column(String(300))
    lines: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), index=True)
    output: Mapped[str] = mapped_column(Text)
    exit_code: Mapped[int | None]
    requested_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[float] = mapped_column(Moment)
    expires_at: Mapped[float] = mapped_column(Moment)
    sent_at: Mapped[float | None] = mapped_column(Moment)
    started_at: Mapped[float | None] = mapped_column(Moment)
    finished_at: Mapped[float | None] = mapped_column(Moment, index=True)
