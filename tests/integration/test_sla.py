"""Accounts and reports over a database: edges as a table, random histories, what is remembered of
tenants, reports that are kept. On both databases."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from models.accounts import SlaReport, TenantMember
from models.audit import AuditRow
from models.base import Base
from models.database import Database
from models.targets import StatusInterval
from services.alerts.quiet.specs import Maintenance
from services.errors import Conflict, NotFound, ValidationError
from services.history import alive, write
from services.rule import Rule
from tests.support.sla import DEFAULT, OPS, Place, at, second_by_second
from tests.support.stores import PostgresServer

HOUR, DAY = 3600, 86400
SERVERS = [
    {"id": "vps-1", "services": [{"name": "db", "type": "database", "check": {"tcp": "h:1"}}]},
    {"id": "vps-2", "services": [{"name": "db", "type": "database", "check": {"tcp": "h:2"}}]},
]
WEB = {"name": "web", "url": "https://acme.example", "runsOn": "vps-1/db"}
SHOP = {"name": "shop", "url": "https://shop.acme.example", "runsOn": "vps-1/db"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A database of each kind for all tests: to migrate one takes longer than any of them."""
    server: PostgresServer | None = None
    url = f"sqlite:///{tmp_path_factory.mktemp('sla')}/test.db"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        url = server.create()
    database = Database(url)
    database.migrate()
    yield database
    database.close()
    if server is not None:
        server.drop(url)


@pytest.fixture
def place(store: Database) -> Place:
    """What has been there since September 2025."""
    with store.write() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(delete(table))
    return Place(store, at("2025-09-01"))


def acme(*services: Any, policy: Any = None, **more: Any) -> dict[str, Any]:
    more.setdefault("organizationName", "ACME")
    return {"id": "acme", "services": list(services), "slaPolicy": policy or {}, **more}


def carried_by(vps_id: str) -> list[dict[str, Any]]:
    return [{**one, "tenants": ["acme"] if one["id"] == vps_id else []} for one in SERVERS]


@dataclass(frozen=True)
class Edge:
    """What happens to a tenant with one application (unless it says otherwise), and its account of
    a range then: minutes of downtime, minutes that count, and maintenance taken out."""

    word: str
    happens: Callable[[Place], None]
    start: str
    end: str
    down: float
    counted: float
    out: float = 0.0
    policy: tuple[tuple[str, str], ...] = ()


def outage(start: str, end: str, target: str = "@acme/web", status: str = "unhealthy") -> Any:
    def happens(place: Place) -> None:
        place.become(target, status, start)
        place.become(target, "healthy", end)

    return happens


def both(*acts: Callable[[Place], None]) -> Callable[[Place], None]:
    def happens(place: Place) -> None:
        for act in acts:
            act(place)

    return happens


def planned(schedule: dict[str, Any], scope: dict[str, Any], since: str = "2025-09-01") -> Any:
    def happens(place: Place) -> None:
        place.now = at(since)
        place.plan(schedule, scope)

    return happens


def monitor_dies(place: Place) -> None:
    """While the application is down."""
    place.become("@acme/web", "unhealthy", "2025-10-10 12:00")
    place.asleep("2025-10-10 12:20", "2025-10-10 12:50")
    place.become("@acme/web", "healthy", "2025-10-10 13:00")


def deleted_window(place: Place) -> None:
    """Each night at 02:00, deleted in the middle of the second night."""
    place.now = at("2025-10-01")
    id_ = place.plan(DAILY, ALL)
    outage("2025-10-01 02:00", "2025-10-01 03:00")(place)
    outage("2025-10-02 02:00", "2025-10-02 03:00")(place)
    outage("2025-10-03 02:00", "2025-10-03 03:00")(place)
    place.now = at("2025-10-02 02:30")
    place.quiet().delete_maintenance(id_, None, OPS)


