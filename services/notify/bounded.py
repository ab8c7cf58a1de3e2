"""Work that is left alone when it takes too long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class Late(Exception):
    """The work was not done in time."""


def within(limit: float, work: Callable[[], T], name: str) -> T:
    """What ``work`` gives or raises within ``limit`` seconds, else Late. It is done in a thread of
    its own (``name``), since a blocked call cannot be ended from outside; that one goes on."""
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except Exception as error:
            result.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    try:
        return result.result(limit)
    except TimeoutError:
        if result.done():  # the work's own
            raise
        raise Late from None
