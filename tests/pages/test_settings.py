"""The settings in a real Chromium against the real server: people are added and told, maintenance
is planned, alerts are silenced, templates are written, users and keys are made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browser import log_in
from tests.support.product import Healthdeck
from tests.support.scenes import SECRET, WEBHOOKS, mail, one_service
from tests.support.wait import eventually
from tests.support.web import Answer, LocalServer, health

NAME, PASSWORD = "ada", "a password that is long enough"


class Place:
    """An installation with one service that is down, and a receiver of webhooks."""

    def __init__(self, installation: Healthdeck, receiver: LocalServer, api: httpx.Client) -> None:
        self.installation = installation
        self.receiver = receiver
        self.api = api

    def get(self, path: str) -> Any:
        answer = self.api.get(f"/api/admin/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    service, receiver = LocalServer(health("error")), LocalServer(Answer(204))
    inventory = one_service(service, receiver, interval=5)
    installation = Healthdeck(tmp_path_factory.mktemp("settings"), inventory, WEBHOOKS).start()
    installation.create_user(NAME, PASSWORD, "super_admin")
    with installation.client("super_admin") as api:
        yield Place(installation, receiver, api)
    installation.kill()
    for server in (service, receiver):
        server.close()


@pytest.fixture(scope="module")
def login(browser: Browser, place: Place) -> Any:
    """The cookies of somebody who logged in once."""
    context = browser.new_context()
    context.set_default_timeout(30_000)
    log_in(context.new_page(), place.installation, NAME, PASSWORD)
    found = context.cookies()
    context.close()
    return found


@pytest.fixture
def inside(page: Page, login: Any) -> Page:
    page.context.set_default_timeout(30_000)
    page.context.add_cookies(login)
    return page


def go(page: Page, place: Place, path: str) -> None:
    page.goto(f"{place.installation.url}{path}")
    expect(page.locator(".set-section").first).to_be_visible()


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def write(page: Page, label: str, text: str) -> None:
    dialog(page).get_by_label(label, exact=True).fill(text)


def press(page: Page, name: str) -> None:
    dialog(page).get_by_role("button", name=name, exact=True).click()


def close(page: Page) -> None:
    """By the button at the dialog's foot; there is a cross at its head too."""
    dialog(page).get_by_text("Close", exact=True).click()


def mistake(page: Page, field: str) -> Locator:
    """What is said at a field."""
    return dialog(page).locator(f""".set-error[id*='"name":"{field}"']""")


def row(page: Page, text: str) -> Locator:
    return page.locator(".set-table tbody tr").filter(has_text=text)


def test_a_contact_is_added_tested_and_taken_away(inside: Page, place: Place) -> None:
    page = inside
    go(page, place, "/health/alerts?tab=settings&section=people")
    expect(row(page, "Ops")).to_contain_text("from the file")
    expect(row(page, "Ops").get_by_role("button", name="Edit")).to_have_count(0)
    page.get_by_role("button", name="Add contact").click()
    write(page, "Name", "Night shift")
    write(page, "E-mail", "this is none")
    write(page, "Webhook address", f"{place.receiver.url}/night")
    write(page, "Webhook secret", SECRET)
    press(page, "Save contact")
    expect(mistake(page, "email")).to_contain_text("no e-mail address")
    write(page, "E-mail", "")
    press(page, "Save contact")
    expect(dialog(page)).to_have_count(0)
    expect(row(page, "Night shift")).to_contain_text(f"webhook 127.0.0.1:{place.receiver.port}")
    contacts = {one["name"]: one for one in place.get("alerts/config")["contacts"]}
    assert contacts["Night shift"]["webhook"]["secret"] == "********"
    row(page, "Night shift").get_by_role("button", name="Test").click()
    press(page, "Send a test")
    expect(page.get_by_test_id("test-answer")).to_contain_text("Night shift")
    expect(dialog(page)).to_contain_text("it arrived")
    eventually(lambda: mail(place.receiver, "test"), 10, "the test message comes")
    close(page)
    expect(dialog(page)).to_have_count(0)
    row(page, "Night shift").get_by_role("button", name="Delete").click()
    press(page, "Delete contact Night shift")
    expect(row(page, "Night shift")).to_have_count(0)
    assert [one["name"] for one in place.get("alerts/config")["contacts"]] == ["Ops"]


def test_maintenance_is_planned_and_ends(inside: Page, place: Place) -> None:
    page = inside
    go(page, place, "/health/alerts?tab=settings&section=maintenance")
    page.get_by_role("button", name="Plan maintenance").click()
    write(page, "Name", "New disks")
    dialog(page).get_by_label("How often").select_option("daily")
    write(page, "At", "03:30")
    expect(page.get_by_test_id("next-windows").get_by_role("listitem")).to_have_count(5)
    write(page, "Servers", "vps-9")
    press(page, "Save maintenance")
    expect(dialog(page)).to_contain_text("here is no VPS 'vps-9'")
    write(page, "Servers", "vps-1")
    press(page, "Save maintenance")
    expect(row(page, "New disks")).to_contain_text("servers vps-1")
    days = page.get_by_test_id("maintenance-calendar").locator("li").filter(has_text="New disks")
    expect(days.first).to_contain_text("03:30")
    (planned,) = place.get("maintenance")["maintenance"]
    assert planned["schedule"] == {
        "type": "daily", "at": "03:30", "minutes": 60, "timeZone": "UTC",
    }  # fmt: skip
    assert days.count() >= 30
    row(page, "New disks").get_by_role("button", name="Delete").click()
    press(page, "Delete maintenance New disks")
    expect(page.get_by_text("No maintenance is planned.")).to_be_visible()


