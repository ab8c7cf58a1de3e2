"""Quiet hours and fallback channels: what the outbox holds, releases and sends in another's place,
on real databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from models.database import Database
from models.notifications import NotificationRow as Row
from services.inventory.people import Contact, Group, Rotation
from services.notify import claims, outbox
from services.notify.batches import make
from services.notify.directory import Directory
from services.notify.fallback import Fallbacks
from services.notify.pipeline import Pipeline
from services.notify.retry import GIVE_UP_AFTER, Reason, Status
from services.rule import Channel, NotificationPlan, Severity
from tests.support.outbox import NOW, PERMANENT, TEMPORARY, Installation, Recorder, alert_row

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = datetime(2025, 11, 20, 23, 0, tzinfo=BERLIN).timestamp()
MORNING = datetime(2025, 11, 21, 7, 0, tzinfo=BERLIN).timestamp()
#: Friday 18:00 to Monday 08:00.
WEEKEND = [
    {"from": "18:00", "to": "00:00", "days": ["fri"]},
    {"from": "00:00", "to": "00:00", "days": ["sat", "sun"]},
    {"from": "00:00", "to": "08:00", "days": ["mon"]},
]
ALL = frozenset(Channel)


def ana(**more: Any) -> Contact:
    """Sleeps from ten to seven, where nothing else is said."""
    return Contact.model_validate(
        {
            "name": "Ana", "email": "ana@example.com", "phone": "+31600000001",
            "timeZone": "Europe/Berlin", "quietHours": [{"from": "22:00", "to": "07:00"}], **more,
        }
    )  # fmt: skip


AWAKE = ana(quietHours=[])
WITH_SMS = ana(quietHours=[], fallback={"channel": "sms"})
BY_MAIL = NotificationPlan(channels=(Channel.EMAIL,), recipients=("Ana",))


class House(Installation):
    """An outbox whose people a test may change."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.people = Directory([ana()])
        self.available: frozenset[Any] = ALL
        self._started: list[Pipeline] = []

    def tell(
        self,
        alert_id: str = "a1",
        plan: NotificationPlan = BY_MAIL,
        severity: Severity = Severity.WARNING,
        event: str = outbox.FIRING,
        new: bool = True,
        vps: str = "vps-1",
    ) -> int:
        with self.database.write() as session:
            if new:
                session.add(alert_row(alert_id))
                session.flush()
            return outbox.enqueue(
                session, alert_id=alert_id, event=event, severity=severity, plan=plan,
                body={"id": alert_id, "vpsId": vps, "title": alert_id}, people=self.people,
                channels=self.available, now=self.clock.now,
            )  # fmt: skip

    def sends(self, *channels: Recorder) -> Pipeline:
        fallbacks = Fallbacks(lambda: self.people, [channel.name for channel in channels])
        return self.pipeline(*channels, fallbacks=fallbacks)

    def passes(self, pipeline: Pipeline, seconds: float = 0.0) -> None:
        """Time passes, and everything that is due then is sent."""
        self.clock.now += seconds
        pipeline.sweep()
        assert pipeline.idle(20)

    def seen(self) -> list[tuple[str, str, str, str]]:
        return [(row.channel, row.event, row.status, row.reason) for row in self.rows()]

    def one(self, channel: str = "email", event: str = outbox.FIRING) -> Row:
        (row,) = [r for r in self.rows() if (r.channel, r.event) == (channel, event)]
        return row


@pytest.fixture
def house(database: Database) -> Iterator[House]:
    found = House(database)
    yield found
    found.close()


# Quiet hours


