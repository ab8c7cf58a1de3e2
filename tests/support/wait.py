"""Waiting for what another process does, and ports that nobody else uses."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")

_pause = Event()
_ports = random.SystemRandom()


def eventually(check: Callable[[], T], timeout: float, what: str, every: float = 0.05) -> T:
    """The first truthy answer of ``check``. After ``timeout`` seconds it fails and tells what it
    saw last; an exception of ``check`` counts as "not yet"."""
    deadline = time.monotonic() + timeout
    seen: object = None
    while time.monotonic() < deadline:
        try:
            answer = check()
        except Exception as error:
            seen = error
        else:
            if answer:
                return answer
            seen = answer
        _pause.wait(every)
    raise AssertionError(f"not within {timeout:g} s: {what}; last seen: {seen!r}")


def stays(check: Callable[[], object], seconds: float, what: str, every: float = 0.2) -> None:
    """Fails as soon as ``check`` is not truthy within ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = check()
        assert answer, f"{what}: {answer!r}"
        _pause.wait(every)


def until(moment: float) -> None:
    """Returns at ``moment`` (seconds since the epoch): for tests whose subject is the moment at
    which something is done to a process."""
    _pause.wait(max(0.0, moment - time.time()))


def free_port() -> int:
    """A port of 127.0.0.1 below the range that outgoing connections take theirs from."""
    while True:
        port = _ports.randrange(12000, 30000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
