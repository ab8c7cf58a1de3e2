"""What is remembered for long: rollups, packed days, and what still has to be rolled up or packed.

These tables name targets without a foreign key: rows of ``targets`` are never deleted, and the
check would cost as much as the insert.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Moment


class Rollup(Base):
    """A strip of equally long cells (services.history.cells) of one metric of one target.
    ``level`` is the length of a cell in seconds, ``start`` the first second of the strip, and
    ``metric`` its number (services.history.stored). The key begins with the time: new strips
    come at one end of the table, and old ones leave at the other."""

    __tablename__ = "rollups"
    __table_args__ = ({"sqlite_with_rowid": False},)

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    start: Mapped[int] = mapped_column(Integer, primary_key=True)
    metric: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    target_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    cells: Mapped[bytes] = mapped_column(LargeBinary)


class Block(Base):
    """Every sample of one target in the UTC day that begins at ``day``, packed
    (services.history.codec)."""

    __tablename__ = "blocks"

    day: Mapped[int] = mapped_column(Integer, primary_key=True)
    target_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class PendingSpan(Base):
    """An hour (``span`` 3600) that waits to be rolled up, or a day (86400) that waits to be
    packed. ``version`` changes with every batch that adds to the span, so that work which did not
    see the latest sample cannot tick it off."""

    __tablename__ = "pending_spans"
    __table_args__ = (
        Index("ix_pending_spans_span_start", "span", "start"),
        {"sqlite_with_rowid": False},
    )

    target_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    span: Mapped[int] = mapped_column(Integer, primary_key=True)
    start: Mapped[int] = mapped_column(Integer, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)


class Settled(Base):
    """One row: spans that begin before ``until`` may have been rolled up or packed, so whoever
    adds a sample there says so in ``pending_spans`` each time."""

    __tablename__ = "settled"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    until: Mapped[int] = mapped_column(Integer)


class Alive(Base):
    """One row: when the monitor last noted that it runs (services.history.alive)."""

    __tablename__ = "alive"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[float] = mapped_column(Moment)
