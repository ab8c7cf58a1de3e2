"""What others rest on, as a cause of their trouble: whether a server or a service explains it
now, and when it came back. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.health.status import (
    LEAST_SERVICES,
    Judgement,
    gives_no_answer,
    is_known,
    none_answers,
    out_of_touch,
)
from services.inventory.fleet import Fleet
from services.observation import Status, vps_of

States = Mapping[str, Judgement]
Kind = Literal["down", "awaited", "failing", "returning"]

#: Seconds that what rests on something gets after its return, before a look at it counts.
SETTLE = 15.0
#: Seconds after which a reading that is due is overdue.
LATE = 1.0
#: Seconds that a look may take beyond its timeout: the second look, and the way to here.
SECOND_LOOK = 2.0

WELL = (Status.HEALTHY, Status.DEGRADED)


@dataclass(frozen=True, slots=True)
class Cause:
    """What explains a target's trouble: ``target`` is what is behind it, ``text`` says so to an
    operator. It stays the same for as long as the cause does, so that it can be compared."""

    target: str
    kind: Kind
    text: str


class Server:
    """A server on which others rest. ``applications``: the keys of those that run on it."""

    def __init__(
        self,
        key: str,
        fleet: Fleet,
        interval: float,
        timeout: float,
        applications: Sequence[str] = (),
    ) -> None:
        self.key = key
        self.label = fleet.label(key)
        self.interval = fleet.interval(key, interval)
        self.measured = fleet.source(key) is not None
        self.services = tuple(
            f"{key}/{spec.name}"
            for spec in fleet.vps[key].services
            if spec.check is not None and f"{key}/{spec.name}" not in fleet.own
        )
        self._carried = (*self.services, *applications)
        look = self.interval + fleet.timeout(key, timeout)
        self._look = look
        self._late = look - self.interval + SECOND_LOOK
        self._overdue_after = self.interval + LATE
        # The patience of services.collect.judge, after which a server is silent.
        self._patience = self.interval + look
        #: Seconds after a return in which somebody may still be waited for.
        self.window = SETTLE + 2 * (look + SECOND_LOOK)
        why = "which does not report" if self.measured else "none of whose services answers"
        self.down = Cause(key, "down", f"suppressed by {self.label}, {why}")
        self.awaited = Cause(
            key, "awaited", f"waiting for news of {self.label}, whose latest reading is overdue"
        )
        self.returned = f"{self.label} {'reports' if self.measured else 'answers'} again"

    def is_down(self, states: States) -> bool:
        if self.measured:
            state = states.get(self.key)
            if state is None or not (state.unreachable or out_of_touch(state)):
                return False
            return _was_known(state) and not self._answers(states, state)
        return none_answers(states.get(key) for key in self.services)

    def is_overdue(
        self, states: States, trouble: Judgement | None, since: float, now: float
    ) -> bool:
        """Whether its next reading will tell if it is behind ``trouble``: not when it was read
        long after that began. Until it was read since the monitor began to look (``since``), it
        always may be.
        (A restart makes a reading younger than it is, though never by more than the patience; a
        machine's clock that lags makes each reading look overdue.)"""
        state = states.get(self.key)
        if not self.measured or state is None:
            return False
        if out_of_touch(state) and self._answers(states, state):
            # Its agent is gone, or it is on its way back: of one that is, the services may be
            # found well before its reading comes, which is due within an interval.
            back = self._first_back(states, state)
            return back is not None and now - back <= self._overdue_after
        if state.seen_at >= since and now - state.seen_at <= self._overdue_after:
            return False
        return trouble is None or state.seen_at - trouble.since < self._patience

    def _answers(self, states: States, state: Judgement) -> bool:
        """Whether something on it was found well after it fell silent (whatever its witness said
        since): then only its agent is gone, and what fails fails by itself."""
        silent = state.seen_at + self._patience
        found = (states.get(key) for key in self.services)
        return any(s and s.seen_at > silent and _is_well(s) for s in found)

    def _first_back(self, states: States, state: Judgement) -> float | None:
        """When the first of its services was found well again after it fell silent."""
        heard = (self._service_back_at(states, key) for key in self.services)
        silent = state.seen_at + self._patience
        return min((at for at in heard if at is not None and at > silent), default=None)

    def back_at(self, states: States, now: float) -> float | None:
        """When a server that is not down was first heard of again, by its own reading or by a
        look at what runs on it; None when it did not come back lately."""
        if not self.measured:
            return self._services_back_at(states, now)
        state = states.get(self.key)
        back = _server_back_at(state, self.interval) if state else None
        if back is None or not self._lately(back, now):
            return None
        heard = (self._service_back_at(states, key) for key in self._carried)
        earlier = [at for at in heard if at is not None and back - self._look <= at]
        return min((back, *earlier))

    def _services_back_at(self, states: States, now: float) -> float | None:
        """The return of a server that is known by its services alone: it was down if none of
        them has been well for longer than lately."""
        back: list[float] = []
        seen = 0
        for key in self.services:
            state = states.get(key)
            if state is None or not is_known(state):
                continue
            seen += 1
            if gives_no_answer(state):
                continue
            at = self._service_back_at(states, key)
            if at is None or not self._lately(at, now):
                return None
            back.append(at)
        return min(back, default=None) if seen >= LEAST_SERVICES else None

    def _service_back_at(self, states: States, key: str) -> float | None:
        state = states.get(key)
        return _service_back_at(state, self.interval, self._late) if state else None

    def _lately(self, at: float, now: float) -> bool:
        # A little ahead of us: a machine's clock. More: ours was set back.
        return -SETTLE <= now - at < self.window


class Service:
    """A service on which others rest."""

    def __init__(self, key: str, fleet: Fleet, interval: float, timeout: float) -> None:
        self.key = key
        self.vps_id = vps_of(key)
        self.interval = fleet.interval(key, interval)
        self.look = self.interval + fleet.timeout(key, timeout) + SECOND_LOOK
        label = fleet.label(key)
        self.failing = Cause(key, "failing", f"suppressed by {label}, which is unhealthy")
        self.returned = f"{label} answers again"

    def is_failing(self, states: States) -> bool:
        """Not one that could not be looked at: of that nobody is told."""
        state = states.get(self.key)
        return (
            state is not None and state.status is Status.UNHEALTHY and state.candidate not in WELL
        )

    def back_at(self, states: States) -> float | None:
        state = states.get(self.key)
        return _service_back_at(state, self.interval) if state else None


def _was_known(state: Judgement) -> bool:
    """Whether a server was ever heard of: one whose agent was never started explains nothing."""
    return bool(state.silent or state.previous or state.metrics or state.facts or state.check)


def _is_well(state: Judgement) -> bool:
    return state.candidate in WELL and not state.silent


def _server_back_at(state: Judgement, interval: float) -> float | None:
    """When a server was read again after it had been out of touch."""
    back = _service_back_at(state, interval)
    if back is None and state.previous is Status.UNKNOWN and state.status is not Status.UNKNOWN:
        return state.since
    return back


def _service_back_at(state: Judgement, interval: float, late: float = 0.0) -> float | None:
    """When the first good look was at what was unhealthy: the second one in a row, an interval
    later, is what changes the status. ``late``: seconds by which the first may have taken longer,
    when its first probe met something that hung."""
    if state.status is Status.UNHEALTHY:
        return state.seen_at if state.candidate in WELL else None
    if state.previous is Status.UNHEALTHY and state.status in WELL:
        return state.since - interval + late
    return None
