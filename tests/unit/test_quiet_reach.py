"""What callers may name in maintenance and silences, and what they may see."""

from __future__ import annotations

from typing import Any

import pytest

from services.alerts.quiet.reach import Named, Reach
from services.alerts.quiet.specs import MaintenanceScope, SilenceMatcher
from services.errors import HealthdeckError, InsufficientPermissions, NotFound
from services.identity import OnlyServers, Scope
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory

ACME: Scope = frozenset({"acme"})
RULES = ("cpu", "disk")
FLEET = Fleet.build(
    Inventory.model_validate(
        {
            "vps": [
                {"id": "vps-1", "tags": ["eu"], "tenants": ["acme"],
                 "services": [{"name": "postgres", "type": "database"}]},
                {"id": "vps-2", "tags": ["us"], "tenants": ["globex"],
                 "services": [{"name": "mongo", "type": "database"}]},
            ],
            "tenants": [
                {"id": "acme", "services": [{"name": "shop", "url": "https://a.example"}]},
                {"id": "globex", "services": [{"name": "store", "url": "https://b.example"}]},
            ],
        }
    ),
    "hub",
    "cache",
)  # fmt: skip


def matcher(field: str, value: Any, operator: str = "equals") -> SilenceMatcher:
    return SilenceMatcher.model_validate({"field": field, "operator": operator, "value": value})


@pytest.mark.parametrize(
    ("word", "scope", "of", "error", "said"),
    [
        ("a server", None, {"vps": ["vps-11"]}, NotFound,
            "There is no VPS 'vps-11'; did you mean 'vps-1'"),
        ("a service", None, {"service": ["postgre"]}, NotFound, "did you mean 'postgres'"),
        ("a service on another server", None, {"service": ["vps-2/postgres"]}, NotFound,
            "There is no service 'vps-2/postgres'"),
        ("a tenant", None, {"tenant": ["acmee"]}, NotFound, "did you mean 'acme'"),
        ("a tag", None, {"tags": ["ue"]}, NotFound, "There is no tag 'ue'"),
        ("limited: everything", ACME, {"everything": True}, InsufficientPermissions,
            "your tenants alone"),
        ("limited: a server", ACME, {"vps": ["vps-1"]}, InsufficientPermissions,
            "your tenants alone"),
        ("limited: somebody else's tenant", ACME, {"tenant": ["globex"]}, NotFound,
            "There is no tenant 'globex'; known: acme"),
        ("limited: a further tenant", ACME, {"tenant": ["acme", "globex"]}, NotFound,
            "There is no tenant 'globex'"),
        ("limited: somebody else's server", ACME, {"tenant": ["acme"], "vps": ["vps-2"]}, NotFound,
            "There is no VPS 'vps-2'; did you mean 'vps-1'"),
        ("limited: somebody else's service", ACME, {"tenant": ["acme"], "service": ["mongo"]},
            NotFound, "There is no service 'mongo'"),
        ("limited: somebody else's tag", ACME, {"tenant": ["acme"], "tags": ["us"]}, NotFound,
            "There is no tag 'us'"),
        ("limited to a server", OnlyServers.of(["vps-1"], None), {"tenant": ["acme"]}, NotFound,
            "There is no tenant 'acme'"),
    ],
)  # fmt: skip
def test_maintenance_that_may_not_be(
    word: str, scope: Scope, of: dict[str, Any], error: type[HealthdeckError], said: str
) -> None:
    reach = Reach(FLEET, scope, RULES)
    with pytest.raises(error) as caught:
        reach.check(Named.by_scope(MaintenanceScope.model_validate(of)))
    assert said in caught.value.message, word
    assert scope is None or not reach.sees(Named.by_scope(MaintenanceScope.model_validate(of)))


