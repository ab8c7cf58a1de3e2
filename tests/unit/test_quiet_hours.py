"""When a contact wants to be left alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.inventory.people import Contact
from services.notify.quiet_hours import held_until, pause
from services.rule import Severity

NIGHT = {"from": "22:00", "to": "07:00"}
LUNCH = {"from": "12:00", "to": "13:00", "days": ["mon", "tue"], "severities": ["info"]}
WEEKEND = {"from": "00:00", "to": "00:00", "days": ["sat", "sun"]}
LATE = {"from": "22:00", "to": "02:30"}
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def contact(*periods: Any, zone: str | None = "Europe/Berlin", **more: Any) -> Contact:
    return Contact.model_validate(
        {"name": "Ana", "timeZone": zone, "quietHours": list(periods), **more}
    )


def at(text: str, zone: str = "Europe/Berlin") -> float:
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).timestamp()


@pytest.mark.parametrize(
    ("why", "periods", "severity", "moment", "until"),
    [
        ("before", [NIGHT], "warning", "2025-11-20T21:59:59", None),
        ("from the first second", [NIGHT], "warning", "2025-11-20T22:00", "2025-11-21T07:00"),
        ("after midnight", [NIGHT], "info", "2025-11-21T03:00", "2025-11-21T07:00"),
        ("not at its end", [NIGHT], "warning", "2025-11-21T07:00", None),
        ("critical is told", [NIGHT], "critical", "2025-11-21T03:00", None),
        ("unless it is listed", [{**NIGHT, "severities": ["critical"]}], "critical",
         "2025-11-21T03:00", "2025-11-21T07:00"),
        ("then the others are not", [{**NIGHT, "severities": ["critical"]}], "info",
         "2025-11-21T03:00", None),
        ("on its day", [LUNCH], "info", "2025-11-18T12:30", "2025-11-18T13:00"),
        ("on another day", [LUNCH], "info", "2025-11-20T12:30", None),
        ("of another severity", [LUNCH], "warning", "2025-11-18T12:30", None),
        ("a night belongs to the day on which it begins",
         [{**NIGHT, "days": ["fri"]}], "info", "2025-11-22T03:00", "2025-11-22T07:00"),
        ("and not to the one before", [{**NIGHT, "days": ["sat"]}], "info", "2025-11-22T03:00",
         None),
        ("a whole day, and the next", [WEEKEND], "info", "2025-11-22T10:00", "2025-11-24T00:00"),
        ("nights and days in a row", [WEEKEND, NIGHT], "warning", "2025-11-21T23:00",
         "2025-11-24T07:00"),
        ("an hour more of night", [NIGHT], "info", "2025-10-25T23:00", "2025-10-26T07:00"),
        ("an hour less", [NIGHT], "info", "2025-03-29T23:00", "2025-03-30T07:00"),
        ("an end that is skipped: 02:30 is 03:30", [LATE], "info", "2025-03-30T01:00",
         "2025-03-30T03:30"),
        ("an end that comes twice is the first", [LATE], "info", "2025-10-26T01:00",
         "2025-10-26T02:30:00+02:00"),
        ("and is over the second time", [LATE], "info", "2025-10-26T02:15:00+01:00", None),
        ("without any", [], "info", "2025-11-20T23:00", None),
    ],
)  # fmt: skip
def test_until_when_a_message_is_held(
    why: str, periods: Any, severity: str, moment: str, until: str | None
) -> None:
    found = held_until(contact(*periods), Severity(severity), at(moment))
    assert found == (until and at(until)), why


def test_the_clock_is_the_contacts_own() -> None:
    moment = at("2025-11-20T23:00")
    assert held_until(contact(NIGHT, zone=None), Severity.INFO, moment) == at(
        "2025-11-21T07:00+00:00"
    )
    assert held_until(contact(NIGHT, zone="America/New_York"), Severity.INFO, moment) is None


def test_only_people_sleep_and_the_words_have_their_time() -> None:
    moment = at("2025-11-20T23:00")
    for channel in ("email", "sms", "apprise"):
        found = pause(contact(NIGHT), channel, "info", moment)
        assert found is not None
        assert found.detail == "Quiet hours of Ana until Fri 21 Nov 07:00 CET; it leaves then."
    for channel in ("webhook", "inApp"):
        assert pause(contact(NIGHT), channel, "info", moment) is None
    assert pause(None, "email", "info", moment) is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"timeZone": "Amsterdam"}, "there is no time zone 'Amsterdam'; did you mean"),
        ({"quietHours": [{"from": "22:00"}]}, "to\n  Field required"),
        ({"quietHours": [{"from": "10pm", "to": "07:00"}]}, "'10pm' is no time of the day; write"),
        ({"quietHours": [{**NIGHT, "days": []}]}, "at least 1 item"),
        ({"quietHours": [{**NIGHT, "days": ["friday"]}]}, "Input should be 'mon'"),
        ({"quietHours": [{**NIGHT, "severities": ["error"]}]}, "Input should be 'info'"),
        ({"quietHours": [{"from": "00:00", "to": "00:00"}]},
         "the quiet hours never end for info, so it would never be told"),
        ({"quietHours": [NIGHT, {"from": "07:00", "to": "22:00", "severities": ["warning"]}]},
         "never end for warning"),
        ({"fallback": {"channel": "inApp"}}, "inApp is no fallback"),
        ({"fallback": {"channel": "sms"}}, "the fallback is sms, and this contact has no phone"),
        ({"email": "a@b", "fallback": {"channel": "email", "after": -1}}, "greater than or equal"),
        ({"name": "  "}, "a name is a line of text"),
        ({"name": "a\nb"}, "a name is a line of text"),
    ],
)  # fmt: skip
def test_a_contact_that_is_wrong_says_what_would_be_right(fields: Any, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Contact.model_validate({"name": "Ana", **fields})
    assert said in str(caught.value)


CLOCK = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
PERIODS = st.lists(
    st.fixed_dictionaries(
        {
            "from": CLOCK,
            "to": CLOCK,
            "days": st.lists(st.sampled_from(DAYS), min_size=1, max_size=4),
        }
    ),
    max_size=4,
)


@given(periods=PERIODS, minutes=st.integers(0, 60 * 24 * 400), zone=st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
))  # fmt: skip
def test_the_end_is_an_end(periods: Any, minutes: int, zone: str) -> None:
    try:
        found = contact(*periods, zone=zone)
    except ValidationError:
        return  # they never end
    moment = at("2025-01-01T00:00+00:00") + minutes * 60
    until = held_until(found, Severity.INFO, moment)
    if until is not None:
        assert moment < until < moment + 9 * 86400
        assert held_until(found, Severity.INFO, until) is None
        assert held_until(found, Severity.INFO, (moment + until) / 2) == until