def test_a_silence_shows_what_it_silences(inside: Page, place: Place) -> None:
    page = inside
    eventually(lambda: place.get("alerts")["alerts"], 30, "the alert fires")
    go(page, place, "/health/alerts?tab=settings&section=silences")
    page.get_by_role("button", name="Add silence").click()
    write(page, "Comment", "we know")
    first = dialog(page).locator(".set-row").first
    first.get_by_label("Field").select_option("service")
    first.get_by_label("Value").fill("backend-api")
    found = page.get_by_test_id("silence-matches")
    expect(found).to_contain_text("backend-api on Netherlands 1")
    first.get_by_label("Must be").select_option("notEquals")
    expect(found).to_contain_text(re.compile("silence 0 of"))
    first.get_by_label("Must be").select_option("equals")
    expect(found).to_contain_text("backend-api on Netherlands 1")
    press(page, "Add silence")
    expect(row(page, "we know")).to_contain_text("service is backend-api")
    (silence,) = place.get("silences")["silences"]
    assert (silence["comment"], silence["state"]) == ("we know", "active")
    row(page, "we know").get_by_role("button", name="End now").click()
    dialog(page).get_by_role("button", name="End silence we know").click()
    expect(row(page, "we know")).to_contain_text("ended")


def test_a_template_is_written_after_its_mistake(inside: Page, place: Place) -> None:
    page = inside
    go(page, place, "/health/alerts?tab=settings&section=templates")
    row(page, "e-mail").filter(has_text="alert.fired").get_by_role("button", name="Edit").click()
    shown = page.get_by_test_id("template-preview")
    expect(shown.locator("iframe")).to_have_attribute("sandbox", "")
    # The text of a textarea counts to its label here, so it is found by its own name.
    subject = dialog(page).locator("""textarea[id*='"name":"subject"']""")
    subject.fill("Trouble: {{ alert.titel }}")
    expect(dialog(page).locator(".set-wrong")).to_contain_text("subject, line 1")
    press(page, "Save template")
    expect(mistake(page, "subject")).to_contain_text("ine 1")
    subject.fill("Trouble: {{ alert.title }}")
    expect(shown.locator("pre").first).to_contain_text("Trouble: ")
    press(page, "Save template")
    expect(row(page, "edited by ada")).to_contain_text("alert.fired")
    row(page, "edited by ada").get_by_role("button", name="Edit").click()
    press(page, "Bring the default back")
    expect(row(page, "edited by ada")).to_have_count(0)


def test_messages_are_found_and_sent_again(inside: Page, place: Place) -> None:
    page = inside
    eventually(lambda: mail(place.receiver, "alert.fired"), 30, "the alert is told")
    go(page, place, "/health/alerts?tab=settings&section=messages")
    page.get_by_role("group", name="Channel").get_by_role("link", name="webhook").click()
    page.get_by_role("group", name="Event").get_by_role("link", name="fired").click()
    expect(row(page, "alert.fired")).to_have_count(1)
    before = len(mail(place.receiver, "alert.fired"))
    row(page, "alert.fired").get_by_role("button", name="Resend").click()
    expect(row(page, "alert.fired")).to_have_count(2)
    eventually(lambda: len(mail(place.receiver, "alert.fired")) > before, 20, "it is sent again")


def test_a_user_and_a_key_are_made(inside: Page, place: Place) -> None:
    page = inside
    go(page, place, "/health/settings?section=users")
    expect(page.get_by_role("heading", level=1)).to_have_text("Settings")
    page.get_by_role("button", name="Add user").click()
    write(page, "Name", "grace")
    write(page, "Password", "short")
    press(page, "Add user")
    expect(mistake(page, "password")).to_contain_text("12 characters")
    write(page, "Password", "long enough for grace")
    press(page, "Add user")
    expect(row(page, "grace")).to_contain_text("admin")
    page.get_by_role("link", name="API keys").click()
    page.get_by_role("button", name="Make API key").click()
    write(page, "Name", "nightly report")
    press(page, "Make API key")
    key = page.get_by_test_id("told-once").locator("code").inner_text()
    asked = httpx.get(
        f"{place.installation.url}/api/admin/health/overview",
        headers={"Authorization": f"Bearer {key}"},
    )
    assert asked.status_code == 200
    close(page)
    row(page, "nightly report").get_by_role("button", name="Revoke").click()
    press(page, "Revoke API key nightly report")
    expect(row(page, "nightly report")).to_contain_text("revoked")
    page.get_by_role("link", name="Audit").click()
    expect(row(page, "key.revoke")).to_contain_text(NAME)


def test_on_a_phone_nothing_is_wider_than_the_screen(inside: Page, place: Place) -> None:
    page = inside
    page.set_viewport_size({"width": 390, "height": 844})
    for path in (
        *(f"/health/alerts?tab=settings&section={name}" for name in (
            "people", "channels", "templates", "maintenance", "silences", "messages")),
        *(f"/health/settings?section={name}" for name in (
            "you", "users", "keys", "agents", "audit", "about")),
    ):  # fmt: skip
        go(page, place, path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_an_admin_is_told_what_only_a_super_admin_may(page: Page, place: Place) -> None:
    page.context.set_default_timeout(30_000)
    place.installation.create_user("joan", PASSWORD)
    log_in(page, place.installation, "joan", PASSWORD)
    page.goto(f"{place.installation.url}/health/settings?section=users")
    expect(page.get_by_role("note")).to_contain_text("Only a super_admin may")
    go(page, place, "/health/alerts?tab=settings&section=people")
    expect(page.get_by_role("button", name="Add contact")).to_have_count(0)
