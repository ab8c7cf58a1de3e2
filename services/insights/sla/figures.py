"""Accounts as they are asked for: of tenants, of a server, of a service."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from services.identity import Scope
from services.insights.sla import burn, stored
from services.insights.sla.account import Member, Share, Stretch, Tally, shares, tally
from services.insights.sla.policy import Policy
from services.insights.sla.spans import Spans
from services.insights.sla.windows import Calendar, covering
from services.inventory.fleet import Fleet
from services.inventory.members import Terms
from services.inventory.schema import TenantSpec
from services.times import iso

Body = dict[str, Any]

#: Spans of downtime that one answer tells of, the latest first.
MOST_SPANS = 1000
#: Seconds.
DAY = 86400.0
#: The target of what no tenant depends on: that of a tenant of which nothing else is said.
PLAIN = Terms.of(TenantSpec(id="nobody"))


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose account it is: what identifies it, what it is called and promised, and by what it is
    judged."""

    of: Mapping[str, str]
    terms: Terms
    members: Sequence[Member]
    #: The tenants that work must be about where a maintenance window names tenants.
    tenants: frozenset[str]

    @property
    def policy(self) -> Policy:
        return Policy.stored(self.terms.policy)


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the time of ``subject`` from ``start`` to ``end``, of which ``ahead`` seconds
    are still to come."""

    subject: Subject
    start: float
    end: float
    ahead: float
    tally: Tally

    def body(self) -> Body:
        """Percent and minutes as the API gives them, and the policy by which they were counted."""
        found, terms = self.tally, self.subject.terms
        percent = found.uptime
        total = (100 - terms.target) / 100 * (found.counted + self.ahead) / 60
        used = found.down / 60
        return {
            **self.subject.of,
            "organizationName": terms.name,
            "target": terms.target,
            "uptime": None if percent is None else round(percent, 4),
            "met": None if percent is None else percent >= terms.target,
            "downtimeMinutes": round(used, 2),
            "degradedMinutes": round(found.degraded / 60, 2),
            "unknownMinutes": round(found.unknown / 60, 2),
            "blindMinutes": round(found.blind / 60, 2),
            "maintenanceMinutes": round(found.maintenance / 60, 2),
            "observedMinutes": round(found.counted / 60, 2),
            "downtimeSeconds": round(found.down, 3),
            "observedSeconds": round(found.counted, 3),
            "errorBudget": {
                "totalMinutes": round(total, 2),
                "usedMinutes": round(used, 2),
                "leftMinutes": round(total - used, 2),
                "usedPercent": round(100 * used / total, 2) if total else None,
            },
            "policy": self.subject.policy.fields(),
        }

    def downtimes(self, session: Session, fleet: Fleet) -> tuple[list[Body], bool]:
        """The downtime with the events behind it, the latest first, and whether there is more than
        is told."""
        downs = self.tally.downs[::-1]
        told = downs[:MOST_SPANS]
        found = stored.evidence(session, [down.stretch.id for down in told])
        return [
            {
                "eventId": str(down.stretch.id),
                "target": down.target,
                "label": fleet.label(down.target),
                "status": down.stretch.status,
                "from": iso(down.start),
                "to": iso(down.end),
                "ongoing": down.stretch.end is None and down.end >= self.end,
                "minutes": round((down.end - down.start) / 60, 2),
                "counts": round((down.counted + down.maintenance) / (down.end - down.start), 6),
                "countedMinutes": round(down.counted / 60, 2),
                "maintenanceMinutes": round(down.maintenance / 60, 2),
                "reason": down.stretch.reason,
                "evidence": dict(found.get(down.stretch.id, {})),
            }
            for down in told
        ], len(downs) > len(told)


class Books:
    """Reads what accounts are made of. ``impact``: the tenants that a target's failure reaches."""

    def __init__(self, fleet: Callable[[], Fleet], impact: Callable[[str], Sequence[str]]) -> None:
        self._fleet = fleet
        self._impact = impact
        self._calendar = Calendar()

    def tenants(
        self, session: Session, ids: Collection[str], start: float, end: float
    ) -> list[Subject]:
        """Tenants with what was promised to them at ``end``, in the order of ``ids``."""
        terms = stored.terms(session, ids, start, end)
        members = stored.members(session, ids, start, end)
        return [
            Subject(
                {"tenantId": id_},
                terms.get(id_) or self._now(id_),
                members.get(id_, ()),
                frozenset({id_}),
            )
            for id_ in ids
        ]  # fmt: skip

    def target(self, key: str, scope: Scope) -> Subject:
        """A server or a service. It has the highest target of the tenants that its failure reaches,
        of those that the caller may know of."""
        fleet = self._fleet()
        vps_id, _, service = key.partition("/")
        reached = [t for t in self._impact(key) if scope is None or t in scope]
        targets = [fleet.tenants[t].sla for t in reached if t in fleet.tenants]
        terms = PLAIN._replace(name=fleet.label(key), target=max(targets, default=PLAIN.target))
        parts = [key]
        if not service and not fleet.source(key):
            parts = [f"{key}/{one.name}" for one in fleet.vps[key].services]
        of = {"vpsId": vps_id, **({"service": service} if service else {})}
        members = [Member(part, 0.0, math.inf) for part in parts]
        return Subject(of, terms, members, frozenset(reached))

    def accounts(
        self, session: Session, subjects: Sequence[Subject], start: float, end: float, now: float
    ) -> list[Account]:
        """The account of each from ``start`` to ``end``, which may be in the future."""
        until = min(end, now)
        ahead = max(0.0, end - max(start, now))
        keys = {member.target for one in subjects for member in one.members}
        found = stored.stretches(session, keys, start, until)
        out = self._maintenance(session, subjects, start, until)
        return [
            Account(
                one, start, max(until, start), ahead,
                self.count(one, found, out[place], start, until),
            )
            for place, one in enumerate(subjects)
        ]  # fmt: skip

    def days(self, session: Session, subject: Subject, start: float, now: float) -> list[Account]:
        """The account of each day from ``start``, the beginning of one of UTC, up to now."""
        keys = {member.target for member in subject.members}
        found = stored.stretches(session, keys, start, now)
        (out,) = self._maintenance(session, [subject], start, now)
        days = []
        for number in range(math.ceil((now - start) / DAY)):
            begin, stop = start + number * DAY, min(start + (number + 1) * DAY, now)
            own = {key: _touching(of, begin, stop) for key, of in found.items()}
            tally = self.count(subject, own, out, begin, stop)
            days.append(Account(subject, begin, stop, 0.0, tally))
        return days

    def count(
        self,
        subject: Subject,
        stretches: Mapping[str, Sequence[Stretch]],
        maintenance: Mapping[str, Spans],
        start: float,
        end: float,
    ) -> Tally:
        if start >= end:
            return Tally()
        worth: Mapping[str, Sequence[Share]] = shares(subject.members, start, end)
        return tally(worth, stretches, maintenance, subject.policy)

    def burns(
        self, session: Session, subjects: Sequence[Subject], now: float
    ) -> list[dict[float, float | None]]:
        """The burn rate of each subject up to now, by the length of the window in seconds."""
        start = now - burn.LONGEST
        keys = {member.target for one in subjects for member in one.members}
        found = stored.stretches(session, keys, start, now)
        out = self._maintenance(session, subjects, start, now)
        windows = sorted({length for pair in burn.WINDOWS.values() for length in pair})
        rates = []
        for place, one in enumerate(subjects):
            own = {m.target: found.get(m.target, ()) for m in one.members}
            quiet = not out[place] and all(_is_well(of, start) for of in own.values())
            rates.append(
                {
                    seconds: (0.0 if any(own.values()) else None)
                    if quiet
                    else _rate(self.count(one, own, out[place], now - seconds, now), one.terms)
                    for seconds in windows
                }
            )
        return rates

    def _maintenance(
        self, session: Session, subjects: Sequence[Subject], start: float, end: float
    ) -> list[dict[str, Spans]]:
        """What is to be taken out of each subject's time, by target."""
        wanting = [one for one in subjects if one.policy.takes_out_maintenance]
        every = self._calendar.planned(session) if wanting and start < end else ()
        planned = [window for window in every if window.spans(start, end)]
        if not planned:
            return [{} for _ in subjects]
        return [
            covering(
                planned,
                self._fleet(),
                {member.target for member in one.members},
                one.tenants,
                start,
                end,
            )
            if one.policy.takes_out_maintenance
            else {}
            for one in subjects
        ]

    def _now(self, tenant: str) -> Terms:
        spec = self._fleet().tenants.get(tenant)
        return Terms.of(spec) if spec else PLAIN._replace(name=tenant)


def _touching(stretches: Sequence[Stretch], start: float, end: float) -> list[Stretch]:
    return [one for one in stretches if one.start < end and (one.end is None or one.end > start)]


def _is_well(stretches: Sequence[Stretch], start: float) -> bool:
    """Whether a target was plainly well all the time, as nearly all are, or is not known."""
    return not stretches or (
        len(stretches) == 1
        and stretches[0].status == "healthy"
        and stretches[0].end is None
        and stretches[0].start <= start
    )


def _rate(found: Tally, terms: Terms) -> float | None:
    rate = burn.rate(found.down, found.counted, terms.target)
    return None if rate is None else round(rate, 2)
