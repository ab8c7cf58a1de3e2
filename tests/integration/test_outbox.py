"""The outbox and its pipeline on real databases."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from models.database import Database
from services.notify import claims, outbox
from services.notify.channels import Message
from services.notify.directory import Directory
from services.notify.retry import GIVE_UP_AFTER, Reason, Status
from services.rule import Channel, NotificationPlan, Severity
from tests.support.outbox import (
    AVAILABLE,
    HOOK,
    LEASE,
    NOW,
    OPS,
    PERMANENT,
    TEMPORARY,
    Gate,
    Installation,
    Recorder,
    failing,
)


@pytest.fixture
def home(database: Database) -> Iterator[Installation]:
    installation = Installation(database)
    yield installation
    installation.close()


# What is written


def test_rows_belong_to_the_transaction_of_the_change(home: Installation) -> None:
    home.alert("a1")
    with home.database.write() as session:
        outbox.enqueue(
            session, alert_id="a1", event="alert.fired", body={}, severity=Severity.INFO,
            plan=HOOK, people=Directory([OPS]), channels=AVAILABLE, now=NOW,
        )  # fmt: skip
        session.rollback()
    assert home.rows() == []


def test_every_recipient_gets_a_row_and_who_cannot_be_told_a_reason(home: Installation) -> None:
    plan = NotificationPlan(
        channels=(Channel.WEBHOOK, Channel.IN_APP, Channel.EMAIL), recipients=("Ops", "nobody")
    )
    assert home.fire(plan=plan) == 2
    with home.database.read() as session:
        found = outbox.told(session, ["a1", "unknown"])
    assert [(t.channel, t.recipient, t.status, t.reason) for t in found["a1"]] == [
        ("email", "Ops", "undeliverable", "channel_unavailable"),
        ("email", "nobody", "undeliverable", "unknown_recipient"),
        ("inApp", "everyone", "queued", "new"),
        ("webhook", "Ops", "queued", "new"),
        ("webhook", "nobody", "undeliverable", "unknown_recipient"),
    ]
    assert found["unknown"] == []
    rows = home.rows()
    assert all(row.body == {"id": "a1", "severity": "critical"} for row in rows)
    assert len({row.id for row in rows}) == 5
    assert all(len(row.id) == 32 and bool(row.detail) == (row.status != "queued") for row in rows)


def test_only_who_was_told_hears_of_the_end(home: Installation) -> None:
    plan = NotificationPlan(channels=(Channel.WEBHOOK, Channel.EMAIL), recipients=("Ops", "nobody"))
    home.fire(plan=plan)
    assert home.resolve() == 1
    with home.database.read() as session:
        of_end = outbox.told(session, ["a1"], event="alert.resolved")["a1"]
        of_all = outbox.told(session, ["a1"], event=None)["a1"]
    assert [(t.channel, t.recipient) for t in of_end] == [("webhook", "Ops")]
    assert Counter(t.event for t in of_all) == {"alert.fired": 4, "alert.resolved": 1}


def test_an_acknowledgement_goes_to_webhooks_alone(home: Installation) -> None:
    home.fire(plan=NotificationPlan(channels=(Channel.WEBHOOK, Channel.IN_APP)))
    assert home.acknowledge() == 1
    assert home.resolve() == 2
    assert [r.channel for r in home.rows() if r.event == "alert.acknowledged"] == ["webhook"]


def test_who_could_not_be_told_of_the_firing_hears_nothing_more(home: Installation) -> None:
    channel = Recorder()
    channel.on_send = PERMANENT
    pipeline = home.pipeline(channel)
    home.fire()
    pipeline.wake()
    assert pipeline.idle(5)
    assert home.states() == [("alert.fired", "failed", "gone")]
    assert (home.acknowledge(), home.resolve()) == (0, 0)


# What is sent


def test_what_is_committed_is_sent_and_recorded(home: Installation) -> None:
    hook, bell = Recorder(), Recorder("inApp", delivered=True)
    pipeline = home.pipeline(hook, bell)
    home.fire(plan=NotificationPlan(channels=(Channel.WEBHOOK, Channel.IN_APP)))
    pipeline.wake()
    assert pipeline.idle(5)
    shown, sent = home.rows()
    assert (shown.status, shown.reason) == ("delivered", "confirmed")
    assert (sent.status, sent.reason, sent.attempts, sent.sent_at) == ("sent", "accepted", 1, NOW)
    assert sent.provider_id == f"p-{sent.id[:8]}"
    assert (sent.claimed_by, sent.lease_until, sent.next_attempt_at) == (None, None, None)
    assert hook.sent == [Message(sent.id, "a1", "alert.fired", "Ops", sent.body)]


def test_what_waited_before_the_start_is_sent_without_a_signal(home: Installation) -> None:
    home.fire()
    channel = Recorder()
    assert home.pipeline(channel).idle(5)
    assert channel.events() == ["alert.fired"]


def test_an_alert_that_ended_while_it_waited_is_told_in_order(home: Installation) -> None:
    channel = Recorder()
    home.fire()
    home.acknowledge()
    home.resolve()
    assert home.pipeline(channel).idle(5)
    assert channel.events() == ["alert.fired", "alert.acknowledged", "alert.resolved"]


def test_the_order_holds_when_the_clock_is_set_back(home: Installation) -> None:
    channel = Recorder()
    home.clock.now += 3600
    home.fire()
    home.clock.now -= 3600
    home.resolve()
    home.clock.now += 7200
    assert home.pipeline(channel).idle(5)
    assert channel.events() == ["alert.fired", "alert.resolved"]


def test_a_resolution_waits_for_a_firing_that_is_tried_again(home: Installation) -> None:
    channel = Recorder()
    channel.on_send = TEMPORARY
    pipeline = home.pipeline(channel)
    home.fire()
    home.resolve()
    pipeline.wake()
    assert pipeline.idle(5)
    assert [m.event for m in channel.tried] == ["alert.fired"]
    channel.on_send = lambda message: None
    home.clock.now += 5
    pipeline.sweep()
    assert pipeline.idle(5)
    assert channel.events() == ["alert.fired", "alert.resolved"]


def test_another_alert_does_not_wait(home: Installation) -> None:
    channel = Recorder()
    channel.on_send = lambda m: TEMPORARY(m) if m.alert_id == "a1" else None
    home.fire("a1")
    home.fire("a2")
    assert home.pipeline(channel).idle(5)
    assert [m.alert_id for m in channel.sent] == ["a2"]


# What goes wrong


def test_retries_keep_the_id_and_end_after_a_day(home: Installation) -> None:
    channel = Recorder()
    channel.on_send = TEMPORARY
    pipeline = home.pipeline(channel)
    home.fire()
    home.resolve()
    pipeline.wake()
    for number, delay in enumerate([5, 10, 20, 40], 1):
        assert pipeline.idle(5)
        row = home.rows()[0]
        assert (row.status, row.reason) == ("queued", "receiver_error")
        assert row.detail == "The receiver answered 503."
        assert row.next_attempt_at == home.clock.now + delay
        home.clock.now += delay - 0.5
        pipeline.sweep()
        assert pipeline.idle(5)
        assert len(channel.tried) == number, "tried before its time"
        home.clock.now += 0.5
        pipeline.sweep()
    assert pipeline.idle(5)
    for moment in (NOW + GIVE_UP_AFTER - 1, NOW + GIVE_UP_AFTER):
        home.clock.now = moment
        pipeline.sweep()
        assert pipeline.idle(5)
    assert [m.event for m in channel.tried] == ["alert.fired"] * 7
    assert len({m.id for m in channel.tried}) == 1
    assert home.rows()[0].attempts == 7
    assert home.states() == [
        ("alert.fired", "failed", "gave_up"),
        ("alert.resolved", "suppressed", "never_told"),
    ]


def test_a_reopened_alert_that_was_told_before_still_ends(home: Installation) -> None:
    """Of two firings one arrived, so the resolution is for somebody who knows."""
    channel = Recorder()
    pipeline = home.pipeline(channel)
    home.fire()
    pipeline.wake()
    assert pipeline.idle(5)
    channel.on_send = lambda m: PERMANENT(m) if m.event == "alert.fired" else None
    home.fire(new=False)
    home.resolve()
    pipeline.wake()
    assert pipeline.idle(5)
    assert channel.events() == ["alert.fired", "alert.resolved"]


def test_a_receiver_that_asks_for_time_gets_it(home: Installation) -> None:
    channel = Recorder()
    channel.on_send = failing(permanent=False, reason=Reason.THROTTLED, retry_after=300.0)
    home.fire()
    assert home.pipeline(channel).idle(5)
    (row,) = home.rows()
    assert (row.reason, row.next_attempt_at) == ("throttled", NOW + 300)


def test_a_channel_that_breaks_is_tried_again_and_its_workers_live(home: Installation) -> None:
    channel = Recorder()

    def broken(message: Message) -> None:
        raise KeyError("secret-token")

    channel.on_send = broken
    pipeline = home.pipeline(channel, workers=1)
    home.fire()
    pipeline.wake()
    assert pipeline.idle(5)
    (row,) = home.rows()
    assert (row.status, row.reason) == ("queued", "internal_error")
    assert "secret-token" not in row.detail
    channel.on_send = lambda message: None
    home.clock.now += 5
    pipeline.sweep()
    assert pipeline.idle(5)
    assert channel.events() == ["alert.fired"]


def test_a_send_that_never_ends_frees_its_worker(home: Installation) -> None:
    channel, gate = Recorder(), Gate()
    channel.on_send = lambda m: gate(m) if m.alert_id == "a1" else None
    pipeline = home.pipeline(channel, workers=1, send_limit=0.1)
    home.fire("a1")
    pipeline.wake()
    assert pipeline.idle(5)
    assert home.states() == [("alert.fired", "queued", "timeout")]
    home.fire("a2")
    pipeline.wake()
    assert pipeline.idle(5)
    assert [m.alert_id for m in channel.sent] == ["a2"]
    gate.open()


def test_a_slow_channel_holds_up_no_other(home: Installation) -> None:
    slow, quick, gate = Recorder(), Recorder("inApp"), Gate()
    slow.on_send = gate
    pipeline = home.pipeline(slow, quick, workers=2)
    for number in range(10):
        home.fire(f"a{number}", NotificationPlan(channels=(Channel.WEBHOOK, Channel.IN_APP)))
    quick_done = threading.Event()
    quick.on_send = lambda m: quick_done.set() if len(quick.tried) == 10 else None
    pipeline.wake()
    gate.await_entry()
    assert quick_done.wait(5), "the other channel stood still"
    assert len(slow.tried) == 1, "two sends at a time to one receiver"
    assert not pipeline.idle(0.05)
    gate.open()
    assert pipeline.idle(10)
    assert len(slow.sent) == 10


def test_what_a_killed_process_was_sending_is_sent_again_under_its_id(home: Installation) -> None:
    channel = Recorder()
    pipeline = home.pipeline(channel)
    claim = home.fire_and_abandon()
    home.clock.now += LEASE - 1
    pipeline.sweep()
    assert pipeline.idle(5)
    assert channel.tried == [], "its lease has not ended"
    home.clock.now += 1
    pipeline.sweep()
    assert pipeline.idle(5)
    assert [m.id for m in channel.sent] == [claim.message.id]
    assert home.rows()[0].attempts == 2


def test_a_result_that_comes_too_late_changes_nothing(home: Installation) -> None:
    pipeline = home.pipeline(Recorder())
    claim = home.fire_and_abandon()
    home.clock.now += LEASE
    pipeline.sweep()
    assert pipeline.idle(5)
    with home.database.write() as session:
        late = claims.Outcome(Status.FAILED, Reason.GONE)
        assert not claims.record(session, claim, late)
    assert home.states() == [("alert.fired", "sent", "accepted")]


def test_the_start_of_a_single_process_waits_for_no_lease(home: Installation) -> None:
    home.fire_and_abandon()
    channel = Recorder()
    assert home.pipeline(channel).idle(5)
    alone = home.database.dialect == "sqlite"
    assert len(channel.sent) == (1 if alone else 0)


def test_a_live_send_is_not_taken_for_a_lost_one(home: Installation) -> None:
    channel, gate = Recorder(), Gate()
    channel.on_send = gate
    pipeline = home.pipeline(channel)
    home.fire()
    pipeline.wake()
    gate.await_entry()
    home.clock.now += LEASE * 2
    pipeline.sweep()
    gate.open()
    assert pipeline.idle(5)
    assert len(channel.tried) == 1
    assert home.states() == [("alert.fired", "sent", "accepted")]


def test_three_pipelines_on_one_database_send_each_row_once(home: Installation) -> None:
    """They start before there is anything to send: on SQLite a start takes back what is being
    sent, because no other process is expected there, and this is about the claims."""
    channel = Recorder()
    databases = [Database(home.database.engine.url.render_as_string(False)) for _ in range(3)]
    try:
        pipelines = [home.pipeline(channel, database=d) for d in databases]
        for number in range(200):
            home.alert(f"a{number}")
        with home.database.write() as session:
            for number in range(200):
                outbox.enqueue(
                    session, alert_id=f"a{number}", event="alert.fired", body={}, plan=HOOK,
                    severity=Severity.CRITICAL, people=Directory([OPS]), channels=AVAILABLE,
                    now=NOW,
                )  # fmt: skip
        for pipeline in pipelines:
            pipeline.wake()
        assert all(pipeline.idle(30) for pipeline in pipelines)
        assert Counter(m.id for m in channel.tried) == {row.id: 1 for row in home.rows()}
        assert [row.status for row in home.rows()] == ["sent"] * 200
    finally:
        home.close()
        for database in databases:
            database.close()


class Unreliable(Database):
    """Fails the next ``failures`` write transactions."""

    failures = 0

    def write(self) -> Any:
        if self.failures > 0:
            self.failures -= 1
            raise OperationalError("BEGIN", {}, Exception("the database is away"))
        return super().write()


@pytest.fixture
def unreliable(home: Installation) -> Iterator[Unreliable]:
    database = Unreliable(home.database.engine.url.render_as_string(False))
    yield database
    home.close()
    database.close()


def test_a_result_is_recorded_when_the_database_is_back(
    home: Installation, unreliable: Unreliable
) -> None:
    channel = Recorder()
    pipeline = home.pipeline(channel, database=unreliable)

    def cut(message: Message) -> None:
        unreliable.failures = 3

    channel.on_send = cut
    home.fire()
    pipeline.wake()
    assert pipeline.idle(10)
    assert home.states() == [("alert.fired", "sent", "accepted")]
    assert len(channel.tried) == 1


def test_a_claim_that_fails_is_made_by_the_next_sweep(
    home: Installation, unreliable: Unreliable
) -> None:
    channel = Recorder()
    pipeline = home.pipeline(channel, database=unreliable, workers=1)
    assert pipeline.idle(5)
    unreliable.failures = 1
    home.fire()
    pipeline.wake()
    assert not pipeline.idle(0.3)
    assert channel.tried == []
    pipeline.sweep()
    assert pipeline.idle(5)
    assert channel.events() == ["alert.fired"]


def test_a_stop_finishes_what_is_under_way_and_begins_nothing(home: Installation) -> None:
    channel, gate = Recorder(), Gate()
    channel.on_send = gate
    pipeline = home.pipeline(channel, workers=1)
    home.fire("a1")
    home.fire("a2")
    pipeline.wake()
    gate.await_entry()
    stopping = threading.Thread(target=pipeline.stop)
    stopping.start()
    gate.open()
    stopping.join(5)
    assert not stopping.is_alive()
    assert sorted(row.status for row in home.rows()) == ["queued", "sent"]
    assert len(channel.tried) == 1


def test_a_message_for_a_channel_that_is_gone_waits_a_day(home: Installation) -> None:
    bell = Recorder("inApp")
    pipeline = home.pipeline(bell)
    home.fire()
    home.clock.now += GIVE_UP_AFTER - 1
    pipeline.sweep()
    assert home.states() == [("alert.fired", "queued", "new")]
    home.clock.now += 1
    pipeline.sweep()
    assert home.states() == [("alert.fired", "failed", "channel_unavailable")]


def test_while_nothing_is_to_be_told_a_sweep_asks_one_question(home: Installation) -> None:
    hook = Recorder()
    pipeline = home.pipeline(hook)
    assert home.fire() == 1
    pipeline.wake()
    assert pipeline.idle(5)
    asked: Counter[bool] = Counter()

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if "notifications" in statement:
            asked[threading.current_thread() is threading.main_thread()] += 1

    event.listen(Engine, "before_cursor_execute", note)
    try:
        for _ in range(10):
            home.clock.now += 1
            pipeline.sweep()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert asked[True] == 10
    assert asked[False] < 10, "the workers are not woken for nothing; they may be on their way"
    home.fire("a2")  # as another process does it: nobody here is woken
    pipeline.sweep()
    assert pipeline.idle(5)
    assert [message.alert_id for message in hook.sent] == ["a1", "a2"]
