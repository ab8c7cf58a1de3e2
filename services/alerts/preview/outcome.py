"""What came of a preview: its firings, counted and compared with the live rule's."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from services.alerts.evaluate import FLAP_SECONDS, FLAPS
from services.alerts.preview.looks import Looks
from services.alerts.preview.past import Span
from services.alerts.preview.picture import Evidence, Picture, evidence, is_low, picture
from services.alerts.preview.replay import Alert, only_in
from services.inventory.fleet import Fleet
from services.observation import vps_of
from services.rule import Rule

Kind = TypeVar("Kind")
WEEK = 7 * 86400
#: An alert that ended so soon resolved itself before anybody could look.
SOON = 300.0
#: Targets that are shown as a picture.
PICTURES = 3


@dataclass(frozen=True, slots=True)
class Place:
    """A target, and what people call it."""

    target: str
    label: str
    vps_id: str | None


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert. Moments in seconds since the epoch; ``end`` None: it stands at the end of the
    range. ``seconds``: how long it stood altogether; ``occurrences``: how often it fired."""

    place: Place
    since: float
    start: float
    end: float | None
    seconds: float
    occurrences: int
    flapping: bool
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Difference:
    """A firing that only one of two rules has."""

    place: Place
    start: float
    end: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """With the rule of the same id that is in force, on the same targets and time. Firings of a
    target that overlap in time are the same; ``added`` has those of the draft alone, ``removed``
    those that it would no longer have: the newest, of ``added_count`` and ``removed_count``."""

    version: int | None
    enabled: bool
    count: int
    pages: int
    added_count: int
    removed_count: int
    added: tuple[Difference, ...]
    removed: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """The picture of a target."""

    place: Place
    picture: Picture


@dataclass(frozen=True, slots=True)
class Outcome:
    """``count`` alerts, ``pages`` messages that would have told of them (each time that one fired;
    escalations not counted) on ``targets`` that were looked at, of ``of`` that the rule watches.
    ``pages_per_week`` speaks of all of them. ``self_resolved_share``: of the alerts, those that
    ended within 5 minutes. ``firings``: the newest. ``complete``: nothing of what was to be looked
    at is missing; ``notes`` say what a reader must know."""

    rule_id: str
    span: Span
    targets: int
    of: int
    complete: bool
    notes: tuple[str, ...]
    count: int
    pages: int
    pages_per_week: float
    self_resolved_share: float | None
    firings: tuple[Firing, ...]
    compared_to: Comparison | None
    series: tuple[Shown, ...]


