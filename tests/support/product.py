"""Healthdeck itself as an operator runs it: ``python app.py`` in a process of its own."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import httpx
import psutil

from tests.support.nursery import nursery
from tests.support.wait import eventually, free_port

ROOT = Path(__file__).resolve().parents[2]

#: Settings of the developer's own shell must not reach the server under test.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")


def _whole(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _status(port: int, path: str, timeout: float) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def _family(pid: int) -> list[psutil.Process]:
    """A process and those it started, those that they started included."""
    try:
        leader = psutil.Process(pid)
        return [leader, *leader.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _can_listen(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        probe.listen()
    return True


class Healthdeck:
    """One installation: a folder with its database and inventory, a port, and the process that
    serves it. ``stop`` asks it to end (SIGTERM), ``kill`` does not ask (SIGKILL, with children).

    ``at_once`` says that its processes have their imports behind them; set it to False where the
    subject is what an operator types."""

    at_once = True

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
        with self._log.open("ab") as log, Path(os.devnull).open("rb") as nothing:
            self.process = self._process(["serve", *arguments], nothing, log, log)
        return self.process

    def _process(
        self, arguments: Sequence[str], stdin: IO[Any], stdout: IO[Any], stderr: IO[Any]
    ) -> subprocess.Popen[bytes]:
        words = ["app.py", *arguments]
        if self.at_once:
            return nursery().start(words, self.env, stdin, stdout, stderr)
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env=self.env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )

    def start(self, timeout: float = 60) -> Healthdeck:
        """Starts the process and returns once it says that it is ready."""
        process = self.launch()

        def ready() -> bool:
            if process.poll() is not None:
                return True
            # the port listens before the worker answers: the request waits there for it
            return _status(self.port, "/readyz", timeout) == 200

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
        """Returns once the last of its processes has left the port and the database."""
        if self.process is None:
            return
        group = _family(self.process.pid)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        eventually(lambda: not any(map(_lives, group)), 10, "the processes have ended", every=0.01)
        # a process counts as ended before the last of its threads has let go of its files
        eventually(lambda: _can_listen(self.port), 10, "the port is free again", every=0.01)

    def restart(self) -> Healthdeck:
        self.stop()
        return self.start()

    def output(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def command(
        self, *arguments: str, stdin: str = "", timeout: float = 30
    ) -> subprocess.CompletedProcess[str]:
        """``python app.py ARGUMENTS`` with the settings of this installation."""
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(stdin.encode())
            given.seek(0)
            process = self._process(arguments, given, out, err)
            try:
                process.wait(timeout)
            finally:
                process.kill()
                process.wait()
            said, told = _whole(out), _whole(err)
        return subprocess.CompletedProcess(arguments, process.returncode, said, told)

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
        # what https would need takes longer to load than most tests ask
        return httpx.Client(base_url=self.url, headers=headers, timeout=10, verify=False)

    def overview(self, client: httpx.Client) -> Any:
        answer = client.get("/api/admin/health/overview")
        assert answer.status_code == 200, answer.text
        return answer.json()
