"""Contacts, groups and rotations that are written in the UI, on real databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, text

from models.database import Database
from models.notifications import NotificationRow as Row
from models.recipients import AlertConfig
from services.errors import Conflict, ValidationError
from services.identity.audit import Actor
from services.inventory.schema import Inventory
from services.notify import outbox
from services.notify.config_desk import ConfigDesk
from services.notify.config_secrets import MASK
from services.rule import Channel, NotificationPlan, Severity
from services.sealing import Sealer
from tests.support.outbox import NOW, alert_row

EVE = Actor("eve", "192.0.2.1")
SEALER = Sealer("k" * 40)
#: 00:00 to 23:59 is quiet on Thursdays, which NOW is on.
ASLEEP = [{"from": "00:00", "to": "23:59", "days": ["thu"]}]
ANA: dict[str, Any] = {
    "name": "Ana", "email": "ana@example.com",
    "webhook": {"url": "https://hooks.example/ana", "secret": "hush-hush"},
}  # fmt: skip


def config(*contacts: Any, groups: Any = (), rotations: Any = ()) -> dict[str, Any]:
    return {"contacts": list(contacts), "groups": list(groups), "onCall": list(rotations)}


def desk(database: Database, **more: Any) -> ConfigDesk:
    return ConfigDesk(database, more.pop("file", Inventory()), SEALER, clock=lambda: NOW, **more)


def test_what_is_written_is_there_after_a_restart(database: Database) -> None:
    first = desk(database)
    primary = {
        "name": "Primary", "handover": {"day": "mon", "time": "09:00"}, "members": ["Ana"],
        "since": "2025-11-03", "timeZone": "Europe/Berlin",
    }  # fmt: skip
    sent = config(ANA, groups=[{"name": "Ops", "members": ["ana"]}], rotations=[primary])
    found = first.save(sent, EVE)
    assert (found.version, found.at, found.by) == (1, NOW, "eve")
    again = desk(database)
    assert again.config == found
    assert again.people() == first.people()
    (ana,) = again.contacts()
    assert ana.webhook is not None
    assert ana.webhook.secret.get_secret_value() == "hush-hush"


def test_all_versions_stay_and_the_newest_alone_has_secrets(database: Database) -> None:
    one = desk(database)
    for at in range(3):
        one.save(config({**ANA, "email": f"ana{at}@example.com"}), EVE, expected=at)
    assert one.save(one_read(one), EVE).version == 3, "nothing changed"
    with database.read() as session:
        rows = session.scalars(select(AlertConfig).order_by(AlertConfig.version)).all()
        everything = str(session.execute(text("SELECT * FROM alert_configs")).all())
    assert [(row.version, bool(row.sealed)) for row in rows] == [(1, False), (2, False), (3, True)]
    assert [row.spec["contacts"][0]["email"] for row in rows] == [
        "ana0@example.com", "ana1@example.com", "ana2@example.com",
    ]  # fmt: skip
    assert "hush" not in everything


def test_so_many_versions_are_kept(database: Database) -> None:
    one = desk(database)
    for at in range(103):
        one.save(config({"name": f"c{at}"}), EVE)
    with database.read() as session:
        kept = session.scalars(select(AlertConfig.version)).all()
    assert (min(kept), max(kept), len(kept)) == (4, 103, 100)


def test_of_two_who_change_the_same_version_one_is_told(database: Database) -> None:
    """Two processes, which know nothing of each other."""
    desks = [desk(database), desk(database)]
    start, said = threading.Barrier(2), list[str]()

    def change(at: int) -> None:
        start.wait(10)
        try:
            desks[at].save(config({"name": f"c{at}"}), EVE)
            said.append("kept")
        except Conflict as error:
            said.append(error.message)

    threads = [threading.Thread(target=change, args=(at,)) for at in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(said, key=len)[0] == "kept"
    assert "is at version 1 by now (by eve), and you changed version 0" in sorted(said, key=len)[1]


def test_a_failure_leaves_everything_as_it_was(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = desk(database)
    one.save(config(ANA), EVE)
    before = one.config, one.people()

    def fail(*_: Any) -> None:
        raise RuntimeError("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(outbox, "judge_what_is_held", fail)
        with pytest.raises(RuntimeError):
            one.save(config({"name": "Bob"}), EVE)
    with pytest.raises(ValidationError):
        one.save(config({"name": "Bob", "email": "nowhere"}), EVE)
    assert (one.config, one.people()) == before
    assert desk(database).config == before[0]


def _hold(database: Database, one: ConfigDesk) -> Callable[[], Row]:
    """A message that waits for the end of quiet hours."""
    with database.write() as session:
        session.add(alert_row("a1"))
        session.flush()
        outbox.enqueue(
            session, alert_id="a1", event=outbox.FIRING, body={"id": "a1"},
            severity=Severity.WARNING, people=one.people(), channels=set(Channel), now=NOW,
            plan=NotificationPlan(channels=(Channel.EMAIL,), recipients=("Ana",)),
        )  # fmt: skip

    def row() -> Row:
        with database.read() as session:
            return session.scalars(select(Row)).one()

    assert row().reason == "quiet_hours"
    assert (row().next_attempt_at or 0) > NOW
    return row


def test_what_is_held_leaves_when_the_quiet_hours_are_taken_away(database: Database) -> None:
    one = desk(database)
    one.save(config({**ANA, "quietHours": ASLEEP}), EVE)
    row = _hold(database, one)
    earlier = [{**ASLEEP[0], "to": "20:00"}]
    before = row().next_attempt_at or 0
    one.save(config({**one_read(one)["contacts"][0], "quietHours": earlier}), EVE)
    assert row().next_attempt_at == before - (3 * 3600 + 59 * 60)
    assert "until Thu 20 Nov 20:00 UTC" in row().detail
    one.save(config({**one_read(one)["contacts"][0], "quietHours": []}), EVE)
    assert row().next_attempt_at == NOW


def test_the_same_holds_for_contacts_of_the_file(database: Database) -> None:
    file = Inventory.model_validate(
        {"contacts": [{"name": "Ana", "email": "a@b.example", "quietHours": ASLEEP}]}
    )
    one = desk(database, file=file)
    row = _hold(database, one)
    awake = file.contacts[0].model_copy(update={"quiet_hours": ()})
    one.take_file(file.model_copy(update={"contacts": (awake,)}))
    assert row().next_attempt_at == NOW


def one_read(one: ConfigDesk) -> dict[str, Any]:
    """What the API shows, as somebody sends it back."""
    found = one.config
    shown = config(*[dict(entry.spec) for entry in found.contacts])
    assert all(c["webhook"] is None or c["webhook"]["secret"] == MASK for c in shown["contacts"])
    return shown
