"""When a contact wants to be left alone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.inventory.people import Contact, QuietPeriod
from services.inventory.zones import WEEK, wall, zone
from services.notify.batching import BATCHED
from services.rule import Severity

#: The channels of people: machines and the dashboard itself sleep never.
PERSONAL = BATCHED

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Periods that follow each other; there is always a time of the week without any.
_MOST_PERIODS = 64


@dataclass(frozen=True, slots=True)
class Pause:
    """A message is kept back until a moment (seconds since the epoch); why, in words."""

    until: float
    detail: str


def pause(contact: Contact | None, channel: str, severity: str, at: float) -> Pause | None:
    """Whether, and until when, a message to a contact waits for the end of its quiet hours."""
    if contact is None or not contact.quiet_hours or channel not in PERSONAL:
        return None
    until = held_until(contact, Severity(severity), at)
    if until is None:
        return None
    place = zone(contact.time_zone or "UTC")
    return Pause(
        until, f"Quiet hours of {contact.name} until {_clock(until, place)}; it leaves then."
    )


def held_until(contact: Contact, severity: Severity, at: float) -> float | None:
    """The end of the quiet hours that a contact has at a moment (seconds since the epoch) for a
    severity, those that follow without a break included; None when there are none."""
    place = zone(contact.time_zone or "UTC")
    periods = [one for one in contact.quiet_hours if severity in one.severities]
    until = at
    for _ in range(_MOST_PERIODS):
        ends = [end for one in periods if (end := _open(one, place, until)) is not None]
        if not ends:
            break
        until = max(ends)
    return until if until > at else None


def _open(period: QuietPeriod, place: ZoneInfo, at: float) -> float | None:
    """When a period that is open ends."""
    today = datetime.fromtimestamp(at, place).date()
    for day in (today, today - timedelta(days=1)):
        if WEEK[day.weekday()] in period.days:
            last = day + timedelta(days=1) if period.ends_next_day else day
            end = wall(last, period.to, place)
            if wall(day, period.from_, place) <= at < end:
                return end
    return None


def _clock(at: float, place: ZoneInfo) -> str:
    """``Tue 24 Nov 07:00 CET``, whatever language the system speaks."""
    here = datetime.fromtimestamp(at, place)
    day = f"{WEEK[here.weekday()].capitalize()} {here.day} {_MONTHS[here.month - 1]}"
    return f"{day} {here:%H:%M} {here.tzname()}"
