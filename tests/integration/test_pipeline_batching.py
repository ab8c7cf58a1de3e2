"""Messages that go together: what people get on real databases, and when."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import delete, update

from models.database import Database
from models.notifications import NotificationRow as Row
from services.notify import batches, claims
from services.notify.channels import Message
from services.notify.retry import Reason, Status
from services.notify.troubles import REFUSALS
from services.rule import Channel, NotificationPlan, Severity
from tests.support.outbox import (
    HOOK,
    LEASE,
    MAIL,
    NOW,
    PERMANENT,
    TEMPORARY,
    Gate,
    Installation,
    Recorder,
)
from tests.support.wait import eventually

ON_MAIL = frozenset({"email"})


@pytest.fixture
def home(database: Database) -> Iterator[Installation]:
    installation = Installation(database)
    yield installation
    installation.close()


def fire(home: Installation, *ids: str, vps: str | None = "vps-1", **more: Any) -> None:
    home.fire(ids, MAIL, vps=vps, channels=ON_MAIL, **more)


def told(channel: Recorder) -> list[list[str]]:
    """The alerts of each message that was taken."""
    return [
        sorted(one["id"] for one in message.body.get("alerts", [message.body]))
        for message in channel.sent
    ]


def pass_time(home: Installation, pipeline: Any, seconds: float) -> None:
    home.clock.now += seconds
    pipeline.sweep()
    assert pipeline.idle(20)


def test_the_first_leaves_at_once_and_what_follows_joins_one_message(home: Installation) -> None:
    mail = Recorder("email")
    pipeline = home.pipeline(mail)
    fire(home, "a1")
    pass_time(home, pipeline, 0)
    assert told(mail) == [["a1"]]
    home.clock.now += 5
    fire(home, "a2", "a3")
    home.resolve("a1", vps="vps-1")
    fire(home, "b1", vps="vps-2")
    pass_time(home, pipeline, 0)
    assert told(mail)[1:] == [["b1"]], "another scope does not wait"
    assert {row.reason for row in home.rows() if row.status == "queued"} == {"batched"}
    pass_time(home, pipeline, 24)
    assert len(mail.sent) == 2, "before the 30 s are over"
    pass_time(home, pipeline, 1)
    assert told(mail)[2:] == [["a1", "a2", "a3"]]
    digest = mail.sent[-1]
    assert (digest.event, digest.alert_id, digest.recipient) == ("alert.digest", None, "Ops")
    assert digest.body["counts"] == {
        "alert.fired": 2, "alert.resolved": 1, "alerts": 3, "cameAndWent": 0,
    }  # fmt: skip
    together = [row for row in home.rows() if row.batch == digest.id]
    assert {(r.status, r.reason, r.attempts, r.sent_at, r.provider_id) for r in together} == {
        ("sent", "batched", 1, NOW + 30, f"p-{digest.id[:8]}")
    }
    assert len(together) == 3
    assert digest.id in {row.id for row in together}
    assert together[0].detail == "One message told of this and 2 more."


def test_a_single_one_that_followed_is_itself(home: Installation) -> None:
    mail = Recorder("email")
    pipeline = home.pipeline(mail)
    fire(home, "a1")
    pass_time(home, pipeline, 0)
    fire(home, "a2")
    pass_time(home, pipeline, 30)
    assert [(m.event, m.alert_id) for m in mail.sent] == [
        ("alert.fired", "a1"), ("alert.fired", "a2"),
    ]  # fmt: skip
    assert [row.reason for row in home.rows()] == ["accepted"] * 2


def test_what_came_and_went_is_told_as_such(home: Installation) -> None:
    mail = Recorder("email")
    pipeline = home.pipeline(mail)
    fire(home, "a1")
    pass_time(home, pipeline, 0)
    fire(home, "a2")
    pass_time(home, pipeline, 5)
    home.resolve("a2", vps="vps-1")
    pass_time(home, pipeline, 25)
    digest = mail.sent[-1]
    assert (digest.event, digest.alert_id) == ("alert.digest", "a2")
    assert digest.body["title"] == "1 alert: 1 came and went"
    assert digest.body["counts"]["cameAndWent"] == 1
    assert {row.status for row in home.rows()} == {"sent"}


@pytest.mark.parametrize("plan", [HOOK, NotificationPlan(channels=(Channel.IN_APP,))])
def test_machines_and_the_dashboard_get_each_by_itself(
    home: Installation, plan: NotificationPlan
) -> None:
    channel = Recorder(plan.channels[0].value)
    pipeline = home.pipeline(channel)
    for number in range(15):
        home.fire(f"a{number}", plan, vps="vps-1")
    pass_time(home, pipeline, 0)
    assert [m.event for m in channel.sent] == ["alert.fired"] * 15


def test_a_digest_sent_again_is_the_same_under_the_same_id(home: Installation) -> None:
    mail = Recorder("email")
    mail.on_send = TEMPORARY
    pipeline = home.pipeline(mail)
    fire(home, "a1", "a2")
    pass_time(home, pipeline, 0)
    pass_time(home, pipeline, 1)
    fire(home, "a3")
    pass_time(home, pipeline, 4)
    mail.on_send = lambda message: None
    pass_time(home, pipeline, 40)
    first, again = [m for m in mail.tried if len(m.body.get("alerts", ())) == 2][:2]
    assert (first.id, first.body) == (again.id, again.body)
    assert sorted(told(mail)) == [["a1", "a2"], ["a3"]]


def test_a_digest_of_a_killed_process_is_sent_again_as_it_was(home: Installation) -> None:
    mail = Recorder("email")
    fire(home, "a1", "a2")
    with home.database.write() as session:
        first = batches.make(session, "email", "Ops", home.clock.now)
        assert first is not None
        lost = claims.take(session, first, "of-the-dead", home.clock.now + LEASE)
    assert lost is not None
    fire(home, "a3")
    home.clock.now += LEASE
    pipeline = home.pipeline(mail)
    pass_time(home, pipeline, 1)
    assert mail.sent[0] == lost.message
    pass_time(home, pipeline, 30)
    assert told(mail) == [["a1", "a2"], ["a3"]]
    assert {row.attempts for row in home.rows() if row.batch == lost.message.id} == {2}


def test_a_digest_that_failed_for_good_silences_what_waits_behind_it(home: Installation) -> None:
    mail = Recorder("email")
    mail.on_send = TEMPORARY
    pipeline = home.pipeline(mail)
    fire(home, "a1", "a2")
    pass_time(home, pipeline, 0)
    home.resolve("a2", vps="vps-1")
    mail.on_send = PERMANENT
    pass_time(home, pipeline, 5)
    assert [(r.event, r.status, r.reason) for r in home.rows()] == [
        ("alert.fired", "failed", "gone"),
        ("alert.fired", "failed", "gone"),
        ("alert.resolved", "suppressed", "never_told"),
    ]


def test_rows_whose_message_lost_its_first_row_go_in_another(home: Installation) -> None:
    mail = Recorder("email")
    fire(home, "a1", "a2", "a3")
    with home.database.write() as session:
        first = batches.make(session, "email", "Ops", home.clock.now)
        assert first is not None
        left = {"a1", "a2", "a3"} - {first.alert_id}
        session.execute(delete(Row).where(Row.id == first.id))
    pipeline = home.pipeline(mail)
    pass_time(home, pipeline, 1)
    assert told(mail) == [sorted(left)]


@pytest.mark.parametrize("lost", [False, True])
def test_a_receipt_that_is_faster_than_the_answer_decides_for_all(
    home: Installation, lost: bool
) -> None:
    """As a provider's callback writes it: for the row that the message has its id from."""
    mail = Recorder("email")
    fire(home, "a1", "a2")
    with home.database.write() as session:
        first = batches.make(session, "email", "Ops", home.clock.now)
        assert first is not None
        claim = claims.take(session, first, "sender", home.clock.now + LEASE)
        assert claim is not None
    with home.database.write() as session:
        receipt = {"status": "delivered", "reason": "confirmed", "claimed_by": None}
        session.execute(update(Row).where(Row.id == first.id).values(**receipt))
    if lost:
        home.clock.now += LEASE
        pipeline = home.pipeline(mail)
        pass_time(home, pipeline, 1)
        pass_time(home, pipeline, 1)
    else:
        with home.database.write() as session:
            outcome = claims.Outcome(Status.SENT, Reason.BATCHED, sent_at=NOW)
            assert not claims.record(session, claim, outcome)
    other = next(row for row in home.rows() if row.id != first.id)
    assert (other.status, other.reason) == (
        ("delivered", "confirmed") if lost else ("sent", "batched")
    )
    assert mail.tried == []


