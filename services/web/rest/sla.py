"""``/api/admin/health/sla``: what was promised, and what was kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from flask import g
from pydantic import Field

from services.container import current
from services.errors import NotFound, ValidationError
from services.times import iso
from services.views import sla
from services.views.model import Body
from services.web.rest import cursors, ids
from services.web.rest.cursors import PageQuery
from services.web.rest.operation import Answer, Routes
from services.web.rest.past import now
from services.web.rest.ranges import RangeQuery, span_of

PREFIX = "/api/admin/health/sla"
routes = Routes("SLA")

#: Tenants whose accounts one answer without ``tenantId`` holds.
MOST = 5000
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


class SLAQuery(RangeQuery):
    tenant_id: str | None = Field(None, max_length=100, description="without it all tenants")


class ReportsQuery(PageQuery):
    tenant_id: str | None = Field(None, max_length=100)


class Budget(Answer):
    """``leftMinutes`` is below 0 when more was used than the target allows."""

    total_minutes: float
    used_minutes: float
    left_minutes: float


class Account(Answer):
    """``uptime`` and ``target`` in percent. Minutes are shared by the applications of the tenant:
    see the policy."""

    tenant_id: str
    organization_name: str
    target: float
    uptime: float | None
    met: bool | None
    downtime_minutes: float
    degraded_minutes: float
    unknown_minutes: float
    observed_minutes: float
    error_budget: Budget


class Downtime(Answer):
    """A stored interval of status unhealthy; ``counts`` is its share of each minute."""

    target: str
    label: str
    from_: str = Field(alias="from")
    to: str
    ongoing: bool
    minutes: float
    counts: float
    reason: str
    evidence: dict[str, Any]


class SLA(Answer):
    """With ``tenantId`` the account of that tenant with its ``downtimes``, else ``tenants``."""

    from_: str = Field(alias="from")
    to: str
    policy: dict[str, str]
    tenant_id: str | None = None
    uptime: float | None = None
    target: float | None = None
    downtime_minutes: float | None = None
    error_budget: Budget | None = None
    downtimes: tuple[Downtime, ...] = ()
    more_downtimes: bool = False
    tenants: tuple[Account, ...] = ()


class Report(Account):
    """``month`` is ``2026-11``; ``complete``: it is over."""

    month: str
    complete: bool


class Reports(Answer):
    reports: list[Report]
    policy: dict[str, str]
    next_cursor: str | None


@routes.get(PREFIX, query=SLAQuery, answer=SLA, errors=(404,))
def get_sla(query: SLAQuery) -> Body:
    """Uptime, error budget and downtime of a tenant, with the intervals behind it.

    Of the last 30 days unless a range is given. Without tenantId one account for each tenant.
    ``policy`` says what counts."""
    services, at = current(), now()
    fleet, span = services.read.fleet(), span_of(query, at, default="30d")
    chosen = _tenants(query.tenant_id)
    body: Body = {"from": iso(span.start), "to": iso(span.end), "policy": dict(sla.POLICY)}
    with services.database.read() as session:
        found = sla.accounts(session, fleet, chosen, span.start, span.end, at)
        if query.tenant_id is None:
            return {**body, "tenants": found}
        until = min(span.end, at)
        spans, more = sla.downtimes(session, fleet, query.tenant_id, span.start, until)
    return {**body, **found[0], "downtimes": spans, "moreDowntimes": more}


@routes.get(f"{PREFIX}/reports", query=ReportsQuery, answer=Reports, errors=(404,))
def list_sla_reports(query: ReportsQuery) -> Body:
    """One row for each month and tenant, the latest month first.

    Months are those of UTC. The running one goes up to now."""
    after: tuple[str, str] | None = None
    if query.cursor is not None:
        month, tenant = cursors.unpack("sla", query.cursor, str, str)
        if not _MONTH.fullmatch(month):
            raise ValidationError("cursor must be the nextCursor of an earlier page.")
        after = month, tenant
    services, chosen = current(), _tenants(query.tenant_id)
    with services.database.read() as session:
        found, last = sla.reports(session, services.read.fleet(), chosen, now(), after, query.limit)
    return {
        "reports": found,
        "policy": dict(sla.POLICY),
        "nextCursor": cursors.pack("sla", last) if last else None,
    }


def _tenants(tenant_id: str | None) -> Sequence[str]:
    """The tenants that are meant, of those that the caller may know of."""
    scope = g.principal.scope
    known = [t for t in current().read.fleet().tenants if scope is None or t in scope]
    if tenant_id is None:
        return known[:MOST]
    if ids.checked(tenant_id) not in known:
        raise NotFound(f"There is no tenant '{tenant_id}'.")
    return [tenant_id]
