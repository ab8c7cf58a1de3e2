"""A plain memory of samples to compare the store with, and kills at every statement."""

from __future__ import annotations

import math
from collections import defaultdict

from sqlalchemy import event

from services.history import pack, rollup, write
from services.history.stored import HOST, find
from services.observation import CheckResult, Observation, Status

#: A Monday, 00:00 UTC.
MONDAY = 1_767_571_200
LEVELS = (1, 60, 600, 3600)


def no_rest(_seconds):
    """Nobody else waits for the database."""


def spread(start, end, points):
    """The range that is answered and the distance of its points, by the documented rule: the
    longest cell that fits into the smallest distance that is a multiple of it."""
    for cell in LEVELS:
        first, last = (start // cell * cell, -(-end // cell) * cell) if cell > 1 else (start, end)
        step = math.ceil(max((end - start) / points, 1) / cell) * cell
        while math.ceil(last / step) - first // step > points:
            step += cell
        if not any(cell < longer <= step for longer in LEVELS):
            return first, last, step
    raise AssertionError("the last cell always does")


class Plain:
    """Every sample in a dictionary; of two in a second the first stays."""

    def __init__(self):
        self.samples: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)

    def write(self, database, observations, memory=None):
        """Stores in both; returns the ids of the targets."""
        with database.write() as session:
            ids = write.target_ids(session, [o.target for o in observations], memory)
            write.samples(session, observations, ids, memory)
        for o in observations:
            values = dict(o.metrics)
            if o.check and o.check.response_ms is not None:
                values["service.responseTime"] = o.check.response_ms
            for name, value in values.items():
                decimals = find(name).decimals
                value = value if decimals is None else round(value, decimals)
                self.samples[o.target, name].setdefault(int(o.at), value)
        return ids

    def between(self, target, metric, start, end):
        samples = self.samples[target, metric]
        return sorted((at, value) for at, value in samples.items() if start <= at < end)

    def history(self, target, metric, start, end, points):
        """Points (at, mean, min, max) by the documented rule."""
        start, end, step = spread(start, end, points)
        spans = defaultdict(list)
        for at, value in self.between(target, metric, start, end):
            spans[at // step * step].append(value)
        return [
            (at, math.fsum(v / len(found) for v in found), min(found), max(found))
            for at, found in sorted(spans.items())
        ]

    def mean(self, targets, metric, start, end, points):
        spans = defaultdict(list)
        for target in targets:
            for point in self.history(target, metric, start, end, points):
                spans[point[0]].append(point[1:])
        return [
            (at, math.fsum(f[0] / len(found) for f in found), min(f[1] for f in found),
             max(f[2] for f in found))
            for at, found in sorted(spans.items())
        ]  # fmt: skip


def same(points, expected):
    """Whether points agree to single precision."""
    return [p[0] for p in points] == [e[0] for e in expected] and all(
        math.isclose(a, b, rel_tol=2e-6, abs_tol=2e-4)
        for p, e in zip(points, expected, strict=True)
        for a, b in zip(p[1:], e[1:], strict=True)
    )


def host(target, at, **metrics):
    """A reading of a machine; ``cpu=`` and so on are columns."""
    names = {stored.column: stored.name for stored in HOST}
    return Observation(target, at, metrics={names[c]: v for c, v in metrics.items()})


def probe(target, at, response_ms):
    check = CheckResult(Status.HEALTHY, "well", response_ms=response_ms)
    return Observation(target, at, check=check)


class Kill(BaseException):
    """The process dies here; nothing catches it."""


class Mortal:
    """Inside ``with``, the database dies at the ``at``-th boundary: before or after a statement,
    or before a commit."""

    def __init__(self, database, at):
        self.engine = database.engine
        self.left = at

    def _step(self, connection, cursor=None, statement="", *_rest):
        if statement.startswith("BEGIN"):
            return  # nothing is begun before the next statement
        self.left -= 1
        if self.left == 0:
            # A dead process holds no connection; an open cursor would keep its lock alive.
            if cursor is not None:
                cursor.close()
            connection.invalidate()
            raise Kill

    def __enter__(self):
        for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(self.engine, name, self._step)
        return self

    def __exit__(self, kind, _error, _trace):
        for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.remove(self.engine, name, self._step)
        return kind is Kill

    @property
    def survived(self):
        return self.left > 0


def work(database, now, keep=None):
    """Everything that is due at ``now``."""
    rollup.roll_up(database, now, keep=keep, seconds=60, rest=no_rest)
    pack.pack(database, now, keep=keep, seconds=60, rest=no_rest)
