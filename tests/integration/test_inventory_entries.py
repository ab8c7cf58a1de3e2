"""Servers and tenants that were added in the UI, on both databases."""

from __future__ import annotations

import time
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from models.inventory import InventoryEntry
from models.targets import TargetRow
from services.errors import ConfigurationError, Conflict, NotFound, ValidationError
from services.inventory.desk import InventoryDesk
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.inventory.sync import sync

#: What no database has a say in.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SECRETS = {"PG_PASSWORD": "hush-hush"}
FILE = {
    "vps": [
        {
            "id": "vps-1",
            "source": {"type": "local"},
            "services": [{"name": "api", "type": "backend"}],
            "tenants": ["acme"],
        }
    ],
    "tenants": [{"id": "acme"}],
}
NEW = {
    "id": "vps-2",
    "name": "Second",
    "source": {"type": "agent"},
    "services": [
        {
            "name": "db",
            "type": "database",
            "check": {"postgres": "postgresql://m:${PG_PASSWORD}@h/db"},
            "dependsOn": ["vps-1/api"],
        }
    ],
    "tenants": ["acme"],
}
TENANT = {
    "id": "globex",
    "services": [{"name": "web", "url": "https://g.example", "runsOn": "vps-2/db"}],
}


def inventory(data):
    return Inventory.model_validate(data)


class Desk(InventoryDesk):
    """The inventories that it tells are in ``told``."""

    def __init__(self, database, file, environ):
        self.told: list[Inventory] = []
        super().__init__(database, inventory(file), self.told.append, environ, lambda: 1000.0)


@pytest.fixture
def desk_of(database):
    """A process' desk over the one database."""

    def desk_of(file=FILE, environ=SECRETS):
        return Desk(database, file, environ)

    return desk_of


@pytest.fixture
def desk(desk_of):
    return desk_of()


def ids(inventory):
    return [spec.id for spec in (*inventory.vps, *inventory.tenants)]


def rows(database):
    with database.read() as session:
        return {row.id: row for row in session.scalars(select(InventoryEntry))}


def test_without_entries_the_file_is_the_inventory(desk):
    assert desk.inventory == inventory(FILE)
    assert desk.entries == ()


def test_a_server_and_a_tenant_are_added_and_told(desk, database):
    assert desk.add_vps(NEW, "eve") == NEW
    desk.add_tenant(TENANT, "eve")
    assert ids(desk.inventory) == ["vps-1", "vps-2", "acme", "globex"]
    assert desk.told[-1] is desk.inventory
    assert len(desk.told) == 2
    assert [(entry.kind, entry.id, entry.by, entry.at) for entry in desk.entries] == [
        ("vps", "vps-2", "eve", 1000.0),
        ("tenant", "globex", "eve", 1000.0),
    ]
    password = desk.inventory.vps[1].services[0].check.url.get_secret_value()
    assert password == "postgresql://m:hush-hush@h/db"
    assert "hush" not in repr({id_: row.spec for id_, row in rows(database).items()})


def test_they_are_there_after_a_restart(desk, desk_of):
    desk.add_vps(NEW, "eve")
    assert desk_of().inventory == desk.inventory


def test_a_change_replaces_the_whole(desk, database):
    desk.add_vps(NEW, "eve")
    assert desk.change_vps("vps-2", {"name": "Other"}, "bob") == {"id": "vps-2", "name": "Other"}
    assert desk.inventory.vps[1] == inventory({"vps": [{"id": "vps-2", "name": "Other"}]}).vps[0]
    row = rows(database)["vps-2"]
    assert (row.created_by, row.changed_by) == ("eve", "bob")


def test_what_is_deleted_goes_and_may_come_back(desk, desk_of, database):
    desk.add_vps(NEW, "eve")
    desk.delete_vps("vps-2", "bob")
    assert ids(desk.inventory) == ids(desk_of().inventory) == ["vps-1", "acme"]
    row = rows(database)["vps-2"]
    assert (row.removed_at, row.changed_by) == (1000.0, "bob")
    with pytest.raises(NotFound, match="There is no server 'vps-2'"):
        desk.delete_vps("vps-2", "bob")
    desk.add_vps(NEW, "ann")
    assert ids(desk.inventory) == ["vps-1", "vps-2", "acme"]
    assert rows(database)["vps-2"].created_by == "ann"


