"""Packing: a day of samples that is old enough moves from rows into one compressed block.

The block is stored and the rows are deleted in one transaction, so a sample is always in exactly
one of them. What comes later for a packed day becomes rows again, and then part of the block.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.database import Database
from models.history import Block
from models.targets import HostSample, Sample
from services.history import ask, bulk, codec, pending, samples
from services.history.codec import Floats, Ints
from services.history.pending import Span
from services.history.stored import DAY, HOST, HOUR, Retention

#: Rows that one transaction deletes at most, roughly, and days looked up at once.
SLICE = 4_000
AHEAD = 10_000

_COLUMNS = ("day", "target_id", "data")
_NARROW = (
    "SELECT metric, at, value FROM samples "
    "WHERE target_id = ? AND metric = ANY(?) AND at >= ? AND at < ? ORDER BY metric, at"
)


def pack(
    database: Database,
    now: float,
    *,
    keep: Retention | None = None,
    seconds: float = 5.0,
    rest: Callable[[float], None] = time.sleep,
) -> int:
    """Packs the days that are older than ``keep.raw_hours`` at ``now`` (seconds since the epoch)
    and returns how many (target, day) are done. ``seconds`` and ``rest`` as in ``roll_up``."""
    keep = keep or Retention()
    before = int(now - keep.raw_hours * HOUR) - DAY + 1
    with database.read() as session:
        work = pending.due(session, DAY, before, AHEAD)
    if not work:
        return 0
    pending.settle(database, work[-1].start + DAY)
    with database.read() as session:
        work = pending.due(session, DAY, before, AHEAD)
    done = 0
    deadline = time.monotonic() + seconds
    for day, spans in groupby(work, attrgetter("start")):
        todo = list(spans)
        while todo:
            if time.monotonic() >= deadline:
                return done
            packed, tried = _pack(database, day, todo, rest)
            todo = todo[tried:]
            done += packed
    return done


def _pack(
    database: Database, day: int, work: Sequence[Span], rest: Callable[[float], None]
) -> tuple[int, int]:
    """Packs the first few of ``work``; how many were packed and how many were looked at."""
    blocks: dict[int, bytes] = {}
    size = 0
    with database.read() as session:
        for span in work:
            made, rows = _block(session, span.target_id, day)
            blocks[span.target_id] = made
            size += rows
            if size >= SLICE:
                break
    tried = work[: len(blocks)]
    began = time.monotonic()
    with database.write() as session:
        still = pending.unchanged(session, DAY, tried)
        ids = [span.target_id for span in still]
        new: list[tuple[Any, ...]] = [(day, i, blocks[i]) for i in ids if blocks[i]]
        bulk.insert(session, Block, _COLUMNS, new, "UPDATE")
        if ids:
            for statement in deletions(ids, day):
                session.execute(statement, execution_options={"synchronize_session": False})
            pending.done(session, DAY, still)
    rest(time.monotonic() - began)
    return len(still), len(tried)


def deletions(ids: Sequence[int], day: int) -> list[Any]:
    """The statements that delete the rows of a packed day."""
    return [
        delete(HostSample).where(
            HostSample.target_id.in_(ids), HostSample.at >= day, HostSample.at < day + DAY
        ),
        delete(Sample).where(
            Sample.target_id.in_(ids),
            Sample.metric.in_(samples.NARROW_NUMBERS),
            Sample.at >= day,
            Sample.at < day + DAY,
        ),
    ]


def _block(session: Session, target_id: int, day: int) -> tuple[bytes, int]:
    """The packed day of a target, empty when it has no sample, and how many rows it took."""
    wide = samples.wide(session, [target_id], day, day + DAY)
    at = wide[:, 1].astype(np.int64)
    found: dict[int, tuple[Ints, Floats]] = {
        stored.number: (at, wide[:, column]) for column, stored in enumerate(HOST, start=2)
    } if len(wide) else {}  # fmt: skip
    metrics = list(samples.NARROW_NUMBERS)
    narrow = ask.numbers(session, _NARROW, target_id, metrics, day, day + DAY)
    for number in np.unique(narrow[:, 0]):
        part = narrow[narrow[:, 0] == number]
        found[int(number)] = (part[:, 1].astype(np.int64), part[:, 2])
    rows = len(wide) + len(narrow)
    # After the rows: see services.history.samples.
    old = session.scalars(
        select(Block.data).where(Block.day == day, Block.target_id == target_id)
    ).one_or_none()
    return _encode(found, old), rows


def _encode(found: dict[int, tuple[Ints, Floats]], old: bytes | None) -> bytes:
    before: dict[int, Floats] = {}
    its = np.empty(0, np.int64)
    if old is not None:
        its, before = codec.decode_all(old)
    moments = [its, *(at for at, _ in found.values())]
    at = np.unique(np.concatenate(moments))
    if not len(at):
        return b""
    columns: dict[int, Floats] = {}
    for number in sorted({*found, *before}):
        columns[number] = np.full(len(at), np.nan)
        if number in found:
            there, values = found[number]
            columns[number][np.searchsorted(at, there)] = values
        if number in before:  # was there first, so it stays
            known = ~np.isnan(before[number])
            columns[number][np.searchsorted(at, its[known])] = before[number][known]
    return codec.encode(at, columns)
