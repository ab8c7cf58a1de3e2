"""``/api/admin/health/history``: the course of a metric."""

from __future__ import annotations

from flask import Response, g
from pydantic import Field

from services.container import current
from services.views.history import Question, history_body
from services.views.model import Body
from services.web.rest.operation import Answer, Routes
from services.web.rest.past import PastQuery, now, past
from services.web.rest.ranges import span_of
from services.web.rest.sent import as_kept

routes = Routes("History")


class HistoryQuery(PastQuery):
    metric: str = Field(
        "cpu",
        max_length=100,
        description="a short name (cpu, memory, disk, load, network, responseTime, uptime, score) "
        "or a full one (system.memory.usedPercent, database.status)",
    )
    points: int = Field(500, ge=1, le=5000, description="points of a series at most")


class DataPoint(Answer):
    """``value`` is the mean from ``timestamp`` to the next point."""

    timestamp: str
    value: float
    min: float
    max: float


class Course(Answer):
    """The course of one of several servers, tenants or services."""

    vps_id: str | None = None
    tenant_id: str | None = None
    service: str | None = None
    data_points: list[DataPoint]


class History(Answer):
    """``dataPoints`` is the mean over all targets; spans without a sample have no point."""

    metric: str
    time_range: str
    unit: str
    from_: str = Field(alias="from")
    to: str
    data_points: list[DataPoint]
    series: tuple[Course, ...] = ()


@routes.get("/api/admin/health/history", query=HistoryQuery, answer=History, errors=(404,))
def get_health_history(query: HistoryQuery) -> Response:
    """The course of a metric.

    Without filters it is the mean over everything that the caller may see, CPU of the last 24
    hours unless something else is asked for. Several vpsId, tenantId or service add a series
    each. The bucket that is still open is included. A status (database.status) is told as the
    percent of observed time in which it was healthy, score as it was with today's dependencies.
    The points of all series together are 50,000 at most."""
    scope, read = g.principal.scope, current().read
    made = False

    def make() -> Body:
        nonlocal made
        made, at = True, now()
        question = Question(query.metric, query.asked(), *span_of(query, at), query.points)
        return history_body(past(), question, scope, at)

    found = read.latest.get(("history", scope, query), make)
    if not made:
        read.kept.count("history", hit=True)
    return as_kept(found, History)
