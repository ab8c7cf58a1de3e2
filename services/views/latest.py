"""Answers that hold for as long as nothing changes: lists, which come in too many kinds to be kept
up to date."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any

from services.cache import Kept
from services.health.board import Board
from services.inventory.fleet import Fleet

#: Answers that are held at the same time.
MOST = 200


class Latest:
    """Forgets everything with each change of the board or of the fleet, so nothing is ever old.
    Thread-safe."""

    def __init__(self, board: Board, fleet: Callable[[], Fleet]) -> None:
        self._board = board
        self._fleet = fleet
        self._lock = threading.Lock()
        self._state: tuple[int, Fleet | None] = (-1, None)
        self._found: dict[Hashable, Kept] = {}

    def get(self, key: Hashable, make: Callable[[], Any]) -> Kept:
        """The answer under ``key``; ``make`` gives what JSON can hold. The key must hold all that
        the answer depends on beside board and fleet: the question, and what the caller may see."""
        version, fleet = self._board.version, self._fleet()
        with self._lock:
            if self._state[0] != version or self._state[1] is not fleet:
                self._state, self._found = (version, fleet), {}
            state, found = self._state, self._found.get(key)
        if found is None:
            found = Kept.of(make())
            with self._lock:
                if self._state is state and len(self._found) < MOST:
                    self._found[key] = found
        return found
