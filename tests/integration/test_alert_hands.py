"""Several operators at the same alerts at the same moment: one wins, and all see who."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from models.alerts import AlertRow
from models.database import Database
from services.alerts.manage import Outcome
from services.errors import Conflict
from services.identity.audit import Actor, Wanted, audited
from tests.integration.conftest import Watches
from tests.support.alert_monitor import CPU, Monitor

HANDS = ("anna", "bert", "cleo", "dora")


def together(acts: list[Callable[[], None]]) -> list[Exception | None]:
    """Has all done at the same moment; what each raised."""
    ready, raised = Barrier(len(acts)), list[Exception | None]([None] * len(acts))

    def run(place: int) -> None:
        ready.wait(30)
        try:
            acts[place]()
        except Exception as error:
            raised[place] = error

    threads = [Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return raised


def test_of_several_who_acknowledge_one_wins(watching: Watches, database: Database) -> None:
    monitor: Monitor = watching(CPU)
    monitor.cpu(95)
    id_ = monitor.alert().id
    raised = together([
        lambda who=who: monitor.desk.acknowledge(id_, Actor(who)) for who in HANDS  # type: ignore[misc]
    ])  # fmt: skip
    (winner,) = (who for who, error in zip(HANDS, raised, strict=True) if error is None)
    assert monitor.alert().acknowledged_by == winner
    for error in raised:
        if error is not None:
            assert isinstance(error, Conflict)
            assert str(error) == f"the alert is already acknowledged by {winner}"
    assert [row["who"] for row in audited(database, Wanted(action="alert.acknowledge"))] == [winner]


def test_of_several_who_take_the_same_many_each_alert_has_one(
    watching: Watches, database: Database
) -> None:
    rules = [{**CPU, "id": f"cpu-{n}"} for n in range(8)]
    monitor: Monitor = watching(*rules)
    monitor.cpu(95)
    with database.read() as session:
        ids = list(session.scalars(select(AlertRow.id)))
    assert len(ids) == 8
    told: dict[str, list[Outcome]] = {}

    def take(who: str, mine: list[str]) -> None:
        told[who] = monitor.desk.acknowledge_many(mine, Actor(who))

    orders = [ids, ids[::-1], ids[4:] + ids[:4], ids[::2] + ids[1::2]]
    raised = together([
        lambda who=who, mine=mine: take(who, mine)  # type: ignore[misc]
        for who, mine in zip(HANDS, orders, strict=True)
    ])  # fmt: skip
    assert raised == [None] * len(HANDS)
    done = [(one.alert_id, who) for who in HANDS for one in told[who] if one.refused is None]
    assert sorted(id_ for id_, _ in done) == sorted(ids)
    with database.read() as session:
        stored = session.execute(select(AlertRow.id, AlertRow.acknowledged_by)).all()
    assert sorted(done) == sorted((id_, who) for id_, who in stored)


@pytest.mark.parametrize("action", ["resolve", "snooze", "delete"])
def test_the_audit_says_who_did_it(watching: Watches, database: Database, action: str) -> None:
    monitor: Monitor = watching(CPU)
    monitor.cpu(95)
    id_, anna = monitor.alert().id, Actor("anna", "192.0.2.7")
    if action == "snooze":
        monitor.desk.snooze(id_, monitor.now + 60, anna, "later")
    else:
        monitor.desk.resolve(id_, anna, "known", False)
    if action == "delete":
        monitor.desk.delete(id_, anna)
    row = audited(database, Wanted(action=f"alert.{action}"))[0]
    assert (row["who"], row["address"], row["target"]) == ("anna", "192.0.2.7", id_)
    assert row["detail"]["target"] == "vps-1"
