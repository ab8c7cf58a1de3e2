"""Which rules a limited caller may know of: those that name nothing of anybody else. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.health.scopes import visible_vps
from services.identity.principal import Scope
from services.inventory.fleet import Fleet
from services.rule import Rule

Words = tuple[str, ...]

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Sight:
    """``sees(rule)`` for a caller limited to ``scope`` (None: not limited). ``foreign`` are the
    ids and names of servers and tenants that it may not know of, as the words that they are made
    of; ``longest`` of them has so many."""

    scope: Scope
    servers: frozenset[str]
    services: frozenset[str]
    tags: frozenset[str]
    foreign: frozenset[Words]
    longest: int

    @classmethod
    def of(cls, fleet: Fleet, scope: Scope) -> Sight:
        servers = visible_vps(fleet, scope)
        if scope is None:
            return cls(scope, servers, frozenset(), frozenset(), frozenset(), 0)
        near = {s.name for id_ in servers for s in fleet.vps[id_].services}
        near |= {
            application.name
            for key, application in fleet.applications.items()
            if key[1:].partition("/")[0] in scope
        }
        others = {
            name
            for spec in fleet.vps.values()
            if spec.id not in servers
            for name in (spec.id, spec.label)
        }
        others |= {
            name
            for tenant in fleet.tenants.values()
            if tenant.id not in scope
            for name in (tenant.id, tenant.label)
        }
        foreign = {_words(name) for name in others} - {()}
        return cls(
            scope,
            servers,
            frozenset(near),
            frozenset(tag for id_ in servers for tag in fleet.vps[id_].tags),
            frozenset(foreign),
            max(map(len, foreign), default=0),
        )

    def sees(self, rule: Rule) -> bool:
        if self.scope is None:
            return True
        scope = rule.scope
        return (
            self.servers.issuperset(scope.vps)
            and self.scope.issuperset(scope.tenant)
            and self.services.issuperset(scope.service)
            and self.tags.issuperset(scope.tags)
            and not any(map(self._names_others, _texts(rule)))
        )

    def _names_others(self, text: str) -> bool:
        words = _words(text)
        return any(
            words[at : at + length] in self.foreign
            for length in range(1, self.longest + 1)
            for at in range(len(words) - length + 1)
        )


def _texts(rule: Rule) -> Words:
    scope = rule.scope
    url = rule.runbook_url or ""
    return (rule.id, rule.name, rule.condition.metric, url, *scope.types, *scope.except_types)


def _words(text: str) -> Words:
    return tuple(_WORD.findall(text.casefold()))
