"""The store against a plain memory of the same samples, on both databases: every sample once,
every figure right, whatever is interrupted and however late things come."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select

from models.history import Block, PendingSpan, Rollup
from models.targets import HostSample, Sample
from services.errors import ValidationError
from services.history import query, write
from services.history.expire import expire
from services.history.pack import pack
from services.history.rollup import roll_up
from services.history.stored import Retention
from tests.support.history import MONDAY, Mortal, Plain, host, no_rest, probe, same, work

HOUR, DAY = 3600, 86400
CPU, ANSWER = "system.cpu.usage", "service.responseTime"
RANGES = (
    (MONDAY + 100, MONDAY + 4000.5, 50),
    (MONDAY, MONDAY + DAY, 300),
    (MONDAY + 777, MONDAY + 2 * DAY + 99, 500),
    (MONDAY - DAY, MONDAY + 5 * DAY, 40),
    (MONDAY + 0.5, MONDAY + 4 * DAY, 5000),
)


def count(database, table):
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table))


def check(database, plain, targets, metric, now):
    """Everything that can be asked gives what the plain memory gives."""
    with database.read() as session:
        for start, end, points in RANGES:
            end = min(end, now)
            found = query.history(session, targets, metric, start, end, points, now)
            assert [one.target for one in found] == list(targets)
            for one in found:
                expected = plain.history(one.target, metric, start, end, points)
                assert same(one.points, expected), (one.target, start - MONDAY, end - start, points)
                assert len(one.points) <= points
            fleet = query.mean(session, targets, metric, start, end, points, now)
            assert same(fleet.points, plain.mean(targets, metric, start, end, points))
            for target in targets:
                exact = list(query.samples_between(session, target, metric, start, end))
                assert exact == plain.between(target, metric, start, end)


def values(kind, rng):
    match kind:
        case "noisy":
            return lambda: rng.gauss(40, 12)
        case "constant":
            return lambda: 15.625
        case "huge":
            return lambda: rng.choice((1, -1)) * 10 ** rng.uniform(30, 300)
        case "negative":
            return lambda: -rng.expovariate(0.01)
        case _:
            return lambda: float(rng.randrange(10 ** rng.randrange(1, 9)))


def course(rng, target, kind, step, metric):
    """Observations of four days with gaps, jitter and two readings in one second."""
    value = values(kind, rng)
    at = MONDAY + rng.randrange(step)
    made = []
    while at < MONDAY + 4 * DAY:
        v = value()
        made.append(host(target, at, cpu=v, load=v) if metric == CPU else probe(target, at, v))
        if rng.random() < 0.02:
            made.append(host(target, at, cpu=1.0) if metric == CPU else probe(target, at, 1.0))
        at += rng.randrange(3 * HOUR) if rng.random() < 0.02 else step + rng.choice((-1, 0, 0, 1))
    return made


names = (f"vps-{number}" for number in itertools.count())


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # a seed cannot be shrunk
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    seed=st.integers(0, 2**32),
    kind=st.sampled_from(["noisy", "constant", "huge", "negative", "integers"]),
    step=st.sampled_from([300, 601, 1700]),
    metric=st.sampled_from([CPU, ANSWER]),
    late=st.floats(0, 0.3),
)
def test_every_range_is_answered_as_from_the_samples_themselves(
    database, seed, kind, step, metric, late
):
    """Observations come in order or up to 24 h late, and the jobs run at any time between."""
    rng = random.Random(seed)
    plain, memory = Plain(), write.Memory()
    targets = [next(names) for _ in range(2)]
    arriving = [
        (o.at + (rng.uniform(0, DAY) if rng.random() < late else 0), number, o)
        for target in targets
        for number, o in enumerate(course(rng, target, kind, step, metric))
    ]
    waiting = [o for _, _, o in sorted(arriving, key=lambda item: item[:2])]
    now = MONDAY
    while waiting:
        batch, waiting = waiting[: (size := rng.randrange(1, 400))], waiting[size:]
        plain.write(database, batch, memory)
        now = max(o.at for o in batch)
        if rng.random() < 0.5:
            work(database, now)
    check(database, plain, targets, metric, now)
    work(database, now + 3 * DAY)
    check(database, plain, targets, metric, now + 3 * DAY)
    assert count(database, HostSample) == count(database, Sample) == 0
    assert count(database, PendingSpan) == 0


def filled(database, targets=("a", "b", "a/api")):
    """A day of samples, one metric of each kind of row."""
    rng, plain = random.Random(5), Plain()
    for target in targets:
        metric = ANSWER if "/" in target else CPU
        plain.write(database, course(rng, target, "noisy", 1800, metric)[: 2 * 24])
    return plain


LATER = MONDAY + 4 * DAY


def whole(database, plain):
    """Nothing is lost and nothing is there twice, in every form that it is read."""
    check(database, plain, ["a", "b"], CPU, LATER)
    check(database, plain, ["a/api"], ANSWER, LATER)


@pytest.mark.parametrize("job", [roll_up, pack])
def test_a_job_that_is_killed_anywhere_loses_and_doubles_nothing(database, job):
    plain = filled(database)
    for at in itertools.count(1):
        with Mortal(database, at) as life:
            job(database, LATER, rest=no_rest)
        if at % 7 == 1:
            whole(database, plain)
        if life.survived:
            break
    assert at > 12, "it was killed at every statement"
    whole(database, plain)
    done = {roll_up: HOUR, pack: DAY}[job]
    with database.read() as session:
        assert session.scalars(select(PendingSpan).where(PendingSpan.span == done)).all() == []
    assert job(database, LATER, rest=no_rest) == 0
    work(database, LATER)
    whole(database, plain)
    assert count(database, HostSample) == count(database, Sample) == count(database, PendingSpan)


def test_each_kill_from_the_first_state_leaves_a_whole_store(database):
    """The same, each kill from a store in which nothing has been done for the target yet."""
    rng, plain = random.Random(3), Plain()
    for at in range(1, 40):
        target = next(names)
        plain.write(database, course(rng, target, "noisy", 5400, CPU)[:12])
        for job in (roll_up, pack):
            with Mortal(database, at):
                job(database, LATER, rest=no_rest)
            with database.read() as session:
                found = list(query.samples_between(session, target, CPU, MONDAY, LATER))
                assert found == plain.between(target, CPU, MONDAY, LATER)
                args = (target, CPU, MONDAY, LATER, 90)
                (one,) = query.history(session, [target], *args[1:], now=LATER)
                assert same(one.points, plain.history(*args))


def test_doing_it_again_changes_nothing(database):
    filled(database)
    work(database, LATER)

    def rows():
        with database.read() as session:
            return [
                sorted(tuple(row) for row in session.execute(select(*table.__table__.columns)))
                for table in (Rollup, Block)
            ]

    before = rows()
    work(database, LATER)
    assert rows() == before
    plain = filled(database)  # the very same samples come again
    work(database, LATER)
    assert rows() == before
    whole(database, plain)


@pytest.mark.parametrize("job", [roll_up, pack])
def test_a_sample_that_comes_while_its_span_is_worked_on_is_not_overlooked(database, job):
    """It arrives after the job has read the span, before it stores the result."""
    plain = filled(database)
    sent: list[bool] = []

    def arrive(_connection, _cursor, statement, *_rest):
        if "FROM host_samples" in statement and "SELECT" in statement and not sent:
            sent.append(True)
            plain.write(database, [host("a", MONDAY + 901, cpu=99.5)])

    for engine in (database.engine, database.readers):
        event.listen(engine, "after_cursor_execute", arrive)
    try:
        job(database, LATER, rest=no_rest)
    finally:
        for engine in (database.engine, database.readers):
            event.remove(engine, "after_cursor_execute", arrive)
    assert sent
    whole(database, plain)
    work(database, LATER)
    whole(database, plain)


def test_a_replay_after_the_day_was_packed_joins_the_block(database):
    plain = filled(database)
    work(database, LATER)
    blocks = count(database, Block)
    plain.write(database, [host("a", MONDAY + HOUR + n, cpu=50 + n) for n in range(5)])
    whole(database, plain)
    work(database, LATER)
    whole(database, plain)
    assert (count(database, Block), count(database, HostSample)) == (blocks, 0)


def test_a_clock_that_jumps_forward_and_back_costs_nothing(database):
    """While the clock is wrong, hours that still go on are rolled up as if they were over."""
    plain, memory = Plain(), write.Memory()
    noon = MONDAY + 12 * HOUR
    plain.write(database, [host("a", noon + n, cpu=n) for n in range(0, 600, 30)], memory)
    work(database, noon + 10 * DAY)
    assert count(database, Block) == 1
    plain.write(database, [host("a", noon + n, cpu=n) for n in range(600, 1800, 30)], memory)
    plain.write(database, [host("a", noon + DAY, cpu=3.0)], memory)  # stamped in the wrong hour
    plain.write(database, [host("a", noon + n, cpu=n) for n in range(1800, 3000, 30)], memory)
    for now in (noon + 3000, noon + 2 * HOUR, noon + 5 * DAY):
        work(database, now)
        with database.read() as session:
            (one,) = query.history(session, ["a"], CPU, noon - 60, noon + 3000, 60, now)
        assert same(one.points, plain.history("a", CPU, noon - 60, noon + 3000, 60))


def test_a_batch_that_is_rolled_back_teaches_the_writer_nothing(database):
    memory, plain = write.Memory(), Plain()
    with pytest.raises(RuntimeError), database.write() as session:
        ids = write.target_ids(session, ["a"], memory)
        write.samples(session, [host("a", MONDAY, cpu=1.0)], ids, memory)
        raise RuntimeError
    assert (memory.ids, memory.hours) == ({}, {})
    plain.write(database, [host("a", MONDAY, cpu=2.0)], memory)
    assert memory.ids.keys() == {"a"}
    work(database, LATER)
    with database.read() as session:
        assert list(query.samples_between(session, "a", CPU, MONDAY, LATER)) == [(MONDAY, 2.0)]
        (one,) = query.history(session, ["a"], CPU, MONDAY, LATER, 90, LATER)
    assert same(one.points, plain.history("a", CPU, MONDAY, LATER, 90))


def test_a_job_goes_on_where_its_time_was_up(database):
    plain = filled(database)
    turns = 0
    while roll_up(database, LATER, seconds=1e-9, rest=no_rest) == 0 and turns < 3:
        turns += 1
    assert turns == 3, "without time nothing is begun"
    work(database, LATER)
    whole(database, plain)


def test_what_is_too_old_goes_and_the_rest_stays(database):
    plain = filled(database)
    work(database, LATER)
    keep = Retention(minutes_days=14, ten_minutes_days=90, hours_days=730, blocks_days=90)

    def left(days):
        now = MONDAY + days * DAY
        while expire(database, now, keep=keep, rest=no_rest):
            pass
        with database.read() as session:
            levels = set(session.scalars(select(Rollup.level).distinct()))
            points = query.history(session, ["a"], CPU, MONDAY, MONDAY + DAY, 24, now, keep)
        return levels, count(database, Block) > 0, len(points[0].points)

    hours = len(plain.history("a", CPU, MONDAY, MONDAY + DAY, 24))
    assert left(14) == ({60, 600, 3600}, True, hours)
    assert left(20) == ({600, 3600}, True, hours)
    assert left(95) == ({3600}, False, hours)
    assert left(740) == (set(), False, 0)


def test_nothing_old_is_rolled_up_into_a_level_that_is_over(database):
    filled(database)
    roll_up(database, MONDAY + 30 * DAY, rest=no_rest)
    with database.read() as session:
        assert set(session.scalars(select(Rollup.level).distinct())) == {600, 3600}


def test_targets_and_metrics_without_samples_have_no_points(database):
    filled(database)
    with database.read() as session:
        for metric, targets in ((CPU, ["a/api", "nobody"]), ("network", ["a", "b"])):
            args = (metric, MONDAY, LATER, 100, LATER)
            assert [s.points for s in query.history(session, targets, *args)] == [[], []]
            assert query.mean(session, targets, *args).points == []
        assert query.mean(session, [], CPU, MONDAY, LATER, 100, LATER).points == []
        assert query.history(session, ["a"], CPU, LATER, MONDAY, 100, LATER)[0].points == []
        assert list(query.samples_between(session, "nobody", CPU, MONDAY, LATER)) == []
        with pytest.raises(ValidationError, match="no metric 'cpus'"):
            query.history(session, ["a"], "cpus", MONDAY, LATER, 100, LATER)
