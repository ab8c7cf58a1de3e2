"""The board: the latest judgement of every target, in memory, for everybody who reads."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping

from services.health.status import Judgement


class Board:
    """Written by the intake alone, after its commit. ``snapshot`` never changes once taken;
    ``version`` grows with each change; ``trouble`` says why nothing new can be stored,
    ``warning`` what else an operator must know of the monitor itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[str, Judgement] = {}
        self._version = 0
        self._trouble: str | None = None
        self._warnings: dict[str, str] = {}

    @property
    def version(self) -> int:
        return self._version

    @property
    def trouble(self) -> str | None:
        return self._trouble

    @property
    def warning(self) -> str | None:
        return " ".join(self._warnings.values()) or None

    def warn(self, about: str, warning: str | None) -> None:
        """Says what is wrong with a part of the monitor itself, or that it no longer is."""
        with self._lock:
            if warning != self._warnings.get(about):
                others = {k: v for k, v in self._warnings.items() if k != about}
                self._warnings = others | ({about: warning} if warning else {})
                self._version += 1

    def snapshot(self) -> Mapping[str, Judgement]:
        return self._states

    def get(self, key: str) -> Judgement | None:
        return self._states.get(key)

    def apply(self, changes: Mapping[str, Judgement]) -> None:
        with self._lock:
            states = self._states.copy()
            states.update(changes)
            self._states = states
            self._version += 1

    def drop(self, keys: Collection[str]) -> None:
        """Forgets targets that are no longer watched, and what they said of dependencies."""
        with self._lock:
            self._states = {
                key: state
                for key, state in self._states.items()
                if key not in keys and key.rpartition("/")[0] not in keys
            }
            self._version += 1

    def report(self, trouble: str | None) -> None:
        with self._lock:
            if trouble != self._trouble:
                self._trouble = trouble
                self._version += 1
