"""The overview in a real Chromium: how soon it is there, how soon it shows a change, what it takes.

*Cold load*: from the navigation of a browser with an empty cache, but a session, until the page is
live and every server is on it. *Page change*: from a press on a link of the rail until the other
page is there, back and forth. *Emit to DOM*: the server stamps every ``health:update`` with its
time (``timestamp``). A script that runs in the page before any other reads that stamp off each
websocket message, and a MutationObserver notes when the servers next change. Server and browser
share this machine's clock, so the difference is the way from the emit through the socket, the
callback and its render to the DOM. An event whose change the page has already (it read the state a
moment before, and the server answers that no row is another) is left out. A fleet that is shown as
tiles, which change with a status alone, is measured as the table.

``python -m tests.bench.page 12 1000`` measures these sizes alone; fleets are those of
tests.bench.watched.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench.installations import installations
from tests.bench.table import Row, quantile, table
from tests.bench.watched import NAME, PASSWORD, watched
from tests.support.browser import ARGUMENTS, chromium, log_in
from tests.support.product import Healthdeck
from tests.support.wait import eventually

#: Servers, and seconds in which the median load of their overview is to be there.
SIZES = {12: 1.5, 100: 1.5, 500: 2.0, 1000: 2.5}
LOADS, TURNS, CHANGES = 7, 8, 40
#: Up to so many servers are cards.
CARDS = 60
FIRST_LOAD_MB = 1.5

SCRIPT = """
window.latencies = [];
window.thereAt = null;
let emitted = null;
const Plain = window.WebSocket;
window.WebSocket = class extends Plain {
  constructor(...args) {
    super(...args);
    this.addEventListener("message", ({ data }) => {
      if (typeof data !== "string" || !data.includes('"health:update"')) return;
      const stamp = /"timestamp":\\s*"([^"]+)"/.exec(data);
      if (stamp && emitted === null) emitted = Date.parse(stamp[1]);
    });
  }
};
const ask = window.fetch;
window.fetch = async (address, about) => {
  const since = emitted;
  const answer = await ask(address, about);
  const body = about && typeof about.body === "string" ? about.body : "";
  if (!body.includes("overview-fleet.data") || since === null) return answer;
  const rows = (await answer.clone().text()).includes('"overview-fleet"');
  if (!rows && emitted === since) emitted = null;
  return answer;
};
const there = () =>
  document.querySelectorAll("[data-testid=vps-card]").length >= window.expected &&
  document.querySelector("[data-testid=live-indicator][data-state=live]");