@pytest.mark.parametrize(
    ("word", "scope", "matchers", "error", "said"),
    [
        ("a rule", None, [matcher("rule", "cqu")], NotFound, "There is no rule 'cqu'; did you"),
        ("a target", None, [matcher("target", "vps-1/postgrs")], NotFound,
            "There is no target 'vps-1/postgrs'; did you mean 'vps-1/postgres'"),
        ("one of several", None, [matcher("vps", ["vps-1", "vps-9"], "oneOf")], NotFound,
            "There is no VPS 'vps-9'"),
        ("what is left out must be, too", None, [matcher("vps", "vps-9", "notEquals")], NotFound,
            "There is no VPS 'vps-9'"),
        ("limited: any tenant", ACME, [matcher("severity", "info")], InsufficientPermissions,
            "name them as tenant"),
        ("limited: all but somebody", ACME, [matcher("tenant", "acme", "notEquals")],
            InsufficientPermissions, "name them as tenant"),
        ("limited: somebody else", ACME, [matcher("tenant", "globex", "notEquals")], NotFound,
            "There is no tenant 'globex'"),
        ("limited: somebody else's target", ACME,
            [matcher("tenant", "acme"), matcher("target", "vps-2")], NotFound,
            "There is no target 'vps-2'; did you mean 'vps-1'"),
        ("limited: the platform", ACME, [matcher("tenant", "acme"), matcher("target", "*")],
            NotFound, "There is no target '*'"),
    ],
)  # fmt: skip
def test_a_silence_that_may_not_be(
    word: str, scope: Scope, matchers: list[SilenceMatcher], error: type[HealthdeckError], said: str
) -> None:
    reach = Reach(FLEET, scope, RULES)
    with pytest.raises(error) as caught:
        reach.check(Named.by_matchers(matchers))
    assert said in caught.value.message, word
    assert scope is None or not reach.sees(Named.by_matchers(matchers))


@pytest.mark.parametrize(
    ("word", "scope", "of"),
    [
        ("everything", None, {"everything": True}),
        ("a server", None, {"vps": ["vps-1", "vps-2"], "tags": ["eu", "us"]}),
        ("services and applications", None,
            {"service": ["mongo", "vps-1/postgres", "shop", "store"]}),
        ("limited: a tenant", ACME, {"tenant": ["acme"]}),
        ("limited: a tenant's part", ACME, {"tenant": ["acme"], "vps": ["vps-1"], "tags": ["eu"],
            "service": ["postgres", "vps-1/postgres", "shop"]}),
        ("two tenants of two", frozenset({"acme", "globex"}), {"tenant": ["acme", "globex"]}),
    ],
)  # fmt: skip
def test_maintenance_that_may_be(word: str, scope: Scope, of: dict[str, Any]) -> None:
    named = Named.by_scope(MaintenanceScope.model_validate(of))
    Reach(FLEET, scope, RULES).check(named)
    assert Reach(FLEET, scope, RULES).sees(named), word


@pytest.mark.parametrize(
    ("word", "scope", "matchers"),
    [
        ("a rule", None, [matcher("rule", ["cpu", "disk"], "oneOf")]),
        ("the platform", None, [matcher("target", "*")]),
        ("a part of a service", None, [matcher("target", "vps-1/postgres/disk")]),
        ("limited: a tenant", ACME, [matcher("tenant", "acme")]),
        ("limited: of several, one is enough", ACME,
            [matcher("severity", "info"), matcher("tenant", ["acme"], "oneOf")]),
        ("limited: rules are not theirs to know", ACME,
            [matcher("tenant", "acme"), matcher("rule", "any")]),
        ("limited: an application", ACME,
            [matcher("tenant", "acme"), matcher("target", "@acme/shop")]),
    ],
)  # fmt: skip
def test_a_silence_that_may_be(word: str, scope: Scope, matchers: list[SilenceMatcher]) -> None:
    named = Named.by_matchers(matchers)
    Reach(FLEET, scope, RULES).check(named)
    assert Reach(FLEET, scope, RULES).sees(named), word


def test_every_wrong_name_is_told() -> None:
    of = MaintenanceScope(vps=("vps-1", "vps-8"), tags=("x",))
    with pytest.raises(NotFound) as caught:
        Reach(FLEET, None).check(Named.by_scope(of))
    assert [one["field"] for one in caught.value.details] == ["scope.vps", "scope.tags"]


def test_what_is_gone_is_still_seen_by_who_sees_all() -> None:
    named = Named.by_scope(MaintenanceScope(tenant=("acme",), vps=("vps-9",)))
    assert Reach(FLEET, None).sees(named)
    assert not Reach(FLEET, ACME).sees(named)
