"""Which bodies a change touches. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from services.identity import Scope
from services.inventory.fleet import Fleet
from services.observation import vps_of


class Touched(NamedTuple):
    """Servers and tenants whose bodies may be others now; whether any service changed, and
    whether any alert did."""

    vps: frozenset[str]
    tenants: frozenset[str]
    services: bool
    alerts: bool

    def touches(self, read: str, name: str, scope: Scope) -> bool:
        """Whether the body of a read for callers limited to ``scope`` may be another now. A
        limited overview is, when any of its tenants is."""
        match read:
            case "overview":
                return self.alerts or scope is None or not scope.isdisjoint(self.tenants)
            case "vps":
                return name in self.vps
            case "tenant":
                return self.alerts or name in self.tenants
            case _:
                return self.services


class Reach:
    """What changes of single targets touch in one fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._tell_of: dict[str, set[str]] = defaultdict(set)
        for key, service in fleet.services.items():
            vps_id = key.partition("/")[0]
            for needed in service.depends_on:
                other, _, name = needed.partition("/")
                if name and other != vps_id:
                    self._tell_of[other].add(vps_id)

    def of(self, keys: Iterable[str], *, alerts: bool) -> Touched:
        """What readings of ``keys``, and a change of some alert, touch."""
        servers: set[str] = set()
        tenants: set[str] = set()
        services = False
        for key in keys:
            vps_id = vps_of(key)
            if vps_id is not None:
                servers.add(vps_id)
                services = services or "/" in key
            elif key[0] == "@":
                tenants.add(key[1:].partition("/")[0])
        for vps_id in servers:
            tenants.update(self._fleet.tenants_on(vps_id))
        for vps_id in servers & self._tell_of.keys():
            servers = servers | self._tell_of[vps_id]
        return Touched(frozenset(servers), frozenset(tenants), services, alerts)