def test_beyond_the_limit_the_rest_waits_and_comes_as_a_digest(home: Installation) -> None:
    mail = Recorder("email")
    pipeline = home.pipeline(mail)
    for number in range(10):
        fire(home, f"a{number}", vps=f"vps-{number}", severity=Severity.WARNING)
        pass_time(home, pipeline, 40)
    assert [len(ids) for ids in told(mail)] == [1] * 10
    late = [f"b{number}" for number in range(30)]
    for number, alert_id in enumerate(late):
        fire(home, alert_id, vps=f"vps-{number}", severity=Severity.WARNING)
    pass_time(home, pipeline, 30)
    assert len(mail.sent) == 10
    waiting = [row for row in home.rows() if row.status == "queued"]
    assert {row.reason for row in waiting} == {"limited"}
    assert waiting[0].detail == (
        "This recipient has had the 10 messages that email may send in an hour; it goes with what "
        "else waits as soon as there is room."
    )
    fire(home, "c", vps="vps-c", severity=Severity.CRITICAL)
    pass_time(home, pipeline, 1)
    assert told(mail)[10:] == [["c"]], "a critical one bypasses the limit"
    assert pipeline.idle(5)
    pass_time(home, pipeline, NOW + 3600 + 80 - 1 - home.clock.now)
    assert len(mail.sent) == 11, "until nine are left of the hour, the critical one included"
    pass_time(home, pipeline, 1)
    assert told(mail)[11:] == [sorted(late)]