def changed_window(place: Place) -> None:
    """At 02:00, from the second day on at 05:00."""
    place.now = at("2025-10-01")
    id_ = place.plan(DAILY, ALL)
    place.now = at("2025-10-02")
    later = {"name": "work", "schedule": {**DAILY, "at": "05:00"}, "scope": ALL}
    place.quiet().change_maintenance(id_, Maintenance.model_validate(later), None, OPS)
    outage("2025-10-01 02:00", "2025-10-01 06:00")(place)
    outage("2025-10-02 02:00", "2025-10-02 06:00")(place)


def moves(place: Place) -> None:
    """From vps-1 to vps-2 in mid-month; each of them is down for an hour before and after."""
    place.now = at("2025-09-01")
    place.inventory(vps=carried_by("vps-1"), tenants=[acme()])
    for target in ("vps-1/db", "vps-2/db"):
        place.become(target, "healthy", "2025-09-01")
    place.now = at("2025-10-16 12:00")
    place.inventory(vps=carried_by("vps-2"), tenants=[acme()])
    for target in ("vps-1/db", "vps-2/db"):
        outage("2025-10-10 10:00", "2025-10-10 11:00", target)(place)
        outage("2025-10-20 10:00", "2025-10-20 10:30", target)(place)


def down_while_it_moves(place: Place) -> None:
    place.now = at("2025-09-01")
    place.inventory(vps=carried_by("vps-1"), tenants=[acme()])
    for target in ("vps-1/db", "vps-2/db"):
        place.become(target, "healthy", "2025-09-01")
    place.now = at("2025-10-16 12:00")
    place.inventory(vps=carried_by("vps-2"), tenants=[acme()])
    outage("2025-10-16 11:30", "2025-10-16 12:45", "vps-1/db")(place)


def paused(place: Place) -> None:
    """From 12:30 to 12:50 nobody is to look; the last status goes on unseen."""
    place.become("@acme/web", "unhealthy", "2025-10-10 12:00")
    off = [{**SERVERS[0], "monitoring": {"enabled": False}}]
    for when, servers in (("2025-10-10 12:30", off), ("2025-10-10 12:50", SERVERS)):
        place.now = at(when)
        place.inventory(vps=servers, tenants=[acme(WEB)])
    place.become("@acme/web", "healthy", "2025-10-10 13:00")


