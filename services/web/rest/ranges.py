"""Ranges of time in a query: ``timeRange``, or ``from`` and ``to``."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, NamedTuple

from pydantic import AwareDatetime, BeforeValidator, Field

from services.errors import ValidationError
from services.web.rest.operation import Query

UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
#: Nothing is kept for longer than retention may be set to.
LONGEST_DAYS = 3650
#: Moments outside are taken as these: 1970, and the last day that a date can have.
FIRST, LAST = 0.0, 253_402_214_400.0

_LENGTH = re.compile(r"([1-9][0-9]{0,8})([mhdw])", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RELATIVE = re.compile(r"now(?:([+-])([1-9][0-9]{0,8})([mhdw]))?", re.ASCII)


class RangeQuery(Query):
    """What any question about the past takes."""

    time_range: str | None = Field(
        None,
        max_length=20,
        description="a whole number and m, h, d or w, such as 24h: the time up to now",
    )
    from_: str | None = Field(
        None,
        alias="from",
        max_length=40,
        description="instead of timeRange: an ISO 8601 time, or now-6h",
    )
    to: str | None = Field(None, max_length=40, description="likewise; without it now")


def _written_out(given: object) -> object:
    """pydantic would take a number for seconds since 1970."""
    if not _DAY.match(given) if isinstance(given, str) else isinstance(given, int | float):
        raise ValueError("write it as 2025-11-20T10:30:00Z")
    return given


#: An ISO 8601 time with its zone.
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]


class Span(NamedTuple):
    """Seconds since the epoch. ``label``: the range in the caller's words. ``rolling``: it ends
    now, whenever that is."""

    start: float
    end: float
    label: str
    rolling: bool


def span_of(query: RangeQuery, now: float, default: str = "24h") -> Span:
    """The range that a query asks for; ``default`` is a ``timeRange``. Raises ValidationError
    that says what would be right."""
    if query.from_ is None and query.to is None:
        label = default if query.time_range is None else query.time_range
        return Span(max(now - length(label), FIRST), now, label, True)
    if query.time_range is not None:
        raise ValidationError("Give timeRange, or from and to, not both.")
    end = moment(query.to, "to", now) if query.to is not None else now
    start = moment(query.from_, "from", now) if query.from_ is not None else end - length(default)
    if not start < end:
        raise ValidationError("from must lie before to.")
    first = default if query.from_ is None else query.from_
    rolling = query.to in (None, "now") and _RELATIVE.fullmatch(first) is not None
    return Span(max(start, FIRST), end, f"{first}/{query.to or 'now'}", rolling)


def length(text: str) -> int:
    """The seconds of ``15m``, ``24h``, ``7d`` or ``2w``."""
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise ValidationError("timeRange must be a whole number and m, h, d or w, such as 24h.")
    seconds = int(found[1]) * UNITS[found[2]]
    if seconds > LONGEST_DAYS * UNITS["d"]:
        raise ValidationError(f"timeRange must be {LONGEST_DAYS}d at most.")
    return seconds


def moment(text: str, name: str, now: float) -> float:
    """Seconds since the epoch of an ISO 8601 time (UTC unless it says otherwise) or of
    ``now-6h``. ``name`` is the parameter's, for the error."""
    relative = _RELATIVE.fullmatch(text)
    if relative is not None:
        sign, count, unit = relative.groups()
        shift = int(count) * UNITS[unit] if sign else 0
        at = now - shift if sign == "-" else now + shift
    else:
        try:
            parsed = datetime.fromisoformat(text)
            at = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            raise ValidationError(
                f"{name} must be a time such as 2025-11-20T10:30:00Z or now-6h "
                "(a + in an address is written %2B)."
            ) from None
    return min(max(at, FIRST), LAST)
