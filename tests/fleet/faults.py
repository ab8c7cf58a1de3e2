"""Faults on command: what goes wrong where, from which moment, until when."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.fleet import bodies
from tests.fleet.life import BUSY, Strain
from tests.fleet.session import Trouble
from tests.fleet.simulation import Simulation

#: What can happen to a service, an application or the page of metrics of a server.
OF_A_SERVICE = ("refuse", "hang", "slow", "5xx", "body", "reset", "partial", "flap")
_OF_TCP = ("refuse", "hang", "reset", "flap")
_OF_CERTIFICATES = ("expired", "soon", "stranger")
#: What can happen to a server.
OF_A_VPS = ("down", "disk", "leak", "busy")
#: After these a service does none of its work.
_FATAL = ("refuse", "hang", "reset", "5xx", "flap")


class NoSuchFault(ValueError):
    """What was asked for cannot be done; the text says why."""


@dataclass
class Detail:
    """``ms`` for slow, ``status`` for 5xx, ``text`` for body, ``period`` (seconds) for flap,
    ``to`` (share) and ``over`` (seconds) for disk and leak, ``count`` for partial. ``spread``:
    what depends on the target suffers too."""

    ms: float = 3000.0
    status: int = 503
    text: str | None = None
    period: float = 20.0
    to: float = 0.97
    over: float = 60.0
    count: int = 1
    spread: bool = False


@dataclass
class Fault:
    """``at`` (seconds since the epoch) and ``monotonic`` (this machine's clock, the same in every
    process) are the moment at which it took effect. ``ended`` None: it lasts."""

    id: int
    target: str
    kind: str
    detail: Detail
    at: float
    monotonic: float
    until: float | None
    ended: float | None = None
    ended_monotonic: float | None = None
    reached: list[str] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        return {**asdict(self), "detail": asdict(self.detail)}


class Faults:
    """Each fault takes effect before ``add`` returns and ends before ``remove`` returns."""

    def __init__(self, simulation: Simulation) -> None:
        self._fleet = simulation
        self._ids = itertools.count(1)
        self._active: dict[int, Fault] = {}
        self._past: deque[Fault] = deque(maxlen=200)
        self._troubles: dict[str, dict[int, Trouble]] = {}
        self._strains: dict[int, Strain] = {}
        self._timers: dict[int, list[asyncio.TimerHandle]] = {}

    def active(self) -> list[Fault]:
        return list(self._active.values())

    def past(self) -> list[Fault]:
        return list(self._past)

    def add(
        self, target: str, kind: str, seconds: float | None = None, detail: Detail | None = None
    ) -> Fault:
        """Makes something go wrong, for ``seconds`` or until removed. Raises NoSuchFault."""
        detail = detail or Detail()
        self._check(target, kind, seconds, detail)
        at = self._fleet.wall()
        fault = Fault(
            next(self._ids),
            target,
            kind,
            detail,
            at,
            0.0,
            None if seconds is None else at + seconds,
        )
        self._active[fault.id] = fault
        timers = self._timers[fault.id] = []
        self._begin(fault)
        fault.at, fault.monotonic = self._fleet.wall(), time.monotonic()
        if kind == "partial":
            self._finish(fault)
        elif seconds is not None:
            timers.append(asyncio.get_running_loop().call_later(seconds, self.remove, fault.id))
        return fault

    def remove(self, fault_id: int) -> Fault:
        """Ends a fault. Raises NoSuchFault when none has this id."""
        fault = self._active.get(fault_id)
        if fault is None:
            raise NoSuchFault(f"no fault {fault_id} lasts; it may have ended by itself")
        for timer in self._timers[fault_id]:
            timer.cancel()
        if strain := self._strains.pop(fault_id, None):
            strain.end = self._fleet.wall()
        if fault.kind == "down":
            self._fleet.silent.discard(fault.target)
        if fault.kind in _OF_CERTIFICATES and self._fleet.certificates:
            self._fleet.certificates.choose(fault.target, "valid")
        for key in fault.reached:
            if self._troubles.get(key, {}).pop(fault_id, None):
                self._settle(key)
        self._finish(fault)
        return fault

    def clear(self) -> None:
        for fault_id in list(self._active):
            self.remove(fault_id)

    def _finish(self, fault: Fault) -> None:
        fault.ended, fault.ended_monotonic = self._fleet.wall(), time.monotonic()
        del self._active[fault.id], self._timers[fault.id]
        self._past.append(fault)

    def _check(self, target: str, kind: str, seconds: float | None, detail: Detail) -> None:
        if seconds is not None and not 0 < seconds < 1e7:
            raise NoSuchFault(f"a fault lasts some seconds, not {seconds}")
        if detail.period <= 0 or detail.over < 0 or detail.ms < 0 or not 0 < detail.to <= 1:
            raise NoSuchFault("period, over and ms are positive, to is a share from 0 to 1")
        if kind in OF_A_VPS:
            if target not in self._fleet.lives:
                raise NoSuchFault(f"{kind} happens to a server, and '{target}' is none")
            return
        endpoint = self._fleet.endpoints.get(target)
        if endpoint is None:
            agent = target in self._fleet.lives
            hint = (
                "it reports by an agent or not at all; use down" if agent else "see the inventory"
            )
            raise NoSuchFault(f"nothing listens for '{target}': {hint}")
        can = list(_OF_TCP if endpoint.speaks == "tcp" else OF_A_SERVICE)
        if endpoint.speaks == "dns":
            can.remove("reset")
        if endpoint.tls or endpoint.starttls:
            can += _OF_CERTIFICATES
        if endpoint.speaks in bodies.FORMATS:
            can.append("degraded")
        if kind not in can:
            raise NoSuchFault(f"'{target}' speaks {endpoint.speaks}; it can {', '.join(can)}")

    def _begin(self, fault: Fault) -> None:
        fleet, kind, target, detail = self._fleet, fault.kind, fault.target, fault.detail
        if kind == "down":
            fleet.silent.add(target)
            for key in fleet.on_vps[target]:
                self._hurt(fault, key, Trouble("refuse"))
        elif kind in ("disk", "leak", "busy"):
            share = BUSY if kind == "busy" else detail.to
            strain = Strain(kind, fleet.wall(), share, detail.over)
            self._strains[fault.id] = strain
            fleet.lives[target].strains.append(strain)
            fault.reached.append(target)
        elif kind == "partial":
            fleet.endpoints[target].lose += detail.count
            fault.reached.append(target)
        elif kind == "flap":
            self._flap(fault, True)
        else:
            if kind in _OF_CERTIFICATES and fleet.certificates:
                fleet.certificates.choose(target, kind)
            self._hurt(fault, target, _trouble(kind, detail))
        if detail.spread:
            self._spread(fault, target, kind)

    def _flap(self, fault: Fault, down: bool) -> None:
        self._troubles.setdefault(fault.target, {}).pop(fault.id, None)
        if down:
            self._hurt(fault, fault.target, Trouble("refuse"))
        else:
            self._settle(fault.target)
        loop = asyncio.get_running_loop()
        half = fault.detail.period / 2
        self._timers[fault.id] = [
            *(timer for timer in self._timers[fault.id] if timer.when() > loop.time()),
            loop.call_later(half, self._flap, fault, not down),
        ]

    def _spread(self, fault: Fault, target: str, kind: str) -> None:
        """Passes a trouble on to what depends on its target."""
        if kind not in (*_FATAL, "slow"):
            return
        name = target.partition("/")[2]
        for key in self._fleet.plan.dependents.get(target, ()):
            if key in fault.reached:
                continue
            speaks = self._fleet.endpoints[key].speaks
            if kind in ("slow", "hang"):
                self._hurt(fault, key, _trouble(kind, fault.detail))
            elif speaks in bodies.FORMATS:
                self._hurt(fault, key, Trouble("part", text=name))
            else:
                self._hurt(fault, key, Trouble("5xx", status=502))
            self._spread(fault, key, "5xx" if kind in _FATAL and kind != "hang" else kind)

    def _hurt(self, fault: Fault, key: str, trouble: Trouble) -> None:
        self._troubles.setdefault(key, {})[fault.id] = trouble
        if key not in fault.reached:
            fault.reached.append(key)
        self._settle(key)

    def _settle(self, key: str) -> None:
        """The latest trouble shows, but who refuses shows nothing else."""
        troubles = list(self._troubles[key].values())
        refusing = [trouble for trouble in troubles if trouble.kind == "refuse"]
        shown = [*troubles, *refusing][-1:]
        self._fleet.endpoints[key].settle(shown[0] if shown else None)


def _trouble(kind: str, detail: Detail) -> Trouble:
    if kind == "degraded":
        return Trouble("part", text=detail.text, word="degraded")
    return Trouble(kind, ms=detail.ms, status=detail.status, text=detail.text)
