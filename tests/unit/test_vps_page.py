"""A server's page and the list of servers, as they are drawn from their views; what is typed into
the form as an entry of the inventory."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from dash.development.base_component import Component

from components import logs, vps_list, vps_page
from components.charts import zoomed
from components.vps_charts import chart_name, figures
from services.collect.actions import Actions
from services.collect.following import look
from services.errors import NotFound, ValidationError
from services.identity.audit import Actor
from services.observation import Status
from services.views.model import AlertView, Beat, EventView, Gauge, Instance, VpsCard
from services.views.vps_courses import Course, NoteMark, Panel, Window, window
from services.views.vps_form import entry
from services.views.vps_list import VpsList
from services.views.vps_page import Rights, ServiceLine, TenantLine, VpsPage

NOW = 1_763_894_400.0  # 2025-11-23T10:40:00Z

INSTANCE = Instance(
    "vps-1/backend-api", "backend-api", "vps-1", Status.UNHEALTHY, "connection refused", NOW - 60,
    None, None, {"database": Status.HEALTHY},
)  # fmt: skip
CARD = VpsCard(
    id="vps-1",
    name="Netherlands 1",
    region="nl-west",
    status=Status.UNHEALTHY,
    reason="backend-api: connection refused",
    since=NOW - 60,
    measured=True,
    seen_at=NOW - 4,
    interval=10,
    cores=4,
    cpu=Gauge("CPU", 42.0, None, None, "%", (), hot=False),
    memory=Gauge("Memory", 39.0, 6.2, 16.0, "GiB", (), hot=False),
    disk=Gauge("Disk", 91.0, 72.8, 80.0, "GiB", (), hot=True),
    load=1.8,
    network_in=None,
    network_out=None,
    services=(INSTANCE,),
    tenants=("acme",),
    tenant_names=("ACME Corp",),
)
ALERT = AlertView(
    "a1", "critical", "active", "backend-api is unhealthy", "connection refused",
    "vps-1/backend-api", NOW - 60, None, None, ("ACME Corp",), "Ops was told by webhook",
)  # fmt: skip
VIEW = VpsPage(
    card=CARD,
    provider="transip",
    tags=("production",),
    source="agent",
    agent="1.4",
    uptime=99.945,
    services=(
        ServiceLine(
            INSTANCE, "backend", (Beat(NOW - 60, NOW, Status.UNHEALTHY, "refused"),), 99.0,
            (20.0, None, 24.0),
        ),
    ),
    tenants=(TenantLine("acme", "ACME Corp", Status.UNHEALTHY),),
    alerts=(ALERT,),
    events=(
        EventView(NOW - 60, "vps-1/backend-api", "backend-api", Status.UNHEALTHY, "unhealthy"),
    ),
    rights=Rights(logs=True, restart=True, remove=True),
    updated_at=NOW - 4,
    platform_interval=10,
)  # fmt: skip


def text(component: Any) -> str:
    """What somebody reads, and what a machine finds, of a drawing."""
    return json.dumps(component.to_plotly_json(), default=lambda one: one.to_plotly_json())


def drawn(view: VpsPage) -> str:
    return text(vps_page.page(view, {}, "24h", NOW))


def ids(component: Component) -> list[Any]:
    found = [getattr(one, "id", None) for one in component._traverse()]
    return [one for one in found if one is not None]


def test_the_page_says_what_is_wrong_and_whom_it_hurts() -> None:
    said = drawn(VIEW)
    for words in ("VPS Health: Netherlands 1", "backend-api: connection refused", "ACME Corp",
                  "72.8 of 80.0", "99.94", "agent 1.4", "Ops was told by webhook",
                  "/health/tenants/acme", "/health/alerts?alert=a1"):  # fmt: skip
        assert words in said, words
    for hook in ("service-list", "resource-charts", "tenant-list"):
        assert re.search(rf"data-testid\W+{hook}\W", said), hook
    assert "not reported" in said, "the network is not known"
    assert {"type": "vps-acknowledge", "alert": "a1"} in ids(vps_page.page(VIEW, {}, "24h", NOW))


def test_nobody_is_offered_what_they_may_not() -> None:
    page = vps_page.page(replace(VIEW, rights=Rights()), {}, "24h", NOW)
    kinds = {one["type"] for one in ids(page) if isinstance(one, dict)}
    assert not {"service-log", "service-restart"} & kinds
    assert "vps-remove-open" not in ids(page)
    both = vps_page.page(VIEW, {}, "24h", NOW)
    assert {"type": "service-log", "vps": "vps-1", "service": "backend-api"} in ids(both)
    assert {"type": "service-restart", "vps": "vps-1", "service": "backend-api"} in ids(both)
    assert "vps-remove-open" in ids(both)


def test_a_server_without_anything_says_so() -> None:
    bare = replace(CARD, measured=False, seen_at=None, cpu=None, memory=None, disk=None, load=None)
    said = drawn(replace(VIEW, card=bare, services=(), tenants=(), alerts=(), events=()))
    for words in ("No service is checked", "No tenant is on", "No active alerts"):
        assert words in said


def test_parts_are_drawn_anew_when_what_they_show_changes() -> None:
    before = vps_page.LIVE.drawn(VIEW, 0)
    same = vps_page.LIVE.redraw(VIEW, 0, before)
    assert sum(isinstance(part, Component) for part in same) == 0
    taken = replace(ALERT, acknowledged_at=NOW, acknowledged_by="kim")
    after = vps_page.LIVE.redraw(replace(VIEW, alerts=(taken,)), 0, before)
    assert sum(isinstance(part, Component) for part in after) == 1


def test_gaps_stay_gaps_and_what_was_noted_is_marked() -> None:
    times = (NOW - 3000, NOW - 2000, NOW - 1000)
    line = Course("used", 0, times, (10.0, None, 12.0))
    panel = Panel("cpu", "CPU", "%", (line,), ((NOW - 3000, NOW - 1000),), 90.0)
    note = NoteMark(NOW - 500, None, "deployment", "nexus 4.18")
    made = figures([panel], [note], Window(NOW - 3600, NOW, "1h"))["cpu"]
    assert made["data"][0]["y"] == [10.0, None, 12.0]
    assert made["data"][0]["connectgaps"] is False
    told = json.dumps(made["layout"])
    assert "no data" in told
    assert "nexus 4.18" in told
    assert chart_name("cpu") == "vps-cpu"


@pytest.mark.parametrize(
    ("range_", "zoom", "wanted"),
    [
        ("1h", None, Window(NOW - 3600, NOW, "1h")),
        ("soon", None, Window(NOW - 86400, NOW, "24h")),
        (["7d"], None, Window(NOW - 86400, NOW, "24h")),
        ("1h", (NOW - 900, NOW + 900), Window(NOW - 900, NOW)),
        ("1h", (NOW - 900, NOW - 899), Window(NOW - 959, NOW - 899)),
        ("1h", (NOW + 5, NOW + 900), Window(NOW - 3600, NOW, "1h")),
        ("1h", zoomed({}), Window(NOW - 3600, NOW, "1h")),
    ],
)
def test_what_is_shown_is_a_range_or_what_was_zoomed_to(
    range_: object, zoom: tuple[float, float] | None, wanted: Window
) -> None:
    assert window(range_, zoom, NOW) == wanted


ROW: dict[str, Any] = {
    "id": "vps-1", "name": "Netherlands 1", "region": "nl-west", "provider": "", "tags": [],
    "status": "degraded", "reason": "disk at 91 %", "since": None, "lastSeen": None, "cpu": 42.0,
    "memory": None, "disk": 91.0, "load": None, "services": 4, "servicesHealthy": 3, "tenants": 1,
    "enabled": True,
}  # fmt: skip
LIST = VpsList((ROW,), (("acme", "ACME Corp"),), True, NOW, 10)


def test_the_list_has_its_rows_and_opens_the_form_by_its_address() -> None:
    said = text(vps_list.page(LIST, NOW, {}))
    assert "1\\u00a0degraded" in said
    assert "/health/vps/vps-1" in said
    assert '"is_open": true' in text(vps_list.page(LIST, NOW, {"add": "1"}))
    told = text(vps_list.page(replace(LIST, may_add=False, tenants=()), NOW, {"add": "1"}))
    assert '"is_open": true' not in told
    assert "No server is watched yet" in text(vps_list.page(replace(LIST, rows=()), NOW, {}))


def test_a_changed_state_is_drawn_at_once_and_numbers_every_few_seconds() -> None:
    other = replace(LIST, rows=({**ROW, "cpu": 43.0},))
    assert other.stamp == LIST.stamp
    assert replace(other, updated_at=NOW + 5).stamp != LIST.stamp
    assert replace(LIST, rows=({**ROW, "status": "healthy"},)).stamp != LIST.stamp


def test_the_form_becomes_an_entry() -> None:
    fields = {"id": " vps-3 ", "name": "Three", "region": "", "source": "exporter",
              "url": "http://10.0.0.5:9100/metrics", "more": "- {name: s3, type: s3}"}  # fmt: skip
    rows: list[dict[str, object]] = [
        {"name": "api", "check": "http", "address": "https://a.example", "unit": "a.service"},
        {"name": "db", "type": "database", "check": "postgres", "address": "", "unit": ""},
        {"name": "", "type": "x", "check": "tcp", "address": " ", "unit": None},
    ]  # fmt: skip
    assert entry(fields, rows, ["acme"]) == {
        "id": "vps-3",
        "name": "Three",
        "source": {"type": "exporter", "url": "http://10.0.0.5:9100/metrics"},
        "services": [
            {"name": "api", "type": "backend", "check": {"http": "https://a.example"},
             "unit": "a.service"},
            {"name": "db", "type": "database"},
            {"name": "s3", "type": "s3"},
        ],
        "tenants": ["acme"],
    }  # fmt: skip
    assert entry({"id": "x", "source": "none"}, [], None) == {"id": "x"}
    assert entry({"id": 7, "source": ["agent"]}, [], "acme") == {"id": ""}


@pytest.mark.parametrize(
    "more", ["{", "name: x", "- &a [1]\n- *a", "- " * 60_000, "7", "- !!python/object:os.system {}"]
)
def test_a_yaml_that_is_no_list_of_services_is_refused(more: str) -> None:
    with pytest.raises(ValidationError, match="YAML"):
        entry({"id": "x", "more": more}, [], None)


class NoAgent(Actions):
    """Actions on a fleet that nothing is known of; no database is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def logs(self, vps_id: str, service: str, lines: int, actor: Actor) -> dict[str, Any]:
        self.asked += 1
        raise NotFound(f"There is no VPS '{vps_id}'.")


@pytest.mark.parametrize("asked", [None, 7, {"job": 1}, {"job": "x", "at": "y"}])
def test_a_log_that_cannot_be_read_says_why(asked: object) -> None:
    seen = look(NoAgent(), ("vps-9", "api"), "many", asked, Actor("kim", ""), NOW, follow=True)
    assert seen.trouble == "There is no VPS 'vps-9'."
    assert (seen.log, seen.waits) == (None, False)
    actions = NoAgent()
    again = look(
        actions, ("vps-9", "api"), 200, seen.asked, Actor("kim", ""), NOW + 60, follow=True
    )
    assert (again.trouble, actions.asked) == ("", 0), "nobody asks again for what cannot be"


def test_how_far_a_restart_is() -> None:
    job = {"state": "sent", "output": "", "exitCode": None}
    assert "is-now" in text(logs.progress(job))
    failed = text(logs.progress({"state": "failed", "output": "no such unit", "exitCode": 5}))
    assert "Failed with exit code 5" in failed
    assert "no such unit" in failed
    assert "Done" in text(logs.progress({**job, "state": "done", "exitCode": 0}))
