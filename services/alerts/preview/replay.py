"""A rule's alerts as they would have been: ``evaluate`` over looks of the past. Pure.

Most looks cannot move anything. Trouble that was too short to fire, and calm that was too short
to end an alert, leave the state as it was; they are found for all looks at once and stepped over.
Every other look is put to ``evaluate``, and so is each moment between two looks at which a
duration is complete. Live, a tick each second finds that moment, so there it is noticed up to a
second later.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from services.alerts.evaluate import (
    INACTIVE,
    Phase,
    RuleState,
    Terms,
    Transition,
    evaluate,
)
from services.alerts.preview.looks import Asleep, Bools, Looks
from services.history.codec import Floats, Ints

#: Seconds by which sums of what was seen may differ from how ``evaluate`` adds them up.
_ROUNDING = 1e-3


@dataclass(slots=True)
class Alert:
    """One alert. ``since``: when its condition began to hold; ``opened`` and ``ended``: when it
    fired and was over, each time (one end less while it stands)."""

    since: float
    opened: list[float]
    ended: list[float] = field(default_factory=list)

    @property
    def start(self) -> float:
        return self.opened[0]

    @property
    def end(self) -> float | None:
        return self.ended[-1] if len(self.ended) == len(self.opened) else None

    def seconds(self, now: float) -> float:
        """How long it stood altogether, up to ``now``."""
        return sum(self.ended) + (now if self.end is None else 0.0) - sum(self.opened)


def replay(
    terms: Terms, looks: Looks, interval: float, asleep: Asleep = (), end: float = math.inf
) -> list[Alert]:
    """The alerts of one rule and target, oldest first, from no alert at all before the first look
    on. Time passes until ``end``; while the monitor was ``asleep`` nobody noticed that it did."""
    return _Replay(terms, looks, interval, asleep, end).run()


class _Replay:
    def __init__(
        self, terms: Terms, looks: Looks, interval: float, asleep: Asleep, end: float
    ) -> None:
        self._terms = terms
        self._looks = looks
        self._interval = interval
        self._asleep = asleep
        self._end = end
        self._state = INACTIVE
        self._alerts: list[Alert] = []
        credit = np.minimum(np.diff(looks.at, append=end), interval)
        self._seen = np.concatenate(([0.0], np.cumsum(credit)))
        self._troubles = self._long_enough(looks.enters, terms.duration)
        self._calms = self._long_enough(~looks.stays, terms.keep)
        self._long_calms = self._long_enough(~looks.stays, max(terms.keep, terms.window))

    def run(self) -> list[Alert]:
        count, place = len(self._looks.at), 0
        while place < count:
            state = self._state
            if state.phase is Phase.INACTIVE:
                place = _next(self._troubles, place, count)
            elif state.phase is Phase.ACTIVE and state.clear is None:
                calm = _next(self._long_calms if state.flapping else self._calms, place, count)
                if calm > place:
                    self._state = replace(state, seen_at=float(self._looks.at[calm - 1]))
                place = calm
            if place < count:
                self._look(place)
                self._wait(place)
                place += 1
        return self._alerts

    def _long_enough(self, held: Bools, seconds: float) -> Ints:
        """Where those runs of looks begin that, with the time until the next look, were seen for
        so long."""
        edges = np.diff(held.astype(np.int8), prepend=0, append=0)
        first, past = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        lasted = self._seen[past] - self._seen[first]
        return first[lasted >= seconds - _ROUNDING]

    def _look(self, place: int) -> None:
        looks = self._looks
        held = looks.stays if self._state.phase is Phase.ACTIVE else looks.enters
        self._take(bool(held[place]), float(looks.at[place]))

    def _wait(self, place: int) -> None:
        """What completes after this look and before the next one."""
        at = self._looks.at
        left = _left(self._terms, self._state)
        if left is None or left > self._interval:
            return
        moment = self._state.seen_at + left
        for began, back in self._asleep:
            if began < moment < back:
                moment = back
        last = place + 1 == len(at)
        # A look that comes at that very moment is taken first, as in a batch of the intake.
        before = self._state
        if moment <= self._end if last else moment < at[place + 1]:
            self._take(None, moment)
            if self._state is before:  # a float too early
                self._take(None, math.nextafter(moment, math.inf))

    def _take(self, held: bool | None, now: float) -> None:
        before = self._state
        self._state, moved = evaluate(self._terms, before, held, now, self._interval)
        if moved is Transition.FIRED:
            self._alerts.append(Alert(self._state.since, [now]))
        elif moved is Transition.REOPENED:
            self._alerts[-1].opened.append(now)
        elif moved is Transition.RESOLVED:
            self._alerts[-1].ended.append(now)


def _left(terms: Terms, state: RuleState) -> float | None:
    """The seconds after which time alone moves a state; None for one that it cannot move."""
    if state.phase is Phase.PENDING:
        return terms.duration - state.held
    if state.phase is Phase.ACTIVE and state.clear is not None:
        needed = max(terms.keep, terms.window) if state.flapping else terms.keep
        return needed - state.clear
    return None


def _next(places: Ints, at: int, otherwise: int) -> int:
    """The first of ascending ``places`` that is not before ``at``."""
    found = int(np.searchsorted(places, at))
    return int(places[found]) if found < len(places) else otherwise


def worst(looks: Looks, alert: Alert, *, low: bool) -> tuple[float, float]:
    """When the value was at its worst (the lowest where ``low``, else the highest; for a band the
    most unusual), from the begin of the trouble to the end of the alert, and what it was. NaN
    where there is none."""
    first = int(np.searchsorted(looks.at, alert.since))
    end = len(looks.at) if alert.end is None else int(np.searchsorted(looks.at, alert.end))
    value = looks.value[first : max(end, first + 1)]
    rank: Floats = value if looks.band is None else looks.band.score[first : first + len(value)]
    if not len(rank) or np.isnan(rank).all():
        return alert.since, math.nan
    at = int(np.nanargmin(rank) if low else np.nanargmax(rank))
    return float(looks.at[first + at]), float(value[at])


def only_in(mine: Sequence[Alert], others: Sequence[Alert]) -> list[Alert]:
    """Those of ``mine`` that overlap none of ``others`` in time; both of one target, oldest
    first."""
    starts = [other.start for other in others]
    found = []
    for one in mine:
        before = bisect_right(starts, math.inf if one.end is None else one.end)
        other = others[before - 1] if before else None
        if other is None or (other.end is not None and other.end < one.start):
            found.append(one)
    return found
