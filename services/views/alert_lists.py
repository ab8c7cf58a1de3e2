"""Lists of alerts: any filter, several sorts, pages that go on after a row and not after a count.

A list is one or more segments, each in the order of an index: alerts by severity, for one, are the
critical ones, newest first, then the warnings. So a page costs what it shows, not what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, false, func, or_, select, tuple_, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.alerts import AlertRow
from services.errors import ValidationError
from services.health.scopes import visible_vps
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.views.model import Body

#: More alerts than this are not counted.
MOST_COUNTED = 1000
STATUSES = ("active", "acknowledged", "snoozed", "resolved")
SEVERITIES = ("info", "warning", "critical")
SORTS = ("triggeredAt", "severity", "resolvedAt", "duration")
#: A sort without a direction: what needs somebody first, what another alert explains last.
WORST = "worst"
UNRESOLVED = AlertRow.resolved_at.is_(None)
RESOLVED = AlertRow.resolved_at.is_not(None)

#: Where a list goes on: the segment of its last row, what that is sorted by, and the alert's id.
Place = tuple[float, float, str]
Condition = ColumnElement[bool]
Column = InstrumentedAttribute[str] | InstrumentedAttribute[str | None]


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Of each field that is given, an alert must have one; ``status`` may also hold ``all`` and
    ``unresolved``, and means the unresolved ones when it is empty. ``service`` are names or keys,
    ``q`` is text in target, title, rule name or message; ``since`` and ``until`` are seconds since
    the epoch between which it fired first. ``sort`` has - in front for the largest first."""

    status: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    vps: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    tenant: tuple[str, ...] = ()
    q: str = ""
    suppressed: bool | None = None
    false_positive: bool | None = None
    since: float | None = None
    until: float | None = None
    sort: str = "-triggeredAt"


@dataclass(frozen=True, slots=True)
class Found:
    """``last`` is the place to go on from, None at the end. ``total`` is counted on the first page
    only, and None where there are more than MOST_COUNTED."""

    ids: list[str]
    last: Place | None
    total: int | None


@dataclass(frozen=True, slots=True)
class AlertPage:
    """A page as the API gives it; for ``last`` and ``total`` see Found."""

    rows: list[Body]
    last: Place | None
    total: int | None


@dataclass(frozen=True, slots=True)
class _Segment:
    """A part of a list: alerts that fulfil ``condition``, in the order of ``value``."""

    condition: Condition | None
    value: Any  # a column, or what is made of two
    down: bool


def find(
    session: Session,
    wanted: AlertFilter,
    fleet: Fleet,
    scope: Scope,
    limit: int,
    after: Place | None = None,
) -> Found:
    """A page of the alerts that a caller may see. Raises ValidationError for a sort that there is
    not, or a place in another list."""
    segments = _segments(wanted.sort)
    conditions = _conditions(session, wanted, fleet, scope)
    most = limit + 1 if after else max(limit, MOST_COUNTED) + 1
    found: list[Place] = []
    first = int(after[0]) if after else 0
    if not 0 <= first < len(segments):
        raise ValidationError("cursor belongs to a list that is sorted otherwise.")
    for number, segment in enumerate(segments[first:], first):
        begin = after if after and number == first else None
        rows = session.execute(_query(segment, conditions, begin).limit(most - len(found)))
        found += [(float(number), value, id_) for id_, value in rows]
        if len(found) == most:
            break
    return Found(
        [id_ for _, _, id_ in found[:limit]],
        found[limit - 1] if len(found) > limit else None,
        len(found) if not after and len(found) < most else None,
    )


def seen(fleet: Fleet, scope: Scope) -> Condition | None:
    """That a caller may know of an alert's target (services.health.scopes.sees); None: of all."""
    if scope is None:
        return None
    return or_(
        AlertRow.vps_id.in_(sorted(visible_vps(fleet, scope))),
        AlertRow.tenant_id.in_(sorted(scope)),
    )


def reaches(session: Session, tenants: Sequence[str]) -> Condition:
    """That an alert hurts one of these tenants."""
    if session.get_bind().dialect.name == "postgresql":
        impact = type_coerce(AlertRow.impact, JSONB)
        return or_(false(), *(impact.contains([tenant]) for tenant in tenants))
    text = type_coerce(AlertRow.impact, Text)
    return or_(false(), *(func.instr(text, f'"{tenant}"') > 0 for tenant in tenants))


