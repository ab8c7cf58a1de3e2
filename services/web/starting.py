"""How a worker comes to serve: at once, or after it stood by while another process led."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import structlog

from services.errors import HealthdeckError
from services.web.preflight import Prepared
from services.web.stream.limits import EXTENSION

if TYPE_CHECKING:
    from flask import Flask

    from services.settings import Settings
    from services.web.leadership import Leadership
    from services.web.standby import Front

log = structlog.get_logger(__name__)

#: Exit code of a worker that must not go on but may begin anew.
AGAIN = 70


class Starting:
    """Builds the application with ``factory`` and starts it, once this process may. ``master`` is
    the process that an operator knows, ``again`` says that another worker shall follow this one."""

    def __init__(
        self,
        prepared: Prepared,
        factory: Callable[[], Flask],
        url: str,
        master: int,
        again: Callable[[], None],
    ) -> None:
        self._contested = prepared.contested
        self._factory = factory
        self._url = url
        self._master = master
        self._again = again

    def front(self, code: int) -> Front:
        """What to serve: the application, or a standby's answers until it is there. When it
        cannot be built, the process says why and ends with ``code``."""
        from services.web.standby import Front  # after the fork: the master needs none of it

        front = Front(self._contested.url_prefix if self._contested else "")
        try:
            if self._contested is None:
                front.app = _started(self._factory)
            else:
                self._lead(front, self._contested)
        except BaseException as error:
            _cannot_start(error)
            sys.exit(code)
        return front

    def _lead(self, front: Front, settings: Settings) -> None:
        from services.web.leadership import Leadership

        part = Leadership(settings.database_url, socket.gethostname(), self._master, self._lost)
        if (others := part.claim()) is None:
            front.app = _started(lambda: self._built(part, settings))
            return
        front.stand_by()
        _say(f"{others}; standing by at {self._url}, and taking over when it ends")
        follow = partial(self._follow, front, part, settings)
        threading.Thread(target=follow, name="standby", daemon=True).start()

    def _follow(self, front: Front, part: Leadership, settings: Settings) -> None:
        """Waits until this process leads. It answers as a standby until everything is started.
        A worker that fails in this is followed by one that begins anew, and says what is wrong."""
        try:
            part.wait()
            _say("This Healthdeck leads from now on")
            front.app = _started(lambda: self._built(part, settings))
        except BaseException as error:
            _cannot_start(error)
            leave(AGAIN)
        announce(front.app, self._url)

    def _built(self, part: Leadership, settings: Settings) -> Flask:
        from services.web import database_check

        database_check.open_database(settings).close()
        part.begin()
        app = self._factory()
        part.fence(app.extensions["healthdeck"].database.engine)
        return app

    def _lost(self, reason: str) -> NoReturn:
        """Ends this worker without another word to the database; the next one stands by."""
        self._again()
        sys.stderr.write(f"{reason}. This process stops leading at once and stands by.\n")
        leave(AGAIN)


def _started(build: Callable[[], Flask]) -> Flask:
    app = build()
    app.extensions["healthdeck"].start()
    app.extensions[EXTENSION].start()
    return app


def announce(app: Flask, url: str) -> None:
    """Says where it runs, and how the first user is made while there is none."""
    services = app.extensions["healthdeck"]
    identity, url = services.identity, f"{url}{services.settings.url_prefix}"
    lines = [f"Healthdeck is running at {url} (Ctrl+C stops it)"]
    if not identity.has_users():
        link = f"{url}/setup?token={identity.setup_token()}"
        lines.append(f"Nobody can log in yet. Create the first user, within a day: {link}")
    _say(*lines)


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _cannot_start(error: BaseException) -> None:
    if isinstance(error, HealthdeckError):
        sys.stderr.write(f"Healthdeck cannot start: {error}\n")
    else:
        log.critical("start_failed", exc_info=error)


def leave(code: int) -> NoReturn:
    """Ends the process without taking the interpreter apart, which takes a second."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
