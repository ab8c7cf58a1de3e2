"""A tenant's page: how it is in one sentence, its applications, what it rests on, what happened."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from models.database import Database
from services.errors import NotFound
from services.health.status import Judgement
from services.history import query
from services.history.availability import slices
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.observation import Status
from services.views import alerts
from services.views.census import UNSEEN
from services.views.events import Wanted, events
from services.views.headline import told
from services.views.model import AlertView, Beat, Body
from services.views.reader import Reader
from services.views.tenant_graph import Node, Web, web
from services.views.tenants import targets

States = Mapping[str, Judgement]

BEATS, BEATS_SPAN = 48, 86400.0
MOST_EVENTS = 40
#: Ways that a link of ours may lead out.
SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class ApplicationView:
    """``since`` (seconds since the epoch) is when it became what it is, None where it was never
    looked at; ``runs_on`` the key and name of the service that it runs on. ``link``: its URL where
    a browser may be sent there."""

    key: str
    name: str
    url: str
    link: str | None
    status: Status
    message: str
    since: float | None
    response_ms: float | None
    runs_on: tuple[str, str] | None
    beats: tuple[Beat, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """A service that it rests on, which can be restarted and whose log can be read."""

    vps_id: str
    name: str
    label: str
    status: Status


@dataclass(frozen=True, slots=True)
class TenantPage:
    """All of a tenant but its promise. ``headline`` is the one sentence, ``told`` who knows of
    it; ``since`` when it became so, as far as that is known."""

    id: str
    name: str
    status: Status
    since: float | None
    headline: str
    told: str
    applications: tuple[ApplicationView, ...]
    services: tuple[Service, ...]
    alerts: tuple[AlertView, ...]
    events: tuple[Body, ...]
    web: Web
    updated_at: float
    interval: float


@dataclass(frozen=True, slots=True)
class Promise:
    """What was promised and what was kept, as the API gives it: the account of this ``month``, of
    the last ``thirty`` days with burn rates and downtimes, of each of the last ``days``, and the
    monthly ``reports``, the latest first. ``at``: when it was counted."""

    month: Mapping[str, Any]
    thirty: Mapping[str, Any]
    days: Sequence[Mapping[str, Any]]
    reports: Sequence[Mapping[str, Any]]
    at: float


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows. ``may_log``, ``may_restart``: what the caller may do to services."""

    page: TenantPage
    promise: Promise
    may_log: bool
    may_restart: bool


def check(read: Reader, tenant_id: str, scope: Scope) -> None:
    """Raises NotFound for a tenant that is not there or not to be known of."""
    if tenant_id not in read.fleet().tenants or not read.sees(f"@{tenant_id}", scope):
        raise NotFound(f"there is no tenant '{tenant_id[:100]}'")


def tenant_page(
    database: Database,
    read: Reader,
    states: States,
    trouble: str | None,
    tenant_id: str,
    scope: Scope,
    now: float,
    interval: float,
) -> TenantPage:
    """The page of a tenant. ``states`` are the latest judgements, ``trouble`` what keeps the
    monitor from storing any, ``now`` and ``interval`` in seconds. Raises NotFound."""
    check(read, tenant_id, scope)
    fleet = read.fleet()
    found = web(fleet, tenant_id, states, lambda key: read.sees(key, scope))
    with database.read() as session:
        active = alerts.unresolved(
            session,
            fleet,
            lambda key: read.sees(key, scope) and tenant_id in read.impact(key),
            frozenset({tenant_id}),
        )
        about = {key for node in found.nodes if (key := node.key)} - {f"@{tenant_id}"}
        changes, _ = events(session, fleet, Wanted(about, None, None, None, MOST_EVENTS, None))
        applications = _applications(session, fleet, tenant_id, states, now)
    nodes = {node.key: node for node in found.nodes}
    whole = nodes[f"@{tenant_id}"]
    seen = [state.seen_at for key in targets(fleet, tenant_id) if (state := states.get(key))]
    return TenantPage(
        id=tenant_id,
        name=whole.label,
        status=whole.status,
        since=_since(whole.status, fleet, tenant_id, states),
        headline=headline(whole, applications, found),
        told=told(active, trouble, len(active)),
        applications=applications,
        services=tuple(
            Service(key.partition("/")[0], node.label, f"{node.label} {node.detail}", node.status)
            for key in found.keys("service")
            if (node := nodes[key]) and key not in fleet.own
        ),
        alerts=active,
        events=tuple(changes),
        web=found,
        updated_at=max(seen, default=now),
        interval=max(
            (fleet.interval(key, interval) for key in targets(fleet, tenant_id)), default=interval
        ),
    )


