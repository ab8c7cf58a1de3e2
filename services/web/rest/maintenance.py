"""``/api/admin/maintenance``: windows in which nobody is told of alerts."""

from __future__ import annotations

from typing import Any, Literal

from flask import g
from pydantic import Field

from services.alerts.quiet.rows import Place
from services.alerts.quiet.schedules import Schedule
from services.alerts.quiet.specs import Maintenance, MaintenanceScope
from services.container import acting, current
from services.errors import ValidationError
from services.web.rest import cursors
from services.web.rest.cursors import PageQuery
from services.web.rest.operation import Answer, Query, Routes
from services.web.rest.past import now
from services.web.rest.ranges import moment

PREFIX = "/api/admin/maintenance"
routes = Routes("Quiet")

MONTH, YEAR = 31 * 86400.0, 366 * 86400.0
#: Windows of one maintenance in a calendar: hourly for a fortnight.
MOST_WINDOWS = 400

State = Literal["active", "upcoming", "ended"]


class StateQuery(PageQuery):
    state: State | None = Field(None, description="only those that are so now")


class Occurrence(Answer):
    start: str
    end: str


class MaintenanceWindow(Answer):
    """``current``: the window that is open now; ``next``: the first that opens after now. Times
    are UTC. ``ended``: none will open any more."""

    id: str
    name: str
    state: State
    active: bool
    current: Occurrence | None
    next: Occurrence | None
    schedule: Schedule
    scope: MaintenanceScope
    created_at: str
    created_by: str


class CalendarQuery(Query):
    """Without a range the coming month."""

    from_: str | None = Field(
        None, alias="from", max_length=40, description="an ISO 8601 time, or now-7d; else now"
    )
    to: str | None = Field(None, max_length=40, description="likewise; else 31 days later")


class PlannedWindow(Answer):
    maintenance_id: str
    name: str
    start: str
    end: str


class MaintenanceCalendar(Answer):
    """``complete`` is false where a maintenance opens more often than is told."""

    windows: list[PlannedWindow]
    complete: bool


class MaintenanceWindows(Answer):
    maintenance: list[MaintenanceWindow]
    next_cursor: str | None


@routes.get(PREFIX, query=StateQuery, answer=MaintenanceWindows)
def list_maintenance(query: StateQuery) -> dict[str, Any]:
    """Maintenance, the newest first.

    Limited callers get what is within their tenants."""
    after = place("maintenance", query.cursor)
    found, last = current().quiet.list_maintenance(
        g.principal.scope, query.state, after, query.limit
    )
    return {
        "maintenance": found,
        "nextCursor": cursors.pack("maintenance", last) if last else None,
    }


@routes.get(f"{PREFIX}/calendar", query=CalendarQuery, answer=MaintenanceCalendar)
def maintenance_calendar(query: CalendarQuery) -> dict[str, Any]:
    """When maintenance was, is and will be, window by window, the earliest first.

    A range has at most 366 days."""
    at = now()
    start = at if query.from_ is None else moment(query.from_, "from", at)
    end = start + MONTH if query.to is None else moment(query.to, "to", at)
    if not start < end <= start + YEAR:
        raise ValidationError("from must lie before to, by 366 days at most.")
    windows, complete = current().quiet.calendar(g.principal.scope, start, end, MOST_WINDOWS)
    return {"windows": windows, "complete": complete}


@routes.post(PREFIX, body=Maintenance, answer=MaintenanceWindow, status=201, errors=(404,))
def add_maintenance(body: Maintenance) -> dict[str, Any]:
    """Plan maintenance: once, daily, weekly or by cron.

    While a window is open nobody is told of the alerts in scope; monitoring goes on. Limited
    callers name tenants of theirs in the scope."""
    return current().quiet.add_maintenance(body, g.principal.scope, acting())


@routes.get(f"{PREFIX}/<maintenance_id>", answer=MaintenanceWindow)
def get_maintenance(maintenance_id: str) -> dict[str, Any]:
    """One maintenance."""
    return current().quiet.maintenance(maintenance_id, g.principal.scope)


@routes.put(f"{PREFIX}/<maintenance_id>", body=Maintenance, answer=MaintenanceWindow)
def change_maintenance(maintenance_id: str, body: Maintenance) -> dict[str, Any]:
    """Write a maintenance anew."""
    return current().quiet.change_maintenance(maintenance_id, body, g.principal.scope, acting())


@routes.delete(f"{PREFIX}/<maintenance_id>")
def delete_maintenance(maintenance_id: str) -> None:
    """Take a maintenance away.

    A window that is open ends: what still is in trouble is told then."""
    current().quiet.delete_maintenance(maintenance_id, g.principal.scope, acting())


def place(of: str, cursor: str | None) -> Place | None:
    """Where a page begins. Raises ValidationError."""
    return None if cursor is None else Place(*cursors.unpack(of, cursor, float, str))
