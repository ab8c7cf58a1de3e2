"""``/api/admin/incidents``: alerts with one root cause, and what was done about them."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from flask import Response, g
from pydantic import Field, StringConstraints

from services.container import acting, current
from services.errors import NotFound, ValidationError
from services.insights.incidents_desk import Wanted
from services.inventory.zones import zone
from services.web.rest import cursors
from services.web.rest.cursors import PageQuery
from services.web.rest.operation import Answer, Body, Query, Routes, told_apart
from services.web.rest.ranges import RangeQuery, span_of

PREFIX = "/api/admin/incidents"
routes = Routes("Incidents")

Status = Literal["active", "acknowledged", "resolved"]


class IncidentsQuery(RangeQuery, PageQuery):
    status: tuple[Status, ...] = Field((), description="several: it stands there several times")
    tenant_id: str | None = Field(None, max_length=100, description="that reached this tenant")


class PostmortemQuery(Query):
    time_zone: str = Field(
        "UTC", max_length=60, description="an IANA name; times are told in UTC and by it"
    )


class NewIncidentNote(Body):
    """What somebody found out or did."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]


class IncidentDurations(Answer):
    """Seconds from the first alert on; null where it has not come to that."""

    to_told: float | None
    to_acknowledged: float | None
    to_resolved: float | None


class IncidentSummary(Answer):
    """``rootTarget`` is what is behind it; null for callers that may not know of that."""

    id: str
    title: str
    root_target: str | None
    status: Status
    severity: str
    started_at: str
    resolved_at: str | None
    alert_count: int
    tenants: list[str]
    durations: IncidentDurations


class Incidents(Answer):
    incidents: list[IncidentSummary]
    next_cursor: str | None


class IncidentAlertRef(Answer):
    id: str
    title: str
    target: str
    severity: str
    status: str
    triggered_at: str
    resolved_at: str | None


class IncidentEntry(Answer):
    """``event``: detected, over, what became of an alert (fired, told, acknowledged, resolved and
    so on), action (on a server), or the kind of an annotation."""

    at: str
    event: str
    text: str
    by: str | None
    alert_id: str | None


class IncidentNoted(Answer):
    at: str
    who: str
    text: str


class Incident(IncidentSummary):
    """``timeline`` holds the first 1,000 entries; ``notes`` are empty for limited callers."""

    alerts: list[IncidentAlertRef]
    timeline: list[IncidentEntry]
    notes: list[IncidentNoted]


@routes.get(PREFIX, query=IncidentsQuery, answer=Incidents, errors=(404,))
def list_incidents(query: IncidentsQuery) -> dict[str, Any]:
    """Incidents, newest first.

    A range finds those that stood at some time in it. Limited callers get what they may know of:
    the incident of the alerts that they see."""
    after = cursors.unpack("incidents", query.cursor, float, str) if query.cursor else None
    since = until = None
    if (query.time_range, query.from_, query.to) != (None, None, None):
        span = span_of(query, time.time(), default="3650d" if query.to else "24h")
        since, until = span.start, span.end
    _check_tenant(query.tenant_id)
    wanted = Wanted(query.status, query.tenant_id, since, until, query.limit, after)
    found, last = current().incidents.list(wanted, g.principal.scope)
    following = cursors.pack("incidents", last) if last else None
    return {"incidents": found, "nextCursor": following}


@routes.get(f"{PREFIX}/<incident_id>", answer=Incident)
def get_incident(incident_id: str) -> dict[str, Any]:
    """One incident with its alerts, timeline and notes.

    The id of one that turned out to be a part of another is answered with that other."""
    return current().incidents.get(incident_id, g.principal.scope)


@routes.post(
    f"{PREFIX}/<incident_id>/notes",
    who="whole",
    body=NewIncidentNote,
    answer=IncidentNoted,
    status=201,
)
def add_incident_note(incident_id: str, body: NewIncidentNote) -> dict[str, Any]:
    """Note something about an incident."""
    return current().incidents.note(incident_id, body.text, acting())


@routes.get(f"{PREFIX}/<incident_id>/postmortem", query=PostmortemQuery, media=("text/markdown",))
def get_incident_postmortem(incident_id: str, query: PostmortemQuery) -> Response:
    """What is known of an incident, as Markdown to be completed by people."""
    try:
        place = zone(query.time_zone)
    except ValueError as error:
        raise ValidationError(f"timeZone: {error}.") from None
    text = current().incidents.postmortem(incident_id, place, g.principal.scope)
    response = Response(text, content_type="text/markdown; charset=utf-8")
    name = f"incident-{incident_id}.md"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return told_apart(response)


def _check_tenant(tenant_id: str | None) -> None:
    """A limited caller may ask for its own tenants alone."""
    scope = g.principal.scope
    if tenant_id is not None and scope is not None and tenant_id not in scope:
        raise NotFound(f"There is no tenant '{tenant_id}'.")