class _Newest(Generic[Kind]):
    """The newest few of something, without holding the rest."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._heap: list[tuple[float, str, Kind]] = []

    def wants(self, start: float) -> bool:
        return len(self._heap) < self._limit or start > self._heap[0][0]

    def add(self, start: float, key: str, one: Kind) -> None:
        # A target has one alert at a moment, so the rest is never compared.
        if len(self._heap) < self._limit:
            heapq.heappush(self._heap, (start, key, one))
        elif self.wants(start):
            heapq.heapreplace(self._heap, (start, key, one))

    def all(self) -> tuple[Kind, ...]:
        return tuple(one for _, _, one in sorted(self._heap, key=lambda e: e[:2], reverse=True))


class Tally:
    """Adds up what is found target by target."""

    def __init__(
        self,
        rule: Rule,
        live: Rule | None,
        version: int | None,
        span: Span,
        limit: int,
        fleet: Fleet,
    ) -> None:
        self._rule = rule
        self._live = live
        self._version = version
        self._span = span
        self._fleet = fleet
        self.of = 0
        self.count = 0
        self._targets = self._pages = self._soon = 0
        self._live_count = self._live_pages = self._added_count = self._removed_count = 0
        self._firings = _Newest[Firing](limit)
        self._added, self._removed = _Newest[Difference](limit), _Newest[Difference](limit)
        self._pictures: list[tuple[tuple[float, ...], str, Picture]] = []
        self._here: dict[bool, Sequence[Alert]] = {}
        self._notes: list[str] = []

    def add(self, rule: Rule, key: str, looks: Looks, alerts: Sequence[Alert]) -> None:
        """What the draft, or the live rule, made of a target."""
        self._here[rule is self._rule] = alerts
        if rule is not self._rule:
            self._live_count += len(alerts)
            self._live_pages += sum(len(alert.opened) for alert in alerts)
            return
        self._targets += 1
        self.count += len(alerts)
        self._pages += sum(len(alert.opened) for alert in alerts)
        self._soon += sum(
            alert.end is not None and alert.end - alert.start <= SOON for alert in alerts
        )
        for alert in reversed(alerts):
            if not self._firings.wants(alert.start):
                break
            told = evidence(rule, looks, alert)
            self._firings.add(alert.start, key, self._firing(key, alert, told))
        self._show(key, looks, alerts)

    def compare(self, key: str) -> None:
        """Compares what both made of a target, once both are added."""
        mine, theirs = self._here.get(True, ()), self._here.get(False, ())
        self._here = {}
        if self._live is None:
            return
        added, removed = only_in(mine, theirs), only_in(theirs, mine)
        self._added_count += len(added)
        self._removed_count += len(removed)
        for newest, alerts in ((self._added, added), (self._removed, removed)):
            for alert in alerts:
                one = Difference(self._place(key), alert.start, alert.end)
                newest.add(alert.start, key, one)

    def chosen(self, some: int, of: int) -> None:
        """Notes that only some targets were to be looked at."""
        if some < of:
            self._notes.append(
                f"A detector needs its time for each value: {some} of {of} targets were looked at, "
                "at even distances in the list. pagesPerWeek is scaled up to all of them."
            )

    def outcome(self, *, in_time: bool, within: bool) -> Outcome:
        """All that was added. ``in_time`` and ``within``: neither the time nor the number of
        firings broke it off."""
        if not in_time:
            self._notes.append("It was broken off when its time was up; ask for a shorter range.")
        if not within:
            self._notes.append("It was broken off: the rule fires far too often.")
        weeks = (self._span.end - self._span.start) / WEEK
        scale = self.of / self._targets if self._targets else 1.0
        return Outcome(
            self._rule.id,
            self._span,
            self._targets,
            self.of,
            in_time and within,
            tuple(self._notes),
            self.count,
            self._pages,
            round(self._pages / weeks * scale, 2),
            round(self._soon / self.count, 4) if self.count else None,
            self._firings.all(),
            self._comparison(),
            tuple(
                Shown(self._place(key), shown)
                for _, key, shown in sorted(self._pictures, key=lambda p: p[:2], reverse=True)
            ),
        )

    def _show(self, key: str, looks: Looks, alerts: Sequence[Alert]) -> None:
        """Keeps the picture of a target that is among the worst: where alerts stood longest, and
        where none did, the one that came nearest to it."""
        known = looks.value[~np.isnan(looks.value)]
        if not len(looks.at):
            return
        near = 0.0
        if len(known):
            near = -float(known.min()) if is_low(self._rule) else float(known.max())
        rank = (sum(alert.seconds(self._span.end) for alert in alerts), near)
        if len(self._pictures) < PICTURES:
            heapq.heappush(self._pictures, (rank, key, picture(looks, *self._span)))
        elif (rank, key) > self._pictures[0][:2]:
            heapq.heapreplace(self._pictures, (rank, key, picture(looks, *self._span)))

    def _firing(self, key: str, alert: Alert, told: Evidence) -> Firing:
        fired = alert.opened
        flapping = any(
            last - first <= FLAP_SECONDS
            for first, last in zip(fired, fired[FLAPS - 1 :], strict=False)
        )
        return Firing(
            self._place(key), alert.since, alert.start, alert.end,
            alert.seconds(self._span.end), len(fired), flapping, told,
        )  # fmt: skip

    def _comparison(self) -> Comparison | None:
        if self._live is None:
            return None
        return Comparison(
            self._version, self._live.enabled, self._live_count, self._live_pages,
            self._added_count, self._removed_count, self._added.all(), self._removed.all(),
        )  # fmt: skip

    def _place(self, key: str) -> Place:
        return Place(key, self._fleet.label(key), vps_of(key))
