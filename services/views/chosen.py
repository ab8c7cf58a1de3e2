"""Which targets a question about the past means, of those that the caller may know of. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from services.errors import NotFound, ValidationError
from services.health.scopes import visible_vps
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.metrics import Metric
from services.observation import Kind, kind_of, vps_of
from services.views.tenants import targets

#: Series that one answer holds at most.
MOST_SERIES = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters: ids of servers and tenants; names, types or keys of services. An empty one
    lets everything pass."""

    vps: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """The targets of one series and what it is of: ``{"vpsId": "vps-1"}``."""

    of: Mapping[str, str]
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """``targets`` of the whole answer; ``groups`` where several of something were asked for."""

    targets: tuple[str, ...]
    groups: tuple[Group, ...]


def choose(
    fleet: Fleet, discovered: Iterable[str], metric: Metric, asked: Asked, scope: Scope
) -> Chosen:
    """The targets that have ``metric`` and pass the filters. ``discovered`` holds keys of
    dependencies. Raises NotFound for what is not there or not to be known of, ValidationError for
    a filter that the metric cannot have."""
    chooser = _Chooser(fleet, metric, scope, tuple(discovered))
    chooser.check(asked)
    filters = {"vpsId": asked.vps, "tenantId": asked.tenants, "service": asked.services}
    several = {name: values for name, values in filters.items() if len(values) > 1}
    parts = list(product(*several.values())) if several else []
    if len(parts) > MOST_SERIES:
        raise ValidationError(f"That would be {len(parts)} series; ask for {MOST_SERIES} at most.")
    groups = []
    for part in parts:
        of = dict(zip(several, part, strict=True))
        one = ((of[name],) if name in of else values for name, values in filters.items())
        groups.append(Group(of, chooser.targets(Asked(*one))))
    return Chosen(chooser.targets(asked), tuple(groups))


def targets_of(fleet: Fleet, metric: Metric, asked: Asked, scope: Scope) -> tuple[str, ...]:
    """The targets of ``choose`` alone, however many were asked for."""
    chooser = _Chooser(fleet, metric, scope, ())
    chooser.check(asked)
    return chooser.targets(asked)


class _Chooser:
    def __init__(
        self,
        fleet: Fleet,
        metric: Metric,
        scope: Scope,
        discovered: Sequence[str],
    ) -> None:
        self._fleet, self._metric, self._scope = fleet, metric, scope
        self._visible, self._discovered = visible_vps(fleet, scope), discovered

    def check(self, asked: Asked) -> None:
        """Raises NotFound or ValidationError."""
        for vps_id in asked.vps:
            if vps_id not in self._visible:
                raise NotFound(f"There is no VPS '{vps_id}'.")
        for tenant in asked.tenants:
            if tenant not in self._fleet.tenants or not self._sees(tenant):
                raise NotFound(f"There is no tenant '{tenant}'.")
        if asked.services and self._metric.kinds <= {Kind.VPS}:
            raise ValidationError(f"{self._metric.name} is a metric of servers; leave service out.")
        for name in asked.services:
            if not self._has(name):
                raise NotFound(f"There is no service '{name}'.")

    def _sees(self, tenant: str) -> bool:
        return self._scope is None or tenant in self._scope

    def _has(self, name: str) -> bool:
        """Whether any service that the caller may know of goes by ``name``."""
        everywhere = self._all()
        keys = (
            *self._services(everywhere),
            *self._applications(()),
            *self._dependencies(everywhere),
        )
        return any(self._is_named(key, (name,)) for key in keys)

    def targets(self, asked: Asked) -> tuple[str, ...]:
        kinds, keys = self._metric.kinds, list[str]()
        servers = [v for v in asked.vps or self._all() if v in self._visible]
        own = [t for t in asked.tenants if self._fleet.tenants[t].services]
        if asked.tenants:
            wanted = frozenset(
                asked.tenants if kinds <= {Kind.VPS} else set(asked.tenants) - set(own)
            )
            carry = self._fleet.visible_vps(wanted)
            servers = [v for v in servers if v in carry]
        if Kind.VPS in kinds:
            keys += self._machines(servers)
        if Kind.SERVICE in kinds:
            keys += self._services(servers)
        if Kind.DEPENDENCY in kinds:
            keys += self._dependencies(servers)
        if Kind.APPLICATION in kinds and (own or not asked.tenants):
            keys += self._applications(asked.vps, own)
        if Kind.TENANT in kinds:
            keys += self._tenants(asked)
        if (types := self._metric.types) is not None:
            known = self._fleet.services
            keys = [
                key
                for key in keys
                if (known[key].type if key in known else self._fleet.service_type(key)) in types
            ]
        if asked.services:
            keys = [k for k in keys if self._is_named(k, asked.services)]
        return tuple(dict.fromkeys(keys))

    def _all(self) -> Collection[str]:
        return self._fleet.vps.keys()

    def _machines(self, servers: Iterable[str]) -> Iterator[str]:
        """Servers; those without a source of their own are what their services are."""
        for vps_id in servers:
            spec = self._fleet.vps[vps_id]
            if spec.source is None and Kind.SERVICE in self._metric.kinds:
                continue
            if spec.source is None and self._metric.states:
                yield from (f"{vps_id}/{service.name}" for service in spec.services)
            else:
                yield vps_id

    def _services(self, servers: Iterable[str]) -> Iterator[str]:
        for vps_id in servers:
            if vps_id in self._visible:
                for service in self._fleet.vps[vps_id].services:
                    yield f"{vps_id}/{service.name}"

    def _dependencies(self, servers: Collection[str]) -> Iterator[str]:
        for key in self._discovered:
            vps_id = vps_of(key)
            if vps_id in self._visible and vps_id in servers:
                yield key

    def _applications(self, servers: Collection[str], own: Sequence[str] = ()) -> Iterator[str]:
        for tenant in own or self._fleet.tenants:
            if self._sees(tenant):
                for application in self._fleet.tenants[tenant].services:
                    if not servers or vps_of(application.runs_on or "") in servers:
                        yield f"@{tenant}/{application.name}"

    def _tenants(self, asked: Asked) -> Iterator[str]:
        """What tenants are judged by."""
        for tenant in asked.tenants or self._fleet.tenants:
            if self._sees(tenant):
                for key in targets(self._fleet, tenant):
                    place = vps_of(key) or vps_of(self._runs_on(key))
                    if not asked.vps or place in asked.vps:
                        yield key

    def _runs_on(self, key: str) -> str:
        spec = self._fleet.applications.get(key)
        return (spec.runs_on if spec else None) or ""

    def _is_named(self, key: str, names: Collection[str]) -> bool:
        if key in names or key.rpartition("/")[2] in names:
            return True
        return self._fleet.service_type(key) in names


def dependencies(keys: Iterable[str]) -> list[str]:
    """Those of some keys that were discovered at run time."""
    return [key for key in keys if key.count("/") > 1 and kind_of(key) is Kind.DEPENDENCY]
