"""What was seen, handed over in small batches on one thread: a slow store delays no look."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from services.collect import Workers
from services.observation import Observation

log = structlog.get_logger(__name__)

Submit = Callable[[Sequence[Observation]], None]

BATCH = 200
#: A reading waits this long for others; and batches begin at least so far apart unless one is
#: full, for a batch costs the store a transaction.
BATCH_SECONDS = 0.05
APART_SECONDS = 0.25
#: Readings that wait for a slow ``submit``; beyond it the oldest are dropped and counted.
MOST_WAITING = 20_000


class Delivery:
    """Belongs to one event loop; others only read ``dropped`` and ``waiting``."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit
        self._worker = Workers(1, "delivery")
        self._queue: deque[Observation] = deque()
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = False
        self.dropped = 0

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def add(self, seen: Observation) -> None:
        """Takes one reading."""
        self._queue.append(seen)
        if len(self._queue) > MOST_WAITING:
            self._queue.popleft()
            self.dropped += 1
        if len(self._queue) == 1:
            self._arrived.set()
        elif len(self._queue) >= BATCH:
            self._full.set()

    async def run(self) -> None:
        """Hands over until ``finish``."""
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while not self._closing or self._queue:
            if not self._queue:
                self._arrived.clear()
                await self._arrived.wait()
            if not self._closing and len(self._queue) < BATCH:
                await self._gather(max(BATCH_SECONDS, next_at - loop.time()))
            next_at = loop.time() + APART_SECONDS
            while self._queue:
                size = min(len(self._queue), BATCH)
                await self._hand_over([self._queue.popleft() for _ in range(size)])

    def finish(self) -> None:
        """Lets ``run`` end as soon as everything is handed over."""
        self._closing = True
        self._arrived.set()
        self._full.set()

    def close(self) -> None:
        """Ends the thread after the batch that it is in."""
        self._worker.close()

    async def _gather(self, seconds: float) -> None:
        self._full.clear()
        handle = asyncio.get_running_loop().call_later(seconds, self._full.set)
        await self._full.wait()
        handle.cancel()

    async def _hand_over(self, batch: Sequence[Observation]) -> None:
        try:
            await self._worker.run(partial(self._submit, batch))
        except Exception:
            self.dropped += len(batch)
            log.exception("submit_failed", observations=len(batch))
