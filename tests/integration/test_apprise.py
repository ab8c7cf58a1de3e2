"""The channel apprise against a local receiver."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

import pytest
from pydantic import SecretStr

from services.inventory.schema import Contact
from services.notify.channels import DeliveryError, Message, apprise
from services.notify.channels.apprise import Apprise
from tests.support.mail_server import talking
from tests.support.notify_words import default_words
from tests.support.web import Answer, LocalServer

LOOPBACK = (ip_network("127.0.0.0/8"),)
BODY: dict[str, Any] = {
    "severity": "critical",
    "title": "Grüße 🚨 مرحبا",
    "message": "Connection refused.",
    "impact": {"tenants": []},
}
MESSAGE = Message("n1", "a1", "alert.fired", "Ops", BODY)
WORDS = default_words("apprise")
LIMIT = 60.0  # starting a process takes its time on a busy machine


def channel(url: str, allow: Sequence[Any] = LOOPBACK, limit: float = LIMIT) -> Apprise:
    contact = Contact(name="Ops", apprise=SecretStr(url))
    return Apprise(lambda: [contact], WORDS, allow, limit=limit)


def failure(sender: Apprise, message: Message = MESSAGE) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        sender.send(message)
    return caught.value


def there(receiver: LocalServer) -> str:
    return f"json://127.0.0.1:{receiver.port}/hook"


def test_a_message_arrives(receiver: LocalServer) -> None:
    channel(there(receiver)).send(MESSAGE)
    (request,) = receiver.requests
    assert request.json["title"] == "CRITICAL: Grüße 🚨 مرحبا"
    assert request.json["type"] == "failure"
    assert request.json["message"].splitlines() == [
        "Seen: Connection refused.",
        "On it: nobody yet",
    ]


@pytest.mark.parametrize(
    ("status", "permanent", "reason"),
    [(404, True, "rejected"), (429, False, "throttled"), (500, False, "receiver_error")],
)
def test_what_a_service_says_no_to(
    receiver: LocalServer, status: int, permanent: bool, reason: str
) -> None:
    receiver.answer = Answer(status, b"internal secret")
    error = failure(channel(there(receiver)))
    assert (error.permanent, error.reason) == (permanent, reason)
    assert str(status) in error.message
    assert "secret" not in error.message


def test_special_addresses_are_not_called(receiver: LocalServer) -> None:
    for url in (there(receiver), f"json://localhost:{receiver.port}/"):
        error = failure(channel(url, allow=()))
        assert (error.permanent, error.reason) == (True, "address_refused")
        assert "loopback" in error.message
        assert "WEBHOOK_ALLOW" in error.message
    assert receiver.requests == []


def test_neither_is_a_host_hidden_in_a_parameter() -> None:
    heard: list[bytes] = []
    with talking(lambda connection: heard.append(connection.recv(10))) as server:
        url = (
            f"mailto://u:p@example.com:{server.port}?smtp=127.0.0.1&to=x@example.com&mode=insecure"
        )
        error = failure(channel(url, allow=()))
    assert error.reason == "address_refused"
    assert heard == []


def test_a_redirect_is_not_followed(receiver: LocalServer) -> None:
    receiver.answer = Answer(302, headers={"Location": f"http://127.0.0.1:{receiver.port}/x"})
    failure(channel(f"{there(receiver)}?redirect=yes"))
    assert [request.path for request in receiver.requests] == ["/hook"]


def test_a_service_that_hangs_is_left_in_time(receiver: LocalServer) -> None:
    receiver.hang()
    error = failure(channel(there(receiver), limit=3))
    assert (error.permanent, error.reason) == (False, "timeout")


def test_a_service_that_is_down(receiver: LocalServer) -> None:
    receiver.stop()
    error = failure(channel(there(receiver)))
    assert (error.permanent, error.reason) == (False, "receiver_error")


def test_a_url_that_apprise_does_not_know() -> None:
    error = failure(channel("nobody-has-this://x"))
    assert (error.permanent, error.reason) == (True, "address_invalid")


def test_a_contact_without_a_service_url() -> None:
    error = failure(Apprise(lambda: [Contact(name="Ops")], WORDS))
    assert (error.permanent, error.reason) == (True, "unknown_recipient")


def test_without_the_package_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise, "find_spec", lambda _: None)
    error = failure(channel("json://127.0.0.1/"))
    assert (error.permanent, error.reason) == (True, "channel_unavailable")
    assert "requirements-apprise.txt" in error.message


@pytest.mark.parametrize("url", ["https://hooks.example/x", "slack", "slack://", "a://b c"])
def test_a_contact_is_not_given_what_is_no_service_url(url: str) -> None:
    with pytest.raises(ValueError, match="not a service URL"):
        Contact(name="Ops", apprise=SecretStr(url))


def test_a_service_url_is_a_secret() -> None:
    contact = Contact(name="Ops", apprise=SecretStr("slack://hidden/token/x"))
    assert "hidden" not in repr(contact)
    assert "hidden" not in contact.model_dump_json()
