"""Cells: the smallest, largest and summed value of equally long spans, and how many there were.

A strip is the cells of one metric of one target in a row, as bytes of a fixed layout: many strips
are read by joining their bytes, without a step of Python for each cell. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.history.codec import Floats, Ints

#: Lengths of a cell in seconds, and how many of them make a strip.
CELLS: Mapping[int, int] = {60: 60, 600: 48, 3600: 48}
LEVELS: tuple[int, ...] = tuple(CELLS)
#: Seconds that a strip of each level covers: an hour, 8 hours, 2 days.
STRIP: Mapping[int, int] = {level: level * count for level, count in CELLS.items()}

#: Bytes a cell. Thin: every cell has one value at most, and that is all there is to say. Full:
#: single precision (7 digits). Wide: double precision, for what the others cannot hold.
_THIN, _FULL, _WIDE = 4, 14, 28
_LARGEST = 3.0e38
_MOST = 65535
#: Cells of a group up to which they are taken one by one.
_FEW = 8


@dataclass(frozen=True, slots=True)
class Cells:
    """Arrays of one shape, strips by cells; an empty cell has ``count`` 0, ``total`` 0 and NaN as
    ``low`` and ``high``."""

    low: Floats
    high: Floats
    total: Floats
    count: Ints

    @classmethod
    def empty(cls, strips: int, cells: int) -> Cells:
        shape = (strips, cells)
        return cls(
            np.full(shape, np.nan),
            np.full(shape, np.nan),
            np.zeros(shape),
            np.zeros(shape, np.int64),
        )

    def put(self, rows: Ints, first: int, other: Cells) -> None:
        """Writes ``other`` over the cells from ``first`` on, its strips to ``rows``."""
        last = first + other.count.shape[1]
        for mine, theirs in zip(self.parts(), other.parts(), strict=True):
            mine[rows, first:last] = theirs

    def coarser(self, factor: int) -> Cells:
        """Cells ``factor`` times as long."""
        shape = (self.count.shape[0], -1, factor)
        low, high, total, count = (part.reshape(shape) for part in self.parts())
        return Cells(
            np.fmin.reduce(low, axis=2),
            np.fmax.reduce(high, axis=2),
            total.sum(axis=2),
            count.sum(axis=2),
        )

    def reshaped(self, strips: int) -> Cells:
        """The same cells as ``strips`` longer strips."""
        return Cells(*(part.reshape(strips, -1) for part in self.parts()))

    def clear(self, rows: Ints | slice, first: int, last: int) -> None:
        """Empties the cells from ``first`` to before ``last`` of some strips."""
        for part, nothing in zip(self.parts(), (np.nan, np.nan, 0, 0), strict=True):
            part[rows, first:last] = nothing

    def part(self, first: int, last: int, every: int = 1) -> Cells:
        """Some cells of every strip, as in a slice."""
        return Cells(*(part[:, first:last:every] for part in self.parts()))

    def groups(self, size: int) -> list[Cells]:
        """Cells to ``merge`` one after the other, so that each ``size`` cells come together."""
        last = self.count.shape[1]
        if size <= _FEW:  # the first of each group, the second of each, ...: no loop over cells
            return [self.part(turn, last, size) for turn in range(size)]
        edges = np.arange(0, last, size)
        return [
            Cells(
                np.fmin.reduceat(self.low, edges, axis=1),
                np.fmax.reduceat(self.high, edges, axis=1),
                np.add.reduceat(self.total, edges, axis=1),
                np.add.reduceat(self.count, edges, axis=1),
            )
        ]

    def merge(self, first: int, places: Any, other: Cells) -> None:
        """Adds the strips of ``other`` to those from ``first`` on, its cells to ``places`` (a
        slice or different numbers)."""
        rows = slice(first, first + other.count.shape[0])
        joins = (np.fmin, np.fmax, np.add, np.add)
        for mine, theirs, join in zip(self.parts(), other.parts(), joins, strict=True):
            mine[rows, places] = join(mine[rows, places], theirs)

    def take(self, rows: Ints) -> Cells:
        return Cells(*(part[rows] for part in self.parts()))

    def add(self, cell: Ints, low: Floats, high: Floats, total: Floats, count: Ints) -> None:
        """Adds to the cells that ``cell`` names: flat numbers (strip times cells a strip plus
        cell) in ascending order, which may repeat."""
        if not len(cell):
            return
        first = np.flatnonzero(np.diff(cell, prepend=-1))
        where = cell[first]
        lows, highs, totals, counts = (part.reshape(-1) for part in self.parts())
        lows[where] = np.fmin(lows[where], np.fmin.reduceat(low, first))
        highs[where] = np.fmax(highs[where], np.fmax.reduceat(high, first))
        totals[where] += np.add.reduceat(total, first)
        counts[where] += np.add.reduceat(count, first)

    def add_samples(self, cell: Ints, values: Floats) -> None:
        """Adds single values; ``cell`` as in ``add``."""
        self.add(cell, values, values, values, np.ones(len(values), np.int64))

    def parts(self) -> tuple[NDArray, ...]:  # type: ignore[type-arg]
        return self.low, self.high, self.total, self.count


def encode(cells: Cells, *, thin: bool) -> list[bytes]:
    """One strip of bytes for each row. ``thin`` allows the layout of one value a cell; strips
    that are still written to go without, so that they keep their length."""
    strips, length = cells.count.shape
    largest = np.maximum.reduce(
        [np.nan_to_num(np.abs(a), nan=0.0).max(axis=1) for a in (cells.low, cells.high)]
        + [np.abs(cells.total).max(axis=1)]
    )
    layout = np.full(strips, _FULL)
    if thin:
        layout[cells.count.max(axis=1) <= 1] = _THIN
    layout[(largest > _LARGEST) | (cells.count.max(axis=1) > _MOST)] = _WIDE
    made = [b""] * strips
    for size in np.unique(layout):
        rows = np.flatnonzero(layout == size)
        data = _layout(cells.take(rows), int(size))
        width = length * int(size)
        for place, row in enumerate(rows.tolist()):
            made[row] = data[place * width : (place + 1) * width]
    return made


def _layout(cells: Cells, size: int) -> bytes:
    if size == _THIN:
        return np.where(cells.count > 0, cells.total, np.nan).astype("<f4").tobytes()
    floats, ints = ("<f4", "<u2") if size == _FULL else ("<f8", "<u4")
    parts = [
        np.ascontiguousarray(part.astype(kind)).view(np.uint8)
        for part, kind in zip(cells.parts(), (floats, floats, floats, ints), strict=True)
    ]
    return np.concatenate(parts, axis=1).tobytes()


def decode(strips: Sequence[bytes], length: int) -> Cells:
    """The cells of strips that have ``length`` cells each."""
    sizes = {size // length for size in set(map(len, strips))}
    if len(sizes) == 1:
        return _read(b"".join(strips), len(strips), length, sizes.pop())
    cells = Cells.empty(len(strips), length)
    for size in sizes:
        rows = [row for row, strip in enumerate(strips) if len(strip) == size * length]
        part = _read(b"".join(strips[row] for row in rows), len(rows), length, size)
        cells.put(np.array(rows), 0, part)
    return cells


def _read(data: bytes, strips: int, length: int, size: int) -> Cells:
    if size == _THIN:
        values = np.frombuffer(data, "<f4").reshape(strips, length).astype(np.float64)
        there = ~np.isnan(values)
        return Cells(values, values.copy(), np.where(there, values, 0.0), there.astype(np.int64))
    floats, width = ("<f4", 4) if size == _FULL else ("<f8", 8)
    rows = np.frombuffer(data, np.uint8).reshape(strips, size * length)
    edge = 3 * width * length
    numbers = np.ascontiguousarray(rows[:, :edge]).view(floats).astype(np.float64)
    counts = np.ascontiguousarray(rows[:, edge:]).view("<u2" if size == _FULL else "<u4")
    low, high, total = (numbers[:, i * length : (i + 1) * length] for i in range(3))
    return Cells(low, high, total, counts.astype(np.int64))
