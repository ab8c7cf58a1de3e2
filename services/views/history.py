"""The course of a metric as a reader sees it: what is settled from the cache, the rest live."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from models.database import Database
from services import metrics
from services.cache import Cache, Kept
from services.errors import ValidationError
from services.health.board import Board
from services.history import running, shares
from services.history.plan import Plan
from services.history.series import Series
from services.history.settled import AT_ONCE, Settled, grid, since
from services.history.stored import DAY, Retention, find
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.metrics import CATALOGUE, Metric
from services.observation import Kind
from services.times import iso
from services.views.chosen import Asked, Chosen, choose, dependencies
from services.views.model import Body

#: Seconds for which the settled part of an answer is kept.
TTL = 300
#: Points of all series of an answer together.
MOST_POINTS = 50_000
#: Whatever counts for the score (services.health.score).
SCORE = Metric("score", "Health score", "points", frozenset(Kind) - {Kind.TENANT, Kind.DEPENDENCY})


@dataclass(frozen=True, slots=True)
class Question:
    """``metric`` by its full or short name, from ``start`` to ``end`` (seconds since the epoch)
    with at most ``points`` points. ``label`` is the range in the caller's words; ``rolling``: it
    ends now."""

    metric: str
    asked: Asked
    start: float
    end: float
    label: str
    rolling: bool
    points: int


@dataclass(frozen=True, slots=True)
class Past:
    """What the past is read from. ``impact`` names the tenants that a target's failure reaches."""

    database: Database
    cache: Cache
    board: Board
    fleet: Fleet
    impact: Callable[[str], Sequence[str]]
    keep: Retention
    #: Told of each request whether its settled part was there already.
    count: Callable[[bool], None] = lambda _: None


def history_body(past: Past, question: Question, scope: Scope, now: float) -> Body:
    """``GET /api/admin/health/history``: the mean over everything that was asked for, and a series
    each where several were. Raises NotFound and ValidationError (services.views.chosen)."""
    metric = metric_of(question.metric)
    chosen = choose(past.fleet, dependencies(past.board.snapshot()), metric, question.asked, scope)
    whole, *single = _courses(past, question, metric, chosen, scope, now)
    body: Body = {
        "metric": question.metric,
        "timeRange": question.label,
        "unit": "%" if metric.states else metric.unit,
        "from": iso(question.start),
        "to": iso(question.end),
        "dataPoints": data_points(whole),
    }
    if chosen.groups:
        body["series"] = [
            {**group.of, "dataPoints": data_points(course)}
            for group, course in zip(chosen.groups, single, strict=True)
        ]
    return body


def metric_of(name: str) -> Metric:
    """The metric of a name, ``score`` included. Raises ValidationError for one that has no
    course."""
    if name == SCORE.name:
        return SCORE
    metric = metrics.find(name)
    if not metric.remembered:
        numbers = ", ".join(m.name for m in CATALOGUE.values() if m.remembered and not m.states)
        raise ValidationError(
            f"{name} has no course. These have: score, {numbers}; and every status, as the percent "
            "of time in which it was healthy (vps.status, service.status, database.status, ...)."
        )
    return metric


def data_points(course: Series) -> list[Body]:
    """The points of a course as the API tells them."""
    times = map(_iso, course.at)
    columns = zip(times, course.value, course.min, course.max, strict=True)
    return [
        {"timestamp": at, "value": value, "min": low, "max": high}
        for at, value, low, high in columns
    ]


@lru_cache(10_000)
def _iso(at: int) -> str | None:
    """The series of an answer have their points at the same times."""
    return iso(at)


def within(start: float, end: float, now: float, keep: Retention) -> tuple[float, float] | None:
    """The part of a range of which anything can be known; None when there is none."""
    oldest = now - max(keep.samples, keep.hours_days * DAY) - DAY
    start, end = max(start, oldest), min(end, now)
    return (start, end) if start < end else None


def _courses(
    past: Past, question: Question, metric: Metric, chosen: Chosen, scope: Scope, now: float
) -> list[Series]:
    groups = [chosen.targets, *(group.targets for group in chosen.groups)]
    known = within(question.start, question.end, now, past.keep)
    if known is None or not chosen.targets:
        return [Series(None, [], [], [], []) for _ in groups]
    points = max(1, min(question.points, MOST_POINTS // len(groups)))
    plan = grid(*known, points, now, past.keep, min(len(chosen.targets), AT_ONCE))
    key = _key(question, metric, groups, plan.step, scope)

    made = False

    def make() -> Kept:
        nonlocal made
        made = True
        return Kept.of(_settle(past, metric, groups, plan, scope, now).to_json())

    settled = _kept(past.cache.once(key, TTL, make))
    if settled is None or settled.start > plan.start:  # the clock went back, or it is not ours
        settled = Settled.from_json(json.loads(past.cache.once(key, TTL, make, anew=True).data))
    past.count(not made)
    with past.database.read() as session:
        if metric.states or metric is SCORE:
            courses = shares.go_on(session, settled, known[1])
        else:
            courses = running.go_on(session, settled, metric.name, known[1])
    return [since(course, plan.start) for course in courses]


def _kept(kept: Kept) -> Settled | None:
    try:
        return Settled.from_json(json.loads(kept.data))
    except (KeyError, TypeError, ValueError):
        return None


def _settle(
    past: Past,
    metric: Metric,
    groups: Sequence[Sequence[str]],
    plan: Plan,
    scope: Scope,
    now: float,
) -> Settled:
    targets = list(groups[0])
    weights = None
    if metric is SCORE:
        targets = [key for key in targets if past.fleet.enabled(key)]
        weights = [1.0 + len(_reached(past, key, scope)) for key in targets]
    with past.database.read() as session:
        if metric.states or weights is not None:
            return shares.settle(session, targets, groups, plan, now, weights)
        return running.settle(session, targets, groups, metric.name, plan, now)


def _reached(past: Past, key: str, scope: Scope) -> Sequence[str]:
    found = past.impact(key)
    return found if scope is None else [tenant for tenant in found if tenant in scope]


def _key(
    question: Question,
    metric: Metric,
    groups: Sequence[Sequence[str]],
    step: int,
    scope: Scope,
) -> str:
    """Belongs to what is asked and to the targets that the caller may see."""
    range_ = question.label if question.rolling else f"{question.start:.0f}-{question.end:.0f}"
    named = metric is SCORE or metric.states
    name = metric.name if named else find(metric.name).name
    limits = "" if scope is None or metric is not SCORE else ",".join(sorted(scope))
    text = "\n".join((name, range_, limits, *("\t".join(group) for group in groups)))
    return f"health:history:{step}:{hashlib.sha256(text.encode()).hexdigest()}"
