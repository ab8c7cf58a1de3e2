"""The bodies of the API, computed from what is in memory and a few figures that are kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from models.database import Database
from services.errors import NotFound
from services.health import scopes
from services.health.board import Board
from services.health.graph import Graph
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.views import bodies, cards
from services.views.census import Census
from services.views.dependencies import dependencies, instances
from services.views.facts import Facts
from services.views.model import Body, Extent
from services.views.standing import Standing, standing, updated_at
from services.views.tenants import targets, tenant_view

#: Callers with a scope of their own whose part of the fleet is kept counted.
MOST_SCOPES = 256
WORST_FIRST = ("critical", "warning", "info")


class Computed:
    """Bodies for callers limited to ``scope`` (tenant ids; None sees everything)."""

    def __init__(
        self,
        database: Database,
        board: Board,
        fleet: Fleet,
        graph: Graph,
        interval: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._board = board
        self._interval = interval
        self._clock = clock
        self._facts = Facts(database, clock)
        self._now = _begun(fleet, graph)

    @property
    def fleet(self) -> Fleet:
        """What is watched now."""
        return self._now[0]

    @property
    def graph(self) -> Graph:
        """What depends on what, now."""
        return self._now[1]

    def replace(self, fleet: Fleet, graph: Graph) -> None:
        """Goes on with another fleet."""
        self._now = _begun(fleet, graph)
        self._facts.forget()

    def alerts_changed(self) -> None:
        """Some alert is another than before."""
        self._facts.changed()

    def sees(self, target: str, scope: Scope) -> bool:
        """Whether a caller may know of a target: its own tenants, and the servers they are on."""
        return scopes.sees(self.fleet, target, scope)

    def impact(self, target: str) -> Sequence[str]:
        """The tenants that a target's failure reaches."""
        return self.graph.impact(target)

    def check(self, read: str, name: str, scope: Scope) -> None:
        """Raises NotFound for a server (``vps``) or ``tenant`` that is not there or not to be
        known of. Cheap: to be asked before what was kept is given away."""
        if read == "vps" and (name not in self.fleet.vps or not self.sees(name, scope)):
            raise NotFound(f"there is no VPS '{name}'")
        if read == "tenant" and (
            name not in self.fleet.tenants or not self.sees(f"@{name}", scope)
        ):
            raise NotFound(f"there is no tenant '{name}'")

    def body(self, read: str, name: str, scope: Scope) -> Body:
        """The body of a read: ``overview``, or ``vps``, ``tenant`` and ``dependencies`` with a
        name. Raises NotFound."""
        self.check(read, name, scope)
        match read:
            case "overview":
                return self._overview(scope)
            case "vps":
                return self._vps(name, scope)
            case "tenant":
                return self._tenant(name)
            case _:
                return self._dependencies(name, scope)

    def standing(self, scope: Scope) -> tuple[Standing, float]:
        """How everything stands, and the platform's uptime in seconds."""
        census, states, now = self._census(scope), self._board.snapshot(), self._clock()
        since = self._facts.up_since(census, states)
        uptime_s = 0.0 if since is None else max(0.0, now - since)
        return standing(census, states, now), uptime_s

    def updated_at(self, scope: Scope) -> float:
        """When any of what a caller may see was last looked at."""
        return updated_at(self._census(scope), self._board.snapshot(), self._clock())

    def active(self, scope: Scope) -> int:
        """How many alerts are active that a caller may see."""
        return len(self._active(scope))

    def extent(self, scope: Scope) -> Extent:
        """How much a caller sees watched, and how many alerts of it are active."""
        census, severities = self._census(scope), self._active(scope)
        return Extent(
            servers=len(census.servers),
            services=len(census.type_of),
            tenants=census.tenants,
            interval=self._interval,
            active=len(severities),
            worst=next((one for one in WORST_FIRST if one in severities), ""),
        )

    def _active(self, scope: Scope) -> Sequence[str]:
        """The severity of each active alert that a caller may see."""
        return [one.severity for one in self._facts.active() if self.sees(one.target, scope)]

    def types(self, scope: Scope) -> Mapping[str, str]:
        """The type of each service that a caller may see, by its key."""
        return self._census(scope).type_of

    def _overview(self, scope: Scope) -> Body:
        return bodies.standing_body(*self.standing(scope), self.active(scope))

    def _vps(self, vps_id: str, scope: Scope) -> Body:
        fleet, states = self.fleet, self._board.snapshot()
        tenants = tuple(t for t in fleet.tenants_on(vps_id) if scope is None or t in scope)
        interval, known = fleet.interval(vps_id, self._interval), scopes.visible_vps(fleet, scope)
        return bodies.vps_body(cards.vps_card(vps_id, fleet, states, (), tenants, interval, known))

    def _tenant(self, tenant_id: str) -> Body:
        fleet, states = self.fleet, self._board.snapshot()
        uptime = self._facts.uptime(targets(fleet, tenant_id), states)
        active = sum(tenant_id in alert.impact for alert in self._facts.active())
        return bodies.tenant_body(tenant_view(fleet, tenant_id, states, uptime, active))

    def _dependencies(self, service: str, scope: Scope) -> Body:
        census = self._census(scope)
        found = instances(census, service)
        if not found:
            raise NotFound(f"there is no service or type of service '{service}'")
        states = self._board.snapshot()
        return bodies.dependencies_body(service, dependencies(census, found, states))

    def _census(self, scope: Scope) -> Census:
        fleet, graph, kept = self._now
        found = kept.get(scope)
        if found is None:
            found = Census(fleet, graph, scope)
            if len(kept) >= MOST_SCOPES:
                kept.pop(list(kept)[1], None)  # the whole fleet's is the first
            kept[scope] = found
        return found


def _begun(fleet: Fleet, graph: Graph) -> tuple[Fleet, Graph, dict[Scope, Census]]:
    """The whole fleet is counted before anybody asks: of a thousand servers it takes a while."""
    return fleet, graph, {None: Census(fleet, graph, None)}
