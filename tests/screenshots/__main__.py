"""``make screenshots``: every page of a fleet in the middle of an incident, light and dark, on a
desk, a tablet and a phone, into docs/screenshots.

The fleet is that of ``make demo``, with a past of some days, and a few things break at once; the
pictures are taken when their alerts stand and one of them is acknowledged. Give words to take only
the pictures whose names have one of them: ``python -m tests.screenshots alerts vps``.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.screenshots.camera import Camera, Site
from tests.screenshots.stage import Demo, fresh
from tests.support.browser import ARGUMENTS, chromium
from tests.support.product import ROOT

FOLDER = ROOT / "docs" / "screenshots"
#: Pages of the fleet by the name of their pictures. ``{vps}`` and ``{tenant}``: one that is hit.
PAGES = {
    "overview-12": "/health",
    "servers": "/health/vps",
    "server": "/health/vps/{vps}",
    "tenants": "/health/tenants",
    "tenant": "/health/tenants/{tenant}",
    "metrics": "/health/metrics",
    "alerts": "/health/alerts",
    "alerts-history": "/health/alerts?tab=history",
    "alerts-rules": "/health/alerts?tab=rules",
    "alerts-analytics": "/health/alerts?tab=analytics",
    "alerts-settings": "/health/alerts?tab=settings",
    "settings": "/health/settings",
}
#: Megabytes that the pictures may take together.
MOST = 8.0


def main(words: list[str]) -> int:
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="screenshots-")))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        stack.callback(browser.close)
        taken = _take(browser, folder, FOLDER, words, stack)
    size = sum(file.stat().st_size for file in FOLDER.glob("*.png")) / 1e6
    took = time.monotonic() - began
    sys.stdout.write(f"{taken} pictures in {took:.0f} s, {size:.1f} MB in {FOLDER}\n")
    return 0 if size <= MOST else 1


def _take(browser: Browser, folder: Path, to: Path, words: list[str], stack: ExitStack) -> int:
    def asked(name: str) -> bool:
        return not words or any(word in name for word in words)

    taken, pages = 0, {name: path for name, path in PAGES.items() if asked(name)}
    fleet = stack.enter_context(Demo(folder / "twelve", vps=12, days=3)) if pages else None
    if fleet:
        fleet.break_things()
    others: dict[str, Callable[[], AbstractContextManager[Site]]] = {
        "overview-0": lambda: fresh(folder / "none"),
        "overview-1": lambda: Demo(folder / "one", vps=1, days=1),
        "overview-1000": lambda: Demo(folder / "thousand", vps=1000, days=0.02),
    }
    for name, start in others.items():  # meanwhile the alerts of the fleet come
        if asked(name):
            with start() as site:
                camera = Camera(browser, site, to)
                if isinstance(site, Demo) and name == "overview-1000":
                    site.break_things()
                    site.wait_for_alerts(camera.api)
                taken += camera.take(name, "/health")
                camera.close()
    if fleet:
        camera = Camera(browser, fleet, to)
        hit = fleet.wait_for_alerts(camera.api)
        for name, path in pages.items():
            taken += camera.take(name, path.format(**hit))
        camera.close()
    return taken


if __name__ == "__main__":
    os.nice(5)
    sys.exit(main(sys.argv[1:]))
