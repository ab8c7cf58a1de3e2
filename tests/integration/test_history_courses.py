"""The latest course of many machines: what is kept says the same as what is read anew."""

from __future__ import annotations

import random

from sqlalchemy import event

from services.history import query
from services.history.courses import AGAIN, ALL_AGAIN
from tests.support.history import MONDAY, Plain, host

WIDTH, POINTS = 45.0, 40


def anew(database, keys, end):
    with database.read() as session:
        return query.courses(session, keys, end - POINTS * WIDTH, end, POINTS)


def test_each_slot_holds_the_last_reading_in_it(database):
    plain = Plain()
    plain.write(database, [host("a", MONDAY + n, cpu=n, load=1.0) for n in (0, 30, 44, 45, 130)])
    found = anew(database, ["a", "nobody"], MONDAY + 4 * WIDTH)
    assert found["nobody"] == [None] * POINTS
    assert [row and (row.at - MONDAY, row.cpu, row.disk) for row in found["a"][-5:]] == [
        None, (44, 44.0, None), (45, 45.0, None), (130, 130.0, None), None,
    ]  # fmt: skip


def test_what_is_kept_is_what_would_be_read_anew(database):
    """Readings come a little late, machines are added and leave, and callers see different ones."""
    rng, plain, kept = random.Random(8), Plain(), query.Courses()
    names = ["a", "b", "c", "d"]
    known, end = names[:2], float(MONDAY)
    for turn in range(120):
        end += WIDTH * rng.choice((0, 0, 1, 1, 1, 2, 7, 50))
        if turn == 60:
            known = names
        for name in known:
            late = rng.uniform(0, (AGAIN - 1) * WIDTH)
            plain.write(database, [host(name, int(end - late), cpu=turn / 10)])
        asked = rng.choice((known, known, known[:1]))
        with database.read() as session:
            found = kept.read(session, asked, end, WIDTH, POINTS)
        expected = anew(database, known, end)
        assert found == {key: expected[key] for key in asked}, turn
        found[asked[0]].clear()  # it is the caller's own


def test_what_is_replayed_is_seen_a_little_later(database):
    plain, kept = Plain(), query.Courses()
    plain.write(database, [host("a", MONDAY, cpu=1.0)])

    def known(end):
        with database.read() as session:
            return sum(
                row is not None for row in kept.read(session, ["a"], end, WIDTH, POINTS)["a"]
            )

    end = MONDAY + 10 * WIDTH
    assert known(end) == 1
    plain.write(database, [host("a", MONDAY + WIDTH, cpu=1.0)])
    assert known(end + (ALL_AGAIN - 1) * WIDTH) == 1
    assert known(end + ALL_AGAIN * WIDTH) == 2
    assert known(end) == 2, "a clock that was set back"


def test_only_the_last_slots_are_read_again(database):
    plain, kept, rows = Plain(), query.Courses(), []
    end = MONDAY + POINTS * WIDTH
    plain.write(database, [host("a", MONDAY + n, cpu=1.0) for n in range(0, 1800, 30)])

    def note(_connection, cursor, statement, parameters, *_rest):
        if "host_samples" in statement:
            rows.append(parameters[-2:])

    with database.read() as session:
        kept.read(session, ["a"], end, WIDTH, POINTS)
        for engine in (database.engine, database.readers):
            event.listen(engine, "after_cursor_execute", note)
        kept.read(session, ["a"], end + WIDTH, WIDTH, POINTS)
        for engine in (database.engine, database.readers):
            event.remove(engine, "after_cursor_execute", note)
    assert rows == [(end - AGAIN * WIDTH, end + WIDTH)]
