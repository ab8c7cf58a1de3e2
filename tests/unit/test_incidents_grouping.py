"""Which alerts are one incident: cases of the documented rule."""

from __future__ import annotations

import pytest

from services.health.graph import Graph
from services.insights.incidents_grouping import WINDOW, Group, Grouping, Member, Places
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory

INVENTORY = {
    "vps": [
        {
            "id": "vps-1",
            "services": [
                {"name": "api", "type": "backend", "dependsOn": ["vps-2/postgres"]},
                {"name": "web", "type": "frontend"},
            ],
        },
        {"id": "vps-2", "services": [{"name": "postgres", "type": "database"}]},
        {"id": "vps-3", "services": [{"name": "mail", "type": "smtp"}]},
    ],
    "tenants": [
        {
            "id": "acme",
            "services": [{"name": "shop", "url": "https://a.example", "runsOn": "vps-1/web"}],
        }
    ],
}
FLEET = Fleet.build(Inventory.model_validate(INVENTORY), "monitor", "cache")
PLACES = Places(Graph(FLEET))
LONG = WINDOW + 1

#: target, cause, when it fired, when it ended
Alert = tuple[str, str | None, float, float | None]


def grouped(*alerts: Alert) -> list[tuple[str, list[int]]]:
    """The root of each incident, with the places of its alerts in the list."""
    grouping, groups = Grouping(PLACES, []), dict[str, Group]()
    for number, (target, cause, fired, ended) in enumerate(alerts):
        member = Member(f"{number}", target, cause, f"{target} fails", "critical", fired, ended)
        group, others = grouping.place(member)
        groups[group.id] = group
        for other in others:
            del groups[other.id]
    return [(one.root, [int(member.id) for member in one.members]) for one in groups.values()]


@pytest.mark.parametrize(
    ("why", "alerts", "found"),
    [
        ("one alert", [("vps-1", None, 0, 9)], [("vps-1", [0])]),
        ("other places", [("vps-1", None, 0, 9), ("vps-3", None, 1, 9)],
         [("vps-1", [0]), ("vps-3", [1])]),
        ("one server", [("vps-1/web", None, 0, 9), ("vps-1/api", None, 60, 90)],
         [("vps-1/web", [0, 1])]),
        ("one server, much later", [("vps-1/web", None, 0, None), ("vps-1/api", None, LONG, None)],
         [("vps-1/web", [0]), ("vps-1/api", [1])]),
        ("a server after its service", [("vps-1/web", None, 0, 99), ("vps-1", None, 60, 99)],
         [("vps-1", [0, 1])]),
        ("what an application runs on", [("@acme/shop", None, 0, 99), ("vps-1/web", None, 9, 99)],
         [("vps-1/web", [0, 1])]),
        ("the dependency after the dependent",
         [("vps-1/api", None, 0, 99), ("vps-2/postgres", None, 30, 99)],
         [("vps-2/postgres", [0, 1])]),
        ("one cause, long after the beginning",
         [("vps-1/api", "vps-2", 0, None), ("vps-2/postgres", "vps-2", 9999, None)],
         [("vps-2", [0, 1])]),
        ("a cause's own alert comes last",
         [("vps-1/api", "vps-2/postgres", 0, None), ("vps-2/postgres", None, 4000, None)],
         [("vps-2/postgres", [0, 1])]),
        ("the cause's alert was first",
         [("vps-2", None, 0, None), ("vps-1/api", "vps-2", 4000, None)], [("vps-2", [0, 1])]),
        ("shortly after the end", [("vps-1", None, 0, 99), ("vps-1", None, 99 + WINDOW, 999)],
         [("vps-1", [0, 1])]),
        ("long after the end", [("vps-1", None, 0, 99), ("vps-1", None, 100 + WINDOW, 999)],
         [("vps-1", [0]), ("vps-1", [1])]),
        ("what makes two of them one",
         [("vps-1/web", None, 0, 999), ("vps-2/postgres", None, 5, 999),
          ("vps-1/api", None, 9, 999)],
         [("vps-1/web", [0, 2, 1])]),
        ("everything", [("*", None, 0, 99), ("vps-1", None, 1, 99)], [("*", [0]), ("vps-1", [1])]),
    ],
)  # fmt: skip
def test_alerts_are_one_incident(
    why: str, alerts: list[Alert], found: list[tuple[str, list[int]]]
) -> None:
    assert grouped(*alerts) == found, why


def test_what_ended_long_ago_is_not_looked_at_again() -> None:
    grouping = Grouping(PLACES, [])
    for hour in range(500):
        at = hour * 3600.0
        grouping.place(Member(f"{hour}", "vps-1", None, "x", "info", at, at + 60))
    assert len(grouping._groups) == 1
