"""The way back: what a backup holds takes the place of what is there, which is kept beside it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from models.database import migrations
from services.backup import archive, postgres
from services.backup.make import make, revision_of
from services.errors import ConfigurationError
from services.settings import Settings
from services.web import sole

#: Ends every browser's login that a restored database holds.
LOG_OUT = "DELETE FROM sessions"


@dataclass(frozen=True)
class Restored:
    """``kept`` is what was there before: a database, or a backup of one; None where there was
    none. ``secrets`` are the names of those that were restored, ``unused`` of those that the
    environment gives in their place. ``made_at`` is the backup's moment, seconds since the epoch.
    """

    made_at: float
    revision: str
    kept: Path | None
    secrets: tuple[str, ...]
    unused: tuple[str, ...]


def restore(
    settings: Settings, file: Path, *, log_out: bool = False, now: float | None = None
) -> Restored:
    """Puts the contents of a backup in place. ``log_out`` ends all logins and tokens: sessions
    are removed and the secrets of the backup left out, with new ones made at the next start.

    Raises ConfigurationError, with everything as it was, when the file is no sound backup or of a
    newer version, and while a Healthdeck uses the database."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() if now is None else now))
    kind = "sqlite" if settings.database_file else "postgresql"
    with archive.opened(file) as backup, _unused(settings):
        manifest = backup.manifest
        if manifest.kind != kind:
            names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
            raise ConfigurationError(
                f"The backup {file} is of {names[manifest.kind]}, but DATABASE_URL names "
                f"{names[kind]}; restore it into a database of its own kind"
            )
        if manifest.revision not in {one.revision for one in migrations().walk_revisions()}:
            raise ConfigurationError(
                f"The backup {file} was made by a newer version of Healthdeck (its schema "
                f"'{manifest.revision}' is not known here); restore it with that version"
            )
        # on the file system of what is replaced, so that the swap is one step
        near = settings.instance_dir if settings.database_file else file.parent
        _check_room(near, manifest)
        try:
            with tempfile.TemporaryDirectory(dir=near, prefix=".restore-") as folder:
                backup.unpack(Path(folder))
                return _put(settings, file, manifest, Path(folder), stamp, log_out)
        except OSError as error:
            raise ConfigurationError(f"Nothing can be put into {near}: {error.strerror}") from None


def _put(
    settings: Settings,
    file: Path,
    manifest: archive.Manifest,
    folder: Path,
    stamp: str,
    log_out: bool,
) -> Restored:
    source = folder / archive.DATABASES[manifest.kind]
    if settings.database_file:
        _check_database(file, source, manifest, log_out=log_out)
        kept = _swap(settings.database_file, source, stamp)
    else:
        kept = _load(settings, file.with_name(f"before-{stamp}.backup"), source)
        if log_out:
            postgres.run(settings.database_url, LOG_OUT)
    secrets, unused = _put_secrets(settings, manifest, folder, stamp, log_out)
    if settings.instance_dir.is_dir():
        archive.sync_folder(settings.instance_dir)
    return Restored(manifest.made_at, manifest.revision, kept, secrets, unused)


@contextmanager
def _unused(settings: Settings) -> Iterator[None]:
    """Nobody else uses the database, and with SQLite nobody can begin to meanwhile."""
    if settings.database_file is None:
        postgres.check_unused(settings.database_url)
        yield
        return
    try:
        lock = sole.hold(settings.database_file)
    except OSError as error:
        raise ConfigurationError(
            f"Nothing can be written beside {settings.database_file}: {error.strerror}"
        ) from None
    try:
        yield
    finally:
        os.close(lock)


def _check_room(folder: Path, manifest: archive.Manifest) -> None:
    needed = sum(member.size for member in manifest.members.values())
    if (free := shutil.disk_usage(folder).free) < needed:
        raise ConfigurationError(
            f"The backup needs {needed >> 20} MiB in {folder}, where {free >> 20} are free; "
            "make room there"
        )


def _check_database(file: Path, source: Path, manifest: archive.Manifest, *, log_out: bool) -> None:
    try:
        with closing(sqlite3.connect(source, isolation_level=None)) as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
            if found != ["ok"]:
                raise ConfigurationError(f"The database in the backup {file} is damaged", found)
            if revision_of(connection, file) != manifest.revision:
                raise ConfigurationError(f"The backup {file} contradicts itself; take another copy")
            if log_out:
                connection.execute(LOG_OUT)
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"The database in the backup {file} cannot be read: {error}"
        ) from None


def _swap(database: Path, source: Path, stamp: str) -> Path | None:
    """Puts the new file in place of the old, which gets a name of its own. A crash at any moment
    leaves the one or the other under the database's name."""
    kept = None
    if database.exists():
        with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as old:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # closing then removes the log
        kept = database.with_name(f"{database.name}.before-{stamp}")
        if kept.exists():
            raise ConfigurationError(f"{kept} is there already; try again in a second")
        with suppress(OSError):  # a file system without links: the swap below loses no file
            kept.hardlink_to(database)
    for end in ("-wal", "-shm"):  # of a database that could not be opened, or is gone
        log = database.with_name(f"{database.name}{end}")
        if log.exists():
            log.rename(f"{kept or database.with_name(f'{database.name}.before-{stamp}')}{end}")
    if kept and not kept.exists():
        database.rename(kept)
    source.replace(database)
    return kept


def _load(settings: Settings, before: Path, source: Path) -> Path | None:
    """What the server's database held until now goes into a backup of its own."""
    filled = not postgres.is_empty(settings.database_url)
    if filled:
        make(settings, before)
    postgres.load(settings.database_url, source)
    return before if filled else None


def _put_secrets(
    settings: Settings, manifest: archive.Manifest, folder: Path, stamp: str, log_out: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    put, unused = [], []
    for name in archive.SECRETS:
        place, new = settings.instance_dir / name, folder / name
        own = place.is_file() and place.read_bytes().strip() == getattr(settings, name).encode()
        if not own:  # the environment gives it, and goes on giving it
            unused += [name] * (name in manifest.members)
        elif log_out or (name in manifest.members and new.read_bytes() != place.read_bytes()):
            place.rename(f"{place}.before-{stamp}")
            if not log_out:
                new.replace(place)
        put += [name] * (own and not log_out and name in manifest.members)
    return tuple(put), tuple(unused)
