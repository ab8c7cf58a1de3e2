"""The dead man's switch calls while the monitor works, and only then."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import make_url

from models.database import Database
from services.collect.deadman import FAILURES, Collects, DeadMansSwitch
from services.collect.rounds import Rounds
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.notify.pipeline import Pipeline
from services.observation import CheckResult, Status
from services.settings import load
from tests.support.alert_monitor import Monitor
from tests.support.alert_stage import sqlite
from tests.support.outbox import Installation, Recorder
from tests.support.wait import free_port
from tests.support.web import Answer, LocalServer

Serving = Callable[[Answer], LocalServer]


class Board:
    """What the dashboard says."""

    def __init__(self) -> None:
        self.said: str | None = None

    def warn(self, text: str | None) -> None:
        self.said = text


def test_it_calls_while_everything_works(receiver: LocalServer) -> None:
    board = Board()
    switch = DeadMansSwitch(f"{receiver.url}/ping/abc", [lambda: None], board.warn)
    switch.beat()
    switch.beat()
    assert [(one.method, one.path) for one in receiver.requests] == [("GET", "/ping/abc")] * 2
    assert board.said is None


def test_what_does_not_work_withholds_the_call(receiver: LocalServer) -> None:
    board, why = Board(), ["Messages are stuck"]
    switch = DeadMansSwitch(
        receiver.url, [lambda: None, lambda: why[0] if why else None], board.warn
    )
    switch.beat()
    assert receiver.requests == []
    assert board.said
    assert board.said.startswith("Messages are stuck. HEARTBEAT_URL is not called")
    why.clear()
    switch.beat()
    assert len(receiver.requests) == 1
    assert board.said is None


def test_a_probe_that_fails_withholds_the_call(receiver: LocalServer) -> None:
    def probe() -> str | None:
        raise OSError

    board = Board()
    DeadMansSwitch(receiver.url, [probe], board.warn).beat()
    assert receiver.requests == []
    assert board.said
    assert "(OSError)" in board.said


@pytest.mark.parametrize("how", ["refuses", "hangs", "answers 500", "is no HTTP"])
def test_a_call_that_fails_is_told_of_when_it_goes_on(serving: Serving, how: str) -> None:
    server = serving(Answer(500))
    url = f"{server.url}/secret-token"
    if how == "refuses":
        url = f"http://127.0.0.1:{free_port()}/secret-token"
    elif how == "hangs":
        server.hang()
    elif how == "is no HTTP":
        url = f"https://127.0.0.1:{urlsplit(server.url).port}/secret-token"
    board = Board()
    switch = DeadMansSwitch(url, [], board.warn, limit=0.2 if how == "hangs" else 10.0)
    for _ in range(FAILURES - 1):
        switch.beat()
    assert board.said is None, "one lost call is no news"
    switch.beat()
    server.go_on()
    assert board.said
    assert board.said.startswith("HEARTBEAT_URL cannot be reached")
    assert "secret-token" not in board.said


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with sqlite(tmp_path) as database:
        yield database


@pytest.fixture
def collecting(tmp_path: Path) -> Iterator[Rounds]:
    fleet = Fleet.build(Inventory(), "testhost", "cache")
    settings = load({"DATABASE_URL": f"sqlite:///{tmp_path}/settings.db"})
    checks = dict.fromkeys(fleet.own, lambda: CheckResult(Status.HEALTHY, "fine"))
    rounds = Rounds(fleet, settings, lambda seen: None, checks)
    rounds.start()
    yield rounds
    rounds.stop()


def test_messages_that_nobody_takes_are_noticed(database: Database) -> None:
    house = Installation(database)
    pipeline = Pipeline(database, {"webhook": Recorder()}, clock=house.clock)
    house.fire()
    assert pipeline.stalled() is None, "not due for long"
    house.clock.now += 61
    assert pipeline.stalled() == "Messages have been due for a minute and none was sent"
    pipeline.start()
    assert pipeline.idle(20)
    assert pipeline.stalled() is None
    pipeline.stop()
    assert pipeline.stalled() == "Somebody who sends messages has stopped"


def test_what_stands_still_is_noticed(database: Database, collecting: Rounds) -> None:
    monitor = Monitor(database)

    def probe(patience: float = 20.0) -> Collects:
        return Collects(collecting, monitor.intake, database, lambda: monitor.now, patience)

    for _ in range(2):  # also while there is nothing to be looked at
        assert probe()() is None
    with sqlite3.connect(make_url(database.engine.url).database or "") as other:
        other.execute("BEGIN IMMEDIATE")
        assert probe()() == "Nothing can be stored (OperationalError)"
        other.rollback()
    monitor.kill()
    assert probe(0.2)() == "What comes in is not stored within 0.2 s"
    collecting.stop()
    assert probe(0.2)() == "No look is taken on within 0.2 s"
