"""Whom a failure reaches, and what it may come from."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from services.health.graph import Graph
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory

FLEET = Fleet.build(
    Inventory.model_validate(
        {
            "vps": [
                {
                    "id": "vps-1",
                    "source": {"type": "local"},
                    "services": [
                        {"name": "api", "type": "backend", "dependsOn": ["postgres"]},
                        {"name": "postgres", "type": "database"},
                        {"name": "web", "type": "frontend", "dependsOn": ["api"]},
                    ],
                    "tenants": ["acme", "initech"],
                },
                {"id": "vps-2", "services": [{"name": "mail", "type": "email"}]},
            ],
            "tenants": [
                {
                    "id": "acme",
                    "services": [
                        {"name": "nexus", "url": "https://acme.example", "runsOn": "vps-1/web"}
                    ],
                },
                {
                    "id": "globex",
                    "services": [
                        {
                            "name": "paylinq",
                            "url": "https://globex.example",
                            "runsOn": "vps-2/mail",
                            "dependsOn": ["vps-1/api"],
                        }
                    ],
                },
                {"id": "initech"},
            ],
        }
    ),
    "testhost",
    "cache",
)


@pytest.mark.parametrize(
    ("why", "target", "tenants"),
    [
        ("a server reaches all that it carries or serves", "vps-1", ("acme", "globex", "initech")),
        ("a database reaches through what depends on it", "vps-1/postgres",
         ("acme", "globex", "initech")),
        ("a frontend reaches who runs on it, and whose applications are not known", "vps-1/web",
         ("acme", "initech")),
        ("a dependency reaches what its service reaches", "vps-1/api/database",
         ("acme", "globex", "initech")),
        ("a service of another server", "vps-2/mail", ("globex",)),
        ("an application reaches its tenant", "@acme/nexus", ("acme",)),
        ("a tenant reaches itself", "@acme", ("acme",)),
    ],
)  # fmt: skip
def test_impact(why, target, tenants):
    assert Graph(FLEET).impact(target) == tenants, why


def fleet_of(services, tenants=()):
    """A fleet of services ``vps/name`` with what each depends on; ``:type`` where that
    is not the name."""
    found: dict[str, list[dict[str, object]]] = {key.partition("/")[0]: [] for key in services}
    for key, needs in services.items():
        vps_id, _, name = key.partition("/")
        name, _, type_ = name.partition(":")
        found[vps_id].append({"name": name, "type": type_ or name, "dependsOn": list(needs)})
    vps = [{"id": vps_id, "services": parts} for vps_id, parts in found.items()]
    return Fleet.build(
        Inventory.model_validate({"vps": vps, "tenants": list(tenants)}), "testhost", "cache"
    )


def tenant(id_, **applications):
    return {
        "id": id_,
        "services": [
            {"name": name, "url": f"https://{name}.example", "runsOn": runs_on, "dependsOn": needs}
            for name, (runs_on, *needs) in applications.items()
        ],
    }


CHAIN = fleet_of(
    {
        "vps-1/web": ["api"],
        "vps-1/api": ["vps-2/main", "redis", "vps-3/spare"],
        "vps-1/redis": [],
        "vps-2/main:postgres": ["vps-3/disks"],
        "vps-3/disks": [],
        "vps-3/spare:database": [],
    },
    [
        tenant("acme", shop=("vps-1/web", "vps-3/disks")),
        tenant("initech", shop=("vps-1/redis",), mail=("vps-1/api",)),
        tenant("globex", shop=("vps-1/web",), blog=("vps-3/disks",)),
        tenant("hooli"),
    ],
)


@pytest.mark.parametrize(
    ("why", "target", "vps", "services"),
    [
        ("a server rests on nothing", "vps-1", "", ""),
        ("nor does the platform", "*", "", ""),
        ("a service without dependencies: on its server", "vps-1/redis", "vps-1", ""),
        ("a chain over servers, roots first; its own server first", "vps-2/main",
         "vps-2 vps-3", "vps-3/disks"),
        ("all that is needed by what is needed", "vps-1/web", "vps-1 vps-3 vps-2",
         "vps-3/disks vps-2/main vps-1/redis vps-3/spare vps-1/api"),
        ("a part: the dependency of its name", "vps-1/api/redis", "vps-1", "vps-1/redis"),
        ("a part: not the service that reports it, but those of its type", "vps-1/api/database",
         "vps-1 vps-3 vps-2", "vps-3/disks vps-2/main vps-3/spare"),
        ("a part of which nothing is known", "vps-1/api/queue", "vps-1", ""),
        ("a part of a service that is gone", "vps-1/gone/queue", "vps-1", ""),
        ("an application: where it runs and what it needs", "@acme/shop", "vps-1 vps-3 vps-2",
         "vps-3/disks vps-2/main vps-1/redis vps-3/spare vps-1/api vps-1/web"),
        ("a tenant: what all its applications share", "@initech", "vps-1", "vps-1/redis"),
        ("a tenant of two places", "@globex", "vps-3", "vps-3/disks"),
        ("a tenant without applications", "@hooli", "", ""),
        ("a tenant that is gone", "@gone", "", ""),
        ("a target of a server that is gone", "vps-9/api", "", ""),
        ("Healthdeck's own parts", "healthdeck/healthdeck-database", "", ""),
    ],
)  # fmt: skip
def test_upstream(why, target, vps, services):
    found = Graph(CHAIN).upstream(target)
    assert set(found.vps) == set(vps.split()), why
    assert set(found.services) == set(services.split()), why
    assert found.vps[:1] == tuple(vps.split()[:1]), f"{why}: its own server comes first"
    if services:
        order = found.services.index
        assert all(order(a) < order(b) for a, b in ORDER if {a, b} <= set(found.services)), why


ORDER = [
    ("vps-3/disks", "vps-2/main"), ("vps-2/main", "vps-1/api"), ("vps-1/api", "vps-1/web"),
    ("vps-1/redis", "vps-1/api"),
]  # fmt: skip


def circle(fleet, **needs):
    """A fleet with a circle, which no inventory passes."""
    services = {
        f"vps-1/{name}": fleet.services[f"vps-1/{name}"].model_copy(update={"depends_on": below})
        for name, below in needs.items()
    }
    return replace(fleet, services=fleet.services | services)


def test_services_in_a_circle_are_roots_of_their_own():
    fleet = fleet_of({"vps-1/a": [], "vps-1/b": [], "vps-1/c": [], "vps-1/d": []})
    graph = Graph(circle(fleet, a=("b",), b=("a", "c"), d=("a",)))
    assert graph.upstream("vps-1/a").services == ("vps-1/c",)
    assert graph.upstream("vps-1/b").services == ("vps-1/c",)
    assert set(graph.upstream("vps-1/d").services) == {"vps-1/a", "vps-1/b", "vps-1/c"}


def test_a_chain_longer_than_the_stack():
    names = [f"s{n}" for n in range(3000)]
    fleet = fleet_of({f"vps-1/{one}": [] for one in names})
    pairs = pairwise(names)
    graph = Graph(circle(fleet, **{one: (below,) for one, below in pairs}))
    assert len(graph.upstream("vps-1/s0").services) == 2999
