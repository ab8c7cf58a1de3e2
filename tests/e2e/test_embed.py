"""A page of ours in a frame on another site, in a real Chromium. Two ports of 127.0.0.1 are one
site to a browser, so the portal is ``localhost``."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
from playwright.sync_api import FrameLocator, Page, expect

from tests.conftest import Installs
from tests.support.browser import Watch
from tests.support.product import Healthdeck
from tests.support.wait import eventually
from tests.support.web import Answer, LocalServer, Request

PAGE = """<!doctype html><title>Portal</title><h1>Portal</h1>
<iframe width="1200" height="800" src="{address}"></iframe>
<script>
  window.told = [];
  addEventListener("message", async (event) => {{
    if (event.origin === "{hub}") window.told.push(event.data);
    if (event.origin !== "{hub}" || event.data.type !== "healthdeck:token-wanted") return;
    const token = await (await fetch("/token")).text();
    event.source.postMessage({{type: "healthdeck:token", token}}, event.origin);
  }});
</script>"""


class Portal:
    """Its page frames ours; its backend asks for tokens whose sessions last ``minutes``."""

    def __init__(self, minutes: float, to: str = "/health") -> None:
        self.minutes = minutes
        self.to = to
        self.given = 0
        self.hub: Healthdeck | None = None
        self.backend: dict[str, str] = {}
        self.server = LocalServer(self._answer)

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.server.port}"

    def token(self) -> str:
        assert self.hub
        answer = httpx.post(
            f"{self.hub.url}/api/admin/embed-tokens",
            json={"minutes": self.minutes},
            headers=self.backend,
        )
        assert answer.status_code == 201, answer.text
        self.given += 1
        return str(answer.json()["token"])

    def _answer(self, request: Request) -> Answer:
        assert self.hub
        if request.path == "/token":
            return Answer(200, self.token().encode(), {"Content-Type": "text/plain"})
        if request.path != "/":
            return Answer(204)
        address = f"{self.hub.url}/embed?to={quote(self.to)}#token={self.token()}"
        text = PAGE.format(address=address, hub=self.hub.url)
        return Answer(200, text.encode(), {"Content-Type": "text/html"})


def install(healthdeck: Installs, minutes: float, to: str = "/health") -> Portal:
    portal = Portal(minutes, to)
    portal.hub = healthdeck(PORTAL_URL=portal.origin).start()
    portal.hub.create_user("ada", "a password that is long enough")
    portal.backend = {"Authorization": f"Bearer {portal.hub.token()}"}
    return portal


def live(frame: FrameLocator) -> None:
    expect(frame.get_by_role("heading", level=1)).to_have_text("System Health", timeout=20_000)
    expect(frame.get_by_test_id("live-indicator")).to_have_attribute(
        "data-state", "live", timeout=20_000
    )


def test_a_frame_on_another_site_logs_in_and_stays_live(
    healthdeck: Installs, page: Page, watch: Watch
) -> None:
    portal = install(healthdeck, minutes=0.15)  # 9 s: renewed after half of it
    page.goto(portal.origin)
    frame = page.frame_locator("iframe")
    live(frame)
    assert portal.hub
    address = next(one.url for one in page.frames if one.url.startswith(portal.hub.url))
    assert address == f"{portal.hub.url}/health"
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies(portal.hub.url)}
    assert "token" not in address
    assert all(cookie["httpOnly"] for cookie in cookies.values())
    eventually(lambda: portal.given >= 4, 30, "the page asks the portal for new tokens")
    live(frame)
    portal.server.close()


def test_a_page_without_its_frame_talks_to_the_portal(
    healthdeck: Installs, page: Page, watch: Watch
) -> None:
    portal = install(healthdeck, minutes=5, to="/health?embed=1")
    page.goto(portal.origin)
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", level=1)).to_have_text("System Health")
    expect(frame.locator(".rail")).to_be_hidden()
    expect(frame.locator(".bar")).to_be_hidden()

    def told(type_: str) -> list[dict[str, Any]]:
        said: list[dict[str, Any]] = page.evaluate("window.told")
        return [one for one in said if one["type"] == f"healthdeck:{type_}"]

    eventually(lambda: told("height") and told("height")[-1]["height"] > 300, 20, "its height")
    eventually(lambda: told("alerts"), 20, "how many alerts are active")
    assert told("alerts")[-1]["count"] == 0
    assert told("route")[0]["path"] == "/health"
    assert portal.hub
    inner = next(one for one in page.frames if one.url.startswith(portal.hub.url))
    inner.evaluate("healthdeck.go('/health/vps')")
    eventually(lambda: told("route")[-1]["path"] == "/health/vps", 20, "the next page")
    assert inner.url == f"{portal.hub.url}/health/vps?embed=1"

    def say(theme: str) -> None:
        page.evaluate(
            """([theme, hub]) => document.querySelector("iframe").contentWindow.postMessage(
                 {type: "healthdeck:theme", theme}, hub)""",
            [theme, portal.hub.url if portal.hub else ""],
        )

    say("dark")
    expect(frame.locator("html")).to_have_attribute("data-bs-theme", "dark")
    say("light")
    expect(frame.locator("html")).to_have_attribute("data-bs-theme", "light")
    inner.evaluate("window.postMessage({type: 'healthdeck:theme', theme: 'dark'}, '*')")
    say("no theme")
    assert frame.locator("html").get_attribute("data-bs-theme") == "light", "from the portal alone"
    portal.server.close()


def test_a_third_origin_can_neither_frame_nor_call(
    healthdeck: Installs, page: Page, watch: Watch
) -> None:
    watch.tolerate += ["frame-ancestors", "CORS policy", "ERR_BLOCKED_BY_RESPONSE", "ERR_FAILED",
                       "401 (UNAUTHORIZED)"]  # fmt: skip
    portal = install(healthdeck, minutes=5)
    stranger = Portal(minutes=5)
    stranger.hub, stranger.backend = portal.hub, portal.backend
    page.goto(portal.origin)
    live(page.frame_locator("iframe"))
    page.goto(stranger.origin)
    refused = eventually(
        lambda: [text for text in watch.errors if "frame-ancestors" in text], 10, "a refusal"
    )
    assert refused
    assert page.frame_locator("iframe").get_by_role("heading", level=1).count() == 0
    assert portal.hub
    called = page.evaluate(
        """(url) => fetch(url, {credentials: "include"}).then(() => "read", () => "refused")""",
        f"{portal.hub.url}/api/admin/health/overview",
    )
    assert called == "refused"
    for one in (portal, stranger):
        one.server.close()