new MutationObserver((records) => {
  if (window.expected && window.thereAt === null && there()) window.thereAt = performance.now();
  if (emitted === null) return;
  const drawn = ({ target }) => target.matches && target.matches("#fleet .vps-grid, #fleet tbody");
  const changed = (one) => one.addedNodes.length && drawn(one);
  if (!records.some(changed)) return;
  window.latencies.push(Date.now() - emitted);
  emitted = null;
}).observe(document, { subtree: true, childList: true, attributeFilter: ["data-state"] });
"""

#: Presses a link of the rail and tells how long it took (ms) until the page was there.
TURN = """([path, servers]) => new Promise((resolve) => {
  const began = performance.now();
  const cards = () => document.querySelectorAll("[data-testid=vps-card]").length;
  const other = () => !cards() && document.querySelector(".page > h1");
  const there = () => (servers ? cards() >= servers : other());
  const check = () => there() ? resolve(performance.now() - began) : requestAnimationFrame(check);
  document.querySelector(`.rail .nav-link[href$="${path}"]`).click();
  check();
})"""


def overviews(install: Callable[..., Healthdeck]) -> list[Row]:
    """Every size of SIZES, one after the other."""
    return [row for servers in SIZES for row in overview(install, servers)]


def overview(install: Callable[..., Healthdeck], servers: int) -> list[Row]:
    """All figures of the overview with so many servers."""
    with watched(install, servers) as installation, _browser() as browser:
        state = signed_in(browser, installation)
        loads, sizes = _cold_loads(browser, installation, servers, state)
        turns = _page_changes(browser, installation, servers, state)
        took = _emit_to_dom(browser, installation, servers, state)
        busy = psutil.getloadavg()[0]
        installation.stop()
    at = f"overview, {servers} servers"
    p50, aim = quantile(loads, 0.5) / 1000, SIZES.get(servers, 2.5)
    size = max(sizes) / 1e6
    middle, p95 = quantile(took, 0.5), quantile(took, 0.95)
    rows = [
        Row(f"{at}: cold load, all rows, p50 of {len(loads)}", f"{p50:.2f} s (load {busy:.1f})",
            f"<= {aim:g} s", p50 <= aim),
        Row(f"{at}: first load, transferred", f"{size:.2f} MB", f"<= {FIRST_LOAD_MB:g} MB",
            size <= FIRST_LOAD_MB),
        Row(f"{at}: emit to DOM, p50, p95 of {len(took)}", f"{middle:.0f}, {p95:.0f} ms",
            "p95 <= 150 ms", p95 <= 150),
    ]  # fmt: skip
    if turns:
        change = quantile(turns, 0.5)
        rows.append(
            Row(f"{at}: page change, p50 of {len(turns)}", f"{change:.0f} ms", "<= 400 ms",
                change <= 400)
        )  # fmt: skip
    return rows


def emit_to_dom(install: Callable[..., Healthdeck]) -> list[Row]:
    """With the machine itself alone, read every second."""
    installation = install(COLLECT_INTERVAL="1").start()
    installation.create_user(NAME, PASSWORD)
    with _browser() as browser:
        took = _emit_to_dom(browser, installation, 1, signed_in(browser, installation))
    p50, p95 = quantile(took, 0.5), quantile(took, 0.95)
    return [
        Row(f"emit to DOM, p50 of {len(took)}", f"{p50:.0f} ms"),
        Row("emit to DOM, p95", f"{p95:.0f} ms", "< 100 ms", p95 < 100),
    ]


@contextmanager
def _browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        yield browser
        browser.close()


def signed_in(browser: Browser, installation: Healthdeck) -> Any:
    """What a browser keeps of a login."""
    context = browser.new_context()
    log_in(context.new_page(), installation, NAME, PASSWORD)
    state = context.storage_state()
    context.close()
    return state


@contextmanager
def opened(browser: Browser, state: Any, servers: int) -> Iterator[Page]:
    """A page of a browser with an empty cache."""
    context = browser.new_context(storage_state=state, viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.add_init_script(f"window.expected = {servers};{SCRIPT}")
    yield page
    context.close()


def _cold_loads(
    browser: Browser, installation: Healthdeck, servers: int, state: Any
) -> tuple[list[float], list[float]]:
    """Milliseconds and bytes of each load; the first one, which warms the server, left out."""
    took, sizes = [], []
    for _ in range(LOADS + 1):
        with opened(browser, state, servers) as page:
            size = [0.0]
            session = page.context.new_cdp_session(page)
            session.send("Network.enable")
            session.on(
                "Network.loadingFinished",
                lambda event, size=size: size.append(event["encodedDataLength"]),
            )
            page.goto(f"{installation.url}/health", wait_until="commit")
            page.wait_for_function("() => window.thereAt !== null", timeout=60_000, polling=50)
            took.append(page.evaluate("window.thereAt"))
            page.wait_for_load_state("networkidle")
            sizes.append(sum(size))
    return took[1:], sizes[1:]


def _page_changes(
    browser: Browser, installation: Healthdeck, servers: int, state: Any
) -> list[float]:
    """Milliseconds of each turn, to the servers and back; none while there is no such page."""
    took: list[float] = []
    with opened(browser, state, servers) as page:
        page.goto(f"{installation.url}/health")
        page.wait_for_function("() => window.thereAt !== null", timeout=60_000)
        if not page.locator('.rail .nav-link[href$="/health/vps"]').count():
            return []
        for _ in range(TURNS + 1):
            took.append(page.evaluate(TURN, ["/health/vps", 0]))
            took.append(page.evaluate(TURN, ["/health", servers]))
    return took[2:]  # the first turn fetches what the other page needs


def _emit_to_dom(
    browser: Browser, installation: Healthdeck, servers: int, state: Any
) -> list[float]:
    form = "" if servers <= CARDS else "?form=table"
    with opened(browser, state, servers) as page:
        page.goto(f"{installation.url}/health{form}")
        page.wait_for_function("() => window.thereAt !== null", timeout=60_000)
        enough = f"window.latencies.length > {CHANGES} ? window.latencies.slice(1) : null"
        found: list[float] = eventually(
            lambda: page.evaluate(enough), 6 * CHANGES, "enough changes on the page", every=0.5
        )
    return found


def main() -> None:
    for servers in [int(word) for word in sys.argv[1:]] or SIZES:
        with installations() as install:
            print(table(overview(install, servers)), flush=True)


if __name__ == "__main__":
    main()
