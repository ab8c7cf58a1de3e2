"""A small fleet whose alerts are asked about, and the words of their logs."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from models.database import Database
from services.identity import Scope
from services.insights.desk import Insights, Question
from services.insights.firings import Wanted
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from tests.support.insights import Event, plain

DAY, HOUR = 86400.0, 3600.0
#: Monday, 5 January 2026, 00:00 UTC.
MONDAY = 1_767_571_200.0
NOW = MONDAY + 10 * DAY
GRACE = 300.0
UTC = "UTC"
FLEET: dict[str, Any] = {
    "vps": [
        {
            "id": name,
            "source": {"type": "agent"},
            "tenants": tenants,
            "services": [{"name": "api", "type": "backend"}],
        }
        for name, tenants in (("a", ["acme"]), ("b", ["globex"]), ("c", ["acme", "globex"]))
    ],
    "tenants": [
        {
            "id": "acme",
            "organizationName": "ACME Corp",
            "services": [{"name": "web", "url": "https://acme.example", "runsOn": "a/api"}],
        },
        {"id": "globex", "organizationName": "Globex"},
    ],
}


def fleet() -> Fleet:
    return Fleet.build(Inventory.model_validate(FLEET), "here", "cache")


def insights(database: Database, now: float = NOW) -> Insights:
    made = fleet()
    return Insights(database, lambda: made, GRACE, clock=lambda: now)


def ask(
    database: Database,
    start: float = MONDAY + 5 * DAY,
    end: float = NOW,
    *,
    zone: str = UTC,
    scope: Scope = None,
    **wanted: tuple[str, ...],
) -> Any:
    """The answer, as it comes out of JSON; the period before is [start - length, start)."""
    asked = Question(start, end, Wanted(**wanted), ZoneInfo(zone))
    return plain(insights(database).analytics(asked, scope))


def fired(at: float, *more: Event) -> list[Event]:
    return [Event("fired", at), *more]


def told(at: float) -> Event:
    return Event("told", at)


def over(at: float, who: str | None = None) -> Event:
    return Event("resolved", at, who)


def taken(at: float) -> Event:
    return Event("acknowledged", at, "ops")


def rows(of: Any, name: str) -> dict[str, int]:
    return {row[name]: row["firings"] for row in of["rows"]}
