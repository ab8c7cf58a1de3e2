"""Time in which the monitor did not run is not observed, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from models.targets import StatusInterval
from services.health.status import judge
from services.history import alive, query, write
from services.history.availability import availability, slices
from services.history.uptime import Uptime
from services.observation import PLATFORM, CheckResult, Observation, Status

HOUR = 3600
INTERVAL = 30.0
HEALTHY, UNHEALTHY, UNKNOWN = Status.HEALTHY, Status.UNHEALTHY, Status.UNKNOWN


def look(database, key, at, status, before=None, not_before=0.0):
    """Judges one check and stores what comes of it."""
    check = CheckResult(status, str(status), evidence={"at": at})
    after = judge(before, Observation(key, at, check=check))
    with database.write() as session:
        ids = write.target_ids(session, [key])
        write.judgements(session, {key: (before, after)}, ids, not_before)
    return after


def resume(database, now):
    with database.write() as session:
        return alive.resume(session, now, INTERVAL)


def course(database, key, end):
    with database.read() as session:
        found = query.intervals(session, 0, end, [key]).get(key, [])
    return [(i.status, i.start, i.end) for i in found]


@pytest.fixture
def monitored(database):
    """One target well, one down, one unknown; the monitor dies at 5000 and was last alive then."""
    before = look(database, "a", 1000.0, HEALTHY)
    look(database, "b", 2000.0, UNHEALTHY, look(database, "b", 1000.0, HEALTHY))
    look(database, "c", 1000.0, UNKNOWN)
    alive.note(database, 4990.0)
    alive.note(database, 5000.0)
    return database, before


def test_the_monitors_own_downtime_counts_neither_for_nor_against(monitored):
    database, _ = monitored
    assert resume(database, 9000.0) == 5000.0
    assert course(database, "a", 9999) == [
        (HEALTHY, 1000, 5000), (UNKNOWN, 5000, 9000), (HEALTHY, 9000, None),
    ]  # fmt: skip
    assert course(database, "b", 9999)[1:] == [
        (UNHEALTHY, 2000, 5000), (UNKNOWN, 5000, 9000), (UNHEALTHY, 9000, None),
    ]  # fmt: skip
    assert course(database, "c", 9999) == [(UNKNOWN, 1000, None)]
    with database.read() as session:
        found = query.uptime(session, ["a", "b", "c"], 0.0, 10_000.0)
        assert found["a"] == Uptime(healthy=5000.0, unknown=4000.0)
        assert found["b"] == Uptime(healthy=1000.0, unhealthy=4000.0, unknown=4000.0)
        assert found["c"] == Uptime(unknown=9000.0)
        spans = query.intervals(session, 0, 10_000, ["a", "b"])
    assert availability(spans, 0, 10_000) == pytest.approx(100 * 6000 / 10_000)
    bars = slices({"a": spans["a"]}, 0, 10_000, 10)
    assert [bar.status for bar in bars] == [UNKNOWN, *[HEALTHY] * 4, *[UNKNOWN] * 4, HEALTHY]
    assert [bar.text for bar in bars[:6:5]] == ["no data", "the monitor did not run (17 min)"]


def test_states_and_what_is_told_stay_as_they_were(monitored):
    database, _ = monitored

    def told():
        with database.read() as session:
            return query.states(session), query.recent_changes(session, 10)

    states, changes = told()
    resume(database, 9000.0)
    after = told()
    # From what a status came is not known across a gap.
    assert after[0] == {key: replace(state, previous=None) for key, state in states.items()}
    assert [(c.target, c.status, c.start) for c in after[1]] == [("b", UNHEALTHY, 2000.0)]
    assert [(c.target, c.status, c.start) for c in changes] == [("b", UNHEALTHY, 2000.0)]
    with database.read() as session:
        rows = session.scalars(select(StatusInterval).where(StatusInterval.ended_at.is_(None)))
        kept = {(row.reason, row.evidence.get("at")) for row in rows if row.status == "unhealthy"}
    assert kept == {("unhealthy", 2000.0)}


@pytest.mark.parametrize("now", [5000.0, 5060.0, 4000.0, 100.0])
def test_a_quick_restart_and_a_clock_set_back_are_no_gap(monitored, now):
    database, _ = monitored
    assert resume(database, now) is None
    assert course(database, "a", 9999) == [(HEALTHY, 1000, None)]


def test_a_slow_interval_makes_a_longer_gap_normal(monitored):
    database, _ = monitored
    with database.write() as session:
        assert alive.resume(session, 5500.0, 300.0) is None


def test_a_database_without_a_note_has_no_gap(database):
    look(database, "a", 1000.0, HEALTHY)
    assert resume(database, 9000.0) is None
    assert course(database, "a", 9999) == [(HEALTHY, 1000, None)]
    assert resume(database, 10_000.0) == 9000.0, "the start itself is a sign of life"


def test_a_start_that_fails_and_is_tried_again_marks_the_gap_once(monitored):
    database, _ = monitored
    with pytest.raises(RuntimeError), database.write() as session:
        alive.resume(session, 8000.0, INTERVAL)
        raise RuntimeError
    assert resume(database, 9000.0) == 5000.0
    assert resume(database, 9001.0) is None
    assert len(course(database, "a", 9999)) == 3
    assert resume(database, 9500.0) == 9001.0
    assert course(database, "a", 9999)[2:] == [
        (HEALTHY, 9000, 9001), (UNKNOWN, 9001, 9500), (HEALTHY, 9500, None),
    ]  # fmt: skip


def test_a_status_that_began_after_the_last_note_keeps_its_begin(database):
    look(database, "a", 1000.0, HEALTHY)
    alive.note(database, 5000.0)
    look(database, "b", 5007.0, UNHEALTHY)
    look(database, "c", 9700.0, HEALTHY)  # by a clock that was wrong
    assert resume(database, 9000.0) == 5000.0
    assert course(database, "b", 9999) == [
        (UNHEALTHY, 5007, 5007), (UNKNOWN, 5007, 9000), (UNHEALTHY, 9000, None),
    ]  # fmt: skip
    assert course(database, "c", 9999) == [(HEALTHY, 9700, None)]


def test_the_first_look_after_a_gap_ends_what_went_on(monitored):
    """Also when an agent made it shortly before the start: spans never overlap."""
    database, before = monitored
    resume(database, 9000.0)
    look(database, "a", 8980.0, UNHEALTHY, before, not_before=9000.0)
    assert course(database, "a", 9999)[1:] == [
        (UNKNOWN, 5000, 9000), (HEALTHY, 9000, 9000), (UNHEALTHY, 9000, None),
    ]  # fmt: skip
    with database.read() as session:
        assert query.uptime(session, ["a"], 0, 10_000)["a"].observed == 5000.0
        open_ = select(func.count()).where(StatusInterval.ended_at.is_(None))
        assert session.scalar(open_) == 3


def test_how_long_the_platform_is_up_survives_the_gap(database):
    before = look(database, PLATFORM, 1000.0, HEALTHY)
    alive.note(database, 5000.0)
    resume(database, 9000.0)
    with database.read() as session:
        assert query.platform_up_since(session) == 1000.0
    look(database, PLATFORM, 9100.0, UNHEALTHY, before)
    alive.note(database, 9200.0)
    resume(database, 9900.0)
    with database.read() as session:
        assert query.platform_up_since(session) is None
