"""The one sentence that says what is broken and whom it hurts, and the one that says who
knows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.observation import Status
from services.views.model import AlertView, Said


class Service(Protocol):
    """What the sentence needs of a service."""

    @property
    def name(self) -> str: ...
    @property
    def status(self) -> Status: ...


class Server(Protocol):
    """What the sentence needs of a server; of its services those that are down."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def status(self) -> Status: ...
    @property
    def seen_at(self) -> float | None: ...
    @property
    def services(self) -> Sequence[Service]: ...


def sentence(
    vps: Sequence[Server], applications: Sequence[Said], hurt: int, tenants: int
) -> tuple[Said, ...]:
    """``vps-4 is down; 3 of 30 tenants are affected.``, with what each part names.

    ``applications``: tenants' applications that are down; ``hurt``: how many of the ``tenants``
    the failures reach.
    """
    if not vps:
        return (Said("Nothing is watched yet."),)
    named = _named(vps, applications)
    if not named:
        if all(card.status is Status.UNKNOWN for card in vps):
            return (Said("The first look is under way."),)
        return (Said("Everything is healthy."),)
    if not hurt or not tenants:
        return (*named, Said("."))
    verb = "is" if hurt == 1 else "are"
    who = Said(f"{hurt} of {_count(tenants, 'tenant')}", "tenants:")
    return (*named, Said("; "), who, Said(f" {verb} affected."))


def headline(parts: Sequence[Said]) -> str:
    """The sentence in one piece."""
    return "".join(part.text for part in parts)


def _named(vps: Sequence[Server], applications: Sequence[Said]) -> tuple[Said, ...]:
    down = [Said(card.name, card.id) for card in vps if card.status is Status.UNHEALTHY]
    silent = [
        Said(card.name, card.id) for card in vps if card.status is Status.UNKNOWN and card.seen_at
    ]
    broken = [
        Said(f"{service.name} on {card.name}", f"{card.id}/{service.name}")
        for card in vps
        for service in card.services
        if service.status is Status.UNHEALTHY
    ]
    slow = [Said(card.name, card.id) for card in vps if card.status is Status.DEGRADED]
    groups = (
        (down, " is down", "servers", " are down", f"servers:{Status.UNHEALTHY}"),
        ([*broken, *applications], " is down", "services", " are down", ""),
        (silent, " does not report", "servers", " do not report", f"servers:{Status.UNKNOWN}"),
        (slow, " is degraded", "servers", " are degraded", f"servers:{Status.DEGRADED}"),
    )
    for named, one, noun, many, about in groups:
        if len(named) == 1:
            return (named[0], Said(one))
        if named:
            return (Said(f"{len(named)} {noun}", about), Said(many))
    return ()


def told(alerts: Sequence[AlertView], trouble: str | None, active: int) -> str:
    """Who knows of the worst alert, of so many ``active`` ones; or what keeps the monitor itself
    from working."""
    if trouble:
        return trouble
    if not alerts:
        return "No alert is active."
    worst = alerts[0]
    by = worst.acknowledged_by
    rest = f"{by} has acknowledged it" if by else f"{worst.told}; not acknowledged yet"
    others = max(active, len(alerts)) - 1
    if not others:
        return f"{rest}."
    return f"{rest}. {_count(others, 'more alert')} {'is' if others == 1 else 'are'} active."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
