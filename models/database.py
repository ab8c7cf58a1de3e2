"""Connections: how SQLite and PostgreSQL are opened and brought to the current schema."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

BUSY_SECONDS = 10


def migrations() -> ScriptDirectory:
    """The schema's history: what its head is, and which revisions are known."""
    # Alembic takes a while to import, which a command that only reads should not pay.
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(Path(__file__).parent / "migrations"))


def parse_url(text: str) -> URL:
    """``postgres://`` and ``postgresql://`` mean psycopg 3; anything else stays as written."""
    url = make_url(text)
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    return url


def open_engine(text: str) -> Engine:
    """An engine for a database URL. SQLite runs in WAL mode, and every transaction begins
    IMMEDIATE: one that reads and then writes would else fail "locked" at once."""
    url = parse_url(text)
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, pool_size=5, max_overflow=15)
    engine = create_engine(
        url, connect_args={"timeout": BUSY_SECONDS}, pool_size=5, max_overflow=15
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


class Database:
    """``write()`` opens a transaction that commits on leaving, ``read()`` one that only reads:
    on SQLite a reader neither waits for the writer nor holds it up. Each has connections of its
    own, so that however many read, what is observed is stored."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self.readers = open_engine(url)
        self._write = sessionmaker(self.engine, expire_on_commit=False)
        self._writers = threading.Lock()
        self._read = sessionmaker(self.readers.execution_options(read_only=True))

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Raises OperationalError when the database cannot be written, or on SQLite not within
        10 s because of others."""
        with self._turn(), self._write.begin() as session:
            yield session

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """On SQLite the writers of this process stand in line: its own waiting is a series of
        naps, of which the one who naps longest may never get in."""
        if self.dialect != "sqlite":
            yield
            return
        if not self._writers.acquire(timeout=BUSY_SECONDS):
            locked = sqlite3.OperationalError("database is locked")
            raise OperationalError("BEGIN IMMEDIATE", {}, locked)
        try:
            yield
        finally:
            self._writers.release()

    def read(self) -> Session:
        return self._read()

    def migrate(self) -> None:
        """Brings an empty or older database to the current schema."""
        from alembic import command
        from alembic.config import Config
        from alembic.runtime.migration import MigrationContext

        scripts = migrations()
        config, head = Config(), scripts.get_current_head()
        config.set_main_option("script_location", scripts.dir)
        with self.engine.connect() as connection:
            if MigrationContext.configure(connection).get_current_revision() == head:
                return
            connection.rollback()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()

    def close(self) -> None:
        self.engine.dispose()
        self.readers.dispose()
