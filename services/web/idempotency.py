"""``Idempotency-Key``: a POST that is sent again is carried out once and answered the same."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response


def once(operation: str, work: Callable[[], Response], *, tells_secret: bool = False) -> Response:
    """The response of ``work``."""
    return work()
