"""What is watched, ready to be looked up by the key of a target (see services.observation)."""

from __future__ import annotations

from collections.abc import KeysView, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.inventory.references import self_id
from services.inventory.schema import (
    ApplicationSpec,
    Contact,
    Group,
    Inventory,
    LocalSource,
    Monitoring,
    Rotation,
    ServiceSpec,
    Source,
    TenantSpec,
    VpsSpec,
    Witness,
)
from services.observation import PLATFORM, Kind, kind_of, vps_of
from services.rule import Rule

_SETTINGS_HOLD = Monitoring()


@dataclass(frozen=True)
class Fleet:
    """An inventory and Healthdeck itself. Does not change: a new inventory makes a new fleet.

    ``services`` and ``applications`` are under their full keys, the rest under ids and names,
    all in the order of the inventory. ``local`` is the VPS that is this machine, ``own`` says of
    Healthdeck's own services which part of it each one is.
    """

    vps: Mapping[str, VpsSpec]
    services: Mapping[str, ServiceSpec]
    tenants: Mapping[str, TenantSpec]
    applications: Mapping[str, ApplicationSpec]
    contacts: Mapping[str, Contact]
    rules: Mapping[str, Rule]
    local: str
    own: Mapping[str, str]
    groups: Sequence[Group] = ()
    rotations: Sequence[Rotation] = ()

    @classmethod
    def build(
        cls,
        inventory: Inventory | None,
        hostname: str,
        cache_type: str,
        *,
        has_witnesses: bool = False,
    ) -> Fleet:
        """The fleet of an inventory (None: this machine alone).

        Healthdeck's own services belong to the VPS with the local source; without one, this
        machine comes last as a VPS named ``hostname``. ``cache_type`` is ``redis`` or ``cache``.
        Its own network is one of them where ``has_witnesses`` says that it can be doubted.
        """
        inventory = inventory or Inventory()
        servers = {spec.id: spec for spec in inventory.vps}
        local = next((v for v in servers.values() if isinstance(v.source, LocalSource)), None)
        if local is None:
            local = VpsSpec(id=self_id(servers), name=hostname, source=LocalSource(type="local"))
        added, own = _own_services(local, cache_type, has_witnesses)
        servers[local.id] = local.model_copy(update={"services": (*local.services, *added)})
        return cls(
            vps=servers,
            services={f"{v.id}/{s.name}": s for v in servers.values() for s in v.services},
            tenants={tenant.id: tenant for tenant in inventory.tenants},
            applications={f"@{t.id}/{a.name}": a for t in inventory.tenants for a in t.services},
            contacts={contact.name: contact for contact in inventory.contacts},
            rules={rule.id: rule for rule in inventory.rules},
            local=local.id,
            own=own,
            groups=inventory.groups,
            rotations=inventory.on_call,
        )

    def keys(self) -> KeysView[str]:
        """The keys of all targets that the inventory names: each VPS, its services, then the
        tenants with their applications."""
        return self._monitoring.keys()

    def enabled(self, key: str) -> bool:
        """Whether a target is to be watched; what left the inventory is not."""
        spec = self._monitoring_of(key)
        return spec is not None and spec.enabled

    def interval(self, key: str, default: float) -> float:
        """Seconds from one look at a target to the next."""
        spec = self._monitoring_of(key) or _SETTINGS_HOLD
        return spec.interval if spec.interval is not None else default

    def timeout(self, key: str, default: float) -> float:
        """Seconds that one look may take."""
        spec = self._monitoring_of(key) or _SETTINGS_HOLD
        return spec.timeout if spec.timeout is not None else default

    def source(self, vps_id: str) -> Source | None:
        """How a server's own state is learnt; None when it is not, or the server is gone."""
        spec = self.vps.get(vps_id)
        return spec.source if spec else None

    @cached_property
    def source_types(self) -> dict[str, str | None]:
        """How each server's own state is learnt: the type of its source."""
        return {spec.id: spec.source.type if spec.source else None for spec in self.vps.values()}

    def witness(self, vps_id: str) -> Witness | None:
        """What else on a server is asked when its source is silent."""
        spec = self.vps.get(vps_id)
        return spec.witness if spec else None

    def unit(self, key: str) -> str | None:
        """The systemd unit by which a service is restarted."""
        service = self.services.get(key)
        return service.unit if service else None

    def container(self, key: str) -> str | None:
        """The container by which a service is restarted."""
        service = self.services.get(key)
        return service.container if service else None

    def label(self, key: str) -> str:
        """A target's name for people: ``postgres on Netherlands 1``. Also of one that is gone."""
        kind, (head, *rest) = kind_of(key), key.split("/", 2)
        if kind is Kind.PLATFORM:
            return "the platform"
        if kind in (Kind.TENANT, Kind.APPLICATION):
            tenant = self.tenants.get(head[1:])
            place = tenant.label if tenant else head[1:]
            return " of ".join([*rest, place])
        vps = self.vps.get(head)
        place = vps.label if vps else head
        return " on ".join([" of ".join(reversed(rest)), place]) if rest else place

    def service_type(self, key: str) -> str:
        """What sort of thing a target is. A dependency goes by its own name; an application by
        the service that it runs on; anything else by its kind."""
        kind = kind_of(key)
        if kind is Kind.DEPENDENCY:
            return key.rpartition("/")[2]
        if kind is Kind.APPLICATION:
            runs_on = self.applications[key].runs_on if key in self.applications else None
            service = self.services.get(runs_on or "")
            return service.type if service else "application"
        service = self.services.get(key)
        return service.type if service else str(kind)

    def tenants_on(self, vps_id: str) -> tuple[str, ...]:
        """The ids of the tenants that a VPS carries: those it lists, then those with an
        application that runs on one of its services."""
        return tuple(self._carried.get(vps_id, ()))

    def vps_of_tenant(self, tenant_id: str) -> str | None:
        """The first VPS that carries a tenant."""
        return next(iter(self._carriers.get(tenant_id, ())), None)

    def visible_vps(self, scope: frozenset[str] | None) -> frozenset[str]:
        """The servers that a caller may know of: those that carry a tenant of its scope;
        all when nothing limits it."""
        if scope is None:
            return frozenset(self.vps)
        return frozenset().union(*(self._carriers.get(tenant, ()) for tenant in scope))

    def _monitoring_of(self, key: str) -> Monitoring | None:
        if kind_of(key) is Kind.DEPENDENCY:
            key = key.rpartition("/")[0]
        return _SETTINGS_HOLD if key == PLATFORM else self._monitoring.get(key)

    @cached_property
    def _monitoring(self) -> dict[str, Monitoring]:
        found = {}
        for spec in self.vps.values():
            found[spec.id] = spec.monitoring
            found.update(
                (f"{spec.id}/{service.name}", spec.monitoring) for service in spec.services
            )
        for tenant in self.tenants.values():
            found[f"@{tenant.id}"] = _SETTINGS_HOLD
            for application in tenant.services:
                host = self.vps.get(vps_of(application.runs_on or "") or "")
                found[f"@{tenant.id}/{application.name}"] = (
                    host.monitoring if host else _SETTINGS_HOLD
                )
        return found

    @cached_property
    def _carried(self) -> dict[str, dict[str, None]]:
        """The tenants of each VPS; dicts keep their order."""
        found: dict[str, dict[str, None]] = {
            spec.id: dict.fromkeys(spec.tenants) for spec in self.vps.values()
        }
        for key, application in self.applications.items():
            vps_id = vps_of(application.runs_on or "")
            if vps_id in found:
                found[vps_id][key[1:].partition("/")[0]] = None
        return found

    @cached_property
    def _carriers(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for vps_id, tenants in self._carried.items():
            for tenant in tenants:
                found.setdefault(tenant, []).append(vps_id)
        return {tenant: tuple(servers) for tenant, servers in found.items()}


def _own_services(
    local: VpsSpec, cache_type: str, has_witnesses: bool
) -> tuple[list[ServiceSpec], dict[str, str]]:
    """Healthdeck's own parts as services; a name that the inventory uses stays the inventory's."""
    taken = {service.name for service in local.services}
    added, own = [], {}
    for part, type_ in (
        ("database", "database"),
        ("cache", cache_type),
        ("scheduler", "scheduler"),
        *((("network", "network"),) if has_witnesses else ()),
    ):
        name = f"healthdeck-{part}"
        if name not in taken:
            added.append(ServiceSpec(name=name, type=type_))
            own[f"{local.id}/{name}"] = part
    return added, own
