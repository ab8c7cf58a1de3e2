"""From the server's emit to the change on a screen, in a real Chromium.

The server stamps every ``health:update`` with its time (``timestamp``). A script that runs in
the page before any other reads that stamp off each websocket message, and a MutationObserver
notes when the server cards next change. Server and browser share this machine's clock, so the
difference is the way from the emit through the socket, the callback and its render to the DOM.
The machine is read every second. An event that changes nothing on the page would count against
us until the next one that does (its traffic figure changes nearly always).
"""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import sync_playwright

from tests.bench.table import Row, quantile
from tests.support.browser import ARGUMENTS, chromium, log_in
from tests.support.product import Healthdeck
from tests.support.wait import eventually

CHANGES = 40

SCRIPT = """
window.latencies = [];
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
new MutationObserver((records) => {
  if (emitted === null) return;
  const cards = records.some((one) => one.target.id === "overview-vps" && one.addedNodes.length);
  if (!cards) return;
  window.latencies.push(Date.now() - emitted);
  emitted = null;
}).observe(document, { subtree: true, childList: true });
"""


def emit_to_dom(install: Callable[..., Healthdeck]) -> list[Row]:
    """p50 and p95 in ms over some changes."""
    installation = install(COLLECT_INTERVAL="1").start()
    installation.create_user("bench", "a password that is long enough")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        page = browser.new_page()
        page.add_init_script(SCRIPT)
        log_in(page, installation, "bench", "a password that is long enough")
        took = eventually(
            lambda: page.evaluate(
                f"window.latencies.length > {CHANGES} ? window.latencies.slice(1) : null"
            ),
            4 * CHANGES,
            "enough changes on the page",
            every=0.5,
        )
        browser.close()
    p50, p95 = quantile(took, 0.5), quantile(took, 0.95)
    return [
        Row(f"emit to DOM, p50 of {len(took)}", f"{p50:.0f} ms"),
        Row("emit to DOM, p95", f"{p95:.0f} ms", "< 100 ms", p95 < 100),
    ]
