"""The third-party browser files: installed by npm from the lock file, served by ourselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from flask import Flask, Response, abort, send_file

from services.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2] / "node_modules"
YEAR = 31_536_000

#: What is served under /vendor/: file name -> package and the file's place in it.
FILES: Mapping[str, tuple[str, str]] = {
    "bootstrap.min.css": ("bootstrap", "dist/css/bootstrap.min.css"),
    "plotly.min.js": ("plotly.js-basic-dist-min", "plotly-basic.min.js"),
    "socket.io.min.js": ("socket.io-client", "dist/socket.io.min.js"),
    "swagger-ui.css": ("swagger-ui-dist", "swagger-ui.css"),
    "swagger-ui-bundle.js": ("swagger-ui-dist", "swagger-ui-bundle.js"),
}


def check(root: Path = ROOT) -> None:
    """Raises ConfigurationError unless every file is installed."""
    missing = [
        f"{name} (package {FILES[name][0]})" for name in FILES if not _place(root, name).is_file()
    ]
    if missing:
        raise ConfigurationError(
            f"the browser files are not installed in {root}; `make run` installs them", missing
        )


def url(name: str, root: Path = ROOT) -> str:
    """The address of a file, with its package's version, so that it may be kept for a year."""
    package, _ = FILES[name]
    version = json.loads((root / package / "package.json").read_text(encoding="utf-8"))["version"]
    return f"/vendor/{name}?v={version}"


def install(server: Flask, root: Path = ROOT) -> None:
    """Serves the allow-listed files under /vendor/."""

    @server.get("/vendor/<name>")
    def vendor_file(name: str) -> Response:
        if name not in FILES:
            abort(404)
        answer = send_file(_place(root, name), max_age=YEAR)
        answer.cache_control.public = True
        answer.cache_control.immutable = True
        return answer


def _place(root: Path, name: str) -> Path:
    package, inside = FILES[name]
    return root / package / inside
