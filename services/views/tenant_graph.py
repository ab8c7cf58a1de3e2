"""Where a tenant runs and what it depends on, as a graph. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.health.status import Judgement, of_vps
from services.inventory.fleet import Fleet
from services.inventory.references import service_key
from services.observation import Status, vps_of
from services.views.tenants import carriers, status_of

States = Mapping[str, Judgement]


@dataclass(frozen=True, slots=True)
class Node:
    """``kind`` is tenant, application, service or vps; ``detail`` says more of it in few words
    (where a service runs). ``own``: its status was found there; a server's may be that of its
    services."""

    key: str
    kind: str
    label: str
    detail: str
    status: Status
    own: bool = True


@dataclass(frozen=True, slots=True)
class Web:
    """``edges`` lead from what rests on something to that; none says what others say together."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]

    def keys(self, kind: str) -> list[str]:
        """The targets of a kind, in the order of the nodes."""
        return [node.key for node in self.nodes if node.kind == kind]


def web(fleet: Fleet, tenant_id: str, states: States, sees: Callable[[str], bool]) -> Web:
    """The tenant, its applications, the services these rest on and the servers that carry all of
    it, as far as the caller ``sees`` them. A tenant without applications rests on what runs on
    its servers."""
    needs = _needs(fleet, tenant_id, sees)
    nodes = [_node(fleet, key, tenant_id, states) for key in needs]
    edges = [(key, below) for key, found in needs.items() for below in found]
    return Web(tuple(nodes), tuple(_reduced(edges)))


def _needs(fleet: Fleet, tenant_id: str, sees: Callable[[str], bool]) -> dict[str, list[str]]:
    """What each rests on directly, each after what rests on it."""
    spec = fleet.tenants[tenant_id]
    own = carriers(fleet, tenant_id)
    found: dict[str, list[str]] = {}
    waiting: list[str] = []
    if spec.services:
        found[f"@{tenant_id}"] = [f"@{tenant_id}/{one.name}" for one in spec.services]
    else:
        inside = [f"{id_}/{one.name}" for id_ in own for one in fleet.vps[id_].services]
        found[f"@{tenant_id}"] = [key for key in inside if key not in fleet.own and sees(key)]
    waiting += found[f"@{tenant_id}"]
    servers: dict[str, None] = {}
    while waiting:
        key = waiting.pop(0)
        if key in found:
            continue
        below = [one for one in _direct(fleet, key) if one in fleet.services and sees(one)]
        waiting += below
        vps_id = vps_of(key)
        if vps_id is not None and sees(vps_id):
            servers[vps_id] = None
            below = [*below, vps_id]
        found[key] = below
    for id_ in own:
        if id_ not in servers and sees(id_):
            servers[id_] = None
            found[f"@{tenant_id}"] = [*found[f"@{tenant_id}"], id_]
    return {**found, **{id_: [] for id_ in servers}}


def _direct(fleet: Fleet, key: str) -> list[str]:
    if application := fleet.applications.get(key):
        return [*dict.fromkeys([*filter(None, (application.runs_on,)), *application.depends_on])]
    spec = fleet.services.get(key)
    return [service_key(one, vps_of(key) or "") for one in spec.depends_on] if spec else []


def _reduced(edges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without those that a longer way says as well, and without the second half of a circle."""
    below: dict[str, list[str]] = {}
    for one, other in edges:
        below.setdefault(one, []).append(other)
    straight = [(one, other) for one, other in edges if not _reaches(below, other, one)]
    below = {}
    for one, other in straight:
        below.setdefault(one, []).append(other)
    return [
        (one, other)
        for one, other in straight
        if not any(between != other and _reaches(below, between, other) for between in below[one])
    ]


def _reaches(below: Mapping[str, list[str]], start: str, goal: str) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        key = waiting.pop()
        if key == goal:
            return True
        fresh = [one for one in below.get(key, ()) if one not in seen]
        seen.update(fresh)
        waiting += fresh
    return False


def _node(fleet: Fleet, key: str, tenant_id: str, states: States) -> Node:
    if key == f"@{tenant_id}":
        status = status_of(fleet, tenant_id, states)
        return Node(key, "tenant", fleet.tenants[tenant_id].label, "", status)
    if key in fleet.applications:
        name = key.partition("/")[2]
        return Node(key, "application", name, "application", _status(fleet, key, states))
    if key in fleet.services:
        place, _, name = key.partition("/")
        detail = f"on {fleet.vps[place].label}"
        return Node(key, "service", name, detail, _status(fleet, key, states))
    spec = fleet.vps[key]
    parts = [_status(fleet, f"{key}/{one.name}", states) for one in spec.services]
    host = _status(fleet, key, states) if fleet.source(key) else None
    status = of_vps(host, parts) if fleet.enabled(key) else Status.UNKNOWN
    return Node(key, "vps", spec.label, spec.region or key, status, own=host is status)


def _status(fleet: Fleet, key: str, states: States) -> Status:
    state = states.get(key) if fleet.enabled(key) else None
    return state.status if state else Status.UNKNOWN
