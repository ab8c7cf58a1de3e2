"""``/api/admin/health/sla``: what was promised, and what was kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from flask import Response, g
from pydantic import Field, StringConstraints

from services.container import acting, current
from services.errors import NotFound, ValidationError
from services.insights.sla import files
from services.times import iso
from services.views.model import Body as Json
from services.web.rest import cursors, ids
from services.web.rest.cursors import PageQuery
from services.web.rest.operation import Answer, Body, Query, Routes
from services.web.rest.past import now
from services.web.rest.ranges import RangeQuery, span_of

PREFIX = "/api/admin/health/sla"
REPORT = f"{PREFIX}/reports/<tenant_id>/<month>"
routes = Routes("SLA")

#: Tenants whose accounts one answer without ``tenantId`` holds.
MOST = 5000
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


class SLAQuery(RangeQuery):
    tenant_id: str | None = Field(None, max_length=100, description="without it all tenants")
    vps_id: str | None = Field(None, max_length=100, description="instead: a server")
    service: str | None = Field(None, max_length=100, description="with vpsId: a service on it")


class ReportsQuery(PageQuery):
    tenant_id: str | None = Field(None, max_length=100)


class ReportQuery(Query):
    format: Literal["json", "csv", "pdf"] = "json"
    version: int | None = Field(
        None, ge=1, le=100_000, description="of a report that was made again; without it the latest"
    )


class ReportBody(Body):
    """Why it is made again."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Budget(Answer):
    """``leftMinutes`` is below 0 when more was used than the target allows; ``usedPercent`` is null
    where it allows nothing."""

    total_minutes: float
    used_minutes: float
    left_minutes: float
    used_percent: float | None


class Account(Answer):
    """``uptime`` and ``target`` in percent. Minutes are shared by what the tenant is judged by, and
    ``policy`` says what counts: ``observedMinutes`` do, ``maintenanceMinutes`` were taken out.
    ``blindMinutes`` are those of ``unknownMinutes`` in which the monitor itself did not run or
    could not see."""

    organization_name: str
    target: float
    uptime: float | None
    met: bool | None
    downtime_minutes: float
    degraded_minutes: float
    unknown_minutes: float
    blind_minutes: float
    maintenance_minutes: float
    observed_minutes: float
    downtime_seconds: float
    observed_seconds: float
    error_budget: Budget
    policy: dict[str, str]


class TenantAccount(Account):
    tenant_id: str


class Downtime(Answer):
    """A stored interval (``eventId``) whose status counts as downtime. ``counts`` is its share of
    each minute, ``countedMinutes`` what it added to the downtime."""

    event_id: str
    target: str
    label: str
    status: str
    from_: str = Field(alias="from")
    to: str
    ongoing: bool
    minutes: float
    counts: float
    counted_minutes: float
    maintenance_minutes: float
    reason: str
    evidence: dict[str, Any]


class BurnRate(Answer):
    """How many times faster than promised the error budget is used up, over a long and a short
    window; ``both`` is the smaller of the two, which is what rules watch."""

    long_minutes: float
    short_minutes: float
    long: float | None
    short: float | None
    both: float | None


class SLA(Answer):
    """With ``tenantId`` or ``vpsId`` the account of that one with its ``downtimes``, else
    ``tenants``. ``burnRates``: ``fast`` and ``slow``, as of ``burnRatesAt``."""

    from_: str = Field(alias="from")
    to: str
    policy: dict[str, str]
    tenant_id: str | None = None
    vps_id: str | None = None
    service: str | None = None
    uptime: float | None = None
    target: float | None = None
    downtime_minutes: float | None = None
    error_budget: Budget | None = None
    burn_rates: dict[str, BurnRate] | None = None
    burn_rates_at: str | None = None
    downtimes: tuple[Downtime, ...] = ()
    more_downtimes: bool = False
    tenants: tuple[TenantAccount, ...] = ()


class Kept(Answer):
    """A report as it was made. The job makes version 1, soon after the month's end."""

    version: int
    made_at: str
    made_by: str
    reason: str


class Report(TenantAccount):
    """``month`` is ``2026-11``; ``complete``: it is over. ``kept`` is null while no report is kept:
    the figures are those of now."""

    month: str
    complete: bool
    kept: Kept | None
    from_: str = Field(alias="from")
    to: str


class WholeReport(Report):
    """``versions``: all that are kept, the latest first."""

    downtimes: list[Downtime]
    more_downtimes: bool
    versions: list[Kept]


class Reports(Answer):
    reports: list[Report]
    policy: dict[str, str]
    next_cursor: str | None


