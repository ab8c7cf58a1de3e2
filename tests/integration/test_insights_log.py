"""What alerts add up to agrees with the event log, also as the alert engine writes it."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import event

from models.database import Database
from services.identity.audit import Actor
from services.insights.desk import Insights, Question
from services.insights.firings import Wanted
from services.observation import Status
from tests.integration.conftest import Watches
from tests.support.alert_monitor import CPU, DOWN
from tests.support.insights import Event, by_the_log, counted, flapped, ninth, plain, put, store
from tests.support.insights_site import (
    DAY,
    GRACE,
    HOUR,
    NOW,
    UTC,
    ask,
    fired,
    fleet,
    over,
    rows,
    taken,
    told,
)


def random_history(database: Database, seed: int) -> None:
    rng = np.random.default_rng(seed)
    targets = ("a", "b", "c", "a/api", "b/api", "@acme/web")
    with database.write() as session:
        for number in range(150):
            at = round(float(rng.uniform(NOW - 80 * DAY, NOW - DAY)), 3)
            log: list[Event] = []
            for again in range(1 + (rng.random() < 0.2) * int(rng.integers(1, 5))):
                log.append(Event("reopened" if again else "fired", at))
                marks = np.sort(np.round(rng.exponential([30, 400, 700]), 3)) + at
                if rng.random() < 0.8:
                    log.append(told(float(marks[0])))
                if rng.random() < 0.5:
                    log.append(taken(float(marks[1])))
                log.append(over(float(marks[2]), "ops" if rng.random() < 0.3 else None))
                at = float(marks[2]) + round(float(rng.uniform(1, 300)), 3)
            if rng.random() < 0.1:
                log.pop()  # it is open
            mark = (None, True, False)[int(rng.integers(3))] if log[-1].kind == "resolved" else None
            put(
                session, f"x{number}", f"r{rng.integers(4)}", str(rng.choice(targets)), log,
                severity=str(rng.choice(["warning", "critical"])), marked=mark,
                impact=[t for t in ("acme", "globex") if rng.random() < 0.5],
            )  # fmt: skip


@pytest.mark.parametrize(
    ("seed", "zone", "length"),
    [(1, "UTC", 30), (2, "Europe/Amsterdam", 75), (3, "Asia/Kathmandu", 30), (4, "US/Pacific", 7)],
)
def test_random_histories_agree_with_the_event_log(
    database: Database, seed: int, zone: str, length: float
) -> None:
    """With ends of summer time in them, and a reader who goes through the log line by line."""
    random_history(database, seed)
    log = by_the_log(database)
    start = NOW - length * DAY
    body = ask(database, start, NOW, zone=zone)
    slow = counted(log, start, NOW, zone, 300.0)
    before = counted(log, start - length * DAY, start, zone, 300.0)
    totals = body["totals"]
    assert (totals["firings"], totals["alerts"], totals["open"]) == (
        slow["firings"], slow["alerts"], slow["open"],
    )  # fmt: skip
    assert totals["before"]["firings"] == before["firings"]
    for breakdown, name, of in (
        ("byRule", "ruleId", "rules"), ("byTarget", "target", "targets"), ("byVps", "vpsId", "vps"),
        ("byTenant", "tenantId", "tenants"), ("bySeverity", "severity", "severities"),
    ):  # fmt: skip
        assert rows(body[breakdown], name) == slow[of], breakdown
        for row in body[breakdown]["rows"]:
            assert row["before"] == before[of][row[name]]
    assert {row["day"]: row["firings"] for row in body["perDay"] if row["firings"]} == slow["days"]
    assert [row["firings"] for row in body["byHour"]] == [slow["hours"][h] for h in range(24)]
    assert [row["firings"] for row in body["byWeekday"]] == [slow["weekdays"][d] for d in range(7)]
    for figure, name in (("acknowledgement", "mtta"), ("resolution", "mttr")):
        for said, seconds in ((body[figure], slow[name]), (body[figure]["before"], before[name])):
            assert said["count"] == len(seconds)
            assert said["mean"] == pytest.approx(np.mean(seconds), abs=0.002)
            assert said["median"] == pytest.approx(np.median(seconds), abs=0.002)
            assert said["p90"] == pytest.approx(ninth(seconds), abs=0.002)
        assert sum(row["count"] for row in body[figure]["trend"]) == len(slow[name])
    false = body["falsePositives"]
    assert false["resolved"] == slow["over"]
    assert false["falsePositives"] == {
        "marked": slow["false"]["marked"],
        "selfResolved": slow["false"]["selfResolved"],
        "deployment": 0,
    }
    flaps = {(row["ruleId"], row["target"]): row["firings"] for row in body["flapping"]["rows"]}
    assert flaps == flapped(log, start, NOW)


def test_days_are_those_of_the_zone(database: Database) -> None:
    # 29 March 2026 has 23 hours in Amsterdam: from 23:00 UTC on the day before to 22:00.
    begin = 1_774_738_800.0
    for number, at in enumerate((begin - 1, begin, begin + 23 * HOUR - 1, begin + 23 * HOUR)):
        store(database, f"x{number}", "cpu", "a", fired(at))
    made = fleet()
    found = Insights(database, lambda: made, GRACE, clock=lambda: begin + 2 * DAY)
    asked = Question(begin - HOUR, begin + DAY, Wanted(), ZoneInfo("Europe/Amsterdam"))
    days = [(row["day"], row["firings"]) for row in found.analytics(asked, None)["perDay"]]
    assert days == [("2026-03-28", 1), ("2026-03-29", 2), ("2026-03-30", 1)]


def test_long_times_have_a_trend_by_week(database: Database) -> None:
    random_history(database, 9)
    trend = ask(database, NOW - 60 * DAY, NOW)["resolution"]["trend"]
    mondays = [date.fromisoformat(row["from"]) for row in trend]
    assert {(b - a).days for a, b in pairwise(mondays)} == {7}
    assert trend[-1]["from"] == "2026-01-12"
    assert len(trend) in (9, 10)


def test_patterns_come_with_evidence_and_a_sentence(database: Database) -> None:
    rng = np.random.default_rng(4)
    start = NOW - 9 * DAY
    for number, at in enumerate(rng.uniform(start, NOW - HOUR, 14)):
        store(database, f"p{number}", "cpu", "a", fired(float(at)))
        store(database, f"q{number}", "disk", "c", fired(float(at) + 20), impact=["acme"])
    (row,) = ask(database, start, NOW)["patterns"]["together"]["rows"]
    assert {row["first"]["ruleId"], row["second"]["ruleId"]} == {"cpu", "disk"}
    assert all({a[0], b[0]} == {"p", "q"} and a[1:] == b[1:] for a, b in row["examples"])
    assert len(row["examples"]) == 3
    assert row["sentence"].startswith("'Rule cpu' (a) and 'Rule disk' (c) began within 5 min")
    assert abs(row["medianLag"]) == 20.0
    # Who may not know of one of the two is told of no pattern.
    hidden = ask(database, start, NOW, scope=frozenset({"globex"}))
    assert hidden["patterns"]["together"]["total"] == 0
    assert ask(database, start, NOW, scope=frozenset({"acme"}))["patterns"]["together"]["rows"]


def test_as_the_alert_engine_writes_it(watching: Watches) -> None:
    """Fired, taken on, over, back within the time in which it is reopened, over by hand."""
    monitor = watching(CPU, DOWN)
    begin = monitor.now + 10
    monitor.cpu(95)
    monitor.now += 45
    monitor.desk.acknowledge(monitor.alert().id, Actor("ops"))
    monitor.cpu(10, after=30)
    monitor.cpu(95, after=60)
    monitor.now += 25
    monitor.desk.resolve(monitor.alert().id, Actor("ops"), false_positive=True)
    monitor.check(Status.UNHEALTHY)
    monitor.check(Status.UNHEALTHY)
    monitor.tick(1)
    log = by_the_log(monitor.database)
    assert [one.rule for one in log].count("cpu") == 2
    made = monitor.fleet
    found = Insights(monitor.database, lambda: made, GRACE, clock=lambda: monitor.now + 1)
    asked = Question(begin, monitor.now + 1, Wanted(), ZoneInfo(UTC))
    body: Any = plain(found.analytics(asked, None))
    assert body["totals"]["firings"] == len(log)
    slow = counted(log, begin, monitor.now + 1, UTC, 300.0)
    assert (slow["mtta"], slow["mttr"]) == ([45.0], [75.0, 25.0])
    assert body["acknowledgement"]["mean"] == 45.0
    assert (body["resolution"]["mean"], body["resolution"]["count"]) == (50.0, 2)
    assert body["falsePositives"]["falsePositives"]["marked"] == slow["false"]["marked"] == 2
    assert Counter(row["ruleId"] for row in body["rules"]["rows"]).keys() == {
        one.rule for one in log
    }


def test_a_month_is_found_without_going_through_the_year(database: Database) -> None:
    if database.dialect != "sqlite":
        pytest.skip("the planner of PostgreSQL chooses by the size of the table")
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(database.readers, "before_cursor_execute", note)
    ask(database)
    event.remove(database.readers, "before_cursor_execute", note)
    asked = [one for one in statements if one.startswith("SELECT")]
    assert len(asked) >= 3
    with database.read() as session:
        for one in asked:
            marks = tuple(0.0 for _ in range(one.count("?")))
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", marks).all()
            assert "SCAN" not in str(plan), (one, plan)
