"""The stream: rooms of tenants, the overview of a large fleet, annotations, jobs, caps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from models.jobs import Job
from services.container import Services
from services.events import AlertChanged, JobChanged, SessionEnded
from services.health.graph import Graph
from services.health.status import Judgement
from services.history import notes
from services.history.notes import Note, Reading
from services.identity.audit import Actor
from services.identity.embeds import Wish
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.observation import Status
from services.web.stream import limits, listeners
from tests.support import site
from tests.support.stream import Listening
from tests.support.stream_site import Site
from tests.support.wait import eventually

Event = tuple[str, dict[str, Any]]
MANY = 120


@pytest.fixture
def here(server: Flask, services: Services) -> Iterator[Site]:
    site = Site(server, services, places=8, each=6)
    yield site
    site.close()


def judged(status: Status, at: float | None = None, cpu: float = 1.0) -> Judgement:
    at = time.time() if at is None else at
    return Judgement(status, at, "said so", status, 1, at, metrics={"system.cpu.usage": cpu})


def change(here: Site, key: str, status: Status = Status.HEALTHY, cpu: float = 1.0) -> None:
    """As the intake does it: the board first, then the event."""
    here.services.board.apply({key: judged(status, cpu=cpu)})
    here.observe(key)


def another_fleet(here: Site, **parts: Any) -> None:
    fleet = Fleet.build(Inventory.model_validate(parts), "testhost", "cache")
    here.services.read.replace(fleet, Graph(fleet))


def rooms(events: list[Event], kind: str = "tenantId") -> list[Event]:
    return [event for event in events if event[0] == "health:update" and "overall" not in event[1]
            and kind in event[1]]  # fmt: skip


# Rooms of tenants


def test_a_tenant_s_room_hears_of_what_its_body_shows(here: Site) -> None:
    client = here.connect(here.token("acme"))
    assert client.ask("subscribe:tenant", "acme") == {"ok": True}
    change(here, "vps-1", Status.UNHEALTHY)
    name, body = rooms(client.within(0.8))[0]
    assert name == "health:update"
    assert (body["tenantId"], body["organizationName"]) == ("acme", "ACME Corp")
    assert body["status"] == "unhealthy"
    here.observe("vps-1")  # the same as before
    assert rooms(client.within(0.5)) == []
    change(here, "vps-1", Status.HEALTHY)
    assert rooms(client.within(0.8))[0][1]["status"] != "unhealthy"
    assert client.ask("unsubscribe:tenant", "acme") == {"ok": True}
    change(here, "vps-1", Status.UNHEALTHY)
    assert rooms(client.within(0.5)) == []


def test_an_alert_that_reaches_a_tenant_is_told_in_its_room(here: Site) -> None:
    client = here.connect(here.token())
    client.ask("subscribe:tenant", "acme")
    client.ask("subscribe:tenant", "globex")
    here.alert("a1", impact=["acme"])
    here.services.bus.publish(AlertChanged("a1", "alert.fired"))
    told = rooms(client.within(0.8))
    assert [(body["tenantId"], body["activeAlerts"]) for _, body in told] == [("acme", 1)]


def test_a_hidden_tenant_is_as_good_as_none(here: Site) -> None:
    client = here.connect(here.token("acme"))
    assert client.ask("subscribe:tenant", "globex") == client.ask("subscribe:tenant", "nobody")
    assert client.ask("subscribe:tenant", "globex")["ok"] is False


def test_each_event_comes_once_whatever_was_subscribed_to(here: Site) -> None:
    client = here.connect(here.token())
    for event in ("subscribe:vps", "subscribe:vps"):
        client.ask(event, "vps-1")
    client.ask("subscribe:tenant", "acme")
    client.ask("subscribe:alerts")
    change(here, "vps-1", Status.UNHEALTHY)
    events = client.within(0.8)
    assert len(rooms(events)) == 1
    assert len(events) == 3
    assert [body["seq"] for _, body in events] == [1, 2, 3]


# Another fleet


def test_another_fleet_is_told_to_those_who_see_it(here: Site) -> None:
    acme, globex = here.connect(here.token("acme")), here.connect(here.token("globex"))
    acme.ask("subscribe:vps", "vps-1")
    globex.ask("subscribe:vps", "vps-2")
    another_fleet(
        here,
        vps=[
            {"id": "vps-1", "name": "Moved", "source": {"type": "local"}, "tenants": ["acme"]},
            {"id": "vps-2", "name": "Netherlands 2", "region": "nl-east", "tenants": ["globex"]},
        ],
        tenants=[{"id": "acme", "organizationName": "ACME Corp"},
                 {"id": "globex", "organizationName": "Globex"}],
    )  # fmt: skip
    here.observe("*")
    got = acme.within(0.8)
    assert rooms(got, "vpsId")[0][1]["name"] == "Moved"
    assert len(got) == 2
    assert globex.within(0.5) == []


# The overview


def test_of_a_large_fleet_only_what_changed_is_told(here: Site) -> None:
    another_fleet(here, vps=[{"id": f"vps-{n}"} for n in range(1, MANY + 1)])
    first = here.connect(here.token())
    change(here, "vps-1")
    whole = first.next()[1]
    assert "partial" not in whole
    assert len(whole["vps"]) == MANY + 1  # and this machine itself
    change(here, "vps-2", Status.UNHEALTHY, cpu=7.0)
    part = first.next()[1]
    assert part["partial"] is True
    assert [one["id"] for one in part["vps"]] == ["vps-2"]
    assert part.keys() == whole.keys() | {"partial"}
    second = here.connect(here.token())
    change(here, "vps-3", cpu=8.0)
    assert [one["id"] for one in first.next()[1]["vps"]] == ["vps-3"]
    newcomer = second.next()[1]
    assert "partial" not in newcomer
    assert len(newcomer["vps"]) == MANY + 1


def test_a_server_that_left_makes_the_list_whole_again(here: Site) -> None:
    another_fleet(here, vps=[{"id": f"vps-{n}"} for n in range(1, MANY + 1)])
    client = here.connect(here.token())
    change(here, "vps-1")
    client.next()
    another_fleet(here, vps=[{"id": f"vps-{n}"} for n in range(2, MANY + 1)])
    here.observe("*")
    body = client.next()[1]
    assert "partial" not in body
    assert len(body["vps"]) == MANY


def test_what_the_monitor_says_of_itself_is_for_unlimited_callers(here: Site) -> None:
    limited, everything = here.connect(here.token("acme")), here.connect(here.token())
    here.observe("*")
    assert everything.next()[0] == "health:update"
    assert limited.within(0.5) == []


def test_one_crowd_s_pace_is_not_another_s(here: Site) -> None:
    acme, globex = here.connect(here.token("acme")), here.connect(here.token("globex"))
    change(here, "vps-1")
    acme.next()
    began = time.monotonic()
    change(here, "vps-2")
    globex.next()
    assert time.monotonic() - began < 0.5


# Annotations and jobs


def note(here: Site, text: str, vps: str | None = None, tenant: str | None = None) -> str:
    services = here.services
    reading = Reading.of(services.read.fleet(), None)
    what = Note(1000.0, None, "note", text, vps, tenant, ())
    return notes.add(services.database, services.bus, what, reading, Actor("ops"), 1000.0).id


def test_annotations_reach_everybody_who_may_see_them(here: Site) -> None:
    acme, everything = here.connect(here.token("acme")), here.connect(here.token())
    note(here, "for one", tenant="acme")
    note(here, "for the other", tenant="globex")
    note(here, "on a server", vps="vps-1")
    note(here, "for all")
    note(here, "Globex moves")
    texts = [body["text"] for name, body in everything.within(0.8) if name == "annotation:new"]
    assert texts == ["for one", "for the other", "on a server", "for all", "Globex moves"]
    got = acme.within(0.2)
    assert [body["text"] for _, body in got] == ["for one", "on a server", "for all"]
    assert [body["createdBy"] for _, body in got] == ["ops", None, None]


def ask(here: Site, job_id: str, who: str, state: str = "queued") -> None:
    with here.services.database.write() as session:
        session.merge(
            Job(id=job_id, vps_id="vps-1", service="api", kind="restart", unit="api.service",
                lines=0, state=state, output="", requested_by=who, created_at=1.0, expires_at=2.0)
        )  # fmt: skip
    here.services.bus.publish(JobChanged(job_id))


def test_a_job_is_told_to_whoever_asked_for_it(here: Site) -> None:
    mine, other = here.connect(here.named("ada")), here.connect(here.named("bob"))
    limited = here.connect(here.services.identity.issue_token("admin", "ada", 5, tenants=["acme"]))
    ask(here, "j1", "ada")
    here.services.bus.publish(JobChanged("j1"))  # the same state again
    ask(here, "j1", "ada", "running")
    here.services.bus.publish(JobChanged("nobody"))
    got = [(name, body["id"], body["state"]) for name, body in mine.within(0.8)]
    assert got[-1] == ("job:update", "j1", "running")
    assert len(got) <= 2
    assert other.within(0.1) == limited.within(0.1) == []


# Caps


def test_no_identity_takes_all_places(here: Site) -> None:
    mine = [here.connect(here.named("ada")) for _ in range(6)]
    refused = here.connect(here.named("ada"))
    assert "you have 6 already" in str(refused.refused)
    assert here.connect(here.named("bob")).connected
    mine[0].close()
    eventually(lambda: here.connect(here.named("ada")).connected, 5, "its place is free again")


def test_rooms_are_bounded(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "MAX_ROOMS", 2)
    client = here.connect(here.token())
    assert client.ask("subscribe:vps", "vps-1") == {"ok": True}
    assert client.ask("subscribe:tenant", "acme") == {"ok": True}
    assert str(limits.MAX_ROOMS) in client.ask("subscribe:vps", "vps-2")["error"]
    assert client.ask("subscribe:vps", "vps-1") == {"ok": True}
    client.ask("unsubscribe:tenant", "acme")
    assert client.ask("subscribe:vps", "vps-2") == {"ok": True}


# Embedded pages, keys


def embedded(here: Site, **wish: Any) -> Listening:
    embeds = here.services.identity.embeds
    maker = here.services.identity.authenticate_token(here.token())
    token, _ = embeds.create(Wish(5, **wish), maker, Actor("portal"))
    cookie, _ = embeds.trade(token, "127.0.0.1")
    return here.connect(Cookie=f"healthdeck_embed={cookie}", Origin=here.url)


def test_an_embedded_page_listens_by_its_own_cookie(here: Site) -> None:
    client = embedded(here, tenants=["acme"])
    assert client.connected, client.refused
    change(here, "vps-2")
    assert client.within(0.4) == []
    change(here, "vps-1")
    assert [one["id"] for one in client.next()[1]["vps"]] == ["vps-1"]
    here.services.bus.publish(SessionEnded("embed:1"))
    assert client.gone.wait(3)


def test_who_may_open_some_pages_hears_that_something_changed(here: Site) -> None:
    client = embedded(here, pages=["/health"])
    assert client.ask("subscribe:vps", "vps-1")["ok"] is False
    change(here, "vps-1")
    name, body = client.next()
    assert name == "health:update"
    assert body.keys() == {"seq", "timestamp"}


def test_a_caller_of_one_server_hears_of_no_other(here: Site) -> None:
    client = embedded(here, vps=["vps-1"])
    assert client.connected
    assert client.ask("subscribe:vps", "vps-2")["ok"] is False
    note(here, "for acme", tenant="acme")
    change(here, "vps-2")
    here.observe("*")
    assert client.within(0.6) == []


def test_a_revoked_key_closes_its_sockets(here: Site) -> None:
    keys = here.services.identity.keys
    row = keys.create("script", "admin", Actor("ops"), tenants=["acme"])
    client = here.connect(row["key"])
    assert client.connected
    keys.revoke(int(row["id"]), Actor("ops"))
    assert client.gone.wait(3)
    assert here.connect(row["key"]).refused == "Authentication failed"


def test_a_changed_role_closes_the_sockets_at_once(here: Site) -> None:
    client = here.browser()
    users = here.services.identity.users
    users.create("second", site.PASSWORD, "super_admin", Actor("ops"))
    me = next(row for row in users.all() if row["name"] == site.NAME)
    users.change(int(me["id"]), Actor("ops"), role="admin")
    assert client.gone.wait(3)
