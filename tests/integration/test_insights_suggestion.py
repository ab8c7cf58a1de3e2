"""Rules that page for nothing, seeded with 30 days of samples: what is suggested pages far less and
misses none of the real troubles, by the preview over what is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from models.database import Database
from models.history import Block
from services.alerts.preview.desk import Draft, Previews
from services.alerts.preview.outcome import Outcome
from services.alerts.rules.desk import RuleDesk
from services.errors import Conflict, NotFound
from services.health.graph import Graph
from services.history import bulk, codec, write
from services.history.stored import DAY, HOST
from services.identity.audit import Actor
from services.insights.suggestion import Suggestions
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.rule import Rule, Rulebook
from tests.support.history import MONDAY
from tests.support.insights import Event, plain, put

DAYS, STEP = 30, 30
NOW = MONDAY + DAYS * DAY
LOOKS = DAYS * DAY // STEP
SERVERS = ("a", "b", "c")
OPS = Actor("ops")
RULE: dict[str, Any] = {
    "id": "hot",
    "name": "CPU high",
    "severity": "warning",
    "condition": {"metric": "cpu", "operator": "greaterThan", "value": 80},
    "notification": {"channels": ["inApp"]},
}


@dataclass
class Site:
    """Three servers with 30 days of CPU behind them, and one rule. ``looks``: values that are
    given to a server from a look on."""

    database: Database
    rule: dict[str, Any] = field(default_factory=lambda: RULE)

    def __post_init__(self) -> None:
        vps = [{"id": name, "source": {"type": "agent"}} for name in SERVERS]
        self.fleet = Fleet.build(Inventory.model_validate({"vps": vps}), "here", "cache")
        graph = Graph(self.fleet)
        self.rules = RuleDesk(self.database, [], lambda _book: None, clock=lambda: float(NOW))
        self.rules.create(self.rule, OPS)
        self.previews = Previews(
            self.database, lambda: self.fleet, lambda: graph, lambda: self.rules.book,
            300.0, STEP, 10.0, lambda _budget: pytest.fail("no detector is asked"),
            clock=lambda: float(NOW),
        )  # fmt: skip
        self.suggestions = Suggestions(
            self.database, lambda: self.fleet, self.rules, self.previews, 300.0,
            clock=lambda: float(NOW),
        )  # fmt: skip
        rng = np.random.default_rng(7)
        self.cpu = {name: np.clip(35 + rng.normal(0, 6, LOOKS), 0, 70) for name in SERVERS}

    def busy(self, server: str, at: int, values: Sequence[float] | float, looks: int = 1) -> None:
        """High CPU from a look on."""
        given = np.full(looks, values) if isinstance(values, int | float) else np.array(values)
        self.cpu[server][at : at + len(given)] = given

    def keep(self) -> None:
        """Stores the samples, packed as the job packs them."""
        with self.database.write() as session:
            ids = write.target_ids(session, list(SERVERS))
            rows = []
            for name in SERVERS:
                for day in range(DAYS):
                    at = np.arange(MONDAY + day * DAY, MONDAY + (day + 1) * DAY, STEP)
                    part = self.cpu[name][day * DAY // STEP : (day + 1) * DAY // STEP]
                    (number,) = [stored.number for stored in HOST if stored.column == "cpu"]
                    data = codec.encode(at, {number: np.round(part, 3)})
                    rows.append((MONDAY + day * DAY, ids[name], data))
            bulk.insert(session, Block, ("day", "target_id", "data"), rows, "UPDATE")

    def outcome(self, rule: dict[str, Any]) -> Outcome:
        running = self.previews.begin(Draft(Rule.model_validate(rule), MONDAY, NOW, 100_000), None)
        try:
            return running.outcome
        finally:
            running.close()

    def lived(self, real: Callable[[str, float, float], bool]) -> list[tuple[str, float, float]]:
        """Stores the alerts that the rule made of the samples; who must know of those that are
        ``real`` (server, start, end) acknowledged them. Those are returned."""
        troubles = []
        with self.database.write() as session:
            for number, one in enumerate(self.outcome(self.rule).firings):
                target, start, end = one.place.target, one.start, one.end
                log = [Event("fired", start), Event("told", start)]
                if real(target, start, end or NOW):
                    troubles.append((target, start, end or NOW))
                    log.append(Event("acknowledged", start + 40, "ops"))
                if end is not None:
                    log.append(Event("resolved", end))
                put(session, f"x{number}", "hot", target, log)
        return troubles

    def suggest(self) -> Any:
        return plain(self.suggestions.suggest("hot", MONDAY, NOW))


def found_by(outcome: Outcome, troubles: list[tuple[str, float, float]]) -> int:
    """Of how many troubles one of its alerts told, while they went on."""
    return sum(
        any(
            f.place.target == target and f.start <= end and (f.end or NOW) >= start
            for f in outcome.firings
        )
        for target, start, end in troubles
    )


def spread(rng: np.random.Generator, count: int, every: int = 60) -> list[int]:
    """Looks that lie apart."""
    places = rng.choice(LOOKS // every - 2, count, replace=False)
    return [int(place) * every for place in places]


@pytest.fixture
def noisy(database: Database) -> tuple[Site, list[tuple[str, float, float]]]:
    """300 spikes of half a minute to two, and 12 troubles of 15 to 40 minutes that somebody took
    on; both as high."""
    site, rng = Site(database), np.random.default_rng(11)
    places = spread(rng, 312, every=120)
    for number, at in enumerate(places):
        server = SERVERS[number % 3]
        if number < 12:
            site.busy(server, at, rng.uniform(85, 99, int(rng.integers(30, 80))).tolist())
        else:
            site.busy(server, at, rng.uniform(85, 99, int(rng.integers(1, 5))).tolist())
    site.keep()
    return site, site.lived(lambda _target, start, end: end - start > 600)


def test_a_noisy_rule_is_made_quiet_without_missing_real_trouble(
    noisy: tuple[Site, list[tuple[str, float, float]]],
) -> None:
    site, troubles = noisy
    assert len(troubles) == 12
    body = site.suggest()
    found = body["suggestion"]
    assert body["present"]["firings"] == found["pagesBefore"] == 312
    assert body["present"]["falsePositives"]["selfResolved"] == 300
    assert found["reducedBy"] >= 80
    assert found["real"]["told"] == found["real"]["total"] == 12
    assert (found["missed"]["real"], found["missed"]["total"]) == (0, 300)
    # As the preview of anybody else says.
    before, after = site.outcome(site.rule), site.outcome(found["rule"])
    assert (before.pages, after.pages) == (found["pagesBefore"], found["pages"])
    assert after.pages <= 0.2 * before.pages
    assert found_by(after, troubles) == 12
    (change,) = found["change"]
    assert (change["field"], change["from"]) == ("condition.duration", 0.0)
    assert 120 <= change["to"] <= 450
    assert found["real"]["laterMost"] == pytest.approx(change["to"], abs=1)
    assert "told of all 12 real troubles" in body["sentence"]


def test_it_is_applied_by_one_request(
    noisy: tuple[Site, list[tuple[str, float, float]]],
) -> None:
    site, _ = noisy
    body = site.suggest()
    found = body["suggestion"]
    assert found["ifMatch"] == f'"{body["version"]}"'
    site.rules.change("hot", found["rule"], OPS, body["version"])
    assert site.rules.book.rules["hot"].condition.duration == found["change"][0]["to"]
    with pytest.raises(Conflict):
        site.rules.change("hot", found["rule"] | {"severity": "info"}, OPS, body["version"])
    assert site.suggest()["suggestion"] is None


def test_a_limit_where_a_duration_does_not_help(database: Database) -> None:
    """Harmless work of a quarter of an hour, that ends by itself and reaches 88 %, marked as
    nothing; trouble as long that reaches 97 %."""
    site, rng = Site(database), np.random.default_rng(12)
    for number, at in enumerate(spread(rng, 110, every=150)):
        high = (97.0, 98.0) if number < 10 else (82.0, 88.0)
        site.busy(SERVERS[number % 3], at, rng.uniform(*high, 30).tolist())
    site.keep()
    with database.write() as session:
        for number, one in enumerate(site.outcome(RULE).firings):
            peak = one.evidence.peak
            assert isinstance(peak, float)
            log = [Event("fired", one.start), Event("told", one.start)]
            log += [Event("resolved", one.start + 850, "ops")]
            put(session, f"x{number}", "hot", one.place.target, log, marked=peak < 90)
    body = site.suggest()
    found = body["suggestion"]
    (change,) = found["change"]
    assert (change["field"], change["from"]) == ("condition.value", 80.0)
    assert 88 <= change["to"] < 97
    assert found["pages"] == found["real"]["told"] == 10
    assert body["present"]["falsePositives"]["marked"] == 100


def test_what_comes_and_goes_is_kept_firing(database: Database) -> None:
    """Real trouble that falls below the limit every minute, each time for a minute."""
    site, rng = Site(database), np.random.default_rng(13)
    for number, at in enumerate(spread(rng, 8, every=900)):
        for again in range(40):
            site.busy(SERVERS[number % 3], at + 14 * again, 95.0, 2)
    site.keep()
    site.lived(lambda _target, _start, _end: True)
    body = site.suggest()
    found = body["suggestion"]
    (change,) = found["change"]
    assert change["field"] == "keepFiringFor"
    assert found["real"]["told"] == found["real"]["total"]
    assert found["pages"] == 8 < 0.2 * found["pagesBefore"]


def test_nothing_is_suggested_where_all_is_real(database: Database) -> None:
    site, rng = Site(database), np.random.default_rng(14)
    for number, at in enumerate(spread(rng, 60, every=120)):
        site.busy(SERVERS[number % 3], at, rng.uniform(81, 99, int(rng.integers(1, 5))).tolist())
    site.keep()
    site.lived(lambda _target, _start, _end: True)
    body = site.suggest()
    assert body["suggestion"] is None
    assert "Nothing that was tried" in body["sentence"]
    # What was tried missed real trouble, or did not help.
    before = body["present"]["pages"]
    assert body["tried"]
    assert all(one["missedReal"] or one["pages"] > 0.8 * before for one in body["tried"])


def test_what_cannot_be_replayed_is_said(
    noisy: tuple[Site, list[tuple[str, float, float]]],
) -> None:
    site, _ = noisy
    at = MONDAY + 11 * DAY + 7.0
    with site.database.write() as session:
        log = [Event("fired", at), Event("told", at), Event("acknowledged", at + 5, "ops")]
        put(session, "other", "hot", "here", [*log, Event("resolved", at + 5000)])
    body = site.suggest()
    assert body["suggestion"]["reducedBy"] >= 80
    assert any("1 real alerts are not found again" in note for note in body["notes"])


def test_what_is_not_there_and_what_is_quiet(database: Database) -> None:
    site = Site(database)
    site.keep()
    assert "would not have paged at all" in site.suggest()["sentence"]
    with pytest.raises(NotFound):
        site.suggestions.suggest("nothing", MONDAY, NOW)
    anomaly = {**RULE, "id": "odd", "condition": {"type": "anomaly", "metric": "cpu"}}
    site.rules.create(anomaly, OPS)
    body = site.suggestions.suggest("odd", MONDAY, NOW)
    assert body["suggestion"] is None
    assert "maxPerWeek" in body["sentence"]


def test_a_rule_of_the_file_is_changed_there(database: Database) -> None:
    site, rng = Site(database), np.random.default_rng(15)
    for number, at in enumerate(spread(rng, 30)):
        site.busy(SERVERS[number % 3], at, 95.0)
    site.keep()
    site.lived(lambda _target, _start, _end: False)
    site.rules.take_file(Rulebook.first([Rule.model_validate(RULE)]).rules.values())
    body = site.suggest()
    assert body["suggestion"]["applicable"] is False
    assert any("inventory file" in note for note in body["notes"])
