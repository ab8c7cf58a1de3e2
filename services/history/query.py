"""What is read of the past: the course of a machine, intervals of status, recent events."""

from __future__ import annotations

import math
from collections import defaultdict, namedtuple
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from models.targets import HostSample, StatusInterval, TargetRow, TargetState
from services.health.status import Judgement
from services.history import ask, samples
from services.history.samples import samples_between
from services.history.series import Point, Series, history, mean
from services.history.stored import HOST
from services.history.uptime import Uptime, uptime
from services.metrics import HOST_METRICS
from services.observation import PLATFORM, Kind, Status

__all__ = [
    "Interval",
    "Point",
    "Series",
    "Uptime",
    "courses",
    "history",
    "intervals",
    "mean",
    "platform_up_since",
    "recent_changes",
    "samples_between",
    "states",
    "uptime",
]

_COLUMNS = ["target_id", "at", *(stored.column or "" for stored in HOST)]
#: A row of a machine; the ORM would take many times as long for the rows of a whole fleet.
Reading: Any = namedtuple("Reading", _COLUMNS)  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Interval:
    """A span of one status of ``target``; ``end`` None means that it still lasts."""

    target: str
    status: Status
    start: float
    end: float | None
    reason: str
    previous: Status | None


def states(session: Session) -> dict[str, Judgement]:
    """The latest stored judgement of every target that has not left, with the last reading of
    each machine: where a new process goes on from."""
    readings = {
        row.target_id: {
            m.name: value
            for m in HOST_METRICS
            if (value := getattr(row, m.column or "")) is not None
        }
        for row in session.execute(last_readings_query())
    }
    rows = session.execute(
        select(TargetRow.key, TargetState)
        .join(TargetState, TargetState.target_id == TargetRow.id)
        .where(TargetRow.removed_at.is_(None))
    )
    return {
        key: Judgement(
            Status(state.status), state.since, state.reason, Status(state.candidate),
            state.streak, state.seen_at, facts=state.facts,
            metrics=readings.get(state.target_id, {}),
        )
        for key, state in rows
    }  # fmt: skip


def last_readings_query() -> Any:
    """The query for the last reading of each machine whose day is not packed yet."""
    newest = (
        select(func.max(HostSample.at))
        .where(HostSample.target_id == TargetRow.id)
        .correlate(TargetRow)
        .scalar_subquery()
    )
    return (
        select(*HostSample.__table__.columns)
        .select_from(TargetRow)
        .join(HostSample, and_(HostSample.target_id == TargetRow.id, HostSample.at == newest))
        .where(TargetRow.kind == Kind.VPS, TargetRow.removed_at.is_(None))
    )


def courses(
    session: Session, keys: Collection[str], start: float, end: float, points: int
) -> dict[str, list[Any]]:
    """The readings of machines from ``start`` to ``end``: for each key ``points`` slots of equal
    length, oldest first, with the last reading in each (columns of ``HostSample`` by name) or None
    where there was none."""
    named = select(TargetRow.id, TargetRow.key).where(TargetRow.key.in_(keys))
    ids = dict(session.execute(named).all())
    found: dict[str, list[Any]] = {key: [None] * points for key in keys}
    width = (end - start) / points
    # Whole seconds, as the column has them: PostgreSQL would not use the index for others.
    rows = ask.rows(session, samples.WIDE, sorted(ids), math.ceil(start), math.ceil(end))
    for row in rows:
        slot = min(int((row[1] - start) / width), points - 1)
        found[ids[row[0]]][slot] = Reading._make(row)
    return found


def intervals(
    session: Session, start: float, end: float, keys: Collection[str] | None = None
) -> Mapping[str, Sequence[Interval]]:
    """The status intervals that touch ``start`` to ``end``, by target, oldest first."""
    found: dict[str, list[Interval]] = defaultdict(list)
    for row, key in session.execute(intervals_query(start, end, keys)):
        found[key].append(_interval(row, key))
    return found


def intervals_query(start: float, end: float, keys: Collection[str] | None) -> Any:
    """The query for intervals and keys. Of a target's intervals it reads those that begin inside
    the range, and the last one before it."""
    earlier = aliased(StatusInterval)
    last_before = (
        select(func.max(earlier.started_at))
        .where(earlier.target_id == TargetRow.id, earlier.started_at <= start)
        .scalar_subquery()
    )
    query = (
        select(StatusInterval, TargetRow.key)
        .select_from(TargetRow)
        .join(
            StatusInterval,
            and_(
                StatusInterval.target_id == TargetRow.id,
                StatusInterval.started_at < end,
                StatusInterval.started_at >= func.coalesce(last_before, start),
            ),
        )
        .where(or_(StatusInterval.ended_at.is_(None), StatusInterval.ended_at > start))
        .order_by(StatusInterval.started_at)
    )
    return query if keys is None else query.where(TargetRow.key.in_(keys))


def recent_changes(session: Session, limit: int) -> list[Interval]:
    """The latest changes of status, newest first; first sights are no changes."""
    rows = session.execute(
        select(StatusInterval, TargetRow.key)
        .join(TargetRow, TargetRow.id == StatusInterval.target_id)
        .where(
            StatusInterval.previous.is_not(None),
            TargetRow.removed_at.is_(None),
            TargetRow.kind != Kind.PLATFORM,
        )
        .order_by(StatusInterval.started_at.desc(), StatusInterval.id.desc())
        .limit(limit)
    )
    return [_interval(row, key) for row, key in rows]


def platform_up_since(session: Session) -> float | None:
    """When the platform last stopped being unhealthy, or was first observed; None before that
    or while it is unhealthy."""
    row = session.execute(
        select(
            func.max(StatusInterval.ended_at).filter(StatusInterval.status == Status.UNHEALTHY),
            func.min(StatusInterval.started_at),
            func.count().filter(
                StatusInterval.status == Status.UNHEALTHY, StatusInterval.ended_at.is_(None)
            ),
        )
        .join(TargetRow, TargetRow.id == StatusInterval.target_id)
        .where(TargetRow.key == PLATFORM)
    ).one()
    return None if row[2] else row[0] or row[1]


def _interval(row: StatusInterval, key: str) -> Interval:
    return Interval(
        key, Status(row.status), row.started_at, row.ended_at, row.reason,
        Status(row.previous) if row.previous else None,
    )  # fmt: skip
