"""Time at the edges: seconds since the epoch inside, ISO 8601 UTC outside."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(at: float | None) -> str | None:
    """``2025-11-20T10:30:00.250Z`` for a moment in seconds since the epoch; None stays None."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def span(seconds: float) -> str:
    """A length of time as people say it: ``40 s``, ``12 min``, ``3 h``, ``2 d``."""
    for limit, size, unit in ((90, 1, "s"), (5400, 60, "min"), (129600, 3600, "h")):
        if seconds < limit:
            return f"{round(max(seconds, 0) / size)} {unit}"
    return f"{round(seconds / 86400)} d"
