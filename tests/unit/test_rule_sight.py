"""Which rules a limited caller may know of, and what a rule will not achieve."""

from __future__ import annotations

from typing import Any

import pytest

from services.alerts.rules.defaults import DEFAULT_RULES
from services.alerts.rules.sight import Sight
from services.alerts.rules.warnings import warnings
from services.identity import OnlyServers
from services.inventory.fleet import Fleet
from services.inventory.people import Group, Rotation
from services.inventory.schema import Inventory
from services.notify.directory import Directory
from services.rule import Rule

FLEET = Fleet.build(
    Inventory.model_validate(
        {
            "vps": [
                {
                    "id": "vps-1", "name": "Netherlands 1", "source": {"type": "local"},
                    "tags": ["gold"], "tenants": ["acme"],
                    "services": [{"name": "api", "type": "backend"}],
                },
                {
                    "id": "vps-2", "name": "Big Iron", "tags": ["steel"], "tenants": ["globex"],
                    "services": [{"name": "ledger", "type": "backend"}],
                },
            ],
            "tenants": [
                {"id": "acme", "services": [{"name": "shop", "url": "https://a.example"}]},
                {
                    "id": "globex", "organizationName": "Globex Corp",
                    "services": [{"name": "mint", "url": "https://g.example"}],
                },
            ],
            "contacts": [{"name": "Ops", "email": "ops@x.example"}],
        }
    ),
    "here",
    "cache",
)  # fmt: skip
PEOPLE = Directory(
    tuple(FLEET.contacts.values()),
    [Group(name="Nobody"), Group(name="Desk", members=("Ops", "Left"))],
    [
        Rotation.model_validate(
            {
                "name": name, "handover": {"day": "mon", "time": "09:00"}, "since": "2025-11-24",
                "members": members,
            }
        )
        for name, members in (("Empty", []), ("Primary", ["Ops", "Left"]))
    ],
)  # fmt: skip
ACME = frozenset({"acme"})


def rule(**fields: Any) -> Rule:
    condition = {"metric": "cpu", "operator": "equals", "value": 1}
    return Rule.model_validate(
        {"id": "r", "name": "R", "severity": "info", "condition": condition, **fields}
    )


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({}, True),
        ({"scope": {"vps": ["vps-1"], "tenant": ["acme"], "tags": ["gold"]}}, True),
        ({"scope": {"service": ["api", "shop"]}}, True),
        ({"name": "Iron deficiency"}, True),
        ({"scope": {"vps": ["vps-2"]}}, False),
        ({"scope": {"vps": ["vps-1", "vps-2"]}}, False),
        ({"scope": {"vps": ["vps-3"]}}, False),
        ({"scope": {"tenant": ["acme", "globex"]}}, False),
        ({"scope": {"service": ["ledger"]}}, False),
        ({"scope": {"service": ["mint"]}}, False),
        ({"scope": {"tags": ["steel"]}}, False),
        ({"id": "globex-cpu"}, False),
        ({"id": "cpu-of-vps-2"}, False),
        ({"name": "CPU of GLOBEX"}, False),
        ({"name": "The big-iron is hot"}, False),
        ({"runbookUrl": "https://wiki.example/globex.corp"}, False),
        ({"scope": {"exceptTypes": ["globex"]}}, False),
    ],
)
def test_a_limited_caller_sees_the_rules_that_name_nobody_else(fields, seen):
    assert Sight.of(FLEET, ACME).sees(rule(**fields)) is seen
    assert Sight.of(FLEET, None).sees(rule(**fields))


def test_a_caller_of_some_servers_sees_no_rule_of_a_tenant():
    sight = Sight.of(FLEET, OnlyServers.of(["vps-1"], None))
    assert sight.sees(rule(scope={"vps": ["vps-1"]}))
    assert not sight.sees(rule(scope={"tenant": ["acme"]}))
    assert not sight.sees(rule(scope={"vps": ["vps-2"]}))


def test_the_default_rules_are_for_everybody():
    assert all(map(Sight.of(FLEET, ACME).sees, DEFAULT_RULES))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, []),
        ({"notification": {"channels": ["email"], "recipients": ["Ops", "a@b.example"]}}, []),
        (
            {"notification": {"channels": ["sms"], "recipients": ["a@b.example"]}},
            ["No contact has the name or address 'a@b.example'"],
        ),
        (
            {"escalation": [{"after": 9, "channels": ["sms"], "recipients": ["Ops"]}]},
            ["The contact Ops has not got a phone number"],
        ),
        ({"notification": {"channels": ["inApp", "sms"]}}, ["No contact can be told by its"]),
        ({"notification": {"channels": []}}, ["It has no channels, so nobody is told"]),
        ({"notification": {"channels": ["inApp", "email", "sms"]}}, []),
        (
            {"notification": {"channels": ["email"], "recipients": ["Nobody"]}},
            ["The group Nobody has no members"],
        ),
        (
            {"notification": {"channels": ["email"], "recipients": ["desk"]}},
            ["The group Desk names Left, and there is no such contact"],
        ),
        (
            {"notification": {"channels": ["email"], "recipients": ["Empty"]}},
            ["The rotation Empty has no members, so nobody is on call"],
        ),
        # Although it is Ops who is on call now.
        (
            {"notification": {"channels": ["email"], "recipients": ["Primary"]}},
            ["No contact has the name or address 'Left'"],
        ),
        (
            {"scope": {"vps": ["vps-11"], "tags": ["gold"], "tenant": ["acme", "acne"]}},
            ["There is no server 'vps-11'; did you mean", "no tenant 'acne'; did you mean 'acme'"],
        ),
        ({"scope": {"service": ["shop", "api", "lodger"]}}, ["did you mean 'ledger'?"]),
    ],
)
def test_a_rule_says_what_it_will_not_achieve(fields, said):
    found = warnings(rule(**fields), FLEET, PEOPLE, {"inApp", "email"}, 0.0)
    assert len(found) == len(said)
    for sentence, part in zip(found, said, strict=True):
        assert part in sentence


def test_a_channel_that_is_not_set_up_is_told():
    (said, *_) = warnings(
        rule(notification={"channels": ["email"], "recipients": ["Ops"]}), FLEET, PEOPLE, (), 0.0
    )
    assert "The channel email is not set up" in said


def test_not_more_is_said_than_anybody_reads():
    many = {"channels": ["sms"], "recipients": [f"nobody-{at}" for at in range(500)]}
    assert len(warnings(rule(notification=many), FLEET, PEOPLE, {"sms"}, 0.0)) == 10
