"""Renders templates in a process of its own: ``python -m services.notify.templates.worker``.

Its standard input is a socket; each message on it is JSON behind its length. The process has the
memory that it needs to stand by and 64 MiB, can open nothing, and is ended by an alarm when a
template takes too long, also when nobody is left to end it. Once it was short of memory it leaves,
and its parent starts another.
"""

from __future__ import annotations

import json
import resource
import signal
import socket
import struct
from pathlib import Path
from typing import Any

from services.notify.templates import sandbox
from services.notify.templates.parts import LONGEST_RESULT, TemplateError

#: Bytes that a template may need beyond those of the waiting process.
MEMORY = 64 * 1024 * 1024
#: What a process without templates needs at most, where nobody can be asked.
_BASE = 512 * 1024 * 1024
LENGTH = struct.Struct("!I")


def main() -> None:
    """Answers until the other side goes."""
    link = socket.socket(fileno=0)
    _warm_up()
    _confine()
    send(link, {})
    while (request := receive(link)) is not None:
        signal.setitimer(signal.ITIMER_REAL, request["seconds"])
        answer = _answer(request)
        signal.setitimer(signal.ITIMER_REAL, 0)
        send(link, answer)
        if "leaves" in answer:
            return


def send(link: socket.socket, message: dict[str, Any]) -> None:
    """Writes one message. OSError when the other side is gone or too slow."""
    data = json.dumps(message, ensure_ascii=False).encode(errors="replace")
    link.sendall(LENGTH.pack(len(data)) + data)


def receive(link: socket.socket) -> dict[str, Any] | None:
    """Reads one message of the parent; None when it has gone."""
    head = link.recv(LENGTH.size, socket.MSG_WAITALL)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    data = link.recv(length, socket.MSG_WAITALL)
    return json.loads(data) if len(data) == length else None


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    """The texts or the problems. Whoever was short of memory or stack is not what it was: it says
    that it leaves."""
    try:
        return {"texts": sandbox.render(**request["task"], longest=LONGEST_RESULT)}
    except TemplateError as error:
        problems = [[each.part, each.line, each.problem] for each in error.problems]
        spent = isinstance(error.__cause__, MemoryError | RecursionError)
        return {"problems": problems, **({"leaves": True} if spent else {})}


def _warm_up() -> None:
    """Loads what Jinja loads late: afterwards no file can be opened."""
    sandbox.render({"html": "{{ 'a'|wordwrap|upper|e }}"}, [{}], {})
    for broken in ("{{ 1 / 0 }}", "{% if %}"):
        try:
            sandbox.render({"text": broken}, [{}])
        except TemplateError:
            continue


def _confine() -> None:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        base = pages * resource.getpagesize()
    except OSError:
        base = _BASE
    for what, most in (
        (resource.RLIMIT_AS, base + MEMORY),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
