"""The channel sms against a server that speaks Twilio's API, and its receipts in the outbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from models.alerts import AlertRow
from models.database import Database
from models.notifications import NotificationRow as Row
from services.doctor import around
from services.inventory.schema import Contact
from services.notify.channels import DeliveryError, Message, receipts
from services.notify.channels.segments import MOST, fitted, is_gsm, segments
from services.notify.channels.sms import Sms
from services.notify.outbound import LIMIT
from services.notify.templates.parts import Rendered
from services.settings import Settings
from tests.support.notify_words import default_words
from tests.support.twilio_server import NUMBER, SID, TwilioServer
from tests.support.web import Answer

NOW = 1_763_634_600.0
OPS = Contact(name="Ops", phone="+31 6 1234 5678")
BODY: dict[str, Any] = {
    "severity": "critical",
    "title": "postgres on vps-1 is unhealthy",
    "message": "Connection refused, for at least 1 min.",
    "firedAt": "2025-11-20T10:30:00Z",
    "impact": {"tenants": ["acme", "globex"]},
}


def message(event: str = "alert.fired", recipient: str = "Ops", **body: Any) -> Message:
    return Message("0" * 32, "a1", event, recipient, {**BODY, **body})


@pytest.fixture
def twilio() -> Iterator[TwilioServer]:
    server = TwilioServer()
    yield server
    server.close()


def channel(
    twilio: TwilioServer,
    contact: Contact = OPS,
    address: str | None = "https://ops.example/hd",
    limit: float = LIMIT,
    **account: str,
) -> Sms:
    ours = replace(twilio.account, **account)
    words = default_words("sms")
    return Sms(ours, lambda: [contact], words, address, limit=limit, clock=lambda: NOW)


def failure(sms: Sms, sent: Message | None = None) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        sms.send(sent or message())
    return caught.value


def test_an_sms_says_the_most_important_first(twilio: TwilioServer) -> None:
    receipt = channel(twilio).send(message())
    (taken,) = twilio.taken
    assert receipt.provider_id == taken.sid
    assert (taken.form["To"], taken.form["From"]) == ("+31612345678", NUMBER)
    assert taken.form["Body"] == (
        "CRITICAL: postgres on vps-1 is unhealthy since 10:30 UTC. Hurts acme and globex. "
        "Connection refused, for at least 1 min."
    )
    assert taken.form["StatusCallback"] == (
        f"https://ops.example/hd/api/twilio/status?notification={'0' * 32}"
    )


def test_without_an_address_of_ours_there_are_no_receipts(twilio: TwilioServer) -> None:
    channel(twilio, address=None).send(message())
    assert "StatusCallback" not in twilio.taken[0].form


def test_a_messaging_service_is_a_sender_too(twilio: TwilioServer) -> None:
    service = f"MG{'1' * 32}"
    channel(twilio, sender=service).send(message())
    assert twilio.taken[0].form["MessagingServiceSid"] == service
    assert "From" not in twilio.taken[0].form


@pytest.mark.parametrize(
    ("title", "gsm"),
    [("x" * 2000, True), ("€" * 2000, True), ("مرحبا " * 300, False), ("🚨" * 500, False)],
)
def test_whatever_is_told_takes_three_segments(twilio: TwilioServer, title: str, gsm: bool) -> None:
    words = Rendered(text=f"{title}\n{title}")
    Sms(twilio.account, lambda: [OPS], lambda _: words).send(message())
    body = twilio.taken[0].form["Body"]
    assert is_gsm(body) is gsm
    assert segments(body) == MOST


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("{" * 80, 1),
        ("{" * 81, 2),
        ("a" * 152 + "{" + "a" * 152, 3),  # the escape does not end a segment
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("я" * 134, 2),
        ("я" * 135, 3),
        ("🚨" * 35, 1),
        ("🚨" * 67, 3),  # 33 pairs fit into 67 places
        ("é" * 160, 1),
        ("ê" * 71, 2),
    ],
)
def test_the_length_of_an_sms(text: str, count: int) -> None:
    assert segments(text) == count


@pytest.mark.parametrize("size", [0, 1, 150, 300, 430, 456, 457, 458, 459, 460, 5000])
def test_what_does_not_fit_is_cut_and_no_link_is_broken(size: int) -> None:
    link = "https://ops.example/hd/health"
    text = fitted(["x" * size, link, "and some evidence"])
    assert segments(text) <= MOST
    assert text.startswith("x" * min(size, 450))
    assert (link in text) == ("https" in text)


def test_plain_typography_keeps_an_sms_short() -> None:
    assert fitted(["“CPU” – 96 %…"]) == '"CPU" - 96 %...'


@pytest.mark.parametrize(
    ("written", "number"),
    [("+31612345678", "+31612345678"), ("0031 6.12-34(5678)", "+31612345678")],
)
def test_a_number_as_people_write_it(twilio: TwilioServer, written: str, number: str) -> None:
    channel(twilio).send(message(recipient=written))
    assert twilio.taken[0].form["To"] == number


@pytest.mark.parametrize("phone", ["0612345678", "ops@example.com", "+0", "+1" * 12])
def test_what_is_no_number(twilio: TwilioServer, phone: str) -> None:
    error = failure(channel(twilio, Contact(name="Ops", phone=phone)))
    assert (error.permanent, error.reason) == (True, "address_invalid")
    assert "+31600000000" in error.message
    assert twilio.web.requests == []


def test_a_contact_that_has_no_number_any_more(twilio: TwilioServer) -> None:
    error = failure(channel(twilio, Contact(name="Ops")))
    assert (error.permanent, error.reason) == (True, "unknown_recipient")


def test_a_wrong_login(twilio: TwilioServer) -> None:
    error = failure(channel(twilio, token="another that is hidden"))
    assert (error.permanent, error.reason) == (True, "rejected")
    assert "TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN" in error.message
    assert "hidden" not in error.message
    assert SID not in error.message


@pytest.mark.parametrize(
    ("status", "code", "permanent", "reason"),
    [
        (400, 21211, True, "address_invalid"),
        (400, 21614, True, "address_invalid"),
        (400, 21610, True, "gone"),
        (400, 21606, True, "rejected"),
        (400, 29999, True, "rejected"),
        (404, 20404, True, "rejected"),
        (429, 20429, False, "throttled"),
        (500, 20500, False, "receiver_error"),
        (503, 20503, False, "receiver_error"),
    ],
)
def test_what_twilio_says_no_to(
    twilio: TwilioServer, status: int, code: int, permanent: bool, reason: str
) -> None:
    twilio.refuse(status, code, "as it says", **{"Retry-After": "77"})
    error = failure(channel(twilio))
    assert (error.permanent, error.reason) == (permanent, reason)
    assert str(code if permanent else status) in error.message
    assert error.retry_after == (None if permanent else 77)
    twilio.refusal = None
    channel(twilio).send(message())


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        (Answer(502, b"<html>bad gateway"), False),
        (Answer(201, b"<html>ok"), False),
        (Answer(302, b"", {"Location": "https://elsewhere.example"}), True),
    ],
)
def test_what_is_not_twilio(twilio: TwilioServer, answer: Answer, permanent: bool) -> None:
    twilio.refusal = answer
    assert failure(channel(twilio)).permanent is permanent


def test_twilio_away_and_slow(twilio: TwilioServer) -> None:
    twilio.web.hang()
    error = failure(channel(twilio, limit=0.5))
    assert (error.permanent, error.reason) == (False, "timeout")
    twilio.web.go_on()
    twilio.web.stop()
    error = failure(channel(twilio))
    assert (error.permanent, error.reason) == (False, "connection_failed")
    twilio.web.start()
    channel(twilio).send(message())


def test_the_words_may_be_those_of_a_template(twilio: TwilioServer) -> None:
    words = Rendered(text="Our own.\n\nWords.", note="as told")
    receipt = Sms(twilio.account, lambda: [OPS], lambda _: words).send(message())
    assert receipt.note == words.note
    assert twilio.taken[0].form["Body"] == "Our own.\nWords."


ARRIVED = ("delivered", "confirmed")
LOST = ("failed", "rejected")


@pytest.mark.parametrize(
    ("before", "sid", "said", "after"),
    [
        ("sent", "SM1", ["delivered"], ARRIVED),
        ("sent", "SM1", ["queued", "sending", "sent"], ("sent", "accepted")),
        ("sent", "SM1", ["delivered", "sent", "queued", "delivered"], ARRIVED),
        ("sent", "SM1", ["undelivered"], LOST),
        ("sent", "SM1", ["failed", "sent"], LOST),
        ("sent", "SM1", ["failed", "delivered"], ARRIVED),
        ("sent", "SM1", ["delivered", "failed"], ARRIVED),
        ("sent", "SM0", ["failed"], ("sent", "accepted")),  # that of an attempt before
        ("sending", None, ["delivered"], ARRIVED),  # faster than the answer with its id
        ("sending", None, ["failed"], LOST),
        ("queued", None, ["delivered"], ARRIVED),  # it was believed lost and is not sent twice
        ("queued", None, ["failed"], ("queued", "accepted")),
        ("undeliverable", None, ["delivered"], ("undeliverable", "accepted")),
        ("sent", "SM1", ["nonsense", ""], ("sent", "accepted")),
    ],
)
def test_receipts_in_any_order(
    database: Database, before: str, sid: str | None, said: list[str], after: tuple[str, str]
) -> None:
    alert = AlertRow(
        id="a1", fingerprint="f", rule_id="r", rule_name="R", target="vps-1", severity="critical",
        status="active", title="T", message="", value=1, threshold=1, triggered_at=NOW, impact=[],
    )  # fmt: skip
    row = Row(
        id="n1", alert_id="a1", event="alert.fired", channel="sms", recipient="Ops", body={},
        status=before, reason="accepted", created_at=NOW, next_attempt_at=NOW, provider_id=sid,
    )  # fmt: skip
    with database.write() as session:
        session.add(alert)
        session.flush()
        session.add(row)
    for status in said:
        with database.write() as session:
            receipts.take(session, "n1", "SM1", status, "30003", NOW + 5)
    with database.read() as session:
        found = session.get_one(Row, "n1")
        assert (found.status, found.reason) == after
        assert ("30003" in found.detail) == (after == LOST)
        assert ("cannot be reached" in found.detail) == (after == LOST)


def test_a_receipt_for_what_is_not_there(database: Database) -> None:
    with database.write() as session:
        assert receipts.take(session, "n9", "SM1", "delivered", "", NOW) is None


def test_the_doctor_asks_for_the_account(twilio: TwilioServer) -> None:
    ours = twilio.account

    def found(token: str, public_url: str | None = None) -> tuple[str, str]:
        given = Settings(
            twilio_account_sid=ours.sid,
            twilio_auth_token=token,
            twilio_from=ours.sender,
            twilio_base_url=ours.base_url,
        )
        (one,) = around.sms(given.model_copy(update={"public_url": public_url}))
        return one.state, one.text

    token = ours.token
    assert found(token, public_url="https://ops.example") == ("ok", "the account is active")
    assert found(token)[0] == "warning"
    assert "PUBLIC_URL" in found(token)[1]
    state, text = found("hidden")
    assert (state, "hidden" in text) == ("broken", False)
    twilio.state = "suspended"
    assert found(token) == ("broken", "the account is suspended")
    assert [one.state for one in around.sms(Settings())] == ["off"]
    assert twilio.taken == []