def _query(segment: _Segment, conditions: Sequence[Condition], begin: Place | None) -> Any:
    value, id_ = segment.value, AlertRow.id
    query = select(id_, value).where(*conditions)
    if segment.condition is not None:
        query = query.where(segment.condition)
    if begin is not None:
        here, there = tuple_(value, id_), tuple_(*begin[1:])
        query = query.where(here < there if segment.down else here > there)
    if segment.down:
        return query.order_by(value.desc(), id_.desc())
    return query.order_by(value, id_)


def _segments(sort: str) -> list[_Segment]:
    fired = AlertRow.triggered_at
    if sort == WORST:
        free = AlertRow.suppressed_by.is_(None)
        return [
            _Segment(and_(AlertRow.severity == rank, standing), fired, True)
            for standing in (free, ~free)
            for rank in reversed(SEVERITIES)
        ]
    field, down = sort.removeprefix("-"), sort.startswith("-")
    if field not in SORTS:
        raise ValidationError(
            f"sort must be {WORST}, or one of {', '.join(SORTS)}, with a - in front for the "
            "largest first."
        )
    if field == "triggeredAt":
        return [_Segment(None, fired, down)]
    if field == "severity":
        ranks = reversed(SEVERITIES) if down else SEVERITIES
        return [_Segment(AlertRow.severity == rank, fired, True) for rank in ranks]
    # What has no end comes last either way round; of that, what began first lasts longest.
    if field == "resolvedAt":
        ended = AlertRow.resolved_at
        return [_Segment(RESOLVED, ended, down), _Segment(UNRESOLVED, fired, True)]
    lasted = AlertRow.lasted
    return [
        _Segment(lasted.is_not(None), lasted, down), _Segment(UNRESOLVED, fired, not down),
    ]  # fmt: skip


def _conditions(
    session: Session, wanted: AlertFilter, fleet: Fleet, scope: Scope
) -> list[Condition]:
    standing = _stands(wanted)
    found: list[Condition | None] = [
        _status(wanted.status), UNRESOLVED if standing else None, seen(fleet, scope),
    ]  # fmt: skip
    # Few alerts stand. SQLite, which counts on many, is kept from looking for them elsewhere.
    name: Callable[[Column], ColumnElement[Any]] = (
        (lambda column: column.concat("")) if standing else (lambda column: column.expression)
    )
    for column, values in (
        (AlertRow.severity, wanted.severity),
        (AlertRow.rule_id, wanted.rule),
        (AlertRow.vps_id, wanted.vps),
    ):
        found.append(name(column).in_(values) if values else None)
    if wanted.service:
        named = name(AlertRow.service_name).in_(wanted.service)
        found.append(or_(named, _keyed(wanted.service)))
    if wanted.tenant:
        own = [tenant for tenant in wanted.tenant if scope is None or tenant in scope]
        found.append(reaches(session, own))
    if q := wanted.q.casefold():
        found.append(_holds(session, q))
    if wanted.suppressed is not None:
        free = AlertRow.suppressed_by.is_(None)
        found.append(~free if wanted.suppressed else free)
    if wanted.false_positive is not None:
        marked = AlertRow.false_positive
        found += [marked.is_not(None), marked == wanted.false_positive]
    if wanted.since is not None:
        found.append(AlertRow.triggered_at >= wanted.since)
    if wanted.until is not None:
        found.append(AlertRow.triggered_at < wanted.until)
    return [condition for condition in found if condition is not None]


def _keyed(services: Sequence[str]) -> Condition:
    """That an alert is about one of these services on one server, by its key."""
    parts = [key.partition("/") for key in services if "/" in key and not key.startswith("@")]
    return or_(
        false(),
        *(and_(AlertRow.vps_id == vps, AlertRow.service_name == name) for vps, _, name in parts),
        *(
            and_(AlertRow.tenant_id == key[1:].partition("/")[0], AlertRow.target == key)
            for key in services
            if key.startswith("@")
        ),
    )


def _stands(wanted: AlertFilter) -> bool:
    """Whether only alerts that are not over are asked for."""
    return wanted.suppressed is True or not {"all", "resolved"} & set(wanted.status)


def _status(status: Sequence[str]) -> Condition | None:
    if not status or "all" in status:
        return None
    parts: list[Condition] = []
    for one in dict.fromkeys(status):
        if one == "unresolved":
            parts.append(UNRESOLVED)
        elif one == "resolved":
            parts.append(RESOLVED)
        else:
            parts.append(and_(UNRESOLVED, AlertRow.status == one))
    return or_(*parts)


def _holds(session: Session, q: str) -> Condition:
    """PostgreSQL has an index for LIKE; SQLite reads its index of the texts through."""
    if session.get_bind().dialect.name == "postgresql":
        return AlertRow.search.contains(q, autoescape=True)
    return func.instr(AlertRow.search, q) > 0
