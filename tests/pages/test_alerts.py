"""The page of alerts in a real Chromium against the real server: taken, silenced, ended, deleted;
seen by others at once; by keyboard alone and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browser import Watch, log_in
from tests.support.product import Healthdeck
from tests.support.scenes import WEBHOOKS, one_service
from tests.support.wait import eventually
from tests.support.web import Answer, LocalServer, health

NAME, PASSWORD = "ada", "a password that is long enough"
TITLE = "backend-api on Netherlands 1 is unhealthy"


class Place:
    """An installation that watches one service, which can be down."""

    def __init__(self, installation: Healthdeck, service: LocalServer, api: httpx.Client) -> None:
        self.installation = installation
        self.api = api
        self._service = service

    def outage(self) -> str:
        """The id of an alert that has just fired."""
        self.well()
        self._service.stop()
        return str(eventually(lambda: self._alerts("active"), 30, "the alert fires")[0])

    def well(self) -> None:
        """Returns once nothing is wrong, and what was resolved by hand has cleared."""
        self._service.start()
        eventually(lambda: not self._alerts("unresolved") and self._clear(), 30, "it is over")

    def _alerts(self, status: str) -> list[str]:
        answer = self.api.get("/api/admin/alerts", params={"status": status})
        return [one["id"] for one in answer.json()["alerts"]]

    def _clear(self) -> bool:
        verdicts = self.api.get("/api/admin/health/vps/vps-1/trace").json()["verdicts"]
        found = [one["outcome"] for one in verdicts if one["ruleId"] == "backend-down"]
        return "clear" in found and "active" not in found and "resolvedByHand" not in found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    service, receiver = LocalServer(health()), LocalServer(Answer(204))
    inventory = one_service(service, receiver, interval=2)
    installation = Healthdeck(tmp_path_factory.mktemp("alerts"), inventory, WEBHOOKS).start()
    for name in (NAME, "grace"):
        installation.create_user(name, PASSWORD)
    with installation.client() as api:
        yield Place(installation, service, api)
    installation.kill()
    for server in (service, receiver):
        server.close()


def enter(page: Page, place: Place, query: str = "", name: str = NAME) -> None:
    log_in(page, place.installation, name, PASSWORD)
    goto(page, place, query)


def goto(page: Page, place: Place, query: str) -> None:
    page.goto(f"{place.installation.url}/health/alerts{query}")
    expect(page.get_by_test_id("live-indicator")).to_have_attribute(
        "data-state", "live", timeout=30_000
    )
    expect(page.get_by_role("heading", name="Alerts", exact=True)).to_be_visible()


def row(page: Page, alert_id: str) -> Locator:
    return page.locator(f'[data-testid="alert-row"][data-alert="{alert_id}"]')


def drawer(page: Page) -> Locator:
    return page.get_by_test_id("alert-drawer").get_by_role("dialog")


def has_keyboard(place: Locator) -> bool:
    return bool(place.evaluate("(one) => one.contains(document.activeElement)"))


def asked(page: Page) -> Locator:
    return page.locator(".modal.show")


def test_two_who_look_see_at_once_who_takes_it(
    place: Place, page: Page, browser: Browser, watch: Watch
) -> None:
    place.well()
    enter(page, place)
    context = browser.new_context()
    watch.attach(context)
    other = context.new_page()
    enter(other, place, name="grace")
    alert_id = place.outage()
    for one in (page, other):
        expect(row(one, alert_id)).to_have_attribute("data-status", "active", timeout=30_000)
        expect(row(one, alert_id)).to_contain_text("ACME Corp")
        expect(row(one, alert_id)).to_contain_text("Ops")
    row(page, alert_id).get_by_role("button", name="Acknowledge").click()
    expect(row(other, alert_id)).to_contain_text(f"{NAME} has it", timeout=5_000)
    expect(row(page, alert_id)).to_have_attribute("data-status", "acknowledged")
    expect(row(other, alert_id).get_by_role("button", name="Acknowledge")).to_have_count(0)
    context.close()


def test_by_keyboard_alone(place: Place, page: Page) -> None:
    alert_id = place.outage()
    enter(page, place)
    link = row(page, alert_id).get_by_role("link", name=TITLE)
    expect(link).to_be_visible()
    for _ in range(40):
        page.keyboard.press("Tab")
        if link.evaluate("(one) => one === document.activeElement"):
            break
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    expect(drawer(page)).to_be_focused()
    expect(drawer(page)).to_contain_text("Timeline")
    expect(drawer(page)).to_contain_text("Told (fired): Ops by webhook.")
    button = drawer(page).get_by_role("button", name="Acknowledge", exact=True)
    for _ in range(4):
        page.keyboard.press("Tab")
        if button.evaluate("(one) => one === document.activeElement"):
            break
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(drawer(page)).to_contain_text(f"Acknowledged by {NAME}")
    for _ in range(30):
        page.keyboard.press("Tab")
        # an event may draw the drawer anew just now
        eventually(lambda: has_keyboard(drawer(page)), 2, "the keyboard stays in the drawer")
    page.keyboard.press("Escape")
    expect(drawer(page)).to_be_hidden()
    expect(link).to_be_focused()
    page.go_back()
    expect(drawer(page)).to_be_visible()
    assert f"alert={alert_id}" in page.url


def test_silenced_ended_and_deleted(place: Place, page: Page) -> None:
    alert_id = place.outage()
    enter(page, place)
    row(page, alert_id).get_by_role("checkbox").click()
    bulk = page.locator("#alerts-bulk")
    expect(bulk).to_contain_text("1 selected")
    bulk.get_by_role("button", name="Snooze…").click()
    asked(page).get_by_label("4 hours").check()
    asked(page).get_by_label("Note (optional)").fill("deploying")
    asked(page).get_by_role("button", name="Snooze").click()
    expect(row(page, alert_id)).to_have_attribute("data-status", "snoozed")
    expect(bulk).to_be_hidden()
    expect(page.get_by_text("Snoozed 1 alert.", exact=False)).to_be_visible()
    body = place.api.get(f"/api/admin/alerts/{alert_id}").json()
    assert any(one["note"] == "deploying" for one in body["timeline"])

    page.get_by_label("State").select_option("active")
    expect(page.get_by_text("No alert fits these filters.")).to_be_visible()
    assert "status=active" in page.url
    page.get_by_role("link", name="Show all").click()
    row(page, alert_id).get_by_role("button", name="Resolve…").click()
    asked(page).get_by_label("Note (optional)").fill("it was the test")
    asked(page).get_by_label("It was a false positive").check()
    asked(page).get_by_role("button", name="Resolve").click()
    expect(row(page, alert_id)).to_have_count(0)

    page.get_by_role("link", name="History").click()
    page.get_by_label("False positives").select_option("1")
    expect(row(page, alert_id)).to_contain_text(f"resolved by {NAME}, a false positive")
    row(page, alert_id).get_by_role("link", name=TITLE).click()
    expect(drawer(page)).to_contain_text("it was the test")
    resend = drawer(page).get_by_role("button", name="Resend to Ops").first
    resend.click()
    expect(drawer(page)).to_contain_text("(again)")
    drawer(page).get_by_role("button", name="Delete…").click()
    asked(page).get_by_role("button", name="Delete").click()
    expect(drawer(page)).to_contain_text("There is no such alert.")
    page.keyboard.press("Escape")
    expect(row(page, alert_id)).to_have_count(0)


def test_an_incident_is_told_noted_and_written_up(place: Place, page: Page) -> None:
    place.outage()
    place.well()
    enter(page, place, "?tab=history&view=incidents&range=24h")
    first = page.get_by_test_id("incident-row").first
    expect(first).to_contain_text("ACME Corp", timeout=30_000)
    first.get_by_role("link").click()
    expect(drawer(page)).to_contain_text("until over")
    drawer(page).get_by_label("Add a note").fill("the disk was full")
    drawer(page).get_by_role("button", name="Add note").click()
    expect(
        drawer(page).get_by_role("listitem").filter(has_text="the disk was full")
    ).to_be_visible()
    with page.expect_download() as downloaded:
        drawer(page).get_by_role("link", name="Post-mortem").click()
    text = downloaded.value.path().read_text(encoding="utf-8")
    assert text.startswith("# Post-mortem:")
    assert "the disk was full" in text


def test_on_a_phone_and_what_is_not_there(place: Place, page: Page) -> None:
    alert_id = place.outage()
    page.set_viewport_size({"width": 390, "height": 844})
    enter(page, place)
    expect(row(page, alert_id)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    row(page, alert_id).get_by_role("link", name=TITLE).click()
    expect(drawer(page)).to_be_visible()
    box = drawer(page).bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, 390)
    drawer(page).get_by_role("link", name="Close").click()
    expect(drawer(page)).to_be_hidden()
    goto(page, place, "?alert=nothing")
    expect(drawer(page)).to_contain_text("There is no such alert.")
