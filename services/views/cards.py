"""From judgements to what a reader sees of servers and services. Pure, but for the cards that are
kept."""

from __future__ import annotations

import operator
import threading
from collections.abc import Collection, Mapping, Sequence

from models.targets import HostSample
from services.health import scopes
from services.health.status import LIMITS, Judgement, of_many, of_vps
from services.history.availability import Slice
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.metrics import CATALOGUE
from services.observation import Status, worst
from services.views.model import Beat, Gauge, Instance, ServiceType, VpsCard

States = Mapping[str, Judgement]
Course = Sequence[HostSample | None]

#: Cards that are held for all callers together.
MOST_KEPT = 20_000

LABELS = {"api": "API", "backend": "Backend API", "s3": "S3", "smtp": "SMTP", "email": "E-mail",
          "dns": "DNS", "tcp": "TCP", "tls": "TLS", "http": "HTTP"}  # fmt: skip
RESOURCES = (
    ("system.cpu.usage", "", "", "%"),
    ("system.memory.usedPercent", "system.memory.used", "system.memory.total", "GiB"),
    ("system.disk.usedPercent", "system.disk.used", "system.disk.total", "GiB"),
)


class Drawn:
    """Cards without courses of a large fleet: drawn anew where what they are made of is another
    than the last time. Safe to be asked from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: Fleet | None = None
        self._kept: dict[tuple[Scope, str], tuple[tuple[Judgement | None, ...], VpsCard]] = {}
        self._needs: dict[str, tuple[str, ...]] = {}

    def without_courses(
        self, vps_ids: Sequence[str], fleet: Fleet, states: States, scope: Scope, interval: float
    ) -> list[VpsCard]:
        """The cards of servers that callers limited to ``scope`` see. ``interval``: seconds between
        looks at servers that say nothing else."""
        known = scopes.visible_vps(fleet, scope)
        found = []
        with self._lock:
            if self._of is not fleet:
                self._of, self._kept = fleet, {}
                self._needs = {vps_id: _needs(vps_id, fleet) for vps_id in fleet.vps}
            for vps_id in vps_ids:
                made_of = tuple(map(states.get, self._needs[vps_id]))
                kept = self._kept.get((scope, vps_id))
                if kept is None or not all(map(operator.is_, kept[0], made_of)):
                    tenants = fleet.tenants_on(vps_id)
                    seen = tuple(t for t in tenants if scope is None or t in scope)
                    every = fleet.interval(vps_id, interval)
                    card = vps_card(vps_id, fleet, states, (), seen, every, known)
                    if len(self._kept) >= MOST_KEPT:
                        self._kept = {}
                    kept = self._kept[scope, vps_id] = made_of, card
                found.append(kept[1])
        return found


def _needs(vps_id: str, fleet: Fleet) -> tuple[str, ...]:
    """The targets that a card tells of. What a service says of its own parts comes with it."""
    needed = [vps_id]
    for service in fleet.vps[vps_id].services:
        needed.append(f"{vps_id}/{service.name}")
        needed += [name if "/" in name else f"{vps_id}/{name}" for name in service.depends_on]
    return tuple(dict.fromkeys(needed))


def instance(key: str, fleet: Fleet, states: States, known: Collection[str]) -> Instance:
    """One service on one VPS, as it was last judged. What it needs of servers that are not
    ``known`` is not told."""
    spec, state = fleet.services[key], states.get(key)
    vps_id = key.partition("/")[0]
    if not fleet.enabled(key):
        state, message = None, "paused"
    else:
        message = state.reason if state else "not observed yet"
    check = state.check if state else None
    return Instance(
        key=key,
        name=spec.name,
        vps_id=vps_id,
        status=state.status if state else Status.UNKNOWN,
        message=message,
        since=state.since if state else 0.0,
        response_ms=check.response_ms if check else None,
        uptime_s=check.uptime_s if check else None,
        checks=_checks(key, fleet, states, known),
    )


def _checks(key: str, fleet: Fleet, states: States, known: Collection[str]) -> dict[str, Status]:
    """The state of what a service depends on, by type; the worst where a type comes twice."""
    checks: dict[str, Status] = {}
    vps_id = key.partition("/")[0]
    for name in fleet.services[key].depends_on:
        target = name if "/" in name else f"{vps_id}/{name}"
        if target.partition("/")[0] in known:
            _merge(checks, fleet.service_type(target), states.get(target))
    state = states.get(key)
    for part in state.check.parts if state and state.check else ():
        _merge(checks, part, states.get(f"{key}/{part}"))
    return checks


def _merge(checks: dict[str, Status], type_: str, state: Judgement | None) -> None:
    status = state.status if state else Status.UNKNOWN
    checks[type_] = worst((checks[type_], status)) if type_ in checks else status


def vps_card(
    vps_id: str,
    fleet: Fleet,
    states: States,
    course: Course,
    tenants: tuple[str, ...],
    interval: float,
    known: Collection[str],
) -> VpsCard:
    """A server at a glance; ``course`` holds its recent readings, oldest first, ``known`` the
    servers that its reader may know of."""
    spec, state = fleet.vps[vps_id], states.get(vps_id)
    enabled = fleet.enabled(vps_id)
    keys = [f"{vps_id}/{service.name}" for service in fleet.vps[vps_id].services]
    services = tuple(instance(key, fleet, states, known) for key in keys)
    metrics = state.metrics if state and enabled else {}
    host = (state.status if state else Status.UNKNOWN) if spec.source else None
    gauges = [_gauge(names, metrics, course) for names in RESOURCES]
    cores = state.facts.get("cores") if state else None
    return VpsCard(
        id=vps_id,
        name=spec.label,
        region=spec.region,
        status=of_vps(host, (i.status for i in services)) if enabled else Status.UNKNOWN,
        reason=_reason(enabled, spec.source is not None, state, services),
        since=state.since if state else 0.0,
        measured=spec.source is not None,
        seen_at=state.seen_at if state else None,
        interval=interval,
        cores=int(cores) if cores else None,
        cpu=gauges[0],
        memory=gauges[1],
        disk=gauges[2],
        load=metrics.get("system.load.1m"),
        network_in=metrics.get("system.network.received"),
        network_out=metrics.get("system.network.sent"),
        services=services,
        tenants=tenants,
        tenant_names=tuple(fleet.tenants[t].label for t in tenants if t in fleet.tenants),
    )


def _reason(
    enabled: bool, has_source: bool, state: Judgement | None, services: Sequence[Instance]
) -> str:
    if not enabled:
        return "paused"
    if has_source and state is None:
        return "not observed yet"
    troubled = [i for i in services if i.status is not Status.HEALTHY]
    if state is not None and (state.status is not Status.HEALTHY or not troubled):
        return state.reason
    if troubled:
        return f"{troubled[0].name}: {troubled[0].message}"
    return "all well"


def _gauge(
    names: tuple[str, str, str, str], metrics: Mapping[str, float], course: Course
) -> Gauge | None:
    percent, used, total, unit = names
    if percent not in metrics:
        return None
    metric = CATALOGUE[percent]
    past = [getattr(row, metric.column or "") if row is not None else None for row in course]
    if past and past[-1] is None:
        past[-1] = metrics[percent]
    return Gauge(
        label=metric.label,
        percent=round(metrics[percent], 1),
        used=_rounded(metrics.get(used)),
        total=_rounded(metrics.get(total)),
        unit=unit,
        course=tuple(past),
        hot=metrics[percent] > LIMITS[percent],
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def service_type(
    type_: str, instances: Sequence[Instance], beats: Sequence[Slice], available: float | None
) -> ServiceType:
    """A row of the service grid."""
    return ServiceType(
        type=type_,
        label=LABELS.get(type_, type_.replace("-", " ").capitalize()),
        status=of_many(i.status for i in instances),
        instances=tuple(instances),
        healthy=sum(i.status is Status.HEALTHY for i in instances),
        beats=tuple(Beat(s.start, s.end, s.status, s.text) for s in beats),
        availability=available,
    )
