"""Cron expressions, read as cron reads them and counted by APScheduler."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain

from apscheduler.triggers.cron import CronTrigger

#: Nothing is looked for outside: an expression that does not come in this time never comes.
FIRST, LAST = datetime(2000, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001  (wall times)

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NTH = ("1st", "2nd", "3rd", "4th", "5th")
_MINUTE = timedelta(minutes=1)
_ONE = re.compile(r"(\*|[a-z]+|[0-9])(?:-([a-z]+|[0-9]))?(?:/([1-6]))?", re.ASCII)
_IN_MONTH = re.compile(r"([a-z]{3}|[0-7])(?:#([1-5])|l)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Crontab:
    """``hourly``: the hour is any (``*``), so it follows the hours as they pass, not the clock."""

    trigger: CronTrigger
    hourly: bool

    def walls(self, since: datetime) -> Iterator[datetime]:
        """The times on the clock at which it comes, from ``since`` on, without a zone."""
        after = since.replace(tzinfo=UTC)
        while True:
            found = self.trigger.get_next_fire_time(None, after)
            if found is None:
                return
            yield found.replace(tzinfo=None)
            after = found + _MINUTE


@lru_cache(maxsize=1024)
def crontab(expression: str) -> Crontab:
    """The five fields of a crontab: minute, hour, day of the month, month, weekday. Weekdays
    count from Sunday (0 or 7), ``tue#2`` is the second Tuesday of a month and ``friL`` the last
    Friday. Raises ValueError that says what would be right, also for one that never comes."""
    fields = expression.lower().split()
    if len(fields) != 5 or not expression.isascii():
        raise ValueError(
            f"'{expression}' is no cron expression: it has five fields, minute hour day month "
            "weekday, such as '30 2 * * sun'"
        )
    minute, hour, day, month, weekday = fields
    if not (day.startswith("*") or weekday.startswith("*")):
        raise ValueError(
            f"'{expression}' names days of the month and weekdays, which cron takes for either; "
            "name one of them (tue#2 is the second Tuesday), or make two windows"
        )
    try:
        in_month = _in_month(weekday)
        trigger = CronTrigger(
            minute=minute,
            hour=hour,
            day=in_month or ("last" if day == "l" else day),
            month=month,
            day_of_week="*" if in_month else _weekdays(weekday),
            end_date=LAST,
            # Wall times are counted here; what they mean in a time zone is not cron's to say.
            timezone=UTC,
        )
    except ValueError as error:
        raise ValueError(f"'{expression}' is no cron expression: {error}") from None
    found = Crontab(trigger, hour.startswith("*"))
    if next(found.walls(FIRST), None) is None:
        raise ValueError(f"'{expression}' never comes: no month has such a day")
    return found


def _in_month(field: str) -> str | None:
    """``tue#2,tue#4`` as APScheduler writes it among the days; None when no week is named."""
    found = [_IN_MONTH.fullmatch(part) for part in field.split(",")]
    if not any(found):
        return None
    if not all(found):
        raise ValueError(f"the weekdays '{field}' have a week of the month each, or none has")
    return ",".join(
        f"{_NTH[int(one[2]) - 1] if one[2] else 'last'} {_DAYS[_number(one[1]) % 7]}"
        for one in found
        if one
    )


def _weekdays(field: str) -> str:
    """The names of the days: APScheduler's numbers count from Monday, cron's from Sunday."""
    if field == "*":
        return field
    numbers = chain.from_iterable(map(_several, field.split(",")))
    return ",".join(dict.fromkeys(_DAYS[number % 7] for number in numbers))


def _several(part: str) -> range:
    found = _ONE.fullmatch(part)
    if found is None:
        raise ValueError(f"'{part}' is no weekday; write sun to sat, or 0 to 7")
    first, last, step = found.groups()
    if first == "*":
        return range(0, 7, int(step or 1))
    start = _number(first)
    end = _number(last) if last else (6 if step else start)
    # sat-mon goes over the week's end
    return range(start, (end if end >= start else end + 7) + 1, int(step or 1))


def _number(day: str) -> int:
    if day in _DAYS:
        return _DAYS.index(day)
    if day.isdigit() and int(day) <= 7:
        return int(day)
    raise ValueError(f"'{day}' is no weekday; write sun to sat, or 0 to 7")
