"""Notifications sent again and tried out, between the outbox and the channels of a test."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from models.database import Database
from services.errors import ValidationError
from services.events import AlertChanged, Event, NotificationsQueued
from services.identity.audit import Actor
from services.inventory.people import Contact, Group, Rotation
from services.notify.channels import Message
from services.notify.desk import NotificationDesk
from services.notify.directory import Directory
from services.notify.trial import MOST, Trials, Tried
from services.rule import Severity
from tests.support.outbox import MAIL, OPS, PERMANENT, TEMPORARY, Installation, Recorder

ALICE = Actor("alice")
BOSS = Contact(name="Boss", email="boss@example.com")
PHONE = Contact(name="Phone", phone="+31600000001")


@pytest.fixture
def home(database: Database) -> Iterator[Installation]:
    installation = Installation(database)
    yield installation
    installation.close()


def desk(home: Installation, heard: list[Event] | None = None) -> NotificationDesk:
    publish = (lambda _: None) if heard is None else heard.append
    return NotificationDesk(
        home.database, {"email", "webhook"}, lambda *_: True, publish, home.clock
    )


def trials(home: Installation, *channels: Recorder, people: Directory, limit: float = 20) -> Trials:
    known = {channel.name: channel for channel in channels}
    return Trials(home.database, known, lambda: people, lambda _: (), home.clock, limit)


def test_what_is_sent_again_waits_for_nothing_and_uses_up_nothing(home: Installation) -> None:
    """Its recipient has had all that an hour may have, and more of the same alert waits."""
    mail, heard = Recorder("email"), list[Event]()
    pipeline = home.pipeline(mail, limits={"email": 2})
    for number in range(4):
        home.fire(f"a{number}", MAIL, severity=Severity.WARNING, channels={"email"})
        pipeline.wake()
        assert pipeline.idle(20)
        home.clock.now += 31
    assert len(mail.sent) == 2
    home.resolve("a0")
    (first, *_) = home.rows()
    again = desk(home, heard).resend(first.id, ALICE)
    pipeline.wake()
    assert pipeline.idle(20)
    assert mail.sent[2:] == [Message(again.id, "a0", "alert.fired", "Ops", first.body)]
    assert heard == [NotificationsQueued(), AlertChanged("a0", "alert.notified")]
    # The hour ends as it would have: what waited comes in one message.
    home.clock.now += 3600
    pipeline.sweep()
    assert pipeline.idle(20)
    assert [message.event for message in mail.sent[3:]] == ["alert.digest"]
    row = next(row for row in home.rows() if row.id == again.id)
    assert (row.status, row.resent_from, row.resent_by) == ("sent", first.id, "alice")


def test_one_of_a_digest_is_sent_again_by_itself(home: Installation) -> None:
    mail = Recorder("email")
    pipeline = home.pipeline(mail)
    for number in range(3):
        home.fire(f"a{number}", MAIL, vps="vps-1", channels={"email"})
        pipeline.wake()
        assert pipeline.idle(20)
    home.clock.now += 31
    pipeline.sweep()
    assert pipeline.idle(20)
    assert mail.events() == ["alert.fired", "alert.digest"]
    last = next(row for row in home.rows() if row.alert_id == "a2")
    desk(home).resend(last.id, ALICE)
    pipeline.wake()
    assert pipeline.idle(20)
    assert [(m.event, m.alert_id) for m in mail.sent[2:]] == [("alert.fired", "a2")]


def test_who_is_reached_in_the_end_hears_of_the_end(home: Installation) -> None:
    mail = Recorder("email")
    mail.on_send = PERMANENT
    pipeline = home.pipeline(mail)
    home.fire("a1", MAIL, channels={"email"})
    pipeline.wake()
    assert pipeline.idle(20)
    mail.on_send = lambda message: None
    desk(home).resend(home.rows()[0].id, ALICE)
    pipeline.wake()
    assert pipeline.idle(20)
    assert home.resolve("a1") == 1


def test_a_test_for_a_group_reaches_each_of_it(home: Installation) -> None:
    mail = Recorder("email")
    people = Directory([OPS, BOSS, PHONE], [Group(name="Team", members=("Ops", "Boss", "Phone"))])
    found = trials(home, mail, people=people).send("email", "team", ALICE)
    assert {message.recipient for message in mail.sent} == {"Ops", "Boss"}
    told = {one.recipient: (one.ok, one.outcome.status, one.outcome.reason) for one in found}
    assert told == {
        "Ops": (True, "sent", "accepted"),
        "Boss": (True, "sent", "accepted"),
        "Phone": (False, "undeliverable", "no_address"),
    }
    assert {row.event for row in home.rows()} == {"test"}
    assert sorted(row.status for row in home.rows()) == ["sent", "sent", "undeliverable"]


def test_a_test_for_a_rotation_reaches_who_is_on_call(home: Installation) -> None:
    mail = Recorder("email")
    nights = Rotation.model_validate(
        {
            "name": "Nights",
            "members": ["Boss"],
            "handover": {"day": "mon", "time": "09:00"},
            "since": "2025-01-06",
        }
    )
    people = Directory([OPS, BOSS], rotations=[nights])
    (found,) = trials(home, mail, people=people).send("email", "Nights", ALICE)
    assert (found.ok, found.recipient) == (True, "Boss")
    (row,) = home.rows()
    assert row.via == "On call in Nights."


def test_a_test_for_too_many_is_refused(home: Installation) -> None:
    many = [Contact(name=f"c{n}", email=f"c{n}@example.com") for n in range(MOST + 1)]
    everybody = Group(name="All", members=tuple(contact.name for contact in many))
    with pytest.raises(ValidationError, match="21 recipients; a test goes to 20 at most"):
        trials(home, Recorder("email"), people=Directory(many, [everybody])).send(
            "email", "All", ALICE
        )
    assert home.rows() == []


def test_a_test_is_tried_once(home: Installation) -> None:
    mail = Recorder("email")
    mail.on_send = TEMPORARY
    (found,) = trials(home, mail, people=Directory([OPS])).send("email", "Ops", ALICE)
    assert (found.outcome.status, found.outcome.reason) == ("failed", "receiver_error")
    (row,) = home.rows()
    assert (row.status, row.next_attempt_at, row.attempts) == ("failed", None, 1)


def test_a_receiver_that_hangs_is_told_of_in_time(home: Installation) -> None:
    mail, over = Recorder("email"), threading.Event()

    def hang(message: Message) -> None:
        over.wait(60)

    mail.on_send = hang
    (found,) = trials(home, mail, people=Directory([OPS]), limit=0.2).send("email", "Ops", ALICE)
    over.set()
    assert (found.outcome.status, found.outcome.reason) == ("failed", "timeout")
    assert "did not finish within 0.2 s" in found.outcome.detail


def test_no_worker_takes_a_test_that_is_under_way(home: Installation) -> None:
    mail, inside, over = Recorder("email"), threading.Event(), threading.Event()

    def hold(message: Message) -> None:
        inside.set()
        assert over.wait(60)

    mail.on_send = hold
    pipeline = home.pipeline(mail)
    found: list[Tried] = []
    trial = trials(home, mail, people=Directory([OPS]), limit=60)
    thread = threading.Thread(target=lambda: found.extend(trial.send("email", "Ops", ALICE)))
    thread.start()
    assert inside.wait(20)
    pipeline.sweep()
    assert pipeline.idle(20)
    over.set()
    thread.join(20)
    assert found[0].ok
    assert len(mail.tried) == 1
