"""What the metrics page shows: courses side by side, their figures, and what was noted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from statistics import median
from typing import Any

from models.annotations import AnnotationRow
from services.health.scopes import visible_vps
from services.history import notes
from services.history.notes import Reading, Wanted
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.metrics import CATALOGUE, Metric
from services.views.chosen import Asked
from services.views.history import SCORE, Past, Question, history_body, metric_of
from services.views.metrics_asked import COMPARED, Selection
from services.views.model import Body, VpsCard

#: Series that are drawn at most.
MOST_SERIES = 24
#: Servers that are shown by themselves: all when there are few, else the busiest.
FEW, BUSIEST = 6, 5
POINTS = {"overlay": 600, "small": 200}
MOST_NOTES = 100
#: A course has a gap where its points are so many times further apart than usual.
GAP = 2.5


@dataclass(frozen=True, slots=True)
class Course:
    """``values`` are means from ``times`` (seconds since the epoch) on, None where nothing was
    seen; ``low`` and ``high`` the extremes. ``of`` is what it is of in words, ``shift``: seconds by
    which it lay back and was moved here."""

    metric: str
    label: str
    unit: str
    of: str
    times: tuple[float, ...]
    values: tuple[float | None, ...]
    low: float | None
    high: float | None
    shift: int = 0

    @property
    def known(self) -> list[float]:
        return [value for value in self.values if value is not None]


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a course's points: extremes of all readings, mean, 95th percentile and last of means."""

    low: float
    mean: float
    p95: float
    high: float
    last: float


