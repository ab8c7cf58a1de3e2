"""Below a sub-path of somebody else's host (``URL_PREFIX``): which path of ours an address means,
and which address a path of ours has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Flask, request
from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Below:
    """WSGI: everything behind it sees paths as if there were no prefix, with the prefix as
    ``SCRIPT_NAME``, from which Flask makes addresses. Some proxies take the prefix off before they
    pass a request on and some do not: both are understood, for no path of ours begins like a
    prefix (``setting_values.prefix`` sees to that). So are probes that know of no prefix."""

    def __init__(self, app: WSGIApplication, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == self._prefix or path.startswith(f"{self._prefix}/"):
            environ["PATH_INFO"] = path[len(self._prefix) :] or "/"
        environ["SCRIPT_NAME"] = self._prefix
        return self._app(environ, start_response)


class Site(Flask):
    """A Flask whose redirects stay below the prefix: code that sends a browser to ``/health``, or
    to the page that it once asked for, need not know where the host has put us."""

    def redirect(self, location: str, code: int = 302) -> Response:
        return super().redirect(placed(location), code)


def placed(location: str) -> str:
    """The address of a path of ours, as this request's browser must write it. Other sites'
    addresses, and what is below the prefix already, stay as they are."""
    root = quote(request.script_root)
    if not root or not location.startswith("/") or location.startswith("//"):
        return location
    path = location.partition("?")[0].partition("#")[0]
    return location if path == root or path.startswith(f"{root}/") else f"{root}{location}"
