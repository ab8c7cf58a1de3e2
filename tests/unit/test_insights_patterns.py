"""Patterns of alerts: what was planted is found, and noise is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from services.insights.chance import discoveries, tail
from services.insights.coincidence import PRECEDES, RATE, TOGETHER, Nearness, coincidences
from services.insights.episodes import MOST_ITEMS, REST, Episodes, episodes
from services.insights.rhythm import same_hour
from tests.support.insights import firings

DAY, HOUR = 86400.0, 3600.0
#: A Monday, 00:00 UTC.
START = 1_767_571_200.0
END = START + 30 * DAY
UTC = ZoneInfo("UTC")
Made = list[tuple[str, str, float]]
Random = np.random.Generator


def exactly(hits: int, trials: int, share: float) -> float:
    """The binomial tail, term by term."""
    return math.fsum(
        math.comb(trials, k) * share**k * (1 - share) ** (trials - k)
        for k in range(hits, trials + 1)
    )


def test_the_tail_is_never_below_the_true_one_and_near_it() -> None:
    for trials in (3, 10, 40, 200):
        for share in (0.001, 0.02, 0.1, 0.4):
            for hits in range(math.ceil(trials * share + 1), trials + 1):
                (bound,) = tail(np.array([hits]), np.array([trials]), np.array([share]))
                true = exactly(hits, trials, share)
                if true < 1e-200:
                    continue  # term by term it is no more than rounding
                assert true <= bound * (1 + 1e-9)
                # Far out, where it matters, it is the same but for a little.
                if true < 1e-3:
                    assert bound < 2 * true


@pytest.mark.parametrize(
    ("hits", "trials", "share", "why"),
    [
        (2, 10, 0.3, "fewer than expected"),
        (3, 10, 0.25, "less than one above the expectation"),
        (3, 10, 0.0, "nothing can be a hit"),
        (5, 4, 0.1, "more than there are"),
    ],
)
def test_what_is_no_more_than_expected_is_chance(
    hits: int, trials: int, share: float, why: str
) -> None:
    assert tail(np.array([hits]), np.array([trials]), np.array([share]))[0] == 1.0, why


def test_discoveries_by_hand() -> None:
    # Four tests, one of them not given: 1 + 1/2 + 1/3 + 1/4 = 25/12.
    told, rates = discoveries(np.array([0.004, 0.03, 0.001]), 4, 0.05)
    assert rates == pytest.approx(
        [0.004 * 4 * 25 / 12 / 2, 0.03 * 4 * 25 / 12 / 3, 0.001 * 4 * 25 / 12]
    )
    assert told.tolist() == [True, False, True]


def test_a_target_that_flaps_has_one_episode() -> None:
    at = [START + n * 600 for n in range(10)] + [START + DAY, START + 2 * DAY]
    found = episodes(firings([("r", "a", one) for one in at]))
    assert found.at.tolist() == [START, START + DAY, START + 2 * DAY]
    assert found.counts.tolist() == [3]
    few = episodes(firings([("r", "a", one) for one in at[:10]]))
    assert (few.items, few.of) == (0, 0)


def test_the_busiest_are_looked_at() -> None:
    made = [
        (f"r{n:03}", "a", START + (7 * n + 100 * k) * HOUR / 10)
        for n in range(MOST_ITEMS + 20)
        for k in range(3 + (n % 2))
    ]
    found = episodes(firings(made))
    assert (found.items, found.of) == (MOST_ITEMS, MOST_ITEMS + 20)
    assert set(found.counts.tolist()) == {3, 4}
    assert np.count_nonzero(found.counts == 4) == (MOST_ITEMS + 20) // 2


def hits_one_by_one(found: Episodes, near: Nearness) -> dict[tuple[int, int], int]:
    hits: dict[tuple[int, int], int] = {}
    for a in range(len(found.at)):
        for b in range(len(found.at)):
            gap = found.at[b] - found.at[a]
            late_enough = gap >= near.after if near.both_ways else gap > near.after
            if found.item[a] != found.item[b] and late_enough and gap <= near.until:
                pair = int(found.item[a]), int(found.item[b])
                hits[pair] = hits.get(pair, 0) + 1
    return hits


@pytest.mark.parametrize("near", [TOGETHER, PRECEDES])
@pytest.mark.parametrize("seed", range(3))
def test_hits_and_expectation_agree_with_a_slow_count(near: Nearness, seed: int) -> None:
    """Against pairs one by one, and against 3,000 histories in which chance moved the first."""
    rng = np.random.default_rng(seed)
    followed = np.sort(rng.uniform(START, START + 5 * DAY, 30))
    made: Made = [("a", "x", float(at)) for at in followed]
    low, high = (-290, 290) if near.both_ways else (200, 1500)
    made += [("b", "y", float(at + rng.uniform(low, high))) for at in followed]
    end = START + 5 * DAY + 2000
    found = episodes(firings(made))
    slow = hits_one_by_one(found, near)
    told, tests = coincidences(found, near, START, end)
    assert tests == (1 if near.both_ways else 2)
    (one,) = [c for c in told if (c.first, c.second) == (0, 1)]
    assert one.hits == slow[0, 1] == len(one.pairs)
    first, second = (found.at[found.item == item] for item in (0, 1))
    if near.both_ways:
        return  # the larger expectation of two is told
    begin = START + (first - START) // near.stretch * near.stretch
    length = np.minimum(begin + near.stretch, end) - begin
    moved = begin + length * rng.random((3000, len(first)))
    place = np.searchsorted(second, moved + near.after, side="right")
    past = np.searchsorted(second, moved + near.until, side="right")
    by_chance = (past > place).sum(axis=1)
    assert one.expected == pytest.approx(by_chance.mean(), rel=0.05)
    assert one.p >= (by_chance >= one.hits).mean() - 0.01


def noise(
    rng: Random, items: int, rate: Callable[[float], float]
) -> Iterator[tuple[str, str, float]]:
    """Each item fires at random, ``rate`` (per day, at an hour of the day) at most 8."""
    for item in range(items):
        busy = rng.uniform(0.1, 1.0)
        at = np.sort(rng.uniform(START, END, rng.poisson(8 * 30)))
        hours = (at - START) % DAY / HOUR
        kept = rng.random(len(at)) < np.array([busy * rate(hour) / 8 for hour in hours])
        yield from ((f"r{item}", f"t{item}", float(one)) for one in at[kept])


RATES: dict[str, Callable[[float], float]] = {
    "the same all day": lambda hour: 2.0,
    "busy by day": lambda hour: 1.0 + 3.0 * math.exp(-(((hour - 13) / 4) ** 2)),
    "hardly ever at night": lambda hour: 4.0 if 8 <= hour < 18 else 0.3,
}


@pytest.mark.parametrize("kind", RATES)
def test_noise_has_no_patterns(kind: str) -> None:
    """Of 60 random histories of 20 items, so many may show a pattern of a kind as chance is
    stated to have, and not even half of it does."""
    rng = np.random.default_rng(sum(map(ord, kind)))
    shown = {"together": 0, "precedes": 0, "same hour": 0}
    for _ in range(60):
        found = episodes(firings(noise(rng, 20, RATES[kind])))
        assert found.items > 10
        shown["together"] += bool(coincidences(found, TOGETHER, START, END)[0])
        shown["precedes"] += bool(coincidences(found, PRECEDES, START, END)[0])
        shown["same hour"] += bool(same_hour(found, UTC, START, END)[0])
    assert all(count <= 60 * RATE / 2 for count in shown.values()), shown


def test_bursts_and_bad_days_are_no_patterns() -> None:
    """Items that flap for hours, and all of them on the same few days."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        bad = rng.choice(30, 4, replace=False)
        made: Made = []
        for item in range(20):
            for day in bad:
                for begin in rng.uniform(0, DAY, rng.poisson(2)):
                    many = START + day * DAY + begin + np.arange(rng.integers(1, 20)) * 400
                    made += [(f"r{item}", "t", float(at)) for at in many]
        found = episodes(firings(made))
        assert not coincidences(found, TOGETHER, START, END)[0]
        assert not coincidences(found, PRECEDES, START, END)[0]


