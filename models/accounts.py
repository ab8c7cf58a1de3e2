"""What tenants were promised, by what they were judged, and their monthly reports."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Double, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, Moment


class TenantTerms(Base):
    """What a tenant was promised from ``since`` to ``until`` (None: it still is): its name, the
    ``target`` in percent, and the ``policy`` by which its time is counted."""

    __tablename__ = "tenant_terms"
    __table_args__ = (
        Index(
            "uq_tenant_terms_open",
            "tenant_id",
            unique=True,
            sqlite_where=text("until IS NULL"),
            postgresql_where=text("until IS NULL"),
        ),
    )

    tenant_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    since: Mapped[float] = mapped_column(Moment, primary_key=True)
    until: Mapped[float | None] = mapped_column(Moment)
    name: Mapped[str] = mapped_column(String(200))
    target: Mapped[float] = mapped_column(Double)
    policy: Mapped[dict[str, Any]] = mapped_column(Json)


class TenantMember(Base):
    """A target by which a tenant was judged from ``since`` to ``until`` (None: it still is): one of
    its applications, or something on a server that carried it."""

    __tablename__ = "tenant_members"
    __table_args__ = (
        Index(
            "uq_tenant_members_open",
            "tenant_id",
            "target",
            unique=True,
            sqlite_where=text("until IS NULL"),
            postgresql_where=text("until IS NULL"),
        ),
    )

    tenant_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    target: Mapped[str] = mapped_column(String(320), primary_key=True)
    since: Mapped[float] = mapped_column(Moment, primary_key=True)
    until: Mapped[float | None] = mapped_column(Moment)


class SlaReport(Base):
    """A tenant's report on a month (``2026-11``, UTC) as it was made: ``body`` has the figures and
    the policy of that time. One that is made again gets another ``version`` with the ``reason``;
    the former ones stay."""

    __tablename__ = "sla_reports"

    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    made_at: Mapped[float] = mapped_column(Moment)
    made_by: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(String(500))
    body: Mapped[dict[str, Any]] = mapped_column(Json)
    downtimes: Mapped[list[dict[str, Any]]] = mapped_column(Json)