DAILY = {"type": "daily", "at": "02:00", "minutes": 60}
ALL = {"tenant": ["acme"]}
TAKEN_OUT = (("maintenance", "excluded"),)
OCTOBER = ("2025-10-01", "2025-11-01")
#: Minutes of October 2025 in UTC: the end of summer time makes it no longer.
WHOLE = 31 * 24 * 60
EDGES = [
    Edge("over midnight: the day before has its part",
         outage("2025-10-10 23:50", "2025-10-11 00:20"), "2025-10-10", "2025-10-11", 10, 1440),
    Edge("over midnight: the day after has the rest",
         outage("2025-10-10 23:50", "2025-10-11 00:20"), "2025-10-11", "2025-10-12", 20, 1440),
    Edge("over the end of a month", outage("2025-10-31 23:00", "2025-11-01 02:00"),
         *OCTOBER, 60, WHOLE),
    Edge("over the end of summer time in Europe: the hour that comes twice is two hours",
         outage("2025-10-26 00:30", "2025-10-26 02:30"), "2025-10-26", "2025-10-27", 120, 1440),
    Edge("over the begin of summer time: there is no hour less",
         outage("2026-03-29 00:30", "2026-03-29 02:30"), "2026-03-29", "2026-03-30", 120, 1440),
    Edge("maintenance is not taken out unless the policy says so",
         both(planned(DAILY, ALL), outage("2025-10-10 02:00", "2025-10-10 03:00")),
         "2025-10-10", "2025-10-11", 60, 1440),
    Edge("a window of each day",
         both(planned(DAILY, ALL), outage("2025-10-10 01:30", "2025-10-10 03:15")),
         "2025-10-10", "2025-10-11", 45, 1380, 60, TAKEN_OUT),
    Edge("overlapping windows are taken out once",
         both(planned(DAILY, ALL), planned({**DAILY, "at": "02:30"}, {"vps": ["vps-1"]}),
              planned({"type": "cron", "expression": "15 2 * * *", "minutes": 30}, ALL),
              outage("2025-10-10 01:30", "2025-10-10 04:00")),
         "2025-10-10", "2025-10-11", 60, 1350, 90, TAKEN_OUT),
    Edge("once, weekly and cron together",
         both(planned({"type": "once", "start": "2025-10-06T10:00Z", "end": "2025-10-06T11:00Z"},
                      ALL),
              planned({"type": "weekly", "days": ["tue"], "at": "10:00", "minutes": 30}, ALL),
              planned({"type": "cron", "expression": "0 10 * * wed", "minutes": 15}, ALL)),
         "2025-10-06", "2025-10-13", 0, 7 * 1440 - 105, 105, TAKEN_OUT),
    Edge("a window by the clock of a zone whose clock is changed that night",
         both(planned({**DAILY, "timeZone": "Europe/Amsterdam"}, ALL),
              outage("2025-10-25 22:00", "2025-10-26 04:00")),
         "2025-10-25 22:00", "2025-10-26 22:00", 300, 1380, 60, TAKEN_OUT),
    Edge("a window about something else", both(planned(DAILY, {"vps": ["vps-2"]}),
                                               outage("2025-10-10 02:00", "2025-10-10 03:00")),
         "2025-10-10", "2025-10-11", 60, 1440, 0, TAKEN_OUT),
    Edge("a window that was entered afterwards takes nothing out",
         both(outage("2025-10-10 02:00", "2025-10-10 03:00"),
              planned({"type": "once", "start": "2025-10-10T02:00Z", "end": "2025-10-10T03:00Z"},
                      ALL, since="2025-10-11")),
         "2025-10-10", "2025-10-11", 60, 1440, 0, TAKEN_OUT),
    Edge("a window that was entered while it was open counts from then on",
         both(outage("2025-10-10 02:00", "2025-10-10 03:00"),
              planned({"type": "once", "start": "2025-10-10T02:00Z", "end": "2025-10-10T03:00Z"},
                      ALL, since="2025-10-10 02:40")),
         "2025-10-10", "2025-10-11", 40, 1420, 20, TAKEN_OUT),
    Edge("a deleted window has counted up to then", deleted_window,
         "2025-10-01", "2025-10-04", 90, 3 * 1440 - 90, 90, TAKEN_OUT),
    Edge("a window that was changed is what it was at that time", changed_window,
         "2025-10-01", "2025-10-03", 360, 2 * 1440 - 120, 120, TAKEN_OUT),
    Edge("a monitor outage inside an incident counts neither way", monitor_dies,
         "2025-10-10", "2025-10-11", 30, 1410),
    Edge("a monitor outage inside an incident as downtime", monitor_dies,
         "2025-10-10", "2025-10-11", 60, 1440, 0, (("blindness", "down"),)),
    Edge("a monitor outage inside an incident as uptime", monitor_dies,
         "2025-10-10", "2025-10-11", 30, 1440, 0, (("blindness", "up"),)),
    Edge("degraded is uptime", outage("2025-10-10 12:00", "2025-10-10 13:00", status="degraded"),
         "2025-10-10", "2025-10-11", 0, 1440),
    Edge("degraded is downtime", outage("2025-10-10 12:00", "2025-10-10 13:00", status="degraded"),
         "2025-10-10", "2025-10-11", 60, 1440, 0, (("degraded", "down"),)),
    Edge("nobody could look", outage("2025-10-10 12:00", "2025-10-10 13:00", status="unknown"),
         "2025-10-10", "2025-10-11", 0, 1380),
    Edge("nobody could look, which counts as downtime",
         outage("2025-10-10 12:00", "2025-10-10 13:00", status="unknown"),
         "2025-10-10", "2025-10-11", 60, 1440, 0, (("unknown", "down"),)),
    Edge("it was paused", paused, "2025-10-10", "2025-10-11", 40, 1420),
    Edge("it was not watched yet", lambda place: None, "2025-08-31", "2025-09-02", 0, 1440),
    Edge("it moves to another server in mid-month", moves, *OCTOBER, 60 + 30, WHOLE),
    Edge("it moves away from a server that is down", down_while_it_moves, *OCTOBER, 30, WHOLE),
]  # fmt: skip


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.word)
def test_an_edge(place, edge):
    if edge.happens not in (moves, down_while_it_moves):
        place.inventory(vps=SERVERS, tenants=[acme(WEB, policy=dict(edge.policy))])
        place.become("@acme/web", "healthy", "2025-09-01")
    edge.happens(place)
    place.now = at("2026-06-01")
    body = place.account("acme", edge.start, edge.end)
    assert body["downtimeSeconds"] == pytest.approx(60 * edge.down, abs=0.01)
    assert body["observedSeconds"] == pytest.approx(60 * edge.counted, abs=0.01)
    assert body["maintenanceMinutes"] == edge.out
    assert body["uptime"] == pytest.approx(100 * (1 - edge.down / edge.counted), abs=1e-4)
    assert sum(d["countedMinutes"] for d in body["downtimes"]) == pytest.approx(edge.down, abs=0.02)
    assert {d["evidence"].get("httpStatus", 503) for d in body["downtimes"]} <= {503}


