"""What an alert must do, the slow and plain way: a second opinion on services.alerts.evaluate.

It keeps all that ever happened as a list and reads it from the start for each answer, by the prose
of the contract; nothing is carried from one answer to the next, so a restart cannot matter to it.
It imports nothing of what it judges. In its own words:

- A trouble begins with the first look that finds the condition true, and is over with the next
  look that does not. It counts from its first look on, and only as far as it was seen: of the time
  between two looks one interval at most. Time that runs backwards was not seen.
- Once so much of a trouble was seen as the duration asks for, there is an alert. A tick is no
  look, but time since the latest look that was seen up to the tick counts, one interval at most.
- The alert is over when the condition was seen to be clear, without a break, for as long as the
  rule keeps it; a look that finds it true again ends the calm, and the alert stands on.
- An operator may end it before. Where the condition still held, nothing begins until a look has
  found it clear once.
- For the window after its end the alert is remembered: trouble that begins in that time is the
  same trouble, and the alert opens again. What was forgotten at one look stays forgotten. An end
  that lies further off than the window, on either side, is not remembered, so a clock that was set
  back makes no new trouble an old one.
- An alert that opened three times within an hour flaps, and is over only after it was seen to be
  clear for the whole window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple

Kind = Literal["on", "off", "tick", "hand", "restart"]


class Event(NamedTuple):
    """A look that found the condition true (``on``) or not (``off``), a tick without a look, an
    operator's resolve (``hand``; it counts while an alert stands), a restart."""

    kind: Kind
    at: float

    @property
    def look(self) -> bool:
        return self.kind in ("on", "off")


class Terms(NamedTuple):
    """Seconds: how long before it fires, how long clear before it ends, how long it is
    remembered, and how often one looks."""

    duration: float
    keep: float
    window: float
    interval: float


class Verdict(NamedTuple):
    """What is so after the last event, and what that event did. ``began``: when the trouble of a
    pending alert began; ``fired``: when the alert that stands or is remembered opened, each
    time; ``ended``: when the one that is remembered was over."""

    phase: str
    happened: str | None
    began: float | None = None
    fired: tuple[float, ...] = ()
    ended: float | None = None
    flapping: bool = False


@dataclass
class Alert:
    """One alert with all its openings. ``over``: the number of the event that ended it."""

    fired: list[float] = field(default_factory=list)
    ended: float = 0.0
    over: int = 0

    @property
    def flapping(self) -> bool:
        return len(self.fired) >= 3 and self.fired[-1] - self.fired[-3] <= 3600


class Reference:
    def __init__(self, terms: Terms, history: Sequence[Event]) -> None:
        self.terms = terms
        self.history = history
        #: what happened at which event
        self.told: dict[int, str] = {}

    def verdict(self) -> Verdict:
        """Where the alert stands after the whole history."""
        alert: Alert | None = None
        start = 0
        while True:
            began = self._first(range(start, len(self.history)), self._is("on"))
            if began is None:
                return self._answer("inactive", alert)
            known = alert if alert and self._remembered(alert, began) else None
            clears = self._first(self._after(began), self._is("off"))
            self.told[began] = "started"
            fires = self._fires(began, clears)
            if fires is None and clears is None:
                # Whether it is the same trouble was settled when it began.
                since = self.history[began].at
                return self._answer("pending", known, began=since)
            if fires is None:
                assert clears is not None
                self.told[clears] = "dropped"
                start = clears + 1
                alert = known
                continue
            alert = known or Alert()
            alert.fired.append(self.history[fires].at)
            self.told[fires] = "reopened" if known else "fired"
            over = self._over(alert, fires)
            if over is None:
                return self._answer("active", alert)
            alert.ended, alert.over = self.history[over].at, over
            start = over + 1
            if self.history[over].kind != "hand":
                self.told[over] = "resolved"
            elif not self._calm(over):
                clears = self._first(self._after(over), self._is("off"))
                if clears is None:
                    return self._answer("resolved", alert)
                self.told[clears] = "cleared"
                start = clears + 1

    def _answer(self, phase: str, alert: Alert | None, began: float | None = None) -> Verdict:
        last = len(self.history) - 1
        if phase == "inactive" and alert and not self._remembered(alert, last):
            alert = None
        return Verdict(
            phase,
            self.told.get(last),
            began,
            tuple(alert.fired) if alert else (),
            alert.ended if alert and phase != "active" else None,
            bool(alert and alert.flapping),
        )

    def _fires(self, began: int, clears: int | None) -> int | None:
        """The event by which so much was seen of a trouble as the duration asks for."""
        return self._first(
            range(began, len(self.history) if clears is None else clears),
            lambda n: self._judges(n) and self._seen(began, n) >= self.terms.duration,
        )

    def _over(self, alert: Alert, fires: int) -> int | None:
        """The event that ended an alert."""
        return self._first(self._after(fires), lambda n: self._ends(alert, n))

    def _ends(self, alert: Alert, number: int) -> bool:
        """Whether an alert that stands is over with this event."""
        if self.history[number].kind == "hand":
            return True
        calm = self._calm(number)
        if not calm or not self._judges(number):
            return False
        needed = self.terms.keep
        if alert.flapping:
            needed = max(needed, self.terms.window)
        return self._seen(calm[0], number) >= needed

    def _seen(self, first: int, last: int) -> float:
        """Seconds that were seen from a look on: between two looks one interval at most."""
        moments = [self.history[n].at for n in range(first, last) if self.history[n].look]
        moments.append(self.history[last].at)
        return sum(min(max(b - a, 0), self.terms.interval) for a, b in pairwise(moments))

    def _calm(self, number: int) -> list[int]:
        """The looks since the condition last held, up to this event."""
        calm: list[int] = []
        for n in range(number, -1, -1):
            if self.history[n].kind == "on":
                break
            if self.history[n].kind == "off":
                calm.insert(0, n)
        return calm

    def _remembered(self, alert: Alert, number: int) -> bool:
        """Whether an alert that is over is still known at an event: at no quiet moment since, and
        not at this one, was its end further off than the window."""
        quiet = [
            n
            for n in range(alert.over + 1, number + 1)
            if self._judges(n) and (self._calm(n) or n == number)
        ]
        return all(abs(self.history[n].at - alert.ended) <= self.terms.window for n in quiet)

    def _judges(self, number: int) -> bool:
        """Whether time is looked at with this event; neither a restart nor an operator does."""
        return self.history[number].look or self.history[number].kind == "tick"

    def _is(self, kind: Kind) -> Callable[[int], bool]:
        return lambda number: self.history[number].kind == kind

    def _after(self, number: int) -> range:
        return range(number + 1, len(self.history))

    @staticmethod
    def _first(numbers: Iterable[int], fits: Callable[[int], bool]) -> int | None:
        return next((number for number in numbers if fits(number)), None)


def judge(terms: Terms, history: Sequence[Event]) -> Verdict:
    """What is so after ``history``, worked out from its first event on."""
    return Reference(terms, history).verdict()
