"""The proofs of the pipeline in full; `make test` plays them small."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from models.database import Database
from services.inventory.schema import Contact
from services.rule import Channel, NotificationPlan
from tests.support import notify_kills, notify_plays
from tests.support.outbox import HOOK, Installation, Recorder
from tests.support.web import LocalServer


@pytest.fixture
def home(database: Database) -> Iterator[Installation]:
    installation = Installation(database)
    yield installation
    installation.close()


def test_two_thousand_alerts_through_bad_channels(home: Installation) -> None:
    story = notify_plays.through_bad_channels(home, 2000, a_second=4, seed=1)
    sys.stdout.write(f"p95 seconds before, during and after the outage: {story.p95()}\n")
    assert max(story.p95()) <= 2.0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("share", [0, 10, 1])
def test_a_thousand_alerts_in_a_minute(home: Installation, share: int) -> None:
    """None of them critical, every tenth, all."""
    channels = notify_plays.storm(
        home, 1000, critical=lambda number: bool(share) and number % share == 0
    )
    counts = {channel.name: len(channel.sent) for channel in channels}
    sys.stdout.write(f"messages that told of a thousand alerts: {counts}\n")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_three_pipelines_send_a_thousand_messages(home: Installation) -> None:
    """To two hundred mailboxes and to one webhook."""
    mail, hook = Recorder("email"), Recorder("webhook")
    databases = [Database(home.database.engine.url.render_as_string(False)) for _ in range(3)]
    contacts = [Contact(name=f"c{n}", email=f"c{n}@example.com") for n in range(200)]
    try:
        pipelines = [home.pipeline(mail, hook, database=database) for database in databases]
        ids = [f"a{number}" for number in range(1000)]
        on_mail = NotificationPlan(channels=(Channel.EMAIL,))
        # One to a mailbox in each minute, as many as are told without a digest.
        for start in range(0, 1000, 200):
            part = ids[start : start + 200]
            owner = dict(zip(part, contacts, strict=True))
            home.burst(part, on_mail, contacts=lambda id_, of=owner: [of[id_]])  # type: ignore[misc]
            home.burst(part, HOOK, new=False)
            for pipeline in pipelines:
                pipeline.wake()
            assert all(pipeline.idle(120) for pipeline in pipelines)
            home.clock.now += 60
        for channel in (mail, hook):
            assert Counter(str(m.alert_id) for m in channel.tried) == dict.fromkeys(ids, 1)
        assert {row.status for row in home.rows()} == {"sent"}
    finally:
        home.close()
        for database in databases:
            database.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_hundred_kills(database: Database, receiver: LocalServer) -> None:
    extra = notify_kills.killed(database, receiver, kills=100, seed=1)
    sys.stdout.write(f"extra copies by path: {dict(extra)}\n")
