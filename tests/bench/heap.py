"""What a page that stays open for a day keeps: its heap over 28,800 live updates.

The server would take a quarter of an hour to make them, so the browser is given what the server
sends: rows of servers that changed, through the store into which the callback puts them (each is
drawn before the next comes), and after every tenth the sections of the page anew, as they came with
it. The real stream goes on meanwhile. Garbage is collected before each look at the heap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from playwright.sync_api import CDPSession, Page, Response, sync_playwright

from tests.bench.installations import installations
from tests.bench.page import opened, signed_in
from tests.bench.table import Row, table
from tests.bench.watched import watched
from tests.support.browser import ARGUMENTS, chromium
from tests.support.product import Healthdeck

SERVERS = 12
#: A working day at one a second.
UPDATES = 28_800
WARM_UP = 1_000
#: At a time, so that the page stays reachable.
PART = 1_200
SECTIONS = ("overview-hero", "overview-services", "overview-alerts", "overview-events")

#: Draws so many updates, each of them before the next.
SCRIPT = """async ([number, rows, sections]) => {
  const { set_props } = window.dash_clientside;
  const turn = () => new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    port2.postMessage(null);
  });
  window.updates = window.updates || 0;
  for (let n = 0; n < number; n += 1) {
    const at = (window.updates += 1);
    const row = structuredClone(rows[at % rows.length]);
    row.cpu = at % 100;
    row.seen = Date.now() / 1000;
    row.gauges.cpu.course = row.gauges.cpu.course.map((_, i) => (at * 7 + i * 13) % 100);
    const stamp = `bench.${at}`;
    set_props("overview-fleet", { data: { stamp, whole: false, full: true, rows: [row] } });
    const drawn = () => document.querySelector(`#server-${row.id} [data-gauge=cpu] .value`);
    for (let tries = 0; tries < 500 && parseInt(drawn().textContent) !== row.cpu; tries += 1) {
      await turn();
    }
    if (at % 10) continue;
    const names = Object.keys(sections);
    const name = names[(at / 10) % names.length];
    set_props(name, { children: structuredClone(sections[name]) });
    await turn();
  }
}"""


def heap(install: Callable[..., Healthdeck]) -> list[Row]:
    """Megabytes before and after, and the growth."""
    with watched(install, SERVERS) as installation, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        with opened(browser, signed_in(browser, installation), SERVERS) as page:
            before, after = _grown(page, installation)
        browser.close()
    growth = 100 * (after / before - 1)
    return [
        Row(f"heap of the overview after {UPDATES:,} updates",
            f"{before / 1e6:.1f} -> {after / 1e6:.1f} MB ({growth:+.0f} %)", "<= +20 %",
            growth <= 20),
    ]  # fmt: skip


def _grown(page: Page, installation: Healthdeck) -> tuple[float, float]:
    with page.expect_response(_is_page) as answered:
        page.goto(f"{installation.url}/health")
    content = answered.value.json()
    page.wait_for_function("() => window.thereAt !== null", timeout=60_000)
    parts = {one["props"].get("id"): one["props"] for one in _components(content)}
    sections = {name: parts[name]["children"] for name in SECTIONS}
    rows = [row for row in parts["overview-fleet"]["data"]["rows"] if row["gauges"]["cpu"]]
    session = page.context.new_cdp_session(page)
    _update(page, WARM_UP, rows, sections)
    before = _used(session)
    _update(page, UPDATES, rows, sections)
    return before, _used(session)


def _is_page(response: Response) -> bool:
    """Whether it answers what stands on the page."""
    asked = response.request.post_data or ""
    return "_dash-update-component" in response.url and "_pages_content.children" in asked


def _update(page: Page, number: int, rows: Any, sections: Any) -> None:
    for done in range(0, number, PART):
        page.evaluate(SCRIPT, [min(PART, number - done), rows, sections])


def _components(node: Any) -> Iterator[Any]:
    """Every component of an answer of Dash whose id is a word."""
    if isinstance(node, dict):
        props = node.get("props")
        if isinstance(props, dict) and isinstance(props.get("id"), str):
            yield node
        for value in node.values():
            yield from _components(value)
    elif isinstance(node, list):
        for value in node:
            yield from _components(value)


def _used(session: CDPSession) -> float:
    """Bytes of the page's heap once all garbage is gone."""
    session.send("HeapProfiler.enable")
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"])


def main() -> None:
    with installations() as install:
        print(table(heap(install)), flush=True)


if __name__ == "__main__":
    main()
