"""``/api/admin/annotations``: what people note on the time line."""

from __future__ import annotations

from typing import Any, Literal

from flask import g
from pydantic import Field

from models.annotations import AnnotationRow
from services.container import acting, current
from services.errors import NotFound, ValidationError
from services.history import notes
from services.history.notes import Note, Place, Reading, Wanted
from services.times import iso
from services.views.model import Body as Json
from services.web.rest import cursors, ids
from services.web.rest.cursors import PageQuery
from services.web.rest.operation import Answer, Body, Routes
from services.web.rest.past import now
from services.web.rest.ranges import RangeQuery, moment, span_of

PREFIX = "/api/admin/annotations"
routes = Routes("Annotations")

Kind = Literal["deployment", "incident", "maintenance", "note"]
TAGS, TAG = 20, 50


class AnnotationsQuery(PageQuery, RangeQuery):
    vps_id: str | None = Field(None, max_length=100)
    tenant_id: str | None = Field(None, max_length=100)
    kind: Kind | None = None
    tags: tuple[str, ...] = Field((), description="one of these is enough")


class NewAnnotation(Body):
    text: str = Field(min_length=1, max_length=2000)
    at: str | None = Field(None, max_length=40, description="ISO 8601; without it now")
    until: str | None = Field(None, max_length=40, description="ISO 8601")
    kind: Kind = "note"
    vps_id: str | None = Field(None, max_length=100)
    tenant_id: str | None = Field(None, max_length=100)
    tags: list[str] = Field(default_factory=list, max_length=TAGS)


class Annotation(Answer):
    """``until`` is null for a moment. Without ``vpsId`` and ``tenantId`` it is about
    everything."""

    id: str
    at: str
    until: str | None
    kind: str
    text: str
    vps_id: str | None
    tenant_id: str | None
    tags: list[str]
    created_at: str
    created_by: str | None


class Annotations(Answer):
    annotations: list[Annotation]
    next_cursor: str | None


@routes.get(PREFIX, query=AnnotationsQuery, answer=Annotations, errors=(404,))
def list_annotations(query: AnnotationsQuery) -> Json:
    """Annotations, newest first; those of the last 7 days unless a range is given.

    Limited callers get those of their tenants and servers, and those about everything that name
    nobody else."""
    span, reading = span_of(query, now(), default="7d"), _reading()
    _known(reading, query.vps_id, query.tenant_id)
    after = None
    if query.cursor is not None:
        after = Place(*cursors.unpack("annotations", query.cursor, float, str))
    tags = tuple(tag.strip() for text in query.tags for tag in text.split(",") if tag.strip())
    # A moment that is noted now belongs to what is up to now.
    end = span.end + 1 if span.rolling else span.end
    wanted = Wanted(
        span.start, end, query.vps_id, query.tenant_id, query.kind, tags, query.limit, after
    )
    with current().database.read() as session:
        rows, more = notes.find(session, wanted, reading)
        last = Place(rows[-1].at, rows[-1].id) if more else None
        return {
            "annotations": [body_of(row, reading) for row in rows],
            "nextCursor": cursors.pack("annotations", last) if last else None,
        }


@routes.post(PREFIX, body=NewAnnotation, answer=Annotation, status=201, errors=(404,))
def add_annotation(body: NewAnnotation) -> Json:
    """Note a deployment, an incident, maintenance or anything else.

    Limited callers note things of their tenants, with tenantId."""
    at, reading = now(), _reading()
    for tag in body.tags:
        if not 0 < len(tag.strip()) <= TAG or "," in tag:
            raise ValidationError(f"A tag has 1 to {TAG} characters and no comma.")
    note = Note(
        at if body.at is None else moment(body.at, "at", at),
        None if body.until is None else moment(body.until, "until", at),
        body.kind,
        body.text,
        body.vps_id,
        body.tenant_id,
        tuple(dict.fromkeys(tag.strip() for tag in body.tags)),
    )
    services = current()
    row = notes.add(services.database, services.bus, note, reading, acting(), at)
    return body_of(row, reading)


@routes.delete(f"{PREFIX}/<annotation_id>")
def delete_annotation(annotation_id: str) -> None:
    """Take an annotation away."""
    notes.delete(current().database, annotation_id, _reading(), acting(), now())


def body_of(row: AnnotationRow, reading: Reading) -> dict[str, Any]:
    """An annotation as a caller sees it. Who wrote one about everything is not theirs to know."""
    own = reading.may_change(row.tenant_id)
    return {
        "id": row.id,
        "at": iso(row.at),
        "until": iso(row.until),
        "kind": row.kind,
        "text": row.text,
        "vpsId": reading.server(row.vps_id),
        "tenantId": row.tenant_id,
        "tags": row.tags,
        "createdAt": iso(row.created_at),
        "createdBy": row.created_by if own else None,
    }


def _reading() -> Reading:
    return Reading.of(current().read.fleet(), g.principal.scope)


def _known(reading: Reading, vps_id: str | None, tenant_id: str | None) -> None:
    """Raises NotFound for what the caller may not know of."""
    if vps_id is not None and ids.checked(vps_id) not in reading.servers:
        raise NotFound(f"There is no VPS '{vps_id}'.")
    scope = reading.scope
    if tenant_id is not None and (
        ids.checked(tenant_id) not in reading.fleet.tenants
        or (scope is not None and tenant_id not in scope)
    ):
        raise NotFound(f"There is no tenant '{tenant_id}'.")
