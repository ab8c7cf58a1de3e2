"""Annotations: what people note on the time line, and who may read it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from models.annotations import AnnotationRow
from models.database import Database
from services.errors import InsufficientPermissions, NotFound, ValidationError
from services.events import AnnotationAdded, Bus
from services.health.scopes import visible_vps
from services.identity.audit import Actor, audit
from services.identity.principal import Scope
from services.inventory.fleet import Fleet

KINDS = ("deployment", "incident", "maintenance", "note")
#: Rows that are looked at together while a page is filled.
_BATCH = 500
_WORD = re.compile(r"[a-z0-9][a-z0-9._-]*")


class Place(NamedTuple):
    """The annotation ``id`` at ``at``."""

    at: float
    id: str


@dataclass(frozen=True, slots=True)
class Note:
    """What is noted. Moments in seconds since the epoch; ``until`` None: a moment."""

    at: float
    until: float | None
    kind: str
    text: str
    vps_id: str | None
    tenant_id: str | None
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Annotations that touch ``start`` to ``end`` and pass the filters; one of several ``tags`` is
    enough."""

    start: float
    end: float
    vps_id: str | None
    tenant_id: str | None
    kind: str | None
    tags: tuple[str, ...]
    limit: int
    after: Place | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a caller limited to ``scope`` may read: notes of its tenants and on their servers, and
    those about everything; none that names somebody else's."""

    fleet: Fleet
    scope: Scope
    servers: Collection[str] = ()
    words: frozenset[str] = field(default=frozenset())
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, fleet: Fleet, scope: Scope) -> Reading:
        servers = visible_vps(fleet, scope)
        if scope is None:
            return cls(fleet, scope, servers)
        foreign = [spec for spec in fleet.tenants.values() if spec.id not in scope]
        others = [spec for spec in fleet.vps.values() if spec.id not in servers]
        ids = {spec.id for spec in foreign} | {spec.id for spec in others}
        labels = [spec.label.casefold() for spec in foreign]
        labels += [spec.label.casefold() for spec in others]
        one_word = {label for label in labels if _WORD.fullmatch(label)}
        rest = tuple(label for label in labels if label not in one_word)
        return cls(fleet, scope, servers, frozenset(ids | one_word), rest)

    def sees(self, row: AnnotationRow) -> bool:
        if self.scope is None:
            return True
        if row.tenant_id is not None:
            return row.tenant_id in self.scope
        if row.vps_id is not None and row.vps_id not in self.servers:
            return False
        return not self._names_others("\n".join((row.text, *row.tags)).casefold())

    def may_change(self, tenant_id: str | None) -> bool:
        """Limited callers note things of their own tenants alone: what is on a server, or about
        everything, others read too."""
        return self.scope is None or (tenant_id is not None and tenant_id in self.scope)

    def server(self, vps_id: str | None) -> str | None:
        """The server itself, when the caller may know of it."""
        return vps_id if self.scope is None or vps_id in self.servers else None

    def _names_others(self, text: str) -> bool:
        words = {word.rstrip("._-") for word in _WORD.findall(text)}
        return not self.words.isdisjoint(words) or any(name in text for name in self.names)


def find(session: Session, wanted: Wanted, reading: Reading) -> tuple[list[AnnotationRow], bool]:
    """A page, newest first, and whether there are more."""
    found: list[AnnotationRow] = []
    place = wanted.after
    while True:
        rows = session.scalars(_query(wanted, place).limit(_BATCH)).all()
        for row in rows:
            if reading.sees(row) and (not wanted.tags or set(wanted.tags) & set(row.tags)):
                if len(found) == wanted.limit:
                    return found, True
                found.append(row)
        if len(rows) < _BATCH:
            return found, False
        place = Place(rows[-1].at, rows[-1].id)


def _query(wanted: Wanted, place: Place | None) -> Select[AnnotationRow]:
    row = AnnotationRow
    query = (
        select(row)
        .where(row.at < wanted.end, func.coalesce(row.until, row.at) >= wanted.start)
        .order_by(row.at.desc(), row.id.desc())
    )
    if place is not None:
        query = query.where(
            row.at <= place.at, or_(row.at < place.at, and_(row.at == place.at, row.id < place.id))
        )
    for column, value in (
        (row.vps_id, wanted.vps_id),
        (row.tenant_id, wanted.tenant_id),
        (row.kind, wanted.kind),
    ):
        if value is not None:
            query = query.where(column == value)
    return query


def add(
    database: Database, bus: Bus, note: Note, reading: Reading, actor: Actor, now: float
) -> AnnotationRow:
    """Notes something. Raises NotFound for a server or tenant that the caller may not know of,
    InsufficientPermissions for what only callers of the whole fleet may note."""
    if note.vps_id is not None and note.vps_id not in reading.servers:
        raise NotFound(f"There is no VPS '{note.vps_id}'.")
    if note.tenant_id is not None and (
        note.tenant_id not in reading.fleet.tenants
        or (reading.scope is not None and note.tenant_id not in reading.scope)
    ):
        raise NotFound(f"There is no tenant '{note.tenant_id}'.")
    if not reading.may_change(note.tenant_id):
        raise InsufficientPermissions("You may note things of your tenants; give a tenantId.")
    if note.until is not None and note.until < note.at:
        raise ValidationError("until must not lie before at.")
    row = AnnotationRow(
        id=str(uuid4()), at=note.at, until=note.until, kind=note.kind, text=note.text,
        vps_id=note.vps_id, tenant_id=note.tenant_id, tags=list(note.tags), created_at=now,
        created_by=actor.name[:100],
    )  # fmt: skip
    with database.write() as session:
        session.add(row)
        audit(session, actor, "annotation.add", _target(row), now, _told(row))
    bus.publish(AnnotationAdded(row.id))
    return row


def delete(
    database: Database, annotation_id: str, reading: Reading, actor: Actor, now: float
) -> None:
    """Takes an annotation away; the audit keeps what it said. Raises NotFound and
    InsufficientPermissions."""
    with database.write() as session:
        row = session.get(AnnotationRow, annotation_id)
        if row is None or not reading.sees(row):
            raise NotFound(f"There is no annotation '{annotation_id}'.")
        if not reading.may_change(row.tenant_id):
            raise InsufficientPermissions("Only callers of the whole fleet may take this away.")
        audit(session, actor, "annotation.delete", _target(row), now, _told(row))
        session.delete(row)


def _target(row: AnnotationRow) -> str:
    tenant = f"@{row.tenant_id}" if row.tenant_id else None
    return tenant or row.vps_id or "*"


def _told(row: AnnotationRow) -> dict[str, object]:
    return {"id": row.id, "at": row.at, "until": row.until, "kind": row.kind, "text": row.text}
