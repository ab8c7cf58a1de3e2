"""A browser that takes pictures of a page in each size and theme."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Literal, Protocol

from PIL import Image
from playwright.sync_api import APIRequestContext, Browser, Page

Theme = Literal["light", "dark"]

THEMES: tuple[Theme, ...] = ("light", "dark")
#: Width and height of the screen, and how much of a long page is shown.
SIZES = ((1440, 1000, 1800), (768, 1024, 1800), (390, 844, 1900))
#: A PNG with a palette has so many colours; so many of them are the most common ones as they are.
COLOURS, COMMON = 256, 128
#: What comes and goes would hide what it is about.
PASSING = ".toasts { display: none }"
#: Until charts and tables are drawn, and until they are drawn again in another size (ms).
DRAWN, REDRAWN = 2500, 450


class Site(Protocol):
    url: str
    name: str
    password: str


class Camera:
    """Logged in at a site; pictures go ``to`` a folder."""

    def __init__(self, browser: Browser, site: Site, to: Path) -> None:
        self._context = browser.new_context(viewport={"width": 1440, "height": 1000})
        self._context.set_default_timeout(60_000)
        self._page = self._context.new_page()
        self._site = site
        self._to = to
        to.mkdir(parents=True, exist_ok=True)
        page = self._page
        page.goto(f"{site.url}/login")
        page.get_by_label("Name").fill(site.name)
        page.get_by_label("Password").fill(site.password)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/health*")

    @property
    def api(self) -> APIRequestContext:
        """Asks with the session of the page."""
        return self._context.request

    def take(self, name: str, path: str) -> int:
        """``name-1440-light.png`` and so on; returns how many."""
        page = self._page
        page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})
        page.goto(f"{self._site.url}{path}")
        page.locator("#content h1").wait_for()
        page.wait_for_timeout(DRAWN)
        for width, height, longest in SIZES:
            # as high as the page is, so that the rail or the bar at the bottom is where it ends
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(REDRAWN)
            needed = int(page.evaluate("document.documentElement.scrollHeight"))
            page.set_viewport_size({"width": width, "height": min(max(needed, height), longest)})
            for theme in THEMES:
                page.emulate_media(color_scheme=theme)
                page.wait_for_timeout(REDRAWN)
                _save(page, self._to / f"{name}-{width}-{theme}.png")
        return len(SIZES) * len(THEMES)

    def close(self) -> None:
        self._context.close()


def _save(page: Page, file: Path) -> None:
    """With a palette: that is enough for a page, and a third of the size."""
    picture = Image.open(io.BytesIO(page.screenshot(style=PASSING))).convert("RGB")
    picture.quantize(palette=_palette(picture), dither=Image.Dither.NONE).save(file, optimize=True)


def _palette(picture: Image.Image) -> Image.Image:
    """The most common colours, exactly, and of the others what is near to all of them."""
    counted = sorted(picture.getcolors(picture.width * picture.height) or (), reverse=True)
    colours: list[Any] = [colour for _, colour in counted]
    found = [part for colour in colours[:COMMON] for part in colour]
    if rare := colours[COMMON:]:
        line = Image.new("RGB", (len(rare), 1))
        line.putdata(rare)
        spread = line.quantize(COLOURS - COMMON, method=Image.Quantize.MAXCOVERAGE)
        found += spread.getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette(found[: 3 * COLOURS])
    return palette
