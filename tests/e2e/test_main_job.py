"""The main job in a real Chromium against the real server: one service breaks, the page shows
it, somebody is told, somebody takes it, it comes back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Installs
from tests.support.browser import Watch, log_in
from tests.support.product import Healthdeck
from tests.support.scenes import WEBHOOKS, mail, one_service
from tests.support.wait import eventually, stays
from tests.support.web import LocalServer

NAME, PASSWORD = "ada", "a password that is long enough"


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Healthdeck]:
    """An installation whose only look at its machine is the first one; tests share it."""
    settings = {"COLLECT_INTERVAL": "3600"}
    installation = Healthdeck(tmp_path_factory.mktemp("quiet"), env=settings).start()
    installation.create_user(NAME, PASSWORD)
    yield installation
    installation.kill()


def live(page: Page) -> None:
    """Waits until the page is drawn and its stream is open."""
    expect(page.get_by_role("heading", level=1)).to_have_text("System Health")
    expect(page.get_by_test_id("live-indicator")).to_have_attribute("data-state", "live")


def updates(watch: Watch) -> int:
    return sum("_dash-update-component" in url for url in watch.requests)


def test_one_outage_from_the_failure_to_the_recovery(
    healthdeck: Installs, page: Page, monitored: LocalServer, receiver: LocalServer
) -> None:
    installation = healthdeck(one_service(monitored, receiver, interval=5), **WEBHOOKS)
    installation.at_once = False
    installation.start()
    installation.create_user(NAME, PASSWORD)
    log_in(page, installation, NAME, PASSWORD)
    live(page)
    with installation.client() as api:
        the_outage(installation, page, api, monitored, receiver)


def the_outage(
    installation: Healthdeck,
    page: Page,
    api: httpx.Client,
    monitored: LocalServer,
    receiver: LocalServer,
) -> None:
    backend = page.get_by_test_id("service-grid").locator("[data-service-type=backend]")
    expect(backend).to_have_attribute("data-status", "healthy", timeout=15_000)
    assert installation.overview(api)["services"]["backend"]["status"] == "healthy"
    page.evaluate("window.sameDocument = true")

    monitored.stop()
    expect(backend).to_have_attribute("data-status", "unhealthy", timeout=15_000)
    alert = page.get_by_test_id("alerts-panel").locator("[data-alert]")
    expect(alert).to_have_count(1)
    expect(alert).to_contain_text("backend-api on Netherlands 1 is unhealthy")
    expect(alert).to_contain_text("ACME Corp")
    expect(page.get_by_test_id("health-score")).not_to_contain_text("100")
    fired = eventually(lambda: mail(receiver, "alert.fired"), 10, "the webhook arrives")
    assert fired[0]["serviceName"] == "backend-api"
    assert fired[0]["impact"] == {"tenants": ["tenant-acme"]}
    expect(alert).to_contain_text("Ops was told by webhook")
    alert_id = fired[0]["id"]
    assert installation.overview(api)["activeAlerts"] == 1
    assert installation.overview(api)["services"]["backend"]["status"] == "unhealthy"

    address = f"/api/admin/alerts/{alert_id}"
    assert api.get(address).json()["status"] == "active"
    alert.get_by_role("button", name="Acknowledge").click()
    expect(alert).to_contain_text(f"acknowledged by {NAME}")
    answer = api.get(address).json()
    assert (answer["status"], answer["acknowledgedBy"]) == ("acknowledged", NAME)

    monitored.start()
    resolved = eventually(lambda: mail(receiver, "alert.resolved"), 30, "the second webhook")
    expect(alert).to_have_count(0)
    expect(backend).to_have_attribute("data-status", "healthy")
    eventually(
        lambda: installation.overview(api)["activeAlerts"] == 0, 2, "the API knows within a second"
    )
    assert resolved[0]["id"] == alert_id
    looks = len(monitored.requests)
    eventually(lambda: len(monitored.requests) > looks, 15, "one more look", every=0.2)
    assert [len(mail(receiver, f"alert.{word}")) for word in ("fired", "resolved")] == [1, 1]
    assert page.evaluate("window.sameDocument"), "the page was loaded again"


def test_an_idle_page_asks_for_nothing(quiet: Healthdeck, page: Page, watch: Watch) -> None:
    log_in(page, quiet, NAME, PASSWORD)
    live(page)
    expect(page.get_by_test_id("vps-card").first).to_contain_text("CPU")
    page.wait_for_load_state("networkidle")
    before = len(watch.requests)
    stays(
        lambda: page.evaluate("1") and len(watch.requests) == before,
        6,
        "an idle page sends no request",
    )


def test_the_page_lives_through_a_restart_of_the_server(
    quiet: Healthdeck, page: Page, watch: Watch
) -> None:
    watch.tolerate += ["ERR_CONNECTION_REFUSED", "WebSocket connection to", "ERR_CONNECTION_RESET"]
    log_in(page, quiet, NAME, PASSWORD)
    live(page)
    page.evaluate("window.sameDocument = true")
    quiet.stop()
    indicator = page.get_by_test_id("live-indicator")
    expect(indicator).not_to_have_attribute("data-state", "live")
    expect(page.get_by_text("connection to the server is lost")).to_be_visible(timeout=10_000)
    expect(page.get_by_test_id("vps-card").first).to_be_visible()
    quiet.start()
    expect(indicator).to_have_attribute("data-state", "live", timeout=15_000)
    expect(page.get_by_text("connection to the server is lost")).to_be_hidden()
    heading = page.get_by_test_id("service-grid").get_by_role("heading").first

    def click_asks_nothing() -> bool:
        page.wait_for_load_state("networkidle")
        seen = updates(watch)
        heading.click()
        return updates(watch) == seen

    # what is seen after the start may be drawn at the same moment; a click that asks always asks
    eventually(click_asks_nothing, 10, "a click asks the server nothing")
    assert page.evaluate("window.sameDocument"), "the page was loaded again"


def test_the_set_up_link_makes_the_first_user_and_then_nothing_more(
    healthdeck: Installs, page: Page
) -> None:
    installation = healthdeck(COLLECT_INTERVAL="3600").start()
    link = installation.setup_link()
    page.goto(link)
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password once more").fill(PASSWORD)
    page.get_by_role("button", name="Create the user").click()
    page.wait_for_url("**/health*")
    live(page)
    assert httpx.get(link).status_code == 409
    page.goto("about:blank")
    log = installation.output().count("/setup")
    installation.restart()
    assert installation.output().count("/setup") == log, "no link while there is a user"


def test_log_in_and_log_out(quiet: Healthdeck, page: Page, watch: Watch) -> None:
    watch.tolerate.append("401")
    page.goto(f"{quiet.url}/health")
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    live(page)
    cookies = {c["name"]: c["value"] for c in page.context.cookies() if "name" in c}
    address = f"{quiet.url}/api/admin/health/overview"
    assert httpx.get(address, cookies=cookies).status_code == 200
    page.get_by_role("button", name=re.compile("log out", re.IGNORECASE)).click()
    expect(page).to_have_url(re.compile("/login"))
    assert httpx.get(address, cookies=cookies).status_code == 401, "the cookie outlived its login"
    page.goto(f"{quiet.url}/health")
    expect(page).to_have_url(re.compile("/login"))


def test_dark_follows_the_system_until_somebody_chooses(quiet: Healthdeck, page: Page) -> None:
    log_in(page, quiet, NAME, PASSWORD)
    live(page)
    root = page.locator("html")
    page.emulate_media(color_scheme="dark")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="light")
    expect(root).to_have_attribute("data-bs-theme", "light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    button = page.locator("[data-theme-button]")
    for theme in ("light", "dark"):
        button.click()
        expect(root).to_have_attribute("data-theme-choice", theme)
    page.reload()
    expect(root).to_have_attribute("data-bs-theme", "dark")
    live(page)


def test_nothing_is_wider_than_a_phone(quiet: Healthdeck, page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    log_in(page, quiet, NAME, PASSWORD)
    live(page)
    expect(page.get_by_test_id("vps-card").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_reload_keeps_everything(quiet: Healthdeck, page: Page) -> None:
    log_in(page, quiet, NAME, PASSWORD)
    live(page)
    card = page.get_by_test_id("vps-card").first
    expect(card).to_contain_text("CPU")
    page.reload()
    live(page)
    expect(card).to_contain_text("CPU")
