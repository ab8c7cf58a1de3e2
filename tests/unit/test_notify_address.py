from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from services.inventory.people import Contact, Group, Rotation, WebhookAddress
from services.notify.address import EVERYONE, destinations, webhook_of
from services.notify.directory import Directory
from services.rule import Channel, NotificationPlan

OPS = Contact(
    name="Ops",
    email="ops@example.com",
    phone="+31600000000",
    webhook=WebhookAddress(url="https://hooks.example/Ops", secret=SecretStr("c2VjcmV0")),
)
DESK = Contact(name="Desk", email="desk@example.com")
ALL = frozenset(Channel)
NOW = frozenset({"webhook", "inApp"})

MAIL, SMS, HOOK, BELL, APPRISE = (
    Channel.EMAIL,
    Channel.SMS,
    Channel.WEBHOOK,
    Channel.IN_APP,
    Channel.APPRISE,
)


@pytest.mark.parametrize(
    ("why", "channel", "recipients", "available", "expected"),
    [
        ("by name", HOOK, ["Ops"], NOW, [("Ops", None)]),
        ("whatever the case", HOOK, [" oPS "], NOW, [("Ops", None)]),
        ("by e-mail address", HOOK, ["OPS@example.com"], NOW, [("Ops", None)]),
        ("by phone number", HOOK, ["+31 6 0000-0000"], NOW, [("Ops", None)]),
        ("by URL", HOOK, ["https://hooks.example/ops"], NOW, [("Ops", None)]),
        ("once", HOOK, ["Ops", "ops@example.com", "Ops"], NOW, [("Ops", None)]),
        ("to all who can", HOOK, [], NOW, [("Ops", None)]),
        ("to all by e-mail", MAIL, [], ALL, [("Ops", None), ("Desk", None)]),
        ("to all, not set up", SMS, [], NOW, [("Ops", "channel_unavailable")]),
        ("to all, nobody has one", APPRISE, [], NOW, []),
        ("a contact without a webhook", HOOK, ["desk@example.com"], NOW, [("Desk", "no_address")]),
        ("nobody", HOOK, ["who@example.com"], NOW, [("who@example.com", "unknown_recipient")]),
        ("a URL alone has no secret", HOOK, ["https://x.y/"], NOW,
         [("https://x.y/", "unknown_recipient")]),
        ("an address stands for itself", MAIL, ["who@example.com"], ALL,
         [("who@example.com", None)]),
        ("unless not set up", MAIL, ["who@example.com"], NOW,
         [("who@example.com", "channel_unavailable")]),
        ("a number stands for itself", SMS, ["+31 20 1234567"], ALL, [("+31 20 1234567", None)]),
        ("an address for SMS", SMS, ["ops@example.com"], ALL, [("Ops", None)]),
        ("an unknown address for SMS", SMS, ["who@example.com"], ALL,
         [("who@example.com", "unknown_recipient")]),
        ("a service URL", APPRISE, ["slack://token"], ALL, [("slack://token", None)]),
        ("the bell is for all", BELL, ["Ops", "who"], NOW, [(EVERYONE, None)]),
        ("the bell not set up", BELL, [], {"webhook"}, [(EVERYONE, "channel_unavailable")]),
        ("control characters", HOOK, ["a\x00b"], NOW, [("a?b", "unknown_recipient")]),
        ("very long", HOOK, ["x" * 5000], NOW, [("x" * 320, "unknown_recipient")]),
    ],
)  # fmt: skip
def test_who_is_told(
    why: str, channel: Channel, recipients: list[str], available: Any, expected: Any
) -> None:
    plan = NotificationPlan(channels=(channel,), recipients=tuple(recipients))
    found = destinations(plan, Directory([OPS, DESK]), available, 0.0)
    assert [(d.recipient, d.reason) for d in found] == expected, why
    assert all(bool(d.detail) == (d.reason is not None) for d in found), why


def test_a_detail_says_what_would_be_right() -> None:
    plan = NotificationPlan(channels=(HOOK,), recipients=("Desk", "nobody"))
    lacking, unknown = destinations(plan, Directory([OPS, DESK]), NOW, 0.0)
    assert "Desk has not got a webhook with its URL and secret" in lacking.detail
    assert "No contact has the name or address 'nobody'. Add a contact" in unknown.detail


def test_two_contacts_at_one_address_get_one_message() -> None:
    twin = Contact(name="Night", webhook=OPS.webhook)
    plan = NotificationPlan(channels=(HOOK,))
    assert [d.recipient for d in destinations(plan, Directory([OPS, twin]), NOW, 0.0)] == ["Ops"]