def test_what_stands_in_the_file_is_not_changed_here(desk):
    for act in (
        lambda: desk.change_vps("vps-1", {}, "eve"),
        lambda: desk.delete_vps("vps-1", "eve"),
        lambda: desk.change_tenant("acme", {}, "eve"),
        lambda: desk.delete_tenant("acme", "eve"),
    ):
        with pytest.raises(Conflict, match=r"stands in the inventory file; (change|take) it"):
            act()
    for act, given in ((desk.add_vps, {"id": "vps-1"}), (desk.add_tenant, {"id": "acme"})):
        with pytest.raises(Conflict, match=r"There already is a (server 'vps-1'|tenant 'acme')"):
            act(given, "eve")
    desk.add_vps(NEW, "eve")
    with pytest.raises(Conflict, match="There already is a server 'vps-2'"):
        desk.add_vps(NEW, "eve")
    with pytest.raises(NotFound, match="There is no tenant 'vps-2'"):
        desk.change_tenant("vps-2", {}, "eve")


@ON_SQLITE
@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        ({"id": "A B"}, "id", "'A B' does not fit; use lower-case"),
        ({"id": None}, "id", "'null' is not text"),
        ({"regoin": "nl"}, "regoin", "there is no such field; did you mean 'region'?"),
        ({"services": [{"name": "db"}]}, "services[0]", "needs a 'type'"),
        ({"source": {"type": "agnt"}}, "source", "there is no source 'agnt'; did you mean 'agent'"),
        (
            {"source": {"type": "local"}},
            "source",
            "only one server can be this machine, and 'vps-1'",
        ),
        ({"tenants": ["acmee"]}, "tenants[0]", "there is no tenant 'acmee'; did you mean 'acme'?"),
        ({"monitoring": {"interval": 10**400}}, "monitoring.interval", "'1000"),
        ({"name": "${PG_PASSWORD}"}, "name", "a variable may stand only where a secret belongs"),
        (
            {"services": [{"name": "a", "type": "b", "check": {"redis": "redis://:hush-hush@h"}}]},
            "services[0].check.redis",
            "a password is not kept here; in its place write ${NAME}",
        ),
        (
            {"services": [{"name": "a", "type": "b", "check": {"redis": "redis://:${NO}@h"}}]},
            "services[0].check.redis",
            "the environment has no variable NO; set it",
        ),
        (
            {"services": [{"name": "a", "type": "b", "check": {"redis": "${PG_PASSWORD}"}}]},
            "services[0].check.redis",
            "this is not a Redis URL; write redis://host:6379/0",
        ),
        (
            {"services": [{"name": "a", "type": "b", "dependsOn": ["vps-1/apy"]}]},
            "services[0].dependsOn[0]",
            "there is no service 'vps-1/apy'; did you mean 'vps-1/api'?",
        ),
    ],
)
def test_a_wrong_one_is_refused_with_its_place(desk, database, change, field, problem):
    with pytest.raises(ValidationError) as caught:
        desk.add_vps({**NEW, **change}, "eve")
    (detail,) = caught.value.details
    assert detail["field"] == field
    assert detail["problem"].startswith(problem)
    assert "hush" not in detail["problem"]
    assert rows(database) == {}
    assert desk.told == []


def test_an_id_is_needed_and_stays(desk):
    with pytest.raises(ValidationError, match="id"):
        desk.add_vps({"name": "nameless"}, "eve")
    desk.add_vps(NEW, "eve")
    with pytest.raises(ValidationError, match="The id stays 'vps-2'"):
        desk.change_vps("vps-2", {**NEW, "id": "vps-3"}, "eve")


def test_what_others_need_stays(desk):
    desk.add_vps(NEW, "eve")
    desk.add_tenant(TENANT, "eve")
    before = desk.inventory
    for act in (
        lambda: desk.delete_vps("vps-2", "eve"),
        lambda: desk.change_vps("vps-2", {"services": []}, "eve"),
    ):
        with pytest.raises(Conflict, match="does not go with the rest") as caught:
            act()
        assert [line.partition(";")[0] for line in caught.value.details] == [
            "tenant 'globex' (added by eve): services[0].runsOn: there is no service 'vps-2/db'"
        ]
    assert desk.inventory is before


def test_a_file_that_needs_less_is_taken_and_one_that_clashes_is_not(desk):
    desk.add_vps(NEW, "eve")
    before = desk.inventory
    with pytest.raises(ConfigurationError) as caught:
        desk.take_file(inventory({"vps": [{"id": "vps-1"}, {"id": "vps-2"}]}))
    assert [line.partition(";")[0] for line in caught.value.details] == [
        "server 'vps-2' (added by eve): id: there already is a server 'vps-2' (vps[1])",
        "server 'vps-2' (added by eve): tenants[0]: there is no tenant 'acme'",
        "server 'vps-2' (added by eve): services[0].dependsOn[0]: there is no service 'vps-1/api'",
    ]
    assert desk.inventory is before
    desk.take_file(inventory({**FILE, "tenants": [{"id": "acme", "sla": 99}]}))
    assert desk.inventory.tenants[0].sla == 99
    assert desk.told[-1] is desk.inventory


