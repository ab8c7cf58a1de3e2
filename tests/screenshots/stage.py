"""What the pictures show: the demo's fleet when several things broke, and a new installation."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import httpx
from playwright.sync_api import APIRequestContext

from tests.support.product import ROOT, Healthdeck
from tests.support.wait import eventually, free_port

NAME, PASSWORD = "kim", "correct horse battery"
#: Target and kind; what a fleet has not got is left out. ``spread``: what depends on it suffers.
FAULTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("vps-4", "down", {}),
    ("vps-7/postgres", "refuse", {"spread": True}),
    ("vps-2", "disk", {"to": 0.96, "over": 5}),
    ("vps-9/nexus-frontend", "5xx", {"status": 502}),
    ("vps-11/backend-api", "degraded", {}),
)
LASTS = 1800.0
HIT = "vps-7"
WAIT = 240.0


class Demo:
    """``make demo`` in a process of its own, with a user."""

    name, password = NAME, PASSWORD

    def __init__(self, folder: Path, *, vps: int, days: float) -> None:
        folder.mkdir(parents=True)
        self._folder, port = folder, free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._log = folder / "demo.log"
        words = ["--folder", str(folder), "--vps", str(vps), "--days", str(days)]
        if vps > 100:
            words += ["--services", "2", "--tenants", "300"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fleet", "demo", "--port", str(port), *words],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    def __enter__(self) -> Self:
        eventually(self._answers, 180, "the demo is ready", every=0.5)
        Healthdeck(self._folder).create_user(NAME, PASSWORD, "super_admin")
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        self._process.wait(60)

    def break_things(self) -> None:
        """Instead of what the demo's own script breaks."""
        with httpx.Client(timeout=30) as client:
            client.delete(self._faults)
            for target, kind, detail in FAULTS:
                fault = {"target": target, "kind": kind, "seconds": LASTS, **detail}
                client.post(self._faults, json=fault)

    def wait_for_alerts(self, api: APIRequestContext) -> dict[str, str]:
        """Returns once several alerts stand and one is acknowledged: what is hit."""

        def standing() -> list[dict[str, Any]]:
            answer = api.get(f"{self.url}/api/admin/alerts?status=active")
            found: list[dict[str, Any]] = answer.json()["alerts"] if answer.ok else []
            return found if len(found) >= 4 else []

        with contextlib.suppress(AssertionError):  # fewer are a picture too
            for alert in eventually(standing, WAIT, "four alerts stand", every=2)[-1:]:
                api.post(
                    f"{self.url}/api/admin/alerts/{alert['id']}/acknowledge",
                    headers={"Origin": self.url},
                    data={"note": "on it"},
                )
        body = api.get(f"{self.url}/api/admin/health/tenants?vpsId={HIT}").json()
        tenants = [one.get("tenantId") or one.get("id") for one in body.get("tenants", ())]
        return {"vps": HIT, "tenant": str(tenants[0])}

    @property
    def _faults(self) -> str:
        found = re.search(r"faults on command: (\S+)", self._log.read_text(errors="replace"))
        assert found, "the demo says where it takes faults"
        return found[1]

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text(errors="replace")
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        return False


class _Fresh:
    name, password = NAME, PASSWORD

    def __init__(self, url: str) -> None:
        self.url = url


@contextlib.contextmanager
def fresh(folder: Path) -> Iterator[_Fresh]:
    """A new installation, to which nothing was added yet."""
    folder.mkdir(parents=True)
    installation = Healthdeck(folder, None, {"COLLECT_INTERVAL": "5"}).start(timeout=120)
    try:
        installation.create_user(NAME, PASSWORD, "super_admin")
        yield _Fresh(installation.url)
    finally:
        installation.kill()
