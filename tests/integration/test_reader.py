"""What readers see: the overview's figures, and that a limited caller sees nothing else."""

from __future__ import annotations

import dataclasses
import json

import pytest

from services.errors import Conflict, NotFound
from services.identity.audit import Actor
from services.inventory.schema import Inventory
from services.observation import Status
from services.views.bodies import vps_body
from tests.support.reading import World

ACME, GLOBEX = frozenset({"acme"}), frozenset({"globex"})


def vps(name, tenant):
    check = {"http": "http://127.0.0.1:1/"}
    return {
        "id": name,
        "services": [
            {"name": "api", "type": "backend", "check": check, "dependsOn": ["postgres"]},
            {"name": "postgres", "type": "database", "check": check},
        ],
        "tenants": [tenant],
    }


INVENTORY = Inventory.model_validate(
    {
        "vps": [vps("vps-1", "acme"), vps("vps-2", "globex")],
        "tenants": [
            {"id": "acme", "organizationName": "ACME Corp"},
            {"id": "globex", "organizationName": "Globex"},
        ],
        "rules": [
            {
                "id": "down", "name": "Down", "severity": "critical",
                "condition": {
                    "metric": "service.status", "operator": "equals", "value": "unhealthy",
                },
            },
        ],
    }
)  # fmt: skip


HEALTHY = {
    "vps_1__api": Status.HEALTHY, "vps_1__postgres": Status.HEALTHY,
    "vps_2__api": Status.HEALTHY, "vps_2__postgres": Status.HEALTHY,
    "healthdeck__healthdeck_database": Status.HEALTHY,
    "healthdeck__healthdeck_cache": Status.HEALTHY,
    "healthdeck__healthdeck_scheduler": Status.HEALTHY,
}  # fmt: skip


@pytest.fixture
def world(database):
    world = World(database, INVENTORY)
    yield world
    world.intake.stop()


@pytest.fixture
def incident(world):
    world.see(**HEALTHY)
    world.machine("healthdeck", cpu=45.0)
    world.see(**(HEALTHY | {"vps_2__postgres": Status.UNHEALTHY}))
    return world


def overview(world, scope=None):
    return json.loads(world.read.kept.overview(scope).data)


def test_a_healthy_fleet(world):
    world.see(**HEALTHY)
    world.machine("healthdeck", cpu=45.0)
    view = world.read.overview()
    assert (view.headline, view.status) == ("Everything is healthy.", Status.HEALTHY)
    assert (view.score.value, view.score.band) == (100.0, "excellent")
    body = overview(world)
    assert body["services"]["backend"] == {"status": "healthy", "instances": 2, "healthy": 2}
    assert body["vps"][-1] == {"id": "healthdeck", "status": "healthy", "load": 45.0}
    assert body["activeAlerts"] == 0


def test_an_incident(incident):
    view = incident.read.overview()
    assert view.headline == "postgres on vps-2 is down; 1 of 2 tenants is affected."
    assert view.status is Status.DEGRADED
    assert view.score.reasons[0].target == "vps-2/postgres"
    assert view.alerts[0].impact == ("Globex",)
    body = overview(incident)
    assert body["services"]["database"] == {"status": "degraded", "instances": 3, "healthy": 2}
    assert {v["id"]: v["status"] for v in body["vps"]} == {
        "vps-1": "healthy", "vps-2": "degraded", "healthdeck": "healthy",
    }  # fmt: skip
    events = [(e.label, e.status) for e in view.events]
    assert events == [("postgres on vps-2", Status.UNHEALTHY)]


def test_a_server_as_the_api_shows_it(incident):
    body = vps_body(incident.read.vps("vps-2"))
    assert body["services"][0] == {
        "name": "api", "status": "healthy", "uptime": 3600, "responseTime": 45.0,
        "checks": {"database": Status.UNHEALTHY},
    }  # fmt: skip
    system = vps_body(incident.read.vps("healthdeck"))["system"]
    assert system["cpu"] == {"usage": 45.0, "cores": 4}
    assert system["memory"] == {"used": 6.2, "total": 16.0, "percent": 38.8}


def test_uptime_counts_from_the_first_look_and_ends_while_the_platform_is_unhealthy(world):
    world.see(**HEALTHY)
    world.machine("healthdeck", cpu=5.0)
    began = world.now
    world.now += 600
    world.see(**HEALTHY)
    assert world.read.overview().uptime_s == world.now - began


def test_a_limited_caller_sees_its_own_and_nothing_else(incident):
    view = incident.read.overview(ACME)
    text = json.dumps(dataclasses.asdict(view)) + json.dumps(overview(incident, ACME))
    for foreign in ("vps-2", "globex", "Globex", "healthdeck-database"):
        assert foreign not in text
    assert view.headline == "Everything is healthy."
    assert (view.score.value, view.tenants, view.alerts) == (100.0, 1, ())
    other = incident.read.overview(GLOBEX)
    assert other.headline == "postgres on vps-2 is down; 1 of 1 tenant is affected."
    assert overview(incident, GLOBEX)["activeAlerts"] > 0


def test_how_much_a_caller_sees_watched_is_told_without_judging_anything(incident):
    whole, acme = incident.read.extent(), incident.read.extent(ACME)
    assert (whole.servers, whole.services, whole.tenants) == (3, 7, 2)
    assert (whole.active, whole.worst) == (len(incident.read.overview().alerts), "critical")
    assert (acme.servers, acme.services, acme.tenants) == (1, 2, 1)
    assert (acme.active, acme.worst) == (0, "")
    assert incident.read.extent(GLOBEX).active == len(incident.read.overview(GLOBEX).alerts) > 0


@pytest.mark.parametrize("vps_id", ["vps-2", "healthdeck", "nowhere"])
def test_what_a_limited_caller_may_not_know_of_is_not_there(incident, vps_id):
    with pytest.raises(NotFound):
        incident.read.vps(vps_id, ACME)


def test_alerts_of_others_cannot_be_read_or_acknowledged(incident):
    (alert,) = incident.read.alerts(GLOBEX).rows
    assert incident.read.alerts(ACME).rows == []
    with pytest.raises(NotFound):
        incident.read.alert(alert["id"], ACME)
    with pytest.raises(NotFound):
        incident.desk.acknowledge(alert["id"], Actor("mallory"), scope=ACME)
    incident.desk.acknowledge(alert["id"], Actor("kim"), "on it", scope=GLOBEX)
    with pytest.raises(Conflict, match="already acknowledged by kim"):
        incident.desk.acknowledge(alert["id"], Actor("lee"), scope=None)
    body = incident.read.alert(alert["id"], GLOBEX)
    assert (body["status"], body["acknowledgedBy"]) == ("acknowledged", "kim")
    last = body["timeline"][-1]
    assert (last["event"], last["by"], last["note"]) == ("acknowledged", "kim", "on it")
    assert incident.read.overview().told == "kim has acknowledged it."


def test_an_answer_is_kept_until_something_changes(incident):
    first = incident.read.overview()
    assert incident.read.overview() is first
    incident.machine("healthdeck", cpu=50.0)
    assert incident.read.overview() is not first
