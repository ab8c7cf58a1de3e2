"""When maintenance windows are open: cases by the clock, with a word for each."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from pydantic import ValidationError as Invalid

from services.alerts.quiet.schedules import Schedule, Span, zone
from services.alerts.quiet.windows import covers, occurrences, standing

ADAPTER: TypeAdapter[Any] = TypeAdapter(Schedule)
AMSTERDAM, NEW_YORK = "Europe/Amsterdam", "America/New_York"


def made(**fields: Any) -> Any:
    return ADAPTER.validate_python(
        {name.rstrip("_"): value for name, value in fields.items() if value is not None}
    )


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def told(span: Span | None) -> str | None:
    if span is None:
        return None
    start, end = (datetime.fromtimestamp(edge, UTC) for edge in span)
    return f"{start:%m-%d %H:%M}/{end:%m-%d %H:%M}"


def once(start: str, end: str, place: str = "UTC") -> Any:
    return made(type="once", start=start, end=end, timeZone=place)


def daily(clock: str, minutes: int, place: str = "UTC", from_=None, until=None) -> Any:
    return made(type="daily", at=clock, minutes=minutes, timeZone=place, from_=from_, until=until)


def weekly(days: str, clock: str, minutes: int, place: str = "UTC") -> Any:
    return made(type="weekly", days=days.split(), at=clock, minutes=minutes, timeZone=place)


def cron(expression: str, minutes: int, place: str = "UTC", from_=None, until=None) -> Any:
    return made(
        type="cron", expression=expression, minutes=minutes, timeZone=place, from_=from_,
        until=until,
    )  # fmt: skip


TEN = once("2025-11-20T10:00Z", "2025-11-20T12:00Z")
NIGHT = daily("23:00", 120)
LATE = daily("23:00", 120, AMSTERDAM)
SKIPPED, SKIPPED_NY = daily("02:30", 60, AMSTERDAM), daily("02:30", 60, NEW_YORK)
EARLIER = daily("01:00", 180, AMSTERDAM)
WEEKEND = weekly("sat", "22:00", 40 * 60)
OFFICE = weekly("mon tue wed thu fri", "00:00", 1440)
CUT = daily("10:00", 120, from_="2025-11-20T11:00Z", until="2025-11-22T11:00Z")
HOURLY, HOURLY_NY = cron("30 * * * *", 20, AMSTERDAM), cron("30 * * * *", 20, NEW_YORK)


@pytest.mark.parametrize(
    ("word", "schedule", "now", "open_"),
    [
        ("once: a moment before", TEN, "2025-11-20 09:59:59.9", None),
        ("once: the first moment", TEN, "2025-11-20 10:00", "11-20 10:00/11-20 12:00"),
        ("once: the end is outside", TEN, "2025-11-20 12:00", None),
        ("once: wall time of its zone", once("2025-07-01T10:00", "2025-07-01T11:00", AMSTERDAM),
            "2025-07-01 08:30", "07-01 08:00/07-01 09:00"),
        ("once: an offset wins over the zone",
            once("2025-07-01T10:00+05:00", "2025-07-01T11:00+05:00", AMSTERDAM),
            "2025-07-01 05:30", "07-01 05:00/07-01 06:00"),
        ("daily: before midnight", NIGHT, "2025-11-20 23:30", "11-20 23:00/11-21 01:00"),
        ("daily: after midnight", NIGHT, "2025-11-21 00:59", "11-20 23:00/11-21 01:00"),
        ("daily: over", NIGHT, "2025-11-21 01:00", None),
        ("daily: over new year", NIGHT, "2026-01-01 00:30", "12-31 23:00/01-01 01:00"),
        ("daily: midnight of the zone", LATE, "2025-11-20 23:30", "11-20 22:00/11-21 00:00"),
        ("daily: in summer an hour earlier", LATE, "2025-07-20 21:30", "07-20 21:00/07-20 23:00"),
        ("skipped hour: taken by the offset before", SKIPPED,
            "2026-03-29 01:45", "03-29 01:30/03-29 02:30"),
        ("skipped hour: not before", SKIPPED, "2026-03-29 01:15", None),
        ("skipped hour: over", SKIPPED, "2026-03-29 02:30", None),
        ("skipped hour: the day before", SKIPPED, "2026-03-28 01:45", "03-28 01:30/03-28 02:30"),
        ("skipped hour: the day after", SKIPPED, "2026-03-30 00:45", "03-30 00:30/03-30 01:30"),
        ("skipped hour, New York", SKIPPED_NY, "2026-03-08 07:45", "03-08 07:30/03-08 08:30"),
        ("skipped hour, New York: after", SKIPPED_NY,
            "2026-03-09 06:45", "03-09 06:30/03-09 07:30"),
        ("over the skipped hour: elapsed", EARLIER, "2026-03-29 02:59", "03-29 00:00/03-29 03:00"),
        ("doubled hour: the first of the two", SKIPPED,
            "2026-10-25 00:45", "10-25 00:30/10-25 01:30"),
        ("doubled hour: not the second", SKIPPED, "2026-10-25 01:45", None),
        ("doubled hour, New York", daily("01:30", 60, NEW_YORK),
            "2026-11-01 05:45", "11-01 05:30/11-01 06:30"),
        ("doubled hour, New York: not the second", daily("01:30", 60, NEW_YORK),
            "2026-11-01 06:45", None),
        ("over the doubled hour: elapsed", EARLIER, "2026-10-25 01:59", "10-24 23:00/10-25 02:00"),
        ("over the doubled hour: over by then", EARLIER, "2026-10-25 02:00", None),
        ("a day of 25 hours has a break", daily("00:00", 1439, AMSTERDAM),
            "2026-10-25 22:30", None),
        ("a day of 23 hours: the later one counts", daily("00:00", 1439, AMSTERDAM),
            "2026-03-29 22:30", "03-29 22:00/03-30 21:59"),
        ("half an hour skipped, Lord Howe", daily("02:15", 30, "Australia/Lord_Howe"),
            "2026-10-03 15:50", "10-03 15:45/10-03 16:15"),
        ("skipped at midnight, Cairo", daily("00:00", 30, "Africa/Cairo"),
            "2026-04-23 22:15", "04-23 22:00/04-23 22:30"),
        ("weekly: over the week's end", WEEKEND, "2025-11-24 13:00", "11-22 22:00/11-24 14:00"),
        ("weekly: over", WEEKEND, "2025-11-24 14:00", None),
        ("weekly: seven days before it comes again", weekly("sun", "12:00", 7 * 1440 - 1),
            "2025-11-23 11:58", "11-16 12:00/11-23 11:59"),
        ("weekly: the break of a minute", weekly("sun", "12:00", 7 * 1440 - 1),
            "2025-11-23 11:59", None),
        ("weekly: days side by side", OFFICE, "2025-11-18 00:00", "11-18 00:00/11-19 00:00"),
        ("weekly: not at the weekend", OFFICE, "2025-11-22 00:00", None),
        ("weekly: the day is the zone's", weekly("mon", "00:30", 60, AMSTERDAM),
            "2025-11-23 23:45", "11-23 23:30/11-24 00:30"),
        ("from: cut off before", CUT, "2025-11-20 10:30", None),
        ("from: open from then", CUT, "2025-11-20 11:00", "11-20 11:00/11-20 12:00"),
        ("between from and until", CUT, "2025-11-21 10:00", "11-21 10:00/11-21 12:00"),
        ("until: cut off then", CUT, "2025-11-22 10:30", "11-22 10:00/11-22 11:00"),
        ("until: over", CUT, "2025-11-22 11:00", None),
        ("until: no further days", CUT, "2025-11-23 10:30", None),
        ("cron: 0 is Sunday", cron("0 2 * * 0", 60), "2025-11-23 02:30", "11-23 02:00/11-23 03:00"),
        ("cron: so is 7", cron("0 2 * * 7", 60), "2025-11-23 02:30", "11-23 02:00/11-23 03:00"),
        ("cron: 1 is Monday", cron("0 2 * * 1", 60), "2025-11-24 02:30", "11-24 02:00/11-24 03:00"),
        ("cron: weekdays", cron("0 2 * * 1-5", 60), "2025-11-22 02:30", None),
        ("cron: days over the week's end", cron("0 2 * * sat-mon", 60),
            "2025-11-24 02:30", "11-24 02:00/11-24 03:00"),
        ("cron: every other day from Sunday", cron("0 2 * * */2", 60),
            "2025-11-25 02:30", "11-25 02:00/11-25 03:00"),
        ("cron: the second Tuesday", cron("0 2 * * tue#2", 60),
            "2025-11-11 02:30", "11-11 02:00/11-11 03:00"),
        ("cron: no other Tuesday", cron("0 2 * * tue#2", 60), "2025-11-18 02:30", None),
        ("cron: the last Friday", cron("0 2 * * friL", 60),
            "2025-11-28 02:30", "11-28 02:00/11-28 03:00"),
        ("cron: the last day of a month", cron("0 22 L * *", 240),
            "2025-12-01 01:00", "11-30 22:00/12-01 02:00"),
        ("cron: leap day", cron("0 0 29 2 *", 1440), "2028-02-29 23:59", "02-29 00:00/03-01 00:00"),
        ("cron: no leap day", cron("0 0 29 2 *", 1440), "2027-03-01 00:30", None),
        ("cron: a week of it", cron("0 0 1 * *", 10080), "2025-11-07 23:59",
            "11-01 00:00/11-08 00:00"),
        ("cron: skipped hour", cron("30 2 * * *", 60, AMSTERDAM),
            "2026-03-29 01:45", "03-29 01:30/03-29 02:30"),
        ("cron: doubled hour once", cron("30 2 * * *", 60, AMSTERDAM), "2026-10-25 01:45", None),
        ("cron of every hour: both of the doubled", HOURLY,
            "2026-10-25 00:35", "10-25 00:30/10-25 00:50"),
        ("cron of every hour: the second, too", HOURLY,
            "2026-10-25 01:35", "10-25 01:30/10-25 01:50"),
        ("cron of every hour: the skipped one passes", HOURLY,
            "2026-03-29 01:35", "03-29 01:30/03-29 01:50"),
        ("cron of every hour, New York", HOURLY_NY, "2026-11-01 06:35", "11-01 06:30/11-01 06:50"),
        ("cron: cut off", cron("0 10 * * *", 60, until="2025-11-20T10:30Z"),
            "2025-11-20 10:29", "11-20 10:00/11-20 10:30"),
    ],
)  # fmt: skip
def test_what_is_open(word: str, schedule: Any, now: str, open_: str | None) -> None:
    assert told(covers(schedule, at(now))) == open_, word


@pytest.mark.parametrize(
    ("word", "schedule", "now", "after"),
    [
        ("once: it comes", TEN, "2025-11-01 00:00", "11-20 10:00/11-20 12:00"),
        ("once: it is open", TEN, "2025-11-20 10:00", None),
        ("daily: later today", NIGHT, "2025-11-20 12:00", "11-20 23:00/11-21 01:00"),
        ("daily: tomorrow's, while one is open", NIGHT, "2025-11-20 23:00",
            "11-21 23:00/11-22 01:00"),
        ("until: there is no more", CUT, "2025-11-22 10:30", None),
        ("from: the first one", CUT, "2025-01-01 00:00", "11-20 11:00/11-20 12:00"),
        ("cron: two years on", cron("0 0 29 2 *", 60), "2026-03-01 00:00",
            "02-29 00:00/02-29 01:00"),
        ("the fifth Tuesday of a February", cron("0 0 * 2 tue#5", 60), "2026-03-01 00:00",
            "02-29 00:00/02-29 01:00"),
        ("after the times that are looked at", NIGHT, "2101-01-01 00:00", None),
    ],
)  # fmt: skip
def test_what_opens_next(word: str, schedule: Any, now: str, after: str | None) -> None:
    assert told(standing(schedule, at(now))[1]) == after, word


@pytest.mark.parametrize(
    ("word", "schedule", "start", "end", "found"),
    [
        ("what is open at the start counts", NIGHT, "2025-11-20 00:30", "2025-11-21 00:00",
            ["11-19 23:00/11-20 01:00", "11-20 23:00/11-21 01:00"]),
        ("what begins at the end does not", NIGHT, "2025-11-20 01:00", "2025-11-20 23:00", []),
        ("limited", NIGHT, "2025-11-01 02:00", "2026-11-01 00:00",
            ["11-01 23:00/11-02 01:00", "11-02 23:00/11-03 01:00", "11-03 23:00/11-04 01:00"]),
        ("once", TEN, "2025-01-01 00:00", "2026-01-01 00:00", ["11-20 10:00/11-20 12:00"]),
        ("over the skipped hour in order", cron("0,30 1-3 * * *", 20, AMSTERDAM),
            "2026-03-29 00:25", "2026-03-29 01:55",
            ["03-29 00:30/03-29 00:50", "03-29 01:00/03-29 01:20", "03-29 01:30/03-29 01:50"]),
        ("the doubled hour in order", cron("*/30 * * * *", 10, AMSTERDAM),
            "2026-10-25 00:15", "2026-10-25 01:35",
            ["10-25 00:30/10-25 00:40", "10-25 01:00/10-25 01:10", "10-25 01:30/10-25 01:40"]),
    ],
)  # fmt: skip
def test_a_calendar(word: str, schedule: Any, start: str, end: str, found: list[str]) -> None:
    assert [told(one) for one in occurrences(schedule, at(start), at(end), 3)] == found, word


@pytest.mark.parametrize(
    ("word", "fields", "said"),
    [
        ("no type", {"at": "02:00", "minutes": 5}, "once, daily, weekly or cron"),
        ("another type", {"type": "monthly"}, "once, daily, weekly or cron"),
        ("a mistyped field", {"type": "daily", "at": "02:00", "minuts": 5}, "Extra inputs"),
        ("no length", {"type": "daily", "at": "02:00"}, "Field required"),
        ("no time", {"type": "daily", "at": "2:00", "minutes": 5}, "'2:00' is no time of the day"),
        ("24:00", {"type": "daily", "at": "24:00", "minutes": 5}, "write it as 02:00"),
        ("other digits", {"type": "daily", "at": "٠٢:00", "minutes": 5}, "no time of the day"),
        ("no minutes", {"type": "daily", "at": "02:00", "minutes": 0},
            "greater than or equal to 1"),
        ("negative", {"type": "daily", "at": "02:00", "minutes": -5}, "greater than or equal to 1"),
        ("half a minute", {"type": "daily", "at": "02:00", "minutes": 0.5}, "valid integer"),
        ("text", {"type": "daily", "at": "02:00", "minutes": "5"}, "valid integer"),
        ("true", {"type": "daily", "at": "02:00", "minutes": True}, "valid integer"),
        ("over 7 days", {"type": "cron", "expression": "0 0 1 * *", "minutes": 10081},
            "less than or equal to 10080"),
        ("a day every day", {"type": "daily", "at": "02:00", "minutes": 1440}, "without a break"),
        ("more than a day every day", {"type": "daily", "at": "02:00", "minutes": 1500},
            "not over when the next begins, 1440 minutes later"),
        ("no days", {"type": "weekly", "days": [], "at": "02:00", "minutes": 5}, "at least 1 item"),
        ("no such day", {"type": "weekly", "days": ["monday"], "at": "02:00", "minutes": 5},
            "'mon', 'tue'"),
        ("days that overlap",
            {"type": "weekly", "days": ["sun", "mon"], "at": "02:00", "minutes": 2000},
            "not over when the next begins, 1440 minutes later"),
        ("every whole day", {"type": "weekly", "at": "00:00", "minutes": 1440,
            "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}, "without a break"),
        ("four fields", {"type": "cron", "expression": "0 2 * *", "minutes": 5}, "has five fields"),
        ("a nickname", {"type": "cron", "expression": "@daily", "minutes": 5}, "has five fields"),
        ("30 February", {"type": "cron", "expression": "0 0 30 2 *", "minutes": 5},
            "never comes: no month has such a day"),
        ("31 of short months", {"type": "cron", "expression": "0 0 31 4,6,9,11 *", "minutes": 5},
            "never comes"),
        ("hour 25", {"type": "cron", "expression": "0 25 * * *", "minutes": 5},
            "'0 25 * * *' is no cron expression: Error validating expression '25'"),
        ("weekday 8", {"type": "cron", "expression": "0 2 * * 8", "minutes": 5},
            "'8' is no weekday; write sun to sat, or 0 to 7"),
        ("no weekday", {"type": "cron", "expression": "0 2 * * tues", "minutes": 5},
            "'tues' is no weekday"),
        ("half of them in weeks", {"type": "cron", "expression": "0 2 * * tue#2,wed", "minutes": 5},
            "have a week of the month each"),
        ("days and weekdays", {"type": "cron", "expression": "0 2 1-7 * mon", "minutes": 5},
            "tue#2 is the second Tuesday"),
        ("other digits in cron", {"type": "cron", "expression": "٣ * * * *", "minutes": 5},
            "is no cron expression"),
        ("a cron for ever", {"type": "cron", "expression": "* * * * *", "minutes": 1},
            "without a break"),
        ("a cron that overlaps", {"type": "cron", "expression": "*/5 * * * *", "minutes": 6},
            "not over when the next begins, 5 minutes later"),
        ("a cron that overlaps once a month",
            {"type": "cron", "expression": "0 0 1,28 * *", "minutes": 4320},
            "not over when the next begins"),
        ("no zone", {"type": "daily", "at": "02:00", "minutes": 5, "timeZone": "Europe/Amsterdm"},
            "there is no time zone 'Europe/Amsterdm'; did you mean 'Europe/Amsterdam'"),
        ("an empty zone", {"type": "daily", "at": "02:00", "minutes": 5, "timeZone": ""},
            "there is no time zone"),
        ("a path", {"type": "daily", "at": "02:00", "minutes": 5, "timeZone": "../../passwd"},
            "there is no time zone"),
        ("a folder", {"type": "daily", "at": "02:00", "minutes": 5, "timeZone": "Europe"},
            "there is no time zone"),
        ("leap seconds", {"type": "daily", "at": "02:00", "minutes": 5, "timeZone": "right/UTC"},
            "there is no time zone"),
        ("until before from", {"type": "daily", "at": "02:00", "minutes": 5,
            "from": "2025-11-20", "until": "2025-11-19"}, "from must lie before until"),
        ("once, the wrong way round", {"type": "once", "start": "2025-11-20T10:00Z",
            "end": "2025-11-20T09:00Z"}, "end must lie 1 minute to 7 days after start"),
        ("once, too long", {"type": "once", "start": "2025-11-20", "end": "2025-11-28"},
            "end must lie 1 minute to 7 days after start"),
        ("no moment", {"type": "once", "start": "tomorrow", "end": "2025-11-28"},
            "start is 'tomorrow', which is no time; write it as 2025-11-20T22:00:00Z"),
        ("a number", {"type": "once", "start": 1763632800, "end": "2025-11-28"}, "valid string"),
        ("long ago", {"type": "once", "start": "0001-01-01", "end": "0001-01-02"},
            "between the years 2000 and 2100"),
    ],
)  # fmt: skip
def test_what_is_refused(word: str, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid) as caught:
        ADAPTER.validate_python(fields)
    assert said in str(caught.value), word


def test_what_was_written_is_given_back() -> None:
    written = {
        "type": "weekly", "days": ["sat", "sun"], "at": "02:00", "minutes": 90,
        "timeZone": AMSTERDAM, "from": "2025-11-20T00:00",
    }  # fmt: skip
    schedule = ADAPTER.validate_python(written)
    given_back = schedule.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert given_back == written
    assert ADAPTER.validate_python(given_back) == schedule


def test_a_search_that_finds_nothing_ends() -> None:
    """The next fifth Tuesday of a February after the last one that is looked for."""
    schedule = cron("0 0 * 2 tue#5", 60)
    begun = time.perf_counter()
    assert standing(schedule, at("2090-01-01 00:00")) == (None, None)
    assert time.perf_counter() - begun < 1


@settings(max_examples=150, deadline=None)
@given(
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    length=st.integers(1, 1380),
    place=st.sampled_from([AMSTERDAM, NEW_YORK, "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]),
    now=st.floats(at("2025-01-01"), at("2027-01-01")),
)
def test_a_day_is_found_as_one_finds_it_by_hand(hour, minute, length, place, now) -> None:
    """Each day of the calendar has one window, which begins at its wall time."""
    schedule = daily(f"{hour:02}:{minute:02}", length, place)
    begins = [
        datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(place)).timestamp()
        for year in (2024, 2025, 2026, 2027)
        for month in range(1, 13)
        for day in range(1, 29)
    ]
    by_hand = [begin for begin in begins if begin <= now < begin + length * 60]
    found = covers(schedule, now)
    if by_hand:
        assert found is not None
        assert found == (max(by_hand), max(by_hand) + length * 60)
    elif found is not None:
        begun = datetime.fromtimestamp(found.start, ZoneInfo(place))
        assert begun.day > 28
        assert found.start <= now < found.end


def test_zones_are_the_same_object() -> None:
    assert zone(AMSTERDAM) is zone(AMSTERDAM)
