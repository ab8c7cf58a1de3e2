"""A new database of each kind with the current schema, for as long as it is measured."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.database import Database
from tests.support.stores import PostgresServer


@contextmanager
def sqlite() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'bench.db'}")
        database.migrate()
        yield database
        database.close()


@contextmanager
def postgres() -> Iterator[Database]:
    server = PostgresServer()
    database = Database(server.create())
    database.migrate()
    yield database
    database.close()
    server.stop()