def test_a_third_of_each_minute_while_one_of_three_is_down(place):
    place.inventory(vps=SERVERS, tenants=[acme(WEB, SHOP, {**SHOP, "name": "api"})])
    for name in ("web", "shop", "api"):
        place.become(f"@acme/{name}", "healthy", "2025-09-01")
    outage("2025-10-10 12:00", "2025-10-10 13:00")(place)
    place.now = at("2025-10-12")
    body = place.account("acme", "2025-10-10", "2025-10-11")
    assert (body["downtimeMinutes"], body["observedMinutes"]) == (20, 1440)
    (down,) = body["downtimes"]
    assert (down["minutes"], down["counts"], down["countedMinutes"]) == (60, 0.333333, 20)


def test_an_application_that_is_added_counts_from_then_on(place):
    place.inventory(vps=SERVERS, tenants=[acme(WEB)])
    place.become("@acme/web", "healthy", "2025-09-01")
    place.now = at("2025-10-10 12:00")
    place.inventory(vps=SERVERS, tenants=[acme(WEB, SHOP)])
    place.become("@acme/shop", "unhealthy", "2025-10-10 12:00")
    outage("2025-10-10 11:00", "2025-10-10 11:30")(place)
    place.now = at("2025-10-10 13:00")
    body = place.account("acme", "2025-10-10 11:00", "2025-10-10 13:00")
    assert (body["downtimeMinutes"], body["observedMinutes"]) == (30 + 30, 120)


