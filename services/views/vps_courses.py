"""The courses of a server's resources and of its services' response times, with their gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import Any

from services.health.status import LIMITS
from services.history import notes
from services.identity import Scope
from services.metrics import CATALOGUE
from services.views.chosen import Asked
from services.views.history import Past, Question, history_body

#: Ranges by what stands in the address, in seconds.
RANGES: Mapping[str, float] = {
    "1h": 3600.0, "6h": 21600.0, "24h": 86400.0, "7d": 604800.0, "30d": 2592000.0,
}  # fmt: skip
USUAL = "24h"
#: The least that somebody can zoom into, in seconds.
LEAST = 60.0
POINTS, SPARK_POINTS = 300, 40
#: Services whose response times are drawn.
MOST_LINES = 6
MOST_NOTES = 100
RESPONSE = "service.responseTime"

#: The panels, each with its metrics and what their lines are called.
PANELS: Mapping[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "cpu": ("CPU", (("system.cpu.usage", "used"),)),
    "memory": ("Memory", (("system.memory.usedPercent", "used"),)),
    "disk": ("Disk", (("system.disk.usedPercent", "used"),)),
    "load": ("Load", (("system.load.1m", "1 min"),)),
    "network": ("Network", (("system.network.received", "in"), ("system.network.sent", "out"))),
    "response": ("Response time", ()),
}


@dataclass(frozen=True, slots=True)
class Window:
    """From ``start`` to ``end`` (seconds since the epoch); ``label``: a key of RANGES where it
    ends now, else empty."""

    start: float
    end: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """``times`` in seconds since the epoch; a value of None is a gap. ``place`` of the line among
    all that its panel may have: it keeps its colour when others have no readings."""

    label: str
    place: int
    times: tuple[float, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """``gaps``: spans without a reading of any of its lines. ``limit`` is the value past which the
    server counts as degraded."""

    name: str
    label: str
    unit: str
    lines: tuple[Course, ...]
    gaps: tuple[tuple[float, float], ...]
    limit: float | None


@dataclass(frozen=True, slots=True)
class NoteMark:
    """Something noted; ``until`` None: a moment."""

    at: float
    until: float | None
    kind: str
    text: str


def window(range_: object, zoom: tuple[float, float] | None, now: float) -> Window:
    """What a page shows: what was zoomed to, else a range up to now (``USUAL`` for any word that
    is none)."""
    if zoom is not None and zoom[0] < now:
        end = min(zoom[1], now)
        return Window(min(zoom[0], end - LEAST), end)
    label = range_ if isinstance(range_, str) and range_ in RANGES else USUAL
    return Window(now - RANGES[label], now, label)


def panels(
    past: Past, vps_id: str, shown: Window, scope: Scope, interval: float, now: float
) -> tuple[Panel, ...]:
    """The panels of a server that is read every ``interval`` seconds. Raises NotFound."""
    found = []
    for name, (label, metrics) in PANELS.items():
        if metrics:
            asked = Asked(vps=(vps_id,))
            lines = [
                (place, words, _points(past, metric, asked, shown, scope, now))
                for place, (metric, words) in enumerate(metrics)
            ]
        else:
            of_services = _responses(past, vps_id, shown, POINTS, scope, now)
            lines = [
                (place, key.partition("/")[2], points)
                for place, (key, points) in enumerate(of_services.items())
            ]
        main = metrics[0][0] if metrics else RESPONSE
        courses = [
            _course(words, place, points, interval)
            for place, words, points in lines[:MOST_LINES]
            if points
        ]
        found.append(
            Panel(
                name,
                label,
                CATALOGUE[main].unit if name != "load" else "",
                tuple(courses),
                _gaps(courses, shown, interval),
                LIMITS.get(main),
            )
        )
    return tuple(found)


def response_sparks(
    past: Past, vps_id: str, scope: Scope, now: float
) -> dict[str, tuple[float | None, ...]]:
    """The response times of the last hour (ms, oldest first) of each service."""
    shown = Window(now - RANGES["1h"], now, "1h")
    found = _responses(past, vps_id, shown, SPARK_POINTS, scope, now)
    return {key: tuple(value for _, value in points) for key, points in found.items()}


def noted(past: Past, vps_id: str, shown: Window, scope: Scope) -> tuple[NoteMark, ...]:
    """What was noted of the server, of a tenant on it, or of everything, oldest first."""
    reading = notes.Reading.of(past.fleet, scope)
    wanted = notes.Wanted(shown.start, shown.end + 1, None, None, None, (), MOST_NOTES, None)
    with past.database.read() as session:
        rows, _ = notes.find(session, wanted, reading)
    tenants = {None, *past.fleet.tenants_on(vps_id)}
    return tuple(
        NoteMark(row.at, row.until, row.kind, row.text)
        for row in reversed(rows)
        if row.vps_id in (None, vps_id) and row.tenant_id in tenants
    )


Points = list[tuple[float, float]]


def _points(
    past: Past, metric: str, asked: Asked, shown: Window, scope: Scope, now: float
) -> Points:
    return _told(history_body(past, _question(metric, asked, shown, POINTS), scope, now))


def _responses(
    past: Past, vps_id: str, shown: Window, points: int, scope: Scope, now: float
) -> dict[str, Points]:
    keys = tuple(f"{vps_id}/{one.name}" for one in past.fleet.vps[vps_id].services)
    if not keys:
        return {}
    asked = Asked(vps=(vps_id,), services=keys)
    body = history_body(past, _question(RESPONSE, asked, shown, points), scope, now)
    if len(keys) == 1:
        return {keys[0]: _told(body)}
    return {one["service"]: _told(one) for one in body["series"]}


def _question(metric: str, asked: Asked, shown: Window, points: int) -> Question:
    rolling = bool(shown.label)
    return Question(metric, asked, shown.start, shown.end, shown.label, rolling, points)


def _told(body: Mapping[str, Any]) -> Points:
    return [
        (datetime.fromisoformat(one["timestamp"]).timestamp(), one["value"])
        for one in body["dataPoints"]
    ]


def _course(label: str, place: int, points: Points, interval: float) -> Course:
    """A line that breaks where nothing was read."""
    longest = _longest([at for at, _ in points], interval)
    times, values = list[float](), list[float | None]()
    for at, value in points:
        if times and at - times[-1] > longest:
            times.append(times[-1] + longest / 2)
            values.append(None)
        times.append(at)
        values.append(value)
    return Course(label, place, tuple(times), tuple(values))


def _longest(times: Sequence[float], interval: float) -> float:
    """Seconds between two points beyond which there is a gap: one missing reading is none, one
    missing mean of several is."""
    step = median([b - a for a, b in pairwise(times)]) if len(times) > 1 else interval
    return max(2.5 * interval, 1.5 * step)


def _gaps(
    courses: Sequence[Course], shown: Window, interval: float
) -> tuple[tuple[float, float], ...]:
    """Spans without any reading, after the first of them."""
    read = sorted(
        {at for c in courses for at, v in zip(c.times, c.values, strict=True) if v is not None}
    )
    if not read:
        return ()
    longest = _longest(read, interval)
    ends = [*read, shown.end]
    return tuple((a, b) for a, b in pairwise(ends) if b - a > longest)
