"""Any range, whatever is kept of it, and whatever is committed between the statements of one
answer: what the store says is what a slow reading of the samples says."""

from __future__ import annotations

import itertools
import math
import random
from collections import defaultdict

import pytest
from sqlalchemy import event, select

from models.history import PendingSpan
from services.history import plan as plans
from services.history import query, write
from services.history.expire import expire
from services.history.pack import pack
from services.history.rollup import roll_up
from services.history.stored import Retention
from tests.support.history import MONDAY, Plain, host, no_rest, same, spread, work

HOUR, DAY = 3600, 86400
CPU = "system.cpu.usage"
LATER = MONDAY + 4 * DAY


def fill(database, rng, target, days=1.5, step=300):
    """Readings with jitter and gaps, from some minutes after midnight on."""
    plain, memory = Plain(), write.Memory()
    at, batch = MONDAY + rng.randrange(900), []
    while at < MONDAY + days * DAY:
        batch.append(host(target, at, cpu=rng.gauss(40, 12)))
        at += rng.randrange(4 * HOUR) if rng.random() < 0.02 else step + rng.choice((-7, 0, 1))
    plain.write(database, batch, memory)
    return plain


def asked(database, targets, start, end, points, now, keep=None):
    with database.read() as session:
        return query.history(session, targets, CPU, start, end, points, now, keep)


def some_range(rng, begin, until):
    start = rng.uniform(begin - HOUR, until)
    length = rng.choice((60, 1000, HOUR, 6 * HOUR, DAY, 3 * DAY)) * rng.uniform(0.5, 1.5)
    end = min(start + length, until)
    # Distances around the length of a cell, where one kind of memory gives way to the next.
    near = rng.choice((30, 59.5, 60, 590, 600, 601, 3599, 3600, 3700, 7200)) * rng.uniform(0.97, 1)
    points = rng.choice((1, 2, rng.randrange(3, 5000), math.ceil((end - start) / near)))
    return start, end, max(points, 1)


def test_any_range_at_any_number_of_points(database):
    rng = random.Random(11)
    plain = fill(database, rng, "a")
    work(database, MONDAY + 1.1 * DAY)  # the rest waits
    plain.write(database, [host("a", MONDAY + HOUR * n + 17, cpu=n) for n in range(0, 30, 5)])
    now = MONDAY + 2 * DAY
    for turn in range(150):
        start, end, points = some_range(rng, MONDAY, now)
        (one,) = asked(database, ["a"], start, end, points, now)
        expected = plain.history("a", CPU, start, end, points)
        assert len(one.at) <= points
        assert same(one.points, expected), (turn, start - MONDAY, end - start, points)


