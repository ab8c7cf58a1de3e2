"""Healthdeck itself as an operator runs it: ``python app.py`` in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.support.wait import eventually, free_port

ROOT = Path(__file__).resolve().parents[2]

#: Settings of the developer's own shell must not reach the server under test.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")


class Healthdeck:
    """One installation: a folder with its database and inventory, a port, and the process that
    serves it. ``stop`` asks it to end (SIGTERM), ``kill`` does not ask (SIGKILL, with children)."""

    def __init__(
        self, folder: Path, inventory: str | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {name: os.environ[name] for name in INHERITED if name in os.environ} | {
            "PORT": str(self.port),
            "DATABASE_URL": f"sqlite:///{folder}/healthdeck.db",
            "SECRET_KEY": "a secret key that only this test knows",
            "JWT_SECRET": "a signing key that only this test knows",
            "PYTHONUNBUFFERED": "1",
            "RATE_LIMIT": "100000 per minute",  # tests ask more often than scripts should
            **(env or {}),
        }
        if inventory is not None:
            self.write_inventory(inventory)
            self.env.setdefault("INVENTORY", str(self.inventory))
        self.process: subprocess.Popen[bytes] | None = None
        self._log = folder / "output.log"

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory.yaml"

    def write_inventory(self, text: str) -> None:
        self.inventory.write_text(text, encoding="utf-8")

    @property
    def database(self) -> Path:
        return self.folder / "healthdeck.db"

    def launch(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts the process without waiting for its first answer."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "app.py", "serve", *arguments],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self.process

    def start(self, timeout: float = 30) -> Healthdeck:
        """Starts the process and returns once it says that it is ready."""
        process = self.launch()

        def ready() -> bool:
            if process.poll() is not None:
                return True
            # the port listens before the worker answers: the request waits there for it
            return httpx.get(f"{self.url}/readyz", timeout=timeout).status_code == 200

        try:
            eventually(ready, timeout, "healthdeck answers /readyz")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output()}") from None
        assert process.poll() is None, f"ended with {process.returncode}\n{self.output()}"
        return self

    def stop(self, timeout: float = 15) -> float:
        """SIGTERM; returns after how many seconds the process was gone."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout)
        return time.monotonic() - began

    def kill(self) -> None:
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return
            finally:
                self.process.wait(10)

    def restart(self) -> Healthdeck:
        self.stop()
        return self.start()

    def output(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def command(
        self, *arguments: str, stdin: str = "", timeout: float = 30
    ) -> subprocess.CompletedProcess[str]:
        """``python app.py ARGUMENTS`` with the settings of this installation."""
        return subprocess.run(
            [sys.executable, "app.py", *arguments],
            cwd=ROOT,
            env=self.env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def token(self, role: str = "admin", *more: str) -> str:
        done = self.command("token", "--role", role, *more)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def create_user(self, name: str, password: str, role: str = "admin") -> None:
        done = self.command(
            "create-user", name, "--role", role, "--password-stdin", stdin=f"{password}\n"
        )
        assert done.returncode == 0, done.stderr

    def setup_link(self) -> str:
        """The one-time link that the server printed at its start."""
        links = re.findall(r"https?://\S+/setup\S*", self.output())
        assert links, f"no set-up link in:\n{self.output()}"
        return str(links[-1])

    def client(self, role: str = "admin", *more: str) -> httpx.Client:
        """An HTTP client that carries a token."""
        headers = {"Authorization": f"Bearer {self.token(role, *more)}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=10)

    def overview(self, client: httpx.Client) -> Any:
        answer = client.get("/api/admin/health/overview")
        assert answer.status_code == 200, answer.text
        return answer.json()
