"""Uptime from status intervals: how long a target was what, not how many samples were good."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from models.targets import StatusInterval, TargetRow
from services.observation import Status

#: Keys in one statement; SQLite takes some 32,000 parameters at most.
_CHUNK = 5000


@dataclass(frozen=True, slots=True)
class Uptime:
    """Seconds that a target spent in each status. Unknown time was not observed: it counts
    neither for nor against."""

    healthy: float = 0.0
    degraded: float = 0.0
    unhealthy: float = 0.0
    unknown: float = 0.0

    @property
    def observed(self) -> float:
        return self.healthy + self.degraded + self.unhealthy

    @property
    def percent(self) -> float | None:
        """The share of the observed time in which it was not unhealthy; None when there is
        none."""
        return 100 * (1 - self.unhealthy / self.observed) if self.observed else None


def uptime(
    session: Session, targets: Sequence[str], start: float, end: float
) -> Mapping[str, Uptime]:
    """The uptime of each target from ``start`` to ``end`` (seconds since the epoch, UTC; not in
    the future: an interval that still lasts goes to ``end``)."""
    seconds: dict[str, dict[str, float]] = defaultdict(dict)
    for at in range(0, len(targets), _CHUNK):
        rows = session.execute(uptime_query(targets[at : at + _CHUNK], start, end))
        for key, status, length in rows:
            seconds[key][str(Status(status))] = length
    return {key: Uptime(**seconds.get(key, {})) for key in targets}


def uptime_query(targets: Sequence[str], start: float, end: float) -> Any:
    """The query for (key, status, seconds). Of a target's intervals it reads those that begin
    inside the range, and the last one before it."""
    earlier = aliased(StatusInterval)
    last_before = (
        select(func.max(earlier.started_at))
        .where(earlier.target_id == TargetRow.id, earlier.started_at <= start)
        .scalar_subquery()
    )
    interval = StatusInterval
    ended = func.coalesce(interval.ended_at, end)
    first = case((interval.started_at > start, interval.started_at), else_=start)
    length = case((ended < end, ended), else_=end) - first
    return (
        select(TargetRow.key, interval.status, func.sum(case((length > 0, length), else_=0.0)))
        .join(
            interval,
            and_(
                interval.target_id == TargetRow.id,
                interval.started_at < end,
                interval.started_at >= func.coalesce(last_before, start),
            ),
        )
        .where(
            TargetRow.key.in_(targets), or_(interval.ended_at.is_(None), interval.ended_at > start)
        )
        .group_by(TargetRow.key, interval.status)
    )
