"""Whether the database can be used: found, reached, writable, ours, and of the current schema."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import psycopg
from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from models.database import Database, parse_url
from services.errors import ConfigurationError
from services.settings import Settings

CONNECT_SECONDS = 5

#: Bytes without which nothing that is observed could be kept.
MIN_FREE = 1024 * 1024


def open_database(settings: Settings) -> Database:
    """The database, checked and brought to the current schema. Raises ConfigurationError."""
    check(settings)
    database = Database(settings.database_url)
    try:
        database.migrate()
    except CommandError:
        database.close()
        raise ConfigurationError(
            f"{_name(settings)} was written by a newer version of Healthdeck; start that version, "
            "or name another database with DATABASE_URL"
        ) from None
    except SQLAlchemyError as error:
        database.close()
        raise ConfigurationError(
            f"{_name(settings)} cannot be brought to the current schema: {_first_line(error)}"
        ) from None
    return database


def check(settings: Settings) -> None:
    """Whether the database can be reached and written. Raises ConfigurationError."""
    if settings.database_file is not None:
        _check_file(settings.database_file)
    else:
        _check_server(settings)


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise ConfigurationError(f"The database {path} is a folder; name a file in it")
    try:
        connection = sqlite3.connect(path, timeout=CONNECT_SECONDS, isolation_level=None)
        try:
            prove_writable(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise ConfigurationError(f"The database {path} {sqlite_trouble(error)}") from None
    if shutil.disk_usage(path.parent).free < MIN_FREE:
        raise ConfigurationError(f"The disk of the database {path} is full; make room there")


def prove_writable(connection: sqlite3.Connection) -> None:
    """Writes what is there already: only a real write shows a full disk or a missing right."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA user_version={version}")
    connection.execute("COMMIT")


_TROUBLES = {
    sqlite3.SQLITE_FULL: "cannot grow: its disk is full; make room there",
    sqlite3.SQLITE_NOTADB: "is no SQLite database; it is left as it is, name another file",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore a backup or name another file",
    sqlite3.SQLITE_BUSY: "is kept locked by another program; stop that one",
}


def sqlite_trouble(error: sqlite3.Error) -> str:
    """What an error of SQLite means for its file, to stand after the file's name."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    fallback = f"cannot be written ({error}); give us the right to, or name a file elsewhere"
    return _TROUBLES.get(code, fallback)


def _check_server(settings: Settings) -> None:
    url = parse_url(settings.database_url).set(drivername="postgresql")
    if "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": str(CONNECT_SECONDS)})
    try:
        psycopg.connect(url.render_as_string(hide_password=False)).close()
    except psycopg.Error as error:
        raise ConfigurationError(
            f"{_name(settings)} cannot be reached: {_first_line(error)}"
        ) from None


def _name(settings: Settings) -> str:
    return f"The database {parse_url(settings.database_url).render_as_string(hide_password=True)}"


def _first_line(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return next((line.strip() for line in str(cause).splitlines() if line.strip()), repr(cause))
