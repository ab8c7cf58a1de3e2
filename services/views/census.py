"""What a caller may see of a fleet, counted once: what the overview then goes through each time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from services.health.graph import Graph
from services.health.scopes import visible_vps
from services.health.score import Part
from services.health.status import Judgement
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.observation import Status

#: A target that nobody has looked at yet.
UNSEEN = "not observed yet"


class Server(NamedTuple):
    """``measured``: whether the machine is read itself. ``services``: their full keys."""

    id: str
    label: str
    measured: bool
    enabled: bool
    services: tuple[str, ...]


class Census:
    """The part of a fleet that callers limited to ``scope`` see.

    ``counting`` are the targets that count for the score, ``weight`` is what they weigh together;
    ``types`` maps each type of service to the keys of its instances, ``type_of`` the other way.
    """

    def __init__(self, fleet: Fleet, graph: Graph, scope: Scope) -> None:
        visible = visible_vps(fleet, scope)
        self.fleet, self.graph, self.scope = fleet, graph, scope
        self.servers = tuple(
            Server(
                spec.id, spec.label, spec.source is not None, spec.monitoring.enabled,
                tuple(f"{spec.id}/{service.name}" for service in spec.services),
            )
            for spec in fleet.vps.values()
            if spec.id in visible
        )  # fmt: skip
        self.type_of = {
            key: fleet.services[key].type for server in self.servers for key in server.services
        }
        self.types: dict[str, list[str]] = defaultdict(list)
        for key, type_ in self.type_of.items():
            self.types[type_].append(key)
        self.tenants = len(fleet.tenants if scope is None else scope.intersection(fleet.tenants))
        self.paused = frozenset(
            key for server in self.servers if not server.enabled for key in server.services
        )
        self.applications = tuple(
            key for key in fleet.applications if scope is None or key[1:].partition("/")[0] in scope
        )
        keys = [server.id for server in self.servers if server.measured]
        keys += [key for server in self.servers for key in server.services]
        keys += self.applications
        self.counting = tuple(key for key in keys if fleet.enabled(key))
        self.weight = sum(1 + len(self.reached(key)) for key in self.counting)

    def reached(self, target: str) -> tuple[str, ...]:
        """The tenants that the failure of a target reaches, of those that the caller may know."""
        found = self.graph.impact(target)
        if self.scope is None:
            return found
        return tuple(tenant for tenant in found if tenant in self.scope)

    def ill(self, states: Mapping[str, Judgement]) -> list[Part]:
        """What counts for the score and is not healthy: machines, services, applications. What is
        paused does not count."""
        well, get = Status.HEALTHY, states.get
        return [
            self._part(key, state)
            for key in self.counting
            if (state := get(key)) is None or state.status is not well
        ]

    def _part(self, key: str, state: Judgement | None) -> Part:
        status, reason = (state.status, state.reason) if state else (Status.UNKNOWN, UNSEEN)
        text = f"{self.fleet.label(key)}: {reason}"
        return Part(key, status, text, len(self.reached(key)))
