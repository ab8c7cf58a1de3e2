"""How the store asks the database, and what it makes of status intervals, on both databases."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import event, select, text

from models.history import PendingSpan
from models.targets import StatusInterval, TargetRow, TargetState
from services.health.status import Judgement, judge
from services.history import alive, query, write
from services.history.expire import expire
from services.history.uptime import Uptime
from services.observation import CheckResult, Observation, Status
from tests.support.history import MONDAY, Plain, host, no_rest, probe, work

HOUR, DAY = 3600, 86400
LATER = MONDAY + 4 * DAY
#: What asks about every target has to read them all.
OF_ALL = {"targets", "target_states"}
#: Indexes of the few rows that are asked for; those are read from the end or altogether.
OF_FEW = r"USING (COVERING )?INDEX ix_status_intervals_(changes|open)\b"


def explain(database, statement, parameters):
    if database.dialect == "sqlite":
        with database.engine.connect() as connection:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            return {
                match[1]
                for row in rows
                if (match := re.match(r"SCAN (?!json_each|CONSTANT|\()(\w+)", row[3]))
                and not re.search(OF_FEW, row[3])
            }
    with database.engine.connect() as connection:
        # Small tables are read whole because that is fastest; what counts is whether it must be.
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        return set(re.findall(r"Seq Scan on (\w+)", "\n".join(row[0] for row in rows)))


def everything(database):
    """Writes, jobs and questions, each once."""
    memory, plain = write.Memory(), Plain()
    for day in range(2):
        at = MONDAY + day * DAY
        batch = [host("a", at + n, cpu=1.5) for n in range(0, 7200, 600)]
        batch += [probe("a/api", at + n, 12.5) for n in range(0, 7200, 600)]
        plain.write(database, batch, memory)
    work(database, MONDAY + DAY + 2 * HOUR)
    plain.write(database, [host("a", MONDAY + 7, cpu=2.0)], memory)
    changed(database, "a", MONDAY, Status.HEALTHY, Status.UNHEALTHY)
    work(database, LATER)
    args = (MONDAY + 5, LATER)
    with database.read() as session:
        for metric, target in (("cpu", "a"), ("responseTime", "a/api")):
            for points in (20, 500, 5000):
                query.history(session, [target], metric, *args, points, LATER)
                query.mean(session, [target], metric, *args, points, LATER)
            list(query.samples_between(session, target, metric, *args))
        query.uptime(session, ["a"], *args)
        query.intervals(session, *args, ["a"])
        query.intervals(session, *args)
        query.recent_changes(session, 20)
        query.states(session)
        query.courses(session, ["a"], *args, 40)
        query.Courses().read(session, ["a"], LATER, 45.0, 40)
        query.platform_up_since(session)
    alive.note(database, LATER)
    with database.write() as session:
        assert alive.resume(session, LATER + DAY, 30.0) == LATER
    expire(database, MONDAY + 1000 * DAY, rest=no_rest)


def test_nothing_reads_a_whole_table(database):
    seen: dict[str, Any] = {}

    def note(_connection, _cursor, statement, parameters, _context, many):
        if re.match("(SELECT|INSERT|UPDATE|DELETE)", statement):
            seen.setdefault(statement, parameters[0] if many else parameters)

    for engine in (database.engine, database.readers):
        event.listen(engine, "before_cursor_execute", note)
    everything(database)
    for engine in (database.engine, database.readers):
        event.remove(engine, "before_cursor_execute", note)
    assert len(seen) > 30
    for statement, parameters in seen.items():
        if "advisory" not in statement:
            whole = explain(database, statement, parameters)
            if "targets.key IN" not in statement and "targets.key =" not in statement:
                whole -= OF_ALL
            assert whole == set(), statement


def changed(database, target, at, *statuses):
    """Judges a check every 100 s and stores what comes of it, each in a batch of its own."""
    before = None
    for number, status in enumerate(statuses):
        reading = Observation(target, at + 100.0 * number, check=CheckResult(status, str(status)))
        after = judge(before, reading)
        with database.write() as session:
            ids = write.target_ids(session, [target])
            write.judgements(session, {target: (before, after)}, ids)
        before = after
    return before


def test_many_judgements_in_one_batch(database):
    """New targets, changed ones and unchanged ones, and text that JSON and SQL must survive."""
    first = {
        f"vps-{n}": (None, Judgement(Status.HEALTHY, 100.0, "well", Status.HEALTHY, 1, 100.0))
        for n in range(50)
    }
    odd = CheckResult(Status.UNHEALTHY, 'it\'s \\ "down" %s', evidence={"error": 'a"b\\c', "n": 3})
    second = {
        key: (before, judge(before, Observation(key, 200.0, check=odd, facts={"os": "ü'"})))
        for key, (_, before) in list(first.items())[:20]
    }
    second |= {key: (before, before) for key, (_, before) in list(first.items())[20:]}
    for changes in (first, second, second):
        with database.write() as session:
            write.judgements(session, changes, write.target_ids(session, changes))
    with database.read() as session:
        states = query.states(session)
        assert (states["vps-3"].status, states["vps-3"].facts) == (Status.UNHEALTHY, {"os": "ü'"})
        assert states["vps-3"].reason == odd.message
        assert states["vps-30"].reason == "well"
        found = query.intervals(session, 0, 300)
        assert [(i.start, i.end) for i in found["vps-30"]] == [(100.0, None)]
        assert [(i.start, i.end) for i in found["vps-3"]][:2] == [(100.0, 200.0), (200.0, 200.0)]
        evidence = session.scalars(
            select(StatusInterval.evidence).where(StatusInterval.ended_at.is_(None))
        )
        assert odd.evidence in list(evidence)
        assert len(session.scalars(select(TargetState)).all()) == 50


def test_uptime_counts_the_time_of_each_status(database):
    bad, good, blind = Status.UNHEALTHY, Status.HEALTHY, Status.UNKNOWN
    changed(database, "a", 1000.0, good, bad, bad, good, good, blind, Status.DEGRADED)
    # healthy 1000-1100, unhealthy -1400, healthy -1500, unknown -1600, degraded from then on
    with database.read() as session:
        found = query.uptime(session, ["a", "nobody"], 1050.0, 1700.0)
        assert found["a"] == Uptime(healthy=150.0, degraded=100.0, unhealthy=300.0, unknown=100.0)
        assert found["a"].percent == pytest.approx(100 * 250 / 550)
        assert (found["nobody"], found["nobody"].percent) == (Uptime(), None)
        assert query.uptime(session, ["a"], 1200.0, 1300.0)["a"] == Uptime(unhealthy=100.0)
        assert query.uptime(session, ["a"], 5000.0, 5010.0)["a"].degraded == 10.0
        assert query.uptime(session, ["a"], 100.0, 200.0)["a"] == Uptime()


def test_intervals_of_a_range_are_those_that_touch_it(database):
    bad, good = Status.UNHEALTHY, Status.HEALTHY
    changed(database, "a", 1000.0, good, bad, good, good, bad)
    for start, end in ((900, 5000), (1150, 1250), (1400, 1401), (0, 1000), (1100, 1300)):
        with database.read() as session:
            rows = session.scalars(select(StatusInterval).order_by(StatusInterval.started_at))
            expected = [
                (row.started_at, row.ended_at)
                for row in rows
                if row.started_at < end and (row.ended_at is None or row.ended_at > start)
            ]
            for keys in (["a"], None):
                found = query.intervals(session, start, end, keys).get("a", [])
                assert [(i.start, i.end) for i in found] == expected


def test_a_new_process_goes_on_from_the_last_reading(database):
    Plain().write(database, [host("a", MONDAY + n, cpu=n / 7) for n in range(0, 100, 10)])
    changed(database, "a", MONDAY, Status.HEALTHY)
    with database.read() as session:
        assert query.states(session)["a"].metrics == {"system.cpu.usage": round(90 / 7, 3)}


def test_targets_are_made_once_and_remembered(database):
    memory = write.Memory()
    with database.write() as session:
        ids = write.target_ids(session, ["a", "a/api", "a"], memory)
    with database.write() as session:
        again = write.target_ids(session, ["a/api", "b"], memory)
        assert again["a/api"] == ids["a/api"]
        assert {row.key: row.kind for row in session.scalars(select(TargetRow))} == {
            "a": "vps",
            "a/api": "service",
            "b": "vps",
        }


def test_an_hour_that_goes_on_is_named_once_and_a_settled_one_each_time(database):
    memory, plain = write.Memory(), Plain()

    def version():
        with database.read() as session:
            return session.scalar(
                select(PendingSpan.version).where(
                    PendingSpan.span == HOUR, PendingSpan.start == MONDAY
                )
            )

    plain.write(database, [host("a", MONDAY, cpu=1.0)], memory)
    first = version()
    plain.write(database, [host("a", MONDAY + 30, cpu=1.0)], memory)
    assert version() == first
    work(database, MONDAY + 2 * HOUR)
    assert version() is None
    plain.write(database, [host("a", MONDAY + 60, cpu=1.0)], memory)
    second = version()
    plain.write(database, [host("a", MONDAY + 90, cpu=1.0)], memory)
    assert len({first, second, version(), None}) == 4
