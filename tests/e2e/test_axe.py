"""axe-core (WCAG 2.1 A and AA) over every page and tab in both themes, with alerts that stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from tests.fleet.process import Fleet
from tests.support.browser import log_in
from tests.support.product import ROOT, Healthdeck
from tests.support.wait import eventually

AXE = (ROOT / "client/node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
NAME, PASSWORD = "ada", "a password that is long enough"
PATHS = (
    "/health",
    "/health/vps",
    "/health/vps/{vps}",
    "/health/tenants",
    "/health/tenants/{tenant}",
    "/health/metrics",
    "/health/alerts",
    "/health/alerts?tab=history",
    "/health/alerts?tab=rules",
    "/health/alerts?tab=analytics",
    "/health/alerts?tab=settings",
    "/health/settings",
    "/health/nowhere",
    "/health?kiosk=1",
)
#: Parts that are not ours, by their CSS, and what axe says of them; anything else is ours.
STOCK = {
    # Dash's dropdown: a hidden input takes the focus for it, and its label replaces the chosen
    # values in its name
    ".dash-dropdown-wrapper": {"aria-hidden-focus", "label-content-name-mismatch"},
}
RUN = """async ({only, stock}) => {
  const options = {resultTypes: ["violations"], runOnly: only};
  const {violations} = await axe.run(document, options);
  return violations.flatMap(({id, help, nodes}) => nodes.map((node) => {
    const element = document.querySelector(node.target[0]);
    const part = stock.find((selector) => element && element.closest(selector));
    const why = node.any.concat(node.all, node.none).map(({message}) => message).join("; ");
    return {id, help, part: part || null, where: node.target.join(" "), why};
  }));
}"""


class Place(NamedTuple):
    page: Page
    url: str
    vps: str
    tenant: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Place]:
    """A fleet of three of which something is down and told; one browser that is logged in."""
    folder: Path = tmp_path_factory.mktemp("axe")
    fleet = Fleet(folder, vps=3, services=4, tenants=4, exporters=2, no_latency=True)
    described = yaml.safe_load(fleet.inventory.read_text(encoding="utf-8"))
    described["rules"] = [
        {
            "id": f"down-{severity}", "name": f"Down {severity}", "severity": severity,
            "condition": {"metric": "service.status", "operator": "equals", "value": "unhealthy"},
            "notification": {"channels": ["inApp"], "recipients": []},
        }
        for severity in ("critical", "warning")
    ]  # fmt: skip
    trust = {"SSL_CERT_FILE": fleet.ca} if fleet.ready["ca"] else {}
    installation = Healthdeck(
        folder, yaml.safe_dump(described), {"COLLECT_INTERVAL": "3", **trust}
    ).start(timeout=120)
    installation.create_user(NAME, PASSWORD, "super_admin")
    vps = described["vps"][0]
    fleet.fault(f"{vps['id']}/{vps['services'][0]['name']}", "refuse")
    with installation.client() as api:
        eventually(lambda: installation.overview(api)["activeAlerts"] >= 2, 60, "alerts stand")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    log_in(page, installation, NAME, PASSWORD)
    yield Place(page, installation.url, vps["id"], described["tenants"][0]["id"])
    context.close()
    installation.kill()
    fleet.close()


def found(page: Page, only: dict[str, Any]) -> list[dict[str, str]]:
    """What is wrong in parts of ours."""
    page.evaluate(AXE)
    all_ = page.evaluate(RUN, {"only": only, "stock": list(STOCK)})
    return [one for one in all_ if one["id"] not in STOCK.get(one["part"] or "", ())]


RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
CONTRAST = {"type": "rule", "values": ["color-contrast"]}


def opened(place: Place, path: str) -> Page:
    page = place.page
    page.emulate_media(color_scheme="light")
    page.goto(f"{place.url}{path.format(vps=place.vps, tenant=place.tenant)}")
    expect(page.locator("#content h1")).to_be_visible()
    expect(page.locator("#content h1")).not_to_have_text("This page cannot be shown")
    expect(page.get_by_test_id("live-indicator")).to_have_attribute("data-state", "live")
    # nothing is still to be drawn: every callback has answered
    page.wait_for_load_state("networkidle")
    return page


@pytest.mark.parametrize("path", PATHS)
def test_a_page_excludes_nobody(place: Place, path: str) -> None:
    page = opened(place, path)
    assert found(page, RULES) == []
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert found(page, CONTRAST) == []


@pytest.mark.parametrize("key", ["Control+k", "?"])
def test_what_the_keyboard_opens_excludes_nobody(place: Place, key: str) -> None:
    page = opened(place, "/health")
    page.keyboard.press(key)
    expect(page.locator("dialog[open]")).to_be_visible()
    assert found(page, RULES) == []
    page.emulate_media(color_scheme="dark")
    assert found(page, CONTRAST) == []
    page.keyboard.press("Escape")


def test_a_phone_excludes_nobody(place: Place) -> None:
    place.page.set_viewport_size({"width": 390, "height": 844})
    assert found(opened(place, "/health"), RULES) == []
    place.page.set_viewport_size({"width": 1280, "height": 900})
