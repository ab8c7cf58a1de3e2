"""The rounds: every target is looked at once an interval, at a time of its own, and no look
delays another. The scheduler drives (``tick``), an event loop in a thread of its own looks."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import math
import threading
import time
import zlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import structlog

from services.collect import Calls, TookTooLong, Workers
from services.collect.checks import ProbeContext, open_context, probe
from services.collect.sources import SOURCES, Source
from services.inventory.schema import Check, HttpCheck
from services.observation import CheckResult, Observation, Status

if TYPE_CHECKING:
    from services.inventory.fleet import Fleet
    from services.settings import Settings

log = structlog.get_logger(__name__)

Submit = Callable[[Sequence[Observation]], None]
OwnCheck = Callable[[], CheckResult]

#: A tick hands over what is due within this many seconds: the span until the next tick.
TICK_SECONDS = 1.0

#: Up to this many targets have their first look within a second of the start.
SMALL_FLEET = 100

MOST_PROBES = 200
BATCH = 200
BATCH_SECONDS = 0.05
#: Readings that wait for a slow ``submit``; beyond it the oldest are dropped and counted.
MOST_WAITING = 20_000

#: A dependency check ends within this many seconds, whatever the target's own timeout.
OWN_TIMEOUT = 5.0

#: Of the 2 s that a stop may take: for looks to give up, for readings to be handed over.
GIVE_UP_SECONDS = 0.5
HAND_OVER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Target:
    """``look`` gives one observation; it may take longer than ``interval`` (seconds)."""

    key: str
    interval: float
    look: Callable[[], Awaitable[Observation]]


class Rounds:
    """Looks at every enabled target of ``fleet`` that has a source or a check, and hands what
    it sees to ``submit`` in small batches, on one thread.

    ``own_checks`` maps the keys of ``fleet.own`` to functions, which may block. ``clock`` is
    monotonic seconds, ``wall`` seconds since the epoch, UTC.
    """

    def __init__(
        self,
        fleet: Fleet,
        settings: Settings,
        submit: Submit,
        own_checks: Mapping[str, OwnCheck],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._fleet = fleet
        self._settings = settings
        self._submit = submit
        self._own_checks = own_checks
        self._clock = clock
        self._wall = wall
        self._targets = {target.key: target for target in self._watched()}
        self._lock = threading.Lock()
        self._due: list[tuple[float, str]] = []
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        # What follows belongs to the loop's thread; others only read its numbers.
        self._context: ProbeContext
        self._calls = Calls(len(fleet.own) + len(fleet.vps), "reading", clock)
        self._delivery = Workers(1, "delivery")
        self._stopping = asyncio.Event()
        self._closing = False
        self._probes = asyncio.Semaphore(MOST_PROBES)
        self._looks: dict[str, asyncio.Task[None]] = {}
        self._waiting: deque[Observation] = deque()
        self._arrived = asyncio.Event()
        self._rounds = self._finished = self._skipped = self._dropped = 0

    def start(self) -> None:
        """Starts the thread; the first looks come with the next ticks. Once only."""
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(ready,), name="collect", daemon=True
        )
        self._thread.start()
        ready.wait()
        now = self._clock()
        small = len(self._targets) <= SMALL_FLEET
        with self._lock:
            for key, target in self._targets.items():
                spread = min(target.interval, 1.0) if small else target.interval
                self._due.append((now + spread * _phase(key), key))
            heapq.heapify(self._due)

    def stop(self) -> None:
        """Gives up the looks under way, hands over what was seen, ends the thread: within 2 s."""
        with self._lock:
            self._due.clear()
            loop, self._loop = self._loop, None
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join(timeout=2)

    def tick(self) -> None:
        """Hands every target that is due before the next tick to the loop; each look begins at
        its own moment. Cheap; the scheduler calls it once a second, from any thread."""
        now = self._clock()
        batch: list[tuple[_Target, float]] = []
        with self._lock:
            while self._due and self._due[0][0] < now + TICK_SECONDS:
                due, key = self._due[0]
                target = self._targets[key]
                batch.append((target, max(due - now, 0.0)))
                # Looks that nobody asked for in time (a stalled scheduler) are not made up for.
                passed = max(1, math.floor((now - due) / target.interval) + 1)
                heapq.heapreplace(self._due, (due + passed * target.interval, key))
            if batch and self._loop is not None:
                self._rounds += 1
                with contextlib.suppress(RuntimeError):  # it has ended by itself
                    self._loop.call_soon_threadsafe(self._arrange, batch)

    def stats(self) -> dict[str, int]:
        """``targets``, ``rounds`` (ticks with something due), ``looks`` (finished), ``skipped``
        (the look before was still running), ``in_flight``, ``waiting`` (for ``submit``),
        ``dropped``, ``running`` (0 or 1: whether the thread lives)."""
        return {
            "targets": len(self._targets),
            "rounds": self._rounds,
            "looks": self._finished,
            "skipped": self._skipped,
            "in_flight": len(self._looks),
            "waiting": len(self._waiting),
            "dropped": self._dropped,
            "running": int(self._thread is not None and self._thread.is_alive()),
        }

    def _watched(self) -> Iterator[_Target]:
        """Every target that is looked at by itself."""
        for key, vps in self._fleet.vps.items():
            if vps.source is not None:
                source = SOURCES[vps.source.type](key)
                yield from self._target(key, partial(self._read, key, source))
        for key in self._fleet.own:
            yield from self._target(key, partial(self._ask, key, self._own_checks[key]))
        for key, service in self._fleet.services.items():
            if service.check is not None and key not in self._fleet.own:
                yield from self._target(key, partial(self._probe, key, service.check))
        for key, application in self._fleet.applications.items():
            yield from self._target(key, partial(self._probe, key, HttpCheck(url=application.url)))

    def _target(self, key: str, look: Callable[[float], Awaitable[Observation]]) -> list[_Target]:
        if not self._fleet.enabled(key):
            return []
        interval = self._fleet.interval(key, self._settings.collect_interval)
        timeout = self._fleet.timeout(key, self._settings.check_timeout)
        return [_Target(key, interval, partial(look, timeout))]

    def _run(self, ready: threading.Event) -> None:
        try:
            asyncio.run(self._main(ready))
        except Exception:
            log.exception("collection_ended")
        finally:
            ready.set()

    async def _main(self, ready: threading.Event) -> None:
        async with open_context() as self._context:
            with self._lock:
                self._loop = asyncio.get_running_loop()
            ready.set()
            delivering = asyncio.create_task(self._deliver())
            await self._stopping.wait()
            if looks := list(self._looks.values()):
                for task in looks:
                    task.cancel()
                await asyncio.wait(looks, timeout=GIVE_UP_SECONDS)
            self._closing = True
            self._arrived.set()
            await asyncio.wait([delivering], timeout=HAND_OVER_SECONDS)
        self._calls.close()
        self._delivery.close()

    def _arrange(self, batch: Sequence[tuple[_Target, float]]) -> None:
        loop = asyncio.get_running_loop()
        for target, delay in batch:
            loop.call_later(delay, self._begin, target)

    def _begin(self, target: _Target) -> None:
        if self._stopping.is_set():
            return
        if target.key in self._looks:
            self._skipped += 1
            return
        self._looks[target.key] = asyncio.create_task(self._look(target))

    async def _look(self, target: _Target) -> None:
        try:
            seen = await target.look()
        except Exception as error:
            log.exception("look_failed", target=target.key)
            text = f"could not look: {type(error).__name__} inside Healthdeck"
            seen = Observation(target.key, self._wall(), error=text)
        finally:
            del self._looks[target.key]
        self._finished += 1
        self._waiting.append(seen)
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self._dropped += 1
        self._arrived.set()

    async def _probe(self, key: str, check: Check, timeout: float) -> Observation:
        async with self._probes:
            result = await probe(check, timeout, self._context)
        return Observation(key, self._wall(), check=result)

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

    async def _deliver(self) -> None:
        last = False
        while not last:
            await self._arrived.wait()
            self._arrived.clear()
            last = self._closing
            if len(self._waiting) < BATCH and not last:
                await asyncio.sleep(BATCH_SECONDS)
            while self._waiting:
                size = min(len(self._waiting), BATCH)
                await self._hand_over([self._waiting.popleft() for _ in range(size)])

    async def _hand_over(self, batch: Sequence[Observation]) -> None:
        try:
            await self._delivery.run(partial(self._submit, batch))
        except Exception:
            self._dropped += len(batch)
            log.exception("submit_failed", observations=len(batch))


def _phase(key: str) -> float:
    """The place of a target in its interval, from 0 up to 1: the same at every start."""
    return zlib.crc32(key.encode()) / 2**32
