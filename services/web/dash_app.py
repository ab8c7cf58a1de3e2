"""The Dash app: its page frame, its files, and the order in which the web parts are installed."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import dash
import structlog
from dash.development.base_component import Component
from flask import Flask, g, make_response, redirect, request
from flask.typing import ResponseReturnValue

from components import states
from components.shell import Entry, shell
from services.errors import HealthdeckError, NotFound
from services.web import (
    compress,
    cors,
    dash_endpoints,
    embedding,
    errors,
    guard,
    headers,
    limits,
    login,
    rest,
    vendor,
)
from services.web import shell as shell_callbacks
from services.web.prefix import Site

if TYPE_CHECKING:
    from services.container import Services

HOME = Path(__file__).resolve().parents[2]
LANDING = "/health"

#: theme.js stands in the head, before the first paint; the others belong to pages of their own.
NOT_FOR_DASH = r"^(theme\.js|login\.css|docs\.js)$"

INDEX = """<!DOCTYPE html>
<html lang="en">
  <head>
    {%metas%}
    <title>{%title%}</title>
    <link rel="icon" href="PREFIX/assets/favicon.svg" type="image/svg+xml">
    <script src="PREFIXTHEME"></script>
    {%css%}
  </head>
  <body>
    {%app_entry%}
    <noscript>Healthdeck needs JavaScript; its data is also at PREFIX/api/admin/health.</noscript>
    <footer>
      {%config%}
      {%scripts%}
      {%renderer%}
    </footer>
  </body>
</html>
"""

METAS = [
    {"name": "viewport", "content": "width=device-width, initial-scale=1"},
    {"name": "color-scheme", "content": "light dark"},
    {"name": "theme-color", "content": "#f6f7f9", "media": "(prefers-color-scheme: light)"},
    {"name": "theme-color", "content": "#0d131a", "media": "(prefers-color-scheme: dark)"},
    {"name": "robots", "content": "noindex"},
]

log = structlog.get_logger(__name__)


def create(services: Services) -> dash.Dash:
    """The app over some services, with everything of the web in front of it. Raises
    ConfigurationError when the browser files are not installed."""
    vendor.check()
    server = Site("healthdeck", static_folder=None, root_path=str(HOME))
    server.extensions["healthdeck"] = services
    app = _dash(server, services.settings.url_prefix)
    _prepare_pages(server)
    _answer_pages(server)
    app.layout = _layout(services)
    shell_callbacks.install(app)
    compress.install(server)
    errors.install(server)
    vendor.install(server)
    guard.install(server)
    headers.install(server, app.csp_hashes)
    cors.install(server)
    limits.install(server)
    login.install(server)
    embedding.install(server)
    rest.install(server)
    dash_endpoints.install(server, app)
    return app


def _dash(server: Flask, prefix: str) -> dash.Dash:
    # Without suppress_callback_exceptions Dash sends every page's layout to every browser, drawn
    # once, for whoever came first: another caller's view would leak.
    return dash.Dash(
        "healthdeck",
        server=server,  # type: ignore[arg-type]  # any Flask will do
        use_pages=True,
        pages_folder=str(HOME / "pages"),
        assets_folder=str(HOME / "assets"),
        requests_pathname_prefix=f"{prefix}/",
        routes_pathname_prefix="/",
        assets_ignore=NOT_FOR_DASH,
        external_stylesheets=[prefix + vendor.url("bootstrap.min.css")],
        external_scripts=[prefix + vendor.url("socket.io.min.js")],
        index_string=INDEX.replace("PREFIX", prefix).replace("THEME", _versioned("theme.js")),
        meta_tags=METAS,
        include_pages_meta=False,
        title="Healthdeck",
        update_title="",
        serve_locally=True,
        suppress_callback_exceptions=True,
        on_error=_say_failure,
    )


def _versioned(name: str) -> str:
    return f"/assets/{name}?m={(HOME / 'assets' / name).stat().st_mtime}"


def _prepare_pages(server: Flask) -> None:
    """Dash adds the callbacks of its page router, inline scripts among them, on the first
    request; the hashes of the content security policy must hold them before that."""
    with server.test_request_context(LANDING):
        for prepare in server.before_request_funcs.get(None, []):
            prepare()
    for page in dash.page_registry.values():
        page["layout"] = _told(page["layout"])


def _told(layout: Callable[..., Component]) -> Callable[..., Component]:
    """A page's layout that says what is wrong with what it was asked for."""

    @wraps(layout)
    def draw(**asked: str) -> Component:
        try:
            return layout(**asked)
        except NotFound as error:
            return states.not_found(error.message)
        except HealthdeckError as error:
            return states.not_shown(error.message)
        except Exception as error:
            log.error("page_failed", path=request.path, exc_info=error)
            return states.not_shown("The server had an error. Its log has the details.")

    return draw


def _answer_pages(server: Flask) -> None:
    """``/`` goes to the overview; a path that no page has is shown so, with status 404."""
    page = server.view_functions["/<path:path>"]
    shapes = [_shape(one["path_template"] or one["path"]) for one in dash.page_registry.values()]

    def page_or_404(path: str) -> ResponseReturnValue:
        known = any(shape.fullmatch(f"/{path.strip('/')}") for shape in shapes)
        return make_response(page(path=path), 200 if known else 404)

    def landing() -> ResponseReturnValue:
        return redirect(LANDING)

    server.view_functions["/<path:path>"] = page_or_404
    server.view_functions["/"] = landing


def _shape(path: str) -> re.Pattern[str]:
    """What addresses look like that a page has; ``<name>`` stands for one part."""
    return re.compile(re.sub("<[^>]*>", "[^/]+", path))


def _layout(services: Services) -> Callable[[], Component]:
    def layout() -> Component:
        who = g.principal
        extent = services.read.extent(who.scope)
        return shell(
            _entries(),
            dash.page_container,
            extent,
            who.name,
            told=who.via == "session",
        )

    return layout


def _entries() -> list[Entry]:
    """The pages that have a place in the rail, in their order."""
    pages = [page for page in dash.page_registry.values() if page.get("icon")]
    return [Entry(page["name"], page["path"], page["icon"]) for page in pages]


def _say_failure(error: Exception) -> None:
    """A callback did not do what it was asked: the page stays as it is, says why, and goes on."""
    if isinstance(error, HealthdeckError) and error.status < 500:
        dash.set_props("toasts", {"children": states.refused(error.message)})
        return
    log.error("callback_failed", path=request.path, exc_info=error)
    dash.set_props("notice", {"children": states.failure(g.get("request_id"))})
