"""``POST /api/twilio/status``: who may tell what became of an SMS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from models.alerts import AlertRow
from models.notifications import NotificationRow as Row
from services.container import Services
from services.events import AlertChanged, Event
from services.inventory.schema import Contact
from services.notify.channels import Message
from services.notify.channels.sms import Sms
from tests.support import site
from tests.support.notify_words import default_words
from tests.support.twilio_server import NUMBER, SID, TOKEN, Receipt, TwilioServer

NOW = 1_763_634_600.0
PATH = "/api/twilio/status"
FORM = "application/x-www-form-urlencoded"
#: Settings that Twilio and its receipts need.
SET_UP = {
    "public_url": "https://ops.example:8443",
    "twilio_account_sid": SID,
    "twilio_auth_token": TOKEN,
    "twilio_from": NUMBER,
}


class Place:
    """An installation that has sent one SMS."""

    def __init__(self, services: Services, twilio: TwilioServer) -> None:
        self.client: FlaskClient = site.serve(services).test_client(use_cookies=False)
        self.twilio = twilio
        self.services = services
        self.heard: list[Event] = []
        services.bus.subscribe(self.heard.append)
        sms = Sms(
            twilio.account,
            lambda: [Contact(name="Ops", phone="+31600000000")],
            default_words("sms"),
            services.settings.public_address or "https://nowhere.example",
        )
        receipt = sms.send(Message("n1", "a1", "alert.fired", "Ops", {"title": "API down"}))
        alert = AlertRow(
            id="a1", fingerprint="f", rule_id="r", rule_name="R", target="vps-1",
            severity="critical", status="active", title="T", message="", value=1, threshold=1,
            triggered_at=NOW, impact=[],
        )  # fmt: skip
        row = Row(
            id="n1", alert_id="a1", event="alert.fired", channel="sms", recipient="Ops", body={},
            status="sent", reason="accepted", created_at=NOW, provider_id=receipt.provider_id,
        )  # fmt: skip
        with services.database.write() as session:
            session.add(alert)
            session.flush()
            session.add(row)

    def post(self, receipt: Receipt, **headers: str) -> tuple[int, Any]:
        answer = self.client.post(
            receipt.path, data=receipt.form, headers={**receipt.headers, **headers}
        )
        return answer.status_code, answer.get_json(silent=True)

    def status(self) -> str:
        with self.services.database.read() as session:
            return session.get_one(Row, "n1").status


@pytest.fixture
def twilio() -> Iterator[TwilioServer]:
    server = TwilioServer()
    yield server
    server.close()


@pytest.fixture
def place(tmp_path: Path, empty_file: Path, twilio: TwilioServer) -> Iterator[Place]:
    services = site.build(tmp_path, empty_file, **SET_UP)
    yield Place(services, twilio)
    services.database.close()


def test_a_receipt_with_twilios_signature_is_taken(place: Place) -> None:
    assert place.post(place.twilio.receipt(0, "sent"))[0] == 204
    assert (place.status(), place.heard) == ("sent", [])
    assert place.post(place.twilio.receipt(0, "delivered"))[0] == 204
    assert place.status() == "delivered"
    assert place.heard == [AlertChanged("a1", "alert.notified")]
    assert place.post(place.twilio.receipt(0, "sent"))[0] == 204
    assert place.status() == "delivered"
    assert len(place.heard) == 1


def test_what_did_not_arrive_says_why(place: Place) -> None:
    assert place.post(place.twilio.receipt(0, "undelivered", "30005"))[0] == 204
    with place.services.database.read() as session:
        row = session.get_one(Row, "n1")
        assert (row.status, row.reason) == ("failed", "rejected")
        assert "the number is not in use (error 30005)" in row.detail


def test_without_a_signature_it_is_a_strangers(place: Place) -> None:
    right = place.twilio.receipt(0, "delivered")
    status, body = place.post(Receipt(right.path, right.form, {}))
    assert (status, body["errorCode"]) == (401, "AUTHENTICATION_REQUIRED")
    assert place.status() == "sent"


def test_only_what_was_signed_counts(place: Place) -> None:
    right = place.twilio.receipt(0, "delivered")
    forged = [
        place.twilio.receipt(0, "delivered", token="of somebody else"),
        Receipt(right.path, {**right.form, "MessageStatus": "failed"}, right.headers),
        Receipt(right.path, {**right.form, "More": "x"}, right.headers),
        Receipt(f"{PATH}?notification=n2", right.form, right.headers),
        Receipt(right.path, right.form, {"X-Twilio-Signature": ""}),
        Receipt(right.path, right.form, {"X-Twilio-Signature": "ü"}),
    ]
    for receipt in forged:
        status, body = place.post(receipt)
        assert (status, body["errorCode"]) == (403, "INSUFFICIENT_PERMISSIONS")
    assert place.status() == "sent"


def test_no_header_changes_which_address_was_signed(place: Place) -> None:
    receipt = place.twilio.receipt(0, "delivered")
    status, _ = place.post(receipt, **{"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert status == 204


def test_the_signature_opens_nothing_else(place: Place) -> None:
    headers = place.twilio.receipt(0, "delivered").headers
    for method, path in (
        ("GET", PATH), ("PUT", PATH), ("POST", f"{PATH}/"), ("POST", f"{PATH}/x"),
        ("POST", "/api/twilio"), ("GET", "/api/admin/alerts"), ("POST", "/API/TWILIO/STATUS"),
    ):  # fmt: skip
        answer = place.client.open(path, method=method, headers=headers)
        assert answer.status_code in (401, 405), (method, path)


def test_what_is_odd_is_no_fault_of_ours(place: Place) -> None:
    right = place.twilio.receipt(0, "delivered")
    for path, data, kind in (
        (right.path, b"\xff\xfe=%00", FORM),
        (right.path, b"{}", "application/json"),
        (f"{PATH}?x=1", b"", "text/plain"),
        (f"{PATH}?notification=%00", b"", "text/plain"),
        (f"{PATH}?notification=%ff%5B", b"a=" + b"b" * 600_000, FORM),
    ):  # fmt: skip
        answer = place.client.post(path, data=data, headers=right.headers, content_type=kind)
        assert answer.status_code in (400, 403, 413), (path, answer.status_code)


@pytest.mark.parametrize("missing", [["public_url"], list(SET_UP)])
def test_where_it_is_not_set_up_there_is_nothing(
    tmp_path: Path, empty_file: Path, twilio: TwilioServer, missing: list[str]
) -> None:
    given = {name: value for name, value in SET_UP.items() if name not in missing}
    services = site.build(tmp_path, empty_file, **given)
    place = Place(services, twilio)
    status, body = place.post(twilio.receipt(0, "delivered"))
    services.database.close()
    assert (status, body["errorCode"]) == (404, "NOT_FOUND")
    assert "PUBLIC_URL" in body["error"]
