"""Maintenance and silences as they are stored, found and shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import structlog
from pydantic import TypeAdapter
from pydantic import ValidationError as Invalid
from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from models.annotations import AnnotationRow
from models.quiet import MaintenanceRow, SilenceRow
from services.alerts.quiet.now import Deployment, Quiet, Silence
from services.alerts.quiet.schedules import Span
from services.alerts.quiet.specs import Maintenance, Matchers, SilenceMatcher
from services.alerts.quiet.windows import standing
from services.times import iso

State = Literal["active", "upcoming", "ended"]
#: Rows that are looked at together while a page is filled.
_BATCH = 500
_MATCHERS: TypeAdapter[tuple[SilenceMatcher, ...]] = TypeAdapter(Matchers)

log = structlog.get_logger(__name__)


class Place(NamedTuple):
    """The row ``id``, made at ``at``."""

    at: float
    id: str


class Specs:
    """Reads stored specs; to check a cron takes some milliseconds, so each is read once."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[Any, Maintenance | None]] = {}

    def of(self, row: MaintenanceRow) -> Maintenance | None:
        """None, and a warning once, for what this version cannot read: a time zone may leave
        the system's list."""
        held = self._read.get(row.id)
        if held is not None and held[0] == row.spec:
            return held[1]
        spec = None
        try:
            spec = Maintenance.model_validate({"name": row.name, **row.spec})
        except Invalid as error:
            first = error.errors(include_url=False)[0]["msg"]
            log.warning("maintenance_unreadable", id=row.id, name=row.name, reason=first)
        self._read[row.id] = (row.spec, spec)
        return spec

    def keep(self, ids: set[str]) -> None:
        """Forgets the rest."""
        self._read = {id_: held for id_, held in self._read.items() if id_ in ids}


@dataclass(frozen=True, slots=True)
class Stored:
    """All that withholds messages now or later."""

    maintenance: tuple[tuple[str, Maintenance], ...]
    silences: tuple[Silence, ...]
    deployments: tuple[Deployment, ...]

    def quiet(self) -> Quiet:
        return Quiet(dict(self.maintenance), self.silences, self.deployments)


def stored(session: Session, specs: Specs, now: float, grace: float) -> Stored:
    """``grace``: for so many seconds a deployment withholds messages."""
    rows = session.scalars(select(MaintenanceRow).order_by(MaintenanceRow.id)).all()
    specs.keep({row.id for row in rows})
    read = ((row.id, specs.of(row)) for row in rows)
    silences = select(SilenceRow).where(SilenceRow.ends_at > now).order_by(SilenceRow.id)
    deployments = (
        select(AnnotationRow)
        .where(AnnotationRow.at > now - grace, AnnotationRow.kind == "deployment")
        .order_by(AnnotationRow.id)
    )
    return Stored(
        tuple((id_, spec) for id_, spec in read if spec is not None),
        tuple(
            Silence(row.id, row.comment, matchers_of(row), Span(row.starts_at, row.ends_at))
            for row in session.scalars(silences)
        ),
        tuple(
            Deployment(row.id, row.text, row.vps_id, row.tenant_id, Span(row.at, row.at + grace))
            for row in session.scalars(deployments)
        ),
    )


def matchers_of(row: SilenceRow) -> tuple[SilenceMatcher, ...]:
    return _MATCHERS.validate_python(row.matchers)


def spec_of(maintenance: Maintenance) -> dict[str, Any]:
    """What is stored of it beside its name."""
    return maintenance.model_dump(mode="json", by_alias=True, exclude={"name"}, exclude_none=True)


def maintenance_body(row: MaintenanceRow, spec: Maintenance, now: float) -> dict[str, Any]:
    """A maintenance as it is shown."""
    current, following = standing(spec.schedule, now)
    state: State = "active" if current else "upcoming" if following else "ended"
    return {
        "id": row.id,
        "name": row.name,
        "state": state,
        "active": current is not None,
        "current": _span(current),
        "next": _span(following),
        **spec_of(spec),
        "createdAt": iso(row.created_at),
        "createdBy": row.created_by,
    }


def silence_body(row: SilenceRow, now: float) -> dict[str, Any]:
    """A silence as it is shown."""
    state: State = "ended" if row.ends_at <= now else "active"
    return {
        "id": row.id,
        "comment": row.comment,
        "state": "upcoming" if row.starts_at > now else state,
        "matchers": row.matchers,
        "startsAt": iso(row.starts_at),
        "endsAt": iso(row.ends_at),
        "createdAt": iso(row.created_at),
        "createdBy": row.created_by,
    }


def silences(
    session: Session,
    state: State | None,
    now: float,
    after: Place | None,
    limit: int,
    shown: Callable[[SilenceRow], bool],
) -> tuple[list[SilenceRow], bool]:
    """A page, newest first, and whether there are more."""
    found: list[SilenceRow] = []
    while True:
        rows = session.scalars(_silences(state, now, after).limit(_BATCH)).all()
        for row in rows:
            if shown(row):
                if len(found) == limit:
                    return found, True
                found.append(row)
        if len(rows) < _BATCH:
            return found, False
        after = Place(rows[-1].created_at, rows[-1].id)


def _silences(state: State | None, now: float, after: Place | None) -> Select[SilenceRow]:
    row = SilenceRow
    query = select(row).order_by(row.created_at.desc(), row.id.desc())
    if state == "ended":
        query = query.where(row.ends_at <= now)
    elif state is not None:
        begun = row.starts_at <= now if state == "active" else row.starts_at > now
        query = query.where(row.ends_at > now, begun)
    if after is not None:
        same = and_(row.created_at == after.at, row.id < after.id)
        query = query.where(or_(row.created_at < after.at, same))
    return query


def _span(span: Span | None) -> dict[str, str | None] | None:
    return {"start": iso(span.start), "end": iso(span.end)} if span else None
