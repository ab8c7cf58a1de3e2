"""The graph VPS -> service -> dependency -> tenant: whom a failure reaches, and what it may
come from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from services.inventory.fleet import Fleet
from services.inventory.references import service_key
from services.metrics import TYPES
from services.observation import Kind, kind_of, vps_of


class Upstream(NamedTuple):
    """What a target rests on: the servers, its own first, and the services, those that rest on
    none of the others first."""

    vps: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


class Graph:
    """``impact(target)`` names the tenants that a target's failure reaches, ``upstream(target)``
    what its failure may come from."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._dependents = _dependents(fleet)
        # The services of each VPS on which others depend: a VPS's failure reaches those.
        self._needed_on: dict[str | None, list[str]] = defaultdict(list)
        for key in self._dependents:
            self._needed_on[vps_of(key)].append(key)
        self._placed = {vps_id: frozenset(fleet.tenants_on(vps_id)) for vps_id in fleet.vps}
        self._apps_on = _tenants_with_apps(fleet)
        self._cache: dict[str, tuple[str, ...]] = {}
        self._needed: dict[str, list[str]] = {}

    def impact(self, target: str) -> tuple[str, ...]:
        """Ids of the tenants that the failure of ``target`` reaches, sorted.

        A VPS reaches every tenant on it. A service reaches the tenants whose applications run
        on it or on what depends on it, and those on its VPS of which no application is known
        there: nothing says that they do without it.
        """
        if target not in self._cache:
            self._cache[target] = tuple(sorted(self._reach(target)))
        return self._cache[target]

    def upstream(self, target: str) -> Upstream:
        """What ``target`` rests on, however far; nothing for a server, for the platform, and for
        what Healthdeck says of itself.

        A part that a service reports rests on the server of that service and on those of the
        service's dependencies that bear its name, or else are of its type: not on the service,
        of whose trouble it is the more precise finding. A tenant rests on what all its
        applications rest on. Services in a circle rest on each other only in name: none of them
        is the root of another's trouble.
        """
        kind = kind_of(target)
        if target in self._fleet.own or kind in (Kind.VPS, Kind.PLATFORM):
            return Upstream()
        if kind is Kind.TENANT:
            return self._shared(target)
        services = self._rests_on(target)
        if target in services:
            services = [key for key in services if target not in self._rests_on(key)]
        # From the nearest to the farthest, each once.
        places = [vps_of(key) or "" for key in (target, *reversed(services))]
        servers = dict.fromkeys(vps_id for vps_id in places if vps_id in self._fleet.vps)
        return Upstream(tuple(servers), tuple(services))

    def _shared(self, tenant: str) -> Upstream:
        spec = self._fleet.tenants.get(tenant[1:])
        found = [self.upstream(f"{tenant}/{one.name}") for one in spec.services] if spec else []
        if not found:
            return Upstream()
        return Upstream(
            tuple(key for key in found[0].vps if all(key in other.vps for other in found)),
            tuple(key for key in found[0].services if all(key in o.services for o in found)),
        )

    def _rests_on(self, target: str) -> list[str]:
        """The services on which ``target`` depends, each after those on which it depends itself;
        ``target`` is among them when it stands in a circle."""
        found: dict[str, None] = {}
        entered: set[str] = set()
        # A stack of our own: a chain may be longer than Python lets functions call each other.
        waiting = [(key, False) for key in reversed(self._needs(target))]
        while waiting:
            key, done = waiting.pop()
            if done:
                found[key] = None
            elif key not in entered:
                entered.add(key)
                waiting.append((key, True))
                waiting.extend((below, False) for below in reversed(self._needs(key)))
        return list(found)

    def _needs(self, target: str) -> list[str]:
        """The services on which a service, a part of one or an application depends directly."""
        found = self._needed.get(target)
        if found is None:
            found = self._needed[target] = [
                key for key in self._named(target) if key in self._fleet.services
            ]
        return found

    def _named(self, target: str) -> Sequence[str]:
        fleet = self._fleet
        if spec := fleet.services.get(target):
            return [service_key(name, vps_of(target) or "") for name in spec.depends_on]
        if application := fleet.applications.get(target):
            return [*filter(None, (application.runs_on,)), *application.depends_on]
        if kind_of(target) is not Kind.DEPENDENCY:
            return ()
        service, _, part = target.rpartition("/")
        needed = self._needs(service)
        by_name = [key for key in needed if key.partition("/")[2] == part]
        return by_name or [key for key in needed if _akin(fleet.service_type(key), part)]

    def _reach(self, target: str) -> set[str]:
        kind = kind_of(target)
        if kind in (Kind.TENANT, Kind.APPLICATION):
            return {target[1:].partition("/")[0]}
        if kind is Kind.PLATFORM:
            return set().union(*self._placed.values())
        vps_id = vps_of(target) or ""
        placed = self._placed.get(vps_id, frozenset())
        if kind is Kind.VPS:
            return self._served(self._needed_on.get(vps_id, ())) | placed
        service = target if kind is Kind.SERVICE else target.rpartition("/")[0]
        return self._served([service]) | (placed - self._apps_on.get(vps_id, frozenset()))

    def _served(self, start: Iterable[str]) -> set[str]:
        """The tenants of the applications that depend on any of these, however far."""
        reached: set[str] = set()
        waiting = list(start)
        while waiting:
            key = waiting.pop()
            if key not in reached:
                reached.add(key)
                waiting.extend(self._dependents.get(key, ()))
        return {key[1:].partition("/")[0] for key in reached if key[0] == "@"}


def _akin(one: str, other: str) -> bool:
    """Whether two names of types mean the same sort of thing."""
    return one == other or any(one in names and other in names for names in TYPES.values())


def _dependents(fleet: Fleet) -> Mapping[str, set[str]]:
    dependents: dict[str, set[str]] = defaultdict(set)
    for key, service in fleet.services.items():
        vps_id = vps_of(key)
        for needed in service.depends_on:
            dependents[needed if "/" in needed else f"{vps_id}/{needed}"].add(key)
    for key, application in fleet.applications.items():
        for target in filter(None, (application.runs_on, *application.depends_on)):
            dependents[target].add(key)
    return dependents


def _tenants_with_apps(fleet: Fleet) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, application in fleet.applications.items():
        if application.runs_on:
            found[application.runs_on.partition("/")[0]].add(key[1:].partition("/")[0])
    return {vps_id: frozenset(tenants) for vps_id, tenants in found.items()}
