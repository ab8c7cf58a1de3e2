"""A socket that is limited to a tenant never hears another's name, id or count, nor when something
happened to it: driven through the real intake, rules, annotations, jobs and inventory."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from models.jobs import Job
from services.container import Services
from services.events import InAppMessage, JobChanged
from services.history import notes
from services.history.notes import Note, Reading
from services.identity.audit import Actor
from services.observation import CheckResult, Observation, Status
from tests.support import site
from tests.support.stream import Listening
from tests.support.stream_site import Site

FLEET = """
vps:
  - {id: mine, name: Alpha, region: nl-west, source: {type: agent}, tenants: [acme],
     services: [{name: web, type: frontend}]}
  - {id: theirs, name: Bravo, region: nl-east, source: {type: agent}, tenants: [globex],
     services: [{name: ledger, type: vault, dependsOn: [shared/store]}]}
  - {id: shared, name: Charlie, region: nl-east, source: {type: agent}, tenants: [acme, globex],
     services: [{name: store, type: database}]}
tenants:
  - {id: acme, organizationName: ACME Corp,
     services: [{name: site, url: "https://acme.example", runsOn: mine/web}]}
  - {id: globex, organizationName: Globex Ltd,
     services: [{name: shop, url: "https://globex.example", runsOn: theirs/ledger}]}
rules:
  - {id: down, name: Down, severity: critical,
     condition: {metric: service.status, operator: equals, value: unhealthy, duration: 0},
     notification: {channels: [inApp], recipients: []}}
"""
#: What only the other tenant has.
HIDDEN = ("globex", "theirs", "bravo", "ledger", "shop", "vault")
THEIRS = ("theirs", "theirs/ledger", "@globex/shop")


@pytest.fixture
def services(
    tmp_path: Path, empty_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    monkeypatch.setattr(site, "FLEET", FLEET)
    services = site.build(tmp_path, empty_file)
    services.intake.start()
    yield services
    services.intake.stop()
    services.database.close()


@pytest.fixture
def here(server: Flask, services: Services) -> Iterator[Site]:
    site = Site(server, services)
    yield site
    site.close()


class Seen:
    """What a socket got so far."""

    def __init__(self, client: Listening) -> None:
        self.client = client
        self.events: list[tuple[str, dict[str, Any]]] = []

    def names(self, seconds: float = 1.3) -> list[str]:
        """The events that come within some seconds: longer than the overview's pace."""
        got = self.client.within(seconds)
        self.events += got
        return [name for name, _ in got]


def look(here: Site, status: Status, *keys: str) -> None:
    """What sources and checks report of some targets, as often as a status needs."""
    for _ in range(3):
        now = time.time()
        said = CheckResult(status, f"it is {status}", response_ms=12.0)
        here.services.intake.submit(
            [
                Observation(key, now, check=said)
                if "/" in key
                else Observation(key, now, metrics={"system.cpu.usage": 5.0})
                for key in keys
            ]
        )
        here.services.intake.flush()


def note(here: Site, text: str, vps: str | None = None, tenant: str | None = None) -> None:
    services = here.services
    what = Note(1000.0, None, "note", text, vps, tenant, ())
    reading = Reading.of(services.read.fleet(), None)
    notes.add(services.database, services.bus, what, reading, Actor("ops"), 1000.0)


def job(here: Site, vps_id: str, service: str) -> None:
    with here.services.database.write() as session:
        session.add(
            Job(id=f"job-{vps_id}", vps_id=vps_id, service=service, kind="restart", unit="u",
                lines=0, state="queued", output="", requested_by="test", created_at=1.0,
                expires_at=2.0)
        )  # fmt: skip
    here.services.bus.publish(JobChanged(f"job-{vps_id}"))


def test_a_limited_socket_never_hears_of_another_tenant(here: Site) -> None:
    limited, whole = Seen(here.connect(here.token("acme"))), Seen(here.connect(here.token()))
    for one in (limited, whole):
        for event, *payload in (
            ("subscribe:alerts",), ("subscribe:vps", "mine"), ("subscribe:vps", "shared"),
            ("subscribe:tenant", "acme"),
        ):  # fmt: skip
            assert one.client.ask(event, *payload) == {"ok": True}
    for event, hidden in (("subscribe:vps", "theirs"), ("subscribe:tenant", "globex")):
        assert limited.client.ask(event, hidden)["ok"] is False
        assert whole.client.ask(event, hidden)["ok"] is True
    look(here, Status.HEALTHY, "mine", "mine/web", "@acme/site", "shared", "shared/store", *THEIRS)
    assert "health:update" in limited.names()
    whole.names(0.1)

    # Only the other's: not even the moment is told.
    look(here, Status.UNHEALTHY, *THEIRS)
    note(here, "a note", tenant="globex")
    note(here, "a note", vps="theirs")
    note(here, "Globex Ltd moves to Bravo")
    job(here, "theirs", "ledger")
    here.services.bus.publish(
        InAppMessage("n1", None, "alert.fired", "info", "Globex Ltd", "theirs is down", 0.0)
    )
    here.services.board.warn("inventory", "The inventory was refused: tenants[1] globex is wrong")
    here.services.inventory.take_file(here.services.inventory.inventory)
    look(here, Status.HEALTHY, *THEIRS)
    assert limited.names() == []
    told = whole.names(0.2)
    assert {"alert:new", "alert:update", "annotation:new", "job:update", "health:update"} <= set(
        told
    )
    assert told.count("annotation:new") == 3

    # What both have a part in.
    look(here, Status.UNHEALTHY, "mine/web", "@acme/site", "shared/store", *THEIRS)
    note(here, "a note for all")
    note(here, "on a shared server", vps="shared")
    got = limited.names()
    assert {"alert:new", "annotation:new", "health:update"} <= set(got)
    look(here, Status.HEALTHY, "mine/web", "@acme/site", "shared/store", *THEIRS)
    assert "alert:update" in limited.names()

    text = json.dumps(limited.events).lower()
    assert [word for word in HIDDEN if word in text] == []
    for name, body in limited.events:
        if name == "health:update" and "overall" in body:
            assert {one["id"] for one in body["vps"]} == {"mine", "shared"}
            assert {kind: one["instances"] for kind, one in body["services"].items()} == {
                "frontend": 1, "database": 1,
            }  # fmt: skip
            assert body["activeAlerts"] <= 3
            assert " of 2 " not in body["overall"]["summary"]
        if name.startswith("alert"):
            assert set(body["impact"]["tenants"]) <= {"acme"}
    assert [body["seq"] for _, body in limited.events] == list(range(1, len(limited.events) + 1))


def test_a_page_s_sentence_about_the_monitor_is_for_unlimited_callers(here: Site) -> None:
    here.services.board.warn("inventory", "The inventory was refused: tenants[1] globex is wrong")
    assert "globex" in here.services.read.overview(None).told
    assert "globex" not in here.services.read.overview(frozenset({"acme"})).told
