"""The overview as the API tells it: from the board in memory, without asking the database. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.health.score import Part, Score, score_of
from services.health.status import Judgement, of_many, of_vps
from services.observation import PLATFORM, Status
from services.views.census import Census, Server
from services.views.headline import headline, sentence
from services.views.model import Said

States = Mapping[str, Judgement]


class Ill(NamedTuple):
    """A service that is not healthy."""

    name: str
    vps_id: str
    status: Status


class Brief(NamedTuple):
    """A server in one line; ``services`` are those that are not healthy, ``load`` is CPU percent
    or None."""

    id: str
    name: str
    status: Status
    seen_at: float | None
    load: float | None
    services: Sequence[Ill]


class TypeCount(NamedTuple):
    """The instances of a type of service, and how many of them are healthy."""

    status: Status
    instances: int
    healthy: int


class Standing(NamedTuple):
    """How everything stands that a caller may see; ``updated_at`` is the latest look at any of
    it."""

    headline: str
    status: Status
    score: Score
    updated_at: float
    services: dict[str, TypeCount]
    vps: list[Brief]
    tenants: int
    sentence: tuple[Said, ...]


def standing(census: Census, states: States, now: float) -> Standing:
    """How everything stands at ``now`` (seconds since the epoch)."""
    ill = census.ill(states)
    services: dict[str, list[Ill]] = defaultdict(list)
    for part in ill:
        vps_id, _, name = part.target.partition("/")
        if name and vps_id[0] != "@":
            services[vps_id].append(Ill(name, vps_id, part.status))
    servers = [_brief(server, services.get(server.id, ()), states) for server in census.servers]
    types = _types(census, ill)
    hurt: set[str] = set()
    for part in ill:
        if part.status is not Status.DEGRADED:
            hurt.update(census.reached(part.target))
    down = [
        Said(census.fleet.label(part.target), part.target)
        for part in ill
        if part.status is Status.UNHEALTHY and part.target[0] == "@"
    ]
    said = sentence(servers, down, len(hurt), census.tenants)
    return Standing(
        headline=headline(said),
        status=_platform(census, states, types, servers),
        score=score_of(ill, len(census.counting), census.weight),
        updated_at=updated_at(census, states, now),
        services=types,
        vps=servers,
        tenants=census.tenants,
        sentence=said,
    )


def _brief(server: Server, ill: Sequence[Ill], states: States) -> Brief:
    state = states.get(server.id)
    seen_at = state.seen_at if state else None
    if not server.enabled:
        ill = [Ill(k.partition("/")[2], server.id, Status.UNKNOWN) for k in server.services]
        return Brief(server.id, server.label, Status.UNKNOWN, seen_at, None, ill)
    load = state.metrics.get("system.cpu.usage") if state else None
    return Brief(
        server.id, server.label, _status(server, ill, state), seen_at,
        None if load is None else round(load, 1), ill,
    )  # fmt: skip


def _status(server: Server, ill: Sequence[Ill], state: Judgement | None) -> Status:
    host = (state.status if state else Status.UNKNOWN) if server.measured else None
    if host is not None and not ill:
        return host  # as most are, each time that anything changed
    statuses = [one.status for one in ill]
    if len(ill) < len(server.services):
        statuses.append(Status.HEALTHY)  # one of them stands for all that are
    return of_vps(host, statuses)


def _types(census: Census, ill: Sequence[Part]) -> dict[str, TypeCount]:
    found: dict[str, list[Status]] = {type_: [] for type_ in census.types}
    for part in ill:
        if type_ := census.type_of.get(part.target):
            found[type_].append(part.status)
    for key in census.paused:
        found[census.type_of[key]].append(Status.UNKNOWN)
    counts = {}
    for type_, statuses in found.items():
        instances = len(census.types[type_])
        healthy = instances - len(statuses)
        together = [*statuses, Status.HEALTHY] if healthy else statuses
        counts[type_] = TypeCount(of_many(together), instances, healthy)
    return counts


def _platform(
    census: Census, states: States, types: Mapping[str, TypeCount], servers: Sequence[Brief]
) -> Status:
    """The platform's status; for a limited caller that of the part it sees, by the same rule."""
    platform = states.get(PLATFORM)
    if census.scope is None and platform:
        return platform.status
    machines = [of_many(server.status for server in servers)] if servers else []
    return of_many([*(count.status for count in types.values()), *machines])


def updated_at(census: Census, states: States, now: float) -> float:
    """When any of what a caller may see was last looked at; ``now`` when nothing was."""
    if census.scope is None:
        return max([state.seen_at for state in states.values()], default=now)
    keys = (*census.counting, *(server.id for server in census.servers))
    return max((states[key].seen_at for key in keys if key in states), default=now)
