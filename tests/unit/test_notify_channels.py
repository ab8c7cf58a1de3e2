from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
import standardwebhooks

from services.events import Bus, Event, InAppMessage
from services.notify.attempt import attempt
from services.notify.channels import DeliveryError, Message, Receipt
from services.notify.channels.in_app import InApp
from services.notify.channels.webhook import judge, seconds_asked, signer
from services.notify.claims import Claim
from services.notify.outbound import Answer
from services.notify.templates.parts import Rendered
from tests.support.notify_words import default_words

AT = datetime(2025, 11, 20, 10, 30, tzinfo=UTC)
BYTES = b"a secret of twenty-four b"


@pytest.mark.parametrize(
    ("secret", "receivers"),
    [
        ("whsec_" + base64.b64encode(BYTES).decode(), "whsec_" + base64.b64encode(BYTES).decode()),
        (base64.b64encode(BYTES).decode(), base64.b64encode(BYTES).decode()),
        (base64.b64encode(BYTES).decode().rstrip("="), base64.b64encode(BYTES).decode()),
        ("correct horse: battery", base64.b64encode(b"correct horse: battery").decode()),
        ("hunter2secret", base64.b64encode(b"hunter2secret").decode()),
        ("geheim-ß", base64.b64encode("geheim-ß".encode()).decode()),
        ("whsec_not-base64", base64.b64encode(b"whsec_not-base64").decode()),
    ],
)
def test_a_receiver_verifies_with_the_secret_or_the_base64_of_it(
    secret: str, receivers: str
) -> None:
    ours = signer(secret).sign("id", AT, "{}")
    assert ours == standardwebhooks.Webhook(receivers).sign("id", AT, "{}")


@pytest.mark.parametrize("secret", ["", "  ", "whsec_", "whsec_=="])
def test_an_empty_secret_is_a_permanent_error(secret: str) -> None:
    with pytest.raises(DeliveryError, match="secret is empty") as caught:
        signer(secret)
    assert caught.value.permanent
    assert caught.value.reason == "signing_key_invalid"


@pytest.mark.parametrize(
    ("status", "permanent", "reason"),
    [
        (301, True, "redirected"),
        (400, True, "rejected"),
        (401, True, "rejected"),
        (404, True, "rejected"),
        (408, False, "timeout"),
        (409, False, "receiver_error"),
        (410, True, "gone"),
        (425, False, "receiver_error"),
        (429, False, "throttled"),
        (500, False, "receiver_error"),
        (503, False, "receiver_error"),
        (999, False, "receiver_error"),
    ],
)
def test_what_an_answer_means(status: int, permanent: bool, reason: str) -> None:
    with pytest.raises(DeliveryError, match=str(status)) as caught:
        judge(Answer(status, "7"), 0)
    error = caught.value
    assert (error.permanent, error.reason, error.retry_after) == (permanent, reason, 7.0)


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_good_answer_is_no_error(status: int) -> None:
    judge(Answer(status, None), 0)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("120", 120.0),
        ("Thu, 20 Nov 2025 10:31:00 GMT", 60.0),
        ("Thu, 20 Nov 2025 10:29:00 GMT", 0.0),
        ("9" * 400, 999_999_999.0),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert seconds_asked(header, AT.timestamp()) == seconds


@pytest.mark.parametrize(
    ("event", "severity", "title", "text"),
    [
        ("alert.fired", "critical", "API down", "no answer"),
        ("alert.resolved", "info", "Resolved: API down", "it answers"),
    ],
)
def test_the_bell_rings_on_the_bus(event: str, severity: str, title: str, text: str) -> None:
    heard: list[Event] = []
    bus = Bus()
    bus.subscribe(heard.append)
    body = {"severity": "critical", "title": "API down", "message": "no answer"}
    ended = {"resolution": "it answers"} if event == "alert.resolved" else {}
    message = Message("n1", "a1", event, "everyone", {**body, **ended})
    receipt = InApp(bus, default_words("inApp"), lambda: 7.0).send(message)
    assert receipt == Receipt(delivered=True)
    assert heard == [InAppMessage("n1", "a1", event, severity, title, text, 7.0)]


@pytest.mark.parametrize("rows", [1, 3])
def test_what_became_of_the_words_is_told_with_the_message(rows: int) -> None:
    words = Rendered(title="API down", text="no answer", note="The template failed.")
    message = Message("n1", "a1", "alert.fired", "everyone", {"severity": "info"})
    claim = Claim("t", "inApp", 1, 0.0, message, ("a1",), ("a1",), rows)
    outcome = attempt(InApp(Bus(), lambda _: words), claim, lambda: 5.0, 0.5, 60)
    assert outcome.status == "delivered"
    together = "" if rows == 1 else "One message told of this and 2 more. "
    assert outcome.detail == f"{together}The template failed."
