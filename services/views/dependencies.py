"""What services of a name or type depend on, over the whole fleet. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import NamedTuple

from services.health.status import Judgement
from services.observation import Status, worst
from services.views.census import Census

States = Mapping[str, Judgement]


class Dependency(NamedTuple):
    """``status`` is the worst, ``response_ms`` the median (None where nothing was measured) of
    those of this name."""

    name: str
    status: Status
    response_ms: float | None


def instances(census: Census, service: str) -> list[str]:
    """The keys of the services that have this name or are of this type."""
    found = dict.fromkeys(census.types.get(service, ()))
    for keys in census.types.values():
        found.update((key, None) for key in keys if key.partition("/")[2] == service)
    return list(found)


def dependencies(census: Census, keys: list[str], states: States) -> list[Dependency]:
    """What the services ``keys`` depend on, in the order in which it is first named. What is
    paused, and what the caller may not know of, is left out."""
    statuses: dict[str, list[Status]] = {}
    times: dict[str, list[float]] = {}
    measured: set[str] = set()
    for key in keys:
        if key in census.paused:
            continue
        for target, name, status in _needed(census, key, states):
            statuses.setdefault(name, []).append(status)
            state = states.get(target)
            if target not in measured and state and state.check:
                measured.add(target)
                if state.check.response_ms is not None:
                    times.setdefault(name, []).append(state.check.response_ms)
    return [
        Dependency(name, worst(found), median(times[name]) if name in times else None)
        for name, found in statuses.items()
    ]


def _needed(census: Census, key: str, states: States) -> Iterator[tuple[str, str, Status]]:
    """Target, name and status of what one service depends on. What it reports itself of a
    dependency that is also watched counts for that one."""
    fleet, vps_id = census.fleet, key.partition("/")[0]
    declared: dict[str, str] = {}
    for needed in fleet.services[key].depends_on:
        target = needed if "/" in needed else f"{vps_id}/{needed}"
        if target not in census.type_of or target in census.paused:
            continue
        name = target.partition("/")[2]
        declared[name] = target
        declared.setdefault(fleet.service_type(target), target)
        state = states.get(target)
        yield target, name, state.status if state else Status.UNKNOWN
    own = states.get(key)
    for part in own.check.parts if own and own.check else ():
        reported = states.get(f"{key}/{part}")
        status = reported.status if reported else Status.UNKNOWN
        watched = declared.get(part)
        name = watched.partition("/")[2] if watched else part
        yield watched or f"{key}/{part}", name, status
