"""Maintenance and silences in a database: made, changed, ended, seen by those who may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from models.annotations import AnnotationRow
from models.audit import AuditRow
from models.database import Database
from models.quiet import MaintenanceRow
from services.alerts.quiet import desk as quiet_desk
from services.alerts.quiet.desk import QuietDesk
from services.alerts.quiet.now import Subject
from services.alerts.quiet.specs import Maintenance, NewSilence
from services.errors import (
    Conflict,
    InsufficientPermissions,
    NotFound,
    ValidationError,
)
from services.events import AnnotationAdded, Bus, JobChanged
from services.history import notes
from services.history.notes import Note, Reading
from services.identity import OnlyServers, Scope
from services.identity.audit import Actor
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory

NOW = datetime(2025, 11, 20, 12, tzinfo=UTC).timestamp()
OPS = Actor("ops", "10.0.0.9")
ACME: Scope = frozenset({"acme"})
OPEN = {"type": "once", "start": "2025-11-20T11:00Z", "end": "2025-11-20T14:00Z"}
NIGHT = {"type": "daily", "at": "02:00", "minutes": 60}
PAST = {"type": "once", "start": "2025-11-19T11:00Z", "end": "2025-11-19T14:00Z"}

FLEET = Fleet.build(
    Inventory.model_validate(
        {
            "vps": [
                {"id": "vps-1", "tags": ["eu"], "tenants": ["acme"],
                 "services": [{"name": "postgres", "type": "database"}]},
                {"id": "vps-2", "tags": ["us"], "tenants": ["globex"],
                 "services": [{"name": "mongo", "type": "database"}]},
            ],
            "tenants": [{"id": "acme"}, {"id": "globex"}],
        }
    ),
    "hub",
    "cache",
)  # fmt: skip


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class House:
    """A desk, its clock, and how often it said that something changed."""

    database: Database
    clock: Clock = field(default_factory=Clock)
    changes: int = 0

    def __post_init__(self) -> None:
        self.desk = self.another(self.changed)

    def changed(self) -> None:
        self.changes += 1

    def another(self, on_change: Callable[[], None] = lambda: None) -> QuietDesk:
        """The desk of a process beside, on the same database."""
        return QuietDesk(
            self.database, lambda: FLEET, 300.0, on_change, self.clock, lambda: ["cpu", "disk"]
        )

    def plan(self, schedule: dict[str, Any] = OPEN, scope: Scope = None, **of: Any) -> str:
        return str(self.desk.add_maintenance(spec(schedule, **of), scope, OPS)["id"])

    def hush(self, *matchers: dict[str, Any], scope: Scope = None, **more: Any) -> str:
        return str(self.desk.add_silence(silence(*matchers, **more), scope, OPS)["id"])

    def told(self, of: QuietDesk | None = None) -> str | None:
        withheld = (of or self.desk).quiet.reason(alert(), self.clock.now)
        return withheld.text if withheld else None

    def audit(self) -> list[tuple[str, str, dict[str, Any]]]:
        with self.database.read() as session:
            rows = session.scalars(select(AuditRow).order_by(AuditRow.id)).all()
            return [(row.who, row.action, row.detail) for row in rows]


def spec(schedule: dict[str, Any] = OPEN, name: str = "DB upgrade", **scope: Any) -> Maintenance:
    scope = scope or {"vps": ["vps-1"]}
    return Maintenance.model_validate({"name": name, "schedule": schedule, "scope": scope})


def matcher(field: str, value: Any, operator: str = "equals") -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


def silence(*matchers: dict[str, Any], **more: Any) -> NewSilence:
    given = {"comment": "known", "minutes": 30, "matchers": matchers or [matcher("vps", "vps-1")]}
    return NewSilence.model_validate({**given, **more})


def alert(target: str = "vps-1") -> Subject:
    return Subject.of("cpu", "CPU", "critical", target, frozenset({"acme"}), FLEET)


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


def test_maintenance_comes_changes_and_goes(house: House) -> None:
    made = house.desk.add_maintenance(spec(), None, OPS)
    assert made == house.desk.maintenance(made["id"], None)
    assert made | {"id": "m"} == {
        "id": "m", "name": "DB upgrade", "state": "active", "active": True,
        "current": {"start": "2025-11-20T11:00:00.000Z", "end": "2025-11-20T14:00:00.000Z"},
        "next": None, "schedule": {**OPEN, "timeZone": "UTC"},
        "scope": {"vps": ["vps-1"], "service": [], "tenant": [], "tags": [], "everything": False},
        "createdAt": "2025-11-20T12:00:00.000Z", "createdBy": "ops",
    }  # fmt: skip
    assert house.told() == "maintenance 'DB upgrade' until 14:00 UTC"
    changed = house.desk.change_maintenance(made["id"], spec(NIGHT, name="Nights"), None, OPS)
    assert (changed["state"], changed["current"]) == ("upcoming", None)
    assert changed["next"]["start"] == "2025-11-21T02:00:00.000Z"
    assert house.told() is None
    house.clock.now += 14 * 3600
    assert house.told() == "maintenance 'Nights' until 03:00 UTC"
    house.desk.delete_maintenance(made["id"], None, OPS)
    assert house.told() is None
    assert house.changes == 3
    with pytest.raises(NotFound):
        house.desk.maintenance(made["id"], None)
    assert [(who, action, detail["name"]) for who, action, detail in house.audit()] == [
        ("ops", "maintenance.add", "DB upgrade"),
        ("ops", "maintenance.change", "Nights"),
        ("ops", "maintenance.delete", "Nights"),
    ]
    assert house.audit()[1][2]["before"]["schedule"]["type"] == "once"


def test_a_silence_comes_and_is_ended(house: House) -> None:
    made = house.desk.add_silence(silence(), None, OPS)
    assert made | {"id": "s"} == {
        "id": "s", "comment": "known", "state": "active", "matchers": [matcher("vps", "vps-1")],
        "startsAt": "2025-11-20T12:00:00.000Z", "endsAt": "2025-11-20T12:30:00.000Z",
        "createdAt": "2025-11-20T12:00:00.000Z", "createdBy": "ops",
    }  # fmt: skip
    assert house.told() == "silence 'known' until 12:30 UTC"
    house.clock.now += 60
    house.desk.end_silence(made["id"], None, OPS)
    assert house.told() is None
    ended = house.desk.silence(made["id"], None)
    assert (ended["state"], ended["endsAt"]) == ("ended", "2025-11-20T12:01:00.000Z")
    with pytest.raises(Conflict, match="over already"):
        house.desk.end_silence(made["id"], None, OPS)
    assert [action for _, action, _ in house.audit()] == ["silence.add", "silence.end"]


def test_a_silence_that_has_not_begun_never_does(house: House) -> None:
    id_ = house.hush(startsAt="2025-11-20T13:00Z")
    assert house.desk.silence(id_, None)["state"] == "upcoming"
    house.desk.end_silence(id_, None, OPS)
    house.clock.now += 3660
    assert house.told() is None
    assert house.desk.silence(id_, None)["state"] == "ended"


def test_an_end_that_has_passed_is_refused(house: House) -> None:
    with pytest.raises(ValidationError, match="endsAt must lie after the start"):
        house.hush(endsAt="2025-11-20T11:59Z", minutes=None)


def test_lists_tell_states_and_come_in_pages(house: House) -> None:
    schedules: list[dict[str, Any]] = [OPEN, NIGHT, PAST, OPEN]
    for at, schedule in enumerate(schedules):
        house.plan(schedule, name=f"m{at}")
        house.clock.now += 1
    times: list[dict[str, Any]] = [{}, {"startsAt": "2025-11-21"}, {"minutes": 1}, {}]
    for at, more in enumerate(times):
        house.hush(comment=f"s{at}", **more)
        house.clock.now += 61

    def names(kind: str, **asked: Any) -> list[str]:
        found, place = [], None
        read = house.desk.list_maintenance if kind == "name" else house.desk.list_silences
        while True:
            page, place = read(None, asked.get("state"), place, asked.get("limit", 100))
            found += [body[kind] for body in page]
            if place is None:
                return found
            assert len(page) == asked["limit"]

    assert names("name") == names("name", limit=1) == ["m3", "m2", "m1", "m0"]
    assert names("name", limit=2) == names("name", limit=3) == names("name", limit=4)
    assert names("name", state="active", limit=1) == ["m3", "m0"]
    assert names("name", state="upcoming") == ["m1"]
    assert names("name", state="ended") == ["m2"]
    assert names("comment") == names("comment", limit=1) == ["s3", "s2", "s1", "s0"]
    assert names("comment", state="active", limit=1) == ["s3", "s0"]
    assert names("comment", state="upcoming") == ["s1"]
    assert names("comment", state="ended") == ["s2"]


def test_what_is_refused_is_not_stored(house: House) -> None:
    with pytest.raises(NotFound, match="There is no VPS 'vps-9'"):
        house.plan(vps=["vps-9"])
    with pytest.raises(NotFound, match="There is no rule 'cqu'; did you mean 'cpu'"):
        house.hush(matcher("rule", "cqu"))
    with pytest.raises(InsufficientPermissions, match="your tenants alone"):
        house.plan(scope=ACME, everything=True)
    assert house.desk.list_maintenance(None, None, None, 10) == ([], None)
    assert house.desk.list_silences(None, None, None, 10) == ([], None)
    assert (house.audit(), house.changes) == ([], 0)


def test_limited_callers_see_what_is_within_their_tenants(house: House) -> None:
    seen = {
        house.plan(tenant=["acme"], name="ours"),
        house.plan(tenant=["acme"], vps=["vps-1"], name="ours on a server"),
        house.hush(matcher("tenant", "acme")),
        house.hush(matcher("tenant", ["acme"], "oneOf"), matcher("rule", "cpu")),
    }
    hidden = {
        house.plan(everything=True, name="all"),
        house.plan(vps=["vps-1"], name="a server"),
        house.plan(tenant=["acme", "globex"], name="two"),
        house.plan(tenant=["acme"], vps=["vps-2"], name="names another's server"),
        house.hush(matcher("vps", "vps-1")),
        house.hush(matcher("tenant", "globex", "notEquals")),
        house.hush(matcher("tenant", "acme"), matcher("tag", "us")),
    }
    desk = house.desk
    listed = [
        *desk.list_maintenance(ACME, None, None, 100)[0],
        *desk.list_silences(ACME, None, None, 100)[0],
    ]
    assert {one["id"] for one in listed} == seen
    for id_ in hidden:
        for ask in (
            lambda id_: desk.maintenance(id_, ACME),
            lambda id_: desk.change_maintenance(id_, spec(tenant=["acme"]), ACME, OPS),
            lambda id_: desk.delete_maintenance(id_, ACME, OPS),
            lambda id_: desk.silence(id_, ACME),
            lambda id_: desk.end_silence(id_, ACME, OPS),
        ):
            with pytest.raises(NotFound):
                ask(id_)
    other = OnlyServers.of(["vps-1"], None)
    assert desk.list_maintenance(other, None, None, 100) == ([], None)
    assert desk.list_silences(other, None, None, 100) == ([], None)


def test_limited_callers_keep_within_their_tenants_when_they_change(house: House) -> None:
    id_ = house.plan(scope=ACME, tenant=["acme"])
    for wider in ({"everything": True}, {"vps": ["vps-1"]}):
        with pytest.raises(InsufficientPermissions):
            house.desk.change_maintenance(id_, spec(**wider), ACME, OPS)
    changed = house.desk.change_maintenance(id_, spec(NIGHT, tenant=["acme"]), ACME, OPS)
    assert changed["state"] == "upcoming"
    house.desk.delete_maintenance(id_, ACME, OPS)
    assert house.desk.list_maintenance(None, None, None, 10) == ([], None)


def test_a_deployment_is_given_its_grace(house: House) -> None:
    bus = Bus()
    bus.subscribe(house.desk.notice)

    def note(kind: str, vps_id: str | None, at: float = NOW) -> None:
        made = Note(at, at + 7200, kind, "v1.2.3", vps_id, None, ())
        notes.add(house.database, bus, made, Reading.of(FLEET, None), OPS, house.clock.now)

    note("note", "vps-1")
    note("deployment", "vps-2")
    assert house.told() is None
    note("deployment", "vps-1")
    assert house.told() == "deployment 'v1.2.3' until 12:05 UTC"
    assert house.changes == 2
    bus.publish(JobChanged("j"))
    bus.publish(AnnotationAdded("none"))
    assert house.changes == 2
    house.clock.now += 300
    assert house.told() is None
    note("deployment", "vps-1", NOW + 600)
    assert house.told() is None
    house.clock.now += 300
    assert house.told() == "deployment 'v1.2.3' until 12:15 UTC"


def test_an_annotation_that_is_taken_away_gives_no_grace(house: House) -> None:
    row = AnnotationRow(
        id="d", at=NOW, until=None, kind="deployment", text="v1", vps_id=None, tenant_id=None,
        tags=[], created_at=NOW, created_by="ci",
    )  # fmt: skip
    with house.database.write() as session:
        session.add(row)
    house.desk.refresh()
    assert house.told() == "deployment 'v1' until 12:05 UTC"
    notes.delete(house.database, "d", Reading.of(FLEET, None), OPS, NOW)
    house.desk.refresh()
    assert house.told() is None


def test_what_another_process_changes_is_taken_in(house: House) -> None:
    other = house.another()
    id_ = house.plan()
    assert house.told(other) is None
    other.refresh()
    assert house.told(other) == house.told() == "maintenance 'DB upgrade' until 14:00 UTC"
    other.delete_maintenance(id_, None, OPS)
    assert house.changes == 1
    house.desk.refresh()
    house.desk.refresh()
    assert (house.told(), house.changes) == (None, 2)


def test_it_is_in_force_after_a_restart(house: House) -> None:
    house.plan(NIGHT)
    house.hush()
    later = house.another()
    assert house.told(later) == "silence 'known' until 12:30 UTC"
    house.clock.now += 14 * 3600
    assert house.told(later) == "maintenance 'DB upgrade' until 03:00 UTC"


def test_what_cannot_be_read_any_more_stops_nothing(house: House) -> None:
    id_, good = house.plan(), house.plan(name="good")
    with house.database.write() as session:
        row = session.get_one(MaintenanceRow, id_)
        broken = {**row.spec, "schedule": {**row.spec["schedule"], "timeZone": "Europe/Atlantis"}}
        session.execute(update(MaintenanceRow).where(MaintenanceRow.id == id_).values(spec=broken))
    later = house.another()
    assert house.told(later) == "maintenance 'good' until 14:00 UTC"
    assert [one["id"] for one in later.list_maintenance(None, None, None, 10)[0]] == [good]
    with pytest.raises(NotFound):
        later.delete_maintenance(id_, ACME, OPS)
    later.delete_maintenance(id_, None, OPS)
    with house.database.read() as session:
        assert session.get(MaintenanceRow, id_) is None


def test_there_is_a_most(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet_desk, "MOST", 2)
    for _ in range(2):
        house.plan()
        house.hush()
    with pytest.raises(Conflict, match="There are 2 windows, which are the most"):
        house.plan()
    with pytest.raises(Conflict, match="There are 2 silences that are not over"):
        house.hush()
    house.clock.now += 1800
    house.hush()