@routes.get(PREFIX, query=SLAQuery, answer=SLA, errors=(404,))
def get_sla(query: SLAQuery) -> Json:
    """Uptime, error budget, burn rates and downtime, with the events behind it.

    Of the last 30 days unless a range is given. Without tenantId one account for each tenant; with
    vpsId, or vpsId and service, that of a server or a service, by the default policy and the
    highest target of the tenants that its failure reaches. ``policy`` says what counts."""
    span, sla = span_of(query, now(), default="30d"), current().sla
    body: Json = {"from": iso(span.start), "to": iso(span.end)}
    if query.vps_id is not None or query.service is not None:
        key = _target(query)
        return {**body, **sla.target(key, g.principal.scope, span.start, span.end)}
    if query.tenant_id is None:
        tenants = sla.accounts(_known()[:MOST], span.start, span.end)
        return {**body, "policy": files.DEFAULT_POLICY.fields(), "tenants": tenants}
    return {**body, **sla.tenant(_tenant(query.tenant_id), span.start, span.end)}


@routes.get(f"{PREFIX}/reports", query=ReportsQuery, answer=Reports, errors=(404,))
def list_sla_reports(query: ReportsQuery) -> Json:
    """One row for each month and tenant, the latest month first.

    Months are those of UTC. Of months that are over as they are kept, of the running one up to
    now."""
    after: tuple[str, str] | None = None
    if query.cursor is not None:
        month, tenant = cursors.unpack("sla", query.cursor, str, str)
        if not _MONTH.fullmatch(month):
            raise ValidationError("cursor must be the nextCursor of an earlier page.")
        after = month, tenant
    if query.tenant_id is None:
        chosen: Sequence[str] = (*_known(), *_former())
    else:
        chosen = [_tenant(query.tenant_id, former=True)]
    found, last = current().sla.reports.page(chosen, after, query.limit)
    return {
        "reports": found,
        "policy": files.DEFAULT_POLICY.fields(),
        "nextCursor": cursors.pack("sla", last) if last else None,
    }


@routes.get(
    REPORT,
    query=ReportQuery,
    answer=WholeReport,
    media=("application/json", "text/csv", "application/pdf"),
)
def get_sla_report(tenant_id: str, month: str, query: ReportQuery) -> Json | Response:
    """A tenant's report on a month (2026-11): as JSON, as CSV, or as a page to hand over (PDF).

    A month that is over is answered as it was kept; the running one up to now."""
    tenant = _tenant(tenant_id, former=True)
    report = current().sla.reports.one(tenant, month, query.version)
    if query.format == "json":
        return report
    if query.format == "csv":
        content, kind = files.as_csv(report).encode(), "text/csv; charset=utf-8"
    else:
        content, kind = files.as_pdf(report), "application/pdf"
    response = Response(content, content_type=kind)
    name = f"sla-{tenant}-{report['month']}.{query.format}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@routes.post(
    REPORT, who="whole", body=ReportBody, answer=WholeReport, status=201, errors=(404, 409)
)
def make_sla_report(tenant_id: str, month: str, body: ReportBody) -> Json:
    """Makes a month's report again, after a correction.

    It becomes another version with the ``reason``; the former ones stay."""
    tenant = _tenant(tenant_id, former=True)
    return current().sla.reports.make(tenant, month, acting(), body.reason)


def _known() -> list[str]:
    """The tenants that the caller may know of."""
    scope = g.principal.scope
    return [t for t in current().read.fleet().tenants if scope is None or t in scope]


def _former() -> list[str]:
    """Those that have left the inventory, whose reports stay."""
    scope = g.principal.scope
    return sorted(t for t in current().sla.reports.former() if scope is None or t in scope)


def _tenant(tenant_id: str, *, former: bool = False) -> str:
    if ids.checked(tenant_id) not in _known() and not (former and tenant_id in _former()):
        raise NotFound(f"There is no tenant '{tenant_id}'.")
    return tenant_id


def _target(query: SLAQuery) -> str:
    """The key of the server or service that is meant."""
    if query.tenant_id is not None:
        raise ValidationError("Give tenantId, or vpsId with or without service.")
    if query.vps_id is None:
        raise ValidationError("service goes with the vpsId of the server that it runs on.")
    read = current().read
    key, fleet = ids.checked(query.vps_id), read.fleet()
    if key not in fleet.vps or not read.sees(key, g.principal.scope):
        raise NotFound(f"There is no VPS '{query.vps_id}'.")
    if query.service is None:
        return key
    key = f"{key}/{ids.checked(query.service)}"
    if key not in fleet.services:
        raise NotFound(f"There is no service '{query.service}' on {query.vps_id}.")
    return key
