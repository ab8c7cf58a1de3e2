"""Who is to be told next of a live alert, and why nobody is. Pure.

What is decided here is about messages alone: the alert stands or falls by its condition.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from services.rule import EscalationStep, Severity


class Status(StrEnum):
    ACTIVE = "active"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"


@dataclass(frozen=True, slots=True)
class Standing:
    """A live alert. ``fired_at`` is its latest firing and ``told_at`` when somebody was first told
    of that one, ``retold_at`` when last again; ``withheld`` why nobody is told at the moment;
    ``level`` the steps of the escalation that were taken. Moments in seconds since the epoch."""

    fired_at: float
    severity: Severity
    tenants: frozenset[str]
    status: Status = Status.ACTIVE
    acknowledged_by: str | None = None
    told_at: float | None = None
    retold_at: float | None = None
    withheld: str | None = None
    suppressed_by: str | None = None
    level: int = 0
    snoozed_until: float | None = None
    snoozed_from: Status | None = None

    def told_earlier(self, seconds: float) -> Standing:
        """The same on a clock that was set back by ``seconds``."""
        return replace(
            self,
            told_at=None if self.told_at is None else self.told_at - seconds,
            retold_at=None if self.retold_at is None else self.retold_at - seconds,
        )


@dataclass(frozen=True, slots=True)
class Reason:
    """Why nobody is told: a word, and a sentence for an operator. ``cause``: the target that
    explains the trouble."""

    word: str
    text: str
    cause: str | None = None

    def __str__(self) -> str:
        return f"{self.word}: {self.text}"[:500]


class Act(StrEnum):
    TELL = "tell"
    ESCALATE = "escalate"
    REMIND = "remind"
    UNSNOOZE = "unsnooze"
    RELEASE = "release"


def decide(
    standing: Standing,
    steps: Sequence[EscalationStep],
    ask: Callable[[], Reason | None],
    now: float,
    remind_every: float | None = None,
) -> Act | Reason | None:
    """What is to be done about an alert at ``now``; a Reason when somebody should be told and
    must not be. ``ask`` looks for such a reason; ``remind_every``: seconds between reminders."""
    if standing.status is Status.SNOOZED and now >= (standing.snoozed_until or math.inf):
        return Act.UNSNOOZE
    due = _due(standing, steps, remind_every, now)
    if due is not None:
        return ask() or due
    # Nobody is to be told just now, but what stands in the alert must still be true.
    return Act.RELEASE if standing.withheld is not None and ask() is None else None


def _due(
    standing: Standing, steps: Sequence[EscalationStep], remind_every: float | None, now: float
) -> Act | None:
    """The message that it is time for. A step that fell due in a snooze is taken after it."""
    if standing.status is not Status.ACTIVE:
        return None
    if standing.told_at is None:
        return Act.TELL
    if standing.level < len(steps) and now >= standing.told_at + steps[standing.level].after:
        return Act.ESCALATE
    latest = standing.told_at if standing.retold_at is None else standing.retold_at
    if remind_every is not None and now >= latest + remind_every:
        return Act.REMIND
    return None
