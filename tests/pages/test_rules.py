"""Rules and analytics in a real Chromium against the real server: a rule is written after its
preview, mistakes are told at their fields, and figures lead back to lists."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import Watch, log_in
from tests.support.product import Healthdeck
from tests.support.scenes import WEBHOOKS, one_service
from tests.support.wait import eventually
from tests.support.web import Answer, LocalServer, health

NAME, PASSWORD = "ada", "a password that is long enough"
RULES = "/api/admin/alerts/rules"


class Place:
    """An installation whose service has been down once, so that there is an alert."""

    def __init__(self, installation: Healthdeck, api: httpx.Client) -> None:
        self.installation = installation
        self.api = api

    def rule(self, rule_id: str) -> dict[str, object] | None:
        rules = self.api.get(RULES).raise_for_status().json()["rules"]
        return next((one for one in rules if one["id"] == rule_id), None)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    service, receiver = LocalServer(health()), LocalServer(Answer(204))
    service.stop()
    inventory = one_service(service, receiver, interval=5)
    installation = Healthdeck(tmp_path_factory.mktemp("rules"), inventory, WEBHOOKS).start()
    installation.create_user(NAME, PASSWORD)
    with installation.client() as api:
        alerts = "/api/admin/alerts"
        eventually(lambda: api.get(alerts).json()["total"] > 0, 30, "the alert fires")
        service.start()
        over = {"status": "resolved", "ruleId": "backend-down"}
        eventually(lambda: api.get(alerts, params=over).json()["total"] > 0, 60, "it is over")
        yield Place(installation, api)
    installation.kill()
    for server in (service, receiver):
        server.close()


def enter(page: Page, place: Place, path: str) -> None:
    log_in(page, place.installation, NAME, PASSWORD)
    page.goto(f"{place.installation.url}/health/alerts?tab={path}")


def rows(page: Page) -> Locator:
    return page.get_by_test_id("rule-row")


def preview(page: Page) -> Locator:
    return page.get_by_test_id("rule-preview")


def test_a_rule_is_written_after_its_preview(place: Place, page: Page) -> None:
    enter(page, place, "rules")
    expect(rows(page).filter(has_text="Backend down")).to_contain_text("Alarm Ops by webhook when")
    page.get_by_role("link", name="New rule").click()
    save = page.get_by_role("button", name="Create rule")
    expect(page.locator("#rule-said")).to_contain_text("Something is missing")
    expect(save).to_be_disabled()
    page.get_by_label("What it is called").fill("Memory is nearly full")
    expect(page.locator("#rule-said")).to_contain_text("when CPU of any server is above 85 %")
    # A mistake is told where it is, with what would be right.
    limit = page.get_by_label("Limit", exact=True)
    limit.fill("much")
    expect(page.get_by_text("'much' is no number; write it as 85 or 0.5")).to_be_visible()
    expect(save).to_be_disabled()
    limit.fill("0.1")
    expect(preview(page).locator(".say")).to_contain_text(re.compile("would (not )?have fired"))
    expect(preview(page).locator(".chart, .strip").first).to_be_visible()
    expect(save).to_be_enabled()
    save.click()
    written = rows(page).filter(has_text="Memory is nearly full")
    expect(written).to_contain_text("CPU of any server is above 0.1 % for 5 min")
    expect(page).to_have_url(re.compile(r"tab=rules$"))
    found = place.rule("memory-is-nearly-full")
    assert found
    assert found["condition"] == {
        "metric": "system.cpu.usage", "duration": 300, "type": "threshold",
        "operator": "greaterThan", "value": 0.1, "clearValue": None,
    }  # fmt: skip
    assert found["updatedBy"] == NAME

    written.get_by_role("switch").click()
    expect(written.get_by_text("disabled", exact=True)).to_be_visible()
    eventually(
        lambda: (place.rule("memory-is-nearly-full") or {})["enabled"] is False, 10, "it is off"
    )
    written.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete rule").click()
    expect(written).to_have_count(0)
    assert place.rule("memory-is-nearly-full") is None


def test_somebody_else_was_faster(place: Place, page: Page) -> None:
    spec = {
        "id": "disk",
        "name": "Disk",
        "severity": "info",
        "condition": {"metric": "disk", "operator": "greaterThan", "value": 90},
    }
    place.api.post(RULES, json=spec).raise_for_status()
    enter(page, place, "rules&rule=disk")
    limit = page.get_by_label("Limit", exact=True)
    expect(limit).to_have_value("90")
    place.api.put(f"{RULES}/disk", json={**spec, "name": "Disk of all"}).raise_for_status()
    limit.fill("95")
    save = page.get_by_role("button", name="Save rule")
    expect(save).to_be_enabled()
    save.click()
    expect(page.get_by_role("alert").filter(has_text="at version 2 by now")).to_be_visible()
    page.get_by_role("link", name="Reload it").click()
    expect(page.get_by_role("heading", name="Disk of all")).to_be_visible()
    limit.fill("95")
    expect(page.locator("#rule-said")).to_contain_text("above 95 %")
    save.click()
    expect(rows(page).filter(has_text="Disk of all")).to_contain_text("above 95 %")


def test_rules_are_looked_at_before_they_are_imported(place: Place, page: Page) -> None:
    enter(page, place, "rules")
    page.get_by_role("button", name="Import").click()
    dialog = page.get_by_role("dialog")
    text = dialog.get_by_label("Rules as YAML")
    rule = "rules:\n  - id: load\n    name: Load\n    severity: info\n"
    text.fill(f"{rule}    condition: {{metric: lod, operator: greaterThan, value: 9}}\n")
    dialog.get_by_role("button", name="Check").click()
    expect(dialog.get_by_role("alert")).to_contain_text("there is no metric 'lod'")
    expect(dialog.get_by_role("cell", name="5", exact=True)).to_be_visible()
    done = dialog.get_by_role("button", name="Import", exact=True)
    expect(done).to_be_disabled()
    text.fill(f"{rule}    condition: {{metric: load, operator: greaterThan, value: 9}}\n")
    dialog.get_by_role("button", name="Check").click()
    expect(dialog).to_contain_text("1 new: load")
    done.click()
    expect(rows(page).filter(has_text="Load of any server is above 9")).to_be_visible()


def test_figures_lead_back_to_lists(place: Place, page: Page, watch: Watch) -> None:
    enter(page, place, "analytics")
    expect(page.locator(".analytics-figures")).to_contain_text("Until acknowledged")
    page.get_by_label("Only of this rule").select_option("backend-down")
    expect(page).to_have_url(re.compile("rule=backend-down"))
    page.locator(".bar-list").first.get_by_role("link", name="Backend down").click()
    expect(page).to_have_url(re.compile("tab=history.*rule=backend-down"))
    expect(page.get_by_test_id("alert-row").first).to_contain_text("backend-api")


def test_rules_on_a_phone(place: Place, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("rules", "rules&rule=new", "analytics"):
        if path == "rules":
            enter(page, place, path)
        else:
            page.goto(f"{place.installation.url}/health/alerts?tab={path}")
        ready = "[data-testid=rule-row], [data-testid=rule-editor], .analytics-figures"
        expect(page.locator(ready).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