def headline(whole: Node, applications: Sequence[ApplicationView], found: Web) -> str:
    """``ACME Corp is degraded: nexus is unhealthy (HTTP 503). Behind it: postgres on vps-1 is
    unhealthy.`` Several applications are only named: each says why in its own row."""
    ill = [one for one in applications if one.status is not Status.HEALTHY]
    if whole.status is Status.HEALTHY:
        number = len(applications)
        if not number:
            return f"{whole.label} is healthy: its servers and their services are."
        return f"{whole.label} is healthy: " + (
            "its application answers." if number == 1 else f"all {number} applications answer."
        )
    if whole.status is Status.UNKNOWN:
        reasons = {one.message for one in ill}
        why = reasons.pop() if len(reasons) == 1 else "nobody could look"
        return f"The state of {whole.label} is not known: {why}."
    sentence = f"{whole.label} is {whole.status}" + (f": {_which(ill)}" if ill else "")
    behind = _behind(found)
    return f"{sentence}." + (f" Behind it: {behind}." if behind else "")


def _which(ill: Sequence[ApplicationView]) -> str:
    if len(ill) == 1:
        return f"{ill[0].name} is {ill[0].status} ({ill[0].message})"
    names = [one.name for one in ill] if len(ill) < 4 else [ill[0].name, f"{len(ill) - 1} more"]
    statuses = {one.status for one in ill}
    state = statuses.pop() if len(statuses) == 1 else "not healthy"
    return f"{', '.join(names[:-1])} and {names[-1]} are {state}"


def _behind(found: Web) -> str:
    """The farthest that are not well: nothing they rest on is worse."""
    bad = {
        node.key: node
        for node in found.nodes
        if node.kind in ("service", "vps")
        and node.own
        and node.status in (Status.UNHEALTHY, Status.DEGRADED)
    }
    uneasy = {one for one, other in found.edges if other in bad}
    roots = [
        node
        for key, node in bad.items()
        if key not in uneasy and (node.kind == "service" or node.status is Status.UNHEALTHY)
    ]
    roots = roots or [node for node in bad.values() if node.kind == "service"]
    said = [
        f"{node.label} {node.detail} is {node.status}"
        if node.kind == "service"
        else f"server {node.label} is {node.status}"
        for node in roots[:2]
    ]
    return " and ".join(said) + (f" and {len(roots) - 2} more" if len(roots) > 2 else "")


def _since(status: Status, fleet: Fleet, tenant_id: str, states: States) -> float | None:
    """A tenant is degraded from the first of its targets that is not well; anything else it is
    from the last that became it."""
    known = [state for key in targets(fleet, tenant_id) if (state := states.get(key))]
    if status is Status.DEGRADED:
        return min((one.since for one in known if one.status is not Status.HEALTHY), default=None)
    return max((one.since for one in known), default=None)


def _applications(
    session: Session, fleet: Fleet, tenant_id: str, states: States, now: float
) -> tuple[ApplicationView, ...]:
    specs = {f"@{tenant_id}/{one.name}": one for one in fleet.tenants[tenant_id].services}
    width = BEATS_SPAN / BEATS
    end = math.ceil(now / width) * width
    past = query.intervals(session, end - BEATS_SPAN, now, list(specs)) if specs else {}
    found = []
    for key, spec in specs.items():
        enabled = fleet.enabled(key)
        state = states.get(key) if enabled else None
        check = state.check if state else None
        bars = slices({key: past.get(key, ())}, end - BEATS_SPAN, end, BEATS)
        found.append(
            ApplicationView(
                key=key,
                name=spec.name,
                url=spec.url,
                link=spec.url if urlsplit(spec.url).scheme in SCHEMES else None,
                status=state.status if state else Status.UNKNOWN,
                message=state.reason if state else UNSEEN if enabled else "paused",
                since=state.since if state else None,
                response_ms=check.response_ms if check else None,
                runs_on=(spec.runs_on, fleet.label(spec.runs_on)) if spec.runs_on else None,
                beats=tuple(Beat(one.start, one.end, one.status, one.text) for one in bars),
            )
        )
    return tuple(found)
