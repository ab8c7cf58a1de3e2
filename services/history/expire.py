"""Forgetting: what is older than its retention goes, a few rows a transaction."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from models.database import Database
from models.history import Block, Rollup
from services.history.cells import LEVELS, STRIP
from services.history.stored import DAY, Retention

#: Rows that one transaction deletes at most, roughly; a block lies on several pages.
STRIPS, BLOCKS = 5_000, 500


def expire(
    database: Database,
    now: float,
    *,
    keep: Retention | None = None,
    seconds: float = 5.0,
    rest: Callable[[float], None] = time.sleep,
) -> int:
    """Deletes the strips and blocks that end before their retention at ``now`` (seconds since the
    epoch) and returns how many. ``seconds`` and ``rest`` as in ``roll_up``. Raw rows need no
    look: they leave when they are packed."""
    keep = keep or Retention()
    deadline = time.monotonic() + seconds
    gone = 0
    for level in LEVELS:
        before = int(now - keep.level(level)) - STRIP[level]
        where = (Rollup.level == level,)
        gone += _clear(database, Rollup, Rollup.start, where, before, STRIPS, deadline, rest)
    before = int(now - keep.blocks_days * DAY) - DAY
    return gone + _clear(database, Block, Block.day, (), before, BLOCKS, deadline, rest)


def _clear(
    database: Database,
    table: type[Rollup] | type[Block],
    begin: Any,
    where: tuple[Any, ...],
    before: int,
    size: int,
    deadline: float,
    rest: Callable[[float], None],
) -> int:
    gone = 0
    while time.monotonic() < deadline:
        began = time.monotonic()
        with database.write() as session:
            found = _delete_some(session, table, begin, where, before, size)
        rest(time.monotonic() - began)
        if found is None:
            break
        gone += found
    return gone


def _delete_some(
    session: Session,
    table: type[Rollup] | type[Block],
    begin: Any,
    where: tuple[Any, ...],
    before: int,
    size: int,
) -> int | None:
    """Deletes from the oldest span, up to a target; None when nothing is old enough."""
    oldest = session.scalar(select(func.min(begin)).where(*where))
    if oldest is None or oldest > before:
        return None
    of_span = (*where, begin == oldest)
    last = session.scalar(
        select(table.target_id).where(*of_span).order_by(table.target_id).offset(size).limit(1)
    )
    if last is not None:
        of_span = (*of_span, table.target_id <= last)
    result: Any = session.execute(
        delete(table).where(*of_span), execution_options={"synchronize_session": False}
    )
    return int(result.rowcount)