@pytest.mark.parametrize("seed", range(6))
def test_random_histories_agree_with_the_event_log_to_the_second(place, seed):
    rng, start, end = random.Random(seed), int(at("2025-10-10")), int(at("2025-10-10 02:00"))
    fields = {
        **DEFAULT, "degraded": rng.choice(["up", "down"]),
        "unknown": rng.choice(["excluded", "down"]), "blindness": rng.choice(["excluded", "up"]),
    }  # fmt: skip
    place.inventory(vps=SERVERS, tenants=[acme(WEB, SHOP, policy=fields)])
    intervals: dict[str, list[tuple[str, float, float | None, str]]] = {}
    rows: list[dict[str, Any]] = []
    with place.database.write() as session:
        ids = write.target_ids(session, ["@acme/web", "@acme/shop", "vps-1/db"])
        for key, id_ in ids.items():
            own: list[tuple[str, float, float | None, str]] = []
            moment = start - rng.randrange(-HOUR, HOUR)
            while moment < end + HOUR:
                status = rng.choice(["healthy", "unhealthy", "degraded", "unknown"])
                stop = moment + rng.randrange(1, 900)
                own.append((status, float(moment), float(stop), rng.choice([alive.REASON, "?"])))
                moment = stop
            own[-1] = (*own[-1][:2], None, own[-1][3])
            intervals[key] = own
            rows += [
                {"target_id": id_, "status": status, "previous": None, "started_at": one,
                 "ended_at": other, "reason": why, "evidence": {}}
                for status, one, other, why in own
            ]  # fmt: skip
        session.execute(insert(StatusInterval), rows)
    place.now = at("2025-11-01")
    members = [("@acme/web", 0.0, 1e12), ("@acme/shop", 0.0, 1e12)]
    slow = second_by_second(members, intervals, {}, fields, start, end)
    body = place.account("acme", "2025-10-10", "2025-10-10 02:00")
    assert body["downtimeSeconds"] == pytest.approx(slow["down"], abs=0.001)
    assert body["observedSeconds"] == pytest.approx(slow["up"] + slow["down"], abs=0.001)
    assert body["degradedMinutes"] == pytest.approx(slow["degraded"] / 60, abs=0.006)


def memory(place):
    with place.database.read() as session:
        query = select(TenantMember).order_by(TenantMember.since, TenantMember.target)
        return [(m.tenant_id, m.target, m.since, m.until) for m in session.scalars(query)]


def test_what_a_tenant_is_judged_by_is_remembered_at_each_change(place):
    start = place.now
    place.inventory(vps=carried_by("vps-1"), tenants=[acme()])
    place.now += DAY
    place.inventory(vps=carried_by("vps-1"), tenants=[acme()])
    place.now += DAY
    place.inventory(vps=carried_by("vps-2"), tenants=[acme()])
    place.now += DAY
    place.inventory(vps=SERVERS, tenants=[])
    place.now += DAY
    place.inventory(vps=carried_by("vps-2"), tenants=[acme(WEB)])
    assert memory(place) == [
        ("acme", "vps-1/db", start, start + 2 * DAY),
        ("acme", "vps-2/db", start + 2 * DAY, start + 3 * DAY),
        ("acme", "@acme/web", start + 4 * DAY, None),
    ]


def test_a_new_tenants_applications_are_its_own_from_the_beginning(place):
    place.inventory(vps=SERVERS, tenants=[acme(WEB)])
    assert memory(place) == [("acme", "@acme/web", 0.0, None)]


def test_two_changes_at_one_moment_leave_the_last(place):
    place.inventory(vps=carried_by("vps-1"), tenants=[acme()])
    for vps_id in ("vps-2", "vps-1", "vps-2"):
        place.inventory(vps=carried_by(vps_id), tenants=[acme()])
    assert memory(place) == [("acme", "vps-2/db", place.now, None)]


def test_a_tenant_that_is_older_than_the_memory_has_always_been_where_it_is(place):
    place.inventory(vps=carried_by("vps-1"), tenants=[acme()])
    with place.database.write() as session:
        for table in ("tenant_members", "tenant_terms"):
            session.execute(delete(TenantMember.metadata.tables[table]))
    place.now += DAY
    place.inventory(vps=carried_by("vps-1"), tenants=[acme(), {"id": "new"}])
    assert memory(place) == [("acme", "vps-1/db", 0.0, None)]


def test_the_terms_of_the_month_hold_for_its_report(place):
    place.inventory(vps=SERVERS, tenants=[acme(WEB, sla=99.0)])
    place.become("@acme/web", "healthy", "2025-09-01")
    outage("2025-10-10 12:00", "2025-10-10 18:00", status="degraded")(place)
    place.now = at("2025-11-03")
    strict = {"degraded": "down"}
    place.inventory(vps=SERVERS, tenants=[acme(WEB, sla=99.9, policy=strict, organizationName="B")])
    place.now += 60
    october = place.desk.reports.one("acme", "2025-10")
    assert (october["target"], october["met"], october["organizationName"]) == (99.0, True, "ACME")
    assert october["policy"]["degraded"] == "uptime"
    november = place.desk.reports.one("acme", "2025-11")
    assert (november["target"], november["policy"]["degraded"]) == (99.9, "downtime")
    assert november["organizationName"] == "B"


