"""Courses from status intervals: the share of time in which targets were healthy, and the score.

Unknown time was not observed: it is no part of a share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from sqlalchemy.orm import Session

from services.health.score import SHARE, WORST_PART
from services.history import ask
from services.history.codec import Floats, Ints
from services.history.plan import Plan
from services.history.series import Series
from services.history.settled import AT_ONCE, LAG, Settled, Tally, ids_of, joined, rows_of
from services.observation import Status

_CODE = {status: code for code, status in enumerate(Status)}
_AS_CODE = f"CASE i.status {' '.join(f'WHEN {s.value!r} THEN {c}' for s, c in _CODE.items())} END"
#: Of a target's intervals those that begin inside the range, and the last one before it.
_TOUCHING = (
    f"SELECT i.target_id, {_AS_CODE}, i.started_at, i.ended_at "  # noqa: S608
    "FROM targets t JOIN status_intervals i ON i.target_id = t.id AND i.started_at < ? "
    "AND i.started_at >= COALESCE((SELECT MAX(e.started_at) FROM status_intervals e "
    "WHERE e.target_id = t.id AND e.started_at <= ?), ?) WHERE t.id = ANY(?)"
)
_SINCE = (
    f"SELECT i.target_id, {_AS_CODE}, i.started_at, i.ended_at "  # noqa: S608
    "FROM status_intervals i WHERE i.target_id = ANY(?) AND i.started_at >= ?"
)
#: Changes of all targets, by the index of those; what is no change (a first sight, a gap in which
#: the monitor did not run) is seen when the rest is settled anew.
_CHANGES = (
    f"SELECT i.target_id, {_AS_CODE}, i.started_at, i.ended_at "  # noqa: S608
    "FROM status_intervals i WHERE i.previous IS NOT NULL AND i.started_at >= ?"
)
#: Targets beyond which it is faster to read the changes of all.
_MANY = 500
#: What a part of each status costs.
_COST = np.array([SHARE[status] for status in Status])


@dataclass(frozen=True, slots=True)
class Intervals:
    """Status intervals as columns: row of the target, code of the status, from when to when (NaN:
    it lasts), in the order of row and begin."""

    row: Ints
    code: Ints
    start: Floats
    end: Floats

    def touching(self, start: float, end: float) -> Intervals:
        chosen = (self.start < end) & ~(self.end <= start)
        return Intervals(self.row[chosen], self.code[chosen], self.start[chosen], self.end[chosen])


def settle(
    session: Session,
    targets: Sequence[str],
    groups: Sequence[Sequence[str]],
    plan: Plan,
    now: float,
    weights: Sequence[float] | None = None,
) -> Settled:
    """What is settled at ``now`` on the points of ``plan``. With ``weights`` (one for each target,
    services.health.score) the score of each group, else the percent of its observed time in which
    its targets were healthy, each of which counts the same."""
    by_key = ids_of(session, targets)
    ids, rows = rows_of(by_key, groups)
    weight = np.empty(0)
    if weights is not None:
        given = dict(zip(targets, weights, strict=True))
        known = sorted((target_id, given[key]) for key, target_id in by_key.items())
        weight = np.array([value for _, value in known], float)
    end = float(plan.start + plan.points * plan.step)
    until = min(end, now - LAG)
    whole = max(0, (math.floor(until) - plan.start) // plan.step)
    edge = plan.start + whole * plan.step
    found = _read(session, ids, float(plan.start), end)
    courses = _courses(found, rows, weight, Plan(plan.start, plan.step, whole, ()), edge, len(ids))
    after = found.touching(edge, math.inf)
    open_ = (after.row.astype(float), after.code.astype(float), after.start, after.end)
    return Settled(plan.start, plan.step, edge, until, ids, rows, weight, tuple(courses), open_)


def go_on(session: Session, settled: Settled, end: float) -> list[Series]:
    """The courses with what came after they were settled, up to ``end`` (not in the future)."""
    points = -(-(math.ceil(end) - settled.edge) // settled.step)
    if points <= 0 or not len(settled.ids):
        return list(settled.courses)
    newer = _since(session, settled.ids, settled.until)
    row, code, start, finish = settled.open
    old = start < settled.until  # what began later is read again
    both = _ordered(
        np.concatenate((row[old].astype(np.int64), newer.row)),
        np.concatenate((code[old].astype(np.int64), newer.code)),
        np.concatenate((start[old], newer.start)),
        np.concatenate((finish[old], newer.end)),
    )
    plan = Plan(settled.edge, settled.step, points, ())
    courses = _courses(both, settled.groups, settled.weights, plan, end, len(settled.ids))
    return [joined(a, b) for a, b in zip(settled.courses, courses, strict=True)]


def _read(session: Session, ids: Ints, start: float, end: float) -> Intervals:
    """The intervals of targets that touch a range."""
    if not len(ids):
        return _placed(ids, np.empty((0, 4)))
    return _placed(ids, ask.numbers(session, _TOUCHING, end, start, start, ids.tolist()))


def _since(session: Session, ids: Ints, start: float) -> Intervals:
    """The intervals that began at ``start`` or later."""
    if len(ids) <= _MANY:
        return _placed(ids, ask.numbers(session, _SINCE, ids.tolist(), start))
    return _placed(ids, ask.numbers(session, _CHANGES, start))


def _placed(ids: Ints, found: Floats) -> Intervals:
    """Rows of the database as intervals of the targets ``ids``."""
    if not len(found):
        found = np.empty((0, 4))
    found = found[np.isin(found[:, 0], ids)]
    row = np.searchsorted(ids, found[:, 0].astype(np.int64))
    return _ordered(row, found[:, 1].astype(np.int64), found[:, 2], found[:, 3])


def _ordered(row: Ints, code: Ints, start: Floats, end: Floats) -> Intervals:
    """In order, each ended where the next one of its target begins."""
    order = np.lexsort((start, row))
    row, code, start, end = row[order], code[order], start[order], end[order]
    if len(row):
        follows = np.append(row[1:] == row[:-1], False)
        following = np.where(follows, np.append(start[1:], np.nan), np.nan)
        end = np.fmin(end, following)
    return Intervals(row, code, start, end)


def _courses(
    found: Intervals,
    groups: Sequence[Ints],
    weights: Floats,
    plan: Plan,
    end: float,
    targets: int,
) -> list[Series]:
    """A course for each group on all points of ``plan``, of the time up to ``end``."""
    last = np.where(np.isnan(found.end), end, np.minimum(found.end, end))
    first = np.maximum(found.start, plan.start)
    there = last > first
    row, code, first, last = found.row[there], found.code[there], first[there], last[there]
    if not plan.points:
        return [Series(None, [], [], [], []) for _ in groups]
    if len(weights):
        courses = []
        for group in groups:
            of = np.isin(row, group)
            courses.append(_score(row[of], code[of], first[of], last[of], weights, plan))
        return courses
    tallies = [Tally(plan.points) for _ in groups]
    for at in range(0, targets, AT_ONCE):
        here = (row >= at) & (row < at + AT_ONCE)
        count = min(AT_ONCE, targets - at)
        seen = here & (code != _CODE[Status.UNKNOWN])
        well = here & (code == _CODE[Status.HEALTHY])
        observed, good = (
            _covered(row[some] - at, first[some], last[some], count, plan) for some in (seen, well)
        )
        known = observed > 1e-6 * plan.step
        share = np.where(known, 100 * np.minimum(good / np.where(known, observed, 1), 1), np.nan)
        for tally, group in zip(tallies, groups, strict=True):
            tally.add(share, share, share, known, group[(group >= at) & (group < at + count)] - at)
    return [tally.course(plan.start, plan.step, plan.points) for tally in tallies]


def _covered(row: Ints, first: Floats, last: Floats, rows: int, plan: Plan) -> Floats:
    """Seconds of each point that spans cover, rows by points. Each edge of a span is a ramp: the
    rest of its own point, and all of those after it."""
    width = plan.points + 2
    edges = np.zeros(rows * width)
    for at, sign in ((first, 1.0), (last, -1.0)):
        place = (at - plan.start) / plan.step
        point = np.minimum(np.floor(place), plan.points).astype(np.int64)
        inside = np.minimum(place - point, 1.0)
        cell = row * width + point
        for shift, part in ((0, 1 - inside), (1, inside)):
            edges += np.bincount(cell + shift, sign * part, rows * width)
    covered = np.cumsum(edges.reshape(rows, width), axis=1)[:, : plan.points]
    return np.maximum(covered, 0.0) * plan.step


def _score(
    row: Ints, code: Ints, first: Floats, last: Floats, weights: Floats, plan: Plan
) -> Series:
    """The score over time (services.health.score): it changes only where an interval begins or
    ends, so it is worked out there; ``value`` is its mean over a point's time. A part counts while
    it was watched, with what its failure reaches today."""
    if not len(row):
        return Series(None, [], [], [], [])
    edges = np.arange(plan.points + 1) * plan.step + float(plan.start)
    times, place = np.unique(np.concatenate((first, last, edges)), return_inverse=True)
    begin, finish = place[: len(row)], place[len(row) : 2 * len(row)]

    def running(amount: Floats) -> Floats:
        steps = np.bincount(begin, amount, len(times)) - np.bincount(finish, amount, len(times))
        return np.cumsum(steps)[:-1]

    cost = _COST[code]
    total, lost = running(weights[row]), running(weights[row] * cost)
    worst = np.zeros(len(times) - 1)
    for level in sorted(set(SHARE.values()) - {0.0}):
        worst[running((cost == level).astype(float)) > 0.5] = level
    observed = running((code != _CODE[Status.UNKNOWN]).astype(float)) > 0.5
    with np.errstate(invalid="ignore", divide="ignore"):
        score = np.maximum(0.0, 100 - 100 * lost / total - WORST_PART * worst)
    length = np.where(observed, np.diff(times), 0.0)
    score = np.where(observed, score, 0.0)
    bins = place[2 * len(row) :]
    at, value, low, high = [], [], [], []
    for point, (a, b) in enumerate(pairwise(bins)):
        if (seconds := length[a:b].sum()) > 0:
            here = score[a:b][length[a:b] > 0]
            at.append(plan.start + point * plan.step)
            value.append(round(float((score[a:b] * length[a:b]).sum() / seconds), 2))
            low.append(round(float(here.min()), 2))
            high.append(round(float(here.max()), 2))
    return Series(None, at, value, low, high)
