"""The board: the latest judgement of every target, in memory, for everybody who reads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from services.health.status import Judgement


@dataclass(frozen=True, slots=True)
class Warned:
    """What is wrong with a part of the monitor itself, and what a reader needs to believe it."""

    text: str
    evidence: Mapping[str, str] = field(default_factory=dict)


def _nobody() -> None:
    """Listens while nobody else does."""


class Board:
    """Written by the intake alone, after its commit. ``snapshot`` never changes once taken;
    ``version`` grows with each change; ``trouble`` says why nothing new can be stored,
    ``warning`` what else an operator must know of the monitor itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[str, Judgement] = {}
        self._version = 0
        self._trouble: str | None = None
        self._warnings: dict[str, Warned] = {}
        self._told: Callable[[], None] = _nobody

    @property
    def version(self) -> int:
        return self._version

    @property
    def trouble(self) -> str | None:
        return self._trouble

    @property
    def warning(self) -> str | None:
        return " ".join(found.text for found in self._warnings.values()) or None

    def warned(self, about: str) -> Warned | None:
        """What is wrong with a part of the monitor itself, if anything is."""
        return self._warnings.get(about)

    def listen(self, told: Callable[[], None]) -> None:
        """``told`` is called after each change of ``trouble`` or ``warning``, from any thread:
        such a change comes without a reading that would bring a page up to date."""
        self._told = told

    def warn(
        self, about: str, warning: str | None, evidence: Mapping[str, str] | None = None
    ) -> None:
        """Says what is wrong with a part of the monitor itself, or that it no longer is."""
        found = Warned(warning, evidence or {}) if warning else None
        with self._lock:
            if found == self._warnings.get(about):
                return
            others = {k: v for k, v in self._warnings.items() if k != about}
            self._warnings = others | ({about: found} if found else {})
            self._version += 1
        self._told()

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
            if trouble == self._trouble:
                return
            self._trouble = trouble
            self._version += 1
        self._told()
