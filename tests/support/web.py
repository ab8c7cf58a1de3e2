"""Real HTTP servers inside the test process: services to be monitored, receivers of webhooks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from tests.support.wait import free_port


@dataclass(frozen=True)
class Request:
    """What a client sent; ``at`` in seconds since the epoch."""

    at: float
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """What a client gets: ``body`` as bytes, or as a JSON document."""

    status: int = 200
    body: bytes | dict[str, Any] = b""
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64


class LocalServer:
    """Answers every request with ``answer``. While ``hanging`` it keeps the caller waiting;
    stopped, its port refuses connections until it is started again."""

    def __init__(self, answer: Answer | Callable[[Request], Answer]) -> None:
        self.answer = answer
        self.port = free_port()
        self.requests: list[Request] = []
        self._running: tuple[_Server, Thread] | None = None
        self._go = Event()
        self._go.set()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hang(self) -> None:
        self._go.clear()

    def go_on(self) -> None:
        self._go.set()

    def start(self) -> None:
        if self._running is None:
            server = _Server(("127.0.0.1", self.port), self._handler())
            thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            self._running = server, thread

    def stop(self) -> None:
        if self._running is not None:
            server, thread = self._running
            server.shutdown()
            server.server_close()
            thread.join(5)
            self._running = None

    def close(self) -> None:
        self.go_on()
        self.stop()

    def _respond(self, request: Request) -> Answer:
        self.requests.append(request)
        self._go.wait(60)
        return self.answer if isinstance(self.answer, Answer) else self.answer(request)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size)
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(time.time(), self.command, self.path, headers, body)
                answer = owner._respond(request)
                try:
                    self.send_response(answer.status)
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(answer.encoded())
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # the client gave up waiting

            do_GET = do_POST = do_HEAD = _serve

            def log_message(self, *_: object) -> None:
                """Quiet: a failed test shows the requests themselves."""

        return Handler


def health(status: str = "ok", **services: str) -> Answer:
    """The answer of a service's health endpoint, as the backend gives it."""
    body = {
        "status": status,
        "timestamp": "2025-11-20T10:30:00Z",
        "uptime": 3600,
        "environment": "production",
        "version": "1.4.2",
        "services": services or {"database": "ok", "api": "ok"},
        "system": {"memory": {"used": 512, "total": 2048, "unit": "MB"}, "cpu": {"usage": 7}},
    }
    failed = status == "error" or "error" in services.values()
    return Answer(503 if failed else 200, body, {"Content-Type": "application/json"})
