"""The graph VPS -> service -> dependency -> tenant: whom a failure reaches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from services.inventory.fleet import Fleet
from services.observation import Kind, kind_of, vps_of


class Graph:
    """``impact(target)`` names the tenants that a target's failure reaches."""

    def __init__(self, fleet: Fleet) -> None:
        self._dependents = _dependents(fleet)
        # The services of each VPS on which others depend: a VPS's failure reaches those.
        self._needed_on: dict[str | None, list[str]] = defaultdict(list)
        for key in self._dependents:
            self._needed_on[vps_of(key)].append(key)
        self._placed = {vps_id: frozenset(fleet.tenants_on(vps_id)) for vps_id in fleet.vps}
        self._apps_on = _tenants_with_apps(fleet)
        self._cache: dict[str, tuple[str, ...]] = {}

    def impact(self, target: str) -> tuple[str, ...]:
        """Ids of the tenants that the failure of ``target`` reaches, sorted.

        A VPS reaches every tenant on it. A service reaches the tenants whose applications run
        on it or on what depends on it, and those on its VPS of which no application is known
        there: nothing says that they do without it.
        """
        if target not in self._cache:
            self._cache[target] = tuple(sorted(self._reach(target)))
        return self._cache[target]

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
