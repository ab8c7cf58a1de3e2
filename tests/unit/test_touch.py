"""Which bodies a change touches, and since when a group was last down together."""

from __future__ import annotations

import pytest

from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.views.facts import last_together
from services.views.touch import Reach

ACME = frozenset({"acme"})
FLEET = Fleet.build(
    Inventory.model_validate(
        {
            "vps": [
                {
                    "id": "vps-1",
                    "services": [
                        {"name": "api", "type": "backend", "dependsOn": ["vps-2/postgres"]}
                    ],
                    "tenants": ["acme"],
                },
                {"id": "vps-2", "services": [{"name": "postgres", "type": "database"}]},
            ],
            "tenants": [{"id": "acme"}],
        }
    ),
    "testhost",
    "cache",
)


@pytest.mark.parametrize(
    ("why", "key", "read", "name", "scope", "touched"),
    [
        ("its own service", "vps-1/api", "vps", "vps-1", None, True),
        ("another server", "vps-1/api", "vps", "vps-2", None, False),
        ("what a service depends on elsewhere", "vps-2/postgres", "vps", "vps-1", None, True),
        ("a part that a service reports", "vps-1/api/database", "vps", "vps-1", None, True),
        ("the server that carries it", "vps-1", "tenant", "acme", None, True),
        ("its application", "@acme/shop", "tenant", "acme", None, True),
        ("a server that carries others", "vps-2", "tenant", "acme", None, False),
        ("everything", "vps-2", "overview", "", None, True),
        ("what a limited caller sees", "vps-1", "overview", "", ACME, True),
        ("what it does not see", "vps-2", "overview", "", ACME, False),
        ("the platform is of no concern to it", "*", "overview", "", ACME, False),
        ("a service", "vps-2/postgres", "dependencies", "backend", None, True),
        ("a machine", "vps-2", "dependencies", "backend", None, False),
    ],
)
def test_touched(why, key, read, name, scope, touched):
    assert Reach(FLEET).of([key], alerts=False).touches(read, name, scope) is touched, why


@pytest.mark.parametrize(
    ("why", "spans", "count", "since"),
    [
        ("never down", [], 2, 5.0),
        ("one of two", [(10, 20)], 2, 5.0),
        ("one after the other", [(10, 20), (20, 30)], 2, 5.0),
        ("together", [(10, 20), (15, 30)], 2, 20),
        ("twice", [(10, 20), (15, 30), (40, 50), (40, 45)], 2, 45),
        ("still", [(10, None), (15, None)], 2, None),
        ("one still", [(10, None), (15, 18)], 2, 18),
        ("nothing to be down", [], 0, 5.0),
    ],
)
def test_last_together(why, spans, count, since):
    assert last_together(spans, count, 5.0) == since, why
