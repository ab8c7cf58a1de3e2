"""Answers that come in too many kinds to be kept up to date: lists, events, courses.

One that was begun less than a second ago is given again, whatever happened since: nobody sees
anything older than that. One that depends on the board alone is given for as long as that is the
same. With another fleet all are forgotten.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from services.cache import Kept
from services.health.board import Board
from services.inventory.fleet import Fleet
from services.views.kept import PACE

#: Answers that are held at the same time, and their bytes together.
MOST, MOST_BYTES = 200, 32 * 2**20


@dataclass(slots=True, eq=False)
class _Held:
    """An answer, also one that is under way; ``version`` of the board when it was begun."""

    version: int
    begun_at: float
    answer: Future[Kept] = field(default_factory=Future)
    size: int = 0


class Latest:
    """Of any number of callers with one question at the same time one computes the answer.
    ``paced`` says whether answers may be a second old; while not, they never are. Thread-safe."""

    def __init__(
        self,
        board: Board,
        fleet: Callable[[], Fleet],
        paced: Callable[[], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._board = board
        self._fleet = fleet
        self._paced = paced
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._of: Fleet | None = None
        self._held: dict[Hashable, _Held] = {}

    def get(self, key: Hashable, make: Callable[[], Any], *, lasting: bool = False) -> Kept:
        """The answer under ``key``; ``make`` gives what JSON can hold. The key must hold the
        question and what the caller may see. ``lasting``: it depends on key, board and fleet
        alone, neither on the time nor on the database. Raises what ``make`` raises."""
        with self._lock:
            if (fleet := self._fleet()) is not self._of:
                self._of, self._held = fleet, {}
            version, now = self._board.version, self._monotonic()
            held = self._held.get(key)
            good = held is not None and (
                (self._paced() and now - held.begun_at < PACE)
                or (lasting and held.version == version)
            )
            if held is None or not good:
                held = _Held(version, now)
                self._held.pop(key, None)  # the newest stand last
                self._held[key] = held
        return held.answer.result() if good else self._made(key, held, make)

    def _made(self, key: Hashable, held: _Held, make: Callable[[], Any]) -> Kept:
        try:
            found = Kept.of(make())
        except BaseException as error:
            with self._lock:
                if self._held.get(key) is held:
                    del self._held[key]
            held.answer.set_exception(error)
            raise
        held.answer.set_result(found)
        with self._lock:
            held.size = len(found.data)
            while len(self._held) > MOST or self._size() > MOST_BYTES:
                del self._held[next(iter(self._held))]
        return found

    def _size(self) -> int:
        return sum(one.size for one in self._held.values())
