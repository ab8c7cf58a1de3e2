"""The agents on servers: how each is known, and how far each of their streams is stored."""

from __future__ import annotations

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, Moment


class Agent(Base):
    """The agent of one server; only the SHA-256 of its token is kept. ``version`` and ``allows``
    (``restart:backend.service``) are what it last said of itself."""

    __tablename__ = "agents"

    vps_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    enrolled_at: Mapped[float] = mapped_column(Moment)
    enrolled_by: Mapped[str] = mapped_column(String(100))
    revoked_at: Mapped[float | None] = mapped_column(Moment)
    version: Mapped[str] = mapped_column(String(100))
    allows: Mapped[list[str]] = mapped_column(Json)


class AgentStream(Base):
    """A stream of readings: every number up to ``last_seq`` has been dealt with. ``seen_at`` is
    the hub's time of its last report."""

    __tablename__ = "agent_streams"
    __table_args__ = ({"sqlite_with_rowid": False},)

    vps_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    stream: Mapped[str] = mapped_column(String(64), primary_key=True)
    last_seq: Mapped[int] = mapped_column(BigInteger)
    seen_at: Mapped[float] = mapped_column(Moment, index=True)
