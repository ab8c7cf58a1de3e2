"""What alerts add up to, on both databases, by hand."""

from __future__ import annotations

import pytest

from models.annotations import AnnotationRow
from models.database import Database
from models.notifications import NotificationRow
from services.errors import ValidationError
from services.identity import OnlyServers
from services.insights.desk import MOST_DAYS
from tests.support.insights import Event, store
from tests.support.insights_site import (
    DAY,
    HOUR,
    MONDAY,
    NOW,
    ask,
    fired,
    over,
    rows,
    taken,
    told,
)


@pytest.fixture
def small(database: Database) -> Database:
    """Ten firings of eight alerts from Saturday to Wednesday, and two of the week before."""
    sat = MONDAY + 5 * DAY
    # Two of the period before: taken on after 60 s, over after 300 s.
    store(
        database,
        "b1",
        "cpu",
        "a",
        fired(MONDAY, told(MONDAY), taken(MONDAY + 60), over(MONDAY + 300)),
    )
    at = MONDAY + 4 * DAY + 23 * HOUR
    store(database, "b2", "disk", "b", fired(at, told(at), over(at + 900)))
    # Saturday 00:00:00, the first moment: 120 s to the acknowledgement, 600 s in all.
    store(
        database, "n1", "cpu", "a", fired(sat, told(sat), taken(sat + 120), over(sat + 600, "ops")),
        impact=["acme"],
    )  # fmt: skip
    # Saturday 12:00: by itself after 200 s; marked as nothing by nobody: found.
    at = sat + 12 * HOUR
    store(database, "n2", "cpu", "a", fired(at, told(at), over(at + 200)), impact=["acme"])
    # Sunday 23:30 three times within the hour: 100 s, 50 s (taken on after 20), 1000 s.
    at = sat + DAY + 23.5 * HOUR
    log = fired(at, told(at), over(at + 100))
    log += [Event("reopened", at + 300), told(at + 300), taken(at + 320), over(at + 350)]
    log += [Event("reopened", at + 600), told(at + 600), over(at + 1600)]
    store(database, "n3", "disk", "c", log, severity="critical", impact=["acme", "globex"])
    # Monday 09:00: an operator says that it was nothing.
    at = sat + 2 * DAY + 9 * HOUR
    store(
        database, "n4", "disk", "b", fired(at, told(at), taken(at + 30), over(at + 3000, "ops")),
        marked=True, impact=["globex"],
    )  # fmt: skip
    # Monday 09:10: short, but an operator says that it was real.
    at += 600
    store(database, "n5", "disk", "b", fired(at, told(at), over(at + 60, "ops")), marked=False)
    # Tuesday: nobody was told, for a cause explained it.
    at = sat + 3 * DAY + 9 * HOUR
    log = fired(at, over(at + 4000))
    store(database, "n6", "cpu", "a/api", log, impact=["acme"], cause="a")
    # Tuesday 09:30: in the grace of a deployment, for 250 s; the rule's time is shorter.
    at += 1800
    store(database, "n7", "cpu", "@acme/web", fired(at, told(at), over(at + 250)), impact=["acme"])
    # Wednesday: open, taken on after 90 s.
    at = sat + 4 * DAY + 9 * HOUR
    store(database, "n8", "cpu", "a", fired(at, told(at), taken(at + 90)), impact=["acme"])
    with database.write() as session:
        for number, (channel, status) in enumerate(
            [("email", "sent"), ("webhook", "delivered"), ("email", "failed"), ("inApp", "sent")]
        ):
            session.add(
                NotificationRow(
                    id=f"m{number}", alert_id="n1", event="alert.fired", channel=channel,
                    recipient="Ops", body={}, status=status, reason="sent", created_at=sat + 1,
                )
            )  # fmt: skip
    return database


def deploy(database: Database, at: float, **about: str) -> None:
    with database.write() as session:
        session.add(
            AnnotationRow(
                id="d", at=at, kind="deployment", text="release 7", tags=[], created_at=at,
                created_by="ops", **about,
            )
        )  # fmt: skip


