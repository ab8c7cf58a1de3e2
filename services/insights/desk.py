"""The way in: what the alerts of a time add up to, for a caller."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.database import Database
from models.notifications import NotificationRow
from services.errors import ValidationError
from services.health.scopes import sees
from services.identity import Scope
from services.insights import frequency, response
from services.insights.calendar import DAY, days, wall
from services.insights.firings import Firings, Wanted, firings, names_of_rules, plain
from services.insights.flapping import flapping
from services.insights.patterns import Range, patterns
from services.insights.truth import DEFINITION, by_rule, counts, deployed, truth
from services.inventory.fleet import Fleet
from services.times import iso

#: Days of one answer.
MOST_DAYS = 400
#: Longer times have a trend by week.
DAILY = 31
#: Rules that are told.
MOST_RULES = 50
#: States of messages that left, and the channel of those that need not.
_LEFT = ("sent", "delivered")
_PAGE = "inApp"

COUNTED = (
    "A firing is one time that an alert fired: a reopened alert counts again each time. Firings "
    "count in the period in which they began; the period before is as long and ends where this "
    "one begins. Tenants: those that an alert reaches. Messages: what was sent by e-mail, SMS, "
    "webhook or apprise about the alerts of the period, once for each alert that it tells of. "
    "Deleted alerts count nowhere."
)

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """The time from ``start`` to ``end`` (seconds since the epoch; the end is not part of it) and
    what counts; hours and days are those of ``zone``. What ended by itself within ``soon`` seconds
    was nothing."""

    start: float
    end: float
    wanted: Wanted
    zone: ZoneInfo
    soon: float = 300.0


class Insights:
    """Answers from one narrow query a time; ``grace``: seconds in which a deployment withholds
    messages. For any thread."""

    def __init__(
        self,
        database: Database,
        fleet: Callable[[], Fleet],
        grace: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._fleet = fleet
        self._grace = grace
        self._clock = clock

    def analytics(self, asked: Question, scope: Scope) -> Body:
        """Frequency, response, noisiest rules, patterns, flapping and false positives, of what a
        caller may know of. Raises ValidationError for a time that is too long."""
        end = min(asked.end, self._clock())
        start = min(asked.start, end)
        length = end - start
        if length > MOST_DAYS * DAY:
            raise ValidationError(f"Analytics cover {MOST_DAYS} days at most.")
        fleet = self._fleet()
        with self._database.read() as session:
            both = self._firings(session, start - length, end, asked.wanted, fleet, scope)
            now, before = both.between(start, end), both.between(start - length, start)
            names = names_of_rules(session, now)
            messages = _messages(session, start, end)
            in_grace = deployed(session, now, fleet, self._grace)
        told = truth(now, asked.soon, in_grace)
        rules = by_rule(now, told, names, messages)
        clock, earlier = wall(now.opened, asked.zone), wall(before.opened, asked.zone)
        of = days(start, end, asked.zone) if length else range(0)
        weekly = length > DAILY * DAY
        spells, flapped = flapping(now, names, fleet)
        minutes = {"minutes": asked.soon / 60, "grace": self._grace / 60}

        def known(tenant: str) -> bool:
            return scope is None or tenant in scope

        return {
            "from": iso(start),
            "to": iso(end),
            "timeZone": asked.zone.key,
            "before": {"from": iso(start - length), "to": iso(start)},
            "counted": COUNTED,
            "totals": frequency.totals(now, before),
            "perDay": frequency.per_day(clock, of),
            "byHour": frequency.per_hour(clock, earlier),
            "byWeekday": frequency.per_weekday(clock, earlier),
            **frequency.breakdowns(now, before, names, fleet, known),
            "acknowledgement": response.acknowledgement(now, before, clock, of, weekly),
            "resolution": response.resolution(now, before, clock, of, weekly),
            "rules": {"rows": rules[:MOST_RULES], "total": len(rules)},
            "falsePositives": {**counts(told), "definition": DEFINITION.format(**minutes)},
            "flapping": {"rows": spells, "total": flapped},
            "patterns": patterns(now, names, fleet, Range(start, end, asked.zone)),
        }

    def _firings(
        self,
        session: Session,
        start: float,
        end: float,
        wanted: Wanted,
        fleet: Fleet,
        scope: Scope,
    ) -> Firings:
        if scope is not None and wanted.tenants:
            # Whose limits do not name a tenant is told of none by it.
            own = tuple(tenant for tenant in wanted.tenants if tenant in scope) or ("",)
            wanted = replace(wanted, tenants=own)
        return firings(session, start, end, lambda target: sees(fleet, target, scope), wanted)


def _messages(session: Session, start: float, end: float) -> Mapping[str, int]:
    """How many messages left about each alert."""
    row = NotificationRow.__table__.c
    # What left is picked out here: SQLite would else read every message that ever did.
    query = select(row.alert_id, row.status, row.channel).where(
        row.created_at >= start, row.created_at < end
    )
    return Counter(
        alert_id
        for alert_id, status, channel in plain(session, query)
        if status in _LEFT and channel != _PAGE
    )
