"""The database: migrations, and what SQLite must stand under several users."""

from __future__ import annotations

from pathlib import Path
from threading import Barrier, Event, Thread

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, inspect, select, text

import models
from models import Base
from models.database import Database
from models.history import PendingSpan, Settled
from models.targets import TargetRow

#: Indexes that only one kind of database has.
OF_ONE_KIND = {f"ix_alerts_{of}{kind}" for of in ("search", "impact") for kind in ("", "_gin")}


def _target(key: str) -> TargetRow:
    return TargetRow(key=key, kind="vps", removed_at=None)


def _count(database: Database) -> int:
    with database.read() as session:
        return session.scalars(select(func.count()).select_from(TargetRow)).one()


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path}/test.db")
    database.migrate()
    return database


def test_migrations_make_every_table_from_nothing(database: Database) -> None:
    tables = set(inspect(database.engine).get_table_names())
    assert tables == set(Base.metadata.tables) | {"alembic_version"}


def test_migrations_and_models_say_the_same(database: Database) -> None:
    with database.engine.connect() as connection:
        opts = {"compare_type": True, "include_name": lambda name, *_: name not in OF_ONE_KIND}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_keeps_the_data(database: Database) -> None:
    with database.write() as session:
        session.add(_target("vps-1"))
    database.migrate()
    assert _count(database) == 1


def test_what_was_observed_before_the_history_waits_to_be_rolled_up(database_url: str) -> None:
    """From a database of the first schema: its samples join, and its rows stay."""
    database = Database(database_url)
    config = Config()
    config.set_main_option("script_location", str(Path(models.__file__).parent / "migrations"))
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.commit()
    at = 1_767_571_200
    with database.write() as session:
        session.execute(text("INSERT INTO targets (key, kind) VALUES ('vps-1', 'vps')"))
        for n in (0, 30, 3600):
            session.execute(
                text("INSERT INTO host_samples (target_id, at, cpu) VALUES (1, :at, 5)"),
                {"at": at + n},
            )
        session.execute(text(f"INSERT INTO samples VALUES (1, 1, {at + 90000}, 12.5)"))
    database.migrate()
    with database.read() as session:
        spans = session.execute(select(PendingSpan.span, PendingSpan.start)).all()
        assert session.scalars(select(Settled.until)).all() == [0]
    assert sorted((span, start - at) for span, start in spans) == [
        (3600, 0), (3600, 3600), (3600, 90000), (86400, 0), (86400, 86400),
    ]  # fmt: skip
    assert _count(database) == 1
    database.close()


def test_a_failed_transaction_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(RuntimeError, match="in the middle"), database.write() as session:
        session.add(_target("vps-1"))
        session.flush()
        raise RuntimeError("in the middle")
    assert _count(database) == 0


def test_writers_that_read_first_do_not_fail_locked(database: Database) -> None:
    """On SQLite a transaction that reads and then writes fails "database is locked" at once
    when another one wrote in between, unless it began IMMEDIATE."""
    rounds, writers = 25, 4
    together = Barrier(writers)
    failures: list[Exception] = []

    def write(writer: int) -> None:
        together.wait(10)
        try:
            for turn in range(rounds):
                with database.write() as session:
                    session.scalars(select(func.count()).select_from(TargetRow)).one()
                    session.add(_target(f"vps-{writer}-{turn}"))
        except Exception as error:
            failures.append(error)

    threads = [Thread(target=write, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert _count(database) == rounds * writers


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    answered = Event()
    seen: list[int] = []

    def read() -> None:
        seen.append(_count(database))
        answered.set()

    with database.write() as session:
        session.add(_target("vps-1"))
        session.flush()
        thread = Thread(target=read)
        thread.start()
        assert answered.wait(5), "the reader waited for the writer's commit"
    thread.join(5)
    assert seen == [0]
    assert _count(database) == 1


def test_a_writer_does_not_wait_for_a_reader(database: Database) -> None:
    with database.read() as reading:
        reading.scalars(select(func.count()).select_from(TargetRow)).one()
        done = Event()

        def write() -> None:
            with database.write() as session:
                session.add(_target("vps-1"))
            done.set()

        thread = Thread(target=write)
        thread.start()
        assert done.wait(5), "the writer waited for the reader"
        thread.join(5)


def test_what_is_committed_survives_without_closing(sqlite: Database) -> None:
    with sqlite.write() as session:
        session.add(_target("vps-1"))
    other = Database(str(sqlite.engine.url))
    assert _count(other) == 1
    other.close()
    sqlite.close()
