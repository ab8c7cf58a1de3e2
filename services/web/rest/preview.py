"""``/api/admin/alerts/rules/preview``: what a rule would have done, before it wakes anybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import Response, g, request
from pydantic import Field

from services.alerts.preview.desk import Draft, Running
from services.alerts.preview.outcome import Comparison, Difference, Firing, Outcome, Place, Shown
from services.alerts.rules.files import read_rule
from services.container import current
from services.times import iso
from services.web.rest.operation import Answer, Body, Routes
from services.web.rest.past import now
from services.web.rest.ranges import RangeQuery, span_of

routes = Routes("Alerts")

#: The type of an answer that tells how far it is: a JSON object a line.
LINES = "application/x-ndjson"
#: Firings that are told in detail at most.
MOST = 1000


class PreviewRequest(Body):
    rule: dict[str, Any] = Field(description="a rule as it would be stored; it counts as enabled")
    time_range: str | None = Field(
        None, max_length=20, description="a whole number and m, h, d or w; without it 30d"
    )
    from_: str | None = Field(None, alias="from", max_length=40)
    to: str | None = Field(None, max_length=40)
    limit: int = Field(100, ge=1, le=MOST, description="how many firings are told in detail")


class WherePlace(Answer):
    target: str
    label: str
    vps_id: str | None


class PreviewFiring(WherePlace):
    """``since``: when the condition began to hold, ``start``: when the alert fired, ``end``: null
    while it stands. ``seconds``: how long it stood altogether; ``occurrences``: how often it fired
    (again within the time in which it is reopened). ``peak``: the worst value."""

    since: str
    start: str
    end: str | None
    seconds: float
    occurrences: int
    flapping: bool
    peak: float | str | None
    peak_at: str
    evidence: str
    values: list[dict[str, Any]]


class PreviewDifference(WherePlace):
    start: str
    end: str | None


class PreviewComparison(Answer):
    """With the rule of the same id in force (``enabled`` false: it fires nothing). Firings of a
    target that overlap in time are the same; ``added`` and ``removed`` are the newest."""

    version: int | None
    enabled: bool
    count: int
    pages: int
    added_count: int
    removed_count: int
    added: list[PreviewDifference]
    removed: list[PreviewDifference]


class PreviewSpan(Answer):
    from_: str = Field(alias="from")
    to: str
    days: float


class PreviewSeries(WherePlace):
    """One of the worst targets: ``dataPoints`` of a number, with the ``band`` that a detector
    expected; ``words`` where the metric has words, or of what was missing."""

    data_points: list[dict[str, Any]]
    band: list[dict[str, Any]]
    words: list[dict[str, Any]]


class Preview(Answer):
    """``pages``: messages that would have told of a firing, escalations not counted. ``targets``:
    how many were looked at, of ``targetsWatched``. ``complete``: nothing of that is missing;
    ``notes`` say why something is."""

    rule_id: str
    span: PreviewSpan
    targets: int
    targets_watched: int
    complete: bool
    notes: list[str]
    count: int
    pages: int
    pages_per_week: float
    self_resolved_within5_minutes_share: float | None = Field(
        alias="selfResolvedWithin5MinutesShare"
    )
    firings: list[PreviewFiring]
    compared_to: PreviewComparison | None
    unit: str
    series: list[PreviewSeries]


@routes.post(
    "/api/admin/alerts/rules/preview",
    body=PreviewRequest,
    answer=Preview,
    media=("application/json", LINES),
)
def preview_rule(body: PreviewRequest) -> Response | dict[str, Any]:
    """Replay a rule over what is stored.

    The answer comes when it is done: seconds for 30 days of 100 servers, a minute at most (then
    complete is false). With Accept: application/x-ndjson it is told line by line how far it is,
    {"done": 0.4, "targets": 40, "of": 100}; the last line is {"done": 1, "preview": {...}}, and a
    stream without it broke off. Who hangs up ends it. 503 while 2 others run.
    Maintenance, silences and causes are not replayed, and no alert stands at the begin."""
    rule = read_rule(body.rule)
    asked = RangeQuery(time_range=body.time_range, from_=body.from_, to=body.to)
    span = span_of(asked, now(), default="30d")
    draft = Draft(rule, span.start, span.end, body.limit)
    running = current().previews.begin(draft, g.principal.scope)
    unit = rule.condition.reads.unit
    if LINES in request.accept_mimetypes.values():
        response = Response(_lines(running, unit), content_type=LINES)
        response.call_on_close(running.close)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Accel-Buffering"] = "no"  # a proxy would keep the lines to itself
        return response
    try:
        return told(running.outcome, unit)
    finally:
        running.close()


def _lines(running: Running, unit: str) -> Iterator[str]:
    """An error goes on to the server, which breaks the connection off."""
    last = -1.0
    for progress in running:
        if progress.done >= last + 0.01:
            last = progress.done
            yield _line({"done": round(last, 3), "targets": progress.targets, "of": progress.of})
    yield _line({"done": 1, "preview": told(running.outcome, unit)})


def _line(value: object) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"


def told(outcome: Outcome, unit: str) -> dict[str, Any]:
    """An outcome as the API tells it."""
    start, end = outcome.span
    return {
        "ruleId": outcome.rule_id,
        "span": {"from": iso(start), "to": iso(end), "days": round((end - start) / 86400, 3)},
        "targets": outcome.targets,
        "targetsWatched": outcome.of,
        "complete": outcome.complete,
        "notes": list(outcome.notes),
        "count": outcome.count,
        "pages": outcome.pages,
        "pagesPerWeek": outcome.pages_per_week,
        "selfResolvedWithin5MinutesShare": outcome.self_resolved_share,
        "firings": [_firing(firing) for firing in outcome.firings],
        "comparedTo": outcome.compared_to and _comparison(outcome.compared_to),
        "unit": unit,
        "series": [_series(shown) for shown in outcome.series],
    }


def _place(place: Place) -> dict[str, Any]:
    return {"target": place.target, "label": place.label, "vpsId": place.vps_id}


def _firing(firing: Firing) -> dict[str, Any]:
    evidence = firing.evidence
    return {
        **_place(firing.place),
        "since": iso(firing.since),
        "start": iso(firing.start),
        "end": iso(firing.end),
        "seconds": round(firing.seconds, 3),
        "occurrences": firing.occurrences,
        "flapping": firing.flapping,
        "peak": evidence.peak,
        "peakAt": iso(evidence.peak_at),
        "evidence": evidence.text,
        "values": [{"timestamp": iso(at), "value": value} for at, value in evidence.values],
    }


def _comparison(found: Comparison) -> dict[str, Any]:
    return {
        "version": found.version,
        "enabled": found.enabled,
        "count": found.count,
        "pages": found.pages,
        "addedCount": found.added_count,
        "removedCount": found.removed_count,
        "added": [_difference(one) for one in found.added],
        "removed": [_difference(one) for one in found.removed],
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {**_place(one.place), "start": iso(one.start), "end": iso(one.end)}


def _series(shown: Shown) -> dict[str, Any]:
    picture = shown.picture
    return {
        **_place(shown.place),
        "dataPoints": [
            {"timestamp": iso(p.at), "value": p.value, "min": p.min, "max": p.max}
            for p in picture.points
        ],
        "band": [
            {"timestamp": iso(e.at), "expected": e.value, "lower": e.lower, "upper": e.upper}
            for e in picture.band
        ],
        "words": [
            {"start": iso(w.start), "end": iso(w.end), "value": w.value} for w in picture.words
        ],
    }
