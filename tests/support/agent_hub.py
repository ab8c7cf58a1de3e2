"""A hub that speaks the agent's protocol, well or badly, and the agent as a process of its own."""

from __future__ import annotations

import gzip
import json
import os
import resource
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.wait import eventually, free_port

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "hda_the-token-of-this-test"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


class AgentHub:
    """Keeps what agents report. ``way`` says how it behaves: ``well``, ``busy`` (503),
    ``unknown`` (401), ``garbage``, ``not-http``, ``forgets`` (stores, then closes the connection
    without an answer), ``drips`` (an answer that never ends), ``silent``. ``down`` and ``up``
    close and open its port. Each (stream, seq) that it stores is in ``stored`` once; what came
    again is counted in ``duplicates``.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.port = free_port()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.way = "well"
        self.retry_after = 2
        self.interval: float | None = None
        self.refuses: Callable[[dict[str, Any]], bool] = lambda _: False
        self.commands: list[dict[str, Any]] = []
        self.stored: dict[tuple[str, int], dict[str, Any]] = {}
        self.duplicates = 0
        self.reports: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.connections = 0
        self.results: list[dict[str, Any]] = []
        self._tls = tls
        self._lock = threading.Lock()
        self._go = threading.Event()
        self._server: _Server | None = None
        self.up()

    def up(self) -> None:
        self._go.clear()
        self._server = _Server(("127.0.0.1", self.port), self._handler())
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        self._go.set()
        server, self._server = self._server, None
        if server:
            server.shutdown()
            server.server_close()

    def command(self, name: str, action: str, unit: str, *, lines: int = 50, good: float = 60):
        """Asks for something with the next answer, once."""
        self.commands.append(
            {
                "id": name,
                "action": action,
                "unit": unit,
                "lines": lines,
                "expiresAt": time.time() + good,
            }
        )

    def seqs(self, stream: str | None = None) -> list[int]:
        with self._lock:
            return [seq for one, seq in self.stored if stream in (None, one)]

    def streams(self) -> set[str]:
        with self._lock:
            return {stream for stream, _ in self.stored}

    def outcome(self, name: str) -> dict[str, Any]:
        """How a command ended; empty while the hub was not told."""
        told = [one for one in self.results if one["id"] == name and one["state"] != "running"]
        return told[-1] if told else {}

    def take(self, report: dict[str, Any]) -> dict[str, Any] | None:
        """Stores a report; the answer, None when it is refused."""
        with self._lock:
            self.reports.append(report)
            self.times.append(time.monotonic())
            if any(self.refuses(one) for one in report["observations"]):
                return None
            again, stream = 0, report["stream"]
            for one in report["observations"]:
                known = (stream, one["seq"]) in self.stored
                again += known
                if not known:
                    self.stored[stream, one["seq"]] = one
            self.duplicates += again
            self.results += report["results"]
            commands, self.commands = self.commands, []
            return {
                "accepted": max((seq for one, seq in self.stored if one == stream), default=0),
                "duplicates": again,
                "rejected": [],
                "serverTime": time.time(),
                "interval": self.interval,
                "commands": commands,
            }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                hub.connections += 1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if hub._server is None:  # a kept connection to a hub that is down
                    self.close_connection = True
                    return
                assert self.path == "/api/agent/v1/report"
                known = self.headers["Authorization"] == f"Bearer {TOKEN}"
                way = hub.way if known else "unknown"
                if way in ("unknown", "busy"):
                    hub.times.append(time.monotonic())
                _WAYS[way](hub, self, json.loads(gzip.decompress(body)))

            def say(self, status: int, text: bytes, *headers: tuple[str, str]) -> None:
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: Any) -> None:
                """The test says what went wrong."""

        return Handler

    def _well(self, asked: Any, report: dict[str, Any]) -> None:
        answer = self.take(report)
        asked.say(200 if answer else 400, json.dumps(answer).encode())

    def _busy(self, asked: Any, report: dict[str, Any]) -> None:
        asked.say(503, b"{}", ("Retry-After", str(self.retry_after)))

    def _unknown(self, asked: Any, report: dict[str, Any]) -> None:
        asked.say(401, b'{"success": false, "errorCode": "INVALID_TOKEN"}')

    def _garbage(self, asked: Any, report: dict[str, Any]) -> None:
        asked.say(200, b"<html>I am a cache</html>")

    def _not_http(self, asked: Any, report: dict[str, Any]) -> None:
        asked.wfile.write(b"\x00\x01\x02 nothing that is HTTP\n\n")
        asked.close_connection = True

    def _forgets(self, asked: Any, report: dict[str, Any]) -> None:
        self.take(report)
        asked.close_connection = True

    def _silent(self, asked: Any, report: dict[str, Any]) -> None:
        self._go.wait(60)
        asked.close_connection = True

    def _drips(self, asked: Any, report: dict[str, Any]) -> None:
        asked.send_response(200)
        asked.end_headers()
        asked.close_connection = True
        while not self._go.wait(0.05):
            try:
                asked.wfile.write(b" ")
            except OSError:
                return


_WAYS = {
    "well": AgentHub._well,
    "busy": AgentHub._busy,
    "unknown": AgentHub._unknown,
    "garbage": AgentHub._garbage,
    "not-http": AgentHub._not_http,
    "forgets": AgentHub._forgets,
    "silent": AgentHub._silent,
    "drips": AgentHub._drips,
}


class AgentProcess:
    """``python agent.pyz`` as it runs on a VPS, every ``interval`` seconds."""

    def __init__(
        self,
        archive: Path,
        hub: str,
        state: Path,
        *arguments: str,
        interval: float = 0.2,
        env: dict[str, str] | None = None,
    ) -> None:
        self.state = state
        self._folder = archive.parent
        self._said: list[str] = []
        self._arguments = [
            *(sys.executable, "-I", str(archive), "--hub", hub, "--state", str(state)),
            *("--interval", str(interval), *arguments),
        ]
        self._env = {"PATH": os.environ["PATH"], "HEALTHDECK_TOKEN": TOKEN, **(env or {})}
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> AgentProcess:
        # A pipe, for a limit on the size of files must not end the log.
        self.process = subprocess.Popen(
            self._arguments,
            cwd=self._folder,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()
        return self

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr as lines:
            for line in lines:
                self._said.append(line)

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def stop(self) -> float:
        """SIGTERM; after how many seconds it was gone."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(10) == 0, self.said()
        return time.monotonic() - began

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def fill_disk(self) -> None:
        """From now on no file of this process grows: writing to one fails."""
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    def free_disk(self) -> None:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, unlimited)

    def kept(self) -> int:
        """Readings that are on disk and not yet acknowledged."""
        files = self.state.glob("readings-*.log")
        return sum(file.read_bytes().count(b"\n") for file in files)

    def numbers(self) -> set[int]:
        """Those of the readings on disk."""
        lines = [
            ln for f in self.state.glob("readings-*.log") for ln in f.read_bytes().split(b"\n")
        ]
        return {int(line.split(b" ")[1]) for line in lines if line}

    def said(self) -> str:
        return "".join(self._said)

    def says(self, text: str, timeout: float = 10) -> None:
        eventually(lambda: text in self.said(), timeout, f"the agent says {text!r}")
