"""The agent's log: one line for each change of state."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger("healthdeck-agent")


class Voice:
    """Says what changed. ``steady`` is seconds of a clock that nobody sets. Thread-safe."""

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._said: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def state(
        self,
        subject: str,
        state: str,
        text: str = "",
        *,
        level: int = logging.WARNING,
        again_after: float | None = None,
    ) -> None:
        """Writes ``text`` when ``state`` is not the one last said of ``subject``, or was said
        ``again_after`` seconds ago. Without a text the state is only remembered."""
        now = self._steady()
        with self._lock:
            before, at = self._said.get(subject, (None, now))
            if before == state and (again_after is None or now - at < again_after):
                return
            self._said[subject] = (state, now)
        if text:
            log.log(level, "%s", text)

    def event(self, text: str, level: int = logging.WARNING) -> None:
        """Writes a line about something that happened once."""
        log.log(level, "%s", text)
