"""What people and servers write into alerts, contacts and settings that cannot be sent, or hardly:
each is a clear error on the notification's row, or arrives as it was meant, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from models.database import Database
from models.notifications import NotificationRow as Row
from services.identity.audit import Actor
from services.inventory.schema import Contact, WebhookAddress
from services.notify import outbox
from services.notify.channels import Channel as Way
from services.notify.channels import Words
from services.notify.channels.apprise import Apprise
from services.notify.channels.email import Email
from services.notify.channels.segments import MOST, segments
from services.notify.channels.sms import Sms
from services.notify.channels.webhook import Webhook
from services.notify.desk import NotificationDesk
from services.notify.directory import Directory
from services.notify.templates.parts import Rendered
from services.rule import Channel, NotificationPlan, Rule, Severity
from tests.support.check_peers import Authority
from tests.support.mail_server import FROM, Post
from tests.support.notify_words import default_words
from tests.support.outbox import Installation
from tests.support.twilio_server import TwilioServer
from tests.support.web import Answer, LocalServer

LOOPBACK = (ip_network("127.0.0.0/8"),)
SECRET = SecretStr("whsec_aGVhbHRoZGVjay1pbi1hLXRlc3Qtb2YtaXRzLW93bg==")
BODY: dict[str, Any] = {
    "id": "a1",
    "title": "postgres on vps-1 is unhealthy",
    "message": "Connection refused.",
    "triggeredAt": "2025-11-20T10:30:00Z",
    "impact": {"tenants": []},
}
PEOPLE = (Channel.EMAIL, Channel.SMS, Channel.APPRISE)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class House:
    """An outbox, its channels, and what they lead to. ``contact`` is asked at each sending."""

    def __init__(self, database: Database, post: Post) -> None:
        self.home = Installation(database)
        self.post, self.twilio, self.web = post, TwilioServer(), LocalServer(Answer(204))
        self.contact = Contact(
            name="Ops",
            email="ops@example.com",
            phone="+31600000000",
            webhook=WebhookAddress(url=f"{self.web.url}/hook", secret=SECRET),
            apprise=SecretStr(f"json://127.0.0.1:{self.web.port}/apprise"),
        )
        self.mail_server, self.account = post.settings, self.twilio.account
        self.words: dict[str, Words] = {}

    def channels(self) -> dict[str, Way]:
        def words(name: str) -> Words:
            return self.words.get(name, default_words(name))

        ways: list[Way] = [
            Email(self.mail_server, FROM, lambda: [self.contact], words("email")),
            Sms(self.account, lambda: [self.contact], words("sms")),
            Webhook(lambda: [self.contact], LOOPBACK),
            Apprise(lambda: [self.contact], words("apprise"), LOOPBACK, limit=60),
        ]
        return {way.name: way for way in ways}

    def tell(
        self, *channels: Channel, recipients: tuple[str, ...] = ("Ops",), **body: Any
    ) -> list[Row]:
        """An alert fires; what became of telling it."""
        self.home.alert("a1")
        plan = NotificationPlan(channels=channels, recipients=recipients)
        with self.home.database.write() as session:
            outbox.enqueue(
                session, alert_id="a1", event=outbox.FIRING, body={**BODY, **body}, plan=plan,
                severity=Severity.CRITICAL, people=Directory([self.contact]),
                channels=set(Channel), now=self.home.clock.now,
            )  # fmt: skip
        self.send()
        return self.home.rows()

    def send(self) -> None:
        pipeline = self.home.pipeline(*self.channels().values(), send_limit=60)
        pipeline.sweep()
        assert pipeline.idle(60)
        pipeline.stop()

    def again(self, row: Row) -> Row:
        """The row of the same content sent once more, after something was mended."""
        desk = NotificationDesk(
            self.home.database, self.channels().keys(), lambda *_: True, lambda _: None
        )
        new = desk.resend(row.id, Actor("ops"))
        self.home.clock.now = new.created_at
        self.send()
        (found,) = [one for one in self.home.rows() if one.id == new.id]
        return found

    def close(self) -> None:
        self.home.close()
        self.post.close()
        self.twilio.close()
        self.web.close()


@pytest.fixture
def house(database: Database) -> Iterator[House]:
    found = House(database, Post())
    yield found
    found.close()


def test_a_channel_that_there_is_not_is_refused_with_the_rule(database_url: str) -> None:
    rule = {
        "id": "r", "name": "R", "severity": "critical",
        "condition": {"metric": "cpu", "operator": "greaterThan", "value": 90, "duration": 0},
        "notification": {"channels": ["fax"]},
    }  # fmt: skip
    with pytest.raises(ValidationError, match="channels"):
        Rule.model_validate(rule)


@pytest.mark.parametrize(
    ("channel", "recipient", "status", "reason", "said"),
    [
        (Channel.SMS, "ops@nowhere.example", "undeliverable", "unknown_recipient", "Add a contact"),
        (Channel.EMAIL, "0612345678", "undeliverable", "unknown_recipient", "an e-mail address"),
        (Channel.WEBHOOK, "https://x.example/", "undeliverable", "unknown_recipient", "webhook"),
        (Channel.EMAIL, "a@b@c", "undeliverable", "unknown_recipient", "'a@b@c'"),
        (Channel.EMAIL, "ops@-", "sent", "accepted", ""),
        (Channel.SMS, "0612345678", "failed", "address_invalid", "write it with its country"),
        (Channel.APPRISE, "nobody-has-this://x", "failed", "address_invalid", "no service URL"),
    ],
)
def test_a_recipient_that_does_not_fit_its_channel(
    house: House, channel: Channel, recipient: str, status: str, reason: str, said: str
) -> None:
    (row,) = house.tell(channel, recipients=(recipient,))
    assert (row.status, row.reason) == (status, reason)
    assert said in row.detail


def test_a_wrong_password_of_the_mail_server(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    house = House(database, Post("starttls", authority.server(30), login=True))
    try:
        house.mail_server = house.post.settings._replace(password="hidden")
        (row,) = house.tell(Channel.EMAIL)
        assert (row.status, row.reason) == ("failed", "rejected")
        assert "user or password in SMTP_URL is wrong" in row.detail
        assert "hidden" not in row.detail
        house.mail_server = house.post.settings
        assert house.again(row).status == "sent"
        assert house.post.mails[0]["Subject"] == f"CRITICAL: {BODY['title']}"
    finally:
        house.close()


def test_a_number_that_twilio_does_not_know_and_a_wrong_login(house: House) -> None:
    house.twilio.refuse(400, 21211, "The 'To' number is not a valid phone number.")
    (row,) = house.tell(Channel.SMS)
    assert (row.status, row.reason) == ("failed", "address_invalid")
    assert row.detail == "Twilio refuses the message: the number is not valid (error 21211)."
    house.twilio.refusal = None
    house.account = replace(house.account, token="hidden")
    row = house.again(row)
    assert (row.status, row.reason) == ("failed", "rejected")
    assert "TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN" in row.detail
    house.account = house.twilio.account
    assert house.again(row).status == "sent"


def test_what_a_check_answered_by_the_megabyte_is_told(house: House) -> None:
    """People get the beginning of it, machines all."""
    rows = house.tell(*PEOPLE, Channel.WEBHOOK, message="x" * 1_000_000)
    assert {(row.channel, row.status) for row in rows} == {
        (channel, "sent") for channel in (*PEOPLE, Channel.WEBHOOK)
    }
    assert 2_000 < len(house.post.raw[0]) < 20_000
    assert segments(house.twilio.taken[0].form["Body"]) <= MOST
    hook = next(request for request in house.web.requests if request.path == "/hook")
    assert hook.json["message"] == "x" * 1_000_000


def test_a_mail_of_more_than_a_megabyte_is_a_clear_error(house: House) -> None:
    long = Rendered(subject="Long", text="🚨" * 100_000)
    house.words["email"] = lambda _: long
    (row,) = house.tell(Channel.EMAIL)
    assert (row.status, row.reason) == ("failed", "rejected")
    assert "more than 1 MiB is not sent" in row.detail
    del house.words["email"]
    assert house.again(row).status == "sent"


def test_emoji_and_right_to_left_text_arrive_everywhere(house: House) -> None:
    title, seen = "🚨 الخادم معطل", "שגיאה בבסיס הנתונים 🔥"
    rows = house.tell(*PEOPLE, Channel.WEBHOOK, title=title, message=seen)
    assert {row.status for row in rows} == {"sent"}
    (mail,) = house.post.mails
    assert mail["Subject"] == f"CRITICAL: {title}"
    part = mail.get_body(("html",))
    assert part is not None
    assert 'dir="auto"' in part.get_content()
    assert seen in part.get_content()
    assert title in house.twilio.taken[0].form["Body"]
    heard = {request.path: request.json for request in house.web.requests}
    assert heard["/apprise"]["title"] == f"CRITICAL: {title}"
    assert (heard["/hook"]["title"], heard["/hook"]["message"]) == (title, seen)


@pytest.mark.parametrize("line_break", ["\r\n", "\n", "\r", "\u2028", "\x00\r\n"])
def test_a_title_cannot_add_a_header(house: House, line_break: str) -> None:
    title = f"down{line_break}Bcc: all@example.com{line_break}{line_break}Body"
    rows = house.tell(*PEOPLE, Channel.WEBHOOK, title=title)
    assert {row.status for row in rows} == {"sent"}
    (mail,) = house.post.mails
    assert (mail["Bcc"], mail["To"]) == (None, "ops@example.com")
    assert mail["Subject"].startswith("CRITICAL: down")
    assert "Bcc: all@example.com" in mail["Subject"]
    assert house.post.recipients == [["ops@example.com"]]
    assert not any("bcc" in request.headers for request in house.web.requests)


@pytest.mark.parametrize(
    "address", ["ops@example.com\r\nRCPT TO:<x@example.com>", "ops@example.com, x@example.com"]
)
def test_an_address_cannot_add_a_recipient(house: House, address: str) -> None:
    house.contact = house.contact.model_copy(update={"email": address})
    (row,) = house.tell(Channel.EMAIL)
    assert (row.status, row.reason) == ("failed", "address_invalid")
    assert "is no e-mail address" in row.detail
    assert row.detail.isprintable()
    assert house.post.raw == []
