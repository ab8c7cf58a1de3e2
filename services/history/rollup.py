"""Rolling up: closed hours of samples become cells of a minute, ten minutes and an hour.

An hour is rolled up from all of its samples, whenever it is pending: the first time soon after it
has ended, and again when replayed observations came late. Doing it twice gives the same.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from models.database import Database
from models.history import Rollup
from services.history import ask, bulk, cells, pending, samples
from services.history.cells import CELLS, LEVELS, STRIP, Cells
from services.history.codec import Floats, Ints
from services.history.pending import Span
from services.history.stored import HOST, HOUR, NARROW, Retention, Stored

#: Seconds after its end until an hour is rolled up, so that the last readings are in.
GRACE = 120
#: Strips of one level that one transaction writes at most, and hours looked up at once.
SLICE = 250
AHEAD = 10_000

_COLUMNS = ("level", "start", "metric", "target_id", "cells")
_STRIPS = (
    "SELECT target_id, metric, cells FROM rollups "
    "WHERE level = ? AND start = ? AND metric = ANY(?) AND target_id = ANY(?)"
)

#: (target id, metric) and its 60 cells of a minute, for one hour.
_Minutes = tuple[list[tuple[int, int]], Cells]


def roll_up(
    database: Database,
    now: float,
    *,
    keep: Retention | None = None,
    seconds: float = 5.0,
    rest: Callable[[float], None] = time.sleep,
) -> int:
    """Rolls up the hours that are due at ``now`` (seconds since the epoch) and returns how many
    (target, hour) are done. Ends after about ``seconds``; the next call goes on. Each transaction
    is short, and ``rest`` is called between two of them with the seconds the last one took, so
    that other writers get their turn."""
    keep = keep or Retention()
    before = int(now) - HOUR - GRACE + 1
    with database.read() as session:
        work = pending.due(session, HOUR, before, AHEAD)
    if not work:
        return 0
    pending.settle(database, work[-1].start + HOUR)
    with database.read() as session:  # again: only what is read after the line has moved is whole
        work = pending.due(session, HOUR, before, AHEAD)
    done = 0
    deadline = time.monotonic() + seconds
    for hour, spans in groupby(work, attrgetter("start")):
        for part in _slices(list(spans)):
            if time.monotonic() >= deadline:
                return done
            done += _roll(database, hour, part, now, keep, rest)
    return done


def _slices(spans: Sequence[Span]) -> list[Sequence[Span]]:
    size = SLICE // len(HOST)
    return [spans[at : at + size] for at in range(0, len(spans), size)]


def _roll(
    database: Database,
    hour: int,
    work: Sequence[Span],
    now: float,
    keep: Retention,
    rest: Callable[[float], None],
) -> int:
    with database.read() as session:
        keys, minutes = _minutes(session, [span.target_id for span in work], hour)
    levels = [level for level in LEVELS if hour + HOUR > now - keep.level(level)]
    began = time.monotonic()
    with database.write() as session:
        still = pending.unchanged(session, HOUR, work)
        alive = {span.target_id for span in still}
        rows = [row for row, (target_id, _) in enumerate(keys) if target_id in alive]
        chosen = minutes.take(np.array(rows, np.int64))
        for level in levels if rows else ():
            _store(session, level, hour, [keys[row] for row in rows], chosen)
        if still:
            pending.done(session, HOUR, still)
    rest(time.monotonic() - began)
    return len(still)


def _minutes(session: Session, ids: list[int], hour: int) -> _Minutes:
    """The cells of a minute of every metric that has samples in this hour."""
    keys: list[tuple[int, int]] = []
    parts: list[tuple[Ints, Floats]] = []
    count = CELLS[60]
    for stored, row, at, values in _by_metric(session, ids, hour):
        present, strip = np.unique(row, return_inverse=True)
        parts.append(((strip + len(keys)) * count + (at - hour) // 60, values))
        keys += [(ids[place], stored.number) for place in present.tolist()]
    found = Cells.empty(len(keys), count)
    for cell, values in parts:
        found.add_samples(cell, values)
    return keys, found


def _by_metric(
    session: Session, ids: list[int], hour: int
) -> list[tuple[Stored, Ints, Ints, Floats]]:
    """The samples of an hour: all columns of the machines at once, then each narrow metric; one
    by one, and from blocks too, for an hour of a day that is packed."""
    end = hour + HOUR
    wide = samples.wide(session, ids, hour, end)
    found = [(stored, *samples.loose(session, ids, stored, hour, end)) for stored in NARROW]
    if samples.packed(session, ids, hour):
        found = [
            (stored, *samples.read(session, ids, stored, hour, end)) for stored in (*HOST, *NARROW)
        ]
    else:
        row = np.searchsorted(np.array(ids), wide[:, 0].astype(np.int64))
        at = wide[:, 1].astype(np.int64)
        for column, stored in enumerate(HOST, start=2):
            there = ~np.isnan(wide[:, column])
            found.append((stored, row[there], at[there], wide[there, column]))
    return [part for part in found if len(part[1])]


def _store(
    session: Session, level: int, hour: int, keys: Sequence[tuple[int, int]], minutes: Cells
) -> None:
    """Writes the hour into its strip of each key; what else the strip holds stays."""
    start = hour // STRIP[level] * STRIP[level]
    made = minutes if level == 60 else minutes.coarser(level // 60)
    if made.count.shape[1] < CELLS[level]:
        strips = _existing(session, level, start, keys)
        strips.put(np.arange(len(keys)), (hour - start) // level, made)
        made = strips
    data = cells.encode(made, thin=level == 60)
    rows: list[tuple[Any, ...]] = [
        (level, start, metric, target_id, strip)
        for (target_id, metric), strip in zip(keys, data, strict=True)
    ]
    bulk.insert(session, Rollup, _COLUMNS, sorted(rows), "UPDATE")


def _existing(session: Session, level: int, start: int, keys: Sequence[tuple[int, int]]) -> Cells:
    strips = Cells.empty(len(keys), CELLS[level])
    places = {key: row for row, key in enumerate(keys)}
    by_layout: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
    ids = sorted({target_id for target_id, _ in keys})
    metrics = sorted({metric for _, metric in keys})
    for target_id, metric, data in ask.rows(session, _STRIPS, level, start, metrics, ids):
        row = places.get((target_id, metric))
        if row is not None:
            by_layout[len(data)].append((row, data))
    for found in by_layout.values():
        rows = np.array([row for row, _ in found])
        strips.put(rows, 0, cells.decode([data for _, data in found], CELLS[level]))
    return strips