def test_an_address_of_two_contacts_means_both() -> None:
    other = WebhookAddress(url="https://hooks.example/night", secret=SecretStr("c2VjcmV0"))
    night = Contact(name="Night", email="Ops@Example.com", webhook=other)
    plan = NotificationPlan(channels=(HOOK,), recipients=("ops@example.com",))
    assert [d.recipient for d in destinations(plan, Directory([OPS, night]), NOW, 0.0)] == [
        "Ops",
        "Night",
    ]


def test_the_webhook_is_read_when_it_is_needed() -> None:
    assert webhook_of("ops", [DESK, OPS]) == OPS.webhook
    assert webhook_of("Desk", [DESK, OPS]) is None
    assert webhook_of("Ops", []) is None


ANA = Contact(name="Ana", email="ana@example.com", phone="+31600000001")
BOB = Contact(name="Bob", email="bob@example.com")
#: A contact who is called like a group.
DESK_GROUP = Group(name="Desk", members=("Ana",))
PEOPLE = Directory(
    [ANA, BOB, DESK],
    [
        Group(name="Ops", members=("Ana", "Bob", "Left")),
        Group(name="Empty"),
        DESK_GROUP,
        Group(name="ana@example.com", members=("Bob",)),
    ],
    [
        Rotation.model_validate(
            {
                "name": name, "handover": {"day": "mon", "time": "09:00"}, "since": "2025-11-17",
                "members": members,
            }
        )
        for name, members in (("Primary", ["Bob", "Ana"]), ("Lost", ["Left"]), ("Void", []))
    ],
)  # fmt: skip
#: Mon 17 Nov 2025 12:00 UTC, and a week later.
FIRST, SECOND = 1_763_380_800.0, 1_763_380_800.0 + 7 * 86400


@pytest.mark.parametrize(
    ("why", "channel", "recipients", "at", "expected"),
    [
        ("a group's members", MAIL, ["ops"], FIRST,
         [("Ana", None, "Member of Ops."), ("Bob", None, "Member of Ops."),
          ("Ops", "unknown_recipient", "")]),
        ("each who lacks an address", SMS, ["Ops"], FIRST,
         [("Ana", None, "Member of Ops."), ("Bob", "no_address", "Member of Ops."),
          ("Ops", "unknown_recipient", "")]),
        ("who is on call", MAIL, [" PRIMARY "], FIRST, [("Bob", None, "On call in Primary.")]),
        ("at the time", MAIL, ["Primary"], SECOND, [("Ana", None, "On call in Primary.")]),
        ("who lacks an address while on call", SMS, ["Primary"], FIRST,
         [("Bob", "no_address", "On call in Primary.")]),
        ("each address once", MAIL, ["Bob", "Ops", "Primary", "bob@example.com"], FIRST,
         [("Bob", None, ""), ("Ana", None, "Member of Ops."), ("Ops", "unknown_recipient", "")]),
        ("nobody in the group", MAIL, ["Empty"], FIRST, [("Empty", "unknown_recipient", "")]),
        ("nobody in the rotation", MAIL, ["Void"], FIRST, [("Void", "unknown_recipient", "")]),
        ("somebody who left", MAIL, ["Lost"], FIRST, [("Lost", "unknown_recipient", "")]),
        ("a contact's name wins", MAIL, ["desk"], FIRST, [("Desk", None, "")]),
        ("a group's name wins over an address", MAIL, ["ana@example.com"], FIRST,
         [("Bob", None, "Member of ana@example.com.")]),
        ("the bell is for all", BELL, ["Ops", "Primary"], FIRST, [(EVERYONE, None, "")]),
    ],
)  # fmt: skip
def test_who_is_told_through_groups_and_rotations(
    why: str, channel: Channel, recipients: list[str], at: float, expected: Any
) -> None:
    plan = NotificationPlan(channels=(channel,), recipients=tuple(recipients))
    found = destinations(plan, PEOPLE, ALL, at)
    assert [(d.recipient, d.reason, d.via) for d in found] == expected, why


def test_what_a_group_or_a_rotation_lacks_is_said() -> None:
    plan = NotificationPlan(channels=(MAIL,), recipients=("Ops", "Empty", "Void", "Lost"))
    said = [d.detail for d in destinations(plan, PEOPLE, ALL, FIRST) if d.reason]
    assert said == [
        "The group Ops names Left, and there is no such contact.",
        "The group Empty has no members, so nobody is told by it.",
        "The rotation Void has no members, so nobody is on call.",
        "Left is on call in Lost, and there is no such contact.",
    ]


def test_all_that_may_be_meant_at_any_time() -> None:
    assert PEOPLE.ever("primary") == ("Bob", "Ana")
    assert (PEOPLE.ever("Ops"), PEOPLE.ever("void"), PEOPLE.ever("x")) == (
        ("Ops",), ("void",), ("x",),
    )  # fmt: skip
    assert (PEOPLE.zone_of("Ana"), PEOPLE.zone_of("who")) == (None, None)