def test_reports_are_made_after_the_month_and_kept_as_they_are(place):
    place.inventory(vps=SERVERS, tenants=[acme(WEB)])
    place.become("@acme/web", "healthy", "2025-09-01")
    outage("2025-10-10 12:00", "2025-10-10 13:00")(place)
    place.now = at("2025-10-31 23:59")
    assert place.desk.reports.make_due() == 1, "September"
    place.now = at("2025-11-01 00:05")
    assert place.desk.reports.make_due() == 0, "what was being judged then is not stored yet"
    assert place.desk.reports.one("acme", "2025-10")["kept"] is None
    place.now = at("2025-11-01 00:10")
    assert place.desk.reports.make_due() == 1
    assert place.desk.reports.make_due() == 0
    first = place.desk.reports.one("acme", "2025-10")
    assert (first["kept"]["version"], first["kept"]["madeBy"]) == (1, "healthdeck")
    assert (first["downtimeMinutes"], len(first["downtimes"])) == (60, 1)

    with place.database.write() as session:  # the event log is corrected
        session.execute(delete(StatusInterval).where(StatusInterval.status == "unhealthy"))
    place.now = at("2025-11-05")
    assert place.desk.reports.one("acme", "2025-10") == first
    again = place.desk.reports.make("acme", "2025-10", OPS, "it was the probe")
    assert (again["downtimeMinutes"], again["kept"]["version"]) == (0, 2)
    assert again["kept"]["reason"] == "it was the probe"
    assert [one["version"] for one in again["versions"]] == [2, 1]
    former = place.desk.reports.one("acme", "2025-10", 1)
    assert (former["downtimeMinutes"], former["downtimes"]) == (60, first["downtimes"])
    page, _ = place.desk.reports.page(["acme"], None, 10)
    assert [(row["month"], row["kept"] and row["kept"]["version"]) for row in page] == [
        ("2025-11", None), ("2025-10", 2), ("2025-09", 1),
    ]  # fmt: skip
    with place.database.read() as session:
        noted = session.scalars(select(AuditRow).where(AuditRow.action == "sla.report")).one()
    assert (noted.who, noted.target, noted.detail["version"]) == ("ops", "@acme", 2)


def test_reports_of_a_tenant_that_left_stay_and_are_still_made(place):
    place.inventory(vps=SERVERS, tenants=[acme(WEB)])
    place.become("@acme/web", "healthy", "2025-09-01")
    place.now = at("2025-10-10")
    place.inventory(vps=SERVERS, tenants=[])
    place.now = at("2025-11-02")
    assert place.desk.reports.former() == {"acme"}
    assert place.desk.reports.make_due() == 2
    october = place.desk.reports.one("acme", "2025-10")
    assert (october["organizationName"], october["observedMinutes"]) == ("ACME", 9 * 1440)
    with pytest.raises(NotFound):
        place.desk.reports.one("acme", "2025-11")


def test_a_report_that_cannot_be_is_refused(place):
    place.inventory(vps=SERVERS, tenants=[acme(WEB), {"id": "silent"}])
    place.become("@acme/web", "healthy", "2025-09-10")
    place.now = at("2025-10-20")
    with pytest.raises(Conflict, match="not over"):
        place.desk.reports.make("acme", "2025-10", OPS, "now")
    for name in ("2025-08", "2026-01"):
        with pytest.raises(NotFound):
            place.desk.reports.one("acme", name)
    for name in ("2025-13", "2025-00", "25-10", "0000-01", "9999-12"):
        with pytest.raises(ValidationError):
            place.desk.reports.one("acme", name)
    with pytest.raises(NotFound):
        place.desk.reports.one("silent", "2025-09")
    with pytest.raises(NotFound):
        place.desk.reports.one("acme", "2025-09", 7)


