"""The tenant's page and the list of tenants: what they say, and how the graph is laid out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from dash.development.base_component import Component

from components.graph import ROW, graph, layout
from components.sla import day_height, day_tone, days, figure
from components.sla_past import downtimes, reports
from components.sla_words import budget_words, burn_words, minutes
from components.tenant_list import rows, summary
from components.tenant_page import applications
from services.health.status import Judgement
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.observation import Status
from services.views.tenant_graph import Node, Web, web
from services.views.tenant_page import ApplicationView, headline
from services.views.tenant_rows import Chosen, TenantList, tenant_list

INVENTORY = {
    "vps": [
        {
            "id": "vps-1",
            "name": "Netherlands 1",
            "source": {"type": "local"},
            "services": [
                {"name": "frontend", "type": "frontend", "dependsOn": ["backend"]},
                {"name": "backend", "type": "backend", "dependsOn": ["vps-2/postgres"]},
            ],
        },
        {"id": "vps-2", "services": [{"name": "postgres", "type": "postgres"}]},
    ],
    "tenants": [
        {
            "id": "acme",
            "organizationName": "ACME Corp",
            "services": [
                {"name": "nexus", "url": "https://acme.example/", "runsOn": "vps-1/frontend"},
                {
                    "name": "files",
                    "url": "https://files.example/",
                    "runsOn": "vps-1/backend",
                    "dependsOn": ["vps-2/postgres"],
                },
            ],
        },
        {"id": "globex", "services": [{"name": "shop", "url": "https://globex.example/"}]},
    ],
}


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return Fleet.build(Inventory.model_validate(INVENTORY), "here", "cache")


def judged(status: Status, reason: str = "", at: float = 100.0) -> Judgement:
    return Judgement(status, at, reason or f"is {status}", status, 1, at)


def states(fleet: Fleet, **worse: Status) -> dict[str, Judgement]:
    found = {key: judged(Status.HEALTHY) for key in sorted(fleet.keys()) if "/" in key}
    return found | {key: judged(status, "HTTP 503") for key, status in worse.items()}


def whole(fleet: Fleet, **worse: Status) -> Web:
    return web(fleet, "acme", states(fleet, **worse), lambda _key: True)


def written(part: Component) -> str:
    """All of a component, as it goes to a browser."""
    return json.dumps(part.to_plotly_json(), default=_plain)


def _plain(one: Any) -> Any:
    return one.to_plotly_json() if isinstance(one, Component) else str(one)


def test_the_graph_leads_to_the_servers_and_says_nothing_twice(fleet: Fleet) -> None:
    found = whole(fleet)
    assert set(found.edges) == {
        ("@acme", "@acme/nexus"),
        ("@acme", "@acme/files"),
        ("@acme/nexus", "vps-1/frontend"),
        ("@acme/files", "vps-1/backend"),
        ("vps-1/frontend", "vps-1/backend"),
        ("vps-1/backend", "vps-2/postgres"),
        ("vps-1/backend", "vps-1"),
        ("vps-2/postgres", "vps-2"),
    }


def test_the_graph_has_only_what_the_caller_may_know_of(fleet: Fleet) -> None:
    found = web(fleet, "acme", states(fleet), lambda key: not key.startswith("vps-2"))
    assert not [key for node in found.nodes if (key := node.key).startswith("vps-2")]


def test_layers_go_from_the_tenant_to_the_servers_and_nothing_overlaps(fleet: Fleet) -> None:
    found = whole(fleet)
    placed = layout(found.nodes, found.edges)
    layer = {key: at for key, (at, _) in placed.at.items()}
    assert layer["@acme"] == 0
    assert layer["@acme/nexus"] == layer["@acme/files"] == 1
    assert layer["vps-1/frontend"] < layer["vps-1/backend"] < layer["vps-2/postgres"]
    assert layer["vps-1"] == layer["vps-2"] == placed.layers - 1
    assert all(layer[one] < layer[other] for one, other in found.edges)
    columns: dict[int, list[float]] = {}
    for at, middle in placed.at.values():
        columns.setdefault(at, []).append(middle)
    for column in columns.values():
        steps = [b - a for a, b in zip(sorted(column), sorted(column)[1:], strict=False)]
        assert all(step >= ROW for step in steps)
        assert min(column) >= ROW / 2
        assert max(column) <= placed.height - ROW / 2


def test_a_line_that_passes_a_layer_keeps_clear_of_its_nodes(fleet: Fleet) -> None:
    found = whole(fleet)
    placed = layout(found.nodes, found.edges)
    through = [line for line in placed.lines if line.start[0] == line.end[0]]
    assert through  # files -> backend passes the layer of the frontend
    for line in through:
        inside = [y for at, y in placed.at.values() if at == line.start[0]]
        assert all(abs(y - line.start[1]) >= ROW / 2 for y in inside)


def test_services_in_a_circle_are_drawn_once() -> None:
    services = [
        {"name": "a", "type": "backend", "dependsOn": ["b"]},
        {"name": "b", "type": "backend"},
    ]
    inventory = Inventory.model_validate(
        {
            "vps": [{"id": "v", "services": services}],
            "tenants": [
                {"id": "t", "services": [{"name": "x", "url": "http://x.example", "runsOn": "v/a"}]}
            ],
        }
    )
    found = web(Fleet.build(inventory, "here", "cache"), "t", {}, lambda _key: True)
    drawn = graph(found, "What t rests on")
    assert written(drawn).count('"data-node": "v/b"') == 2  # in the picture and in the list


@pytest.mark.parametrize("number", [0, 3, 28])
def test_a_graph_of_any_size_has_every_node(number: int) -> None:
    nodes = [Node("@t", "tenant", "T", "", Status.HEALTHY)]
    nodes += [Node(f"@t/{n}", "application", f"a{n}", "", Status.HEALTHY) for n in range(number)]
    nodes.append(Node("v", "vps", "V", "", Status.UNHEALTHY))
    edges = [("@t", f"@t/{n}") for n in range(number)] + [(f"@t/{n}", "v") for n in range(number)]
    placed = layout(nodes, edges or [("@t", "v")])
    assert len(placed.at) == len(nodes)
    assert placed.at["v"][0] == (2 if number else 1)
    assert (
        written(graph(Web(tuple(nodes), tuple(edges or [("@t", "v")])), "T")).count("is-list") == 0
    )


def application(name: str, status: Status, url: str = "https://acme.example/") -> ApplicationView:
    link = url if url.startswith("http") else None
    return ApplicationView(
        f"@acme/{name}", name, url, link, status, "HTTP 503", 100.0, 12.0, None, ()
    )


def test_the_sentence_says_what_hurts_and_what_is_behind_it(fleet: Fleet) -> None:
    found = whole(
        fleet,
        **{"vps-2/postgres": Status.UNHEALTHY, "@acme/nexus": Status.UNHEALTHY},
    )
    apps = [application("nexus", Status.UNHEALTHY), application("files", Status.HEALTHY)]
    said = headline(found.nodes[0], apps, found)
    assert said.startswith("ACME Corp is degraded: nexus is unhealthy (HTTP 503).")
    assert said.endswith("Behind it: postgres on vps-2 is unhealthy.")


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        ("uu", "app-0 and app-1 are unhealthy"),
        ("uud", "app-0, app-1 and app-2 are not healthy"),
        ("uuuuu", "app-0 and 4 more are unhealthy"),
    ],
)
def test_of_several_applications_the_sentence_says_only_which(
    fleet: Fleet, statuses: str, said: str
) -> None:
    of = {"u": Status.UNHEALTHY, "d": Status.DEGRADED}
    apps = [application(f"app-{n}", of[one]) for n, one in enumerate(statuses)]
    found = whole(fleet, **{"@acme/nexus": Status.UNHEALTHY})
    assert headline(found.nodes[0], apps, found).startswith(f"ACME Corp is degraded: {said}.")


def test_the_sentence_of_a_tenant_that_is_well(fleet: Fleet) -> None:
    found = whole(fleet)
    apps = [application("nexus", Status.HEALTHY), application("files", Status.HEALTHY)]
    assert (
        headline(found.nodes[0], apps, found) == "ACME Corp is healthy: all 2 applications answer."
    )


def test_only_addresses_of_the_web_become_links() -> None:
    good = written(applications([application("nexus", Status.HEALTHY)]))
    assert '"rel": "noopener noreferrer"' in good
    bad = written(applications([application("nexus", Status.HEALTHY, "javascript:alert(1)")]))
    assert '"href": "javascript' not in bad


def listed(fleet: Fleet, chosen: Chosen, scope: frozenset[str] | None = None) -> TenantList:
    found = states(fleet, **{"@globex/shop": Status.UNHEALTHY})
    accounts = {"acme": account(99.95, 10.0, 43.2), "globex": account(99.0, -5.0, 43.2)}
    return tenant_list(fleet, found, scope, accounts, {"globex"}, chosen, 100.0, 30.0, True)


def account(uptime: float | None, left: float, total: float) -> dict[str, Any]:
    return {
        "uptime": uptime,
        "target": 99.9,
        "met": None if uptime is None else uptime >= 99.9,
        "errorBudget": {"totalMinutes": total, "leftMinutes": left},
    }


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [
        (Chosen(), ["globex", "acme"]),
        (Chosen(sort="name"), ["acme", "globex"]),
        (Chosen(sort="budget"), ["globex", "acme"]),
        (Chosen(text="NEXUS"), ["acme"]),
        (Chosen(text="netherlands"), ["acme"]),
        (Chosen(state="unhealthy"), ["globex"]),
        (Chosen(state="degraded"), []),
        (Chosen(most=1), ["globex"]),
    ],
)
def test_the_list_is_chosen_and_sorted(fleet: Fleet, chosen: Chosen, ids: list[str]) -> None:
    assert [row.id for row in listed(fleet, chosen).rows] == ids


def test_a_limited_caller_has_nothing_of_others_in_the_list(fleet: Fleet) -> None:
    view = listed(fleet, Chosen(), frozenset({"acme"}))
    assert [row.id for row in view.rows] == ["acme"]
    assert view.total == 1
    assert "globex" not in written(rows(view)) + written(summary(view))


def test_what_was_added_here_can_be_taken_off_here(fleet: Fleet) -> None:
    text = written(rows(listed(fleet, Chosen())))
    assert text.count('"type": "tenant-remove"') == 1
    assert "over by 5" in text


@pytest.mark.parametrize(
    ("sent", "chosen"),
    [
        ((None, None, None, None), Chosen()),
        (([], {}, 7, "x"), Chosen(text="")),
        (("a", "healthy", "name", 500), Chosen("a", "healthy", "name", 500)),
        (("a", "broken", "size", -1), Chosen("a")),
    ],
)
def test_what_a_browser_sends_is_taken_with_care(sent: Any, chosen: Chosen) -> None:
    assert Chosen.of(*sent) == chosen


def test_budgets_and_burn_rates_in_words() -> None:
    assert minutes(0) == "0\u00a0min"
    assert minutes(1204.4) == "1,204\u00a0min"
    assert "overdrawn by 5" in budget_words(43.2, -5)
    assert budget_words(0, 0) == "The target allows no downtime"
    assert burn_words(None, None) == "nothing counted yet"
    assert burn_words(0.0, 0.0) == "not at all"
    assert "lasts 2 d" in burn_words(14.4, 20.0)
    assert "will last" in burn_words(0.5, 0.5)


@pytest.mark.parametrize(
    ("uptime", "tone"),
    [
        (None, "unknown"),
        (100.0, "healthy"),
        (99.9, "healthy"),
        (99.0, "degraded"),
        (80, "unhealthy"),
    ],
)
def test_the_colour_of_a_day(uptime: float | None, tone: str) -> None:
    assert day_tone(uptime, 99.9) == tone


def test_a_day_is_the_lower_the_more_of_it_was_down() -> None:
    heights = [day_height(value) for value in (100.0, 99.93, 99.0, 90.0, 0.0)]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == len(heights)


def day(date: str, uptime: float | None, down: float) -> Mapping[str, Any]:
    return {
        "from": f"{date}T00:00:00.000Z",
        "to": f"{date}T23:59:59.000Z",
        "uptime": uptime,
        "downtimeMinutes": down,
    }


def test_days_with_downtime_can_be_reached_by_keyboard() -> None:
    text = written(days([day("2026-11-01", 100.0, 0), day("2026-11-02", 99.0, 14.4)], 99.9))
    assert text.count('"tabIndex": 0') == 1
    assert "2026-11-02: 99.00\\u00a0% up, 14.4\\u00a0min of downtime" in text
    assert "on 1 of them below the target" in text


def test_a_figure_that_was_missed_says_so_in_words() -> None:
    assert "missed" in written(figure("Last 30 days", account(99.0, -5, 43.2)))
    assert "nothing counted yet" in written(figure("Last 30 days", account(None, 43.2, 43.2)))


def test_downtime_stands_with_its_event() -> None:
    down = {
        "eventId": "17", "target": "@acme/nexus", "label": "nexus of ACME Corp",
        "status": "unhealthy", "from": "2026-11-02T10:00:00.000Z",
        "to": "2026-11-02T10:09:00.000Z", "ongoing": False, "minutes": 9.0, "counts": 0.5,
        "countedMinutes": 4.5, "maintenanceMinutes": 0.0, "reason": "HTTP 503",
        "evidence": {"status": 503},
    }  # fmt: skip
    text = written(downtimes({"downtimes": [down], "downtimeMinutes": 4.5, "moreDowntimes": False}))
    assert "Event 17" in text
    assert "status: 503" in text


def test_a_report_can_be_downloaded_in_three_forms() -> None:
    report = {
        "month": "2026-10", "complete": True, "uptime": 99.99, "target": 99.9, "met": True,
        "downtimeMinutes": 4.0, "kept": {"version": 2},
    }  # fmt: skip
    text = written(reports([report], "acme"))
    assert "October 2026" in text
    assert "version 2" in text
    for kind in ("json", "csv", "pdf"):
        assert f"/api/admin/health/sla/reports/acme/2026-10?format={kind}" in text
