"""Patterns of alerts in an operator's words, with the evidence for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from services.insights.coincidence import (
    PRECEDES,
    RATE,
    TOGETHER,
    Coincidence,
    Nearness,
    coincidences,
)
from services.insights.episodes import FEWEST, MOST_ITEMS, Episodes, episodes
from services.insights.firings import Firings
from services.insights.rhythm import SameHour, same_hour
from services.inventory.fleet import Fleet
from services.times import span

#: Patterns of a kind that are told, and alerts that each shows.
MOST = 20
EXAMPLES = 3

METHOD = (
    f"Looked at is when trouble of a rule and target begins: a firing before which it was quiet "
    f"for an hour, {FEWEST} or more in the period. Chance moves each beginning within its stretch "
    f"of {span(TOGETHER.stretch)} ({span(PRECEDES.stretch)} for what precedes), so that busy hours "
    f"and bad days explain themselves; for the same hour, over the day. Corrected for everything "
    f"that was tried: of the patterns of a kind at most {RATE:.0%} are chance, in expectation."
)

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Range:
    """The time that is looked at, in seconds since the epoch, and the clock of its hours."""

    start: float
    end: float
    zone: ZoneInfo


def patterns(now: Firings, names: Mapping[str, str], fleet: Fleet, of: Range) -> Body:
    """What comes together, what precedes what, and what comes back at the same hour."""
    words = _Words(now, episodes(now), names, fleet)
    found, length = words.found, of.end - of.start
    together, pairs = coincidences(found, TOGETHER, of.start, of.end)
    precede, ordered = coincidences(found, PRECEDES, of.start, of.end)
    same, items = same_hour(found, of.zone, of.start, of.end)
    notes = []
    if found.of > MOST_ITEMS:
        notes.append(
            f"{MOST_ITEMS} of {found.of:,} rules and targets with {FEWEST} or more beginnings were "
            "looked at, those with the most; narrow the period or the filters for the others."
        )
    return {
        "together": {
            "rows": [words.together(one, length) for one in together[:MOST]],
            "total": len(together),
            "tested": pairs,
        },
        "precedes": {
            "rows": [words.precedes(one, length) for one in precede[:MOST]],
            "total": len(precede),
            "tested": ordered,
        },
        "sameHour": {
            "rows": [words.same_hour(one, of) for one in same[:MOST]],
            "total": len(same),
            "tested": items,
        },
        "falseDiscoveryRate": RATE,
        "method": METHOD,
        "notes": notes,
    }


class _Words:
    """Says what was found."""

    def __init__(
        self, now: Firings, found: Episodes, names: Mapping[str, str], fleet: Fleet
    ) -> None:
        self._now = now
        self.found = found
        self._names = names
        self._fleet = fleet

    def together(self, one: Coincidence, length: float) -> Body:
        a, b = self._about(one.first), self._about(one.second)
        sentence = (
            f"{_said(a)} and {_said(b)} began within {span(TOGETHER.until)} of each other "
            f"{one.hits} times in {span(length)} (of {a['count']} and {b['count']}); "
            f"{_chance(one.expected)}."
        )
        return {"first": a, "second": b, **self._evidence(one, TOGETHER), "sentence": sentence}

    def precedes(self, one: Coincidence, length: float) -> Body:
        a, b = self._about(one.first), self._about(one.second)
        sentence = (
            f"{one.hits} of the {a['count']} times that {_said(a)} began in {span(length)}, "
            f"{_said(b)} followed within {span(PRECEDES.until)}, usually after {span(one.lag)}; "
            f"{_chance(one.expected)}."
        )
        return {"first": a, "second": b, **self._evidence(one, PRECEDES), "sentence": sentence}

    def same_hour(self, one: SameHour, of: Range) -> Body:
        about = self._about(one.item)
        begin, end = _clock(one.begin), _clock(one.begin + 3600)
        sentence = (
            f"{_said(about)} comes back at the same hour: {one.hits} of its {one.of} beginnings in "
            f"{span(of.end - of.start)} lay between {begin} and {end} ({of.zone.key}), on "
            f"{one.days} days; {_chance(one.expected)}."
        )
        alerts = (self._alert(int(place)) for place in one.episodes)
        return {
            **about,
            "from": begin,
            "to": end,
            "hits": one.hits,
            "days": one.days,
            "expected": round(one.expected, 2),
            "p": one.p,
            "rate": one.rate,
            "alertIds": list(dict.fromkeys(alerts))[:EXAMPLES],
            "sentence": sentence,
        }

    def _about(self, item: int) -> Body:
        """A rule and target, and how often its trouble began."""
        rule = self._now.rules[int(self.found.rule[item])]
        target = self._now.targets[int(self.found.target[item])]
        return {
            "ruleId": rule,
            "ruleName": self._names.get(rule, rule),
            "target": target,
            "label": self._fleet.label(target),
            "count": int(self.found.counts[item]),
        }

    def _evidence(self, one: Coincidence, near: Nearness) -> Body:
        return {
            "hits": one.hits,
            "expected": round(one.expected, 2),
            "lift": round(one.hits / one.expected, 1) if one.expected > 0 else None,
            "p": one.p,
            "rate": one.rate,
            "withinSeconds": near.until,
            "medianLag": round(one.lag, 3),
            "examples": [[self._alert(a), self._alert(b)] for a, b in one.pairs[:EXAMPLES]],
        }

    def _alert(self, episode: int) -> str:
        return self._now.alerts[int(self.found.alert[episode])]


def _said(about: Mapping[str, Any]) -> str:
    return f"'{about['ruleName']}' ({about['label']})"


def _chance(expected: float) -> str:
    if expected < 0.05:
        return "by chance it would have been hardly ever"
    return f"by chance it would have been about {expected:.1f} times"


def _clock(second: int) -> str:
    return f"{second // 3600 % 24:02d}:{second % 3600 // 60:02d}"
