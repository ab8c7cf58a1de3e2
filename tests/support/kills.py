"""Killing the monitor at a chosen moment of an alert's life, and what must be true afterwards.

``make test`` runs each play a few times at seeded moments (tests/e2e/test_kill.py), ``make soak``
twenty times at random ones (tests/soak).
"""

from __future__ import annotations

import itertools
import random
import sqlite3
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.conftest import Installs
from tests.support.product import Healthdeck
from tests.support.scenes import WEBHOOKS, mail, one_service
from tests.support.wait import eventually, until
from tests.support.web import LocalServer, health

#: Seconds between two looks at the service in these plays, and what a machine under load may
#: add to a moment: the second look of a failed check, a transaction, a busy processor.
INTERVAL = 1.0
SLACK = 2.5


def rows(database: Path, query: str) -> list[sqlite3.Row]:
    """What is committed. Read only, from another process: nothing of it is in memory."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)
    connection.row_factory = sqlite3.Row
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


@dataclass
class Play:
    """One installation that watches one failing service. The service answers 503 instead of
    refusing, so it knows when it was looked at."""

    healthdeck: Healthdeck
    service: LocalServer
    receiver: LocalServer

    @classmethod
    def begin(
        cls, install: Installs, service: LocalServer, receiver: LocalServer, duration: float
    ) -> Play:
        inventory = one_service(service, receiver, interval=INTERVAL, duration=duration)
        play = cls(install(inventory, **WEBHOOKS).start(), service, receiver)
        eventually(lambda: service.requests, 10, "the service is looked at")
        service.answer = health("error")
        return play

    def pending_since(self) -> float:
        """When the rule's duration began, as committed (seconds since the epoch)."""
        query = "SELECT since FROM rule_states WHERE rule_id = 'backend-down'"
        found = eventually(
            lambda: rows(self.healthdeck.database, query), 10, "the condition holds", every=0.02
        )
        return float(found[0]["since"])

    def alerts(self) -> list[sqlite3.Row]:
        query = "SELECT * FROM alerts WHERE rule_id = 'backend-down'"
        return rows(self.healthdeck.database, query)

    def away(self, seconds: float) -> None:
        """Kills the monitor and starts it again after ``seconds``."""
        self.healthdeck.kill()
        until(time.time() + seconds)
        self.healthdeck.start()

    def fired(self, timeout: float = 20) -> dict[str, Any]:
        """The one alert that was told, after it had the time to be told twice."""
        eventually(lambda: mail(self.receiver, "alert.fired"), timeout, "the webhook arrives")
        looks = len(self.service.requests)
        eventually(lambda: len(self.service.requests) > looks + 2, 10, "two more looks")
        bodies = mail(self.receiver, "alert.fired")
        assert len({body["id"] for body in bodies}) == 1
        assert len(self.alerts()) == 1
        # A port is used again: somebody else's monitor that is about to end may write to it.
        own = [r for r in self.receiver.requests if bodies[0]["id"].encode() in r.body]
        keys = {r.headers["idempotency-key"]: r.body for r in own}
        assert len(keys) == 1, f"a message sent again keeps its key: {keys}"
        return bodies[0]

    def longest_gap(self) -> float:
        """Seconds for which the service was not looked at."""
        times = [request.at for request in self.service.requests]
        return max(after - before for before, after in itertools.pairwise(times))


def triggered(body: dict[str, Any]) -> float:
    return datetime.fromisoformat(body["triggeredAt"]).timestamp()


def killed_while_pending(play: Play, duration: float, dice: random.Random) -> None:
    """Between a rule's start of duration and its end: fires once, later by the downtime."""
    since = play.pending_since()
    until(since + dice.uniform(0.1, 0.7) * duration)
    assert play.alerts() == []
    play.away(dice.uniform(0.0, 2.0))
    late = triggered(play.fired(duration + 20)) - since - duration
    expected = play.longest_gap() - INTERVAL
    assert expected - INTERVAL <= late <= expected + INTERVAL + SLACK


def killed_when_complete(play: Play, duration: float, dice: random.Random) -> None:
    """At the end of the duration, perhaps before anybody saw that: fires at the first tick."""
    since = play.pending_since()
    until(since + duration - dice.uniform(0.0, 0.05))
    play.away(dice.uniform(0.0, 1.0))
    back = time.time()
    assert triggered(play.fired()) <= back + INTERVAL + SLACK


def killed_after_the_commit(play: Play, _duration: float, dice: random.Random) -> None:
    """Between the alert's commit and the sending: the webhook still arrives."""
    eventually(play.alerts, 20, "the alert is committed", every=0.002)
    until(time.time() + dice.choice([0.0, 0.0, dice.uniform(0.0, 0.05)]))
    play.away(0.0)
    play.fired()


def killed_while_sending(play: Play, _duration: float, _dice: random.Random) -> None:
    """With the request at the receiver and no answer yet: it arrives again, under the same key."""
    play.receiver.hang()
    eventually(lambda: play.receiver.requests, 20, "the request is at the receiver")
    play.healthdeck.kill()
    play.receiver.go_on()
    play.healthdeck.start()
    eventually(lambda: len(play.receiver.requests) > 1, 90, "it is sent again")
    play.fired()
