"""PostgreSQL's own tools: pg_dump and pg_restore. The password goes through the environment,
where other users of the machine do not see it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from models.database import parse_url
from services.errors import ConfigurationError

CONNECT_SECONDS = 5


def dump(url: str, target: Path) -> str:
    """Writes the database, as it is at one moment, in pg_dump's custom format; the revision of
    its schema. Raises ConfigurationError, also where there is no pg_dump."""
    revision = _revision(url)
    command = ["--format=custom", "--no-owner", "--no-privileges"]
    _run("pg_dump", [*command, f"--file={target}"], url)
    return revision


def load(url: str, source: Path) -> None:
    """Puts a dump in place of what the database holds, all of it or nothing. Raises
    ConfigurationError."""
    command = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction"]
    _run("pg_restore", [*command, "--exit-on-error", str(source)], url)


def check_unused(url: str) -> None:
    """Raises ConfigurationError while somebody else is connected to the database."""
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND backend_type = 'client backend'"
    )
    ((others,),) = _ask(url, query)
    if others:
        raise ConfigurationError(
            f"The database {shown(url)} is in use by {others} other connection"
            f"{'' if others == 1 else 's'}. Stop every Healthdeck on it first"
        )


def is_empty(url: str) -> bool:
    """Whether the database holds nothing of ours yet."""
    ((found,),) = _ask(url, "SELECT to_regclass('alembic_version') IS NULL")
    return bool(found)


def run(url: str, statement: str) -> None:
    """Runs a statement that answers nothing. Raises ConfigurationError."""
    with _connected(url) as connection:
        connection.execute(statement.encode())


def shown(url: str) -> str:
    """The URL without its password."""
    return parse_url(url).set(drivername="postgresql").render_as_string(hide_password=True)


def _revision(url: str) -> str:
    if is_empty(url):
        raise ConfigurationError(f"The database {shown(url)} is not one of Healthdeck's")
    rows = _ask(url, "SELECT version_num FROM alembic_version")
    return str(rows[0][0]) if rows else ""


def _ask(url: str, query: str) -> list[tuple[object, ...]]:
    with _connected(url) as connection:
        return connection.execute(query.encode()).fetchall()


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection]:
    full = parse_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(full, connect_timeout=CONNECT_SECONDS) as connection:
            yield connection
    except psycopg.Error as error:
        line = str(error).strip().splitlines()[0]
        raise ConfigurationError(f"The database {shown(url)} cannot be used: {line}") from None


def _run(program: str, arguments: list[str], url: str) -> None:
    parsed = parse_url(url).set(drivername="postgresql")
    plain = parsed.set(password=None).render_as_string(hide_password=False)
    if shutil.which(program) is None:
        by_hand = f"{program} {' '.join(arguments[:-1])} --dbname='{plain}'"
        raise ConfigurationError(
            f"{program} is not installed here. Install PostgreSQL's client programs (Debian: "
            f"postgresql-client) of the server's version, or run on a machine that has them: "
            f"{by_hand} FILE"
        )
    environ = dict(os.environ)
    if parsed.password:
        environ["PGPASSWORD"] = str(parsed.password)
    done = subprocess.run(  # noqa: S603 - a fixed program, and nothing reads a shell line
        [program, f"--dbname={plain}", *arguments],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise ConfigurationError(f"{program} did not do it", lines[:10])
