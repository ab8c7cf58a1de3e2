"""Probes for whoever runs Healthdeck: is the process alive, can it do its work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from flask import Flask, Response, current_app, jsonify

from services.container import current
from services.errors import Unavailable
from services.observation import CheckResult, Status
from services.web import errors
from services.web.rest.operation import Answer, Routes

READINESS = "healthdeck.readiness"
TIMEOUT = 2.0
KEEP = 1.0

Checks = Mapping[str, Callable[[], CheckResult]]

log = structlog.get_logger(__name__)
routes = Routes("Operations")


class Alive(Answer):
    status: str


class Found(Answer):
    status: str
    reason: str | None = None


class Ready(Answer):
    status: str
    checks: dict[str, Found]


class Readiness:
    """Looks at what the process needs. However many ask, one looks, at most once in ``keep``
    seconds; a check that hangs holds up nobody for longer than ``timeout`` and is not started
    twice."""

    def __init__(self, timeout: float = TIMEOUT, keep: float = KEEP) -> None:
        self._timeout = timeout
        self._keep = keep
        self._lock = threading.Lock()
        self._running: dict[str, threading.Thread] = {}
        self._found: dict[str, str | None] = {}
        self._looked_at: float | None = None

    def look(self, checks: Checks) -> Mapping[str, str | None]:
        """The reason why each check failed; None where it did not."""
        with self._lock:
            now = time.monotonic()
            if self._looked_at is None or now - self._looked_at > self._keep:
                self._found = self._look(checks)
                self._looked_at = time.monotonic()
            return self._found

    def _look(self, checks: Checks) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        deadline = time.monotonic() + self._timeout
        for name, check in checks.items():
            thread = self._running.get(name)
            if thread is None or not thread.is_alive():
                thread = threading.Thread(
                    target=_run, args=(name, check, found), name=f"ready-{name}", daemon=True
                )
                self._running[name] = thread
                thread.start()
        for name in checks:
            self._running[name].join(max(0.0, deadline - time.monotonic()))
        # A check that is late still writes into ``found``, which by then is nobody's.
        return {name: found.get(name, f"the {name} does not answer in time") for name in checks}


def _run(name: str, check: Callable[[], CheckResult], found: dict[str, str | None]) -> None:
    try:
        result = check()
    except Exception:
        log.exception("readiness_check_failed", check=name)
        found[name] = f"the {name} cannot be checked"
        return
    if result.status is Status.HEALTHY:
        found[name] = None
        return
    log.warning("not_ready", check=name, reason=result.message)
    # Anybody may ask, and the text of a driver's exception names hosts and users.
    found[name] = f"the {name} does not answer" if result.evidence else result.message


def prepare(server: Flask) -> None:
    """Keeps what was found between requests."""
    server.extensions[READINESS] = Readiness()


@routes.get("/healthz", who="anyone", answer=Alive)
def get_liveness() -> dict[str, str]:
    """Is the process alive.

    It is when this answers at all."""
    return {"status": "ok"}


@routes.get("/health/live", who="anyone", answer=Alive)
def get_health_live() -> dict[str, str]:
    """Is the process alive: the same as /healthz."""
    return get_liveness()


@routes.get("/readyz", who="anyone", answer=Ready)
def get_readiness() -> Response:
    """Can Healthdeck do its work.

    200 when database, cache and scheduler work, else 503 with the reason of each that does
    not."""
    readiness: Readiness = current_app.extensions[READINESS]
    found = readiness.look(current().own_checks)
    checks: dict[str, Any] = {
        name: {"status": "failed", "reason": reason} if reason else {"status": "ok"}
        for name, reason in found.items()
    }
    failed = [f"{name}: {reason}" for name, reason in found.items() if reason]
    if not failed:
        return jsonify({"status": "ready", "checks": checks})
    body = errors.body(Unavailable("Healthdeck cannot do its work right now.", failed))
    response = jsonify({"status": "unavailable", **body, "checks": checks})
    response.status_code = 503
    return response


@routes.get("/health/ready", who="anyone", answer=Ready)
def get_health_ready() -> Response:
    """Can Healthdeck do its work: the same as /readyz."""
    return get_readiness()
