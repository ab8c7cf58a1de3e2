"""Real Redis and PostgreSQL servers on private ports, in temporary folders."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from uuid import uuid4

import psycopg

from models.database import Database
from tests.support.wait import eventually, free_port

#: What a PostgreSQL for tests does not do: be safe against a loss of power, compile queries that
#: run once, and keep much memory.
OPTIONS = (
    "listen_addresses=127.0.0.1",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "jit=off",
    "shared_buffers=32MB",
    "max_wal_size=128MB",
)
MEMORY = Path("/dev/shm")
ROOM = 2 * 2**30


def _in_memory() -> Path | None:
    """A folder in memory, or None where there is none with much room, as in most containers."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    return MEMORY if roomy and os.access(MEMORY, os.W_OK) else None


def _answers(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


def template(folder: Path) -> Path:
    """An empty SQLite database with the current schema, to be copied: migrating takes longer
    than most tests."""
    database = Database(f"sqlite:///{folder}/template.db")
    database.migrate()
    database.close()
    return folder / "template.db"


class RedisServer:
    """``stop`` kills it, ``start`` brings it back empty on the same port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        if self._process is None:
            command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
            self._process = subprocess.Popen(
                [*command, "--save", "", "--appendonly", "no", "--dir", str(self._folder)],
                stdout=subprocess.DEVNULL,
            )
            eventually(lambda: _answers(self.port), 10, "redis-server accepts connections")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


class PostgresServer:
    """The newest PostgreSQL of the machine, with a data folder of its own. It refuses to run as
    root, so root starts it as the user that its package made; pytest's own temporary folders
    cannot be entered by that user. It lives in memory where there is room: each new database is
    some three hundred files. What it holds ends with the tests, so nothing is made safe."""

    def __init__(self) -> None:
        binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parts[-2]))
        assert binaries, "PostgreSQL is not installed: make test installs it"
        self._bin = binaries[-1]
        self.port = free_port()
        self._folder = folder = Path(
            tempfile.mkdtemp(prefix="healthdeck-postgres-", dir=_in_memory())
        )
        self._template: str | None = None
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._as:
            shutil.chown(folder, "postgres")
        self._run("initdb", "--auth=trust", "--username=postgres", "--no-sync", "-E", "UTF8")
        options = [f"-p {self.port} -k {folder}", *(f"-c {option}" for option in OPTIONS)]
        self._run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", " ".join(options), "start")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._bin / program), "-D", str(self._folder / "data")]
        done = subprocess.run(
            [*command, *arguments],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{program}: {done.stderr}"

    def _admin(self, statement: str) -> None:
        url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def create(self, *, migrated: bool = False) -> str:
        """The URL of a new database: empty, or a copy of an empty one with the current schema,
        for copying is several times faster than migrating."""
        name = f"hd_{uuid4().hex}"
        self._admin(
            f"CREATE DATABASE {name} TEMPLATE {self._migrated()}"
            if migrated
            else f"CREATE DATABASE {name}"
        )
        return self._url(name)

    def _url(self, name: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def _migrated(self) -> str:
        if self._template is None:
            name = "migrated"
            self._admin(f"CREATE DATABASE {name}")
            database = Database(self._url(name))
            database.migrate()
            database.close()
            self._template = name
        return self._template

    def drop(self, url: str) -> None:
        self._admin(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def stop(self) -> None:
        self._run("pg_ctl", "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._folder)
