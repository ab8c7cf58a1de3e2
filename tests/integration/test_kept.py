"""Bodies that are kept: to the letter of the specification, at most a second old, and only for
those who may see them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from models.database import Database
from services.cache import Cache
from services.errors import NotFound
from services.events import TargetsObserved
from services.health.graph import Graph
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.observation import Observation, Status
from services.views.kept import TTL, Keeper, Kept, entry_key
from tests.support.reading import World
from tests.support.stores import RedisServer
from tests.support.wait import eventually

ACME, GLOBEX = frozenset({"acme"}), frozenset({"globex"})
H, D, U = Status.HEALTHY, Status.DEGRADED, Status.UNHEALTHY
CHECK = {"http": "http://127.0.0.1:1/"}


def vps(name: str, tenant: str) -> dict[str, Any]:
    needs = ["postgres", "redis", "s3"]
    return {
        "id": name,
        "services": [
            {"name": "backend-api", "type": "backend", "check": CHECK, "dependsOn": needs},
            {"name": "postgres", "type": "database", "check": CHECK},
            {"name": "redis", "type": "redis", "check": CHECK},
            {"name": "s3", "type": "s3", "check": CHECK},
        ],
        "tenants": [tenant],
    }


def tenant(name: str, on: str) -> dict[str, Any]:
    place = {"url": f"https://{name}.example/api", "runsOn": f"{on}/backend-api"}
    return {
        "id": name, "organizationName": f"{name.upper()} Corp",
        "services": [{"name": "backend", **place}, {"name": "nexus", **place}],
    }  # fmt: skip


INVENTORY = Inventory.model_validate(
    {
        "vps": [vps("vps-1", "acme"), vps("vps-2", "globex")],
        "tenants": [tenant("acme", "vps-1"), tenant("globex", "vps-2")],
    }
)
SERVICES = ("backend_api", "postgres", "redis", "s3")
WELL = {f"vps_{n}__{name}": H for n in (1, 2) for name in SERVICES} | {
    f"at__{name}__{app}": H for name in ("acme", "globex") for app in ("backend", "nexus")
}

#: The examples of the specification, as they stand there.
OVERVIEW = {
    "overall": {
        "status": "healthy", "score": 98.5, "uptime": 3600, "lastUpdate": "2025-11-20T10:30:00Z",
    },
    "services": {
        "backend": {"status": "healthy", "instances": 3, "healthy": 3},
        "database": {"status": "healthy", "instances": 1, "healthy": 1},
    },
    "vps": [{"id": "vps-1", "status": "healthy", "load": 45}],
    "activeAlerts": 2,
}  # fmt: skip
VPS = {
    "vpsId": "vps-1",
    "status": "healthy",
    "services": [
        {
            "name": "backend-api", "status": "healthy", "uptime": 3600, "responseTime": 45,
            "checks": {"database": "healthy", "redis": "healthy", "s3": "healthy"},
        },
    ],
    "system": {
        "cpu": {"usage": 45, "cores": 4},
        "memory": {"used": 6.2, "total": 16, "percent": 38.75},
        "disk": {"used": 120, "total": 500, "percent": 24},
    },
    "tenants": ["tenant-1"],
}  # fmt: skip
TENANT = {
    "tenantId": "tenant-acme",
    "organizationName": "ACME Corp",
    "status": "healthy",
    "vpsId": "vps-1",
    "services": [
        {"name": "backend", "status": "healthy", "url": "https://acme.example/api"},
        {"name": "nexus", "status": "healthy", "url": "https://nexus.acme.example"},
    ],
    "lastHealthCheck": "2025-11-20T10:30:00Z",
    "uptime": 99.98,
    "activeAlerts": 0,
}
DEPENDENCIES = {
    "service": "backend",
    "dependencies": [
        {"name": "postgres", "status": "healthy", "responseTime": 5},
        {"name": "redis", "status": "healthy", "responseTime": 2},
        {"name": "s3", "status": "healthy", "responseTime": 10},
    ],
}


def fits(body: Any, example: Any, where: str = "") -> None:
    """A body has every name of the example, at the same place, with a value of the same kind."""
    if isinstance(example, dict):
        assert isinstance(body, dict), where
        for name, value in example.items():
            assert name in body, f"{where}.{name}"
            fits(body[name], value, f"{where}.{name}")
    elif isinstance(example, list):
        assert isinstance(body, list), where
        assert body, where
        for one in body:
            fits(one, example[0], f"{where}[]")
    elif isinstance(example, int | float):
        assert isinstance(body, int | float), where
    else:
        assert isinstance(body, str), where


def told(kept: Kept) -> Any:
    return json.loads(kept.data)


def steady(kept: Kept) -> Any:
    """A body without what grows by itself."""
    body = told(kept)
    del body["overall"]["uptime"]
    return body


def machine(world: World) -> None:
    metrics = {
        "system.cpu.usage": 45.0,
        **{f"system.{part}.usedPercent": 24.0 for part in ("memory", "disk")},
        **{f"system.{part}.used": 120.0 for part in ("memory", "disk")},
        **{f"system.{part}.total": 500.0 for part in ("memory", "disk")},
    }
    world.intake.submit([Observation("vps-1", world.now, metrics=metrics, facts={"cores": 4})])
    world.intake.flush()


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    world = World(database, INVENTORY)
    world.see(**WELL)
    yield world
    world.read.kept.stop()
    world.intake.stop()


@pytest.fixture
def kept(world: World) -> Keeper:
    """As if it ran, but it works only when a test says so."""
    world.read.kept._running = True
    world.read.kept.settle()
    return world.read.kept


def test_the_bodies_are_those_of_the_specification(world: World) -> None:
    machine(world)
    world.now += 10
    kept = world.read.kept
    overview = told(kept.overview(ACME))
    fits(overview, OVERVIEW)
    assert list(overview) == list(OVERVIEW)
    fits(told(kept.vps("vps-1"))["services"][:1], VPS["services"])
    fits(told(kept.vps("vps-1")), {**VPS, "services": [{"name": "", "status": ""}]})
    fits(told(kept.tenant("acme")), TENANT)
    body = told(kept.dependencies("backend"))
    fits(body, DEPENDENCIES)
    assert [one["name"] for one in body["dependencies"]] == ["postgres", "redis", "s3"]


def test_a_tenant(world: World) -> None:
    world.now += 99
    world.see(at__acme__nexus=U)
    world.now += 100
    body = told(world.read.kept.tenant("acme", ACME))
    assert (body["organizationName"], body["status"]) == ("ACME Corp", "degraded")
    assert (body["vpsId"], body["vps"]) == ("vps-1", ["vps-1"])
    nexus = body["services"][1]
    assert (nexus["status"], nexus["message"]) == ("unhealthy", "it is unhealthy")
    # Two applications: 400 s were observed but one, and of them 100 s one of them was down.
    assert body["uptime"] == pytest.approx(75, abs=0.2)
    assert body["lastHealthCheck"].startswith(
        told(world.read.kept.overview(ACME))["overall"]["lastUpdate"][:16]
    )
    assert told(world.read.kept.tenant("globex"))["status"] == "healthy"


def test_a_tenant_without_applications_is_as_its_servers(database: Database) -> None:
    bare = {"id": "bare", "organizationName": "Bare"}
    inventory = Inventory.model_validate({"vps": [vps("vps-1", "bare")], "tenants": [bare]})
    world = World(database, inventory)
    kept = world.read.kept
    assert told(kept.tenant("bare"))["status"] == "unknown"
    assert told(kept.tenant("bare"))["uptime"] is None
    world.see(**{f"vps_1__{name}": H for name in SERVICES})
    assert told(kept.tenant("bare"))["status"] == "healthy"
    world.see(vps_1__s3=U)
    body = told(kept.tenant("bare"))
    assert (body["status"], body["services"], body["activeAlerts"]) == ("degraded", [], 0)
    world.intake.stop()


def test_dependencies_are_the_worst_and_the_median_of_the_fleet(world: World) -> None:
    world.see(vps_2__postgres=D)
    body = told(world.read.kept.dependencies("backend-api"))
    assert body["dependencies"][0] == {
        "name": "postgres", "status": "degraded", "responseTime": 45.0,
    }  # fmt: skip
    limited = told(world.read.kept.dependencies("backend", ACME))
    assert limited["dependencies"][0]["status"] == "healthy"
    assert told(world.read.kept.dependencies("redis"))["dependencies"] == []
    for name, scope in (("nothing", None), ("healthdeck-database", ACME)):
        with pytest.raises(NotFound):
            world.read.kept.dependencies(name, scope)


def test_who_is_limited_gets_entries_of_its_own(world: World, kept: Keeper) -> None:
    everything, mine = kept.overview(), kept.overview(ACME)
    world.see(vps_2__postgres=U)
    kept.settle()
    assert steady(kept.overview(ACME)) == steady(mine), "what happens elsewhere changes nothing"
    assert kept.overview() != everything
    for body in (kept.overview(ACME), kept.vps("vps-1", ACME), kept.tenant("acme", ACME)):
        assert b"vps-2" not in body.data
        assert b"globex" not in body.data.lower()
    for ask in (kept.vps, kept.tenant):
        name = "vps-2" if ask == kept.vps else "globex"
        ask(name)
        with pytest.raises(NotFound):
            ask(name, ACME)
    assert told(kept.overview(ACME))["overall"]["score"] == 100.0


def test_nobody_learns_from_the_uptime_when_others_were_down(world: World) -> None:
    down = {name: U for name in WELL if name.startswith("vps_1")}
    world.now += 1000
    world.see(**down)
    assert told(world.read.kept.overview(ACME))["overall"]["uptime"] == 0
    assert told(world.read.kept.overview(GLOBEX))["overall"]["uptime"] == 1001
    for _ in range(2):
        world.see(**dict.fromkeys(down, H))
    world.now += 50
    world.see(at__acme__nexus=H, at__globex__nexus=H)
    assert told(world.read.kept.overview(ACME))["overall"]["uptime"] == 51
    assert told(world.read.kept.overview(GLOBEX))["overall"]["uptime"] == 1054


def test_nothing_is_older_than_a_second_and_nothing_is_computed_more_often(
    world: World, kept: Keeper
) -> None:
    versions = {kept.overview().etag}
    for step in range(40):
        world.see(vps_1__redis=U if step % 2 else H)
        world.now -= 0.9  # a tenth of a second goes by with each reading
        kept.settle()
        versions.add(kept.overview().etag)
    # Four seconds: the first at once, then one a second.
    assert 4 <= len(versions) <= 6
    world.now += 1
    kept.settle()
    seen = told(kept.vps("vps-1"))["services"][2]
    assert seen["status"] == "unhealthy"
    assert kept.counts()["overview", "miss"] == 1


def test_a_change_is_there_within_a_second_of_it(world: World, kept: Keeper) -> None:
    kept.vps("vps-1")
    world.now += 5
    world.see(vps_1__redis=U)
    kept.settle()  # the first change after a pause: at once
    assert told(kept.vps("vps-1"))["services"][2]["status"] == "unhealthy"
    before = world.now
    world.see(vps_1__s3=U)
    world.now = before + 0.5
    assert kept.settle() == pytest.approx(0.5)
    assert told(kept.vps("vps-1"))["services"][3]["status"] == "healthy"
    world.now = before + 1
    kept.settle()
    assert told(kept.vps("vps-1"))["services"][3]["status"] == "unhealthy"


def test_what_nobody_asks_for_is_dropped_not_computed(world: World, kept: Keeper) -> None:
    kept.vps("vps-1")
    world.now += TTL["vps"] + 1
    world.see(vps_1__redis=U)
    kept.settle()
    assert kept._cache.look(entry_key("vps", "vps-1"), TTL["vps"]) is None
    assert told(kept.vps("vps-1"))["services"][2]["status"] == "unhealthy"
    assert kept.counts() == {("vps", "miss"): 2}
    assert kept.made() == {("vps", "request"): 2}


def test_what_is_asked_for_is_renewed_before_it_expires(world: World, kept: Keeper) -> None:
    kept.vps("vps-1")
    kept.vps("vps-2")
    world.now += 10
    kept.vps("vps-1")
    world.now += 0.8 * TTL["vps"] - 10
    kept.settle()
    assert kept.made() == {("vps", "request"): 2, ("vps", "refresh"): 1}
    kept.settle()
    assert kept.made()["vps", "refresh"] == 1, "nobody has asked for it again"


def test_other_servers_and_tenants_are_left_alone(world: World, kept: Keeper) -> None:
    first = kept.vps("vps-1"), kept.tenant("acme")
    world.now += 5
    world.see(vps_2__redis=U)
    kept.settle()
    assert (kept.vps("vps-1"), kept.tenant("acme")) == first
    assert kept._watched[entry_key("vps", "vps-1")].touched is False


def test_the_stream_asks_for_what_has_just_happened(world: World, kept: Keeper) -> None:
    kept.vps("vps-1")
    world.see(vps_1__redis=U)
    assert told(kept.vps("vps-1"))["services"][2]["status"] == "healthy"
    assert told(kept.vps("vps-1", fresh=True))["services"][2]["status"] == "unhealthy"
    assert told(kept.vps("vps-1"))["services"][2]["status"] == "unhealthy"
    assert kept.counts() == {("vps", "miss"): 1, ("vps", "hit"): 2}


def test_another_fleet_is_seen_at_once(world: World, kept: Keeper) -> None:
    kept.overview()
    kept.vps("vps-2")
    less = Inventory.model_validate(
        {"vps": [vps("vps-1", "acme")], "tenants": [tenant("acme", "vps-1")]}
    )
    fleet = Fleet.build(less, "testhost", "cache")
    world.read.replace(fleet, Graph(fleet))
    with pytest.raises(NotFound):
        kept.vps("vps-2")
    world.now += 1
    kept.settle()
    assert [one["id"] for one in told(kept.overview())["vps"]] == ["vps-1", "healthdeck"]


def test_it_works_by_itself(database: Database) -> None:
    """With its thread and the real clock."""
    world = World(database, INVENTORY)
    world.see(**WELL)
    cache = Cache(None)
    keeper = Keeper(world.read._computed, cache)
    world.bus.subscribe(keeper.notice)
    keeper.start()
    before = keeper.overview()
    world.see(vps_1__redis=U)
    eventually(lambda: keeper.overview() != before, 5, "the change in the overview")
    assert keeper.counts()["overview", "miss"] == 1
    keeper.stop()
    world.intake.stop()


def test_redis_killed_in_the_middle_and_back(database: Database, redis_server: RedisServer) -> None:
    cache = Cache(redis_server.url)
    world = World(database, INVENTORY)
    world.see(**WELL)
    keeper = Keeper(world.read._computed, cache)
    world.bus.subscribe(keeper.notice)
    keeper.start()
    keeper.overview()
    redis_server.stop()
    first = keeper.overview()
    assert not cache.reachable
    world.see(vps_1__redis=U)
    eventually(lambda: keeper.overview() != first, 5, "kept up to date without Redis")
    assert keeper.counts()["overview", "miss"] == 1
    redis_server.start()
    eventually(lambda: cache.reachable, 10, "Redis used again")
    keeper.overview()
    other = Cache(redis_server.url)
    found = eventually(lambda: other.look("health:overview", 30), 5, "the entry on Redis")
    assert found is not None
    assert found[0] == keeper.overview()
    keeper.stop()
    world.intake.stop()
    cache.close()
    other.close()


def test_what_was_on_redis_before_it_was_away_is_not_believed(
    database: Database, redis_server: RedisServer
) -> None:
    """It may have missed changes: an entry that nobody here takes care of is made anew unless it
    is younger than a second."""
    world = World(database, INVENTORY)
    world.see(**WELL)
    cache = Cache(redis_server.url)
    stale = Kept.of({"old": True})
    cache.once("health:overview", 30, lambda: stale, anew=True)
    keeper = Keeper(world.read._computed, cache)
    eventually(
        lambda: (cache.look("health:overview", 30) or (stale, 0.0))[1] > 1.0, 5, "a second goes by"
    )
    assert keeper.overview() != stale
    world.read.notice(TargetsObserved(frozenset({"vps-1"}), frozenset()))
    world.intake.stop()
    cache.close()
