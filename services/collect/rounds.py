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
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from services.collect.checks import open_context
from services.collect.delivery import Delivery, Submit
from services.collect.looks import Looks, OwnCheck, Target
from services.collect.sight import Sighting
from services.collect.witness import Witnesses
from services.observation import CheckResult, Observation

if TYPE_CHECKING:
    from services.inventory.fleet import Fleet
    from services.settings import Settings

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: A tick hands over what is due within this many seconds: the span until the next tick.
TICK_SECONDS = 1.0

#: Up to this many targets have their first look within a second of the start.
SMALL_FLEET = 100

#: Of the 2 s that a stop may take: for looks to give up, for readings to be handed over.
GIVE_UP_SECONDS = 0.5
HAND_OVER_SECONDS = 1.0


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
        self._clock = clock
        self._wall = wall
        # By part and not by key: with another inventory they lie on another server.
        parts = {part: own_checks[key] for key, part in fleet.own.items()}
        self._looks = Looks(settings, parts, clock, wall)
        self._targets = self._looks.of(fleet, {})
        self._replacing = threading.Lock()
        self._lock = threading.Lock()
        self._due: list[tuple[float, str]] = []
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        # What follows belongs to the loop's thread; others only read its numbers.
        self._delivery = Delivery(submit)
        self._witnesses = Witnesses(settings.witnesses)
        self._stopping = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._rounds = self._finished = self._skipped = 0

    def start(self) -> None:
        """Starts the thread; the first looks come with the next ticks. Once only."""
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(ready,), name="collect", daemon=True
        )
        self._thread.start()
        ready.wait()
        with self._lock:
            self._due = self._first_looks(self._targets)
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
        batch: list[tuple[str, float]] = []
        with self._lock:
            while self._due and self._due[0][0] < now + TICK_SECONDS:
                due, key = self._due[0]
                batch.append((key, max(due - now, 0.0)))
                interval = self._targets[key].interval
                # Looks that nobody asked for in time (a stalled scheduler) are not made up for.
                passed = max(1, math.floor((now - due) / interval) + 1)
                heapq.heapreplace(self._due, (due + passed * interval, key))
            if batch and self._loop is not None:
                self._rounds += 1
                with contextlib.suppress(RuntimeError):  # it has ended by itself
                    self._loop.call_soon_threadsafe(self._arrange, batch)

    def replace(self, fleet: Fleet) -> None:
        """Goes on with another fleet, from any thread.

        Targets that stay keep their phase, new ones have their first look soon (in a small fleet
        within a second), those that left or are paused now are let go, looks under way included.
        """
        with self._replacing:
            targets = self._looks.of(fleet, self._targets)
            with self._lock:
                before, now = self._targets, self._clock()
                gone = [old for key, old in before.items() if targets.get(key) is not old]
                stay = [
                    # A shorter interval is not kept waiting for the end of the longer one.
                    (min(due, now + targets[key].interval * _phase(key)), key)
                    if targets[key].interval < before[key].interval
                    else (due, key)
                    for due, key in self._due
                    if key in targets
                ]
                self._fleet, self._targets = fleet, targets
                if self._loop is None:
                    return
                new = {key: one for key, one in targets.items() if key not in before}
                self._due = stay + self._first_looks(new)
                heapq.heapify(self._due)
                with contextlib.suppress(RuntimeError):  # it has ended by itself
                    self._loop.call_soon_threadsafe(self._let_go, gone)

    def ask_witness(self, vps_id: str) -> Future[CheckResult | None]:
        """What the witness of a server says now; None when it has none, or nobody looks."""
        check = self._fleet.witness(vps_id)
        if check is None:
            return _answered(None)
        timeout = self._fleet.timeout(vps_id, self._settings.check_timeout)
        return self._ask(lambda: self._looks.ask(check, timeout))

    def ask_sight(self) -> Future[Sighting | None]:
        """Whether this machine reaches any of the configured witnesses; None when there are
        none, or nobody looks."""
        return self._ask(lambda: self._witnesses.look(self._looks.context))

    def answers(self, patience: float) -> bool:
        """Whether the thread that looks takes on work within so many seconds."""

        async def yes() -> bool:
            return True

        try:
            return self._ask(yes).result(patience) is True
        except TimeoutError:
            return False

    def stats(self) -> dict[str, int]:
        """``targets``, ``rounds`` (ticks with something due), ``looks`` (finished), ``skipped``
        (the look before was still running), ``in_flight``, ``waiting`` (for ``submit``),
        ``dropped``, ``running`` (0 or 1: whether the thread lives)."""
        return {
            "targets": len(self._targets),
            "rounds": self._rounds,
            "looks": self._finished,
            "skipped": self._skipped,
            "in_flight": len(self._running),
            "waiting": self._delivery.waiting,
            "dropped": self._delivery.dropped,
            "running": int(self._thread is not None and self._thread.is_alive()),
        }

    def _first_looks(self, targets: Mapping[str, Target]) -> list[tuple[float, str]]:
        now = self._clock()
        small = len(targets) <= SMALL_FLEET
        return [
            (now + (min(one.interval, 1.0) if small else one.interval) * _phase(key), key)
            for key, one in targets.items()
        ]

    def _ask(self, question: Callable[[], Coroutine[Any, Any, T | None]]) -> Future[T | None]:
        with self._lock:
            if self._loop is not None:
                with contextlib.suppress(RuntimeError):  # it has ended by itself
                    return asyncio.run_coroutine_threadsafe(question(), self._loop)
        return _answered(None)

    def _run(self, ready: threading.Event) -> None:
        try:
            asyncio.run(self._main(ready))
        except Exception:
            log.exception("collection_ended")
        finally:
            ready.set()

    async def _main(self, ready: threading.Event) -> None:
        async with open_context() as self._looks.context:
            with self._lock:
                self._loop = asyncio.get_running_loop()
            ready.set()
            delivering = asyncio.create_task(self._delivery.run())
            await self._stopping.wait()
            if looks := list(self._running.values()):
                for task in looks:
                    task.cancel()
                await asyncio.wait(looks, timeout=GIVE_UP_SECONDS)
            for target in self._targets.values():
                target.close()
            self._delivery.finish()
            await asyncio.wait([delivering], timeout=HAND_OVER_SECONDS)
        self._looks.close()
        self._delivery.close()

    def _arrange(self, batch: Sequence[tuple[str, float]]) -> None:
        loop = asyncio.get_running_loop()
        for key, delay in batch:
            loop.call_later(delay, self._begin, key)

    def _begin(self, key: str) -> None:
        target = self._targets.get(key)
        if target is None or self._stopping.is_set():
            return
        if key in self._running:
            self._skipped += 1
            return
        self._running[key] = asyncio.create_task(self._look(target))

    def _let_go(self, targets: Sequence[Target]) -> None:
        for target in targets:
            if (task := self._running.pop(target.key, None)) is not None:
                task.cancel()
            target.close()

    async def _look(self, target: Target) -> None:
        try:
            seen = await target.look()
        except Exception as error:
            log.exception("look_failed", target=target.key)
            text = f"could not look: {type(error).__name__} inside Healthdeck"
            seen = Observation(target.key, self._wall(), error=text)
        finally:
            if self._running.get(target.key) is asyncio.current_task():
                del self._running[target.key]
        self._finished += 1
        if self._targets.get(target.key) is target:  # else it has left meanwhile
            self._delivery.add(seen)


def _answered(value: T) -> Future[T]:
    future: Future[T] = Future()
    future.set_result(value)
    return future


def _phase(key: str) -> float:
    """The place of a target in its interval, from 0 up to 1: the same at every start."""
    return zlib.crc32(key.encode()) / 2**32