def test_what_can_wait_is_held_and_leaves_in_the_morning_as_one_message(house: House) -> None:
    mail = Recorder("email")
    pipeline = house.sends(mail)
    house.clock.now = NIGHT
    assert house.tell("a1") == 1
    house.clock.now += 600
    assert house.tell("a2", vps="vps-1") == 1
    for row in house.rows():
        assert (row.status, row.reason, row.next_attempt_at) == ("queued", "quiet_hours", MORNING)
        assert row.detail == "Quiet hours of Ana until Fri 21 Nov 07:00 CET; it leaves then."
    house.passes(pipeline, MORNING - NIGHT - 601)
    assert mail.tried == []
    house.passes(pipeline, 1)
    (message,) = mail.sent
    assert (message.event, [one["id"] for one in message.body["alerts"]]) == (
        "alert.digest", ["a1", "a2"],
    )  # fmt: skip
    assert [row.status for row in house.rows()] == ["sent", "sent"]


def test_nobody_hears_of_what_was_over_before_the_morning(house: House) -> None:
    mail = Recorder("email")
    pipeline = house.sends(mail)
    house.clock.now = NIGHT
    house.tell()
    house.tell(event=outbox.ESCALATION, new=False)
    house.clock.now += 3600
    assert house.resolve() == 0
    assert house.seen() == [
        ("email", "alert.fired", "suppressed", "over"),
        ("email", "alert.escalated", "suppressed", "over"),
    ]
    assert house.rows()[0].detail == "It was over before the recipient's quiet hours were."
    house.passes(pipeline, MORNING - NIGHT)
    assert mail.tried == []


def test_who_was_told_before_the_night_hears_of_the_end(house: House) -> None:
    mail = Recorder("email")
    pipeline = house.sends(mail)
    house.clock.now = NIGHT - 2 * 3600
    house.tell()
    house.passes(pipeline)
    house.clock.now = NIGHT
    house.tell(event=outbox.ESCALATION, new=False)
    assert house.resolve() == 1
    house.passes(pipeline, 60)
    assert mail.events() == ["alert.fired", "alert.resolved"]
    assert house.one(event=outbox.ESCALATION).reason == Reason.OVER


def test_machines_the_dashboard_and_critical_alerts_do_not_wait(house: House) -> None:
    hook = {"url": "https://hooks.example/ana", "secret": "c2VjcmV0"}
    house.people = Directory([ana(webhook=hook)])
    house.clock.now = NIGHT
    plan = NotificationPlan(channels=tuple(Channel), recipients=("Ana",))
    house.tell(plan=plan)
    held = {row.channel for row in house.rows() if row.reason == Reason.QUIET_HOURS}
    assert held == {"email", "sms"}
    house.tell("a2", severity=Severity.CRITICAL)
    assert [r.reason for r in house.rows() if r.alert_id == "a2"] == ["new"]
    listed = [{"from": "22:00", "to": "07:00", "severities": ["critical"]}]
    house.people = Directory([ana(quietHours=listed)])
    house.tell("a3", severity=Severity.CRITICAL)
    house.tell("a4", severity=Severity.INFO)
    assert {r.alert_id: r.reason for r in house.rows() if r.alert_id in ("a3", "a4")} == {
        "a3": "quiet_hours", "a4": "new",
    }  # fmt: skip


def test_what_becomes_critical_takes_along_what_was_held_of_it(house: House) -> None:
    mail = Recorder("email")
    pipeline = house.sends(mail)
    house.clock.now = NIGHT
    house.tell()
    house.tell("other")
    house.clock.now += 60
    house.tell(event=outbox.ESCALATION, severity=Severity.CRITICAL, new=False)
    house.passes(pipeline)
    (message,) = mail.sent
    assert message.body["alerts"][0]["events"] == ["alert.fired", "alert.escalated"]
    assert [r.reason for r in house.rows() if r.alert_id == "other"] == ["quiet_hours"]


