"""Time in which the monitor itself did not run is time in which nothing was observed.

While it runs, the monitor notes now and then that it is alive. When it starts and the last note is
too old, the intervals that were open end at that note, an interval of status unknown fills the gap,
and the last known status goes on from the start: as between any two looks, until the next one or
until silence counts. States and alerts are left as they were, and the gap is no event.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, insert, literal, select, update
from sqlalchemy.orm import Session

from models.database import Database
from models.history import Alive
from models.targets import StatusInterval
from services.history import bulk
from services.observation import Status

#: Seconds between two notes.
EVERY = 10
#: Intervals of collection, and notes, that may be missing before it is a gap.
_INTERVALS, _NOTES = 2, 3
_ONLY = 1
REASON = "the monitor did not run"


def note(database: Database, now: float) -> None:
    """Notes that the monitor runs at ``now`` (seconds since the epoch, UTC)."""
    with database.write() as session:
        _note(session, now)


def resume(session: Session, now: float, interval: float) -> float | None:
    """To be called once at the start, before any status is read or written. ``interval``: seconds
    between two rounds. Returns when the monitor was last alive if there is a gap since then, which
    is now marked as not observed; else None."""
    last = session.scalars(select(Alive.at).where(Alive.id == _ONLY)).one_or_none()
    _note(session, now)
    if last is None or now - last <= max(_INTERVALS * interval, _NOTES * EVERY):
        return None
    for statement in gap_statements(last, now):
        session.execute(statement, execution_options={"synchronize_session": False})
    return last


def gap_statements(start: float, end: float) -> list[Any]:
    """The statements that make the time from ``start`` to ``end`` unknown for each target whose
    latest interval is open and says more. One that began later, in the last seconds before the
    monitor died, is unknown from its begin on."""
    open_ = StatusInterval
    told = (
        open_.ended_at.is_(None),
        open_.started_at < end,
        open_.status != str(Status.UNKNOWN),
    )
    died: ColumnElement[float] = case((open_.started_at > start, open_.started_at), else_=start)
    columns = ("target_id", "status", "started_at", "ended_at", "reason", "evidence")
    unknown = select(
        open_.target_id, literal(str(Status.UNKNOWN)), died, literal(end), literal(REASON),
        literal({}, StatusInterval.evidence.type),
    ).where(*told)  # fmt: skip
    again = select(
        open_.target_id, open_.status, literal(end), open_.ended_at, open_.reason, open_.evidence
    ).where(*told)
    return [
        insert(StatusInterval).from_select(columns, unknown),
        insert(StatusInterval).from_select(columns, again),
        update(StatusInterval).where(*told).values(ended_at=died),
    ]


def _note(session: Session, now: float) -> None:
    bulk.insert(session, Alive, ("id", "at"), [(_ONLY, now)], "UPDATE")
