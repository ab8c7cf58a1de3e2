"""What tenants are promised and by what they are judged, remembered whenever it changes: what
they are told of a month is counted by where they ran then."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.accounts import TenantMember, TenantTerms
from models.base import Base
from services.inventory.fleet import Fleet
from services.inventory.schema import TenantSpec

#: Since when something holds of which nobody knows that it was ever otherwise.
EVER = 0.0


class Terms(NamedTuple):
    """A tenant's name, its target in percent and its policy as it is stored."""

    name: str
    target: float
    policy: Mapping[str, str]

    @classmethod
    def of(cls, spec: TenantSpec) -> Terms:
        return cls(spec.label, spec.sla, spec.sla_policy.model_dump(mode="json"))


def judged_by(fleet: Fleet, tenant_id: str) -> tuple[str, ...]:
    """The targets by which a tenant is judged: its applications; where it has none, what the
    servers that carry it consist of. Without those that are paused."""
    spec = fleet.tenants[tenant_id]
    own = tuple(f"@{tenant_id}/{one.name}" for one in spec.services)
    keys = own or tuple(
        key
        for vps_id in sorted(fleet.visible_vps(frozenset({tenant_id})))
        for key in (
            *((vps_id,) if fleet.source(vps_id) else ()),
            *(f"{vps_id}/{service.name}" for service in fleet.vps[vps_id].services),
        )
    )
    return tuple(key for key in keys if fleet.enabled(key))


def remember(session: Session, fleet: Fleet, known: Collection[str], now: float) -> None:
    """Ends what no longer holds at ``now`` (seconds since the epoch) and begins what is new.

    ``known``: the targets that were watched before. A tenant that was among them without being
    remembered comes from a time without this memory: it is taken to have always been where it is.
    So is a new tenant as far as it has applications, for their time is nobody else's. Two
    processes may do this at once.
    """
    terms = {spec.id: Terms.of(spec) for spec in fleet.tenants.values()}
    stored = {
        row.tenant_id: Terms(row.name, row.target, row.policy)
        for row in session.scalars(select(TenantTerms).where(TenantTerms.until.is_(None)))
    }
    met = set(session.scalars(select(TenantTerms.tenant_id).distinct()))
    new = {tenant: found for tenant, found in terms.items() if stored.get(tenant) != found}
    _end(session, TenantTerms, [(t,) for t, was in stored.items() if terms.get(t) != was], now)
    _begin(
        session,
        TenantTerms,
        [
            {
                "tenant_id": tenant, "since": now if tenant in met else EVER,
                "name": found.name[:200], "target": found.target, "policy": dict(found.policy),
            }
            for tenant, found in new.items()
        ],
    )  # fmt: skip
    older = {tenant for tenant in terms if f"@{tenant}" in known} - met
    _members(session, fleet, terms.keys() - met, older, now)


def _members(
    session: Session, fleet: Fleet, new: Collection[str], older: Collection[str], now: float
) -> None:
    """``new``: the tenants that are met for the first time; ``older``: those that were there before
    there was this memory."""
    member = TenantMember
    rows = session.execute(select(member.tenant_id, member.target).where(member.until.is_(None)))
    open_ = {(tenant, target) for tenant, target in rows}
    wanted = dict.fromkeys((t, key) for t in fleet.tenants for key in judged_by(fleet, t))

    def since(pair: tuple[str, str]) -> float:
        tenant, target = pair
        own = target.startswith("@") and tenant in new
        return EVER if own or tenant in older else now

    _end(session, member, [pair for pair in open_ if pair not in wanted], now)
    _begin(
        session,
        member,
        [
            {"tenant_id": pair[0], "target": pair[1], "since": since(pair)}
            for pair in wanted
            if pair not in open_
        ],
    )


def _end(
    session: Session, table: type[TenantTerms | TenantMember], keys: Iterable[tuple[str, ...]],
    now: float,
) -> None:  # fmt: skip
    """Ends open rows; one that would have lasted no time goes."""
    columns = ("tenant_id", "target")
    rows: list[dict[str, Any]] = [
        {f"of_{name}": value for name, value in zip(columns, key, strict=False)} for key in keys
    ]
    if not rows:
        return
    described = table.__table__
    where = [described.c[name.removeprefix("of_")] == bindparam(name) for name in rows[0]] + [
        described.c.until.is_(None)
    ]
    connection = session.connection()
    connection.execute(delete(described).where(*where, described.c.since >= now), rows)  # type: ignore[arg-type]
    connection.execute(update(described).where(*where).values(until=now), rows)  # type: ignore[arg-type]


def _begin(session: Session, table: type[Base], rows: list[dict[str, Any]]) -> None:
    """Adds open rows, but for those that another process has added meanwhile."""
    if not rows:
        return
    dialect = session.get_bind().dialect.name
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    session.execute(make(table).on_conflict_do_nothing(), rows)
