"""The server over an application of four routes: ``python -m tests.support.small_server PORT HOW``.

``HOW`` says how it starts: ``well``, or one of the ways in which a start fails.
"""

from __future__ import annotations

import os
import sys
import threading
from types import SimpleNamespace
from typing import Any

from flask import Flask

from services import logs
from services.errors import ConfigurationError
from services.events import Bus
from services.identity import Principal
from services.inventory.fleet import Fleet
from services.web import preflight, server
from services.web.stream import hub

PLACES = 3


class Application:
    """What the server needs of the real one."""

    def __init__(self) -> None:
        self.settings = SimpleNamespace(portal_url=(), url_prefix="")
        self.identity = SimpleNamespace(
            has_users=lambda: True,
            authenticate_token=lambda token: Principal(token, "admin", None, "token", token),
        )
        fleet = Fleet.build(None, "small", "cache")
        self.read: Any = SimpleNamespace(fleet=lambda: fleet)
        self.bus = Bus()

    def start(self) -> None:
        _say("started")

    def stop(self) -> None:
        _say("stopped")


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def build() -> Flask:
    app, services = Flask("small"), Application()
    app.extensions["healthdeck"] = services
    entered, never = threading.Event(), threading.Event()

    @app.get("/")
    def home() -> str:
        return str(os.getpid())

    @app.get("/half-a-second")
    def slow() -> str:
        entered.set()
        never.wait(0.5)
        return "done"

    @app.get("/hang")
    def hang() -> str:
        entered.set()
        never.wait(60)
        return "never"

    @app.get("/entered")
    def is_entered() -> str:
        return str(entered.wait(10))

    hub.attach(app, services, PLACES)  # type: ignore[arg-type]
    return app


def broken() -> Flask:
    raise ValueError("this bug is in the log")


def misconfigured() -> Flask:
    raise ConfigurationError("The cache is not there", ["write REDIS_URL"])


def vanished() -> Flask:
    os._exit(0)


def endless() -> Flask:
    _say("starting")
    threading.Event().wait(60)
    return build()


if __name__ == "__main__":
    ways = {
        "well": build,
        "broken": broken,
        "misconfigured": misconfigured,
        "vanished": vanished,
        "endless": endless,
    }
    logs.configure("info", "console")
    listener = preflight.listen("127.0.0.1", int(sys.argv[1]))
    server.serve(preflight.Prepared(listener), ways[sys.argv[2]])
