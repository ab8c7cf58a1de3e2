"""Which alerts are one incident. Pure.

The rule, for alerts in the order in which they fired first:

1. *Cause.* While an incident lasts, and for WINDOW seconds after its end, an alert joins it when
   its cause (what the engine said explains it) is the incident's root or the target of one of its
   alerts or has the same cause, and when it is itself about the root or a cause.
2. *Place.* Within WINDOW seconds after the incident's first alert an alert also joins when it is on
   the same server as the root, or when one of the two rests on the other by the graph.
3. An alert that fits several incidents makes them one, the oldest; one that fits none begins one.

The root is the cause of the first alert, or what it is about; it moves to what it rests on when an
alert about that, or with that as its cause, joins. The order is fixed by what is stored, so that
incidents come out the same whenever they are formed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from services.health.graph import Graph
from services.observation import vps_of

#: Seconds in which alerts of one place belong together, and an incident that ended goes on.
WINDOW = 300.0


class Member(NamedTuple):
    """What counts of an alert; ``fired`` and ``ended`` in seconds since the epoch, ``ended`` None
    while it stands."""

    id: str
    target: str
    cause: str | None
    title: str
    severity: str
    fired: float
    ended: float | None


@dataclass(slots=True)
class Group:
    """An incident as far as grouping goes."""

    id: str
    root: str
    started: float
    members: list[Member] = field(default_factory=list)
    targets: set[str] = field(default_factory=set)
    causes: set[str] = field(default_factory=set)

    def add(self, member: Member) -> None:
        self.members.append(member)
        self.targets.add(member.target)
        if member.cause is not None:
            self.causes.add(member.cause)

    def lasts(self, at: float) -> bool:
        """Whether it stands at a moment, or ended shortly before."""
        ends = [member.ended for member in self.members]
        return not ends or any(end is None or end >= at - WINDOW for end in ends)


class Places:
    """What is where and rests on what, by the graph; asked once for each target."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known: dict[str, tuple[str | None, frozenset[str]]] = {}

    def server(self, target: str) -> str | None:
        """The server that a target is on."""
        return self._of(target)[0]

    def rests(self, target: str, on: str) -> bool:
        """Whether a target's trouble may come from another's."""
        return on in self._of(target)[1]

    def _of(self, target: str) -> tuple[str | None, frozenset[str]]:
        found = self._known.get(target)
        if found is None:
            above = self._graph.upstream(target)
            server = vps_of(target) or next(iter(above.vps), None)
            found = self._known[target] = server, frozenset((*above.vps, *above.services))
        return found


class Grouping:
    """Places alerts into incidents; ``groups`` are those that may still take some."""

    def __init__(self, places: Places, groups: Iterable[Group]) -> None:
        self._places = places
        self._groups = {group.id: group for group in groups}

    def place(self, member: Member) -> tuple[Group, list[Group]]:
        """The incident that an alert is now in, and those that became a part of it."""
        for group in list(self._groups.values()):
            if not group.lasts(member.fired):
                del self._groups[group.id]
        fits = sorted(
            (group for group in self._groups.values() if self._fits(member, group)),
            key=lambda group: (group.started, group.id),
        )
        if not fits:
            group = Group(member.id, member.cause or member.target, member.fired)
            self._groups[group.id] = group
        else:
            group = fits[0]
            group.root = self._deeper(group.root, member.cause or member.target)
        group.add(member)
        for other in fits[1:]:
            for one in other.members:
                group.add(one)
            group.root = self._deeper(group.root, other.root)
            del self._groups[other.id]
        return group, fits[1:]

    def _fits(self, member: Member, group: Group) -> bool:
        if member.cause is not None and (
            member.cause == group.root or member.cause in group.targets | group.causes
        ):
            return True
        if member.target == group.root or member.target in group.causes:
            return True
        if not 0 <= member.fired - group.started <= WINDOW:
            return False
        server = self._places.server(member.target)
        return (
            (server is not None and server == self._places.server(group.root))
            or self._places.rests(member.target, group.root)
            or self._places.rests(group.root, member.target)
        )

    def _deeper(self, root: str, other: str) -> str:
        return other if self._places.rests(root, other) else root
