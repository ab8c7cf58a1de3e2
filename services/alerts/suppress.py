"""Whether a target's trouble is explained by something that it rests on, so that nobody need be
told of it by itself. Pure; decides about messages, never about state.

A server that does not report explains more than a service that fails, and that more than either
of them coming back. The order of events at the default 30 s interval and 10 s timeout, after a
server died: a service's failure may be complete after 60 s, the server is silent 70 s after its
latest reading, so from 31 s on (the reading is overdue) a message waits for what that will show.
After the server's return each target is given time until a look at it that ended SETTLE seconds
after the return or later: with 30 s from look to look it is known within 57 s who stays broken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from services.alerts.origins import (
    SECOND_LOOK,
    SETTLE,
    WELL,
    Cause,
    Server,
    Service,
    States,
)
from services.health.graph import Graph
from services.health.status import LEAST_SERVICES, Judgement
from services.inventory.fleet import Fleet
from services.observation import Status, vps_of

__all__ = ["Cause", "Causes"]


class _Above(NamedTuple):
    """What explains a target's trouble, if anything does; ``look``: seconds within which the
    target is looked at once."""

    servers: Sequence[Server]
    services: Sequence[Service]
    look: float


class Causes:
    """``of(target, states, now)`` for the targets of one fleet.

    ``default_interval`` and ``default_timeout`` (seconds) hold where the fleet says nothing.
    ``announced`` says whether anybody is told when a target is down or fails; what nobody is told
    of explains nothing, or trouble would go unheard. It is asked once for each target.
    """

    def __init__(
        self,
        fleet: Fleet,
        graph: Graph,
        default_interval: float,
        default_timeout: float,
        announced: Callable[[str], bool] = lambda _target: True,
        since: float = 0.0,
    ) -> None:
        self._fleet = fleet
        self._graph = graph
        self._interval = default_interval
        self._timeout = default_timeout
        self._announced = announced
        self._since = since
        self._servers: dict[str, Server | None] = {}
        self._services: dict[str, Service | None] = {}
        self._above: dict[str, _Above] = {}
        self._running_on: dict[str, list[str]] = defaultdict(list)
        for key, application in fleet.applications.items():
            self._running_on[vps_of(application.runs_on or "") or ""].append(key)
        # When each server came back, of the moment that was asked about last.
        self._asked: tuple[States, float] = ({}, 0.0)
        self._back: dict[str, float | None] = {}

    def of(self, target: str, states: States, now: float) -> Cause | None:
        """Why nobody is to be told of ``target`` at ``now`` (seconds since the epoch); None when
        its trouble is its own. A server's trouble always is."""
        above = self._above.get(target)
        if above is None:
            above = self._above[target] = self._learn(target)
        for server in above.servers:
            if server.is_down(states):
                return server.down
        for service in above.services:
            if service.is_failing(states):
                return service.failing
        for server in above.servers:
            if server.is_overdue(states, states.get(target), self._since, now):
                return server.awaited
        return self._returning(above, target, states, now)

    def _returning(self, above: _Above, target: str, states: States, now: float) -> Cause | None:
        """The first of what the target rests on after whose return it still has its time."""
        back: dict[str | None, float] = {}
        returned: list[tuple[str, str, float]] = []
        for server in above.servers:
            if (at := self._back_at(server, states, now)) is not None:
                back[server.key] = at
                returned.append((server.returned, server.key, at))
        for service in above.services:
            if (at := service.back_at(states)) is not None:
                # It came back with its server: what rests on both is not kept waiting twice.
                began = back.get(service.vps_id, at)
                at = began if began <= at <= began + service.look else at
                returned.append((service.returned, service.key, at))
        for text, key, at in returned:
            until = _has_until(states.get(target), at, above.look, now)
            if until is not None:
                label = self._fleet.label(target)
                text = f"{text} since {_clock(at)}; {label} has until {_clock(until)} to recover"
                return Cause(key, "returning", text)
        return None

    def _back_at(self, server: Server, states: States, now: float) -> float | None:
        """Worked out once a server for all that is asked about one moment."""
        if states is not self._asked[0] or now != self._asked[1]:
            self._asked, self._back = (states, now), {}
        if server.key not in self._back:
            self._back[server.key] = server.back_at(states, now)
        return self._back[server.key]

    def _learn(self, target: str) -> _Above:
        upstream = self._graph.upstream(target)
        interval = self._fleet.interval(target, self._interval)
        timeout = self._fleet.timeout(target, self._timeout)
        return _Above(
            tuple(filter(None, map(self._server, upstream.vps))),
            tuple(filter(None, map(self._service, upstream.services))),
            interval + timeout + SECOND_LOOK,
        )

    def _server(self, key: str) -> Server | None:
        if key not in self._servers:
            running = self._running_on.get(key, ())
            server = Server(key, self._fleet, self._interval, self._timeout, running)
            known = server.measured or len(server.services) >= LEAST_SERVICES
            self._servers[key] = server if known and self._counts(key) else None
        return self._servers[key]

    def _service(self, key: str) -> Service | None:
        if key not in self._services:
            service = Service(key, self._fleet, self._interval, self._timeout)
            self._services[key] = service if self._counts(key) else None
        return self._services[key]

    def _counts(self, key: str) -> bool:
        return self._fleet.enabled(key) and self._announced(key)


def _has_until(state: Judgement | None, back: float, look: float, now: float) -> float | None:
    """Until when a target has time to recover after a return; None when it has had it: a look
    late enough found it failing, or there must have been one by now."""
    settled = back + SETTLE
    recovering = state is not None and state.status is Status.UNHEALTHY and state.candidate in WELL
    # When a look of before a restart was is only known roughly: it settles nothing.
    looked = state is not None and state.check is not None and state.seen_at >= settled
    if looked and not recovering:
        return None
    until = settled + (2 * look if recovering else look)
    return until if back - SETTLE <= now < until else None


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC"
