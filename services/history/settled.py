"""What of an answer about the past cannot change any more, in a form that a cache can keep.

A bucket is settled once it ended ``LAG`` seconds ago: the last readings are in by then. What was
replayed later than that is seen when whoever keeps a ``Settled`` makes a new one.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.targets import TargetRow
from services.history.codec import Floats, Ints
from services.history.plan import Plan, plan_for
from services.history.series import Series
from services.history.stored import Retention, Stored

#: Seconds after which the samples of a moment are taken to be complete. Shorter than what rolling
#: up waits, so that an hour with samples after ``until`` is never read from rollups.
LAG = 60
#: Targets whose cells are in memory at once.
AT_ONCE = 1000
#: Names in one statement; SQLite takes some 32,000 parameters at most.
_CHUNK = 5000

#: Whether there is a value, targets by points.
Seen = NDArray[np.bool_]
#: Columns of one length.
Columns = tuple[Floats, Floats, Floats, Floats]


@dataclass(frozen=True, slots=True)
class Settled:
    """The points before ``edge`` of each group of targets (rows of ``ids``), and in ``open`` what
    was known at ``until`` of the time after it. ``weights`` of the targets, where there are."""

    start: int
    step: int
    edge: int
    until: float
    ids: Ints
    groups: tuple[Ints, ...]
    weights: Floats
    courses: tuple[Series, ...]
    open: Columns

    def to_json(self) -> dict[str, Any]:
        """For a cache that keeps JSON."""
        return {
            "start": self.start,
            "step": self.step,
            "edge": self.edge,
            "until": self.until,
            "ids": _text(self.ids),
            "groups": [_text(group) for group in self.groups],
            "weights": _text(self.weights),
            "courses": [[_text(np.array(c, float)) for c in columns(s)] for s in self.courses],
            "open": [_text(column) for column in self.open],
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Settled:
        """The opposite. Raises KeyError, TypeError or ValueError for anything else."""
        courses = tuple(
            Series(None, at.astype(int).tolist(), value.tolist(), low.tolist(), high.tolist())
            for at, value, low, high in (map(_floats, four) for four in found["courses"])
        )
        a, b, c, d = map(_floats, found["open"])
        return cls(
            int(found["start"]), int(found["step"]), int(found["edge"]), float(found["until"]),
            _ints(found["ids"]), tuple(map(_ints, found["groups"])), _floats(found["weights"]),
            courses, (a, b, c, d),
        )  # fmt: skip


def columns(course: Series) -> tuple[list[int], list[float], list[float], list[float]]:
    """A course without the name of its target."""
    return course.at, course.value, course.min, course.max


def _text(values: NDArray[Any]) -> str:
    kind = "<f8" if values.dtype.kind == "f" else "<i8"
    return base64.b64encode(np.ascontiguousarray(values, kind).tobytes()).decode()


def _floats(text: str) -> Floats:
    return np.frombuffer(base64.b64decode(text), "<f8")


def _ints(text: str) -> Ints:
    return np.frombuffer(base64.b64decode(text), "<i8")


def ids_of(session: Session, targets: Sequence[str]) -> dict[str, int]:
    """The row ids of targets that were ever watched."""
    found: dict[str, int] = {}
    for at in range(0, len(targets), _CHUNK):
        chunk = targets[at : at + _CHUNK]
        query = select(TargetRow.key, TargetRow.id).where(TargetRow.key.in_(chunk))
        found.update(session.execute(query).all())
    return found


def rows_of(
    ids: Mapping[str, int], groups: Sequence[Sequence[str]]
) -> tuple[Ints, tuple[Ints, ...]]:
    """Ascending row ids, and the places of each group's targets among them."""
    ordered = np.array(sorted(ids.values()), np.int64)
    place = {target_id: row for row, target_id in enumerate(ordered.tolist())}
    return ordered, tuple(
        np.array(sorted({place[ids[key]] for key in group if key in ids}), np.int64)
        for group in groups
    )


def grid(start: float, end: float, points: int, now: float, keep: Retention, count: int) -> Plan:
    """How a range is answered, from the begin of a point on, so that the first is as whole as the
    others."""
    plan = plan_for(start, end, points, now, keep, count)
    return plan_for(plan.start, plan.start + plan.points * plan.step, plan.points, now, keep, count)


class Tally:
    """Adds up points of targets, of which each counts the same where it has a value."""

    def __init__(self, points: int) -> None:
        self.each, self.many = np.zeros(points), np.zeros(points, np.int64)
        self.low, self.high = np.full(points, np.nan), np.full(points, np.nan)

    def add(self, mean: Floats, low: Floats, high: Floats, seen: Seen, rows: Ints) -> None:
        """Adds some rows of (targets by points)."""
        if not len(rows):
            return
        if len(rows) < len(mean):
            mean, low, high, seen = mean[rows], low[rows], high[rows], seen[rows]
        self.each += np.where(seen, mean, 0.0).sum(axis=0)
        self.many += seen.sum(axis=0)
        self.low = np.fmin(self.low, np.fmin.reduce(low, axis=0))
        self.high = np.fmax(self.high, np.fmax.reduce(high, axis=0))

    def course(self, start: int, step: int, points: int, stored: Stored | None = None) -> Series:
        """The first ``points`` points; the first begins at ``start``."""
        there = np.flatnonzero(self.many[:points])
        low, high = self.low[there], self.high[there]
        mean = np.clip(self.each[there] / self.many[there], low, high)
        columns = [mean, low, high]
        if stored is None or stored.decimals is not None:
            decimals = 4 if stored is None else (stored.decimals or 0) + 2
            columns = [np.round(column, decimals) for column in columns]
        return Series(None, (there * step + start).tolist(), *(c.tolist() for c in columns))


def joined(one: Series, other: Series) -> Series:
    """Two courses, one after the other."""
    return Series(
        one.target,
        one.at + other.at,
        one.value + other.value,
        one.min + other.min,
        one.max + other.max,
    )


def since(course: Series, start: int) -> Series:
    """A course without the points before ``start``."""
    first = int(np.searchsorted(course.at, start))
    if not first:
        return course
    return Series(
        course.target,
        course.at[first:],
        course.value[first:],
        course.min[first:],
        course.max[first:],
    )
