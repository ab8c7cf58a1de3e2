"""What is the same on every page, in a real Chromium: title and favicon, search and keys, wall
screen, and how a page comes back after its server."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.browser import Watch, log_in
from tests.support.product import Healthdeck
from tests.support.scenes import WEBHOOKS, one_service
from tests.support.wait import eventually
from tests.support.web import Answer, LocalServer, health

NAME, PASSWORD = "ada", "a password that is long enough"


class Place:
    """An installation that watches one service, which can be down."""

    def __init__(self, installation: Healthdeck, service: LocalServer, api: httpx.Client) -> None:
        self.installation = installation
        self._service = service
        self._api = api

    def down(self) -> None:
        self._service.stop()
        eventually(lambda: self._alerts() == 1, 30, "the alert fires")

    def well(self) -> None:
        self._service.start()
        eventually(lambda: self._alerts() == 0, 30, "the alert is over")

    def _alerts(self) -> int:
        return int(self.installation.overview(self._api)["activeAlerts"])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    service, receiver = LocalServer(health()), LocalServer(Answer(204))
    inventory = one_service(service, receiver, interval=2)
    installation = Healthdeck(tmp_path_factory.mktemp("everywhere"), inventory, WEBHOOKS).start()
    installation.create_user(NAME, PASSWORD)
    with installation.client() as api:
        yield Place(installation, service, api)
    installation.kill()
    for server in (service, receiver):
        server.close()


def enter(page: Page, place: Place, path: str = "/health") -> None:
    log_in(page, place.installation, NAME, PASSWORD)
    if path != "/health":
        page.goto(f"{place.installation.url}{path}")
    live(page)


def live(page: Page) -> None:
    expect(page.get_by_test_id("live-indicator")).to_have_attribute(
        "data-state", "live", timeout=30_000
    )
    expect(page.locator("#content h1")).to_be_visible()


def favicon(page: Page) -> str:
    return str(page.locator("link[rel=icon]").get_attribute("href"))


def test_the_tab_tells_of_an_alert_on_every_page(place: Place, page: Page) -> None:
    enter(page, place)
    expect(page).to_have_title("Healthdeck")
    assert favicon(page).endswith("favicon.svg")
    badge = page.locator(".rail-count")
    expect(badge).to_be_hidden()
    place.down()
    expect(page).to_have_title("(1) Healthdeck", timeout=30_000)
    expect(badge).to_have_text("1 active")
    eventually(lambda: "d64539" in favicon(page), 10, "a red dot on the favicon")
    page.get_by_role("link", name="Servers").click()
    expect(page).to_have_title(re.compile(r"^\(1\) .+Healthdeck$"))
    place.well()
    expect(page).to_have_title(re.compile(r"^[^(]"), timeout=30_000)
    expect(badge).to_be_hidden()
    eventually(lambda: favicon(page).endswith("favicon.svg"), 10, "the plain favicon")


def test_the_palette_finds_by_a_few_letters(place: Place, page: Page) -> None:
    enter(page, place)
    palette, field = page.get_by_test_id("palette"), page.get_by_role("combobox", name="Search")
    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    field.fill("acm")
    chosen = palette.get_by_role("option", selected=True)
    expect(chosen).to_contain_text("ACME Corp")
    expect(field).to_have_attribute("aria-activedescendant", str(chosen.get_attribute("id")))
    field.fill("bckend")
    expect(palette.get_by_role("group", name="Services")).to_contain_text("on Netherlands 1")
    field.fill("no such thing")
    expect(palette).to_contain_text("Nothing is called")
    field.fill("nether")
    expect(chosen).to_contain_text("Netherlands 1")
    page.keyboard.press("Enter")
    expect(palette).to_be_hidden()
    expect(page).to_have_url(f"{place.installation.url}/health/vps/vps-1")
    expect(page.locator("#content h1")).to_contain_text("VPS Health")

    page.get_by_test_id("search").click()
    expect(palette.get_by_role("group", name="Recent")).to_contain_text("Netherlands 1")
    field.fill("theme dark")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(palette).to_be_hidden()


def test_the_keyboard_alone_goes_everywhere(place: Place, page: Page) -> None:
    enter(page, place)
    help_ = page.get_by_test_id("help")
    page.keyboard.press("?")
    expect(help_).to_be_visible()
    expect(help_).to_contain_text("g then o")
    page.keyboard.press("Escape")
    expect(help_).to_be_hidden()
    for key, path in (("t", "/tenants"), ("m", "/metrics"), ("a", "/alerts"), ("s", "/settings"),
                      ("o", ""), ("v", "/vps")):  # fmt: skip
        page.keyboard.press("g")
        page.keyboard.press(key)
        # a page may write what it shows into its address
        expect(page).to_have_url(re.compile(f"^{place.installation.url}/health{path}([?].*)?$"))
        expect(page.locator("#content h1")).to_be_visible()
    expect(page.locator("[data-search]").first).to_be_visible()
    page.keyboard.press("/")
    expect(page.locator("[data-search]:focus, [data-search] :focus")).to_have_count(1)
    page.keyboard.type("g?")
    expect(help_).to_be_hidden()
    expect(page.locator(":focus")).to_have_value("g?")


def test_a_wall_screen_has_no_frame_and_stays_one(place: Place, page: Page) -> None:
    enter(page, place, "/health?kiosk=1")
    expect(page.locator(".rail")).to_be_hidden()
    expect(page.get_by_test_id("search")).to_be_hidden()
    page.evaluate("healthdeck.go('/health/tenants')")
    expect(page).to_have_url(f"{place.installation.url}/health/tenants?kiosk=1")
    page.reload()
    live(page)
    expect(page.locator(".rail")).to_be_hidden()


def test_on_paper_there_is_only_the_page(place: Place, page: Page) -> None:
    enter(page, place)
    page.emulate_media(media="print")
    for around in (page.locator(".rail"), page.locator(".bar")):
        expect(around).to_be_hidden()
    expect(page.locator("#content h1")).to_be_visible()


def test_what_does_not_reach_the_server_is_said(place: Place, page: Page, watch: Watch) -> None:
    watch.tolerate += ["ERR_FAILED"]
    enter(page, place)
    page.route("**/_dash-update-component", lambda route: route.abort())
    page.evaluate(
        """fetch("/_dash-update-component", {method: "POST", body: JSON.stringify({
             changedPropIds: ['{"alert":"a","type":"acknowledge"}.n_clicks']})}).catch(() => {})"""
    )
    expect(page.locator(".toast")).to_contain_text("The server cannot be reached")


def test_every_page_comes_back_after_its_server(place: Place, page: Page, watch: Watch) -> None:
    watch.tolerate += ["WebSocket", "ERR_CONNECTION_REFUSED", "Failed to fetch", "502", "503"]
    enter(page, place, "/health/alerts")
    place.installation.stop()
    expect(page.get_by_test_id("live-indicator")).to_have_attribute(
        "data-state", re.compile("reconnecting|stale"), timeout=30_000
    )

    def newer(route: Route) -> None:
        if route.request.resource_type == "fetch":
            answer = route.fetch()
            route.fulfill(response=answer, body=answer.text().replace("app.css?m=", "app.css?m=9"))
        else:
            route.fallback()

    page.route("**/health/alerts", newer)
    place.installation.start()
    live(page)
    offer = page.locator("#newer")
    expect(offer).to_be_visible()
    page.unroute("**/health/alerts")
    offer.get_by_role("button", name="Reload").click()
    live(page)
    expect(offer).to_be_hidden()


def test_a_page_that_stays_open_does_not_remember_every_event(place: Place, page: Page) -> None:
    enter(page, place)
    recorded, kept = page.evaluate(
        """() => {
          const past = () => window.store.getState().history.past.length;
          const before = past();
          window.dash_clientside.set_props("poll", { n_intervals: 1 });
          const recorded = past() - before;
          for (let n = 2; n < 300; n += 1) {
            window.dash_clientside.set_props("poll", { n_intervals: n });
          }
          return [recorded, past()];
        }"""
    )
    assert recorded == 1
    assert kept <= 100
