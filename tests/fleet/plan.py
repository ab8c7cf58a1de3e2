"""What a fleet consists of: servers with their services, and tenants. A plan is made from a few
numbers and a seed, and the same numbers make the same plan."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tests.fleet import names

#: Ports of a server, counted from the base of the plan.
SOURCE, WITNESS, SERVICES, APPS = 0, 1, 10, 40
#: Where the control listens on 127.0.0.1, counted from the base of the plan.
CONTROL = 9

SOURCES = ("agent", "exporter", "health")


class Part(NamedTuple):
    """A sort of service: ``speaks`` a protocol, answers within ``base_ms`` when idle."""

    name: str
    type: str
    speaks: str
    base_ms: float
    depends_on: tuple[str, ...] = ()


#: Every server has the first of these; the rest take turns.
_ALWAYS = (
    Part("backend-api", "backend", "context", 38, ("postgres", "redis")),
    Part("postgres", "database", "postgres", 3),
    Part("redis", "redis", "redis", 0.8),
    Part("nexus-frontend", "frontend", "page", 18, ("backend-api",)),
)
_IN_TURN = (
    Part("uploads", "s3", "s3", 25),
    Part("mail", "email", "smtp", 12),
    Part("paylinq-api", "backend", "actuator", 45, ("postgres",)),
    Part("gateway", "proxy", "tls", 6),
    Part("recruitiq-api", "backend", "health+json", 42, ("postgres", "redis")),
    Part("resolver", "dns", "dns", 1),
    Part("portal-api", "backend", "aspnet", 40, ("postgres",)),
    Part("queue", "queue", "tcp", 1),
    Part("worker", "worker", "plain", 9, ("redis",)),
    Part("secure-api", "backend", "https", 40, ("postgres",)),
    Part("relay", "email", "smtp-starttls", 14),
)
MOST_SERVICES = len(_ALWAYS) + len(_IN_TURN)

#: Applications of tenants, and the service that carries them.
_APPS = (
    ("nexus", "nexus-frontend"),
    ("backend", "backend-api"),
    ("paylinq", "nexus-frontend"),
    ("portal", "nexus-frontend"),
    ("recruitiq", "nexus-frontend"),
)
MOST_APPS = len(_APPS)


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """``key``: ``vps-1/backend-api``. It listens on ``address`` and ``port``."""

    key: str
    part: Part
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class AppPlan:
    """An application of a tenant: ``key`` ``@tenant-acme-corp/nexus``, ``runs_on`` a service."""

    key: str
    name: str
    runs_on: str | None
    address: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}/"


@dataclass(frozen=True, slots=True)
class VpsPlan:
    id: str
    name: str
    region: str
    provider: str
    address: str
    port_base: int
    source: str | None
    services: tuple[ServicePlan, ...]


@dataclass(frozen=True, slots=True)
class TenantPlan:
    id: str
    organization: str
    sla: float
    vps: str
    apps: tuple[AppPlan, ...]


@dataclass(frozen=True)
class Plan:
    seed: int
    port_base: int
    vps: tuple[VpsPlan, ...]
    tenants: tuple[TenantPlan, ...]

    def services(self) -> Iterator[ServicePlan]:
        for vps in self.vps:
            yield from vps.services

    def apps(self) -> Iterator[AppPlan]:
        for tenant in self.tenants:
            yield from tenant.apps

    @cached_property
    def dependents(self) -> dict[str, list[str]]:
        """What needs a service: the services of its server that depend on it, the applications
        that run on it."""
        found: dict[str, list[str]] = {}
        for service in self.services():
            vps_id = service.key.partition("/")[0]
            for name in service.part.depends_on:
                found.setdefault(f"{vps_id}/{name}", []).append(service.key)
        for app in self.apps():
            if app.runs_on:
                found.setdefault(app.runs_on, []).append(app.key)
        return found


def build(
    vps: int,
    services: int = 5,
    tenants: int = 0,
    apps: int = 1,
    sources: Sequence[int] = (),
    seed: int = 1,
    port_base: int = 20000,
    speaks: frozenset[str] | None = None,
) -> Plan:
    """A fleet of ``vps`` servers with ``services`` each and ``tenants`` with ``apps`` each.

    ``sources``: how many servers report by agent, by exporter and by their own health page; the
    rest report nothing. ``speaks`` leaves out the services of other protocols (None: all).
    Raises ValueError for numbers that cannot be.
    """
    if not 1 <= vps <= 62_500 or not 0 <= services <= MOST_SERVICES or not 0 <= apps <= MOST_APPS:
        raise ValueError(
            f"a fleet has 1 to 62,500 servers, at most {MOST_SERVICES} services on each and "
            f"at most {MOST_APPS} applications a tenant"
        )
    if tenants < 0 or min(sources, default=0) < 0 or sum(sources) > vps:
        raise ValueError(f"{sum(sources)} sources for {vps} servers; give each server one at most")
    rng = random.Random(seed)
    kinds = [kind for kind, count in zip(SOURCES, sources, strict=False) for _ in range(count)]
    mixed: list[str | None] = [*kinds, *[None] * (vps - len(kinds))]
    rng.shuffle(mixed)
    servers = tuple(_vps(at, services, mixed[at], port_base, speaks) for at in range(vps))
    taken = [0] * vps
    customers = []
    for at in range(tenants):
        on = at % vps
        customers.append(_tenant(at, servers[on], apps, taken[on], rng))
        taken[on] += apps
    return Plan(seed, port_base, servers, tuple(customers))


def address_of(at: int) -> str:
    """The loopback address of the server number ``at`` (from 0): 127.10.0.1, 127.10.0.2, ..."""
    return f"127.10.{at // 250}.{at % 250 + 1}"


def _vps(
    at: int, count: int, source: str | None, port_base: int, speaks: frozenset[str] | None
) -> VpsPlan:
    vps_id, address = f"vps-{at + 1}", address_of(at)
    turns = [part for part in _IN_TURN if speaks is None or part.speaks in speaks]
    always = [part for part in _ALWAYS if speaks is None or part.speaks in speaks]
    turned = [turns[(at + place) % len(turns)] for place in range(len(turns))]
    parts = [*always, *turned][:count]
    present = {part.name for part in parts}
    services = tuple(
        ServicePlan(
            f"{vps_id}/{part.name}",
            part._replace(depends_on=tuple(name for name in part.depends_on if name in present)),
            address,
            port_base + SERVICES + place,
        )
        for place, part in enumerate(parts)
    )
    name, region, provider = names.place(at)
    return VpsPlan(vps_id, name, region, provider, address, port_base, source, services)


def _tenant(at: int, vps: VpsPlan, count: int, taken: int, rng: random.Random) -> TenantPlan:
    present = {service.key for service in vps.services}
    tenant_id = names.tenant_id(at)
    made = []
    for place, (name, service) in enumerate(_APPS[:count]):
        runs_on = f"{vps.id}/{service}"
        port = vps.port_base + APPS + taken + place
        key = f"@{tenant_id}/{name}"
        made.append(AppPlan(key, name, runs_on if runs_on in present else None, vps.address, port))
    sla = rng.choice((99.5, 99.9, 99.9, 99.95))
    return TenantPlan(tenant_id, names.organization(at), sla, vps.id, tuple(made))
