"""A milder version of a rule that pages for nothing, tried by previews over its own history."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.database import Database
from services.alerts.preview.desk import Draft, Previews
from services.alerts.rules.desk import Entry, RuleDesk
from services.errors import Unavailable
from services.insights.firings import Firings, Wanted, firings
from services.insights.trial import Change, Fired, Label, Tried, best, changes, tried
from services.insights.truth import Truth, counts, deployed, truth
from services.inventory.fleet import Fleet
from services.observation import vps_of
from services.rule import Anomaly, Rule
from services.times import iso, span

#: Firings that a preview tells of in full; seconds after which nothing more is tried.
MOST_FIRINGS = 20_000
PATIENCE = 45.0
#: With so little left one change is enough; below so little nothing is worth a change.
ENOUGH = 0.2
LEAST = 0.2
#: Alerts that are named, and tries that are told.
MOST_NAMED = 100

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Case:
    """A rule, what it did, and what that was. ``before``: its replay as it is; ``labels``: the
    stored firings that this finds again; ``lost``: how many real ones it does not."""

    entry: Entry
    start: float
    end: float
    log: Firings
    told: Truth
    before: Fired
    labels: Sequence[Label]
    lost: int


class Suggestions:
    """``grace`` and ``soon``: seconds of a deployment's grace, and within which what ends by
    itself was nothing. For any thread."""

    def __init__(
        self,
        database: Database,
        fleet: Callable[[], Fleet],
        rules: RuleDesk,
        previews: Previews,
        grace: float,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._fleet = fleet
        self._rules = rules
        self._previews = previews
        self._grace = grace
        self._clock = clock
        self._monotonic = monotonic

    def suggest(self, rule_id: str, start: float, end: float, soon: float = 300.0) -> Body:
        """What the rule did from ``start`` to ``end`` (seconds since the epoch), and the mildest
        change by which it would have paged less and missed nothing real. Raises NotFound,
        ValidationError for a range that previews do not take, Unavailable while too many run."""
        entry = self._rules.get(rule_id)
        end = min(end, self._clock())
        if isinstance(entry.rule.condition, Anomaly):
            return self._without(entry, "An anomaly rule finds its limit by itself: lower its "
                                 "maxPerWeek, and try that in a preview.")  # fmt: skip
        with self._database.read() as session:
            log = firings(session, start, end, lambda _target: True, Wanted(rules=(rule_id,)))
            told = truth(log, soon, deployed(session, log, self._fleet(), self._grace))
        deadline = self._monotonic() + PATIENCE
        before = self._preview(entry.rule, start, end)
        labels = _labels(log, told)
        seen = [label for label in labels if before.near(label)]
        lost = sum(label.real for label in labels) - sum(label.real for label in seen)
        case = _Case(entry, start, end, log, told, before, seen, lost)
        if not before.outcome.complete:
            return self._answer(case, None, [], "The replay of the rule was not complete; ask for "
                                "a shorter range.")  # fmt: skip
        if not before.outcome.pages:
            return self._answer(case, None, [], "As it is, the rule would not have paged at all.")
        results = self._search(case, deadline)
        found = best(results, before.outcome.pages)
        if found is None or found.pages > (1 - LEAST) * before.outcome.pages:
            return self._answer(case, None, results, "Nothing that was tried would have paged "
                                "much less without missing real trouble.")  # fmt: skip
        # What was tried on some targets is now tried on all.
        found = self._try(case, found.change, entry.rule)
        if found.misses_real:
            return self._answer(case, None, results, "The change that was found missed real "
                                "trouble elsewhere.")  # fmt: skip
        return self._answer(case, found, results, "")

    def _search(self, case: _Case, deadline: float) -> list[Tried]:
        """Tries each change by itself and, when that is not enough, what was best of them
        together."""
        narrow = _narrowed(case.entry.rule, case.before)
        pages = case.before.outcome.pages
        results: list[Tried] = []
        bests: list[Change] = []
        for group in changes(case.entry.rule, case.before, case.labels):
            mine = [
                self._try(case, change, narrow) for change in group if self._monotonic() < deadline
            ]
            results += mine
            if (found := best(mine, pages)) and found.pages < pages:
                bests.append(found.change)
        found = best(results, pages)
        if found is None or found.pages <= ENOUGH * pages:
            return results
        for first in range(len(bests)):
            together = bests[first]
            for other in bests[first + 1 :]:
                together = together.with_(other)
                if self._monotonic() < deadline:
                    results.append(self._try(case, together, narrow))
        return results

    def _try(self, case: _Case, change: Change, rule: Rule) -> Tried:
        after = self._preview(change.of(rule), case.start, case.end)
        if not after.outcome.complete:
            raise Unavailable("A preview was not done in time; ask for a shorter range.")
        return tried(change, case.before, after, case.labels)

    def _preview(self, rule: Rule, start: float, end: float) -> Fired:
        # Under another id it is not compared with the rule in force, which would take as long.
        other = rule.model_copy(update={"id": f"{rule.id[:90]}.trial"})
        running = self._previews.begin(Draft(other, start, end, MOST_FIRINGS), None)
        try:
            return Fired(running.outcome)
        finally:
            running.close()

    def _without(self, entry: Entry, why: str) -> Body:
        return {"ruleId": entry.rule.id, "version": entry.version, "suggestion": None,
                "sentence": why, "notes": [], "tried": []}  # fmt: skip

    def _answer(self, case: _Case, found: Tried | None, results: Sequence[Tried], why: str) -> Body:
        entry, outcome = case.entry, case.before.outcome
        notes = list(outcome.notes)
        if case.lost:
            notes.append(
                f"{case.lost} real alerts are not found again by replaying the rule as it is: it "
                "was another one then, or their samples are gone. They are left out."
            )
        if found is not None and entry.source == "file":
            notes.append("The rule stands in the inventory file; make the change there.")
        return {
            "ruleId": entry.rule.id,
            "version": entry.version,
            "from": iso(case.start),
            "to": iso(case.end),
            "present": {
                "firings": len(case.log),
                "alerts": len(np.unique(case.log.alert)),
                **counts(case.told),
                "pages": outcome.pages,
            },
            "suggestion": found and _suggested(case, found),
            "sentence": _sentence(case, found) if found else why,
            "tried": [_told(case, one) for one in results[:MOST_NAMED]],
            "notes": notes,
        }


def _labels(log: Firings, told: Truth) -> list[Label]:
    false = told.false
    return [
        Label(
            log.alerts[int(log.alert[n])], log.targets[int(log.target[n])], float(log.opened[n]),
            None if np.isnan(log.resolved[n]) else float(log.resolved[n]), not false[n],
        )
        for n in range(len(log))
    ]  # fmt: skip


def _narrowed(rule: Rule, before: Fired) -> Rule:
    """The rule on the servers where it fired: a milder one fires nowhere else."""
    servers = {vps_of(firing.place.target) for firing in before.outcome.firings}
    if None in servers or before.outcome.count > len(before.outcome.firings):
        return rule
    names = tuple(sorted(server for server in servers if server))
    return rule.model_copy(update={"scope": rule.scope.model_copy(update={"vps": names})})


def _told(case: _Case, one: Tried) -> Body:
    return {
        "change": one.change.fields(case.entry.rule),
        "pages": one.pages,
        "missedReal": sum(label.real for label in one.missed),
    }


def _suggested(case: _Case, found: Tried) -> Body:
    entry = case.entry
    before = case.before.outcome.pages
    later = sorted(found.later)
    return {
        "change": found.change.fields(entry.rule),
        "rule": found.change.of(entry.rule).model_dump(mode="json", by_alias=True),
        "ifMatch": f'"{entry.version}"',
        "applicable": entry.source != "file",
        "count": found.count,
        "pagesBefore": before,
        "pages": found.pages,
        "reducedBy": round(100 * (before - found.pages) / before, 1),
        "missed": {
            "total": len(found.missed),
            "real": 0,
            "alertIds": list(dict.fromkeys(one.alert_id for one in found.missed))[:MOST_NAMED],
        },
        "real": {
            "total": sum(label.real for label in case.labels),
            "told": len(later),
            "laterMedian": round(float(np.median(later)), 3) if later else None,
            "laterMost": round(later[-1], 3) if later else None,
        },
    }


def _sentence(case: _Case, found: Tried) -> str:
    words = {
        "condition.value": lambda at: f"limit {at:g}",
        "condition.duration": lambda at: f"a duration of {span(at)}",
        "keepFiringFor": lambda at: f"keeping on for {span(at)}",
    }
    fields = found.change.fields(case.entry.rule)
    change = " and ".join(
        f"{words[one['field']](one['to'])} instead of {words[one['field']](one['from'])}"
        for one in fields
    )
    before = case.before.outcome.pages
    later = f", at most {span(max(found.later))} later" if found.later else ""
    return (
        f"With {change} it would have paged {found.pages:,} times in place of {before:,} from "
        f"{(case.end - case.start) / 86400:.0f} days, and told of all {len(found.later)} real "
        f"troubles{later}."
    )
