"""``/api/admin/health/export``: what is remembered, as a file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

from flask import Response, g
from pydantic import Field

from services.container import current
from services.errors import Unavailable
from services.history.stored import Retention
from services.views.export import as_csv, as_json, planned
from services.web.rest.operation import Routes
from services.web.rest.past import PastQuery, now
from services.web.rest.ranges import span_of

routes = Routes("History")

#: Exports that are written at the same time; each takes a thread as long as it lasts.
AT_ONCE = 4
_ROOM = threading.BoundedSemaphore(AT_ONCE)
_WRITERS = {"csv": (as_csv, "text/csv; charset=utf-8"), "json": (as_json, "application/json")}


class ExportQuery(PastQuery):
    format: Literal["json", "csv"] = "json"
    metric: tuple[str, ...] = Field(
        (), description="short or full names; without any CPU, memory, disk, load and network"
    )
    resolution: Literal["raw", "1m", "10m", "1h"] | None = Field(
        None,
        description="without it raw up to 6 h, 1m up to 2 days, 10m up to 14 days, 1h beyond",
    )


@routes.get(
    "/api/admin/health/export",
    query=ExportQuery,
    media=("application/json", "text/csv"),
    errors=(404,),
)
def export_health_metrics(query: ExportQuery) -> Response:
    """What is remembered of servers and services, as a file.

    It is written while it is read, of any length. One that breaks off was not ended properly:
    take it as failed. 503 while 4 others are being written."""
    at, services = now(), current()
    span = span_of(query, at)
    names = tuple(name.strip() for text in query.metric for name in text.split(","))
    export = planned(
        services.database,
        services.read.fleet(),
        Retention.of(services.settings),
        names,
        query.asked(),
        (span.start, span.end),
        query.resolution,
        g.principal.scope,
        now,
    )
    if not _ROOM.acquire(blocking=False):
        raise Unavailable(f"{AT_ONCE} exports are being written; try again when one is done.")
    write, kind = _WRITERS[query.format]
    response = Response(_encoded(write(export)), content_type=kind)
    response.call_on_close(_ROOM.release)
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"healthdeck-{stamp}-{export.resolution}.{query.format}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _encoded(parts: Iterator[str]) -> Iterator[bytes]:
    """An error goes on to the server, which then breaks the connection off: what was sent lacks
    its end (the last chunk), so no client takes it for the whole."""
    for part in parts:
        yield part.encode()
