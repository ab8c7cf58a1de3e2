"""What is remembered of observations and judgements. Rows go into the caller's transaction.

This is the hot path: plain tuples, one statement a table and batch.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, event, select, update
from sqlalchemy.orm import Session

from models.targets import HostSample, Sample, StatusInterval, TargetRow, TargetState
from services.health.status import Judgement
from services.history import bulk, pending
from services.history.stored import HOST, HOUR, NARROW, find, kept
from services.observation import Observation, kind_of

_RESPONSE_TIME = find("service.responseTime")
_UPTIME = find("service.uptime")
_WIDE = tuple((stored.name, stored.decimals) for stored in HOST)
_WIDE_COLUMNS = ("target_id", "at", *(stored.column or "" for stored in HOST))
_NARROW_COLUMNS = ("target_id", "metric", "at", "value")
_STATE_COLUMNS = (
    "target_id", "status", "since", "reason", "candidate", "streak", "seen_at", "facts",
)  # fmt: skip
_INTERVAL_COLUMNS = (
    "target_id", "status", "previous", "started_at", "ended_at", "reason", "evidence",
)  # fmt: skip
#: Keys in one statement; SQLite takes some 32,000 parameters at most.
_CHUNK = 5000
_END_OPEN = (
    update(StatusInterval.__table__)  # type: ignore[arg-type]
    .where(
        StatusInterval.target_id == bindparam("of"),
        StatusInterval.ended_at.is_(None),
    )
    .values(ended_at=bindparam("then"))
)


class Memory:
    """What a writer need not ask the database again: ids of targets, and which hours of which
    targets are named as pending. It learns when the transaction commits, so one that is rolled
    back teaches nothing. For one thread; savepoints are not for its transactions."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}
        self.hours: dict[int, set[int]] = {}

    def learn(
        self, session: Session, ids: Mapping[str, int], hours: Collection[tuple[int, int]] = ()
    ) -> None:
        """Remembers ids, and the (target id, hour) that were named, once ``session`` commits."""

        def committed(_session: Session) -> None:
            self.ids.update(ids)
            for target_id, hour in hours:
                self.hours.setdefault(hour, set()).add(target_id)

        if ids or hours:
            event.listen(session, "after_commit", committed, once=True)

    def unnamed(self, hours: Iterable[tuple[int, int]], settled: int) -> list[tuple[int, int]]:
        """The (target id, hour) that have to be named: those that are settled each time, others
        when they come for the first time."""
        for hour in [hour for hour in self.hours if hour < settled]:
            del self.hours[hour]
        nobody: set[int] = set()
        return [(t, hour) for t, hour in hours if t not in self.hours.get(hour, nobody)]


def target_ids(
    session: Session, keys: Iterable[str], memory: Memory | None = None
) -> dict[str, int]:
    """The row ids of targets, made where they are missing (a dependency that was met for the
    first time)."""
    keys, known = list(keys), memory.ids if memory else {}
    found = {key: known[key] for key in keys if key in known}
    asked = [key for key in keys if key not in found]
    if not asked:
        return found
    stored = _ids(session, asked)
    if missing := sorted(set(asked) - stored.keys()):
        rows = [(key, str(kind_of(key))) for key in missing]
        bulk.insert(session, TargetRow, ("key", "kind"), rows)
        stored |= _ids(session, missing)
    if memory:
        memory.learn(session, stored)
    return found | stored


