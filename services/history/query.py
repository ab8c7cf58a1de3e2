"""What is read of the past: the course of a machine, intervals of status, recent events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from models.targets import HostSample, StatusInterval, TargetRow, TargetState
from services.health.status import Judgement
from services.history.courses import Courses, courses
from services.history.samples import samples_between
from services.history.series import Point, Series, history, mean
from services.history.uptime import Uptime, uptime
from services.metrics import HOST_METRICS
from services.observation import PLATFORM, Kind, Status

__all__ = [
    "Courses",
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


#: Keys in one statement; SQLite takes some 32,000 parameters at most.
_CHUNK = 5000


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
        select(TargetRow.key, TargetState, StatusInterval.previous)
        .join(TargetState, TargetState.target_id == TargetRow.id)
        .outerjoin(
            StatusInterval,
            (StatusInterval.target_id == TargetRow.id) & StatusInterval.ended_at.is_(None),
        )
        .where(TargetRow.removed_at.is_(None))
    )
    return {
        key: Judgement(
            Status(state.status), state.since, state.reason, Status(state.candidate),
            state.streak, state.seen_at, facts=state.facts,
            previous=Status(previous) if previous else None,
            metrics=readings.get(state.target_id, {}),
        )
        for key, state, previous in rows
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


def intervals(
    session: Session, start: float, end: float, keys: Collection[str] | None = None
) -> Mapping[str, Sequence[Interval]]:
    """The status intervals that touch ``start`` to ``end``, by target (None: of all), oldest
    first."""
    if keys is None:
        keys = session.scalars(select(TargetRow.key)).all()
    asked, found = list(keys), defaultdict[str, list[Interval]](list)
    for at in range(0, len(asked), _CHUNK):
        for row, key in session.execute(intervals_query(start, end, asked[at : at + _CHUNK])):
            found[key].append(_interval(row, key))
    return found


def intervals_query(start: float, end: float, keys: Collection[str]) -> Any:
    """The query for intervals and keys. Of a target's intervals it reads those that begin inside
    the range, and the last one before it."""
    earlier = aliased(StatusInterval)
    last_before = (
        select(func.max(earlier.started_at))
        .where(earlier.target_id == TargetRow.id, earlier.started_at <= start)
        .scalar_subquery()
    )
    return (
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
        .where(
            TargetRow.key.in_(keys),
            or_(StatusInterval.ended_at.is_(None), StatusInterval.ended_at > start),
        )
        .order_by(StatusInterval.started_at, StatusInterval.id)
    )


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
