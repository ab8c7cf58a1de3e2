"""A maintenance window's schedule as people write it: once, daily, weekly or by cron, by the clock
of a time zone."""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, time, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from typing import Annotated, Any, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Discriminator, Field, Strict, Tag, model_validator

from services.alerts.quiet.crontab import FIRST, LAST, crontab
from services.inventory.wording import nearest
from services.rule import Wire

LONGEST = 7 * 24 * 60
#: So many beginnings in a row are looked at to learn whether windows overlap.
_LOOKED_AT = 200
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_NO_ZONES = frozenset({"Factory", "localtime", "posix", "posixrules", "right"})


class Span(NamedTuple):
    """Seconds since the epoch; the end is not part of it."""

    start: float
    end: float


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The time zone. Raises ValueError that names the nearest ones."""
    try:
        if name.partition("/")[0] not in _NO_ZONES:
            return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        pass  # whichever way a name is wrong, it is no zone
    hint = nearest(name, available_timezones())
    raise ValueError(f"there is no time zone '{name[:60]}'; {hint}")


def _zone_name(name: str) -> str:
    return zone(name).key


def _clock(text: str) -> str:
    if not _TIME_OF_DAY.fullmatch(text):
        raise ValueError(f"'{text[:60]}' is no time of the day; write it as 02:00 or 23:30")
    return text


def _expression(text: str) -> str:
    crontab(text)
    return text


def instant(text: str, zone_name: str, field: str) -> float:
    """Seconds since the epoch of an ISO 8601 time; one without an offset is a wall time of the
    zone. Raises ValueError that says what would be right."""
    problem = f"{field} is '{text[:60]}', which is no time; write it as 2025-11-20T22:00:00Z"
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(problem) from None
    if not FIRST <= found.replace(tzinfo=None) < LAST:
        raise ValueError(f"{field} must lie between the years {FIRST.year} and {LAST.year}")
    return (found if found.tzinfo else found.replace(tzinfo=zone(zone_name))).timestamp()


Zone = Annotated[str, Field(max_length=100), AfterValidator(_zone_name)]
Clock = Annotated[str, AfterValidator(_clock)]
Expression = Annotated[str, Field(max_length=200), AfterValidator(_expression)]
Minutes = Annotated[int, Strict(), Field(ge=1, le=LONGEST)]
#: An ISO 8601 time; without an offset it is a wall time of the schedule's zone.
When = Annotated[str, Field(max_length=40)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Once(Wire):
    """From ``start`` to ``end``: 1 minute to 7 days."""

    type: Literal["once"]
    start: When
    end: When
    time_zone: Zone = "UTC"

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        span = self.span
        if not span.start + 60 <= span.end <= span.start + LONGEST * 60:
            raise ValueError("end must lie 1 minute to 7 days after start")
        return self

    @property
    def span(self) -> Span:
        return Span(
            instant(self.start, self.time_zone, "start"), instant(self.end, self.time_zone, "end")
        )


class _Recurring(Wire):
    """``minutes``: how long a window lasts. ``from`` and ``until``: outside there is none, and
    one that is open then is cut off there."""

    minutes: Minutes
    time_zone: Zone = "UTC"
    from_: When | None = Field(None, alias="from")
    until: When | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.first < self.last:
            raise ValueError("from must lie before until")
        _check_breaks(islice(self.walls(FIRST), _LOOKED_AT), self.minutes)
        return self

    @property
    def first(self) -> float:
        return -math.inf if self.from_ is None else instant(self.from_, self.time_zone, "from")

    @property
    def last(self) -> float:
        return math.inf if self.until is None else instant(self.until, self.time_zone, "until")

    @property
    def hourly(self) -> bool:
        """Whether it follows the hours as they pass and not the clock on the wall."""
        return False

    @abstractmethod
    def walls(self, since: datetime) -> Iterator[datetime]:
        """The times on the clock at which a window begins, from ``since`` on, without a zone."""


class Daily(_Recurring):
    """Every day ``at`` a time of the day (24 hours)."""

    type: Literal["daily"]
    at: Clock

    def walls(self, since: datetime) -> Iterator[datetime]:
        return _days(since, self.at, _WEEK)


class Weekly(_Recurring):
    """On some days of the week ``at`` a time of the day."""

    type: Literal["weekly"]
    days: Annotated[tuple[Day, ...], Field(min_length=1, max_length=7)]
    at: Clock

    def walls(self, since: datetime) -> Iterator[datetime]:
        return _days(since, self.at, self.days)


class Cron(_Recurring):
    """Whenever a crontab's five fields say so: minute, hour, day, month, weekday."""

    type: Literal["cron"]
    expression: Expression

    @property
    def hourly(self) -> bool:
        return crontab(self.expression).hourly

    def walls(self, since: datetime) -> Iterator[datetime]:
        return crontab(self.expression).walls(since)


Recurring = Daily | Weekly | Cron


def _type_of(schedule: Any) -> Any:
    return schedule.get("type") if isinstance(schedule, dict) else getattr(schedule, "type", None)


Schedule = Annotated[
    Annotated[Once, Tag("once")]
    | Annotated[Daily, Tag("daily")]
    | Annotated[Weekly, Tag("weekly")]
    | Annotated[Cron, Tag("cron")],
    Discriminator(
        _type_of,
        custom_error_type="schedule_type",
        custom_error_message="the type of a schedule is once, daily, weekly or cron",
    ),
]


def _days(since: datetime, at: str, days: Collection[str]) -> Iterator[datetime]:
    """``at`` on these days of the week, from ``since`` on."""
    clock = time.fromisoformat(at)
    day = since.date()
    while day < LAST.date():
        wall = datetime.combine(day, clock)
        if wall >= since and _WEEK[day.weekday()] in days:
            yield wall
        day += timedelta(days=1)


def _check_breaks(walls: Iterable[datetime], minutes: int) -> None:
    """Raises ValueError for windows that overlap, or that follow each other for longer than one
    may last: what looks like an hour would be for ever."""
    length = together = timedelta(minutes=minutes)
    breaks = count = 0
    for before, after in pairwise(walls):
        gap, count = after - before, count + 1
        if gap < length:
            raise ValueError(
                f"a window of {minutes} minutes is not over when the next begins, "
                f"{gap // timedelta(minutes=1)} minutes later; make it shorter"
            )
        breaks += gap > length
        together = length if gap > length else together + length
        if together > timedelta(minutes=LONGEST):
            break
    else:
        if breaks or count < _LOOKED_AT - 1:
            return
    raise ValueError(
        "the windows follow each other without a break, so nobody would be told for days or ever; "
        "leave a break, or make one longer window"
    )
