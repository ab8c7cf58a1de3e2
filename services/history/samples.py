"""The samples themselves, from rows and packed days alike.

Rows are read before blocks: packing moves samples from rows to a block in one transaction, so in
this order a reader between the two sees a sample twice, which is undone here, and never misses one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.targets import TargetRow
from services.history import ask, codec
from services.history.codec import Floats, Ints
from services.history.stored import DAY, HOST, NARROW, Stored, find

NARROW_NUMBERS = tuple(stored.number for stored in NARROW)

_SPAN = "target_id = ANY(?) AND at >= ? AND at < ? "
#: Whole rows of machines: list of target ids, from second, to before second.
WIDE = (
    f"SELECT target_id, at, {', '.join(stored.column or '' for stored in HOST)} "  # noqa: S608
    f"FROM host_samples WHERE {_SPAN} ORDER BY target_id, at"
)
_COLUMN = (
    f"SELECT target_id, at, ?value FROM host_samples WHERE {_SPAN}"  # noqa: S608
    "AND ?value IS NOT NULL ORDER BY target_id, at"
)
_NARROW = (
    "SELECT target_id, at, value FROM samples "
    "WHERE target_id = ANY(?) AND metric = ? AND at >= ? AND at < ? ORDER BY target_id, at"
)
_BLOCKS = "SELECT target_id, day, data FROM blocks WHERE day = ANY(?) AND target_id = ANY(?)"
_PACKED = "SELECT 1 FROM blocks WHERE day = ? AND target_id = ANY(?) LIMIT 1"


class Samples(NamedTuple):
    """Samples of one metric in ascending order of target and time; ``row`` is the place of the
    target in the ids that were asked for."""

    row: Ints
    at: Ints
    value: Floats


def samples_between(
    session: Session, target: str, metric: str, start: float, end: float
) -> Iterator[tuple[int, float]]:
    """Every sample (second, value) of a target from ``start`` to before ``end``, oldest first,
    exactly as it was stored, whether its day is packed or not. ``metric`` is a full or short
    name. Memory is bounded by a day of samples."""
    stored = find(metric)
    target_id = session.scalars(select(TargetRow.id).where(TargetRow.key == target)).one_or_none()
    if target_id is None:
        return
    first, last = int(np.ceil(start)), int(np.ceil(end))
    for day in range(first // DAY * DAY, last, DAY):
        found = read(session, [target_id], stored, max(first, day), min(last, day + DAY))
        yield from zip(found.at.tolist(), found.value.tolist(), strict=True)


def read(session: Session, ids: Sequence[int], stored: Stored, start: int, end: int) -> Samples:
    """The samples of targets (ascending ``ids``) from ``start`` to before ``end``. Of two in the
    same second the packed one counts, for it was there first."""
    rows = loose(session, ids, stored, start, end)
    blocks = _blocks(session, ids, stored, start, end)
    if not len(blocks.at):
        return rows
    row, at, value = (np.concatenate(parts) for parts in zip(blocks, rows, strict=True))
    order = np.lexsort((at, row))  # stable: blocks before rows
    row, at, value = row[order], at[order], value[order]
    first = (np.diff(row, prepend=-1) != 0) | (np.diff(at, prepend=-1) != 0)
    return Samples(row[first], at[first], value[first])


def wide(session: Session, ids: Sequence[int], start: int, end: int) -> Floats:
    """The rows of machines (ascending ``ids``) that are not packed: target id, second, values in
    the order of ``HOST``; NaN for none."""
    found = ask.numbers(session, WIDE, list(ids), start, end)
    return found if len(found) else np.empty((0, 2 + len(HOST)))


def packed(session: Session, ids: Sequence[int], hour: int) -> bool:
    """Whether there is a block of any of these targets for the day of ``hour``. To be asked after
    the rows were read."""
    return bool(ask.rows(session, _PACKED, hour // DAY * DAY, list(ids)))


def loose(session: Session, ids: Sequence[int], stored: Stored, start: int, end: int) -> Samples:
    """Like ``read``, of what is not packed."""
    if stored.column:
        found = ask.numbers(
            session, _COLUMN.replace("?value", stored.column), list(ids), start, end
        )
    else:
        found = ask.numbers(session, _NARROW, list(ids), stored.number, start, end)
    if not len(found):
        return Samples(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    row = np.searchsorted(np.array(ids), found[:, 0].astype(np.int64))
    return Samples(row, found[:, 1].astype(np.int64), found[:, 2].copy())


def _blocks(session: Session, ids: Sequence[int], stored: Stored, start: int, end: int) -> Samples:
    days = list(range(start // DAY * DAY, end, DAY))
    places = {target_id: row for row, target_id in enumerate(ids)}
    rows: list[Ints] = [np.empty(0, np.int64)]
    ats: list[Ints] = [np.empty(0, np.int64)]
    values: list[Floats] = [np.empty(0)]
    # Sorted here: the database would carry the blocks along.
    for target_id, _, data in sorted(ask.rows(session, _BLOCKS, days, list(ids))):
        at, value = codec.decode(data, stored.number)
        first, last = np.searchsorted(at, (start, end))
        ats.append(at[first:last])
        values.append(value[first:last])
        rows.append(np.full(last - first, places[target_id]))
    return Samples(np.concatenate(rows), np.concatenate(ats), np.concatenate(values))