def test_a_start_with_a_file_that_clashes_is_refused(desk, desk_of):
    desk.add_vps(NEW, "eve")
    with pytest.raises(ConfigurationError, match="the environment has no variable PG_PASSWORD"):
        desk_of(environ={})
    with pytest.raises(ConfigurationError, match="added by eve"):
        desk_of({"vps": [{"id": "vps-2"}]})


def test_what_the_file_says_of_this_machine_is_kept(desk_of):
    rule = {
        "id": "r",
        "name": "R",
        "severity": "info",
        "condition": {"metric": "cpu", "operator": "equals", "value": 1},
        "scope": {"vps": ["healthdeck"]},
    }
    desk = desk_of({"vps": [{"id": "vps-1"}], "rules": [rule]})
    with pytest.raises(Conflict) as caught:
        desk.add_vps({"id": "here", "source": {"type": "local"}}, "eve")
    (line,) = caught.value.details
    assert line.startswith("rule 'r' of the file: scope.vps[0]: there is no server 'healthdeck'")


def test_another_process_hears_of_it(desk_of):
    one, two = desk_of(), desk_of()
    one.add_vps(NEW, "eve")
    two.refresh()
    assert two.inventory == one.inventory
    two.refresh()
    assert len(two.told) == 1
    two.add_tenant(TENANT, "bob")
    one.delete_tenant("globex", "eve")
    two.refresh()
    assert ids(two.inventory) == ["vps-1", "vps-2", "acme"]


def test_what_another_process_cannot_use_is_told_once(desk_of):
    one, two = desk_of(), desk_of(environ={})
    one.add_vps(NEW, "eve")
    with pytest.raises(ConfigurationError, match="no variable PG_PASSWORD"):
        two.refresh()
    two.refresh()
    assert two.inventory == inventory(FILE)


def test_processes_that_change_at_once_lose_nothing(desk_of):
    desks = [desk_of() for _ in range(4)]
    together = Barrier(4)
    failed = []

    def add(desk, number):
        together.wait(10)
        try:
            for turn in range(3):
                desk.add_vps({"id": f"v-{number}-{turn}"}, "eve")
        except Exception as error:
            failed.append(error)

    threads = [Thread(target=add, args=(desk, n)) for n, desk in enumerate(desks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert len(desk_of().entries) == 12


def test_one_id_is_given_once_whoever_asks(desk_of):
    desks = [desk_of() for _ in range(4)]
    together = Barrier(4)
    said = []

    def add(desk):
        together.wait(10)
        try:
            desk.add_vps(NEW, "eve")
            said.append("added")
        except Conflict:
            said.append("conflict")

    threads = [Thread(target=add, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(said) == ["added", "conflict", "conflict", "conflict"]


def test_what_leaves_keeps_its_target_and_returns_to_it(desk, database):
    """Its history hangs on the id of the target."""

    def targets(inventory, now):
        with database.write() as session:
            return sync(session, Fleet.build(inventory, "hub", "cache"), now)

    def removed():
        with database.read() as session:
            found = session.execute(select(TargetRow.key, TargetRow.removed_at))
            return {key: at for key, at in found if at is not None}

    desk.add_vps(NEW, "eve")
    before = targets(desk.inventory, 1)
    desk.delete_vps("vps-2", "eve")
    assert targets(desk.inventory, 2)["vps-2/db"] == before["vps-2/db"]
    assert removed() == {"vps-2": 2, "vps-2/db": 2}
    desk.add_vps(NEW, "eve")
    assert targets(desk.inventory, 3) == before
    assert removed() == {}
    without = {**FILE, "tenants": [], "vps": [{"id": "vps-1"}]}
    desk.delete_vps("vps-2", "eve")
    desk.take_file(inventory(without))
    assert targets(desk.inventory, 4)["vps-1/api"] == before["vps-1/api"]
    desk.take_file(inventory(FILE))
    assert targets(desk.inventory, 5)["@acme"] == before["@acme"]
    assert set(removed()) & {"vps-1", "vps-1/api", "@acme"} == set()


@ON_SQLITE
def test_a_large_fleet_is_changed_in_a_second_or_two(desk_of):
    services = [{"name": f"s{n}", "type": "web"} for n in range(5)]
    file = {
        "vps": [{"id": f"v{n}", "services": services, "tenants": [f"t{n}"]} for n in range(1000)],
        "tenants": [{"id": f"t{n}"} for n in range(2000)],
    }
    desk = desk_of(file)
    started = time.monotonic()
    desk.add_vps({"id": "new", "tenants": ["t7"]}, "eve")
    assert time.monotonic() - started < 5
    assert len(desk.inventory.vps) == 1001
