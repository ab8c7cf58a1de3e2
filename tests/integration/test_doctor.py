"""``python app.py doctor``: what works and what does not."""

from __future__ import annotations

import json
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from services import doctor
from tests.conftest import Installs
from tests.support.product import Healthdeck
from tests.support.stores import PostgresServer, RedisServer
from tests.support.wait import free_port

BASE = {"SECRET_KEY": "s" * 40, "JWT_SECRET": "j" * 40}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Settings of an installation that is migrated and does not run."""
    installation = Healthdeck(tmp_path)
    assert installation.command("migrate").returncode == 0
    return {**BASE, "DATABASE_URL": installation.env["DATABASE_URL"], "PORT": str(free_port())}


def found(environ: dict[str, str]) -> dict[str, tuple[str, str]]:
    """State and text by name; of several the worst."""
    order = ("off", "ok", "warning", "broken")
    told = sorted(doctor.examine(environ), key=lambda one: order.index(one.state))
    return {one.name: (one.state, one.text) for one in told}


def change(environ: dict[str, str], statement: str) -> None:
    file = environ["DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(statement)
        connection.commit()


def test_a_running_installation_is_well(healthdeck: Installs) -> None:
    installation = healthdeck("vps:\n  - {id: vps-1, source: {type: local}}\n")
    del installation.env["SECRET_KEY"], installation.env["JWT_SECRET"]
    installation.start()
    done = installation.command("doctor", "--json")
    answer: Any = json.loads(done.stdout)
    assert (done.returncode, answer["ok"]) == (0, True), done.stdout
    states = {one["name"]: one["state"] for one in answer["checks"]}
    assert states.pop("disk") in ("ok", "warning")
    assert states == {
        "settings": "ok", "secrets": "ok", "database": "ok", "integrity": "ok", "redis": "off",
        "clock": "ok", "network": "off", "smtp": "off",
        "twilio": "off", "inventory": "ok", "browser files": "ok", "server": "ok",
    }  # fmt: skip
    text = installation.command("doctor")
    assert text.returncode == 0
    assert len(text.stdout.splitlines()) == len(answer["checks"])


def test_everything_that_is_broken_is_told_at_once(healthdeck: Installs, tmp_path: Path) -> None:
    installation = healthdeck("vps: 7\n", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    installation.env["REDSI_URL"] = "x"
    installation.at_once = False
    installation.database.write_text("no database at all, but a text of some length\n" * 200)
    done = installation.command("doctor")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for line in ("broken   database", "broken   redis", "broken   inventory"):
        assert line in done.stdout
    assert "is no SQLite database" in done.stdout
    assert "line 1" in done.stdout


def test_wrong_settings_are_all_that_is_looked_at() -> None:
    found = doctor.examine({**BASE, "PORT": "none", "URL_PREFIX": "x"})
    assert {(one.name, one.state) for one in found} == {("settings", "broken")}
    assert [one.text.partition(":")[0] for one in found] == ["PORT", "URL_PREFIX"]


def test_a_name_that_is_nearly_a_setting(environ: dict[str, str]) -> None:
    state, text = found({**environ, "REDIS_ULR": "redis://x"})["settings"]
    assert (state, "REDIS_URL" in text) == ("warning", True)


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    environ = {**BASE, "DATABASE_URL": f"sqlite:///{tmp_path}/t.db", "PORT": str(free_port())}
    told = found(environ)
    assert told["database"][0] == "off"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("revision", "state", "words"),
    [("9999", "broken", "newer version"), ("0001", "warning", "the next start brings it to")],
)
def test_another_schema(environ: dict[str, str], revision: str, state: str, words: str) -> None:
    change(environ, f"UPDATE alembic_version SET version_num = '{revision}'")
    told = found(environ)["database"]
    assert told[0] == state
    assert words in told[1]


def test_a_page_of_the_database_is_damaged(environ: dict[str, str]) -> None:
    file = Path(environ["DATABASE_URL"].removeprefix("sqlite:///"))
    data = bytearray(file.read_bytes())
    page = 4096 * (len(data) // 4096 // 2)
    data[page : page + 4096] = b"\xff" * 4096
    file.write_bytes(data)
    state, text = found(environ)["integrity"]
    assert (state, "restore a backup" in text) == ("broken", True)


def test_a_clock_that_was_set_back(environ: dict[str, str]) -> None:
    change(environ, "DELETE FROM alive")
    names = "SELECT group_concat(name || ' ' || type) FROM pragma_table_info('alive')"
    file = environ["DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as connection:
        columns = dict(
            part.split(" ", 1) for part in connection.execute(names).fetchone()[0].split(",")
        )
    values = ", ".join(str(time.time() + 600) if name == "at" else "1" for name in columns)
    change(environ, f"INSERT INTO alive ({', '.join(columns)}) VALUES ({values})")
    state, text = found(environ)["clock"]
    assert (state, "behind our own last sign of life" in text) == ("broken", True)


def test_secrets_that_others_can_read(tmp_path: Path) -> None:
    environ = {"DATABASE_URL": f"sqlite:///{tmp_path}/t.db", "PORT": str(free_port())}
    assert found(environ)["secrets"][0] == "ok"
    (tmp_path / "jwt_secret").chmod(0o644)
    state, text = found(environ)["secrets"]
    assert (state, f"chmod 600 {tmp_path}/jwt_secret" in text) == ("warning", True)


def test_witnesses(environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        there = f"127.0.0.1:{one.getsockname()[1]}"
        gone = f"127.0.0.1:{free_port()}"
        assert found({**environ, "WITNESSES": there})["network"][0] == "ok"
        assert found({**environ, "WITNESSES": f"{there} {gone}"})["network"][0] == "warning"
        assert found({**environ, "WITNESSES": gone})["network"][0] == "broken"


def test_postgresql_and_redis(postgres_server: PostgresServer, redis_server: RedisServer) -> None:
    environ = {
        **BASE,
        "DATABASE_URL": postgres_server.create(),
        "REDIS_URL": redis_server.url,
        "PORT": str(free_port()),
    }
    told = found(environ)
    assert told["database"][0] == "off"
    assert told["redis"][0] == "ok"
    assert told["clock"] == ("ok", told["clock"][1])
    assert "as the database's server and Redis" in told["clock"][1]
    assert told["server"][0] == "off"
