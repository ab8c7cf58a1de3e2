"""Which alerts are asked for: what the list and what is done with many of them take."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Literal

from flask import g
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from services.alerts.rules.sight import Sight
from services.container import current
from services.errors import NotFound
from services.health.scopes import sees, visible_vps
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.views.alert_lists import AlertFilter
from services.web.rest.cursors import PageQuery
from services.web.rest.ranges import RangeQuery, span_of

Status = Literal["active", "acknowledged", "snoozed", "resolved", "unresolved", "all"]
Severity = Literal["info", "warning", "critical"]
_SEVERAL = "several: it stands there several times"


class _Filters(BaseModel):
    """Of each that is given an alert must have one."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    status: tuple[Status, ...] = Field(
        (), description=f"without it the unresolved ones; {_SEVERAL}", max_length=6
    )
    severity: tuple[Severity, ...] = Field((), description=_SEVERAL, max_length=3)
    rule_id: tuple[str, ...] = Field((), description=_SEVERAL, max_length=100)
    vps_id: tuple[str, ...] = Field((), description=_SEVERAL, max_length=100)
    service: tuple[str, ...] = Field(
        (), description=f"names, or keys such as vps-1/postgres; {_SEVERAL}", max_length=100
    )
    tenant_id: tuple[str, ...] = Field(
        (), description=f"alerts that reach this tenant; {_SEVERAL}", max_length=100
    )
    q: str = Field(
        "",
        max_length=200,
        description="text in target, title, rule name or message, whatever its case",
    )
    suppressed: bool | None = Field(
        None, description="whether the trouble of something else explains it"
    )
    false_positive: bool | None = Field(None, description="as it was marked when it was resolved")


class AlertsQuery(_Filters, RangeQuery, PageQuery):
    sort: str = Field(
        "-triggeredAt",
        max_length=30,
        description="triggeredAt, severity, resolvedAt or duration, with - in front for the "
        "largest first",
    )


class AlertsSelection(_Filters, RangeQuery):
    """The filters of the list; its range is when alerts fired first."""


def wanted(asked: AlertsQuery | AlertsSelection, sort: str = "-triggeredAt") -> AlertFilter:
    """What a caller asks for. Raises ValidationError, and NotFound where a limited caller names
    what it may not know of."""
    since = until = None
    if (asked.time_range, asked.from_, asked.to) != (None, None, None):
        span = span_of(asked, time.time(), default="3650d" if asked.to else "24h")
        since, until = span.start, None if span.rolling else span.end
    _check(current().read.fleet(), g.principal.scope, asked)
    return AlertFilter(
        asked.status, asked.severity, asked.rule_id, asked.vps_id, asked.service, asked.tenant_id,
        asked.q, asked.suppressed, asked.false_positive, since, until, sort,
    )  # fmt: skip


def _check(fleet: Fleet, scope: Scope, asked: _Filters) -> None:
    """The history also has what left the fleet; who is limited knows what is there now."""
    if scope is None:
        return
    _known("VPS", asked.vps_id, visible_vps(fleet, scope))
    _known("tenant", asked.tenant_id, scope & fleet.tenants.keys())
    if asked.service:
        keys = [key for key in (*fleet.services, *fleet.applications) if sees(fleet, key, scope)]
        _known("service", asked.service, {*keys, *(key.partition("/")[2] for key in keys)})
    if asked.rule_id:
        sight = Sight.of(fleet, scope)
        rules = {entry.rule.id for entry in current().rules.all() if sight.sees(entry.rule)}
        _known("rule", asked.rule_id, rules)


def _known(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    known = frozenset(known)
    for name in names:
        if name not in known:
            raise NotFound(f"There is no {what} '{name}'.")
