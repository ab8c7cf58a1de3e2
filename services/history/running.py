"""Courses of numbers that go on: what is settled is kept, the rest is read anew."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from sqlalchemy.orm import Session

from services.history import samples, series
from services.history.cells import Cells
from services.history.codec import Ints
from services.history.plan import Plan
from services.history.series import Series
from services.history.settled import AT_ONCE, LAG, Settled, Tally, ids_of, joined, rows_of
from services.history.stored import find


def settle(
    session: Session,
    targets: Sequence[str],
    groups: Sequence[Sequence[str]],
    metric: str,
    plan: Plan,
    now: float,
) -> Settled:
    """What is settled at ``now`` of the course of ``metric`` (full or short name) on the points of
    ``plan``: for each of ``groups`` of ``targets`` the mean over its members, each of which counts
    the same. Raises ValidationError for a metric that has no numbers."""
    stored = find(metric)
    ids, rows = rows_of(ids_of(session, targets), groups)
    until = max(plan.start, min(plan.start + plan.points * plan.step, math.floor(now - LAG)))
    whole = (until - plan.start) // plan.step
    parts = tuple((level, a, min(b, until)) for level, a, b in plan.parts if a < until)
    there = Plan(plan.start, plan.step, -(-(until - plan.start) // plan.step), parts)
    tallies = [Tally(there.points) for _ in groups]
    last = Cells.empty(len(ids), 1)
    for at in range(0, len(ids), AT_ONCE):
        found = series.cells_of(session, ids[at : at + AT_ONCE].tolist(), stored, there)
        _add(tallies, found, rows, at)
        if whole < there.points:
            last.merge(at, slice(0, 1), found.part(whole, whole + 1))
    return Settled(
        plan.start,
        plan.step,
        plan.start + whole * plan.step,
        until,
        ids,
        rows,
        np.empty(0),
        tuple(tally.course(plan.start, plan.step, whole, stored) for tally in tallies),
        (last.low[:, 0], last.high[:, 0], last.total[:, 0], last.count[:, 0].astype(float)),
    )


def go_on(session: Session, settled: Settled, metric: str, end: float) -> list[Series]:
    """The courses with what came after they were settled, up to ``end``."""
    stored, edge, until, last = find(metric), settled.edge, int(settled.until), math.ceil(end)
    points = -(-(last - edge) // settled.step)
    if points <= 0 or not len(settled.ids):
        return list(settled.courses)
    low, high, total, count = (column[:, None] for column in settled.open)
    found = Cells.empty(len(settled.ids), points)
    found.merge(0, slice(0, 1), Cells(low, high, total, count.astype(np.int64)))
    if last > until:
        # What is this young is not packed yet.
        row, at, value = samples.loose(session, settled.ids.tolist(), stored, until, last)
        found.add_samples(row * points + (at - edge) // settled.step, value)
    tallies = [Tally(points) for _ in settled.groups]
    _add(tallies, found, settled.groups, 0)
    return [
        joined(course, tally.course(edge, settled.step, points, stored))
        for course, tally in zip(settled.courses, tallies, strict=True)
    ]


def _add(tallies: Sequence[Tally], found: Cells, groups: Sequence[Ints], at: int) -> None:
    """Adds cells of the targets from row ``at`` on to the groups that they belong to."""
    mean, seen = series.means(found), found.count > 0
    for tally, group in zip(tallies, groups, strict=True):
        here = group[(group >= at) & (group < at + len(mean))] - at
        tally.add(mean, found.low, found.high, seen, here)
