"""The in-app channel in a real Chromium against the real server: the bell, its panel, what is read
where, toasts, and the browser's own notifications."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from services.times import iso
from tests.support.browser import Watch, log_in
from tests.support.product import Healthdeck
from tests.support.scenes import WEBHOOKS, one_service
from tests.support.wait import eventually, stays
from tests.support.web import Answer, LocalServer, health

NAME, PASSWORD = "ada", "a password that is long enough"
TITLE = "backend-api on Netherlands 1 is unhealthy"
LIST = "**/api/admin/notifications?*"

#: Notes each notification of the browser's own, and lets the test say that the tab is hidden.
SPY = """
window.noted = [];
window.Notification = class extends window.Notification {
  constructor(title, options) {
    super(title, options);
    window.noted.push({ title, body: options.body, tag: options.tag, note: this });
  }
};
Object.defineProperty(document, "hidden", { get: () => window.inBackground === true });
window.hide = (hidden) => {
  window.inBackground = hidden;
  document.dispatchEvent(new Event("visibilitychange"));
};
"""
NOTED = "window.noted.map(({ title, body, tag }) => ({ title, body, tag }))"


class Place:
    """An installation that watches one service, which can be down."""

    def __init__(self, installation: Healthdeck, service: LocalServer, api: httpx.Client) -> None:
        self.installation = installation
        self._service = service
        self._api = api

    def down(self) -> None:
        """Returns once the alert stands."""
        if not self._alerts():
            self._service.stop()
        eventually(lambda: self._alerts() == 1, 30, "the alert fires")

    def well(self) -> None:
        """Returns once no alert stands."""
        if self._alerts():
            self._service.start()
        eventually(lambda: self._alerts() == 0, 30, "the alert is over")

    def _alerts(self) -> int:
        return int(self.installation.overview(self._api)["activeAlerts"])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    service, receiver = LocalServer(health()), LocalServer(Answer(204))
    inventory = one_service(service, receiver, interval=5)
    installation = Healthdeck(tmp_path_factory.mktemp("bell"), inventory, WEBHOOKS).start()
    installation.create_user(NAME, PASSWORD)
    with installation.client() as api:
        yield Place(installation, service, api)
    installation.kill()
    for server in (service, receiver):
        server.close()


def enter(page: Page, place: Place, path: str = "/health") -> None:
    """Logs in and waits until the page is drawn, its stream open and its messages there."""
    log_in(page, place.installation, NAME, PASSWORD)
    if path != "/health":
        page.goto(f"{place.installation.url}{path}")
    ready(page)


def ready(page: Page) -> None:
    expect(page.get_by_test_id("live-indicator")).to_have_attribute(
        "data-state", "live", timeout=30_000
    )
    holds(page, "healthdeck.messages.state().state !== 'loading'")


def holds(page: Page, condition: str) -> None:
    """Waits for it; Playwright's own way needs eval, which our pages forbid."""
    eventually(lambda: page.evaluate(condition), 30, condition)


def bell(page: Page) -> Locator:
    return page.get_by_test_id("bell")


def panel(page: Page) -> Locator:
    return page.get_by_test_id("bell-panel")


def unread(page: Page) -> Locator:
    return page.locator("#bell-count")


def toasts(page: Page) -> Locator:
    return page.locator(".message-toast")


def drawer(page: Page) -> Locator:
    """The alert that a message leads to."""
    return page.get_by_test_id("alert-drawer").get_by_role("dialog")


def read_all(page: Page) -> None:
    bell(page).click()
    button = panel(page).get_by_role("button", name="Mark all as read")
    if button.is_enabled():
        button.click()
    expect(unread(page)).to_be_hidden()
    page.keyboard.press("Escape")
    expect(panel(page)).to_be_hidden()


def tell(page: Page, number: int, severity: str, event: str = "alert.fired") -> None:
    """What the page does with an event of the stream."""
    page.evaluate(
        "(message) => healthdeck.messages.told(message)",
        {
            "id": f"made-{number}", "alertId": None, "event": event, "severity": severity,
            "title": f"Made {number}", "text": "made up", "sentAt": iso(time.time()),
        },
    )  # fmt: skip


