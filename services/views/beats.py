"""Heartbeats of the types of services over a day, a week or a quarter, read at most so often.

Of a large fleet that takes a moment: whoever asks is given the last ones, and the next ones are
read meanwhile.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import structlog

from models.database import Database
from services.history import query
from services.history.availability import Slice, availability, slices
from services.identity import Scope

log = structlog.get_logger(__name__)

Beats = tuple[list[Slice], float | None]
#: The keys of the instances of each type of service.
Groups = Mapping[str, Sequence[str]]


class Span(NamedTuple):
    """How far heartbeats reach back, and how many seconds they may lag behind: ``calm`` while no
    status changes, ``moving`` otherwise."""

    seconds: float
    slices: int
    calm: float
    moving: float


DAY = 86400.0
USUAL = "24h"
#: A slice is half an hour, three hours, a day (of UTC).
SPANS: Mapping[str, Span] = {
    USUAL: Span(DAY, 48, 30, 0),
    "7d": Span(7 * DAY, 56, 120, 15),
    "90d": Span(90 * DAY, 90, 600, 60),
}
#: Of more instances than this they are read meanwhile, and a change may be seen so many seconds
#: later.
MANY, LATER = 500, 10.0
#: Answers that are held at the same time.
MOST = 300


Stamp = tuple[float, tuple[str, ...]]


class _Held(NamedTuple):
    made_at: float
    stamp: Stamp
    found: dict[str, Beats]


class Heartbeats:
    """Safe to be asked from any thread; whoever asks for the first ones waits for them."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[tuple[Scope, str], _Held] = {}
        self._reading: set[tuple[Scope, str]] = set()

    def forget(self) -> None:
        """The fleet is another than before."""
        with self._lock:
            self._held = {}

    def of(self, groups: Groups, scope: Scope, span: str, moved: float) -> Mapping[str, Beats]:
        """The slices of each type and its availability (percent, None: not observed) over
        ``span``, a key of SPANS. ``moved``: when a status last changed."""
        key, now, stamp = (scope, span), self._clock(), (moved, tuple(groups))
        many = sum(len(keys) for keys in groups.values()) > MANY
        with self._lock:
            held = self._held.get(key)
            known = held is not None and all(type_ in held.found for type_ in groups)
            if held is None or not known:
                return self._keep(key, groups, stamp, now)
            over, age = SPANS[span], now - held.made_at
            moving = max(over.moving, LATER) if many else over.moving
            if 0 <= age < (over.calm if held.stamp == stamp else moving):
                return held.found
            if not many:
                return self._keep(key, groups, stamp, now)
            if key not in self._reading:
                self._reading.add(key)
                reading = (key, groups, stamp, now)
                threading.Thread(target=self._meanwhile, args=reading, daemon=True).start()
            return held.found

    def _keep(
        self, key: tuple[Scope, str], groups: Groups, stamp: Stamp, now: float
    ) -> dict[str, Beats]:
        found = self._read(groups, SPANS[key[1]], now)
        if len(self._held) >= MOST:
            self._held = {}
        self._held[key] = _Held(now, stamp, found)
        return found

    def _meanwhile(self, key: tuple[Scope, str], groups: Groups, stamp: Stamp, now: float) -> None:
        try:
            self._keep(key, groups, stamp, now)
        except Exception:
            log.exception("heartbeats_not_read")
        finally:
            self._reading.discard(key)

    def _read(self, groups: Groups, over: Span, now: float) -> dict[str, Beats]:
        width = over.seconds / over.slices
        end = math.ceil(now / width) * width
        start = end - over.seconds
        keys = [key for group in groups.values() for key in group]
        with self._database.read() as session:
            found = query.intervals(session, start, now, keys)
        beats = {}
        for type_, group in groups.items():
            own = {key: found.get(key, ()) for key in group}
            beats[type_] = (slices(own, start, end, over.slices), availability(own, start, now))
        return beats
