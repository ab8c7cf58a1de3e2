"""Incidents are formed from what is stored, whenever that happens, and killed whenever."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from sqlalchemy import select

from models.alerts import AlertEvent, AlertRow
from models.database import Database
from models.incidents import IncidentAlert, IncidentRow
from services.alerts.records import fingerprint
from services.errors import NotFound
from services.events import AlertChanged, JobChanged
from services.health.graph import Graph
from services.identity.audit import Actor
from services.insights import incidents_forming
from services.insights.incidents_desk import IncidentDesk, Place, Wanted
from services.insights.incidents_forming import Former
from services.inventory.zones import zone
from services.observation import vps_of
from tests.support import year
from tests.support.history import Mortal

FLEET = year.fleet()
GRAPH = Graph(FLEET)
START = 1_767_225_600.0
POSTGRES, API, WEB = "vps-01/postgres", "vps-01/backend-api", "vps-01/frontend"
ANNA = Actor("anna")
ACKNOWLEDGED = (
    "| 2026-01-01 00:01:02 | 2026-01-01 01:01:02 | acknowledged |"
    " vps-01/postgres is down: on it | anna |"
)


class Clock:
    """A clock that stands until it is moved; ``at`` in seconds."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def former(database: Database, clock: Clock | None = None) -> Former:
    return Former(database, lambda: FLEET, lambda: GRAPH, clock or Clock())


def desk(database: Database, now: float = START + 3600) -> IncidentDesk:
    return IncidentDesk(database, lambda: FLEET, lambda: GRAPH, lambda: now)


def put(database: Database, id_: str, target: str, after: float, **more: Any) -> str:
    """An alert that fired so many seconds after START."""
    cause = more.pop("cause", None)
    ended = more.pop("lasted", None)
    fired = START + after
    row = AlertRow(
        id=id_, fingerprint=fingerprint(id_, target), rule_id="down", rule_name="Down",
        target=target, vps_id=vps_of(target),
        tenant_id=target[1:].partition("/")[0] if target.startswith("@") else None,
        severity=more.pop("severity", "critical"), status="resolved" if ended else "active",
        title=f"{target} is down", message="refused", value="unhealthy", threshold="unhealthy",
        triggered_at=fired, resolved_at=fired + ended if ended else None, suppressed_by=cause,
        impact=list(GRAPH.impact(target)), **more,
    )  # fmt: skip
    with database.write() as session:
        session.add(row)
        session.flush()
        session.add(AlertEvent(alert_id=id_, at=fired, kind="fired", note=""))
    return id_


def change(database: Database, id_: str, kind: str, after: float, **values: Any) -> None:
    with database.write() as session:
        row = session.get_one(AlertRow, id_)
        for name, value in values.items():
            setattr(row, name, value)
        session.add(
            AlertEvent(alert_id=id_, at=START + after, kind=kind, actor="anna", note="on it")
        )


def members(database: Database) -> dict[str, set[str]]:
    """The alerts of each incident."""
    found: dict[str, set[str]] = defaultdict(set)
    with database.read() as session:
        for row in session.scalars(select(IncidentAlert)):
            found[row.incident_id].add(row.alert_id)
    return dict(found)