def test_an_outage_is_told_read_and_stays_read(place: Place, page: Page) -> None:
    place.well()
    enter(page, place)
    read_all(page)
    place.down()
    expect(unread(page)).to_have_text("1", timeout=30_000)
    expect(bell(page)).to_have_attribute("aria-label", "Messages, 1 unread")
    expect(toasts(page)).to_have_count(1)
    expect(toasts(page)).to_contain_text("critical")
    expect(toasts(page)).to_contain_text(TITLE)

    bell(page).focus()
    page.keyboard.press("Enter")
    expect(panel(page)).to_be_visible()
    expect(panel(page)).to_be_focused()
    expect(bell(page)).to_have_attribute("aria-expanded", "true")
    newest = panel(page).get_by_role("listitem").first
    expect(newest).to_contain_text("critical")
    expect(newest).to_contain_text(TITLE)
    expect(newest).to_contain_text("unread")
    assert "UTC" in str(newest.locator("time").get_attribute("title"))
    page.keyboard.press("Escape")
    expect(panel(page)).to_be_hidden()
    expect(bell(page)).to_be_focused()
    expect(bell(page)).to_have_attribute("aria-expanded", "false")

    bell(page).click()
    newest.get_by_role("link", name=TITLE).click()
    expect(panel(page)).to_be_hidden()
    expect(drawer(page)).to_be_focused(timeout=20_000)
    expect(drawer(page)).to_contain_text(TITLE)
    expect(unread(page)).to_be_hidden()
    expect(toasts(page)).to_have_count(0)
    page.reload()
    ready(page)
    expect(unread(page)).to_be_hidden()
    page.keyboard.press("Escape")
    expect(drawer(page)).to_be_hidden()
    bell(page).click()
    expect(newest).to_contain_text(TITLE)
    expect(newest).not_to_contain_text("unread")
    link = str(newest.get_by_role("link").get_attribute("href"))
    page.goto("about:blank")
    page.goto(f"{place.installation.url}{link}")
    expect(drawer(page)).to_be_focused(timeout=20_000)


def test_the_end_is_told_in_every_tab_and_once_on_the_computer(place: Place, page: Page) -> None:
    place.down()
    page.context.grant_permissions(["notifications"])
    page.context.add_init_script(SPY)
    enter(page, place)
    read_all(page)
    bell(page).click()
    switch = panel(page).get_by_role("switch")
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    page.keyboard.press("Escape")
    other = page.context.new_page()
    other.goto(f"{place.installation.url}/health")
    ready(other)
    for one in (page, other):
        one.evaluate("hide(true)")
    place.well()
    for one in (page, other):
        expect(unread(one)).to_have_text("1", timeout=30_000)
        holds(one, "window.noted.length === 1")
    (noted,), (same,) = page.evaluate(NOTED), other.evaluate(NOTED)
    assert noted["title"] == f"Resolved: {TITLE}"
    assert noted == same, "the tag makes them one"
    assert noted["tag"]

    other.evaluate("hide(false)")
    read_all(other)
    expect(unread(page)).to_be_hidden()
    expect(toasts(page)).to_have_count(0)


def test_nothing_is_shown_on_the_computer_while_somebody_looks(place: Place, page: Page) -> None:
    page.context.grant_permissions(["notifications"])
    page.context.add_init_script(SPY)
    enter(page, place)
    page.evaluate("localStorage.setItem('healthdeck.computer', 'on')")
    tell(page, 1, "critical")
    other = page.context.new_page()
    other.goto(f"{place.installation.url}/health")
    ready(other)
    page.evaluate("hide(true)")
    tell(page, 2, "critical")
    expect(toasts(page)).to_have_count(2)
    assert page.evaluate(NOTED) == [], "the other tab is on the screen"
    other.close()
    holds(page, "navigator.locks.query().then(({ held }) => held.length === 0)")
    tell(page, 3, "info")
    tell(page, 4, "warning")
    holds(page, "window.noted.length === 1")
    assert [one["title"] for one in page.evaluate(NOTED)] == ["Warning: Made 4"]
    page.evaluate("hide(false)")
    page.evaluate("window.noted[0].note.dispatchEvent(new Event('click'))")
    holds(page, "healthdeck.messages.isRead({ id: 'made-4', at: Infinity })")


