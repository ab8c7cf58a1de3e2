"""From the end of a drag over a chart of 30 days to the finer points on the screen, in a real
Chromium: the way to the server, what it reads, and the drawing."""

from __future__ import annotations

from playwright.sync_api import Page, sync_playwright

from tests.bench.installations import installations
from tests.bench.table import Row, quantile, table
from tests.support import metrics_past
from tests.support.browser import ARGUMENTS, chromium, log_in
from tests.support.product import Healthdeck

SERVERS = tuple(f"vps-{number}" for number in range(1, 6))
TIMES = 40
PLOT = ".metric-card .js-plotly-plot"
SCRIPT = """
() => {
  const plot = document.querySelector(".metric-card .js-plotly-plot");
  let began = null, first = null;
  window.zooms = [];
  window.base = plot.data[0].x[0];
  window.addEventListener("mouseup", () => {
    began = performance.now();
    first = plot.data[0].x[0];
  }, true);
  plot.on("plotly_afterplot", () => {
    if (began === null || plot.data[0].x[0] === first) return;
    window.zooms.push(performance.now() - began);
    began = null;
  });
}
"""
DRAWN = "count => window.zooms.length > count"
BACK = f"() => document.querySelector('{PLOT}').data[0].x[0] - window.base < 7200000"


def zoom() -> list[Row]:
    """p50 and p95 in ms of zooms at different places, five servers in the chart."""
    with installations() as install, sync_playwright() as playwright:
        installation = install(metrics_past.inventory(SERVERS))
        metrics_past.fill(installation.env["DATABASE_URL"], SERVERS, 30)
        installation.start()
        installation.create_user("bench", "a password that is long enough")
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        log_in(page, installation, "bench", "a password that is long enough")
        took = _zooms(page, installation)
        browser.close()
    p50, p95 = quantile(took, 0.5), quantile(took, 0.95)
    return [
        Row(f"zoom on 30 days, 5 servers, to redrawn, p50 of {len(took)}", f"{p50:.0f} ms"),
        Row("zoom on 30 days to redrawn, p95", f"{p95:.0f} ms", "<= 500 ms", p95 <= 500),
    ]


def _zooms(page: Page, installation: Healthdeck) -> list[float]:
    query = f"vps={','.join(SERVERS)}&from=now-30d&to=now"
    page.goto(f"{installation.url}/health/metrics?{query}")
    page.wait_for_selector(f"{PLOT} .scatterlayer .trace")
    page.evaluate(SCRIPT)
    for number in range(TIMES):
        box = page.locator(".metric-card .nsewdrag").bounding_box()
        assert box is not None
        left = box["x"] + box["width"] * (0.05 + 0.6 * number / TIMES)
        middle = box["y"] + box["height"] / 2
        page.mouse.move(left, middle)
        page.mouse.down()
        page.mouse.move(left + box["width"] * 0.1, middle, steps=3)
        page.mouse.move(left + box["width"] * 0.2, middle, steps=3)
        page.mouse.up()
        page.wait_for_function(DRAWN, arg=number)
        page.get_by_role("button", name="Step back").click()
        page.wait_for_function(BACK)
    return [float(ms) for ms in page.evaluate("window.zooms")]


if __name__ == "__main__":
    print(table(zoom()))
