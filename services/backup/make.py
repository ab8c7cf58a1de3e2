"""Making a backup, also while Healthdeck runs and writes."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from services.backup import archive, postgres
from services.errors import ConfigurationError
from services.settings import Settings

#: Seconds to wait for another program's lock.
BUSY_SECONDS = 30


@dataclass(frozen=True)
class Made:
    """``size`` of the file and of the database in it, in bytes; ``secrets`` are the names of
    those in it."""

    file: Path
    size: int
    database_size: int
    revision: str
    secrets: tuple[str, ...]


def make(settings: Settings, file: Path) -> Made:
    """Writes a backup of the database, and of the secrets that lie beside it, to a new file.
    Raises ConfigurationError."""
    if file.exists():
        raise ConfigurationError(f"{file} is there already; name a new file for the backup")
    if not file.parent.is_dir():
        raise ConfigurationError(f"There is no folder {file.parent}; make it, or name another file")
    try:
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".healthdeck-backup-") as folder:
            return _make(settings, file, Path(folder))
    except OSError as error:
        raise ConfigurationError(
            f"The backup cannot be written to {file.parent}: {error.strerror}; it needs room for "
            "the database and its compressed copy"
        ) from None


def _make(settings: Settings, file: Path, folder: Path) -> Made:
    kind = "sqlite" if settings.database_file else "postgresql"
    copy = folder / archive.DATABASES[kind]
    if settings.database_file:
        revision = copy_sqlite(settings.database_file, copy)
    else:
        revision = postgres.dump(settings.database_url, copy)
    files = {copy.name: copy}
    for name in archive.SECRETS:
        secret = settings.instance_dir / name
        used: str = getattr(settings, name)
        if secret.is_file() and secret.read_bytes().strip() == used.encode():
            files[name] = secret  # one that the environment gives is kept where that comes from
    members = {name: archive.measure(path) for name, path in files.items()}
    manifest = archive.Manifest(kind, revision, time.time(), members)
    whole = folder / "backup"
    archive.write(whole, manifest, files)
    whole.replace(file)  # it appears whole or not at all
    archive.sync_folder(file.parent)
    secrets = tuple(name for name in archive.SECRETS if name in files)
    return Made(file, file.stat().st_size, members[copy.name].size, revision, secrets)


def copy_sqlite(source: Path, copy: Path) -> str:
    """The database as it is at one moment, by SQLite's online backup; the revision of its schema.

    One step copies all pages in one read transaction: in WAL mode that holds up no writer, and no
    writer makes it begin again. Raises ConfigurationError."""
    if not source.is_file():
        raise ConfigurationError(
            f"There is no database {source}; DATABASE_URL must name the one to be backed up"
        )
    copy.touch(mode=0o600)
    try:
        with (
            closing(sqlite3.connect(source, timeout=BUSY_SECONDS)) as ours,
            closing(sqlite3.connect(copy)) as theirs,
        ):
            ours.execute("PRAGMA query_only=ON")
            ours.backup(theirs)
            theirs.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
            check_sqlite(theirs, source)
            return revision_of(theirs, source)
    except sqlite3.Error as error:
        raise ConfigurationError(f"The database {source} cannot be copied: {error}") from None


def check_sqlite(connection: sqlite3.Connection, name: Path) -> None:
    """Raises ConfigurationError unless the database is in order."""
    found = [row[0] for row in connection.execute("PRAGMA quick_check(5)")]
    if found != ["ok"]:
        raise ConfigurationError(f"The database {name} is damaged", found)


def revision_of(connection: sqlite3.Connection, name: Path) -> str:
    """The revision of the schema. Raises ConfigurationError when it is not one of ours."""
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        row = None
    if row is None:
        raise ConfigurationError(f"The database {name} is not one of Healthdeck's")
    return str(row[0])
