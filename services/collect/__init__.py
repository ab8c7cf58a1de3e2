"""How observations come in. Calls that block (psutil, name lookups, own dependencies, the
store) run here on threads of their own, so that none of them ever holds the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from services.times import span

T = TypeVar("T")

_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any]]


class Workers:
    """At most ``size`` daemon threads, started when first needed.

    Not a ThreadPoolExecutor: Python waits for that one's threads at exit, and one call that
    hangs in a dead mount or name server would keep the process from ending.
    """

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._threads = 0

    async def run(self, call: Callable[[], T]) -> T:
        """The result of ``call``, or what it raised. Only from one event loop.

        When the caller is cancelled, a call that has begun runs on unheeded; one that still
        waits for a thread is dropped.
        """
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()
        self._jobs.put((loop, result, call))
        if not self._idle.acquire(blocking=False) and self._threads < self._size:
            self._threads += 1
            threading.Thread(
                target=self._work, name=f"{self._name}-{self._threads}", daemon=True
            ).start()
        return await result

    def close(self) -> None:
        """Lets every thread end after the call that it is in."""
        for _ in range(self._threads):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            loop, result, call = job
            if not result.cancelled():
                _answer(loop, result, call)
            del job, result, call
            self._idle.release()


class TookTooLong(Exception):
    """A call that blocks has not come back in time; the text says so to an operator."""


class Calls:
    """Calls that block, with a time limit, never two at a time under one key.

    ``clock``: monotonic seconds.
    """

    def __init__(self, size: int, name: str, clock: Callable[[], float]) -> None:
        self._workers = Workers(size, name)
        self._clock = clock
        self._begun: dict[str, float] = {}

    async def run(self, key: str, call: Callable[[], T], timeout: float) -> T:
        """The result of ``call``, or what it raised. Raises TookTooLong after ``timeout``
        seconds, and at once while the call before still hangs: it would take one more thread."""
        if (begun := self._begun.get(key)) is not None:
            hanging = span(self._clock() - begun)
            raise TookTooLong(f"the look begun {hanging} ago has not come back")

        def marked() -> T:
            self._begun[key] = self._clock()
            try:
                return call()
            finally:
                del self._begun[key]

        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                return await self._workers.run(marked)
        except TimeoutError:
            if limit.expired():
                raise TookTooLong(f"no answer within {timeout:g} s") from None
            raise

    def close(self) -> None:
        """Lets every thread end after the call that it is in."""
        self._workers.close()


def _answer(
    loop: asyncio.AbstractEventLoop, result: asyncio.Future[T], call: Callable[[], T]
) -> None:
    settle: Callable[[asyncio.Future[T], Any], None] = _succeed
    outcome: T | BaseException
    try:
        outcome = call()
    except BaseException as error:  # the caller decides what it means
        settle, outcome = _fail, error
    # A loop that has ended meanwhile means that nobody waits any more.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(settle, result, outcome)


def _succeed(result: asyncio.Future[Any], value: Any) -> None:
    if not result.done():
        result.set_result(value)


def _fail(result: asyncio.Future[Any], error: BaseException) -> None:
    if not result.done():
        result.set_exception(error)