def test_two_processes_make_one_report(place):
    place.inventory(vps=SERVERS, tenants=[acme(WEB)])
    place.become("@acme/web", "healthy", "2025-09-01")
    other = Place(place.database, place.now)
    other.fleet = place.fleet
    place.now = other.now = at("2025-10-02")
    reports = place.desk.reports
    missing = reports._missing

    def overtaken(month, tenants):
        found = missing(month, tenants)
        other.desk.reports.make_due()
        return found

    reports._missing = overtaken
    assert reports.make_due() == 1
    with place.database.read() as session:
        assert len(session.scalars(select(SlaReport)).all()) == 1


def rule(metric: str, value: float) -> Rule:
    condition = {"metric": metric, "operator": "greaterThan", "value": value}
    given = {"id": "burning", "name": "Burning", "severity": "critical", "condition": condition}
    return Rule.model_validate(given)


def burning(place, when):
    place.now = at(when) if isinstance(when, str) else when
    metrics = place.desk.figures()["@acme"].metrics
    return metrics.get("sla.burnRate"), metrics.get("sla.burnRateSlow")


def test_burn_rates_need_both_windows(place):
    place.rules = [rule("sla.burnRate", 14.4), rule("sla.burnRateSlow", 6)]
    place.inventory(vps=SERVERS, tenants=[acme(WEB)])
    assert place.desk.figures()["@acme"].metrics == {}, "nothing was seen yet"
    place.become("@acme/web", "healthy", "2025-10-09")
    assert burning(place, "2025-10-10 11:59") == (0.0, 0.0)
    place.become("@acme/web", "unhealthy", "2025-10-10 12:00")
    # After a minute 1/60 of the hour is down, and a fifth of the last five minutes.
    assert burning(place, "2025-10-10 12:01") == (pytest.approx(16.67), pytest.approx(2.78))
    place.become("@acme/web", "healthy", "2025-10-10 12:10")
    fast, slow = burning(place, "2025-10-10 12:14")
    assert (fast, slow) == (pytest.approx(166.67), pytest.approx(27.78)), "10 min down"
    fast, slow = burning(place, "2025-10-10 12:16")
    assert (fast, slow) == (0.0, pytest.approx(27.78)), "the short window is well again"
    body = place.account("acme", "2025-10-10", "2025-10-11")["burnRates"]
    assert body["fast"]["long"] == pytest.approx(166.67)
    assert (body["fast"]["short"], body["fast"]["both"]) == (0.0, 0.0)


def test_nothing_is_computed_while_no_rule_is_about_tenants(place):
    place.inventory(vps=SERVERS, tenants=[acme(WEB)])
    place.become("@acme/web", "unhealthy", "2025-10-09")
    assert place.desk.figures() == {}
    place.rules = [rule("cpu", 90)]
    assert place.desk.figures() == {}


def test_a_server_and_a_service_have_the_highest_target_that_they_carry(place):
    tenants = [acme(WEB, sla=99.0), {"id": "b", "sla": 99.95}]
    servers = [{**SERVERS[0], "tenants": ["b"]}, SERVERS[1]]
    place.inventory(vps=servers, tenants=tenants)
    place.become("vps-1/db", "healthy", "2025-10-01")
    outage("2025-10-10 12:00", "2025-10-10 13:00", "vps-1/db")(place)
    place.now = at("2025-10-11")
    start, end = at("2025-10-10"), at("2025-10-11")
    for key in ("vps-1/db", "vps-1"):
        body = place.desk.target(key, None, start, end)
        assert (body["downtimeMinutes"], body["target"]) == (60, 99.95), key
    assert place.desk.target("vps-1/db", frozenset({"acme"}), start, end)["target"] == 99.0
    assert place.desk.target("vps-2", None, start, end)["target"] == 99.9
    assert place.desk.target("vps-2", None, start, end)["uptime"] is None
