"""Tenants in a list: how each is, and what is left of what was promised to it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.health.status import Judgement
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.observation import Status
from services.views.census import UNSEEN
from services.views.tenants import carriers, status_of

#: What a list can be sorted by, and how that is called.
SORTS: Mapping[str, str] = {
    "state": "Worst first",
    "name": "Name",
    "budget": "Least budget left",
    "uptime": "Lowest uptime",
}
#: Rows that are shown at first.
MOST_ROWS = 100

_WORST = (Status.UNHEALTHY, Status.DEGRADED, Status.UNKNOWN, Status.HEALTHY)


@dataclass(frozen=True, slots=True)
class TenantRow:
    """A tenant in the list. ``uptime`` and ``target`` in percent over 30 days, ``left`` and
    ``total`` the minutes of its error budget (None: nothing was counted yet). ``added``: it was
    added here and can be taken off here."""

    id: str
    name: str
    status: Status
    reason: str
    healthy: int
    applications: int
    target: float
    uptime: float | None
    left: float | None
    total: float | None
    servers: tuple[tuple[str, str], ...]
    added: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which tenants are wanted: ``text`` is in name, id, application or server; ``state`` a
    status or empty; ``sort`` one of SORTS; ``most`` rows."""

    text: str = ""
    state: str = ""
    sort: str = "state"
    most: int = MOST_ROWS

    @classmethod
    def of(cls, text: object, state: object, sort: object, most: object = MOST_ROWS) -> Chosen:
        """From what a browser sent, of which nothing is certain."""
        number = most if isinstance(most, int) and 0 < most <= 10_000 else MOST_ROWS
        return cls(
            str(text or "")[:200].strip(),
            state if isinstance(state, str) and state in tuple(Status) else "",
            sort if isinstance(sort, str) and sort in SORTS else "state",
            number,
        )


@dataclass(frozen=True, slots=True)
class TenantList:
    """``rows`` of ``found`` tenants of ``total``; ``counts`` of each status among all that the
    caller may know of. ``updated_at``: when the latest of it was looked at."""

    rows: tuple[TenantRow, ...]
    found: int
    total: int
    counts: tuple[tuple[Status, int], ...]
    chosen: Chosen
    updated_at: float
    interval: float
    may_change: bool


def tenant_list(
    fleet: Fleet,
    states: Mapping[str, Judgement],
    scope: Scope,
    accounts: Mapping[str, Mapping[str, Any]],
    added: Collection[str],
    chosen: Chosen,
    now: float,
    interval: float,
    may_change: bool,
) -> TenantList:
    """The list of what a caller limited to ``scope`` may know of. ``accounts`` are those of the
    last 30 days by tenant; ``added`` the tenants that are not of the inventory file."""
    known = [one for one in fleet.tenants if scope is None or one in scope]
    status = {id_: status_of(fleet, id_, states) for id_ in known}
    words = chosen.text.casefold()
    found = [
        id_
        for id_ in known
        if (not chosen.state or status[id_] == chosen.state) and words in _words(fleet, id_)
    ]
    found.sort(key=_order(fleet, status, accounts, chosen.sort))
    seen = [state.seen_at for state in states.values()]
    return TenantList(
        rows=tuple(
            _row(fleet, id_, states, status[id_], accounts.get(id_, {}), id_ in added, scope)
            for id_ in found[: chosen.most]
        ),
        found=len(found),
        total=len(known),
        counts=tuple((one, sum(s is one for s in status.values())) for one in _WORST),
        chosen=chosen,
        updated_at=max(seen, default=now),
        interval=interval,
        may_change=may_change,
    )


def _words(fleet: Fleet, id_: str) -> str:
    spec = fleet.tenants[id_]
    servers = [part for vps in carriers(fleet, id_) for part in (vps, fleet.vps[vps].label)]
    return "\n".join((id_, spec.label, *(one.name for one in spec.services), *servers)).casefold()


def _order(
    fleet: Fleet,
    status: Mapping[str, Status],
    accounts: Mapping[str, Mapping[str, Any]],
    sort: str,
) -> Callable[[str], tuple[float, str]]:
    """What has no figure comes last."""

    def name(id_: str) -> str:
        return fleet.tenants[id_].label.casefold()

    def budget(id_: str) -> float:
        left, total = _budget(accounts.get(id_, {}))
        return left / total if left is not None and total else float("inf")

    def uptime(id_: str) -> float:
        found = accounts.get(id_, {}).get("uptime")
        return 1e9 if found is None else float(found)

    ways: dict[str, Callable[[str], tuple[float, str]]] = {
        "name": lambda id_: (0.0, name(id_)),
        "budget": lambda id_: (budget(id_), name(id_)),
        "uptime": lambda id_: (uptime(id_), name(id_)),
    }
    return ways.get(sort, lambda id_: (float(_WORST.index(status[id_])), name(id_)))


def _budget(account: Mapping[str, Any]) -> tuple[float | None, float | None]:
    budget = account.get("errorBudget")
    if budget is None or account.get("uptime") is None:
        return None, None
    return budget["leftMinutes"], budget["totalMinutes"]


def _row(
    fleet: Fleet,
    id_: str,
    states: Mapping[str, Judgement],
    status: Status,
    account: Mapping[str, Any],
    added: bool,
    scope: Scope,
) -> TenantRow:
    spec = fleet.tenants[id_]
    own = [(one.name, _state(fleet, f"@{id_}/{one.name}", states)) for one in spec.services]
    ill = [
        f"{name}: {state.reason if state else UNSEEN}"
        for name, state in own
        if state is None or state.status is not Status.HEALTHY
    ]
    left, total = _budget(account)
    visible = fleet.visible_vps(scope)
    return TenantRow(
        id=id_,
        name=spec.label,
        status=status,
        reason="; ".join(_short(ill)),
        healthy=len(own) - len(ill),
        applications=len(own),
        target=spec.sla,
        uptime=account.get("uptime"),
        left=left,
        total=total,
        servers=tuple(
            (vps, fleet.vps[vps].label) for vps in carriers(fleet, id_) if vps in visible
        ),
        added=added,
    )


def _short(ill: Sequence[str]) -> Sequence[str]:
    return ill if len(ill) <= 2 else [*ill[:2], f"and {len(ill) - 2} more"]


def _state(fleet: Fleet, key: str, states: Mapping[str, Judgement]) -> Judgement | None:
    return states.get(key) if fleet.enabled(key) else None
