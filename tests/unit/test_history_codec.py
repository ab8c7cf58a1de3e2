"""Blocks and strips hold what was put in, whatever it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.errors import ValidationError
from services.history import cells, codec, plan, stored
from services.history.cells import Cells
from services.metrics import HOST_METRICS
from tests.support.history import MONDAY

DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.one_of(
    DOUBLES,
    st.integers(-(2**60), 2**60).map(float),
    st.floats(0, 100).map(lambda v: round(v, 3)),
    st.just(15.625),
)
TIMES = st.lists(
    st.integers(MONDAY, MONDAY + 86399), min_size=1, max_size=60, unique=True
).map(sorted)  # fmt: skip


@st.composite
def days(draw):
    times = draw(TIMES)
    column = st.lists(
        st.one_of(st.just(float("nan")), VALUES), min_size=len(times), max_size=len(times)
    )
    columns = draw(st.dictionaries(st.integers(0, 999), column, max_size=4))
    return np.array(times), {number: np.array(values) for number, values in columns.items()}


@given(days())
def test_a_block_gives_back_exactly_what_it_was_given(day):
    times, columns = day
    data = codec.encode(times, columns)
    its, found = codec.decode_all(data)
    assert its.tolist() == times.tolist()
    there = {number for number, values in columns.items() if not np.isnan(values).all()}
    assert found.keys() == there
    for number, values in columns.items():
        at, one = codec.decode(data, number)
        known = ~np.isnan(values)
        assert at.tolist() == times[known].tolist()
        assert one.tolist() == values[known].tolist()
        if number in there:
            np.testing.assert_array_equal(found[number], values)


def test_a_metric_that_a_block_does_not_have_is_empty():
    data = codec.encode(np.array([MONDAY]), {1: np.array([2.5])})
    assert [part.tolist() for part in codec.decode(data, 2)] == [[], []]


def test_noisy_decimals_take_less_than_two_bytes_a_value():
    noise = np.random.default_rng(7)
    times = np.arange(MONDAY, MONDAY + 86400, 60)
    cpu = np.clip(35 + noise.normal(0, 6, len(times)), 0, 100).round(3).astype(np.float64)
    assert len(codec.encode(times, {101: cpu})) / len(times) < 2.1
    memory = np.round(60 + np.cumsum(noise.normal(0, 0.15, len(times))), 3)
    assert len(codec.encode(times, {101: memory})) / len(times) < 1.6
    assert len(codec.encode(times, {101: np.full(len(times), 15.625)})) < 120


def cells_of(strips):
    """Cells of lists of values, and the same the plain way."""
    made = Cells.empty(len(strips), len(strips[0]))
    flat = [
        (row * len(strips[0]) + place, value)
        for row, strip in enumerate(strips)
        for place, values in enumerate(strip)
        for value in values
    ]
    made.add_samples(np.array([f[0] for f in flat], np.int64), np.array([f[1] for f in flat]))
    return made


SMALL = st.lists(st.floats(-1e6, 1e6), max_size=3)
HUGE = st.lists(st.floats(1e37, 1e300), max_size=3)
STRIPS = st.lists(
    st.one_of([st.lists(kind, min_size=4, max_size=4) for kind in (SMALL, HUGE)]),
    min_size=1,
    max_size=5,
)


@given(STRIPS, st.booleans())
def test_strips_of_every_layout_come_back(strips, thin):
    made = cells_of(strips)
    again = cells.decode(cells.encode(made, thin=thin), 4)
    np.testing.assert_array_equal(again.count, [[len(v) for v in strip] for strip in strips])
    np.testing.assert_array_equal(again.count, made.count)
    for name, plain in (("low", min), ("high", max), ("total", sum)):
        values = [plain(v) if v else (0.0 if plain is sum else np.nan) for s in strips for v in s]
        expected = np.array(values).reshape(again.count.shape)
        np.testing.assert_allclose(getattr(again, name), expected, rtol=2e-7, atol=0.2)


def test_strips_that_are_written_to_keep_their_length():
    one = cells_of([[[1.0], [], [], []]])
    two = cells_of([[[1.0, 2.0], [3.0], [4.0], [5.0]]])
    lengths = {len(cells.encode(made, thin=False)[0]) for made in (one, two)}
    assert len(lengths) == 1
    assert len(cells.encode(one, thin=True)[0]) == 16


@given(STRIPS)
def test_coarser_cells_are_those_of_the_values_together(strips):
    joined = [[s[0] + s[1], s[2] + s[3]] for s in strips]
    for name in ("low", "high", "total", "count"):
        np.testing.assert_allclose(
            getattr(cells_of(strips).coarser(2), name), getattr(cells_of(joined), name)
        )


@given(st.integers(1, 5000), st.floats(1, 800 * 86400), st.floats(0, 800 * 86400))
@settings(max_examples=300)
def test_a_plan_never_gives_more_points_and_leaves_no_hole(points, length, age):
    now = MONDAY + 0.5
    end = now - age
    made = plan.plan_for(end - length, end, points, now, stored.Retention())
    assert made.points <= points
    for (_, _, one), (_, other, _) in zip(made.parts, made.parts[1:], strict=False):
        assert one == other
    if length + age < 80 * 86400:
        assert made.parts[0][1] <= end - length + 1
        assert made.parts[-1][2] >= end
        assert all(level <= made.step for level, _, _ in made.parts)
    assert all(
        made.start <= start < end <= made.start + made.points * made.step
        for _, start, end in made.parts
    )


@pytest.mark.parametrize(
    ("days", "points", "expected"),
    [
        (1 / 24, 500, [0]),  # 7 s a point: the samples themselves
        (1, 500, [60]),
        (1, 20, [3600]),
        (7, 500, [600]),
        (30, 500, [3600]),
        (30, 5000, [0, 60]),  # finer than 10 minutes, and minutes last 14 days
        (365, 500, [3600]),
        (100, 5000, [3600, 600]),
    ],
)
def test_the_coarsest_level_that_still_gives_the_points(days, points, expected):
    made = plan.plan_for(MONDAY - days * 86400, MONDAY, points, MONDAY, stored.Retention())
    assert [level for level, _, _ in made.parts] == expected


def test_every_metric_of_a_machine_has_a_number_of_its_own():
    numbers = [one.number for one in (*stored.HOST, *stored.NARROW)]
    assert len(set(numbers)) == len(numbers)
    assert len(stored.HOST) == len(HOST_METRICS)
    assert 0 not in numbers


@pytest.mark.parametrize("name", ["service.status", "vps.reporting", "tenant.status"])
def test_a_state_has_no_numbers(name):
    with pytest.raises(ValidationError, match="is a state"):
        stored.find(name)


def test_short_names_and_the_mean_of_an_api_are_found():
    assert stored.find("cpu").column == "cpu"
    assert stored.find("api.averageResponseTime").name == "service.responseTime"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_not_kept(value):
    assert stored.kept(value, 3) is None


def test_values_are_kept_as_precisely_as_their_unit_says():
    assert stored.kept(12.3456789, 3) == 12.346
    assert stored.kept(7, None) == 7.0