def test_a_small_history_by_hand(small: Database) -> None:
    body = ask(small)
    totals = body["totals"]
    assert (totals["firings"], totals["alerts"], totals["told"], totals["open"]) == (10, 8, 9, 1)
    assert totals["before"] == {
        "firings": 2, "alerts": 2, "told": 2, "acknowledged": 1, "open": 0,
    }  # fmt: skip
    assert totals["change"] == 400.0
    assert rows(body["byRule"], "ruleId") == {"cpu": 5, "disk": 5}
    assert rows(body["byTarget"], "target") == {"a": 3, "c": 3, "b": 2, "a/api": 1, "@acme/web": 1}
    assert rows(body["byVps"], "vpsId") == {"a": 4, "c": 3, "b": 2}
    assert rows(body["byService"], "service") == {"api": 1, "web": 1}
    assert rows(body["byTenant"], "tenantId") == {"acme": 8, "globex": 4}
    assert rows(body["bySeverity"], "severity") == {"warning": 7, "critical": 3}
    disk = next(row for row in body["byRule"]["rows"] if row["ruleId"] == "disk")
    assert (disk["ruleName"], disk["alerts"], disk["before"], disk["change"]) == (
        "Rule disk", 3, 1, 400.0,
    )  # fmt: skip
    days = [(row["day"], row["firings"]) for row in body["perDay"]]
    assert days == [
        ("2026-01-10", 2), ("2026-01-11", 3), ("2026-01-12", 2), ("2026-01-13", 2),
        ("2026-01-14", 1),
    ]  # fmt: skip
    assert [row["firings"] for row in body["byWeekday"]] == [2, 2, 1, 0, 0, 2, 3]
    assert [row["before"] for row in body["byWeekday"]] == [1, 0, 0, 0, 1, 0, 0]
    hours = {row["hour"]: row["firings"] for row in body["byHour"] if row["firings"]}
    assert hours == {0: 1, 9: 5, 12: 1, 23: 3}


def test_mtta_and_mttr_by_hand(small: Database) -> None:
    body = ask(small)
    mtta, mttr = body["acknowledgement"], body["resolution"]
    # 120, 20, 30 and 90 seconds
    assert (mtta["count"], mtta["mean"], mtta["median"], mtta["p90"]) == (4, 65.0, 60.0, 120.0)
    assert mtta["leftOut"] == {
        "suppressed": 1, "nobodyTold": 0, "overWithoutIt": 5, "open": 0,
    }  # fmt: skip
    assert mtta["before"] == {"count": 1, "mean": 60.0, "median": 60.0, "p90": 60.0}
    # 600, 200, 100, 50, 1000, 3000, 60 and 250 seconds
    assert (mttr["count"], mttr["mean"], mttr["median"], mttr["p90"]) == (8, 657.5, 225.0, 3000.0)
    assert mttr["leftOut"] == {"suppressed": 1, "nobodyTold": 0, "open": 1}
    assert mttr["before"] == {"count": 2, "mean": 600.0, "median": 600.0, "p90": 900.0}
    assert [(row["from"], row["count"], row["mean"]) for row in mttr["trend"]] == [
        ("2026-01-10", 2, 400.0), ("2026-01-11", 3, 383.333), ("2026-01-12", 2, 1530.0),
        ("2026-01-13", 1, 250.0), ("2026-01-14", 0, None),
    ]  # fmt: skip
    assert "nobody was told" in mtta["definition"]
    assert "open" in mttr["definition"]


def test_false_positives_by_hand(small: Database) -> None:
    body = ask(small)
    found = body["falsePositives"]
    # Of nine that are over: n2, the first of n3 and n7 by themselves, n4 by the operator's word.
    assert found["resolved"] == 9
    assert found["falsePositives"] == {"marked": 1, "selfResolved": 3, "deployment": 0}
    assert (found["falsePositiveShare"], found["precision"]) == (44.4, 55.6)
    cpu, disk = sorted(body["rules"]["rows"], key=lambda row: row["ruleId"])
    assert cpu["falsePositives"] == {"marked": 0, "selfResolved": 2, "deployment": 0}
    assert (cpu["resolved"], cpu["precision"], cpu["acknowledgedShare"]) == (4, 50.0, 40.0)
    assert disk["falsePositives"] == {"marked": 1, "selfResolved": 1, "deployment": 0}
    assert (disk["resolved"], disk["precision"], disk["told"]) == (5, 60.0, 5)
    # One by e-mail and one by webhook; not what failed, nor what the page shows.
    assert (cpu["messages"], disk["messages"]) == (2, 0)
    assert [row["ruleId"] for row in body["rules"]["rows"]] == ["cpu", "disk"]