def test_what_comes_together_is_found_among_noise() -> None:
    rng = np.random.default_rng(1)
    made = list(noise(rng, 40, RATES["busy by day"]))
    for at in rng.uniform(START, END, 15):
        made += [("db", "x", float(at)), ("api", "y", float(at + rng.uniform(0, 200)))]
    found = episodes(firings(made))
    told, tests = coincidences(found, TOGETHER, START, END)
    assert tests == found.items * (found.items - 1) // 2
    (one,) = told
    names = {sorted({r for r, _, _ in made})[int(found.rule[i])] for i in (one.first, one.second)}
    assert names == {"db", "api"}
    assert one.hits >= 14
    assert one.p < 1e-6
    assert one.rate < RATE
    assert one.hits / one.expected > 5


def test_what_follows_is_found_with_its_order_and_lag() -> None:
    rng = np.random.default_rng(2)
    made = list(noise(rng, 40, RATES["the same all day"]))
    for at in rng.uniform(START, END, 20):
        made += [("disk", "x", float(at)), ("db", "y", float(at + rng.uniform(900, 1100)))]
    of = firings(made)
    found = episodes(of)
    told, _ = coincidences(found, PRECEDES, START, END)
    (one,) = told
    assert [of.rules[int(found.rule[i])] for i in (one.first, one.second)] == ["disk", "db"]
    assert 900 <= one.lag <= 1100
    assert all(found.at[b] - found.at[a] == pytest.approx(1000, abs=101) for a, b in one.pairs[:15])
    assert not coincidences(found, TOGETHER, START, END)[0]


