"""Monthly reports: made soon after the month's end, and kept as they were made.

The figures, the target and the policy of a kept report do not change any more. One that is made
again, after a correction, is another version, and the former ones can still be read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.accounts import SlaReport, TenantTerms
from models.database import Database
from services.errors import Conflict, NotFound
from services.identity.audit import Actor, audit
from services.insights.sla import months, stored
from services.insights.sla.figures import Account, Body, Books
from services.insights.sla.months import Month
from services.inventory.fleet import Fleet
from services.times import iso

#: Seconds after a month's end at which its reports are made: what was being judged then is stored.
SETTLED = 600.0
#: Tenants whose reports are made together.
_AT_ONCE = 50
_KEEPER = "healthdeck"

#: Where a list goes on: the month and the tenant of its last row.
Place = tuple[str, str]


class Reports:
    """``clock`` gives seconds since the epoch."""

    def __init__(
        self,
        database: Database,
        books: Books,
        fleet: Callable[[], Fleet],
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._books = books
        self._fleet = fleet
        self._clock = clock
        self._nothing_due: tuple[str, frozenset[str]] | None = None

    def former(self) -> set[str]:
        """The tenants that have left the inventory."""
        with self._database.read() as session:
            met = set(session.scalars(select(TenantTerms.tenant_id).distinct()))
        return met - self._fleet().tenants.keys()

    def page(
        self, tenants: Collection[str], after: Place | None, limit: int
    ) -> tuple[list[Body], Place | None]:
        """A page of rows, one a month and tenant, the latest month first and tenants by id; and the
        place to go on from. Kept ones as they are kept, the rest as of now."""
        now = self._clock()
        found: list[Body] = []
        last: Place | None = None
        with self._database.read() as session:
            known = self._known(session, tenants, now)
            if not known:
                return [], None
            for month in months.back(min(known.values())[0], now):
                if after is not None and month.name > after[0]:
                    continue
                ids = sorted(
                    tenant
                    for tenant, span in known.items()
                    if _touches(span, month)
                    and (after is None or month.name < after[0] or tenant > after[1])
                )
                if ids and len(found) == limit:
                    return found, last
                chosen = ids[: limit - len(found)]
                found += self._rows(session, chosen, month, now)
                if chosen:
                    last = month.name, chosen[-1]
                if len(chosen) < len(ids):
                    return found, last
        return found, None

    def one(self, tenant: str, name: str, version: int | None = None) -> Body:
        """The report on a month with its downtimes: the version that is asked for or the latest, or
        if none is kept what it would be now. Raises NotFound and ValidationError."""
        month, now = Month.named(name), self._clock()
        with self._database.read() as session:
            kept = _versions(session, tenant, month.name)
            if version is not None and not any(row.version == version for row in kept):
                raise NotFound(f"There is no version {version} of this report.")
            for row in kept:
                if version in (None, row.version):
                    others = [_version(one) for one in kept]
                    return {**_kept(row), "downtimes": row.downtimes, "versions": others}
            self._check(session, tenant, month, now)
            (account,) = self._accounts(session, [tenant], month, now)
            return {**self._whole(session, account, month, now), "versions": []}

    def make(self, tenant: str, name: str, actor: Actor, reason: str) -> Body:
        """Makes a report, or makes it again. Raises NotFound, ValidationError, and Conflict while
        the month is not over."""
        month, now = Month.named(name), self._clock()
        if month.end > now:
            raise Conflict(f"{month.name} is not over; its report is made after it.")
        with self._database.read() as session:
            self._check(session, tenant, month, now)
            (account,) = self._accounts(session, [tenant], month, now)
            body = self._whole(session, account, month, now)
        with self._database.write() as session:
            last = session.scalar(
                select(func.max(SlaReport.version)).where(
                    SlaReport.month == month.name, SlaReport.tenant_id == tenant
                )
            )
            row = _row(body, (last or 0) + 1, now, actor.name, reason)
            session.add(row)
            detail = {"month": month.name, "version": row.version, "reason": reason}
            audit(session, actor, "sla.report", f"@{tenant}", now, detail)
        return self.one(tenant, month.name)

    def make_due(self, seconds: float = 5.0) -> int:
        """Makes reports that are due, for so many ``seconds`` at most; how many. For the
        scheduler: the next run goes on."""
        now, deadline = self._clock(), time.monotonic() + seconds
        made = 0
        with self._database.read() as session:
            met = frozenset(session.scalars(select(TenantTerms.tenant_id).distinct()))
            latest = next(m for m in months.back(0.0, now - SETTLED) if m.end <= now - SETTLED)
            if self._nothing_due == (latest.name, met):
                return 0
            known = self._known(session, met, now)
        first = min(known.values(), default=(now, now))[0]
        for month in months.back(first, now - SETTLED):
            if month.end > now - SETTLED:
                continue
            due = self._missing(month, [t for t, span in known.items() if _touches(span, month)])
            for at in range(0, len(due), _AT_ONCE):
                if time.monotonic() > deadline:
                    return made
                made += self._keep(due[at : at + _AT_ONCE], month, now)
        self._nothing_due = latest.name, met
        return made

    def _missing(self, month: Month, tenants: Collection[str]) -> list[str]:
        with self._database.read() as session:
            query = select(SlaReport.tenant_id).where(SlaReport.month == month.name)
            kept = set(session.scalars(query))
        return sorted(set(tenants) - kept)

    def _keep(self, tenants: Sequence[str], month: Month, now: float) -> int:
        with self._database.read() as session:
            accounts = self._accounts(session, tenants, month, now)
            bodies = [self._whole(session, one, month, now) for one in accounts]
        rows = [_row(body, 1, now, _KEEPER, "") for body in bodies]
        with self._database.write() as session:
            make = postgresql.insert if self._database.dialect == "postgresql" else sqlite.insert
            values = [
                {c.name: getattr(row, c.name) for c in SlaReport.__table__.columns} for row in rows
            ]
            session.execute(make(SlaReport).on_conflict_do_nothing(), values)
        return len(rows)

    def _rows(
        self, session: Session, tenants: Sequence[str], month: Month, now: float
    ) -> list[Body]:
        found: dict[str, Body] = {}
        if month.end <= now:
            for part in stored.chunks(tenants):
                query = (
                    select(*(c for c in SlaReport.__table__.columns if c.name != "downtimes"))
                    .where(SlaReport.month == month.name, SlaReport.tenant_id.in_(part))
                    .order_by(SlaReport.version)
                )
                found.update((row.tenant_id, _kept(row)) for row in session.execute(query))
        rest = [tenant for tenant in tenants if tenant not in found]
        for account in self._accounts(session, rest, month, now) if rest else ():
            body = _head(account, month, now)
            found[body["tenantId"]] = body
        return [found[tenant] for tenant in tenants]

    def _accounts(
        self, session: Session, tenants: Sequence[str], month: Month, now: float
    ) -> list[Account]:
        end = min(month.end, now)
        subjects = self._books.tenants(session, tenants, month.start, end)
        return self._books.accounts(session, subjects, month.start, end, now)

    def _whole(self, session: Session, account: Account, month: Month, now: float) -> Body:
        downs, more = account.downtimes(session, self._fleet())
        return {**_head(account, month, now), "downtimes": downs, "moreDowntimes": more}

    def _check(self, session: Session, tenant: str, month: Month, now: float) -> None:
        span = self._known(session, [tenant], now).get(tenant)
        if span is None or not _touches(span, month):
            raise NotFound(f"Nothing is known of tenant '{tenant}' in {month.name}.")

    def _known(
        self, session: Session, tenants: Collection[str], now: float
    ) -> dict[str, tuple[float, float]]:
        """From when to when something is known of each tenant; one of which nothing is, is left
        out."""
        members = stored.members(session, tenants, 0.0, now)
        seen = stored.first_seen(session, {m.target for own in members.values() for m in own})
        spans = {
            tenant: [
                (max(seen[m.target], m.start), m.end)
                for m in own
                if m.target in seen and seen[m.target] < m.end
            ]
            for tenant, own in members.items()
        }
        return {
            tenant: (min(found)[0], max(end for _, end in found))
            for tenant, found in spans.items()
            if found
        }


def _touches(span: tuple[float, float], month: Month) -> bool:
    return span[0] < month.end and span[1] > month.start


def _head(account: Account, month: Month, now: float) -> Body:
    """A report without its downtimes, as of now."""
    complete = month.end <= now
    return {
        "month": month.name,
        "complete": complete,
        **account.body(),
        "from": iso(account.start),
        "to": iso(account.end),
        "kept": None,
    }


def _row(body: Body, version: int, now: float, by: str, reason: str) -> SlaReport:
    figures = {k: v for k, v in body.items() if k not in ("downtimes", "kept", "versions")}
    return SlaReport(
        month=body["month"], tenant_id=body["tenantId"], version=version, made_at=now,
        made_by=by[:100], reason=reason[:500], body=figures, downtimes=body["downtimes"],
    )  # fmt: skip


def _kept(row: Any) -> Body:
    return {**row.body, "kept": _version(row)}


def _version(row: Any) -> Body:
    return {
        "version": row.version, "madeAt": iso(row.made_at), "madeBy": row.made_by,
        "reason": row.reason,
    }  # fmt: skip


def _versions(session: Session, tenant: str, month: str) -> Sequence[SlaReport]:
    """The latest first."""
    return session.scalars(
        select(SlaReport)
        .where(SlaReport.month == month, SlaReport.tenant_id == tenant)
        .order_by(SlaReport.version.desc())
    ).all()
