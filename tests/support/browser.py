"""A real Chromium, and what a page must never do: write errors to the console."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, Request, Response

from tests.support.product import Healthdeck

#: Without its background networking flags Chromium calls home at every start.
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise AssertionError("Chromium is not installed: make test installs it")


@dataclass
class Watch:
    """What a page did. ``tolerate`` lists texts of console errors that a test provokes."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    tolerate: list[str] = field(default_factory=list)

    def attach(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("request", self._request)
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "assert"):
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.failures.append(f"{response.status} {response.url}")

    def unexpected(self) -> list[str]:
        return [e for e in self.errors if not any(part in e for part in self.tolerate)]

    def foreign(self) -> list[str]:
        """Requests to anything but the server under test."""
        local = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "http://localhost:")
        return [url for url in self.requests if not url.startswith(local)]


def log_in(page: Page, healthdeck: Healthdeck, name: str, password: str) -> None:
    """Through the login page, as a person does it."""
    page.goto(f"{healthdeck.url}/login")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/health*")


__all__ = ["ARGUMENTS", "Error", "Watch", "chromium", "log_in"]
