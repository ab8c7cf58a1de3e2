"""Where accounts, burn rates and monthly reports are asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence

from models.database import Database
from services.health.status import Judgement
from services.identity import Scope
from services.insights.sla import burn
from services.insights.sla.figures import DAY, Body, Books, Subject
from services.insights.sla.reports import Reports
from services.inventory.fleet import Fleet
from services.observation import Kind, Status
from services.rule import Rule
from services.times import iso
from services.views.tenants import status_of


class SlaDesk:
    """``states`` gives the board, ``rules`` those in force, ``impact`` the tenants that a target's
    failure reaches. Whether a caller may ask for something is to be checked before. Thread-safe."""

    def __init__(
        self,
        database: Database,
        fleet: Callable[[], Fleet],
        impact: Callable[[str], Sequence[str]],
        states: Callable[[], Mapping[str, Judgement]],
        rules: Callable[[], Collection[Rule]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._fleet = fleet
        self._states = states
        self._rules = rules
        self._clock = clock
        self._books = Books(fleet, impact)
        self.reports = Reports(database, self._books, fleet, clock)

    def accounts(self, tenants: Sequence[str], start: float, end: float) -> list[Body]:
        """The account of each tenant from ``start`` to ``end`` (seconds since the epoch, the end
        may be in the future)."""
        with self._database.read() as session:
            subjects = self._books.tenants(session, tenants, start, end)
            found = self._books.accounts(session, subjects, start, end, self._clock())
            return [one.body() for one in found]

    def tenant(self, tenant: str, start: float, end: float) -> Body:
        """One tenant's account with its burn rates and the events behind its downtime."""
        with self._database.read() as session:
            (subject,) = self._books.tenants(session, [tenant], start, end)
        return self._whole(subject, start, end)

    def days(self, tenant: str, count: int = 90) -> list[Body]:
        """One tenant's account of each of the last ``count`` days of UTC, today's last."""
        now = self._clock()
        start = (now // DAY - count + 1) * DAY
        with self._database.read() as session:
            (subject,) = self._books.tenants(session, [tenant], start, now)
            return [
                {"from": iso(one.start), "to": iso(one.end), **one.body()}
                for one in self._books.days(session, subject, start, now)
            ]

    def target(self, key: str, scope: Scope, start: float, end: float) -> Body:
        """The same of a server or a service, by the key of its target."""
        return self._whole(self._books.target(key, scope), start, end)

    def figures(self) -> dict[str, Judgement]:
        """What rules about tenants are to judge now, by the key of the tenant: its status, and its
        burn rates where a rule watches them. Nothing while no rule is about tenants."""
        watched = {
            rule.condition.reads.name
            for rule in self._rules()
            if rule.enabled and Kind.TENANT in rule.condition.reads.kinds
        }
        if not watched:
            return {}
        now, fleet, states = self._clock(), self._fleet(), self._states()
        burns: dict[str, dict[str, float]] = {}
        if names := watched & burn.WINDOWS.keys():
            burns = self._burning(list(fleet.tenants), names, now)
        found = {}
        for tenant in fleet.tenants:
            status = status_of(fleet, tenant, states)
            reason = f"it is {status}" if status is not Status.UNKNOWN else "nobody could look"
            found[f"@{tenant}"] = Judgement(
                status, now, reason, status, 1, now, metrics=burns.get(tenant, {})
            )
        return found

    def _burning(
        self, tenants: Sequence[str], names: Collection[str], now: float
    ) -> dict[str, dict[str, float]]:
        with self._database.read() as session:
            subjects = self._books.tenants(session, tenants, now - burn.LONGEST, now)
            rates = self._books.burns(session, subjects, now)
        found: dict[str, dict[str, float]] = {}
        for tenant, rate in zip(tenants, rates, strict=True):
            values = {name: burn.of_pair(*(rate[w] for w in burn.WINDOWS[name])) for name in names}
            found[tenant] = {name: value for name, value in values.items() if value is not None}
        return found

    def _whole(self, subject: Subject, start: float, end: float) -> Body:
        now = self._clock()
        with self._database.read() as session:
            (account,) = self._books.accounts(session, [subject], start, end, now)
            downs, more = account.downtimes(session, self._fleet())
            present = subject
            if "tenantId" in subject.of:
                first = now - burn.LONGEST
                (present,) = self._books.tenants(session, [subject.of["tenantId"]], first, now)
            (rates,) = self._books.burns(session, [present], now)
        return {
            **account.body(),
            "burnRates": {
                name: {
                    "longMinutes": long / 60,
                    "shortMinutes": short / 60,
                    "long": rates[long],
                    "short": rates[short],
                    "both": burn.of_pair(rates[long], rates[short]),
                }
                for name, (long, short) in (
                    ("fast", burn.WINDOWS["sla.burnRate"]),
                    ("slow", burn.WINDOWS["sla.burnRateSlow"]),
                )
            },
            "burnRatesAt": iso(now),
            "downtimes": downs,
            "moreDowntimes": more,
        }
