"""The pages of tenants in a real Chromium against the real server: an outage seen on an open page,
figures as the API has them, reports, printing, a phone, limited callers, adding and taking off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import Watch, log_in
from tests.support.product import Healthdeck
from tests.support.wait import eventually
from tests.support.web import LocalServer, health

NAME, PASSWORD = "ada", "a password that is long enough"
ACME = "/health/tenants/tenant-acme"
SLA = "/api/admin/health/sla"


def inventory(service: LocalServer) -> str:
    """Two tenants on one server; the one has two applications, of which one can be down."""
    return f"""
vps:
  - id: vps-1
    name: Netherlands 1
    source: {{type: local}}
    monitoring: {{interval: 2, timeout: 2}}
    services:
      - {{name: backend-api, type: backend, check: {{http: "{service.url}/health"}}}}
tenants:
  - id: tenant-acme
    organizationName: ACME Corp
    services:
      - {{name: nexus, url: "{service.url}/health", runsOn: vps-1/backend-api}}
  - id: tenant-globex
    organizationName: Globex
    services:
      - {{name: shop, url: "{service.url}/health", runsOn: vps-1/backend-api}}
rules:
  - id: app-down
    name: Application down
    severity: critical
    condition: {{metric: application.status, operator: equals, value: unhealthy, duration: 0}}
    notification: {{channels: [inApp], recipients: []}}
