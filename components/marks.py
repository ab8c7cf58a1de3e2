"""The smallest parts: status marks, moments, numbers with their units."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime

from dash import html
from dash.development.base_component import Component

from services.observation import Status
from services.times import iso

NBSP = "\u00a0"
MINUS = "\u2212"
DASH = "\u2013"

#: Worst first, as readers look for it.
WORST_FIRST = (Status.UNHEALTHY, Status.DEGRADED, Status.UNKNOWN, Status.HEALTHY)

SEVERITY_CLASS = {"critical": "unhealthy", "warning": "degraded", "info": "info"}


def mark(status: Status, *, word: bool = True) -> Component:
    """Status as colour, shape and word; without the word on screen it is still read aloud."""
    shape = html.I(className="mark", **{"aria-hidden": "true"})
    text = html.Span(str(status), className=None if word else "visually-hidden")
    return html.Span([shape, text], className=f"status is-{status}")


def moment(at: float, form: str) -> Component:
    """A time that the browser shows local and keeps true: ``since`` (2 min), ``ago``
    (2 min ago) or ``clock`` (10:42). ``at``: seconds since the epoch."""
    stamp = iso(math.floor(at))
    clock = datetime.fromtimestamp(at, UTC).strftime("%H:%M UTC")
    return html.Time(clock, dateTime=stamp, title=stamp, **{"data-form": form})


def named(label: str, control: Component) -> Component:
    """A control whose label is heard and not seen."""
    return html.Label([html.Span(label, className="visually-hidden"), control], className="named")


def tag(severity: str) -> Component:
    return html.Span(severity, className=f"tag is-{SEVERITY_CLASS.get(severity, 'info')}")


def percent(value: float | None) -> str:
    """A share now, without decimals: ``91 %``."""
    return DASH if value is None else f"{value:.0f}{NBSP}%"


def availability(value: float | None) -> str:
    """An availability in percent, cut and never rounded up: 100 % means all of the time."""
    if value is None:
        return "no data"
    cut = math.floor(value * 100 + 1e-6) / 100
    return f"100{NBSP}%" if cut == 100 else f"{cut:.2f}{NBSP}%"


def points(value: float) -> str:
    """A deduction from the score: ``−4.0``; ``< 0.1`` where it is less than that."""
    return f"{MINUS}{value:.1f}" if value >= 0.05 else f"<{NBSP}0.1"


def score_number(value: float | None) -> str:
    """A score with one decimal where it has one."""
    return DASH if value is None else f"{value:.1f}".removesuffix(".0")


def size(used: float, total: float, unit: str) -> str:
    """``3.1 of 7.8 GiB``; no decimals from 100 up."""
    return f"{_short(used)} of {_short(total)}{NBSP}{unit}"


def rates(*per_second: float | None) -> tuple[list[str], str]:
    """Bytes per second as numbers that share one unit: ``["2.7", "0.4"], "MB/s"``."""
    most = max((value for value in per_second if value is not None), default=0.0)
    units = ((1.0, "B/s"), (1e3, "kB/s"), (1e6, "MB/s"), (1e9, "GB/s"))
    scale, unit = next((one for one in units if most < one[0] * 999.5), units[-1])
    whole = scale == 1.0
    return [
        DASH if value is None else f"{value:.0f}" if whole else _short(value / scale)
        for value in per_second
    ], unit


def response(ms: float) -> str:
    """A response time: ``12 ms``, ``1.4 s``."""
    if ms >= 1000:
        return f"{ms / 1000:.1f}{NBSP}s"
    return f"{ms:.0f}{NBSP}ms" if ms >= 1 else f"<1{NBSP}ms"


def count(number: int, noun: str) -> str:
    """``1 server``, ``12 servers``."""
    return f"{number}{NBSP}{noun}{'' if number == 1 else 's'}"


def names(words: Iterable[str], most: int = 3) -> str:
    """``ACME Corp, Globex and 2 more``."""
    words = list(words)
    if len(words) <= 1:
        return "".join(words)
    if len(words) <= most:
        return f"{', '.join(words[:-1])} and {words[-1]}"
    return f"{', '.join(words[:most])} and {len(words) - most} more"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}"
