"""The metrics page in a real Chromium against the real server, over a week of two servers."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect

from tests.support import metrics_past
from tests.support.browser import log_in
from tests.support.product import Healthdeck
from tests.support.wait import eventually

NAME, PASSWORD = "ada", "a password that is long enough"
WEEK = "/health/metrics?metric=cpu&vps=vps-1,vps-2&from=now-7d&to=now"
#: ms; plotly keeps the ends of a range as numbers or as dates.
SPAN = """
plot => {
  const ms = at => typeof at === "number" ? at : Date.parse(at);
  const [start, end] = plot.layout.xaxis.range.map(ms);
  return end - start;
}
"""
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Healthdeck]:
    installation = Healthdeck(tmp_path_factory.mktemp("metrics"), metrics_past.inventory())
    metrics_past.fill(installation.env["DATABASE_URL"], metrics_past.SERVERS, 15)
    installation.start()
    installation.create_user(NAME, PASSWORD)
    yield installation
    installation.kill()


@pytest.fixture(scope="module")
def login(place: Healthdeck, browser: Browser) -> list[Any]:
    """The cookies of one login, for all tests."""
    context = browser.new_context()
    context.set_default_timeout(60_000)
    log_in(context.new_page(), place, NAME, PASSWORD)
    cookies = context.cookies()
    context.close()
    return list(cookies)


@pytest.fixture
def week(place: Healthdeck, login: list[Any], page: Page) -> Page:
    """Two servers over 7 days."""
    page.context.add_cookies(login)
    page.context.set_default_timeout(30_000)
    show(page, place.url + WEEK)
    return page


def show(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("heading", name="Metrics", level=1)).to_be_visible()
    expect(page.locator(".metric-card .scatterlayer .trace").first).to_be_attached()


def plot(page: Page) -> Locator:
    return page.get_by_test_id("metrics-chart").locator(".js-plotly-plot").first


def frame(page: Page) -> FloatRect:
    """Where the first chart is, once it stands: a chart is drawn anew when its range changes."""
    area = page.locator(".metric-card .nsewdrag").first
    found = eventually(area.bounding_box, 10, "a chart stands")
    assert found is not None
    return found


def drag(page: Page, start: float, end: float) -> None:
    """Over the chart from one share of its width to another."""
    box = frame(page)
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * start, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (start + end) / 2, middle, steps=3)
    page.mouse.move(box["x"] + box["width"] * end, middle, steps=3)
    page.mouse.up()


def span(page: Page) -> float:
    return float(plot(page).evaluate(SPAN))


def test_two_servers_are_compared_over_a_week_and_with_the_week_before(week: Page) -> None:
    rows = week.get_by_role("table").get_by_role("row")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("Server vps-1")
    expect(rows.nth(1)).to_contain_text("%")
    assert None in plot(week).evaluate("plot => plot.data[0].y")  # the gap
    week.get_by_label("Compare with").select_option("Last week")
    expect(rows).to_have_count(5)
    expect(week).to_have_url(re.compile(r"compare=7d"))
    week.get_by_label("Layout").select_option("Small charts")
    expect(week.locator(".metric-card")).to_have_count(2)
    for testid in ("metric-picker", "vps-picker", "range-picker", "export-button"):
        expect(week.get_by_test_id(testid)).to_be_visible()


def test_a_drag_reads_finer_points_and_a_step_leads_back(week: Page) -> None:
    before = week.url
    back = week.get_by_role("button", name="Step back")
    expect(back).to_be_hidden()
    drag(week, 0.2, 0.6)
    expect(back).to_be_visible()
    expect(week).to_have_url(re.compile(r"from=20\d\d-.*to=20\d\d-"))
    assert span(week) == pytest.approx(2.8 * DAY_MS, rel=0.05)
    drag(week, 0.3, 0.7)
    expect(week.locator(".figures tbody tr").first).to_be_visible()
    back.click()
    back.click()
    expect(back).to_be_hidden()
    expect(week).to_have_url(before)
    assert span(week) == pytest.approx(7 * DAY_MS, rel=0.02)


def test_an_address_shows_the_same_view_again(week: Page) -> None:
    week.get_by_label("Compare with").select_option("Yesterday")
    week.get_by_role("checkbox", name="Alerts").check()
    week.get_by_role("button", name="24 h").click()
    drag(week, 0.3, 0.8)
    expect(week).to_have_url(re.compile(r"from=20\d\d-.*compare=1d.*marks="))
    address, width = week.url, span(week)
    show(week, address)
    expect(week).to_have_url(address)
    assert span(week) == pytest.approx(width, rel=0.02)
    expect(week.get_by_label("Compare with")).to_have_value("1d")
    expect(week.get_by_role("checkbox", name="Alerts")).to_be_checked()


def test_a_click_notes_something_and_it_can_be_taken_away(week: Page) -> None:
    box = frame(week)
    week.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(week.locator(".hoverlayer .legend")).to_be_visible()
    week.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    form = week.get_by_role("dialog")
    form.get_by_label("What happened").fill("backend 4.2")
    form.get_by_label("Kind").select_option("Deployment")
    form.get_by_role("button", name="Add note").click()
    noted = week.locator(".noted li")
    expect(noted).to_contain_text("backend 4.2")
    expect(week.locator(".annotation-text")).to_have_text("backend 4.2")
    week.get_by_role("checkbox", name="Deployments").uncheck()
    expect(noted).to_have_count(0)
    week.get_by_role("checkbox", name="Deployments").check()
    week.get_by_role("button", name="Delete note: backend 4.2").click()
    expect(noted).to_have_count(0)


def test_what_is_shown_can_be_taken_along(week: Page, tmp_path: Path) -> None:
    export = week.get_by_test_id("export-button")
    export.click()
    with week.expect_download() as download:
        week.get_by_role("link", name="CSV file").click()
    download.value.save_as(tmp_path / "week.csv")
    with (tmp_path / "week.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["vpsId"] for row in rows} == {"vps-1", "vps-2"}
    assert len(rows) > 1500
    assert all(0 < float(row["system.cpu.usage (%)"]) < 100 for row in rows)
    export.click()
    with week.expect_download() as picture:
        week.get_by_role("button", name="PNG picture").click()
    picture.value.save_as(tmp_path / "week.png")
    assert (tmp_path / "week.png").read_bytes().startswith(b"\x89PNG")


def test_a_range_that_ends_now_moves_until_it_is_paused(week: Page) -> None:
    state = week.locator("#metrics-state")
    expect(state).to_contain_text("Moves on")
    week.get_by_role("button", name="Pause").click()
    expect(state).to_contain_text("Paused at")
    expect(week).to_have_url(re.compile("paused=1"))
    week.get_by_role("button", name="Go on").click()
    expect(state).to_contain_text("Moves on")


def test_it_fits_a_phone(week: Page) -> None:
    week.set_viewport_size({"width": 390, "height": 844})
    expect(week.get_by_test_id("metrics-chart")).to_be_visible()
    eventually(
        lambda: week.evaluate("document.documentElement.scrollWidth") <= 390, 10, "it is as narrow"
    )
