"""What a rule would have done: a draft replayed over stored history, target by target.

The same pure functions judge as do live (services.alerts.evaluate); what they are given is what
was stored. So it knows nothing of readings that came in late and were no news live, nor of
restarts that were too short to be noted. Alerts are told, not messages: maintenance, silences and
causes are not replayed. No alert stands when the range begins.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from models.database import Database
from services.alerts.evaluate import Terms
from services.alerts.preview.looks import Detects
from services.alerts.preview.outcome import Outcome, Tally
from services.alerts.preview.past import Past, Span
from services.alerts.preview.replay import replay
from services.alerts.readings import Matcher
from services.alerts.senses import Senses
from services.errors import Unavailable, ValidationError
from services.health.graph import Graph
from services.health.scopes import sees
from services.history import replay as stored
from services.history.stored import DAY
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.rule import Absence, Anomaly, Rule, Rulebook

#: Previews at the same time, and the seconds that one may take; then it tells what it has.
AT_ONCE = 2
PATIENCE = 60.0
#: Days that one covers; looks at one target that are held in memory.
MOST_DAYS = 100
MOST_LOOKS = 3_000_000
#: Values that detectors are shown in one preview: 0.02 to 0.05 ms each.
MOST_LEARNED = 600_000
#: Firings after which a preview ends: nobody wants such a rule.
MOST_FIRINGS = 100_000
#: Targets whose past is in memory at a time.
TOGETHER = 8


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule to be tried over the time from ``start`` to ``end`` (seconds since the epoch), as if
    it were enabled. ``limit``: of how many firings the details are told."""

    rule: Rule
    start: float
    end: float
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """``targets`` of ``of`` are done."""

    targets: int
    of: int

    @property
    def done(self) -> float:
        return self.targets / self.of if self.of else 1.0


