"""The one sentence that says what is broken and whom it hurts, and the one that says who
knows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.observation import Status
from services.views.model import AlertView


class Service(Protocol):
    """What the sentence needs of a service."""

    @property
    def name(self) -> str: ...
    @property
    def status(self) -> Status: ...


class Server(Protocol):
    """What the sentence needs of a server; of its services those that are down."""

    @property
    def name(self) -> str: ...
    @property
    def status(self) -> Status: ...
    @property
    def seen_at(self) -> float | None: ...
    @property
    def services(self) -> Sequence[Service]: ...


def headline(vps: Sequence[Server], applications: Sequence[str], hurt: int, tenants: int) -> str:
    """``vps-4 is down; 3 of 30 tenants are affected.``

    ``applications``: labels of tenants' applications that are down; ``hurt``: how many of the
    ``tenants`` the failures reach.
    """
    if not vps:
        return "Nothing is watched yet."
    named = _named(vps, applications)
    if not named:
        if all(card.status is Status.UNKNOWN for card in vps):
            return "The first look is under way."
        return "Everything is healthy."
    who = ""
    if hurt and tenants:
        verb = "is" if hurt == 1 else "are"
        who = f"; {hurt} of {_count(tenants, 'tenant')} {verb} affected"
    return f"{named}{who}."


def _named(vps: Sequence[Server], applications: Sequence[str]) -> str:
    down = [card.name for card in vps if card.status is Status.UNHEALTHY]
    silent = [card.name for card in vps if card.status is Status.UNKNOWN and card.seen_at]
    broken = [
        f"{service.name} on {card.name}"
        for card in vps
        for service in card.services
        if service.status is Status.UNHEALTHY
    ]
    slow = [card.name for card in vps if card.status is Status.DEGRADED]
    groups = (
        (down, "is down", "servers are down"),
        ([*broken, *applications], "is down", "services are down"),
        (silent, "does not report", "servers do not report"),
        (slow, "is degraded", "servers are degraded"),
    )
    for names, one, many in groups:
        if len(names) == 1:
            return f"{names[0]} {one}"
        if names:
            return f"{len(names)} {many}"
    return ""


def told(alerts: Sequence[AlertView], trouble: str | None) -> str:
    """Who knows of the worst alert, or what keeps the monitor itself from working."""
    if trouble:
        return trouble
    if not alerts:
        return "No alert is active."
    worst = alerts[0]
    by = worst.acknowledged_by
    rest = f"{by} has acknowledged it" if by else f"{worst.told}; not acknowledged yet"
    others = len(alerts) - 1
    if not others:
        return f"{rest}."
    return f"{rest}. {_count(others, 'more alert')} {'is' if others == 1 else 'are'} active."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
