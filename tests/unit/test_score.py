"""The score's formula, by hand and by its laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.health.score import Part, score
from services.observation import Status

H, D, U, X = Status.HEALTHY, Status.DEGRADED, Status.UNHEALTHY, Status.UNKNOWN


def parts(*statuses, tenants=0):
    return [
        Part(f"t{n}", status, f"t{n} is {status}", tenants) for n, status in enumerate(statuses)
    ]


@pytest.mark.parametrize(
    ("statuses", "value", "band"),
    [
        ([H] * 5, 100.0, "excellent"),
        ([U] + [H] * 19, 85.0, "good"),  # 100/20 and 10 once
        ([D] + [H] * 19, 94.0, "good"),  # 0.4*100/20 and 4 once
        ([U] * 2 + [H] * 8, 70.0, "fair"),
        ([U] * 5, 0.0, "poor"),
        ([X] * 3, None, "unknown"),
        ([], None, "unknown"),
    ],
)
def test_by_hand(statuses, value, band):
    result = score(parts(*statuses))
    assert (result.value, result.band) == (value, band)


def test_a_part_weighs_by_the_tenants_that_it_reaches():
    light = score([Part("a", U, "", 0), Part("b", H, "", 9)]).value
    heavy = score([Part("a", U, "", 9), Part("b", H, "", 0)]).value
    assert heavy is not None
    assert light is not None
    assert heavy < light


def test_reasons_stand_with_the_costliest_first_and_say_what_is_wrong():
    result = score(parts(D, U, H))
    assert [reason.text for reason in result.reasons] == ["t1 is unhealthy", "t0 is degraded"]


statuses = st.lists(st.tuples(st.sampled_from([H, D, U, X]), st.integers(0, 30)), min_size=1)


@given(statuses)
def test_laws(drawn):
    drawn_parts = [Part(f"t{n}", s, "", tenants) for n, (s, tenants) in enumerate(drawn)]
    result = score(drawn_parts)
    if result.value is None:
        assert all(s is X for s, _ in drawn)
        return
    assert 0 <= result.value <= 100
    assert (result.value == 100) == all(s is H for s, _ in drawn)
    missing = sum(reason.points for reason in result.reasons)
    assert result.value == pytest.approx(max(0, 100 - missing), abs=0.051)
    if any(s is not H for s, _ in drawn):
        assert result.value <= 96, "excellent is for fleets with nothing of note"


@given(statuses, st.integers(0, 1000))
def test_a_repair_never_lowers_the_score(drawn, pick):
    drawn_parts = [Part(f"t{n}", s, "", tenants) for n, (s, tenants) in enumerate(drawn)]
    broken = [n for n, part in enumerate(drawn_parts) if part.status is U]
    before = score(drawn_parts).value
    if not broken or before is None:
        return
    mended = broken[pick % len(broken)]
    drawn_parts[mended] = Part("mended", H, "", drawn_parts[mended].tenants)
    after = score(drawn_parts).value
    assert after is None or after >= before
