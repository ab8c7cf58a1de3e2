"""What was promised to tenants and what was kept, from status intervals.

A tenant's time is that of its applications, each of which counts the same (where it has none, of
the servers that carry it and what runs on them): while one of three is down, a third of each minute
is downtime.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from models.targets import StatusInterval, TargetRow
from services.history.query import intervals_query, uptime
from services.history.uptime import Uptime
from services.inventory.fleet import Fleet
from services.observation import Status
from services.times import iso
from services.views.model import Body
from services.views.tenants import targets

#: What counts as what, as fields and in words.
POLICY: Mapping[str, str] = {
    "unhealthy": "downtime",
    "degraded": "uptime",
    "unknown": "not counted",
    "maintenance": "counted like any other time",
    "applications": "each counts the same",
    "text": (
        "Uptime is the percent of the observed time in which the tenant's applications were not "
        "unhealthy; each of them counts the same, so while one of three is down, a third of each "
        "minute is downtime. A tenant without applications is judged by the servers that carry it "
        "and what runs on them. Degraded time counts as uptime. Time of status unknown (paused, or "
        "nobody could look) counts neither way. Maintenance is not taken out. The error budget is "
        "the share of the counted time, with what of the range is still to come, that the target "
        "allows to be down. Times come from the moments at which a status changed."
    ),
}
#: Spans of downtime that one answer tells of, the latest first.
MOST_SPANS = 1000
#: Months that reports go back.
MONTHS = 36
_CHUNK = 5000


@dataclass(frozen=True, slots=True)
class Month:
    """``name`` is ``2026-11``; ``start`` and ``end`` seconds since the epoch, UTC."""

    name: str
    start: float
    end: float


def accounts(
    session: Session, fleet: Fleet, tenant_ids: Sequence[str], start: float, end: float, now: float
) -> list[Body]:
    """The account of each tenant from ``start`` to ``end``."""
    of = {tenant: targets(fleet, tenant) for tenant in tenant_ids}
    keys = list(dict.fromkeys(key for found in of.values() for key in found))
    until = min(end, now)
    times = uptime(session, keys, start, until) if start < until else {}
    ahead = max(0.0, end - max(start, now))
    return [
        _account(fleet, tenant, [times[key] for key in found if key in times], len(found), ahead)
        for tenant, found in of.items()
    ]


def _account(fleet: Fleet, tenant: str, times: Sequence[Uptime], count: int, ahead: float) -> Body:
    """Minutes, each shared by the targets. ``ahead``: seconds of the range still to come."""
    spec, share = fleet.tenants[tenant], 1 / (60 * max(count, 1))
    down = sum(t.unhealthy for t in times)
    observed = sum(t.observed for t in times)
    percent = 100 * (1 - down / observed) if observed else None
    total = (100 - spec.sla) / 100 * (observed * share + ahead / 60)
    used = down * share
    return {
        "tenantId": tenant,
        "organizationName": spec.label,
        "target": spec.sla,
        "uptime": None if percent is None else round(percent, 4),
        "met": None if percent is None else percent >= spec.sla,
        "downtimeMinutes": round(used, 2),
        "degradedMinutes": round(sum(t.degraded for t in times) * share, 2),
        "unknownMinutes": round(sum(t.unknown for t in times) * share, 2),
        "observedMinutes": round(observed * share, 2),
        "errorBudget": {
            "totalMinutes": round(total, 2),
            "usedMinutes": round(used, 2),
            "leftMinutes": round(total - used, 2),
        },
    }


def downtimes(
    session: Session, fleet: Fleet, tenant: str, start: float, end: float
) -> tuple[list[Body], bool]:
    """The intervals behind a tenant's downtime, the latest first, and whether there are more than
    are told. ``end`` is not in the future."""
    keys = targets(fleet, tenant)
    if not keys or start >= end:
        return [], False
    rows = [
        (row, key)
        for at in range(0, len(keys), _CHUNK)
        for row, key in session.execute(
            intervals_query(start, end, keys[at : at + _CHUNK]).where(
                StatusInterval.status == str(Status.UNHEALTHY)
            )
        )
    ]
    rows.sort(key=lambda found: (found[0].started_at, found[1]), reverse=True)
    return [
        {
            "target": key,
            "label": fleet.label(key),
            "from": iso(max(row.started_at, start)),
            "to": iso(min(row.ended_at or end, end)),
            "ongoing": row.ended_at is None,
            "minutes": round((min(row.ended_at or end, end) - max(row.started_at, start)) / 60, 2),
            "counts": round(1 / len(keys), 6),
            "reason": row.reason,
            "evidence": row.evidence,
        }
        for row, key in rows[:MOST_SPANS]
    ], len(rows) > MOST_SPANS


def months(first: float, now: float) -> Iterator[Month]:
    """The months from now back to the one of ``first``, at most MONTHS."""
    moment = datetime.fromtimestamp(now, UTC)
    year, number = moment.year, moment.month
    for _ in range(MONTHS):
        start = datetime(year, number, 1, tzinfo=UTC)
        after = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
        yield Month(f"{year:04}-{number:02}", start.timestamp(), after.timestamp())
        if start.timestamp() <= first:
            return
        year, number = (year, number - 1) if number > 1 else (year - 1, 12)


def reports(
    session: Session,
    fleet: Fleet,
    tenant_ids: Sequence[str],
    now: float,
    after: tuple[str, str] | None,
    limit: int,
) -> tuple[list[Body], tuple[str, str] | None]:
    """A page of rows, one a month and tenant, the latest month first and tenants by id; and the
    place (month, tenant id) to go on from."""
    since = _known_since(session, {tenant: targets(fleet, tenant) for tenant in tenant_ids})
    if not since:
        return [], None
    found: list[Body] = []
    last: tuple[str, str] | None = None
    for month in months(min(since.values()), now):
        if after is not None and month.name > after[0]:
            continue
        ids = sorted(
            tenant
            for tenant, first in since.items()
            if first < month.end and (after is None or month.name < after[0] or tenant > after[1])
        )
        if ids and len(found) == limit:
            return found, last
        chosen = ids[: limit - len(found)]
        for account in accounts(session, fleet, chosen, month.start, min(month.end, now), now):
            found.append({"month": month.name, "complete": month.end <= now, **account})
            last = month.name, account["tenantId"]
        if len(chosen) < len(ids):
            return found, last
    return found, None


def _known_since(session: Session, of: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Since when something is known of each tenant; one of which nothing is, is left out."""
    keys = list(dict.fromkeys(key for found in of.values() for key in found))
    first: dict[str, float] = {}
    begin = (
        select(func.min(StatusInterval.started_at))
        .where(and_(StatusInterval.target_id == TargetRow.id))
        .correlate(TargetRow)
        .scalar_subquery()
    )
    for at in range(0, len(keys), _CHUNK):
        query = select(TargetRow.key, begin).where(TargetRow.key.in_(keys[at : at + _CHUNK]))
        first.update((key, since) for key, since in session.execute(query) if since is not None)
    return {
        tenant: min(first[key] for key in found if key in first)
        for tenant, found in of.items()
        if any(key in first for key in found)
    }
