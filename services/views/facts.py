"""Figures that only the database knows and that change seldom: each is kept until it may have
changed, so that a body is computed from memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.alerts import AlertRow
from models.database import Database
from models.targets import StatusInterval, TargetRow
from services.health.status import Judgement
from services.history import query
from services.observation import PLATFORM, Status
from services.views.alerts import UNRESOLVED
from services.views.census import Census

#: Seconds that a figure is believed although nothing says that it changed.
BELIEVED = 30.0
UPTIME_SECONDS = 30 * 86400.0
#: Keys in one statement; SQLite takes some 32,000 parameters at most.
_CHUNK = 5000

States = Mapping[str, Judgement]


class Active(NamedTuple):
    """An alert that is neither resolved nor suppressed, and the tenants that it reaches."""

    target: str
    impact: frozenset[str]
    severity: str


class Facts:
    """Safe to be asked from any thread; whoever asks while a figure is read waits for it."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._version = 0
        self._active: tuple[tuple[int, float], list[Active]] | None = None
        self._up_since: dict[frozenset[str] | None, tuple[object, float | None]] = {}
        self._uptime: dict[tuple[str, ...], tuple[float, float, float | None]] = {}

    def changed(self) -> None:
        """Some alert is another than before."""
        self._version += 1

    def forget(self) -> None:
        """The fleet is another than before."""
        with self._lock:
            self._version += 1
            self._up_since.clear()
            self._uptime.clear()

    def active(self) -> Sequence[Active]:
        """The alerts that count as active."""
        with self._lock:
            now, version = self._clock(), self._version
            if self._active is not None:
                (known, read_at), found = self._active
                if known == version and 0 <= now - read_at < BELIEVED:
                    return found
            chosen = select(AlertRow.target, AlertRow.impact, AlertRow.severity).where(
                UNRESOLVED, AlertRow.suppressed_by.is_(None)
            )
            with self._database.read() as session:
                rows = session.execute(chosen).all()
            found = [
                Active(target, frozenset(impact), severity) for target, impact, severity in rows
            ]
            self._active = (version, now), found
            return found

    def up_since(self, census: Census, states: States) -> float | None:
        """When the platform last stopped being unhealthy, or was first observed; None before that
        or while it is unhealthy. A limited caller's platform is the part that it sees: to it the
        rest does not exist, nor when that was down."""
        if census.scope is None:
            platform = states.get(PLATFORM)
            stamp: object = platform and (platform.status, platform.since)
        else:
            keys = [key for key in census.counting if key[0] != "@"]
            known = [state for key in keys if (state := states.get(key))]
            stamp = len(known), sum(state.since for state in known)
        with self._lock:
            kept = self._up_since.get(census.scope)
            if kept is None or kept[0] != stamp:
                with self._database.read() as session:
                    if census.scope is None:
                        since = query.platform_up_since(session)
                    else:
                        rows = [row for part in _chunks(keys) for row in _down(session, part)]
                        firsts = (_first(session, part) for part in _chunks(keys))
                        first = min((at for at in firsts if at is not None), default=None)
                        since = last_together(rows, len(keys), first)
                kept = self._up_since[census.scope] = (stamp, since)
            return kept[1]

    def uptime(self, keys: tuple[str, ...], states: States) -> float | None:
        """Percent of the observed time of the last 30 days in which some targets were not
        unhealthy, all of them taken together; None when nothing was observed."""
        now = self._clock()
        stamp = sum(state.since for key in keys if (state := states.get(key)))
        with self._lock:
            kept = self._uptime.get(keys)
        if kept is not None and kept[0] == stamp and 0 <= now - kept[1] < BELIEVED:
            return kept[2]
        with self._database.read() as session:
            found = query.uptime(session, keys, now - UPTIME_SECONDS, now).values()
        observed = sum(one.observed for one in found)
        down = sum(one.unhealthy for one in found)
        percent = 100 * (1 - down / observed) if observed else None
        with self._lock:
            self._uptime[keys] = (stamp, now, percent)
        return percent


def last_together(
    rows: Iterable[tuple[float, float | None]], count: int, first: float | None
) -> float | None:
    """When ``count`` targets were last unhealthy all at once, from the spans (start, end or None)
    in which each was: the end of that; ``first`` when they never were, None while they are."""
    steps = sorted(
        step
        for start, end in rows
        for step in ((start, 1), *(((end, -1),) if end is not None else ()))
    )
    down, since = 0, first
    for at, step in steps:
        if step < 0 and down == count:
            since = at
        down += step
    return None if count and down == count else since


def _chunks(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[at : at + _CHUNK] for at in range(0, len(keys), _CHUNK)]


def _down(session: Session, keys: Sequence[str]) -> Sequence[Any]:
    return session.execute(
        select(StatusInterval.started_at, StatusInterval.ended_at)
        .join(TargetRow, TargetRow.id == StatusInterval.target_id)
        .where(TargetRow.key.in_(keys), StatusInterval.status == Status.UNHEALTHY)
    ).all()


def _first(session: Session, keys: Sequence[str]) -> float | None:
    return session.scalar(
        select(func.min(StatusInterval.started_at))
        .join(TargetRow, TargetRow.id == StatusInterval.target_id)
        .where(TargetRow.key.in_(keys))
    )
