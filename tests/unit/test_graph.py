"""Whom a failure reaches."""

from __future__ import annotations

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
