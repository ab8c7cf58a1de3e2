"""What those who withhold messages may name, and what of it others may see."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from services.alerts.quiet.specs import MaintenanceScope, SilenceMatcher
from services.errors import InsufficientPermissions, NotFound
from services.health.scopes import sees, visible_vps
from services.identity import Scope
from services.inventory.fleet import Fleet
from services.inventory.wording import nearest
from services.observation import Kind, kind_of
from services.rule import Severity

_MOST_TOLD = 10
_WORDS = {"vps": "VPS"}


@dataclass(frozen=True, slots=True)
class Named:
    """The names that something holds, each as (where it stands, field, name), and the tenants
    that it keeps within (None: it may be about anybody)."""

    names: tuple[tuple[str, str, str], ...]
    within: frozenset[str] | None

    @classmethod
    def by_scope(cls, scope: MaintenanceScope) -> Named:
        lists = (("vps", scope.vps), ("service", scope.service), ("tenant", scope.tenant))
        return cls(
            tuple(
                (f"scope.{place}", field, name)
                for place, field, names in (
                    *((field, field, names) for field, names in lists),
                    ("tags", "tag", scope.tags),
                )
                for name in names
            ),
            frozenset(scope.tenant) or None,
        )

    @classmethod
    def by_matchers(cls, matchers: Iterable[SilenceMatcher]) -> Named:
        """What all must fit is within the tenants of any of them."""
        matchers = tuple(matchers)
        tenants = [one.values for one in matchers if one.field == "tenant" and one.wants]
        names = tuple(
            (f"matchers.{at}.value", one.field, value)
            for at, one in enumerate(matchers)
            for value in sorted(one.values)
        )
        return cls(names, frozenset.intersection(*tenants) if tenants else None)


class Reach:
    """What a caller limited to ``scope`` may name and see. ``rules``: the ids of the rules, when
    they are to be checked."""

    def __init__(self, fleet: Fleet, scope: Scope, rules: Collection[str] | None = None) -> None:
        self._fleet = fleet
        self._scope = scope
        self._rules = rules if scope is None else None
        self._servers = visible_vps(fleet, scope)
        self._known: dict[str, Collection[str] | None] = {}

    def check(self, named: Named) -> None:
        """Raises NotFound for names that there are none of, or none that the caller may know of,
        and InsufficientPermissions for what is not within its tenants."""
        wrong = [
            {"field": place, "problem": self._unknown(field, name)}
            for place, field, name in named.names
            if not self._knows(field, name)
        ]
        if wrong:
            first = wrong[0]["problem"]
            raise NotFound(f"{first[:1].upper()}{first[1:]}", wrong[:_MOST_TOLD])
        if not self._is_within(named):
            raise InsufficientPermissions(
                "You may withhold messages about your tenants alone; name them as tenant."
            )

    def sees(self, named: Named) -> bool:
        """Whether the caller may know of it: it is within its tenants and names nothing else."""
        return self._scope is None or (
            self._is_within(named)
            and all(self._knows(field, name) for _, field, name in named.names)
        )

    def _is_within(self, named: Named) -> bool:
        if self._scope is None:
            return True
        within = named.within or frozenset()
        return bool(within) and within <= self._scope

    def _knows(self, field: str, name: str) -> bool:
        if field == "target":
            owner = name.rpartition("/")[0] if kind_of(name) is Kind.DEPENDENCY else name
            exists = name == "*" or owner in self._fleet.keys()  # noqa: SIM118  (no mapping)
            return exists and sees(self._fleet, name, self._scope)
        known = self._names(field)
        return known is None or name in known

    def _unknown(self, field: str, name: str) -> str:
        known: Iterable[str] = self._names(field) or ()
        if field == "target":
            keys = self._fleet.keys()
            known = (key for key in keys if sees(self._fleet, key, self._scope))
        return f"there is no {_WORDS.get(field, field)} '{name}'; {nearest(name, known)}"

    def _names(self, field: str) -> Collection[str] | None:
        """The names that may stand in a field; None when they are not checked."""
        if field not in self._known:
            self._known[field] = _NAMES[field](self) if field in _NAMES else None
        return self._known[field]

    def _services(self) -> set[str]:
        found: set[str] = set()
        for key in self._fleet.services:
            vps_id, _, name = key.partition("/")
            if vps_id in self._servers:
                found.update((key, name))
        tenants = self._tenants()
        for key in self._fleet.applications:
            tenant, _, name = key[1:].partition("/")
            if tenant in tenants:
                found.add(name)
        return found

    def _tenants(self) -> Collection[str]:
        known = self._fleet.tenants.keys()
        return known if self._scope is None else known & self._scope

    def _tags(self) -> set[str]:
        return {tag for vps_id in self._servers for tag in self._fleet.vps[vps_id].tags}


_NAMES: Mapping[str, Callable[[Reach], Collection[str] | None]] = {
    "vps": lambda reach: reach._servers,
    "service": Reach._services,
    "tenant": Reach._tenants,
    "tag": Reach._tags,
    "severity": lambda reach: tuple(Severity),
    "rule": lambda reach: reach._rules,
}
