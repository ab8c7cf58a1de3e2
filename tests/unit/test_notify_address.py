from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from services.inventory.schema import Contact, WebhookAddress
from services.notify.address import EVERYONE, destinations, webhook_of
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
    found = destinations(plan, [OPS, DESK], available)
    assert [(d.recipient, d.reason) for d in found] == expected, why
    assert all(bool(d.detail) == (d.reason is not None) for d in found), why


def test_a_detail_says_what_would_be_right() -> None:
    plan = NotificationPlan(channels=(HOOK,), recipients=("Desk", "nobody"))
    lacking, unknown = destinations(plan, [OPS, DESK], NOW)
    assert "Desk has not got a webhook with its URL and secret" in lacking.detail
    assert "No contact has the name or address 'nobody'. Add a contact" in unknown.detail


def test_two_contacts_at_one_address_get_one_message() -> None:
    twin = Contact(name="Night", webhook=OPS.webhook)
    plan = NotificationPlan(channels=(HOOK,))
    assert [d.recipient for d in destinations(plan, [OPS, twin], NOW)] == ["Ops"]


def test_an_address_of_two_contacts_means_both() -> None:
    other = WebhookAddress(url="https://hooks.example/night", secret=SecretStr("c2VjcmV0"))
    night = Contact(name="Night", email="Ops@Example.com", webhook=other)
    plan = NotificationPlan(channels=(HOOK,), recipients=("ops@example.com",))
    assert [d.recipient for d in destinations(plan, [OPS, night], NOW)] == ["Ops", "Night"]


def test_the_webhook_is_read_when_it_is_needed() -> None:
    assert webhook_of("ops", [DESK, OPS]) == OPS.webhook
    assert webhook_of("Desk", [DESK, OPS]) is None
    assert webhook_of("Ops", []) is None