def test_a_hold_of_days_is_not_given_up(house: House) -> None:
    house.people = Directory([ana(quietHours=WEEKEND)])
    mail = Recorder("email")
    mail.on_send = TEMPORARY
    pipeline = house.sends(mail)
    friday = datetime(2025, 11, 21, 18, 30, tzinfo=BERLIN).timestamp()
    monday = datetime(2025, 11, 24, 8, 0, tzinfo=BERLIN).timestamp()
    house.clock.now = friday
    house.tell()
    assert house.one().next_attempt_at == monday
    for _ in range(3):
        house.passes(pipeline, 20 * 3600)
    assert (mail.tried, house.one().reason) == ([], "quiet_hours")
    house.clock.now = monday
    house.passes(pipeline)
    assert (house.one().status, house.one().reason) == ("queued", "receiver_error")
    house.passes(pipeline, GIVE_UP_AFTER - 60)
    assert house.one().status == "queued"
    mail.on_send = lambda message: None
    house.passes(pipeline, 3600)
    assert mail.events() == ["alert.fired"]


def test_a_channel_that_is_gone_in_the_morning_has_its_day_from_then(house: House) -> None:
    house.people = Directory([ana(quietHours=WEEKEND)])
    house.clock.now = datetime(2025, 11, 21, 18, 30, tzinfo=BERLIN).timestamp()
    house.tell()
    pipeline = house.sends(Recorder("sms"))
    house.clock.now = house.one().next_attempt_at or 0.0
    house.passes(pipeline, GIVE_UP_AFTER - 1)
    assert house.one().status == "queued"
    house.passes(pipeline, 1)
    assert house.one().reason == "channel_unavailable"


# Fallback


def test_what_fails_for_good_goes_by_the_fallback_at_once_and_only_once(house: House) -> None:
    house.people = Directory([WITH_SMS])
    mail, sms = Recorder("email"), Recorder("sms")
    mail.on_send = PERMANENT
    pipeline = house.sends(mail, sms)
    house.tell()
    house.passes(pipeline)
    house.passes(pipeline)
    assert [(m.event, m.recipient) for m in sms.sent] == [("alert.fired", "Ana")]
    assert house.one("sms").said == "Instead of email, which failed: The receiver answered 503."
    assert house.one("sms").body == house.one().body
    with house.database.read() as session:
        found = outbox.told(session, ["a1"])["a1"]
    assert [t.detail for t in found if t.channel == "sms"] == [house.one("sms").said]
    assert house.resolve() == 1, "who was told by the fallback hears of the end there"
    house.passes(pipeline, 60)
    assert sms.events() == ["alert.fired", "alert.resolved"]


def test_a_channel_that_keeps_failing_has_two_minutes(house: House) -> None:
    house.people = Directory([WITH_SMS])
    mail, sms = Recorder("email"), Recorder("sms")
    mail.on_send = TEMPORARY
    pipeline = house.sends(mail, sms)
    house.tell()
    house.passes(pipeline)
    assert house.one("sms").next_attempt_at == NOW + 120
    assert (house.one("sms").status, house.one("sms").reason) == ("queued", "instead")
    for _ in range(11):
        house.passes(pipeline, 10)
    assert sms.tried == []
    house.passes(pipeline, 10)
    assert sms.events() == ["alert.fired"]
    mail.on_send = lambda message: None
    house.passes(pipeline, 300)
    assert mail.events() == ["alert.fired"], "the original went on trying"
    assert len(sms.tried) == 1


def test_a_channel_that_works_in_time_needs_no_fallback(house: House) -> None:
    house.people = Directory([WITH_SMS])
    mail, sms = Recorder("email"), Recorder("sms")
    mail.on_send = TEMPORARY
    pipeline = house.sends(mail, sms)
    house.tell()
    house.passes(pipeline)
    assert house.resolve() == 2, "either channel may be the one that tells"
    mail.on_send = lambda message: None
    house.passes(pipeline, 60)
    house.passes(pipeline, 300)
    assert mail.events() == ["alert.fired", "alert.resolved"]
    assert sms.tried == []
    assert [(r.status, r.reason) for r in house.rows() if r.channel == "sms"] == [
        ("suppressed", "not_needed"),
        ("suppressed", "never_told"),
    ]
    assert house.one("sms").said.endswith("By email it could be told before.")


