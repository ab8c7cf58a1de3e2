"""What a look at each target is: a check's probe, a source's reading, a part of Healthdeck."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from services.collect import Calls, TookTooLong
from services.collect.checks import SECOND_LOOK_TIMEOUT, ProbeContext, probe
from services.collect.sources import REMOTE, SOURCES, RemoteSource, Source
from services.inventory.schema import Check, HttpCheck
from services.observation import CheckResult, Observation, Status

if TYPE_CHECKING:
    from services.inventory.fleet import Fleet
    from services.settings import Settings

log = structlog.get_logger(__name__)

OwnCheck = Callable[[], CheckResult]

#: Probes of checks at a time, and readings of remote sources.
MOST_PROBES = 200
MOST_READS = 500
#: Calls at a time that block: this machine's source and Healthdeck's own parts.
MOST_CALLS = 16

#: A dependency check ends within this many seconds, whatever the target's own timeout.
OWN_TIMEOUT = 5.0


def _nothing() -> None:
    """Of a look that keeps nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """``look`` gives one observation; it may take longer than ``interval`` (seconds). ``spec``
    is what it is made from: equal ones look alike. ``close`` lets go of what the look keeps."""

    key: str
    interval: float
    spec: tuple[Any, ...]
    look: Callable[[], Awaitable[Observation]]
    close: Callable[[], None] = _nothing


class Looks:
    """Makes the targets of a fleet. ``parts`` maps the parts of Healthdeck to functions, which
    may block. ``clock`` is monotonic seconds, ``wall`` seconds since the epoch, UTC."""

    def __init__(
        self,
        settings: Settings,
        parts: Mapping[str, OwnCheck],
        clock: Callable[[], float],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._wall = wall
        self._calls = Calls(MOST_CALLS, "reading", clock)
        self._probes = asyncio.Semaphore(MOST_PROBES)
        self._reads = asyncio.Semaphore(MOST_READS)
        #: Set when the loop begins, and used on it alone.
        self.context: ProbeContext

    def of(self, fleet: Fleet, known: Mapping[str, Target]) -> dict[str, Target]:
        """Every target that is looked at by itself, under its key; those of ``known`` that are
        as before are taken over, with what they keep."""
        found = {}
        for key, spec in _specs(fleet, self._parts):
            if not fleet.enabled(key):
                continue
            interval = fleet.interval(key, self._settings.collect_interval)
            timeout = fleet.timeout(key, self._settings.check_timeout)
            old = known.get(key)
            if old is not None and (old.interval, old.spec) == (interval, (timeout, *spec)):
                found[key] = old
            else:
                found[key] = self._target(key, interval, timeout, *spec)
        return found

    async def ask(self, check: Check, timeout: float) -> CheckResult:
        """What a check finds, beside the rounds."""
        return await probe(check, timeout, self.context)

    def close(self) -> None:
        """Lets every thread end after the call that it is in."""
        self._calls.close()

    def _target(self, key: str, interval: float, timeout: float, kind: str, spec: Any) -> Target:
        identity = (timeout, kind, spec)
        if kind == "remote":
            source = REMOTE[spec.type](key, spec)
            look = partial(self._scrape, source, timeout)
            return Target(key, interval, identity, look, source.close)
        if kind == "source":
            return Target(
                key, interval, identity, partial(self._read, key, SOURCES[spec.type](key), timeout)
            )
        if kind == "own":
            look = partial(self._ask, key, self._parts[spec], timeout)
            return Target(key, interval, identity, look)
        return Target(key, interval, identity, partial(self._probe, key, spec, timeout))

    async def _probe(self, key: str, check: Check, timeout: float) -> Observation:
        async with self._probes:
            result = await probe(check, timeout, self.context)
        return Observation(key, self._wall(), check=result)

    async def _scrape(self, source: RemoteSource, timeout: float) -> Observation:
        """A failure counts when a second look fails too, as with the checks."""
        async with self._reads:
            began = asyncio.get_running_loop().time()
            first = await source.read(timeout, self.context)
        if first.error is None and not _failed(first):
            return first
        await self.context.pause(began)
        async with self._reads:
            second = await source.read(min(SECOND_LOOK_TIMEOUT, timeout), self.context)
        if second.error is None and not _failed(second):
            return second
        return replace(first, at=self._wall())

    async def _read(self, key: str, source: Source, timeout: float) -> Observation:
        try:
            seen = await self._calls.run(key, source.read, timeout)
        except TookTooLong as error:
            return Observation(key, self._wall(), error=str(error))
        return replace(seen, at=self._wall())

    async def _ask(self, key: str, check: OwnCheck, timeout: float) -> Observation:
        try:
            result = await self._calls.run(key, check, min(timeout, OWN_TIMEOUT))
        except TookTooLong as error:
            result = CheckResult(Status.UNHEALTHY, str(error), evidence={"error": "Timeout"})
        except Exception as error:
            log.exception("own_check_failed", target=key)
            name = type(error).__name__
            text = f"could not look: {name} inside Healthdeck"
            result = CheckResult(Status.UNKNOWN, text, evidence={"error": name})
        return Observation(key, self._wall(), check=result)


def _failed(seen: Observation) -> bool:
    return seen.check is not None and seen.check.status is Status.UNHEALTHY


def _specs(fleet: Fleet, parts: Mapping[str, OwnCheck]) -> Iterator[tuple[str, tuple[str, Any]]]:
    """Key, and kind and description of the look, of each target."""
    for key in fleet.vps:
        source = fleet.source(key)
        if source is not None and source.type in REMOTE:
            yield key, ("remote", source)
        elif source is not None and source.type in SOURCES:
            yield key, ("source", source)
    for key, part in fleet.own.items():
        if part in parts:
            yield key, ("own", part)
    for key, service in fleet.services.items():
        if service.check is not None and key not in fleet.own:
            yield key, ("check", service.check)
    for key, application in fleet.applications.items():
        yield key, ("check", HttpCheck(url=application.url))
