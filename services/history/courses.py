"""The latest course of many machines at once: the small lines on their cards.

Raw rows alone: a course is short, and a reading counts from the moment it is stored.
"""

from __future__ import annotations

import math
import threading
from collections import namedtuple
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.targets import TargetRow
from services.history import ask
from services.metrics import HOST_METRICS

_COLUMNS = [metric.column or "" for metric in HOST_METRICS if metric.unit == "%"]
#: A row of a machine; the ORM would take many times as long for the rows of a whole fleet.
Reading: Any = namedtuple("Reading", ["target_id", "at", *_COLUMNS])  # type: ignore[misc]

_ROWS = (
    f"SELECT target_id, at, {', '.join(_COLUMNS)} FROM host_samples "  # noqa: S608
    "WHERE target_id = ANY(?) AND at >= ? AND at < ? ORDER BY target_id, at"
)
#: Slots that are read again each time, for what was still on its way; and after how many slots
#: everything is, for what was replayed.
AGAIN, ALL_AGAIN = 3, 5

Found = dict[str, list[Any]]


def courses(
    session: Session, keys: Collection[str], start: float, end: float, points: int
) -> Found:
    """The readings of machines from ``start`` to ``end``: for each key ``points`` slots of equal
    length, oldest first, with the last reading in each (percentages by the name of their column)
    or None where there was none."""
    found: Found = {key: [None] * points for key in keys}
    _fill(session, _ids(session, keys), found, start, start, end, points)
    return found


def _ids(session: Session, keys: Collection[str]) -> dict[int, str]:
    named = select(TargetRow.id, TargetRow.key).where(TargetRow.key.in_(keys))
    return dict(session.execute(named).all())


def _fill(
    session: Session,
    ids: dict[int, str],
    found: Found,
    start: float,
    since: float,
    end: float,
    points: int,
) -> None:
    """Puts the readings from ``since`` on into the slots that begin at ``start``."""
    width = (end - start) / points
    # Whole seconds, as the column has them: PostgreSQL would not use the index for others.
    for row in ask.rows(session, _ROWS, sorted(ids), math.ceil(since), math.ceil(end)):
        slot = min(int((row[1] - start) / width), points - 1)
        found[ids[row[0]]][slot] = Reading._make(row)


@dataclass(slots=True)
class _Kept:
    ids: dict[int, str]
    found: Found
    end: float
    whole_at: float


class Courses:
    """``courses`` for whoever asks again and again for the same machines: only the last slots are
    read each time. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[float, int], _Kept] = {}

    def read(
        self, session: Session, keys: Collection[str], end: float, width: float, points: int
    ) -> Found:
        """The courses until ``end``, a multiple of ``width``: the seconds of a slot. A reading
        that comes more than 3 slots late is seen at most 5 slots later."""
        with self._lock:
            kept = self._kept.get((width, points))
            moved = round((end - kept.end) / width) if kept else -1
            if kept is None or not self._holds(kept, keys, end, moved, width):
                start = end - points * width
                found = courses(session, keys, start, end, points)
                kept = _Kept(_ids(session, keys), found, end, end)
                self._kept[width, points] = kept
            else:
                self._move(session, kept, moved, end, width, points)
            return {key: kept.found[key].copy() for key in keys}

    @staticmethod
    def _holds(kept: _Kept, keys: Collection[str], end: float, moved: int, width: float) -> bool:
        young = moved >= 0 and end - kept.whole_at < ALL_AGAIN * width
        return young and all(key in kept.found for key in keys)

    @staticmethod
    def _move(
        session: Session, kept: _Kept, moved: int, end: float, width: float, points: int
    ) -> None:
        fresh = min(moved + AGAIN, points)
        for row in kept.found.values():
            row[: points - fresh] = row[moved : moved + points - fresh]
            row[points - fresh :] = [None] * fresh
        kept.end = end
        start = end - points * width
        _fill(session, kept.ids, kept.found, start, end - fresh * width, end, points)