def test_what_comes_back_at_the_same_hour_is_found_in_its_zone() -> None:
    amsterdam = ZoneInfo("Europe/Amsterdam")
    # 02:30 there, also after 29 March 2026, when clocks are put forward (to 03:30 that night).
    start = START + 70 * DAY
    end = start + 30 * DAY
    summer = 1_774_746_000.0
    nights = [start + n * DAY + 1.5 * HOUR for n in range(30)]
    made = [("backup", "x", at if at < summer else at - HOUR) for at in nights]
    rng = np.random.default_rng(3)
    for item in range(20):
        made += [(f"r{item}", "t", float(at)) for at in rng.uniform(start, end, 30)]
    of = firings(made)
    found = episodes(of)
    told, tests = same_hour(found, amsterdam, start, end)
    assert tests == 21
    (one,) = told
    assert of.rules[int(found.rule[one.item])] == "backup"
    assert one.begin in (2 * 3600, 2 * 3600 + 1800)
    assert (one.of, one.days) == (30, one.hits)
    assert one.hits >= 29


def test_an_hour_needs_half_of_them_and_several_days() -> None:
    often = [("r", "a", START + n * DAY + 3 * HOUR) for n in range(12)]
    rare = [("r", "a", START + n * DAY + 15 * HOUR + n * 1000) for n in range(13)]
    assert not same_hour(episodes(firings(often + rare)), UTC, START, END)[0]
    assert same_hour(episodes(firings(often + rare[:10])), UTC, START, END)[0]


def test_nothing_has_no_pattern() -> None:
    found = episodes(firings([]))
    assert coincidences(found, TOGETHER, START, END) == ([], 0)
    assert coincidences(found, PRECEDES, START, END) == ([], 0)
    assert same_hour(found, UTC, START, END) == ([], 0)
    alone = episodes(firings([("r", "a", START + n * (REST + 1)) for n in range(5)]))
    assert coincidences(alone, TOGETHER, START, END) == ([], 0)
