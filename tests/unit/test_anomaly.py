"""The detector on metrics whose truth is known."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from services.alerts.anomaly import Detector, Outcome, Verdict, detect
from tests.support.made_series import DAY, START, Series, episodes, healthy, with_events

MINUTES_5 = 300.0


def run(values: Iterable[float], step: float = MINUTES_5, budget: float = 1.0) -> list[Verdict]:
    detector = Detector(budget)
    return [detector.step(value, START + index * step) for index, value in enumerate(values)]


def scores(series: Series) -> np.ndarray:
    return detect(series.values, series.times.astype("datetime64[s]"))


def onsets(verdicts: Sequence[Verdict]) -> list[int]:
    return [i for i, verdict in enumerate(verdicts) if verdict.outcome is Outcome.ONSET]


def office(days: int, seed: int = 1) -> list[float]:
    """Noise of 2 around 20 at night and 60 from 8 to 18 h, every 5 minutes."""
    noise = random.Random(seed)
    return [
        (60.0 if 96 <= index % 288 < 216 else 20.0) + noise.gauss(0, 2)
        for index in range(days * 288)
    ]


@pytest.mark.parametrize("kind", ["cpu", "network", "latency", "backup", "week"])
def test_a_healthy_metric_keeps_to_its_budget(kind: str) -> None:
    weeks, alerts = 6, 0
    for seed in range(2):
        series = healthy(kind, seed, weeks, MINUTES_5)
        alerts += episodes(series.times[scores(series) >= detect.threshold])
    assert alerts <= 2 * 2 * weeks


def test_sampling_every_30_seconds_does_not_cost_more_alerts() -> None:
    weeks = 4
    series = healthy("cpu", 3, weeks, 30)
    assert episodes(series.times[scores(series) >= detect.threshold]) <= 2 * weeks


@pytest.mark.parametrize("kind", ["noise", "cpu", "network", "memory"])
def test_events_are_found(kind: str) -> None:
    series, events = with_events(healthy(kind, 5, 5, MINUTES_5), 5)
    alerts = series.times[scores(series) >= detect.threshold]
    found = [bool(np.any((alerts >= e.start) & (alerts <= e.end + 1800))) for e in events]
    assert sum(found) >= len(events) - 1


def test_a_larger_budget_tells_more_and_a_smaller_one_less() -> None:
    values = healthy("latency", 1, 4, MINUTES_5).values.tolist()
    told = [len(onsets(run(values, budget=budget))) for budget in (0.1, 1.0, 10.0)]
    assert told[0] < told[1] < told[2]
    assert told[0] <= 0.2 * 4 + 1


@pytest.mark.parametrize(
    ("what", "values"),
    [
        ("a flat line", [45.0] * 4032),
        ("only zeros", [0.0] * 4032),
        ("a square wave of hours", [20.0 + 60.0 * (i // 12 % 2) for i in range(4032)]),
        ("a square wave of days", [20.0 + 60.0 * (i % 288 >= 144) for i in range(4032)]),
        ("noise of the last digit", [1e9 + 1e-3 * (i * 7919 % 13) for i in range(4032)]),
        ("a sine without noise", [math.sin(2 * math.pi * i / 288) for i in range(4032)]),
        ("a steady rise", [float(i) for i in range(4032)]),
    ],
)
def test_a_metric_without_any_event_causes_at_most_one_alert(
    what: str, values: list[float]
) -> None:
    assert len(onsets(run(values))) <= 1, what


def test_a_flat_line_that_moves_is_told() -> None:
    verdicts = run([45.0] * 2016 + [46.0])
    assert verdicts[-1].outcome is Outcome.ONSET
    assert verdicts[-1].lower == verdicts[-1].upper == 45.0


def test_the_day_that_does_not_begin_is_told_with_what_was_expected() -> None:
    values = office(15)
    values[14 * 288 + 96 : 14 * 288 + 216] = [20.0] * 120
    verdicts = run(values)
    onset = next(i for i in onsets(verdicts) if i >= 14 * 288)
    assert 0 < onset - (14 * 288 + 96) <= 12  # within the hour
    told = verdicts[onset]
    assert told.expected is not None
    assert told.lower is not None
    assert told.upper is not None
    assert told.expected == pytest.approx(60, abs=3)
    assert 25 < told.lower < told.expected < told.upper < 90
    held = [verdict.anomalous for verdict in verdicts[onset : 14 * 288 + 210]]
    assert all(held), "anomalous until the metric is what it should be"
    assert not verdicts[14 * 288 + 250].anomalous


def test_a_second_event_of_another_size_is_not_held_back() -> None:
    values = office(12)
    for hour, size in ((0, 300.0), (3, 110.0), (26, 180.0)):
        values[10 * 288 + hour * 12 + 20] += size
    found = [i - 10 * 288 for i in onsets(run(values)) if i >= 10 * 288]
    assert found == [20, 20 + 3 * 12, 20 + 26 * 12]


def test_what_recurs_becomes_usual() -> None:
    values = office(42)
    random_hours = random.Random(4)
    for day in range(7, 42):
        values[day * 288 + random_hours.randrange(280)] += 200.0
    found = [i // 288 for i in onsets(run(values))]
    assert 7 in found
    assert len([day for day in found if day >= 21]) <= 6


def test_a_level_that_stays_is_told_at_once_and_learnt_within_three_days() -> None:
    values = office(28)
    values[14 * 288 :] = [value + 40.0 for value in values[14 * 288 :]]
    verdicts = run(values)
    assert onsets(verdicts)[0] == 14 * 288
    assert verdicts[14 * 288 + 60].anomalous
    assert not any(verdict.anomalous for verdict in verdicts[17 * 288 :])


def test_scores_are_graded() -> None:
    last = [run([*office(14), 20.0 + size])[-1].score for size in (0, 12, 25, 50, 100, 400, 6400)]
    assert last == sorted(last)
    assert len(set(last[1:])) == len(last) - 1
    assert 0.0 <= last[0] < detect.threshold < last[-2] < last[-1] < 1.0


def test_the_first_day_only_learns() -> None:
    values = office(1)
    values[150] = 500.0
    verdicts = run(values)
    assert not any(verdict.anomalous for verdict in verdicts)
    assert {verdict.outcome for verdict in verdicts[:280]} == {Outcome.LEARNING}
    assert verdicts[200].lower is None


def test_a_score_knows_nothing_of_the_future() -> None:
    series = healthy("cpu", 8, 2, MINUTES_5)
    changed = Series(series.times, series.values.copy())
    changed.values[2000:] = changed.values[2000:] * -3 + 1e4
    assert np.array_equal(scores(series)[:2000], scores(changed)[:2000])


def test_it_goes_on_after_a_restart_as_if_there_had_been_none() -> None:
    values = office(9)
    values[8 * 288 + 100] = 400.0
    whole = run(values)
    detector = Detector()
    for index, value in enumerate(values):
        if index % 97 == 0:
            detector = Detector.load(detector.dump())
        assert detector.step(value, START + index * MINUTES_5) == whole[index]


def size_of(thing: object) -> int:
    """Bytes of an object and of what its slots and tuples hold."""
    parts = list(thing) if isinstance(thing, tuple) else []
    parts += [getattr(thing, name) for name in getattr(thing, "__slots__", ())]
    return sys.getsizeof(thing) + sum(size_of(part) for part in parts)


def test_its_state_is_small() -> None:
    detector = Detector()
    for index, value in enumerate(office(14)):
        detector.step(value, START + index * MINUTES_5)
    assert size_of(detector) <= 8000
    assert len(detector.dump()) <= 4096


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (b"", "buffer"),
        (b"nonsense", "buffer"),
        (b"\x02" + bytes(8), "version 2, not 1"),
        (b"\x01" + bytes(8), "budget"),
        (Detector(2.0).dump() + b"x", "incomplete|header"),
    ],
)
def test_a_state_that_cannot_be_read_is_refused(state: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=f"no anomaly state that can be read.*({why})"):
        Detector.load(state)


@pytest.mark.parametrize("budget", [0.0, -1.0, math.nan, math.inf])
def test_a_budget_is_a_number_above_zero(budget: float) -> None:
    with pytest.raises(ValueError, match="must be a number of alerts a week above 0"):
        Detector(budget)


def test_what_is_no_number_is_ignored_and_changes_nothing() -> None:
    plain, disturbed = Detector(), Detector()
    for index, value in enumerate(office(3)):
        at = START + index * MINUTES_5
        for bad in (math.nan, math.inf, -math.inf):
            assert disturbed.step(bad, at).outcome is Outcome.IGNORED
        assert disturbed.step(1.0, math.nan).outcome is Outcome.IGNORED
        assert plain.step(value, at) == disturbed.step(value, at)


def test_a_clock_that_jumps_back_or_stands_still_keeps_to_the_budget() -> None:
    detector = Detector()
    values = office(14)
    at, told = START, 0
    for index, value in enumerate(values):
        at += {1000: -3600.0, 2000: 0.0, 2001: 0.0, 3000: 366 * DAY, 3001: -366 * DAY}.get(
            index, MINUTES_5
        )
        told += detector.step(value, at).outcome is Outcome.ONSET
    assert told <= 4  # twice the budget of two weeks
    assert detector.step(500.0, at + MINUTES_5).outcome is Outcome.ONSET


def test_gaps_and_uneven_steps_cause_no_alert_and_hide_none() -> None:
    uneven = random.Random(7)
    detector = Detector()
    told, at = 0, START
    while at < START + 28 * DAY:
        at += uneven.choice([60.0, 300.0, 300.0, 600.0, 1200.0])
        if uneven.random() < 0.002:
            at += uneven.uniform(0, DAY)
        usual = 60.0 if 8 <= at % DAY / 3600 < 18 else 20.0
        told += detector.step(usual + uneven.gauss(0, 2), at).outcome is Outcome.ONSET
    assert told <= 8
    assert detector.step(400.0, at + 300).outcome is Outcome.ONSET


@pytest.mark.parametrize("step", [10.0, 60.0, 3600.0])
def test_any_sampling_finds_a_server_that_falls_silent(step: float) -> None:
    days = {10.0: 4, 60.0: 10, 3600.0: 28}[step]
    noise = random.Random(3)
    values = [50 + noise.gauss(0, 5) for _ in range(int(days * DAY / step))]
    verdicts = run(values + [0.0] * 3, step)
    assert verdicts[-1].anomalous


@pytest.mark.parametrize("value", [1.7e308, -1.7e308, 5e-324])
def test_extreme_numbers_do_no_harm(value: float) -> None:
    detector = Detector()
    for index in range(1000):
        verdict = detector.step(value if index % 100 == 99 else 1.0, START + index * 300.0)
        assert 0.0 <= verdict.score <= 1.0
        assert math.isfinite(verdict.expected or 0.0)
