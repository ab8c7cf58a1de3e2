"""Exports: what is remembered of many targets, written piece by piece.

One target after the other, a window of its time after the other, each in a read of its own: memory
does not grow with the range or the fleet, and no writer waits for the length of a download.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from models.database import Database
from services.errors import ValidationError
from services.history.query import history, samples_between
from services.history.stored import DAY, HOUR, Retention
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.metrics import Metric, find
from services.observation import Kind, kind_of, vps_of
from services.times import iso
from services.views.chosen import Asked, targets_of
from services.views.history import within

#: What is exported of servers, or of what was chosen by service, unless metrics are named.
OF_SERVERS = ("cpu", "memory", "disk", "load", "network", "system.network.sent")
OF_SERVICES = ("responseTime",)
#: Seconds between two points of each resolution; 0: every sample.
RESOLUTIONS = {"raw": 0, "1m": 60, "10m": 600, "1h": HOUR}
#: The finest resolution for ranges up to so many seconds; 1h beyond.
_FINEST = ((6 * HOUR, "raw"), (2 * DAY, "1m"), (14 * DAY, "10m"))
#: Points of one target that are in memory at once.
WINDOW = 2000
#: Rows that are handed over together.
_ROWS = 500
#: What a spreadsheet takes for the begin of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

#: Second, value, min, max.
Value = tuple[int, float, float, float]


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be written: ``metrics`` of ``targets`` from ``start`` to ``end`` (seconds since
    the epoch), ``step`` seconds apart; 0: every sample."""

    database: Database
    fleet: Fleet
    keep: Retention
    metrics: tuple[Metric, ...]
    targets: tuple[str, ...]
    start: float
    end: float
    resolution: str
    clock: Callable[[], float]

    @property
    def step(self) -> int:
        return RESOLUTIONS[self.resolution]


def planned(
    database: Database,
    fleet: Fleet,
    keep: Retention,
    names: Sequence[str],
    asked: Asked,
    range_: tuple[float, float],
    resolution: str | None,
    scope: Scope,
    clock: Callable[[], float],
) -> Export:
    """What a caller is to get. Raises NotFound and ValidationError (services.views.chosen)."""
    default = OF_SERVICES if asked.services else OF_SERVERS
    metrics = tuple(dict.fromkeys(find(name) for name in names or default))
    targets: dict[str, None] = {}
    for metric in metrics:
        if metric.states or not metric.remembered:
            raise ValidationError(
                f"{metric.name} has no numbers to export; GET /api/admin/health/events lists "
                "changes of status, and /history shows the share of healthy time."
            )
        targets.update(dict.fromkeys(targets_of(fleet, metric, asked, scope)))
    start, end = within(*range_, clock(), keep) or (range_[0], range_[0])
    chosen = resolution or next((name for most, name in _FINEST if end - start <= most), "1h")
    return Export(database, fleet, keep, metrics, tuple(targets), start, end, chosen, clock)


def as_csv(export: Export) -> Iterator[str]:
    """A line for each target and time. What is no number cannot be taken for a formula."""
    yield _lines([_header(export)])
    for target in export.targets:
        who = [safe(text or "") for text in _who(export, target)]
        waiting: list[list[str]] = []
        for rows in _windows(export, target):
            for at in sorted({at for of_metric in rows for at in of_metric}):
                cells = [text for of_metric in rows for text in _cells(export, of_metric.get(at))]
                waiting.append([iso(at) or "", *who, *cells])
                if len(waiting) == _ROWS:
                    yield _lines(waiting)
                    waiting = []
        if waiting:
            yield _lines(waiting)


def as_json(export: Export) -> Iterator[str]:
    """One document: a series for each target and metric that it has values of."""
    head = {
        "from": iso(export.start),
        "to": iso(export.end),
        "resolution": export.resolution,
        "metrics": [{"name": m.name, "label": m.label, "unit": m.unit} for m in export.metrics],
    }
    yield f'{json.dumps(head)[:-1]}, "series": ['
    between = ""
    for target in export.targets:
        names = ("vpsId", "service", "tenantId", "name")
        who = dict(zip(names, _who(export, target), strict=True))
        for place, metric in enumerate(export.metrics):
            begun = False
            for rows in _windows(export, target, place):
                for text in _texts(export, rows[place]):
                    if not begun:
                        opened = {**who, "metric": metric.name, "unit": metric.unit}
                        yield f'{between}{json.dumps(opened)[:-1]}, "dataPoints": [{text}'
                        begun, between = True, ",\n"
                    else:
                        yield f",{text}"
            if begun:
                yield "]}"
    yield "]}\n"


def _texts(export: Export, values: dict[int, Value]) -> Iterator[str]:
    """Points as JSON, some hundred at a time, with commas between them."""
    points = [values[at] for at in sorted(values)]
    for first in range(0, len(points), _ROWS):
        yield ",".join(
            f'{{"timestamp":"{iso(at)}","value":{value!r}}}'
            if not export.step
            else f'{{"timestamp":"{iso(at)}","value":{value!r},"min":{low!r},"max":{high!r}}}'
            for at, value, low, high in points[first : first + _ROWS]
        )


def _windows(
    export: Export, target: str, only: int | None = None
) -> Iterator[list[dict[int, Value]]]:
    """The values of each metric by second, window by window, oldest first; ``only`` those of one
    metric."""
    length = WINDOW * export.step if export.step else DAY // 4
    first = export.start // (export.step or 1) * (export.step or 1)
    while first < export.end:
        last = min(first + length, export.end)
        with export.database.read() as session:
            yield [
                _values(export, session, target, metric, first, last)
                if (only is None or place == only) and _has(export.fleet, metric, target)
                else {}
                for place, metric in enumerate(export.metrics)
            ]
        first += length


def _values(
    export: Export, session: Session, target: str, metric: Metric, first: float, last: float
) -> dict[int, Value]:
    if not export.step:
        found = samples_between(session, target, metric.name, first, last)
        return {at: (at, value, value, value) for at, value in found}
    points = max(1, -(-int(last - first) // export.step))
    (series,) = history(
        session,
        [target],
        metric.name,
        first,
        first + points * export.step,
        points,
        export.clock(),
        export.keep,
    )
    columns = zip(series.at, series.value, series.min, series.max, strict=True)
    return {value[0]: value for value in columns}


def _has(fleet: Fleet, metric: Metric, target: str) -> bool:
    if kind_of(target) not in metric.kinds:
        return False
    return metric.types is None or fleet.service_type(target) in metric.types


def _who(export: Export, target: str) -> tuple[str | None, str | None, str | None, str]:
    """Id of the server, name of the service, id of the tenant, and a name for people."""
    if kind_of(target) is Kind.APPLICATION:
        tenant, _, name = target[1:].partition("/")
        return None, name, tenant, export.fleet.label(target)
    return vps_of(target), target.partition("/")[2] or None, None, export.fleet.label(target)


def _header(export: Export) -> list[str]:
    names = ["timestamp (UTC)", "vpsId", "service", "tenantId", "name"]
    words = ("", " min", " max") if export.step else ("",)
    names += [f"{m.name}{word} ({m.unit})" for m in export.metrics for word in words]
    return names


def _cells(export: Export, value: Value | None) -> list[str]:
    if not export.step:
        return [""] if value is None else [repr(value[1])]
    return ["", "", ""] if value is None else [repr(number) for number in value[1:]]


def safe(text: str) -> str:
    """``text`` so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _lines(rows: Sequence[Sequence[str]]) -> str:
    """RFC 4180."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()