def slow(database, plain, target, start, end, points, now, keep):
    """What the samples say where only cells are kept that are longer than a point: such a cell
    stands at the point in which it begins, or at the first."""
    first, last, step = spread(start, end, points)
    first = math.ceil(first)
    ages = {0: keep.samples, **{level: keep.level(level) for level in (60, 600, 3600)}}
    begins = {level: math.ceil((now - age) / HOUR) * HOUR for level, age in ages.items()}
    with database.read() as session:
        waiting = set(session.scalars(select(PendingSpan.start).where(PendingSpan.span == HOUR)))
    found = defaultdict(list)
    for at, value in plain.between(target, CPU, MONDAY, LATER):
        there = [level for level, begin in begins.items() if begin <= max(at, first)]
        if not there:
            continue
        fine = [level for level in there if level <= step]
        level = max(fine) if fine else min(there)
        cell = at // level * level if level > step and at // HOUR * HOUR not in waiting else at
        if level > step and at != cell and first - level < cell < last:
            found[max(cell, first) // step * step].append(value)
        elif first <= at < last:
            found[cell // step * step].append(value)
    return [
        (at, math.fsum(v / len(values) for v in values), min(values), max(values))
        for at, values in sorted(found.items())
    ]


@pytest.mark.parametrize("kept", [(60, 6, 12, 20), (0.5, 0, 6, 30), (1, 2, 0, 40), (10, 3, 30, 35)])
def test_whatever_of_the_past_is_kept(database, kept):
    """Hours for which samples, minutes, ten minutes and hours are kept."""
    raw, minutes, tens, hours = kept
    keep = Retention(
        raw_hours=raw, blocks_days=raw / 24, minutes_days=minutes / 24,
        ten_minutes_days=tens / 24, hours_days=hours / 24,
    )  # fmt: skip
    rng = random.Random(str(kept))
    plain = fill(database, rng, "a", days=1.6)
    now = MONDAY + 1.5 * DAY
    roll_up(database, now, seconds=60, rest=no_rest)
    plain.write(database, [host("a", MONDAY + HOUR * n + 17, cpu=n) for n in range(20, 30, 5)])
    for turn in range(60):
        start, end, points = some_range(rng, MONDAY, now)
        (one,) = asked(database, ["a"], start, end, points, now, keep)
        expected = slow(database, plain, "a", start, end, points, now, keep)
        assert same(one.points, expected), (turn, start - MONDAY, end - start, points)


def test_many_samples_are_not_unpacked_for_one_answer(database, monkeypatch):
    """Minutes have to do then, whatever the distance of points."""
    monkeypatch.setattr(plans, "UNPACKED", 0)
    plain = fill(database, random.Random(2), "a", step=20)
    roll_up(database, LATER, seconds=60, rest=no_rest)
    start, end = MONDAY + 6 * HOUR + 25, MONDAY + 8 * HOUR
    (one,) = asked(database, ["a"], start, end, 5000, LATER)
    cells = defaultdict(list)
    for at, value in plain.between("a", CPU, start - 25, end):
        cells[max(at // 60 * 60, start) // 2 * 2].append(value)
    assert one.at == sorted(cells)
    assert one.min == [pytest.approx(min(cells[at]), abs=1e-3) for at in one.at]


class Between:
    """Lets others commit before each statement of the answers that are asked inside ``with``."""

    def __init__(self, database, act):
        self.engine, self.act = database.readers, act
        self.acting = False
        self.statements = 0

    def _step(self, _connection, _cursor, statement, *_rest):
        if self.acting or not statement.startswith("SELECT"):
            return
        self.acting = True
        self.statements += 1
        self.act()
        self.acting = False

    def __enter__(self):
        event.listen(self.engine, "before_cursor_execute", self._step)
        return self

    def __exit__(self, *_error):
        event.remove(self.engine, "before_cursor_execute", self._step)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_committed_while_an_answer_is_read_is_in_it_once_or_not_at_all(database, seed):
    """On PostgreSQL each statement sees what was committed before it."""
    rng = random.Random(seed)
    plain = fill(database, rng, "a", step=600)
    plain.samples |= fill(database, rng, "b", step=600).samples
    for turn in range(6):
        now = MONDAY + rng.choice((1.2, 1.6, 4)) * DAY
        start, end, points = rng.choice(
            ((MONDAY + 100, MONDAY + 1.5 * DAY, 40), (MONDAY + HOUR, MONDAY + 1.4 * DAY, 200),
             (MONDAY + 777, MONDAY + DAY + 99, 1500), (MONDAY - DAY, LATER, 5000))
        )  # fmt: skip
        targets = ["a", "b"]
        before = {t: dict(_by_at(plain.history(t, CPU, start, end, points))) for t in targets}
        late = [  # one in two hours, so that a point has one of them at most
            host(rng.choice(targets), MONDAY + 2 * HOUR * n + rng.randrange(HOUR), cpu=-turn - 1)
            for n in range(16)
        ]

        def act(late=late):
            match rng.randrange(5):
                case 0:
                    roll_up(database, LATER, seconds=60, rest=no_rest)
                case 1:
                    pack(database, LATER, seconds=60, rest=no_rest)
                case 2 if late:
                    plain.write(database, [late.pop()])
                case 3:
                    expire(database, LATER, rest=no_rest)
                case _:
                    pass

        with Between(database, act) as between:
            found = asked(database, targets, start, end, points, now)
        assert between.statements >= 3
        for one in found:
            after = dict(_by_at(plain.history(one.target, CPU, start, end, points)))
            told = dict(_by_at(one.points))
            old = before[one.target]
            assert old.keys() <= told.keys() <= after.keys()
            for at, point in told.items():
                states = [state[at] for state in (old, after) if at in state]
                assert any(same([point], [state]) for state in states), (turn, at - MONDAY, point)


def _by_at(points):
    return ((point[0], tuple(point)) for point in points)


def test_the_samples_themselves_while_they_are_packed(database):
    """Each time before another statement: the target, then rows and blocks of each day."""
    plain = fill(database, random.Random(4), "a", step=900)
    pack(database, LATER, seconds=60, rest=no_rest)
    for chosen in range(1, 7):
        plain.write(database, [host("a", MONDAY + chosen + n * DAY, cpu=n) for n in range(2)])
        turns = itertools.count(1)

        def act(chosen=chosen, turns=turns):
            if next(turns) == chosen:
                assert pack(database, LATER, seconds=60, rest=no_rest) == 2

        with Between(database, act) as between, database.read() as session:
            found = list(query.samples_between(session, "a", CPU, MONDAY, LATER))
        assert between.statements > 6
        assert found == plain.between("a", CPU, MONDAY, LATER)