def _ids(session: Session, keys: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for at in range(0, len(keys), _CHUNK):
        chunk = keys[at : at + _CHUNK]
        query = select(TargetRow.key, TargetRow.id).where(TargetRow.key.in_(chunk))
        found.update(session.execute(query).all())
    return found


def samples(
    session: Session,
    observations: Sequence[Observation],
    ids: Mapping[str, int],
    memory: Memory | None = None,
) -> None:
    """Stores the readings, each value as precisely as ``stored.DECIMALS`` says. One that is
    already there (same target and second) stays."""
    wide: list[tuple[Any, ...]] = []
    narrow: list[tuple[Any, ...]] = []
    hours: set[tuple[int, int]] = set()
    for observation in observations:
        target_id, at = ids[observation.target], int(observation.at)
        before = len(wide) + len(narrow)
        if observation.metrics:
            _take(observation.metrics, target_id, at, wide, narrow)
        check = observation.check
        if check is not None:
            for stored, value in ((_RESPONSE_TIME, check.response_ms), (_UPTIME, check.uptime_s)):
                if value is not None and (value := kept(value, stored.decimals)) is not None:
                    narrow.append((target_id, stored.number, at, value))
        if len(wide) + len(narrow) > before:
            hours.add((target_id, at // HOUR * HOUR))
    if hours:
        rows(session, wide, narrow, hours, memory)


def _take(
    metrics: Mapping[str, float],
    target_id: int,
    at: int,
    wide: list[tuple[Any, ...]],
    narrow: list[tuple[Any, ...]],
) -> None:
    given = metrics.get
    values = [
        None if (value := given(name)) is None else kept(value, decimals)
        for name, decimals in _WIDE
    ]
    if values.count(None) < len(values):
        wide.append((target_id, at, *values))
    for stored in NARROW:
        value = given(stored.name)
        if value is not None and (value := kept(value, stored.decimals)) is not None:
            narrow.append((target_id, stored.number, at, value))


def rows(
    session: Session,
    wide: Sequence[tuple[Any, ...]],
    narrow: Sequence[tuple[Any, ...]],
    hours: Collection[tuple[int, int]],
    memory: Memory | None = None,
) -> None:
    """Stores rows as they are: wide ones (target id, second, values in the order of
    ``stored.HOST``), narrow ones (target id, metric, second, value), and the (target id, hour) of
    them all."""
    unnamed = list(hours)
    if memory:
        unnamed = memory.unnamed(hours, pending.settled(session))
        memory.learn(session, {}, unnamed)
    bulk.insert(session, HostSample, _WIDE_COLUMNS, wide)
    bulk.insert(session, Sample, _NARROW_COLUMNS, narrow)
    pending.name(session, unnamed)


def judgements(
    session: Session,
    changes: Mapping[str, tuple[Judgement | None, Judgement]],
    ids: Mapping[str, int],
    not_before: float = 0.0,
) -> None:
    """Stores new judgements (before, after): the state to go on from, and a new interval where
    the status changed. ``not_before``: the start of this process after a gap (see
    services.history.alive); what a reading says of the time before it came too late to count."""
    states: list[tuple[Any, ...]] = []
    ends: list[dict[str, Any]] = []
    begun: list[tuple[Any, ...]] = []
    for key, (before, after) in changes.items():
        target_id, reason = ids[key], after.reason[:500]
        if before is None or _differs(before, after):
            states.append(
                (
                    target_id, str(after.status), after.since, reason, str(after.candidate),
                    after.streak, after.seen_at, json.dumps(dict(after.facts)),
                )
            )  # fmt: skip
        if after.changed_from(before):
            since = max(after.since, not_before)
            ends.append({"of": target_id, "then": since})
            begun.append(
                (
                    target_id, str(after.status), str(before.status) if before else None,
                    since, None, reason,
                    json.dumps(dict(after.check.evidence) if after.check else {}),
                )
            )  # fmt: skip
    bulk.insert(session, TargetState, _STATE_COLUMNS, states, "UPDATE")
    if ends:
        session.connection().execute(_END_OPEN, ends)
    bulk.insert(session, StatusInterval, _INTERVAL_COLUMNS, begun)


def _differs(before: Judgement, after: Judgement) -> bool:
    """Whether a restart would go on differently from the two."""
    return (before.status, before.candidate, before.facts, before.reason) != (
        after.status,
        after.candidate,
        after.facts,
        after.reason,
    ) or (after.candidate is not after.status and before.streak != after.streak)
