"""What is watched and how it is: targets, their state, and when the state changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, Moment


class TargetRow(Base):
    """A target under its key (see services.observation). What leaves the inventory keeps its
    row, and so its history, with ``removed_at``."""

    __tablename__ = "targets"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(320), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    removed_at: Mapped[float | None] = mapped_column(Moment)


class TargetState(Base):
    """The latest judgement of a target, enough to go on after a restart."""

    __tablename__ = "target_states"

    target_id: Mapped[int] = mapped_column(ForeignKey("targets.id"), primary_key=True)
    status: Mapped[str] = mapped_column(String(16))
    since: Mapped[float] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(String(500))
    candidate: Mapped[str] = mapped_column(String(16))
    streak: Mapped[int]
    seen_at: Mapped[float] = mapped_column(Moment)
    facts: Mapped[dict[str, Any]] = mapped_column(Json)


class StatusInterval(Base):
    """A span of one status of one target; its start is the event that a reader sees."""

    __tablename__ = "status_intervals"
    __table_args__ = (
        Index("ix_status_intervals_target_id_started_at", "target_id", "started_at"),
        # First sights and gaps are no changes; after a restart there are many of them.
        Index(
            "ix_status_intervals_changes",
            "started_at",
            "id",
            sqlite_where=text("previous IS NOT NULL"),
            postgresql_where=text("previous IS NOT NULL"),
        ),
        Index(
            "ix_status_intervals_open",
            "target_id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("targets.id"))
    status: Mapped[str] = mapped_column(String(16))
    previous: Mapped[str | None] = mapped_column(String(16))
    started_at: Mapped[float] = mapped_column(Moment)
    ended_at: Mapped[float | None] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(String(500))
    evidence: Mapped[dict[str, Any]] = mapped_column(Json)


class HostSample(Base):
    """One reading of a machine: a wide row, one column a metric (services.metrics names them)."""

    __tablename__ = "host_samples"
    __table_args__ = ({"sqlite_with_rowid": False},)

    target_id: Mapped[int] = mapped_column(ForeignKey("targets.id"), primary_key=True)
    at: Mapped[int] = mapped_column(Integer, primary_key=True)
    cpu: Mapped[float | None]
    memory: Mapped[float | None]
    memory_used: Mapped[float | None]
    memory_total: Mapped[float | None]
    disk: Mapped[float | None]
    disk_used: Mapped[float | None]
    disk_total: Mapped[float | None]
    load: Mapped[float | None]
    network_in: Mapped[float | None]
    network_out: Mapped[float | None]


class Sample(Base):
    """One value of any other metric: a narrow row, ``metric`` is its number in the catalogue."""

    __tablename__ = "samples"
    __table_args__ = ({"sqlite_with_rowid": False},)

    target_id: Mapped[int] = mapped_column(ForeignKey("targets.id"), primary_key=True)
    metric: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[int] = mapped_column(Integer, primary_key=True)
    value: Mapped[float]
