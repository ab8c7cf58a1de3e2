"""Asking again: after 429 and 503, when the server says, and not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from healthdeck_client.errors import HealthdeckError, RateLimited, Unavailable

T = TypeVar("T")

_UNTOLD = wait_random_exponential(multiplier=0.5, max=10)


@dataclass(frozen=True)
class Patience:
    """At most ``attempts`` requests in at most ``seconds``: an answer that wants to be asked again
    later than that is raised at once."""

    attempts: int = 5
    seconds: float = 90.0
    sleep: Callable[[float], None] = time.sleep

    def ask(self, once: Callable[[], T]) -> T:
        """What ``once`` gives at last, or the last of its errors."""
        return Retrying(
            retry=retry_if_exception_type((RateLimited, Unavailable)),
            wait=_wait,
            stop=stop_after_attempt(self.attempts) | stop_before_delay(self.seconds),
            sleep=self.sleep,
            reraise=True,
        )(once)


def seconds(header: str | None) -> float | None:
    """A ``Retry-After``: seconds, or a moment. None when there is none that can be read."""
    if not header:
        return None
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _wait(state: RetryCallState) -> float:
    """As long as the server says; else a growing time, a little different for everybody."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, HealthdeckError) and error.retry_after is not None:
        return error.retry_after
    return _UNTOLD(state)