@pytest.mark.parametrize("how", [PERMANENT, TEMPORARY])
def test_what_was_over_before_the_first_failure_is_told_with_its_end(
    house: House, how: Any
) -> None:
    house.people = Directory([WITH_SMS])
    mail, sms = Recorder("email"), Recorder("sms")
    mail.on_send = how
    house.tell()
    assert house.resolve() == 1
    pipeline = house.sends(mail, sms)
    house.passes(pipeline)
    for _ in range(20):
        house.passes(pipeline, 10)
    assert _told(sms) == ["alert.fired", "alert.resolved"]
    mail.on_send = lambda message: None
    house.passes(pipeline, 600)
    assert _told(sms) == ["alert.fired", "alert.resolved"]


def _told(channel: Recorder) -> list[str]:
    """What was told of one alert, in messages of its own or in digests."""
    many = [message.body.get("alerts") or [{"events": [message.event]}] for message in channel.sent]
    return [event for alerts in many for alert in alerts for event in alert["events"]]


def test_who_has_no_address_or_whose_channel_is_not_set_up_is_told_another_way(
    house: House,
) -> None:
    mute = ana(email=None, quietHours=[], fallback={"channel": "sms"})
    house.people = Directory([mute])
    assert house.tell() == 1
    assert house.seen() == [
        ("email", "alert.fired", "undeliverable", "no_address"),
        ("sms", "alert.fired", "queued", "instead"),
    ]
    assert house.one("sms").via.startswith("Instead of email, which failed: The contact Ana has")
    house.people, house.available = Directory([WITH_SMS]), frozenset({"sms"})
    house.tell("a2")
    assert [r.reason for r in house.rows() if r.alert_id == "a2"] == [
        "channel_unavailable", "instead",
    ]  # fmt: skip
    both = NotificationPlan(channels=(Channel.EMAIL, Channel.SMS), recipients=("Ana",))
    house.tell("a3", plan=both)
    assert [(r.channel, r.reason) for r in house.rows() if r.alert_id == "a3"] == [
        ("email", "channel_unavailable"), ("sms", "new"),
    ]  # fmt: skip


def test_who_is_told_by_the_other_channel_anyway_is_not_told_twice(house: House) -> None:
    house.people = Directory([WITH_SMS])
    mail, sms = Recorder("email"), Recorder("sms")
    mail.on_send = PERMANENT
    pipeline = house.sends(mail, sms)
    house.tell(plan=NotificationPlan(channels=(Channel.EMAIL, Channel.SMS), recipients=("Ana",)))
    house.passes(pipeline)
    assert len(house.rows()) == 2
    assert len(sms.sent) == 1


def test_two_channels_that_fail_have_one_stand_in(house: House) -> None:
    hook = {"url": "https://hooks.example/ana", "secret": "c2VjcmV0"}
    house.people = Directory([ana(quietHours=[], webhook=hook, fallback={"channel": "sms"})])
    mail, web, sms = Recorder("email"), Recorder(), Recorder("sms")
    mail.on_send = web.on_send = TEMPORARY
    pipeline = house.sends(mail, web, sms)
    house.tell(
        plan=NotificationPlan(channels=(Channel.EMAIL, Channel.WEBHOOK), recipients=("Ana",))
    )
    house.passes(pipeline)
    mail.on_send = lambda message: None
    for _ in range(20):
        house.passes(pipeline, 10)
    assert (len(mail.sent), len(sms.sent)) == (1, 1), "the webhook still fails"


def test_a_fallback_that_fails_has_none_itself(house: House) -> None:
    chain = ana(quietHours=[], fallback={"channel": "sms"})
    house.people = Directory([chain])
    mail, sms = Recorder("email"), Recorder("sms")
    mail.on_send = sms.on_send = PERMANENT
    pipeline = house.sends(mail, sms)
    house.tell(plan=NotificationPlan(channels=(Channel.EMAIL,), recipients=("Ana",)))
    house.passes(pipeline)
    house.passes(pipeline)
    assert house.seen() == [
        ("email", "alert.fired", "failed", "gone"),
        ("sms", "alert.fired", "failed", "gone"),
    ]
    assert (len(mail.tried), len(sms.tried)) == (1, 1)