"""


class Place:
    """An installation whose service can be down."""

    def __init__(self, installation: Healthdeck, service: LocalServer, api: httpx.Client) -> None:
        self.installation = installation
        self.service = service
        self.api = api
        self.cookies: list[Any] = []

    def sla(self, tenant: str = "tenant-acme") -> Any:
        answer = self.api.get(SLA, params={"tenantId": tenant})
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    service = LocalServer(health())
    installation = Healthdeck(tmp_path_factory.mktemp("tenants"), inventory(service)).start()
    installation.create_user(NAME, PASSWORD, "super_admin")
    with installation.client() as api:
        yield Place(installation, service, api)
    installation.kill()
    service.close()


def enter(page: Page, place: Place, path: str) -> None:
    """Logs in once; every later page comes with the same session."""
    if place.cookies:
        page.context.add_cookies(place.cookies)
    else:
        log_in(page, place.installation, NAME, PASSWORD)
        place.cookies = [*page.context.cookies()]
    page.goto(f"{place.installation.url}{path}")
    expect(page.get_by_test_id("live-indicator")).to_have_attribute(
        "data-state", "live", timeout=30_000
    )


def test_an_outage_is_seen_on_the_open_page_from_red_to_resolved(place: Place, page: Page) -> None:
    enter(page, place, ACME)
    expect(page.get_by_role("heading", level=1)).to_have_text("Tenant Health: ACME Corp")
    nexus = page.locator("[data-application='@tenant-acme/nexus']")
    expect(nexus).to_have_attribute("data-status", "healthy", timeout=30_000)
    address = nexus.get_by_role("link", name=place.service.url)
    assert address.get_attribute("rel") == "noopener noreferrer"

    place.service.stop()
    expect(nexus).to_have_attribute("data-status", "unhealthy", timeout=60_000)
    expect(page.locator(".tenant-hero")).to_contain_text("ACME Corp is unhealthy: nexus")
    expect(page.locator(".graph-picture [data-node='@tenant-acme/nexus']")).to_have_attribute(
        "data-status", "unhealthy"
    )
    expect(page.get_by_test_id("event-list")).to_contain_text("nexus unhealthy")
    expect(page.get_by_test_id("sla-panel")).to_contain_text("still down")
    expect(page.get_by_test_id("quick-actions")).to_contain_text("backend-api")

    place.service.start()
    expect(nexus).to_have_attribute("data-status", "healthy", timeout=60_000)
    expect(page.locator(".tenant-hero")).to_contain_text("is healthy: its application answers")
    expect(page.get_by_test_id("sla-panel")).not_to_contain_text("still down")


def test_the_figures_are_those_of_the_api_and_a_report_can_be_had(place: Place, page: Page) -> None:
    enter(page, place, ACME)
    panel = page.get_by_test_id("sla-panel")
    figure = panel.locator(".sla-figure", has_text="Last 30 days")
    eventually(lambda: place.sla()["uptime"] is not None, 30, "something was counted")

    def same() -> bool:
        page.reload()
        shown, told = figure.get_attribute("data-uptime", timeout=20_000), place.sla()
        left = figure.locator(".sla-budget").get_attribute("data-left")
        # time goes on between the two: the page may be some seconds behind
        return (
            abs(float(shown or -1) - told["uptime"]) < 2
            and abs(float(left or -9) - told["errorBudget"]["leftMinutes"]) < 0.5
        )

    eventually(same, 30, "the page has the API's figures")
    expect(panel).to_contain_text(place.sla()["policy"]["text"])
    events = panel.locator("[data-event]")
    told = {down["eventId"] for down in place.sla()["downtimes"]}
    assert {e.get_attribute("data-event") for e in events.all()} == told
    assert panel.locator(".day").count() == 90

    with page.expect_download(timeout=40_000) as started:
        panel.get_by_role("link", name="JSON").first.click()
    report = json.loads(Path(started.value.path()).read_text())
    assert report["tenantId"] == "tenant-acme"
    with page.expect_download(timeout=40_000) as started:
        panel.get_by_role("link", name="PDF").first.click()
    assert Path(started.value.path()).read_bytes().startswith(b"%PDF")


def test_on_paper_there_is_the_report_and_nothing_of_the_screen(place: Place, page: Page) -> None:
    enter(page, place, ACME)
    expect(page.get_by_test_id("sla-panel")).to_be_visible()
    page.emulate_media(media="print", color_scheme="dark")
    for gone in (".rail", ".bar", ".tenant-side", ".graph", "[data-print]", ".way-back"):
        expect(page.locator(gone).first).to_be_hidden()
    for there in ("h1", ".sla-figures", ".day-bars", ".sla-policy"):
        expect(page.locator(there).first).to_be_visible()
    ground = "getComputedStyle(document.querySelector('.sla-card')).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"


@pytest.mark.parametrize("path", ["/health/tenants", ACME])
def test_a_phone_shows_all_of_it_without_scrolling_sideways(
    place: Place, page: Page, path: str
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    enter(page, place, path)
    expect(page.get_by_text("ACME Corp").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    if path == ACME:
        expect(page.locator(".graph-tree [data-node='vps-1']").first).to_be_visible()
        expect(page.locator(".graph-picture")).to_be_hidden()


def test_who_may_see_one_tenant_cannot_open_the_page_of_another(
    place: Place, browser: Browser
) -> None:
    token = place.installation.token("admin", "--tenant", "tenant-acme")
    context = browser.new_context(extra_http_headers={"Authorization": f"Bearer {token}"})
    try:
        page = context.new_page()
        page.goto(f"{place.installation.url}{ACME}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Tenant Health: ACME Corp")
        expect(page.get_by_role("button", name="Restart")).to_have_count(0)
        page.goto(f"{place.installation.url}/health/tenants")
        expect(page.locator("[data-tenant='tenant-acme']")).to_be_visible()
        expect(page.get_by_text("Globex")).to_have_count(0)
        expect(page.get_by_role("button", name="Add a tenant")).to_have_count(0)
        page.goto(f"{place.installation.url}/health/tenants/tenant-globex")
        expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
        assert "Globex" not in page.content()
    finally:
        context.close()


def test_a_tenant_is_added_found_and_taken_off_again(
    place: Place, page: Page, watch: Watch
) -> None:
    enter(page, place, "/health/tenants")
    page.get_by_role("button", name="Add a tenant").click()
    form = page.get_by_role("dialog")
    form.get_by_role("button", name="Add the tenant").click()
    expect(form.get_by_role("alert")).to_contain_text("It has no id.")
    form.get_by_label("Id").fill("tenant-initech")
    form.get_by_label("Name").fill("Initech")
    form.get_by_label("Promised uptime").fill("99.5")
    form.get_by_label("Application").fill("desk")
    form.get_by_label("URL").fill(f"{place.service.url}/health")
    form.get_by_label("Runs on").fill("vps-1/backend-api")
    form.get_by_role("button", name="Add the tenant").click()
    expect(form).to_be_hidden()
    row = page.locator("[data-tenant='tenant-initech']")
    expect(row).to_contain_text("Initech")
    expect(row).to_contain_text("99.5")

    page.get_by_label("Search tenants").fill("desk")
    expect(page.locator("[data-tenant='tenant-acme']")).to_have_count(0)
    expect(page).to_have_url(f"{place.installation.url}/health/tenants?q=desk")
    page.get_by_label("Search tenants").fill("")
    expect(page.locator("[data-tenant='tenant-acme']")).to_be_visible()

    row.get_by_role("button", name="Take Initech off the list").click()
    question = page.get_by_role("dialog")
    sure = question.get_by_role("button", name="Take off the list")
    expect(sure).to_be_disabled()
    question.get_by_label("To confirm").fill("tenant-initech")
    expect(sure).to_be_enabled()
    sure.click()
    expect(row).to_have_count(0)
    expect(page.locator("[data-tenant='tenant-acme']")).to_be_visible()
    assert watch.failures == []
