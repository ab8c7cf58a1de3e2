"""The samples themselves, from rows and packed days alike.

Rows are read before blocks: packing moves samples from rows to a block in one transaction, so in
this order a reader between the two sees a sample twice, which is undone here, and never misses one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.history import Block
from models.targets import HostSample, Sample, TargetRow
from services.history import codec
from services.history.codec import Floats, Ints
from services.history.stored import DAY, HOST, NARROW, Stored, find

NARROW_NUMBERS = tuple(stored.number for stored in NARROW)


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


def rows_query(ids: Sequence[int], stored: Stored, start: int, end: int) -> Any:
    """The query for samples that are still rows: target id, second, value."""
    table = HostSample if stored.column else Sample
    value = getattr(HostSample, stored.column) if stored.column else Sample.value
    query = (
        select(table.target_id, table.at, value)
        .where(table.target_id.in_(ids), table.at >= start, table.at < end)
        .order_by(table.target_id, table.at)
    )
    return query if stored.column else query.where(Sample.metric == stored.number)


def wide_query(ids: Sequence[int], start: int, end: int) -> Any:
    """The query for whole rows of machines: target id, second, values in the order of ``HOST``."""
    values = [getattr(HostSample, stored.column or "") for stored in HOST]
    return (
        select(HostSample.target_id, HostSample.at, *values)
        .where(HostSample.target_id.in_(ids), HostSample.at >= start, HostSample.at < end)
        .order_by(HostSample.target_id, HostSample.at)
    )


def packed(session: Session, ids: Sequence[int], hour: int) -> bool:
    """Whether there is a block of any of these targets for the day of ``hour``. To be asked after
    the rows were read."""
    query = select(Block.day).where(Block.day == hour // DAY * DAY, Block.target_id.in_(ids))
    return session.execute(query.limit(1)).first() is not None


def loose(session: Session, ids: Sequence[int], stored: Stored, start: int, end: int) -> Samples:
    """Like ``read``, of what is not packed."""
    found = fetch(session, rows_query(ids, stored, start, end), 3)
    found = found[~np.isnan(found[:, 2])]
    row = np.searchsorted(np.array(ids), found[:, 0].astype(np.int64))
    return Samples(row, found[:, 1].astype(np.int64), found[:, 2].copy())


def fetch(session: Session, query: Any, columns: int) -> Floats:
    """The rows of a query of numbers as an array; NULL is NaN."""
    found = driver_rows(session, query)
    try:
        flat = np.fromiter(chain.from_iterable(found), np.float64, len(found) * columns)
    except TypeError:
        values = (np.nan if value is None else value for value in chain.from_iterable(found))
        flat = np.fromiter(values, np.float64, len(found) * columns)
    return flat.reshape(-1, columns)


def driver_rows(session: Session, query: Any) -> list[tuple[Any, ...]]:
    """The rows of a query straight from the driver: SQLAlchemy's row objects would take longer
    than the query."""
    with session.connection().execute(query) as result:
        return list(result.cursor.fetchall())


def blocks_query(ids: Sequence[int], start: int, end: int) -> Any:
    """The query for the packed days that overlap a span, by target and day."""
    days = list(range(start // DAY * DAY, end, DAY))
    return (
        select(Block.target_id, Block.data)
        .where(Block.day.in_(days), Block.target_id.in_(ids))
        .order_by(Block.target_id, Block.day)
    )


def _blocks(session: Session, ids: Sequence[int], stored: Stored, start: int, end: int) -> Samples:
    places = {target_id: row for row, target_id in enumerate(ids)}
    rows: list[Ints] = [np.empty(0, np.int64)]
    ats: list[Ints] = [np.empty(0, np.int64)]
    values: list[Floats] = [np.empty(0)]
    for target_id, data in session.execute(blocks_query(ids, start, end)):
        at, value = codec.decode(data, stored.number)
        first, last = np.searchsorted(at, (start, end))
        ats.append(at[first:last])
        values.append(value[first:last])
        rows.append(np.full(last - first, places[target_id]))
    return Samples(np.concatenate(rows), np.concatenate(ats), np.concatenate(values))