class Previews:
    """Runs previews, a few at a time. ``window``: seconds after its end in which an alert is
    reopened; ``interval`` and ``timeout`` (seconds) hold where the fleet says nothing;
    ``detector`` makes one for an alert budget a week. For any thread."""

    def __init__(
        self,
        database: Database,
        fleet: Callable[[], Fleet],
        graph: Callable[[], Graph],
        book: Callable[[], Rulebook],
        window: float,
        interval: float,
        timeout: float,
        detector: Callable[[float], Detects],
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._fleet = fleet
        self._graph = graph
        self._book = book
        self._window = window
        self._interval = interval
        self._timeout = timeout
        self._detector = detector
        self._clock = clock
        self._monotonic = monotonic
        self._room = threading.BoundedSemaphore(AT_ONCE)

    def begin(self, draft: Draft, scope: Scope) -> Running:
        """A preview for a caller that may know of ``scope``. It advances when it is iterated, and
        must be closed. Raises ValidationError for a range that is none or too long, Unavailable
        while too many run."""
        end = min(draft.end, self._clock())
        if not draft.start < end:
            raise ValidationError("A preview is about the past: from must lie before now.")
        if end - draft.start > MOST_DAYS * DAY:
            raise ValidationError(f"A preview covers {MOST_DAYS} days at most.")
        if not self._room.acquire(blocking=False):
            raise Unavailable(f"{AT_ONCE} previews are running; try again when one is done.")
        try:
            work = self._work(self._plan(draft, end, scope))
        except BaseException:
            self._room.release()
            raise
        return Running(work, self._room.release)

    def _plan(self, draft: Draft, end: float, scope: Scope) -> _Plan:
        fleet, graph, book = self._fleet(), self._graph(), self._book()
        deadline = self._monotonic() + PATIENCE
        rule = _for_caller(draft.rule.model_copy(update={"enabled": True}), scope)
        live = book.rules.get(rule.id)
        rules = [rule]
        if live is not None:
            live = _for_caller(live, scope)
            rules += [live] if live.enabled else []
        with self._database.read() as session:
            keys = [*fleet.keys(), *stored.dependencies(session)]
        watches = []
        for one in rules:
            matcher = Matcher({one.id: one}, fleet, graph)
            senses = Senses(matcher, fleet, self._interval, self._timeout, draft.start)
            watches.append(_targets(fleet, one, matcher, senses, keys, scope))
        watched = [key for key in dict.fromkeys(keys) if any(key in some for some in watches)]
        self._bounded(watched, fleet, end - draft.start)
        budgets = {c.max_per_week for one in rules if isinstance(c := one.condition, Anomaly)}
        past = Past(
            self._database, fleet, Span(draft.start, end), self._interval, self._timeout,
            self._detector, lambda: self._monotonic() < deadline, learns=bool(budgets),
        )  # fmt: skip
        most = len(watched)
        if budgets:
            most = past.most_targets(watched, MOST_LEARNED // len(budgets))
        chosen = _spread(watched, most)
        tally = Tally(rule, live, book.versions.get(rule.id), past.span, draft.limit, fleet)
        tally.of = len(watches[0])
        tally.chosen(len(chosen), len(watched))
        return _Plan(list(zip(rules, watches, strict=True)), chosen, past, tally)

    def _work(self, plan: _Plan) -> Iterator[Progress | Outcome]:
        chosen, past, tally = plan.chosen, plan.past, plan.tally
        yield Progress(0, len(chosen))
        for at in range(0, len(chosen), TOGETHER):
            together = chosen[at : at + TOGETHER]
            raw = past.read(together, [rule for rule, _ in plan.rules])
            for number, key in enumerate(together, at + 1):
                if not past.go_on() or tally.count > MOST_FIRINGS:
                    yield self._outcome(past, tally)
                    return
                for rule, watched in plan.rules:
                    if key in watched:
                        looks, terms = past.looks(rule, key, raw), Terms.of(rule, self._window)
                        interval, end = past.interval(key), past.span.end
                        alerts = replay(terms, looks, interval, past.asleep, end)
                        tally.add(rule, key, looks, alerts)
                tally.compare(key)
                yield Progress(number, len(chosen))
        yield self._outcome(past, tally)

    @staticmethod
    def _outcome(past: Past, tally: Tally) -> Outcome:
        return tally.outcome(in_time=past.go_on(), within=tally.count <= MOST_FIRINGS)

    def _bounded(self, keys: Sequence[str], fleet: Fleet, seconds: float) -> None:
        shortest = min((fleet.interval(key, self._interval) for key in keys), default=math.inf)
        if seconds / shortest > MOST_LOOKS:
            days = MOST_LOOKS * shortest / DAY
            raise ValidationError(
                f"With a look every {shortest:g} s a preview covers {days:.0f} days at most."
            )


@dataclass(frozen=True, slots=True)
class _Plan:
    """The draft, and the live rule when it is enabled, each with what it watches; the targets
    that are looked at."""

    rules: Sequence[tuple[Rule, frozenset[str]]]
    chosen: Sequence[str]
    past: Past
    tally: Tally


class Running:
    """A preview that runs: iterate it for its progress, then ask for its ``outcome``."""

    def __init__(self, work: Iterator[Progress | Outcome], release: Callable[[], None]) -> None:
        self._work = work
        self._release = release
        self._lock = threading.Lock()
        self._closed = False
        self._outcome: Outcome | None = None

    def __iter__(self) -> Iterator[Progress]:
        for step in self._work:
            if isinstance(step, Outcome):
                self._outcome = step
            else:
                yield step

    @property
    def outcome(self) -> Outcome:
        """What came of it; runs what has not run yet."""
        for _ in self:
            pass
        if self._outcome is None:
            raise Unavailable("This preview was broken off.")
        return self._outcome

    def close(self) -> None:
        """Makes room for another one. Once is enough, more do no harm."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._release()


def _targets(
    fleet: Fleet, rule: Rule, matcher: Matcher, senses: Senses, keys: Sequence[str], scope: Scope
) -> frozenset[str]:
    """What a rule would watch, of what the caller may know of."""
    found = {key for key in keys if fleet.enabled(key) and matcher.rules_for(key)}
    if isinstance(rule.condition, Absence):  # only what somebody looks at can be missing
        found &= {target for (_, target), _ in senses.missing(math.inf, seeing=True)}
    return frozenset(key for key in found if sees(fleet, key, scope))


def _for_caller(rule: Rule, scope: Scope) -> Rule:
    """A rule as it is for a caller: tenants that it may not know of match nothing, or the answer
    would tell where they are."""
    named = rule.scope.tenant
    if scope is None or not named:
        return rule
    known = tuple(tenant for tenant in named if tenant in scope) or ("",)
    return rule.model_copy(update={"scope": rule.scope.model_copy(update={"tenant": known})})


def _spread(keys: Sequence[str], most: int) -> list[str]:
    """At most ``most`` of the keys, at even distances."""
    if len(keys) <= most:
        return list(keys)
    return [keys[place * len(keys) // most] for place in range(most)]