def stored(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as session:
        return [
            (row.id, row.root, row.title, row.severity, row.status, row.started_at,
             row.resolved_at)
            for row in session.scalars(
                select(IncidentRow).filter_by(merged_into=None).order_by(IncidentRow.id)
            )
        ]  # fmt: skip


def test_an_incident_follows_its_alerts(database: Database) -> None:
    forming = former(database)
    put(database, "a", POSTGRES, 0, severity="warning")
    put(database, "b", API, 20, cause=POSTGRES)
    forming.look()
    assert members(database) == {"a": {"a", "b"}}
    ((_, root, title, severity, status, started, ended),) = stored(database)
    assert (root, title, severity) == (POSTGRES, f"{POSTGRES} is down", "critical")
    assert (status, started, ended) == ("active", START, None)
    change(database, "a", "acknowledged", 60, status="acknowledged")
    forming.notice(AlertChanged("a", "alert.acknowledged"))
    forming.look()
    assert stored(database)[0][4] == "acknowledged", "what the cause explains waits for nobody"
    for id_ in ("a", "b"):
        change(database, id_, "resolved", 300, status="resolved", resolved_at=START + 300,
               suppressed_by=None)  # fmt: skip
    forming.notice(AlertChanged("a", "alert.resolved"))
    forming.look()
    assert stored(database)[0][4:] == ("resolved", START, START + 300)
    change(database, "a", "reopened", 400, status="active", resolved_at=None)
    forming.notice(AlertChanged("a", "alert.fired"))
    forming.look()
    assert stored(database)[0][4:] == ("active", START, None)


def test_what_was_two_incidents_keeps_both_addresses(database: Database) -> None:
    forming, reading = former(database), desk(database)
    put(database, "a", WEB, 0)
    put(database, "b", "vps-02/postgres", 5)
    forming.look()
    assert set(members(database)) == {"a", "b"}
    reading.note("b", "the disk is full", ANNA)
    put(database, "c", WEB, 30, cause="vps-02/postgres")
    forming.notice(AlertChanged("c", "alert.withheld"))
    forming.look()
    assert members(database) == {"a": {"a", "b", "c"}}
    assert reading.get("b", None)["id"] == "a"
    assert [note["text"] for note in reading.get("a", None)["notes"]] == ["the disk is full"]
    assert [one["id"] for one in reading.list(Wanted(), None)[0]] == ["a"]


def test_nothing_is_asked_while_nothing_changes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    forming = former(database, clock)
    forming.look()
    asked: list[object] = []
    monkeypatch.setattr(forming, "_form", lambda: asked.append(1))
    forming.look()
    forming.notice(JobChanged("x"))
    forming.look()
    assert asked == []
    clock.at = 61
    forming.look()
    forming.notice(AlertChanged("x", "alert.fired"))
    forming.look()
    assert len(asked) == 2


def test_an_alert_of_a_clock_that_was_set_back_is_found(database: Database) -> None:
    forming = former(database)
    put(database, "a", POSTGRES, 0)
    forming.look()
    put(database, "b", "vps-05", -9000)
    forming.notice(AlertChanged("b", "alert.fired"))
    forming.look()
    assert set(members(database)) == {"a", "b"}


ALERTS = 600


@pytest.fixture
def half_a_month(database: Database) -> Database:
    year.fill(database, 7, alerts=ALERTS, changes=6000, days=15)
    return database


def test_incidents_come_out_the_same_whenever_they_are_formed(
    half_a_month: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once, then from nothing in small steps that are killed at many a statement."""
    database = half_a_month
    former(database).look()
    at_once = stored(database), members(database)
    assert sum(map(len, at_once[1].values())) == ALERTS
    assert len(at_once[1]) < ALERTS, "outages have many alerts"
    with database.write() as session:
        for table in ("incident_alerts", "incident_notes", "incident_progress", "incidents"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")
    monkeypatch.setattr(incidents_forming, "BATCH", 100)
    step = 1
    while True:
        forming = former(database)
        with Mortal(database, step) as mortal:
            forming.look()
        if mortal.survived:
            break
        step += 11
    assert (stored(database), members(database)) == at_once


def test_a_timeline_tells_what_happened(database: Database) -> None:
    put(database, "a", POSTGRES, 0)
    put(database, "b", API, 20, cause=POSTGRES)
    former(database).look()
    change(database, "a", "told", 2, told_at=START + 2)
    change(database, "a", "acknowledged", 62, status="acknowledged")
    for id_ in ("a", "b"):
        change(database, id_, "resolved", 362, status="resolved", resolved_at=START + 362)
    former(database).look()
    reading = desk(database)
    body = reading.get("a", None)
    assert [(entry["event"], entry["alertId"]) for entry in body["timeline"]] == [
        ("detected", None), ("fired", "a"), ("told", "a"), ("fired", "b"), ("acknowledged", "a"),
        ("resolved", "a"), ("resolved", "b"), ("over", None),
    ]  # fmt: skip
    assert body["durations"] == {"toTold": 2, "toAcknowledged": 62, "toResolved": 362}
    assert body["tenants"] == list(GRAPH.impact(POSTGRES))
    reading.note("a", "pipe | and <b>", ANNA)
    text = reading.postmortem("a", zone("Europe/Amsterdam"), None)
    for line in (
        "# Post-mortem: vps-01/postgres is down",
        "- Until it was over: 6 min",
        "| Organisation 040 | tenant-040 | 6 |",
        ACKNOWLEDGED,
        "- 2026-01-01 01:00:00 UTC, note by anna: pipe \\| and \\<b\\>",
        "## Causes",
        "## Follow-ups",
    ):
        assert line in text.splitlines(), text


def test_who_is_limited_sees_its_own_part(database: Database) -> None:
    put(database, "a", POSTGRES, 0)
    put(database, "b", "@tenant-002/portal", 5, cause=POSTGRES)
    put(database, "c", "vps-09", 9)
    former(database).look()
    reading = desk(database)
    reading.note("a", "tenant-040 was hit", ANNA)
    # Of tenant-002, whose server is vps-03.
    scope = frozenset({"tenant-002"})
    (listed,), _ = reading.list(Wanted(), scope)
    assert (listed["id"], listed["rootTarget"], listed["tenants"]) == ("a", None, ["tenant-002"])
    assert (listed["title"], listed["alertCount"]) == ("@tenant-002/portal is down", 1)
    body = reading.get("a", scope)
    assert (body["notes"], [alert["id"] for alert in body["alerts"]]) == ([], ["b"])
    told = f"{body} {reading.postmortem('a', zone('UTC'), scope)}"
    for word in ("vps-01", "postgres", "tenant-040"):
        assert word not in told
    with pytest.raises(NotFound):
        reading.get("c", scope)


def test_a_list_goes_on_where_it_was(half_a_month: Database) -> None:
    reading = desk(half_a_month, year.UNTIL)
    former(half_a_month).look()
    whole = [one["id"] for one in reading.list(Wanted(limit=5000), None)[0]]
    seen: list[str] = []
    place: Place | None = None
    while True:
        rows, place = reading.list(Wanted(limit=100, after=place), None)
        seen += [one["id"] for one in rows]
        if place is None:
            break
    assert seen == whole
    tenant = reading.list(Wanted(tenant="tenant-007", limit=5000), None)[0]
    assert {one["id"] for one in tenant} < set(whole)
    assert all("tenant-007" in one["tenants"] for one in tenant)