@dataclass(frozen=True, slots=True)
class Noted:
    """A note, an alert or maintenance on the time line. ``id``: of an annotation that the caller
    may take away, else empty."""

    at: float
    until: float | None
    kind: str
    text: str
    about: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from, as (value, label); ``whole``: the caller may note things about
    everything."""

    metrics: tuple[tuple[str, str], ...]
    vps: tuple[tuple[str, str], ...]
    tenants: tuple[tuple[str, str], ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class MetricsView:
    """``series``: how many were asked for; at most MOST_SERIES are among the courses. ``vps`` are
    the servers that are shown. ``exported``: the metrics that can be exported."""

    selection: Selection
    start: float
    end: float
    courses: tuple[Course, ...]
    series: int
    vps: tuple[str, ...]
    noted: tuple[Noted, ...]
    choices: Choices
    exported: tuple[str, ...]


def choices(fleet: Fleet, scope: Scope) -> Choices:
    """What a caller may choose from."""
    known = [m for m in CATALOGUE.values() if m.remembered]
    servers = visible_vps(fleet, scope)
    tenants = [t for t in fleet.tenants.values() if scope is None or t.id in scope]
    return Choices(
        tuple((m.alias or m.name, f"{m.label} ({unit_of(m)})") for m in (*known, SCORE)),
        tuple((spec.id, _named(spec.id, spec.label)) for spec in fleet.vps.values()
              if spec.id in servers),
        tuple((t.id, _named(t.id, t.label)) for t in tenants),
        scope is None,
    )  # fmt: skip


def unit_of(metric: Metric) -> str:
    """What values of its course are in."""
    return "% healthy" if metric.states else metric.unit


def busiest(servers: Iterable[VpsCard]) -> tuple[str, ...]:
    """The servers that are shown when none was chosen: all when they are few, else those with the
    most CPU in use."""
    measured = [card for card in servers if card.measured]
    if len(measured) > FEW:
        measured.sort(key=lambda card: -(card.cpu.percent or 0.0) if card.cpu else 0.0)
        measured = measured[:BUSIEST]
    return tuple(sorted(card.id for card in measured))


def metrics_view(
    past: Past,
    selection: Selection,
    servers: Iterable[VpsCard],
    others: Sequence[Noted],
    scope: Scope,
    now: float,
) -> MetricsView:
    """What was selected. ``others`` are alerts and maintenance in the range. Raises NotFound for
    servers and tenants that the caller may not know of, ValidationError."""
    start, end = selection.range(now)
    metrics = [metric_of(name) for name in selection.metrics]
    vps = selection.vps or (() if selection.tenants else busiest(servers))
    count = len(metrics) * max(1, len(vps)) * max(1, len(selection.tenants))
    count *= 2 if selection.compare else 1
    courses: list[Course] = []
    room = MOST_SERIES // (2 if selection.compare else 1)
    for name, metric in zip(selection.metrics, metrics, strict=True):
        asked = _fitting(vps, selection.tenants, room - len(courses))
        if asked is not None:
            courses += _courses(past, name, metric, asked, selection, (start, end), scope, now)
    if selection.compare:
        back = COMPARED[selection.compare]
        for name, metric in zip(selection.metrics, metrics, strict=True):
            asked = _fitting(vps, selection.tenants, MOST_SERIES - len(courses))
            if asked is not None:
                moved = (start - back, end - back)
                courses += _courses(
                    past, name, metric, asked, selection, moved, scope, now, shift=back
                )
    reading = Reading.of(past.fleet, scope)
    return MetricsView(
        selection, start, end, tuple(courses), count, vps,
        (*_noted(past, selection, reading, start, end), *others),
        choices(past.fleet, scope),
        tuple(m.alias or m.name for m in metrics if not m.states and m is not SCORE),
    )  # fmt: skip


def figures(course: Course) -> Figures | None:
    """None for a course without a point."""
    known = course.known
    if not known:
        return None
    ordered = sorted(known)
    p95 = ordered[min(len(ordered) - 1, math.ceil(0.95 * len(ordered)) - 1)]
    low = ordered[0] if course.low is None else course.low
    high = ordered[-1] if course.high is None else course.high
    return Figures(low, sum(known) / len(known), p95, high, known[-1])


def noted_of(row: AnnotationRow, reading: Reading) -> Noted:
    """A note as a caller sees it."""
    about = reading.server(row.vps_id) or row.tenant_id or ""
    mine = row.id if reading.may_change(row.tenant_id) else ""
    return Noted(row.at, row.until, row.kind, row.text, about, mine)


def _fitting(vps: tuple[str, ...], tenants: tuple[str, ...], room: int) -> Asked | None:
    """As much of a choice as there is room for."""
    if room < 1:
        return None
    tenants = tenants[:room]
    return Asked(vps[: max(1, room // max(1, len(tenants)))], tenants)


def _courses(
    past: Past, name: str, metric: Metric, asked: Asked, selection: Selection,
    range_: tuple[float, float], scope: Scope, now: float, shift: int = 0,
) -> list[Course]:  # fmt: skip
    label = f"{selection.start}/{selection.end}"
    rolling = selection.rolling and not shift
    question = Question(name, asked, *range_, label, rolling, POINTS[selection.layout])
    body = history_body(past, question, scope, now)
    found: Sequence[Body] = body.get("series") or [body]
    return [_course(metric, asked, one, past.fleet, shift) for one in found]


def _course(metric: Metric, asked: Asked, body: Body, fleet: Fleet, shift: int) -> Course:
    vps: Any = body.get("vpsId") or (asked.vps[0] if len(asked.vps) == 1 else None)
    tenant: Any = body.get("tenantId") or (asked.tenants[0] if len(asked.tenants) == 1 else None)
    words = [
        fleet.vps[vps].label if vps in fleet.vps else None,
        fleet.tenants[tenant].label if tenant in fleet.tenants else None,
    ]
    points = body["dataPoints"]
    times, values = with_gaps(
        [_epoch(p["timestamp"]) for p in points], [p["value"] for p in points]
    )
    return Course(
        metric.alias or metric.name, metric.label, unit_of(metric),
        " · ".join(word for word in words if word) or "All",
        tuple(at + shift for at in times), tuple(values),
        min((p["min"] for p in points), default=None),
        max((p["max"] for p in points), default=None),
        shift,
    )  # fmt: skip


def with_gaps(
    times: Sequence[float], values: Sequence[float]
) -> tuple[list[float], list[float | None]]:
    """The same points with a None where nothing was seen for longer than usual."""
    steps = [after - before for before, after in pairwise(times)]
    longest = GAP * median(steps) if steps else 0.0
    shown_times: list[float] = []
    shown: list[float | None] = []
    for place, (at, value) in enumerate(zip(times, values, strict=True)):
        if place and steps[place - 1] > longest:
            shown_times.append(times[place - 1] + longest / GAP)
            shown.append(None)
        shown_times.append(at)
        shown.append(value)
    return shown_times, shown


@lru_cache(20_000)
def _epoch(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()


def _noted(
    past: Past, selection: Selection, reading: Reading, start: float, end: float
) -> list[Noted]:
    wanted = Wanted(start, end + 1, None, None, None, (), MOST_NOTES, None)
    with past.database.read() as session:
        rows, _ = notes.find(session, wanted, reading)
        return [noted_of(row, reading) for row in rows if row.kind in selection.marks]


def _named(id_: str, label: str) -> str:
    return label if label == id_ else f"{label} ({id_})"
