"""Who of a rotation is on call. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from services.inventory.people import Rotation
from services.inventory.zones import wall, zone


class Duty(NamedTuple):
    """``contact`` is the name of who is on call, None for nobody; ``until``: seconds since the
    epoch at which that changes, None for never."""

    contact: str | None
    until: float | None


def who_is_on_call(rotation: Rotation, at: float) -> Duty:
    """Who is on call at a moment (seconds since the epoch), and until when.

    Hand-overs are at the same time on the clock each week, so a week in which the clock is changed
    has an hour more or less. Before the first one the first member is on call already: it is better
    to tell somebody than nobody.
    """
    duty = _duty(rotation, at)
    # At most so many shifts end without another person taking over.
    for _ in range(len(rotation.members) + 2 * len(rotation.overrides)):
        if duty.until is None:
            break
        following = _duty(rotation, duty.until)
        if following.contact != duty.contact:
            return duty
        duty = following
    return Duty(duty.contact, None)


def _duty(rotation: Rotation, at: float) -> Duty:
    """Who is on call, and when one has to look again."""
    ahead: float | None = None
    for override in rotation.overrides:
        start, end = rotation.span(override)
        if start <= at < end:
            return Duty(override.contact, end)
        if at < start and (ahead is None or start < ahead):
            ahead = start
    if not rotation.members:
        return Duty(None, ahead)
    if len(set(rotation.members)) == 1:
        return Duty(rotation.members[0], ahead)
    number, end = _shift(rotation, at)
    until = end if ahead is None else min(end, ahead)
    return Duty(rotation.members[number % len(rotation.members)], until)


def _shift(rotation: Rotation, at: float) -> tuple[int, float]:
    """The number of the shift, from 0 on, and when it ends."""
    place = zone(rotation.time_zone)
    day = datetime.fromtimestamp(at, place).date()
    number = (day - rotation.since).days // 7
    if _begins(rotation, number) > at:
        number -= 1
    number = max(number, 0)
    return number, _begins(rotation, number + 1)


def _begins(rotation: Rotation, number: int) -> float:
    day = rotation.since + timedelta(weeks=number)
    return wall(day, rotation.handover.time, zone(rotation.time_zone))
