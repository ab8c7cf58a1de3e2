"""What an account is made from: status intervals, memberships and terms as they are stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.accounts import TenantMember, TenantTerms
from models.targets import StatusInterval, TargetRow
from services.history import ask
from services.insights.sla.account import Member, Stretch
from services.inventory.members import Terms

#: Keys in one statement; SQLite takes some 32,000 parameters at most.
_CHUNK = 5000
#: More are looked for among all: it takes longer to name them.
_MANY = 500
#: Of a target's intervals those that begin inside the range, and the last one before it.
_STRETCHES = """
SELECT t.id, i.id, i.status, i.started_at, i.ended_at, i.reason
FROM targets t JOIN status_intervals i ON i.target_id = t.id AND i.started_at < ?
 AND i.started_at >= coalesce((SELECT max(e.started_at) FROM status_intervals e
                               WHERE e.target_id = t.id AND e.started_at <= ?), ?)
WHERE t.id = ANY(?) AND (i.ended_at IS NULL OR i.ended_at > ?)
ORDER BY t.id, i.started_at, i.id
"""
#: When a target was first seen.
_FIRST = """
SELECT t.id, (SELECT min(i.started_at) FROM status_intervals i WHERE i.target_id = t.id)
FROM targets t WHERE t.id = ANY(?)
"""


def chunks(keys: Iterable[str]) -> Iterator[Sequence[str]]:
    asked = list(keys)
    return (asked[at : at + _CHUNK] for at in range(0, len(asked), _CHUNK))


def ids_of(session: Session, keys: Collection[str]) -> dict[str, int]:
    """The row ids of targets that are known."""
    found: dict[str, int] = {}
    if len(keys) > _MANY:
        wanted = set(keys)
        rows = ask.rows(session, "SELECT key, id FROM targets")
        return {key: id_ for key, id_ in rows if key in wanted}
    for part in chunks(keys):
        query = select(TargetRow.key, TargetRow.id).where(TargetRow.key.in_(part))
        found.update(session.execute(query).all())
    return found


def stretches(
    session: Session, keys: Collection[str], start: float, end: float
) -> dict[str, list[Stretch]]:
    """The status intervals that touch ``start`` to ``end``, by target, oldest first."""
    ids = ids_of(session, keys)
    names = {id_: key for key, id_ in ids.items()}
    found: dict[str, list[Stretch]] = defaultdict(list)
    if ids and start < end:
        rows = ask.rows(session, _STRETCHES, end, start, start, sorted(names), start)
        for target_id, *rest in rows:
            found[names[target_id]].append(Stretch(*rest))
    return found


def first_seen(session: Session, keys: Collection[str]) -> dict[str, float]:
    """When each target was first seen in any status; without those that never were."""
    names = {id_: key for key, id_ in ids_of(session, keys).items()}
    if not names:
        return {}
    rows = ask.rows(session, _FIRST, sorted(names))
    return {names[id_]: at for id_, at in rows if at is not None}


def evidence(session: Session, ids: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """What was found when some intervals began, by their ids."""
    found: dict[int, Mapping[str, Any]] = {}
    for at in range(0, len(ids), _CHUNK):
        query = select(StatusInterval.id, StatusInterval.evidence).where(
            StatusInterval.id.in_(ids[at : at + _CHUNK])
        )
        found.update(session.execute(query).all())
    return found


def members(
    session: Session, tenants: Collection[str], start: float, end: float
) -> dict[str, list[Member]]:
    """By what each tenant was judged from ``start`` to ``end``."""
    row = TenantMember
    query = (
        select(row.tenant_id, row.target, row.since, row.until)
        .where(row.since < end, func.coalesce(row.until, end) > start)
        .order_by(row.tenant_id, row.target, row.since)
    )
    found: dict[str, list[Member]] = defaultdict(list)
    few = len(tenants) <= _MANY
    rows = session.execute(query.where(row.tenant_id.in_(tenants)) if few else query)
    wanted = set(tenants)
    for tenant, target, since, until in rows:
        if tenant in wanted:
            found[tenant].append(Member(target, since, end if until is None else until))
    return found


def terms(session: Session, tenants: Collection[str], start: float, end: float) -> dict[str, Terms]:
    """What was promised to each tenant at ``end``, or last before it; without those that nothing
    was promised to from ``start`` on."""
    row = TenantTerms
    query = (
        select(row.tenant_id, row.name, row.target, row.policy)
        .where(row.since < end, func.coalesce(row.until, end) > start)
        .order_by(row.tenant_id, row.since)
    )
    found: dict[str, Terms] = {}
    few = len(tenants) <= _MANY
    rows = session.execute(query.where(row.tenant_id.in_(tenants)) if few else query)
    wanted = set(tenants)
    found.update((row[0], Terms(*row[1:])) for row in rows if row[0] in wanted)
    return found
