"""The least of HTTP/1.1 that a service needs: GET and HEAD, kept connections, nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from tests.fleet import bodies
from tests.fleet.exporter import Exporter
from tests.fleet.life import Life
from tests.fleet.session import Trouble

MOST_HEAD = 16_384


class Request(NamedTuple):
    """``head`` is everything up to the empty line."""

    method: str
    path: str
    head: bytes


class Answer(NamedTuple):
    status: int
    content_type: str
    body: bytes
    more: str = ""


Site = Callable[[Request, Trouble | None], Answer]

_NOT_FOUND = Answer(404, "text/plain", b"not found\n")
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class HttpSession:
    """Answers each request with what ``site`` says."""

    greeting = b""
    upgrade = False

    def __init__(self, site: Site) -> None:
        self._site = site
        self._held = b""
        self.closing = False

    def received(self, data: bytes, trouble: Trouble | None) -> bytes | None:
        held = self._held + data if self._held else data
        replies = []
        while (end := held.find(b"\r\n\r\n")) >= 0 and not self.closing:
            replies.append(self._reply(held[: end + 2], trouble))
            held = held[end + 4 :]
        self._held = held
        if len(held) > MOST_HEAD:
            self.closing = True
            replies.append(encode(Answer(431, "text/plain", b"too many headers\n"), close=True))
        return b"".join(replies) or None

    def _reply(self, head: bytes, trouble: Trouble | None) -> bytes:
        words = head[: head.find(b"\r\n")].decode("latin-1").split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            self.closing = True
            return encode(Answer(400, "text/plain", b"this is not HTTP\n"), close=True)
        method, path, version = words
        lower = head.lower()
        # What comes with a request is not read, so the connection cannot go on after it.
        self.closing = (
            b"connection: close" in lower or version == "HTTP/1.0" or method not in ("GET", "HEAD")
        )
        if method not in ("GET", "HEAD"):
            answer = Answer(405, "text/plain", b"only GET and HEAD\n", "Allow: GET, HEAD\r\n")
        elif trouble is not None and trouble.kind == "5xx":
            answer = Answer(trouble.status, "text/plain", b"something went wrong\n")
        elif trouble is not None and trouble.kind == "body":
            wrong = bodies.WRONG if trouble.text is None else trouble.text.encode()
            kind = "text/html" if trouble.text is None else "application/json"
            answer = Answer(200, kind, wrong)
        else:
            answer = self._site(Request(method, path, head), trouble)
        return encode(answer, self.closing, with_body=method != "HEAD")


def encode(answer: Answer, close: bool, with_body: bool = True) -> bytes:
    head = (
        f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Unknown')}\r\n"
        f"Server: fleet\r\nContent-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\n{answer.more}"
        f"{'Connection: close' if close else 'Connection: keep-alive'}\r\n\r\n"
    )
    return head.encode() + (answer.body if with_body else b"")


def exporter_site(life: Life, wall: Callable[[], float] = time.time) -> Site:
    """``/metrics`` of a server."""
    exporter = Exporter(life)
    kind = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"

    def site(request: Request, _trouble: Trouble | None) -> Answer:
        if request.path != "/metrics":
            return _NOT_FOUND
        return Answer(200, kind, exporter.page(wall()))

    return site


def health_site(
    life: Life, speaks: str, parts: tuple[str, ...], wall: Callable[[], float] = time.time
) -> Site:
    """The health page of a service that needs ``parts``, with ``/live`` and ``/ready`` below."""
    path, body = bodies.FORMATS[speaks]

    def site(request: Request, trouble: Trouble | None) -> Answer:
        asked = request.path.partition("?")[0]
        if asked == f"{path}/live":
            return Answer(200, "text/plain", b"OK")
        if asked not in (path, f"{path}/ready"):
            return _NOT_FOUND
        ills = {}
        if trouble is not None and trouble.kind == "part":
            ills = {trouble.text or (parts or ("self",))[0]: trouble.word}
        return Answer(*body(life, wall(), parts, ills))

    return site


def page_site(_request: Request, _trouble: Trouble | None) -> Answer:
    """A frontend: its page under every path."""
    return Answer(200, "text/html; charset=utf-8", bodies.PAGE)