def test_receivers_have_limits_of_their_own(home: Installation) -> None:
    text = Recorder("sms")
    pipeline = home.pipeline(text)
    plan = NotificationPlan(channels=(Channel.SMS,), recipients=("Ops", "+31611111111"))
    for number in range(6):
        home.fire(f"a{number}", plan, severity=Severity.INFO, channels={"sms"}, vps=f"vps-{number}")
        pass_time(home, pipeline, 40)
    assert sorted(m.recipient for m in text.sent) == ["+31611111111"] * 5 + ["Ops"] * 5


def test_a_hanging_receiver_does_not_delay_others_on_its_channel(home: Installation) -> None:
    plan = NotificationPlan(channels=(Channel.EMAIL,), recipients=("Ops", "dev@example.com"))
    mail, gate, others = Recorder("email"), Gate(), threading.Event()

    def hang(message: Message) -> None:
        if message.recipient == "Ops":
            gate(message)
        elif sum(m.recipient != "Ops" for m in mail.tried) == 5:
            others.set()

    mail.on_send = hang
    pipeline = home.pipeline(mail, workers=2)
    home.burst([f"a{number}" for number in range(5)], plan)
    pipeline.wake()
    gate.await_entry()
    assert others.wait(10), "the other receiver waits for the hanging one"
    assert sum(m.recipient == "Ops" for m in mail.tried) == 1
    gate.open()
    assert pipeline.idle(20)


def test_who_keeps_refusing_is_marked_and_the_dashboard_says_so(home: Installation) -> None:
    heard: list[tuple[str, str, str | None]] = []
    hook, bell = Recorder(), Recorder("inApp")
    hook.on_send = PERMANENT
    pipeline = home.pipeline(hook, bell, troubled=lambda *trouble: heard.append(trouble))
    for number in range(REFUSALS):
        home.fire(f"a{number}")
    pass_time(home, pipeline, 0)
    text = "10 messages in a row were refused. The latest failure: The receiver answered 503."
    named = f"Ops cannot be reached by webhook: {text}"
    assert eventually(lambda: heard == [("webhook", "Ops", named)], 10, "who refuses is named")
    (notice,) = eventually(lambda: bell.sent, 10, "the dashboard is told")
    assert (notice.event, notice.alert_id, notice.recipient) == (
        "channel.troubled", None, "everyone",
    )  # fmt: skip
    assert notice.body == {
        "title": "Ops cannot be reached by webhook", "message": text, "severity": "warning",
    }  # fmt: skip
    hook.on_send = lambda message: None
    home.fire("b")
    pass_time(home, pipeline, 1)
    assert eventually(lambda: heard[1:] == [("webhook", "Ops", None)], 10, "its end is told")
    assert eventually(lambda: len(bell.sent) == 2, 10, "the dashboard hears of the end")
    assert bell.sent[-1].body["severity"] == "info"


def test_three_pipelines_keep_to_one_limit(home: Installation) -> None:
    """They share the outbox: on PostgreSQL the decisions about a recipient are made in turn."""
    mail = Recorder("email")
    url = home.database.engine.url.render_as_string(False)
    databases = [Database(url) for _ in range(3)]
    try:
        pipelines = [home.pipeline(mail, database=database) for database in databases]
        for number in range(60):
            home.burst([f"a{number}"], MAIL)
            for pipeline in pipelines:
                pipeline.wake()
        assert all(pipeline.idle(30) for pipeline in pipelines)
        assert [len(ids) for ids in told(mail)] == [1] * 5
        for _ in range(3):
            home.clock.now += 30
            for pipeline in pipelines:
                pipeline.sweep()
            assert all(pipeline.idle(30) for pipeline in pipelines)
        assert len(mail.tried) == 6
        assert sorted(id_ for ids in told(mail) for id_ in ids) == sorted(
            f"a{n}" for n in range(60)
        )
    finally:
        home.close()
        for database in databases:
            database.close()


def test_a_row_of_before_the_migration_goes_by_itself(home: Installation) -> None:
    mail = Recorder("email")
    fire(home, "a1", "a2")
    with home.database.write() as session:
        for row in session.query(Row):
            row.scope = None
    pass_time(home, home.pipeline(mail), 0)
    assert sorted(told(mail)) == [["a1"], ["a2"]]


def test_an_error_while_deciding_keeps_nobody_waiting(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = Recorder("email")
    pipeline = home.pipeline(mail)
    assert pipeline.idle(5)
    failed = threading.Event()

    def fail(*_: object) -> Any:
        failed.set()
        raise RuntimeError("on purpose")

    monkeypatch.setattr("services.notify.batches.decide", fail)
    fire(home, "a1")
    pipeline.wake()
    assert failed.wait(10)
    monkeypatch.undo()
    assert not pipeline.idle(0.1)
    pass_time(home, pipeline, 1)
    assert told(mail) == [["a1"]]
