"""The servers as the rows of a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from services.health.board import Board
from services.identity import Scope
from services.observation import Status
from services.views import lists
from services.views.pages import Wanted
from services.views.reader import Reader

#: More servers than anybody has.
EVERY = 1_000_000
#: Seconds between two drawings of numbers, for up to so many servers and for more; a changed state
#: is drawn at once.
FEW, OFTEN, SELDOM = 100, 5, 15


@dataclass(frozen=True, slots=True)
class VpsList:
    """``rows`` as the API lists servers; ``tenants`` (id and name) are those that a new server may
    be given, ``may_add``: the reader may add one."""

    rows: tuple[dict[str, Any], ...]
    tenants: tuple[tuple[str, str], ...]
    may_add: bool
    updated_at: float
    interval: float

    @property
    def counts(self) -> Counter[Status]:
        return Counter(row["status"] for row in self.rows)

    @property
    def stamp(self) -> object:
        """Another whenever the table is to be drawn anew."""
        every = OFTEN if len(self.rows) <= FEW else SELDOM
        states = [(r["id"], r["name"], r["status"], r["servicesHealthy"]) for r in self.rows]
        return self.updated_at // every, states


def vps_list(read: Reader, board: Board, scope: Scope, *, may_add: bool) -> VpsList:
    """Every server that the caller may see, by name."""
    fleet, overview = read.fleet(), read.overview(scope)
    page = lists.vps(fleet, board.snapshot(), scope, Wanted(limit=EVERY))
    return VpsList(
        rows=tuple({**row, "status": str(row["status"])} for row in page.rows),
        tenants=tuple((t.id, t.label) for t in fleet.tenants.values()) if may_add else (),
        may_add=may_add,
        updated_at=overview.updated_at,
        interval=overview.interval,
    )