@pytest.mark.parametrize(
    ("about", "before", "counts", "why"),
    [
        ({"tenant_id": "acme"}, 10, True, "of the tenant that it reaches"),
        ({}, 10, True, "of everything"),
        ({"tenant_id": "globex"}, 10, False, "of another tenant"),
        ({"vps_id": "a"}, 10, True, "of the server that the application runs on"),
        ({"vps_id": "c"}, 10, False, "of another server"),
        ({}, 60, False, "it went on when the grace was over"),
        ({}, -1, False, "it fired before the deployment"),
    ],
)
def test_deployments(
    small: Database, about: dict[str, str], before: float, counts: bool, why: str
) -> None:
    at = MONDAY + 8 * DAY + 9.5 * HOUR
    deploy(small, at - before, **about)
    found = ask(small)["falsePositives"]["falsePositives"]
    expected = (1, 2) if counts else (0, 3)
    assert (found["deployment"], found["selfResolved"]) == expected, why


def test_flapping_by_hand(small: Database) -> None:
    (row,) = ask(small)["flapping"]["rows"]
    assert (row["ruleId"], row["target"], row["firings"], row["spells"]) == ("disk", "c", 3, 1)
    assert (row["medianGap"], row["alertIds"]) == (300.0, ["n3"])


def test_filters(small: Database) -> None:
    assert ask(small, rules=("cpu",))["totals"]["firings"] == 5
    assert ask(small, vps=("b", "c"))["totals"]["firings"] == 5
    assert ask(small, tenants=("globex",))["totals"]["firings"] == 4
    assert ask(small, severities=("critical",))["totals"]["firings"] == 3
    assert ask(small, rules=("disk",), tenants=("acme",))["totals"]["firings"] == 3
    assert ask(small, rules=("nothing",))["totals"]["firings"] == 0


def test_a_limited_caller_gets_what_it_may_know_of(small: Database) -> None:
    body = ask(small, scope=frozenset({"globex"}))
    assert rows(body["byTarget"], "target") == {"c": 3, "b": 2}
    assert rows(body["byTenant"], "tenantId") == {"globex": 4}
    assert "acme" not in str(body).casefold()
    assert ask(small, scope=frozenset({"globex"}), tenants=("acme",))["totals"]["firings"] == 0
    servers = OnlyServers.of(["a"], None)
    assert rows(ask(small, scope=servers)["byTarget"], "target") == {"a": 3, "a/api": 1}
    assert ask(small, scope=servers)["byTenant"]["rows"] == []


def test_reopened_again_and_again_since_long_ago(database: Database) -> None:
    """An alert that began before both periods counts with what it did in them."""
    log = fired(MONDAY - 20 * DAY, told(MONDAY - 20 * DAY), over(MONDAY - 19 * DAY))
    for at in (MONDAY, MONDAY + 5 * DAY, MONDAY + 9 * DAY):
        log += [Event("reopened", at), told(at), over(at + 100)]
    store(database, "long", "cpu", "a", log)
    body = ask(database)
    assert (body["totals"]["firings"], body["totals"]["before"]["firings"]) == (2, 1)
    assert body["resolution"]["mean"] == 100.0


def test_the_begin_is_part_of_it_and_the_end_is_not(database: Database) -> None:
    for number, at in enumerate((MONDAY + 5 * DAY, NOW - 0.001, MONDAY)):
        store(database, f"x{number}", "cpu", "a", fired(at))
    body = ask(database)
    assert (body["totals"]["firings"], body["totals"]["before"]["firings"]) == (2, 1)
    assert ask(database, end=NOW - 0.001)["totals"]["firings"] == 1


def test_nothing_at_all(database: Database) -> None:
    body = ask(database)
    assert body["totals"]["firings"] == 0
    assert body["totals"]["change"] is None
    assert body["acknowledgement"]["mean"] is None
    assert len(body["perDay"]) == 5
    assert body["falsePositives"]["precision"] is None
    assert body["patterns"]["together"] == {"rows": [], "total": 0, "tested": 0}


def test_a_clock_that_was_set_back_makes_no_negative_times(database: Database) -> None:
    at = MONDAY + 6 * DAY
    store(database, "x", "cpu", "a", fired(at, told(at), taken(at - 10), over(at - 5)))
    body = ask(database)
    assert (body["acknowledgement"]["mean"], body["resolution"]["mean"]) == (0.0, 0.0)


def test_too_long(database: Database) -> None:
    with pytest.raises(ValidationError, match=f"{MOST_DAYS} days"):
        ask(database, start=NOW - (MOST_DAYS + 1) * DAY)
