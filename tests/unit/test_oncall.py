"""Who is on call, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.inventory.people import Rotation
from services.notify.oncall import who_is_on_call

BERLIN, UTC = "Europe/Berlin", "UTC"


def rotation(**fields: Any) -> Rotation:
    return Rotation.model_validate(
        {
            "name": "Primary", "timeZone": BERLIN, "handover": {"day": "mon", "time": "09:00"},
            "members": ["Ana", "Bob", "Cleo"], "since": "2025-11-03", **fields,
        }
    )  # fmt: skip


def at(text: str, zone: str = BERLIN) -> float:
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).timestamp()


SWAP = [{"from": "2025-11-05T18:00", "to": "2025-11-06T08:00", "contact": "Dan"}]
ROUND = [
    {"from": "2025-11-10T09:00", "to": "2025-11-17T09:00", "contact": "Ana"},
    {"from": "2025-11-20T00:00+00:00", "to": "2025-11-20T06:00Z", "contact": "Dan"},
]
SUNDAY = {"handover": {"day": "sun", "time": "02:30"}}


@pytest.mark.parametrize(
    ("why", "fields", "moment", "who", "until"),
    [
        ("the first shift", {}, "2025-11-03T09:00", "Ana", "2025-11-10T09:00"),
        ("its last second", {}, "2025-11-10T08:59:59", "Ana", "2025-11-10T09:00"),
        ("the hand-over itself", {}, "2025-11-10T09:00", "Bob", "2025-11-17T09:00"),
        ("the third", {}, "2025-11-20T12:00", "Cleo", "2025-11-24T09:00"),
        ("round again", {}, "2025-11-24T09:00", "Ana", "2025-12-01T09:00"),
        ("ten years later", {}, "2035-11-12T08:59", "Ana", "2035-11-12T09:00"),
        ("on the day, before the hour", {}, "2025-11-24T08:00", "Cleo", "2025-11-24T09:00"),
        ("before the first", {}, "2025-10-01T12:00", "Ana", "2025-11-10T09:00"),
        ("a week with an hour more", {"since": "2025-10-20"}, "2025-10-26T12:00", "Ana",
         "2025-10-27T09:00"),
        ("a week with an hour less", {"since": "2025-03-24"}, "2025-03-30T12:00", "Ana",
         "2025-03-31T09:00"),
        ("an hour that is skipped: 02:30 is 03:30", {**SUNDAY, "since": "2025-03-23"},
         "2025-03-30T03:29:59", "Ana", "2025-03-30T03:30"),
        ("and then the next", {**SUNDAY, "since": "2025-03-23"}, "2025-03-30T03:30", "Bob",
         "2025-04-06T02:30"),
        ("an hour that comes twice is the first", {**SUNDAY, "since": "2025-10-19"},
         "2025-10-26T02:30:00+02:00", "Bob", "2025-11-02T02:30"),
        ("also the second time", {**SUNDAY, "since": "2025-10-19"}, "2025-10-26T02:15:00+01:00",
         "Bob", "2025-11-02T02:30"),
        ("another half of the world", {"timeZone": "Pacific/Auckland"},
         "2025-11-09T20:00:00+00:00", "Bob", "2025-11-16T20:00:00+00:00"),
        ("overridden", {"overrides": SWAP}, "2025-11-05T18:00", "Dan", "2025-11-06T08:00"),
        ("until the override", {"overrides": SWAP}, "2025-11-04T12:00", "Ana", "2025-11-05T18:00"),
        ("after it", {"overrides": SWAP}, "2025-11-06T08:00", "Ana", "2025-11-10T09:00"),
        ("for longer by an override", {"overrides": ROUND}, "2025-11-05T12:00", "Ana",
         "2025-11-17T09:00"),
        ("an override with an offset", {"overrides": ROUND}, "2025-11-20T01:00", "Dan",
         "2025-11-20T07:00"),
        ("one alone is for ever", {"members": ["Ana"]}, "2025-11-20T12:00", "Ana", None),
        ("but for an override in years",
         {"members": ["Ana"],
          "overrides": [{"from": "2031-01-01T00:00", "to": "2031-01-02T00:00", "contact": "Bob"}]},
         "2025-11-20T12:00", "Ana", "2031-01-01T00:00"),
        ("the same twice in a row", {"members": ["Ana", "Ana", "Bob"]}, "2025-11-04T12:00", "Ana",
         "2025-11-17T09:00"),
        ("nobody", {"members": []}, "2025-11-04T12:00", None, None),
        ("nobody but for a while", {"members": [], "overrides": SWAP}, "2025-11-04T12:00", None,
         "2025-11-05T18:00"),
        ("somebody for a while", {"members": [], "overrides": SWAP}, "2025-11-05T19:00", "Dan",
         "2025-11-06T08:00"),
    ],
)  # fmt: skip
def test_who_is_on_call(
    why: str, fields: Any, moment: str, who: str | None, until: str | None
) -> None:
    found = who_is_on_call(rotation(**fields), at(moment))
    assert found == (who, until and at(until)), why


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"since": "2025-11-04"}, "2025-11-04 is a tue, not a mon; write 2025-11-03 or 2025-11-10"),
        ({"since": "tomorrow"}, "'tomorrow' is no day; write it in quotes, as '2025-11-24'"),
        ({"since": 20251103}, "'20251103' is no day"),
        ({"since": "0001-01-01"}, "it must lie between the years 1970 and 2200"),
        ({"timeZone": "Europe/Berln"}, "no time zone 'Europe/Berln'; did you mean 'Europe/Berlin'"),
        ({"handover": {"day": "mon", "time": "9:00"}}, "'9:00' is no time of the day; write it as"),
        ({"handover": {"day": "monday", "time": "09:00"}}, "Input should be 'mon', 'tue'"),
        ({"overrides": [{**SWAP[0], "to": "2025-11-05T18:00"}]}, "overrides[0] ends before it"),
        ({"overrides": [{**SWAP[0], "from": "now"}]}, "'now' is no time; write it as 2025"),
        ({"overrides": [*SWAP, {**SWAP[0], "contact": "Eve"}]},
         "overrides[0] and overrides[1] are at the same time; only one can be on call"),
    ],
)  # fmt: skip
def test_a_rotation_that_is_wrong_says_what_would_be_right(fields: Any, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        rotation(**fields)
    assert said in str(caught.value)


@given(
    weeks=st.integers(-60, 600),
    hours=st.integers(0, 167),
    zone=st.sampled_from(
        [UTC, BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
    ),
    members=st.lists(st.sampled_from("ABC"), min_size=1, max_size=4),
    clock=st.sampled_from(["00:00", "01:30", "02:30", "09:00", "23:59"]),
)
def test_until_is_when_another_one_takes_over(
    weeks: int, hours: int, zone: str, members: list[str], clock: str
) -> None:
    found = rotation(
        timeZone=zone, members=members, handover={"day": "sun", "time": clock}, since="2025-03-30"
    )
    moment = at("2025-03-30T00:00", zone) + timedelta(weeks=weeks, hours=hours).total_seconds()
    who, until = who_is_on_call(found, moment)
    if until is None:
        assert len(set(members)) == 1
        return
    assert until > moment
    assert who_is_on_call(found, (moment + until) / 2).contact == who
    assert who_is_on_call(found, until - 1).contact == who
    assert who_is_on_call(found, until).contact != who
