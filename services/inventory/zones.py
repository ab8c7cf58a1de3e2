"""Times as people write them: a time zone by its name, a time of the day, a day, a moment."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from functools import lru_cache
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

from services.inventory.near import nearest

#: The days of the week as they are written, in the order of ``date.weekday``.
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NO_ZONES = frozenset({"Factory", "localtime", "posix", "posixrules", "right"})
_FIRST_YEAR, _LAST_YEAR = 1970, 2200


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The time zone. Raises ValueError that names the nearest ones."""
    try:
        if name.partition("/")[0] not in _NO_ZONES:
            return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        pass  # whichever way a name is wrong, it is no zone
    known = available_timezones()
    city = name.rpartition("/")[2].casefold().replace(" ", "_")
    called_so = sorted(one for one in known if one.casefold().endswith(f"/{city}"))
    hint = nearest(name[:60], called_so or known)
    raise ValueError(f"there is no time zone '{name[:60]}'; {hint}")


def instant(text: str, zone_name: str) -> float:
    """Seconds since the epoch of an ISO 8601 time; one without an offset is a wall time of the
    zone, of two the first. Raises ValueError that says what would be right."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"'{text[:60]}' is no time; write it as 2025-11-20T22:00, or 2025-11-20T22:00:00Z"
        ) from None
    _check_year(found.year)
    return (found if found.tzinfo else found.replace(tzinfo=zone(zone_name))).timestamp()


def _zone_name(name: str) -> str:
    return zone(name).key


def _clock(text: str) -> str:
    if not _TIME_OF_DAY.fullmatch(text):
        raise ValueError(f"'{text[:60]}' is no time of the day; write it as 02:00 or 23:30")
    return text


def _day(given: Any) -> Any:
    if isinstance(given, date):
        return given
    try:
        found = date.fromisoformat(given if _DATE.fullmatch(given) else "")
    except (TypeError, ValueError):
        raise ValueError(
            f"'{str(given)[:60]}' is no day; write it in quotes, as '2025-11-24'"
        ) from None
    _check_year(found.year)
    return found


def _check_year(year: int) -> None:
    if not _FIRST_YEAR <= year < _LAST_YEAR:
        raise ValueError(f"it must lie between the years {_FIRST_YEAR} and {_LAST_YEAR}")


def wall(day: date, clock: str, place: ZoneInfo) -> float:
    """Seconds since the epoch when the clocks of a zone show ``clock`` on a day. Of a time that
    comes twice it is the first; one that is skipped is taken by the offset before the change, as
    RFC 5545 (3.3.5) says: 02:30 becomes 03:30."""
    return datetime.combine(day, time.fromisoformat(clock), place).timestamp()


Zone = Annotated[str, Field(max_length=100), AfterValidator(_zone_name)]
Clock = Annotated[str, AfterValidator(_clock)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
#: A date in the calendar.
Date = Annotated[date, BeforeValidator(_day)]
#: An ISO 8601 time; without an offset it is a wall time of a zone that stands beside it.
When = Annotated[str, Field(max_length=40)]
