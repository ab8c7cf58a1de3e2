"""Whether the monitor can see: when much fails at the same moment it doubts itself first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum

from services.observation import Observation, Status

#: So many targets must begin to fail within the window, and so much of what is looked at.
LEAST = 3
SHARE = 0.1
WINDOW = 10.0
#: Seconds between two looks at the witnesses while nothing can be seen.
AGAIN = 2.0

BLIND = "Healthdeck itself cannot see the network: its witnesses do not answer either"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a look at the witnesses found. ``failed``, when none could be seen: each witness
    (``host:port``) and why it was not reached."""

    sees: bool
    failed: Mapping[str, str] = field(default_factory=dict)


class View(Enum):
    """``CLEAR``: failures are believed. ``ASKING``: they wait for the witnesses' answer.
    ``BLIND``: they say nothing about their targets."""

    CLEAR = "clear"
    ASKING = "asking"
    BLIND = "blind"


class Sight:
    """Counts failures that may be the monitor's own, and asks its witnesses when they are many.

    ``ask`` looks at the witnesses; None when there are none. ``answered`` is called with what
    that found, from any thread.
    """

    def __init__(
        self,
        ask: Callable[[], Future[Sighting | None]],
        answered: Callable[[Sighting | None], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._ask = ask
        self._answered = answered
        self._monotonic = monotonic
        self._seen: set[str] = set()
        self._failing: dict[str, float] = {}
        self._recent: deque[tuple[float, str]] = deque()
        self._asked_at = -AGAIN
        self.view = View.CLEAR

    @staticmethod
    def fails(observation: Observation) -> bool:
        """Whether a reading failed in a way that a blind monitor would see: no answer at all."""
        check = observation.check
        if check is None:
            return observation.error is not None
        return check.status is Status.UNHEALTHY and "httpStatus" not in check.evidence

    def note(self, key: str, *, failed: bool) -> None:
        """Takes in one look at a target elsewhere; asks when too many began to fail."""
        moment = self._monotonic()
        self._seen.add(key)
        if not failed:
            self._failing.pop(key, None)
            return
        if key not in self._failing:
            self._failing[key] = moment
            self._recent.append((moment, key))
        while self._recent and self._recent[0][0] < moment - WINDOW:
            self._recent.popleft()
        begun = sum(key in self._failing for _, key in self._recent)
        if self.view is View.CLEAR and begun >= max(LEAST, SHARE * len(self._seen)):
            self.view = View.ASKING
            self._look(moment)

    def tick(self) -> None:
        """Looks again while blind."""
        moment = self._monotonic()
        if self.view is View.BLIND and moment >= self._asked_at + AGAIN:
            self._look(moment)

    def take(self, found: Sighting | None) -> list[str]:
        """Takes in the witnesses' answer. When it makes the monitor blind, the targets whose
        failures of just now were believed too early."""
        was, self.view = self.view, View.BLIND if found and not found.sees else View.CLEAR
        self._recent.clear()
        if self.view is View.CLEAR or was is View.BLIND:
            return []
        since = self._monotonic() - 2 * WINDOW
        return [key for key, begun in self._failing.items() if begun >= since]

    def forget(self, keys: set[str]) -> None:
        """Targets that are no longer watched."""
        self._seen -= keys
        for key in keys:
            self._failing.pop(key, None)

    def _look(self, moment: float) -> None:
        self._asked_at = moment
        self._ask().add_done_callback(lambda done: self._answered(_answer(done)))


def _answer(done: Future[Sighting | None]) -> Sighting | None:
    return None if done.cancelled() or done.exception() else done.result()
