"""Histories of looks, ticks, resolves by hand, restarts and jumping clocks, played to the state
machine of an alert and to the reference beside it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Literal

from hypothesis import strategies as st

from services.alerts import evaluate
from services.alerts.evaluate import INACTIVE, Phase, RuleState, Transition
from tests.support.alert_reference import Event, Kind, Terms, Verdict, judge

#: Where the clock of each history begins: no time in it is before the epoch.
START = 1_000_000.0
#: Longer than any two sensible windows: nothing is remembered over it.
HOUR = 3600.0


def restarted(state: RuleState) -> RuleState:
    """A state as it comes back from what was stored of it."""
    fields = json.loads(json.dumps(asdict(state)))
    return RuleState(
        **{**fields, "phase": Phase(fields["phase"]), "firings": tuple(fields["firings"])}
    )


class Machine:
    """services.alerts.evaluate, driven by events; ``restarts``: after each of them."""

    def __init__(self, terms: Terms, restarts: bool = False) -> None:
        self.terms = evaluate.Terms(terms.duration, terms.keep, terms.window)
        self.interval = terms.interval
        self.restarts = restarts
        self.state = INACTIVE

    def take(self, event: Event) -> Verdict:
        happened: Transition | None = None
        if event.kind == "hand":
            if self.state.phase is Phase.ACTIVE:
                self.state = evaluate.end_by_hand(self.state, event.at)
        elif event.kind != "restart":
            holding = None if event.kind == "tick" else event.kind == "on"
            self.state, happened = evaluate.evaluate(
                self.terms, self.state, holding, event.at, self.interval
            )
        if self.restarts or event.kind == "restart":
            self.state = restarted(self.state)
        return self._verdict(happened)

    def _verdict(self, happened: Transition | None) -> Verdict:
        state = self.state
        return Verdict(
            phase=state.phase.value,
            happened=happened.value if happened else None,
            began=state.since if state.phase is Phase.PENDING else None,
            fired=state.firings,
            ended=state.ended_at,
            flapping=state.flapping,
        )


def differences(terms: Terms, history: Sequence[Event], tally: Counter[str]) -> Iterator[str]:
    """Each event after which machine and reference do not say the same, in words; ``tally``
    counts what happened."""
    machine = Machine(terms)
    for number, event in enumerate(history, start=1):
        expected = judge(terms, history[:number])
        # The machine keeps no more openings than it needs to know flapping.
        expected = expected._replace(fired=expected.fired[-evaluate.FLAPS :])
        got = machine.take(event)
        tally[got.happened or "nothing"] += 1
        tally[f"{event.kind} while {got.phase}"] += 1
        tally["flapping"] += got.flapping
        if got != expected:
            yield f"after event {number}, {event}:\n  machine   {got}\n  reference {expected}"


#: All times are quarters of a second: sums of them are exact.
QUARTER = 0.25
QUARTERS = st.integers(0, 3600).map(lambda number: number * QUARTER)
INTERVALS = st.sampled_from([1.0, 10.0, 30.0]) | st.integers(1, 240).map(lambda n: n * QUARTER)
#: Of the interval: many at a multiple of it, where limits are met exactly.
PARTS = st.sampled_from([0.0, 0.0, 1.0, 1.0, 2.0, 3.0]) | st.integers(0, 32).map(lambda n: n / 8)
WINDOWS = st.sampled_from([0.0, 60.0, 300.0, 900.0]) | QUARTERS


def _terms(interval: float, duration: float, keep: float, window: float) -> Terms:
    def exact(seconds: float) -> float:
        return round(seconds / QUARTER) * QUARTER

    return Terms(exact(duration * interval), exact(keep * interval), exact(window), interval)


TERMS = st.builds(_terms, INTERVALS, PARTS, PARTS, WINDOWS)

#: A stretch of a history is a run of like events; ``moves``: nothing happens, but time.
STRETCHES: list[Kind | Literal["moves"]] = [
    "on", "on", "on", "on", "off", "off", "off", "off", "tick", "tick", "hand", "restart", "moves",
]  # fmt: skip
#: Built once: what a number means depends on the terms (``_pace``, ``_move``).
COURSES = st.lists(
    st.tuples(st.sampled_from(STRETCHES), st.integers(1, 5), st.integers(0, 99)),
    min_size=8,
    max_size=24,
)


def _pace(terms: Terms, number: int) -> float:
    """The interval, a part or a multiple of it, or one of the terms and just beside it."""
    if number < 40:
        return terms.interval
    if number < 80:
        return round(terms.interval * (number - 40) / 20 / QUARTER) * QUARTER
    span, beside = divmod(number - 80, 5)
    return max(terms[span] + (beside - 2) * QUARTER, 0.0)


def _move(terms: Terms, number: int) -> float:
    """Away for a part of the window or just more than it; else the clock is set, forward or back:
    by an hour, by the window, by a little, by anything up to five hours."""
    if number < 60:
        return round(terms.window * number / 50 / QUARTER) * QUARTER
    if number < 80:
        return (number - 70) * HOUR / 2 + QUARTER
    jumps = (HOUR, -HOUR, terms.window, -terms.window, -terms.interval, -QUARTER)
    return jumps[number % len(jumps)]


@st.composite
def histories(draw: st.DrawFn) -> tuple[Terms, list[Event]]:
    """Terms, and what happened under them, a stretch after the other."""
    terms = draw(TERMS)
    now = START
    history: list[Event] = []
    for kind, count, number in draw(COURSES):
        if kind == "moves":
            now += _move(terms, number)
            continue
        pace = _pace(terms, number)
        for _ in range(count if kind in ("on", "off") else 1):
            now += pace
            history.append(Event(kind, now))
    return terms, history
