"""What is remembered of observations and judgements. Rows go into the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.base import Base
from models.targets import HostSample, Sample, StatusInterval, TargetRow, TargetState
from services.health.status import Judgement
from services.metrics import CATALOGUE, HOST_METRICS
from services.observation import Observation, kind_of

_RESPONSE_TIME = CATALOGUE["service.responseTime"].number
_UPTIME = CATALOGUE["service.uptime"].number


def target_ids(session: Session, keys: Iterable[str]) -> dict[str, int]:
    """The row ids of targets, made where they are missing (a dependency that was met for the
    first time)."""
    keys = set(keys)
    stored = select(TargetRow.key, TargetRow.id).where(TargetRow.key.in_(keys))
    found = dict(session.execute(stored).all())
    rows = [TargetRow(key=key, kind=kind_of(key)) for key in sorted(keys - found.keys())]
    session.add_all(rows)
    session.flush()
    return found | {row.key: row.id for row in rows}


def samples(session: Session, observations: Sequence[Observation], ids: Mapping[str, int]) -> None:
    """Stores the readings. One that is already there (same target and second) stays."""
    wide: list[dict[str, Any]] = []
    narrow: list[dict[str, Any]] = []
    for observation in observations:
        place = {"target_id": ids[observation.target], "at": int(observation.at)}
        if observation.metrics:
            values = {m.column or "": observation.metrics.get(m.name) for m in HOST_METRICS}
            wide.append({**place, **values})
        check = observation.check
        if check is not None:
            for number, value in ((_RESPONSE_TIME, check.response_ms), (_UPTIME, check.uptime_s)):
                if value is not None:
                    narrow.append({**place, "metric": number, "value": value})
    _insert(session, HostSample, wide)
    _insert(session, Sample, narrow)


def _insert(session: Session, table: type[Base], rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(insert(table).on_conflict_do_nothing(), rows)


def judgements(
    session: Session,
    changes: Mapping[str, tuple[Judgement | None, Judgement]],
    ids: Mapping[str, int],
) -> None:
    """Stores new judgements (before, after): the state to go on from, and a new interval where
    the status changed."""
    for key, (before, after) in changes.items():
        target_id = ids[key]
        if before is None or _differs(before, after):
            session.merge(
                TargetState(
                    target_id=target_id, status=after.status, since=after.since,
                    reason=after.reason[:500], candidate=after.candidate, streak=after.streak,
                    seen_at=after.seen_at, facts=dict(after.facts),
                )
            )  # fmt: skip
        if after.changed_from(before):
            session.execute(
                update(StatusInterval)
                .where(StatusInterval.target_id == target_id, StatusInterval.ended_at.is_(None))
                .values(ended_at=after.since)
            )
            session.add(
                StatusInterval(
                    target_id=target_id, status=after.status,
                    previous=before.status if before else None, started_at=after.since,
                    reason=after.reason[:500],
                    evidence=dict(after.check.evidence) if after.check else {},
                )
            )  # fmt: skip


def _differs(before: Judgement, after: Judgement) -> bool:
    """Whether a restart would go on differently from the two."""
    return (before.status, before.candidate, before.facts, before.reason) != (
        after.status,
        after.candidate,
        after.facts,
        after.reason,
    ) or (after.candidate is not after.status and before.streak != after.streak)