def test_a_browser_that_refuses_says_so(place: Place, page: Page) -> None:
    page.add_init_script(
        """Object.defineProperty(window.Notification, "permission", { get: () => "denied" })"""
    )
    enter(page, place)
    bell(page).click()
    expect(panel(page).get_by_role("switch")).to_be_disabled()
    expect(panel(page)).to_contain_text("This browser blocks it")


def test_few_toasts_at_a_time_and_critical_ones_stay(place: Place, page: Page) -> None:
    page.clock.install()
    enter(page, place)
    for number, severity in enumerate(("info", "critical", "warning", "info", "warning")):
        tell(page, number, severity)
    tell(page, 4, "warning")
    expect(toasts(page)).to_have_count(4)
    assert [text.split("Made ")[1][0] for text in toasts(page).all_inner_texts()] == [*"1234"]
    page.clock.fast_forward(13_000)
    expect(toasts(page)).to_have_count(1)
    for number in range(5, 10):
        tell(page, number, "critical")
    expect(toasts(page)).to_have_count(4)
    rest = page.get_by_role("button", name="2 more in the bell")
    expect(rest).to_be_visible()
    page.get_by_role("button", name="Dismiss Made 1").click()
    expect(toasts(page)).to_have_count(3)
    rest.click()
    expect(panel(page)).to_be_visible()
    expect(rest).to_have_count(0)


def test_after_a_reconnection_only_news_is_shown(place: Place, page: Page) -> None:
    rows: list[dict[str, Any]] = []
    now = time.time()

    def row(number: int, ago: float) -> dict[str, Any]:
        return {
            "id": f"made-{number}", "alertId": None, "event": "alert.fired", "severity": "critical",
            "title": f"Made {number}", "text": "", "sentAt": iso(now - ago),
        }  # fmt: skip

    page.route(
        LIST,
        lambda route: route.fulfill(
            json={"notifications": rows, "nextCursor": None},
            headers={"Date": formatdate(now, usegmt=True)},
        ),
    )
    enter(page, place)
    expect(panel(page).get_by_text("No messages yet.")).to_be_attached()
    rows += [row(2, ago=30), row(1, ago=90)]
    page.evaluate("healthdeck.messages.lost(); healthdeck.messages.connected()")
    expect(toasts(page)).to_have_count(1)
    expect(toasts(page)).to_contain_text("Made 2")
    expect(panel(page).get_by_role("listitem", include_hidden=True)).to_have_count(2)


def test_more_than_can_be_counted(place: Place, page: Page) -> None:
    page.route(LIST, lambda route: route.fulfill(json={"notifications": [], "nextCursor": None}))
    enter(page, place)
    for number in range(99):
        tell(page, number, "info")
    expect(unread(page)).to_have_text("99")
    tell(page, 99, "info")
    expect(unread(page)).to_have_text("99+")
    bell(page).click()
    expect(panel(page).get_by_role("listitem")).to_have_count(30)


def test_messages_that_cannot_be_loaded(place: Place, page: Page, watch: Watch) -> None:
    watch.tolerate.append("503")
    page.route(LIST, lambda route: route.fulfill(status=503, json={"error": "Try again later."}))
    enter(page, place)
    bell(page).click()
    expect(panel(page)).to_contain_text("The messages could not be loaded.")
    expect(panel(page)).to_contain_text("Try again later.")
    page.unroute(LIST)
    panel(page).get_by_role("button", name="Try again").click()
    expect(panel(page).get_by_text("could not be loaded")).to_be_hidden()


def test_a_page_in_a_frame_has_no_bell(place: Place, page: Page, watch: Watch) -> None:
    log_in(page, place.installation, NAME, PASSWORD)
    watch.requests.clear()
    page.goto(f"{place.installation.url}/health?embed=1")
    expect(page.get_by_test_id("live-indicator")).to_have_attribute(
        "data-state", "live", timeout=30_000
    )
    expect(bell(page)).to_be_hidden()
    stays(
        lambda: not any("/notifications" in url for url in watch.requests), 4, "it asks for nothing"
    )


def test_the_bell_fits_a_phone(place: Place, page: Page, watch: Watch) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    enter(page, place)
    assert sum("/notifications" in url for url in watch.requests) == 1
    bell(page).click()
    for number in range(4):
        tell(page, number, "critical")
    expect(toasts(page)).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    box = panel(page).bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    assert box["y"] + box["height"] <= 740