def test_a_fallback_respects_the_quiet_hours(house: House) -> None:
    house.people = Directory([ana(fallback={"channel": "sms"})])
    mail, sms = Recorder("email"), Recorder("sms")
    mail.on_send = TEMPORARY
    pipeline = house.sends(mail, sms)
    house.clock.now = datetime(2025, 11, 20, 21, 59, tzinfo=BERLIN).timestamp()
    house.tell()
    house.passes(pipeline)
    held = house.one("sms")
    assert (held.reason, held.next_attempt_at) == ("quiet_hours", MORNING)
    house.passes(pipeline, 3600)
    assert sms.tried == []


def test_a_kill_between_record_and_send_neither_loses_nor_doubles_the_fallback(
    house: House,
) -> None:
    """A first process records the failure and is gone; a second one has recorded nothing yet."""
    house.people = Directory([WITH_SMS])
    house.tell()
    fallbacks = Fallbacks(lambda: house.people, ["email", "sms"])
    failed = claims.Outcome(Status.FAILED, Reason.GONE, "The receiver answered 410.")
    with house.database.write() as session:
        row = make(session, "email", "Ana", NOW)
        assert row is not None
        claim = claims.take(session, row, "of-the-dead", NOW + 20)
    assert claim is not None
    with pytest.raises(RuntimeError), house.database.write() as session:
        assert claims.record(session, claim, failed)
        fallbacks.follow(session, claim, failed, NOW)
        raise RuntimeError("killed before the commit")
    assert [row.status for row in house.rows()] == ["sending"]
    with house.database.write() as session:
        assert claims.record(session, claim, failed)
        fallbacks.follow(session, claim, failed, NOW)
        fallbacks.follow(session, claim, failed, NOW)
    mail, sms = Recorder("email"), Recorder("sms")
    pipeline = house.sends(mail, sms)
    house.passes(pipeline)
    assert (mail.tried, sms.events()) == ([], ["alert.fired"])
    house.passes(pipeline, 600)
    assert len(sms.tried) == 1


# Through groups and rotations


def test_a_row_says_through_what_and_the_end_goes_to_whoever_was_told(house: House) -> None:
    bob = Contact(name="Bob", email="bob@example.com")
    primary = {
        "name": "Primary", "timeZone": "UTC", "since": "2025-11-17", "members": ["Bob", "Ana"],
        "handover": {"day": "mon", "time": "09:00"},
    }  # fmt: skip
    house.people = Directory(
        [AWAKE, bob],
        [Group(name="Ops", members=("Ana", "Bob"))],
        [Rotation.model_validate(primary)],
    )
    mail = Recorder("email")
    pipeline = house.sends(mail)
    house.tell(plan=NotificationPlan(channels=(Channel.EMAIL,), recipients=("primary",)))
    house.passes(pipeline)
    assert [(r.recipient, r.said) for r in house.rows()] == [("Bob", "On call in Primary.")]
    house.clock.now += 7 * 86400
    house.tell("a2", plan=NotificationPlan(channels=(Channel.EMAIL,), recipients=("Primary",)))
    house.resolve()
    ends = [r.recipient for r in house.rows() if r.event == outbox.RESOLUTION]
    assert ends == ["Bob"], "although Ana is on call by now"
    assert [r.recipient for r in house.rows() if r.alert_id == "a2"] == ["Ana"]
    everybody = ("OPS", "Primary", "bob@example.com")
    house.tell("a3", plan=NotificationPlan(channels=(Channel.EMAIL,), recipients=everybody))
    assert sorted((r.recipient, r.via) for r in house.rows() if r.alert_id == "a3") == [
        ("Ana", "Member of Ops."), ("Bob", "Member of Ops."),
    ]  # fmt: skip
