"""The overview at work in a real Chromium: find a server, look back, put an alert aside."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import log_in
from tests.support.product import Healthdeck
from tests.support.web import LocalServer, health

NAME, PASSWORD = "ada", "a password that is long enough"
#: No server listens there.
NOBODY = "http://127.0.0.1:1/"


def _inventory(url: str) -> str:
    return f"""
vps:
  - {{id: vps-1, name: Netherlands 1, region: nl-west, source: {{type: local}}, tenants: [acme],
     services: [{{name: web, type: frontend, check: {{http: "{url}/health"}}}}]}}
  - {{id: vps-2, name: Germany 1, tenants: [acme],
     services: [{{name: api, type: backend, check: {{http: "{NOBODY}"}}}}]}}
  - {{id: vps-3, name: Germany 2, tenants: [globex],
     services: [{{name: api, type: backend, check: {{http: "{url}/health"}}}},
                {{name: web, type: frontend, check: {{http: "{NOBODY}"}}}}]}}
tenants:
  - {{id: acme, organizationName: ACME Corp}}
  - {{id: globex, organizationName: Globex}}
rules:
  - {{id: down, name: Down, severity: critical,
     condition: {{metric: service.status, operator: equals, value: unhealthy, duration: 0}},
     scope: {{service: [api]}}, notification: {{channels: [inApp], recipients: []}}}}
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Healthdeck]:
    """Three servers and the hub's own: one is down, one degraded."""
    well = LocalServer(health())
    folder = tmp_path_factory.mktemp("overview")
    installation = Healthdeck(folder, _inventory(well.url), {"COLLECT_INTERVAL": "3"}).start()
    installation.create_user(NAME, PASSWORD, "super_admin")
    yield installation
    installation.kill()
    well.close()


@pytest.fixture
def overview(fleet: Healthdeck, page: Page) -> Page:
    """The overview, live, with every server seen."""
    log_in(page, fleet, NAME, PASSWORD)
    expect(page.get_by_test_id("live-indicator")).to_have_attribute("data-state", "live")
    expect(page.locator("[data-vps=vps-2]")).to_have_attribute("data-status", "unhealthy")
    expect(page.locator("[data-vps=vps-3]")).to_have_attribute("data-status", "degraded")
    return page


def servers(page: Page) -> Locator:
    return page.get_by_test_id("vps-card")


def test_servers_are_found_by_state_and_by_name(overview: Page) -> None:
    page = overview
    whole = servers(page).count()
    assert servers(page).first.get_attribute("data-vps") == "vps-2", "trouble comes first"
    down = page.get_by_role("button", name=re.compile("^Down"))
    expect(down).to_have_text("Down 1")
    down.click()
    expect(servers(page)).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?state=unhealthy$"))
    page.reload()
    expect(servers(page)).to_have_count(1)
    search = page.locator("[data-search]")
    search.fill("nobody")
    expect(page.get_by_text("No server matches “nobody” in this state.")).to_be_visible()
    page.get_by_role("button", name="Show all servers").click()
    expect(servers(page)).to_have_count(whole)
    expect(page).to_have_url(re.compile(r"/health$"))
    search.fill("GERMANY globex")
    expect(servers(page)).to_have_count(1)
    search.fill("nl-west")
    expect(servers(page)).to_have_attribute("data-vps", "vps-1")


def test_the_form_is_kept_by_browser_and_address(overview: Page, fleet: Healthdeck) -> None:
    page = overview
    page.get_by_role("button", name="Table").click()
    row = page.get_by_role("row").filter(has_text="Germany 2")
    expect(row).to_contain_text("1 of 2")
    expect(page).to_have_url(re.compile("form=table"))
    page.get_by_role("button", name="Server", exact=True).click()
    expect(servers(page).first).to_contain_text("Germany 1")
    page.goto(f"{fleet.url}/health")
    expect(page.get_by_role("columnheader", name="Memory")).to_be_visible()
    page.get_by_role("button", name="Tiles").click()
    expect(servers(page).first).to_have_attribute("title", re.compile("refused"))
    page.goto(f"{fleet.url}/health?form=cards")
    expect(page.locator("[data-vps=vps-1]")).to_contain_text("Memory")


def test_what_was_chosen_outlives_live_updates(overview: Page) -> None:
    page = overview
    page.locator("[data-search]").fill("netherlands")
    card = page.locator("[data-vps=vps-1]")
    card.locator("summary").click()
    expect(card.get_by_role("link", name="ACME Corp")).to_be_visible()
    card.evaluate("(element) => { element.seen = true }")
    again = "() => !document.querySelector('[data-vps=vps-1]').seen"
    page.wait_for_function(again, timeout=15_000)  # drawn anew with another reading
    expect(card.get_by_role("link", name="ACME Corp")).to_be_visible()
    expect(servers(page)).to_have_count(1)
    expect(page.locator("[data-search]")).to_have_value("netherlands")


def test_heartbeats_reach_back_a_quarter(overview: Page) -> None:
    page = overview
    backend = page.locator("[data-service-type=backend]")
    expect(backend.locator(".beat")).to_have_count(48)
    page.get_by_text("90 d", exact=True).click()
    expect(backend.locator(".beat")).to_have_count(90)
    expect(page).to_have_url(re.compile("beats=90d"))
    page.reload()
    expect(backend.locator(".beat")).to_have_count(90)
    backend.locator(".beat").last.hover()
    expect(page.get_by_role("tooltip")).to_contain_text("degraded")


def test_names_lead_to_their_pages(overview: Page) -> None:
    page = overview
    page.evaluate("window.sameDocument = true")
    page.get_by_role("link", name="Germany 1", exact=True).first.click()
    expect(page).to_have_url(re.compile("/health/vps/vps-2$"))
    page.go_back()
    expect(servers(page).first).to_be_visible()
    page.locator(".say").get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("/health/"))
    assert page.evaluate("window.sameDocument"), "the page was loaded again"


def test_an_alert_is_put_aside(overview: Page, fleet: Healthdeck) -> None:
    page = overview
    alert = page.get_by_test_id("alerts-panel").locator("[data-alert]")
    expect(alert).to_contain_text("ACME Corp")
    alert.get_by_text("Snooze").first.click()
    page.keyboard.press("Escape")
    expect(alert.get_by_role("button", name="4 h")).to_be_hidden()
    alert.get_by_text("Snooze").first.click()
    alert.get_by_role("button", name="Until tomorrow, 08:00").click()
    expect(alert).to_contain_text("snoozed until")
    local = page.evaluate(
        "() => { const d = new Date(); d.setDate(d.getDate() + 1); d.setHours(8, 0, 0, 0);"
        " return d.toISOString() }"
    )
    with fleet.client() as api:
        (stands,) = api.get("/api/admin/alerts").json()["alerts"]
        assert stands["status"] == "snoozed"
        assert stands["snoozedUntil"][:19] == local[:19]


def test_a_browser_cannot_snooze_without_an_alert(overview: Page) -> None:
    page = overview
    ask = "window.dash_clientside.set_props('overview-snooze', {data: {alert: 3, until: 'x'}})"
    page.evaluate(ask)
    expect(page.get_by_text("A snooze needs an alert")).to_be_visible()
