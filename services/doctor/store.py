"""The database: reached, of which schema, in order, and with room to grow."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg

from models.database import migrations, parse_url
from services.doctor.finding import PATIENCE, Finding, State, line
from services.errors import ConfigurationError
from services.settings import Settings
from services.web import database_check

#: Bytes of free disk below which an admin is warned; a backup needs the database's size too.
LOW = 1 << 30


def database(ours: Settings) -> Iterator[Finding]:
    file = ours.database_file
    if file and not file.exists():
        yield Finding("database", "off", f"{file} is not there yet; the first start makes it")
        return
    try:
        database_check.check(ours)
        revision = _sqlite_revision(file) if file else _postgres_revision(ours)
    except ConfigurationError as error:
        yield Finding("database", "broken", error.message)
        return
    except (sqlite3.Error, psycopg.Error) as error:
        yield Finding("database", "broken", f"{_named(ours)}: {line(error)}")
        return
    yield Finding("database", *_judged(_named(ours), revision))
    if file:
        yield _integrity(file)


def _judged(name: str, revision: str | None) -> tuple[State, str]:
    scripts = migrations()
    head = scripts.get_current_head()
    if revision is None:
        return "off", f"{name} is empty; the first start makes its tables"
    if revision == head:
        return "ok", f"{name} can be written; schema {revision}, the current one"
    if revision in {one.revision for one in scripts.walk_revisions()}:
        return "warning", f"{name}: schema {revision}; the next start brings it to {head}"
    return "broken", f"{name}: schema {revision} is of a newer version of Healthdeck; start that"


def _sqlite_revision(file: Path) -> str | None:
    with closing(sqlite3.connect(file, timeout=PATIENCE)) as connection:
        tables = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
        if connection.execute(tables).fetchone() is None:
            return None
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _postgres_revision(ours: Settings) -> str | None:
    with postgres(ours) as connection:
        found = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
        if found is None or found[0] is None:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None


def _integrity(file: Path) -> Finding:
    try:
        with closing(sqlite3.connect(file, timeout=PATIENCE)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    except sqlite3.Error as error:
        found = [str(error)]
    if found == ["ok"]:
        return Finding("integrity", "ok", f"{_size(file.stat().st_size)}, every page in order")
    return Finding("integrity", "broken", f"{'; '.join(found)}: restore a backup")


def disk(ours: Settings) -> Iterator[Finding]:
    folder = ours.instance_dir
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    file = ours.database_file
    size = file.stat().st_size if file and file.exists() else 0
    text = f"{_size(free)} free at {folder}"
    if free < database_check.MIN_FREE:
        yield Finding("disk", "broken", f"{text}: nothing more can be kept; make room")
    elif free < max(LOW, size):
        yield Finding("disk", "warning", f"{text}; a backup needs {_size(size)}, the rest grows")
    else:
        yield Finding("disk", "ok", text)


def postgres(ours: Settings) -> psycopg.Connection:
    url = parse_url(ours.database_url).set(drivername="postgresql")
    text = url.render_as_string(hide_password=False)
    return psycopg.connect(text, connect_timeout=round(PATIENCE))


def _named(ours: Settings) -> str:
    return str(
        ours.database_file or parse_url(ours.database_url).render_as_string(hide_password=True)
    )


def _size(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
