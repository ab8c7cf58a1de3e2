"""The command line: what it prints, its exit codes, and what a start needs."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import jwt
import pytest

from models.database import Database
from services.errors import ConfigurationError
from services.settings import Settings, load
from services.web import database_check, preflight
from tests.support.product import ROOT, Healthdeck

INVENTORY = """\
vps:
  - id: vps-1
    services:
      - {name: api, type: backend, check: {http: "http://127.0.0.1:9/health"}}
      - {name: db, type: database}
  - id: vps-2
tenants:
  - {id: acme}
"""


@pytest.fixture
def installation(tmp_path: Path) -> Healthdeck:
    """An installation that is not running."""
    return Healthdeck(tmp_path)


def settings(folder: Path, **given: object) -> Settings:
    base = {"database_url": f"sqlite:///{folder}/t.db", "secret_key": "s" * 40,
            "jwt_secret": "j" * 40}  # fmt: skip
    return load({}, **{**base, **given})


# Tokens


def test_a_token_is_all_that_is_printed(installation: Healthdeck) -> None:
    installation.at_once = False
    began = time.time()
    done = installation.command(
        "token", "--role", "admin", "--subject", "ci", "--minutes", "5", "--tenant", "acme",
        "--tenant", "globex",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    claims = jwt.decode(done.stdout.strip(), installation.env["JWT_SECRET"], algorithms=["HS256"])
    assert done.stdout.count("\n") == 1
    assert (claims["sub"], claims["role"], claims["tenants"]) == ("ci", "admin", ["acme", "globex"])
    assert 290 < claims["exp"] - began < 400


def test_a_token_is_good_for_an_hour_and_for_everything_by_default(
    installation: Healthdeck,
) -> None:
    done = installation.command("token", "--role", "super_admin", "--json")
    answer = json.loads(done.stdout)
    claims = jwt.decode(answer["token"], installation.env["JWT_SECRET"], algorithms=["HS256"])
    assert claims["exp"] - claims["iat"] == pytest.approx(3600, abs=2)
    assert "tenants" not in claims
    assert answer["ok"] is True


@pytest.mark.parametrize("minutes", ["0", "-5", "1e12", "nan"])
def test_a_token_has_bounds(installation: Healthdeck, minutes: str) -> None:
    done = installation.command("token", "--role", "admin", f"--minutes={minutes}")
    assert done.returncode == 1
    assert "minutes" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("token",),
        ("token", "--role", "guest"),
        ("token", "--role", "admin", "--minutes", "soon"),
        ("create-user", "ops"),
        ("check-config",),
        ("fly",),
        ("--prot", "80"),
    ],
)
def test_mistakes_of_usage_are_code_2(installation: Healthdeck, arguments: tuple[str, ...]) -> None:
    done = installation.command(*arguments)
    assert done.returncode == 2
    assert "usage:" in done.stderr
    assert "Traceback" not in done.stderr


# Users


def test_a_user_is_created_once(installation: Healthdeck) -> None:
    installation.at_once = False
    create = ("create-user", "ops", "--role", "admin", "--password-stdin")
    done = installation.command(*create, stdin="correct horse battery\n")
    assert (done.returncode, done.stdout) == (0, "ops can log in as admin\n")
    rows = sqlite3.connect(installation.database).execute("SELECT name, role FROM users")
    assert rows.fetchall() == [("ops", "admin")]
    again = installation.command(*create, "--json", stdin="correct horse battery\n")
    assert again.returncode == 1
    assert json.loads(again.stdout)["ok"] is False


def test_a_short_password_or_none_is_refused(installation: Healthdeck) -> None:
    short = installation.command(
        "create-user", "ops", "--role", "admin", "--password-stdin", stdin="short\n"
    )
    assert short.returncode == 1
    assert "12" in short.stderr
    unasked = installation.command("create-user", "ops", "--role", "admin")
    assert unasked.returncode == 2
    assert "--password-stdin" in unasked.stderr


# Configuration


def test_a_right_inventory_is_counted(installation: Healthdeck) -> None:
    installation.at_once = False
    installation.write_inventory(INVENTORY)
    done = installation.command("check-config", str(installation.inventory))
    assert (done.returncode, done.stdout) == (
        0, "ok: 2 VPSes, 2 services, 1 tenant, 0 contacts, 0 rules\n"
    )  # fmt: skip


def test_a_wrong_inventory_is_told_with_its_lines(installation: Healthdeck) -> None:
    text = INVENTORY.replace("id: vps-2", "id: Vps 2").replace("type: backend", "tpye: backend")
    installation.write_inventory(text)
    done = installation.command("check-config", str(installation.inventory))
    assert done.returncode == 1
    assert "line 4" in done.stderr
    assert "line 6" in done.stderr
    as_json = installation.command("check-config", str(installation.inventory), "--json")
    assert as_json.returncode == 1
    assert any("line 6" in detail for detail in json.loads(as_json.stdout)["details"])


def test_no_inventory_is_no_stack_trace(installation: Healthdeck, tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        done = installation.command("check-config", str(path))
        assert done.returncode == 1
        assert str(path) in done.stderr
        assert "Traceback" not in done.stderr


def test_wrong_settings_stop_every_command(installation: Healthdeck) -> None:
    installation.env["JWT_SECRET"] = "short"
    done = installation.command("token", "--role", "admin")
    assert done.returncode == 1
    assert "JWT_SECRET" in done.stderr


def test_migrating_can_be_repeated(installation: Healthdeck) -> None:
    installation.at_once = False
    for _ in range(2):
        assert installation.command("migrate").returncode == 0
    tables = sqlite3.connect(installation.database).execute("SELECT name FROM sqlite_master")
    assert ("alerts",) in tables.fetchall()


# What a start needs


def test_everything_that_is_wrong_is_told_at_once(installation: Healthdeck) -> None:
    installation.at_once = False
    installation.write_inventory("vps: 7\n")
    installation.env["INVENTORY"] = str(installation.inventory)
    installation.env["DATABASE_URL"] = f"sqlite:///{installation.folder}"
    with socket.create_server(("127.0.0.1", installation.port)):
        done = installation.command("serve")
    assert done.returncode == 1
    assert "line 1" in done.stderr
    assert "is a folder" in done.stderr
    assert f"Port {installation.port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mistake_leaves_the_database_as_it_was(installation: Healthdeck) -> None:
    with socket.create_server(("127.0.0.1", installation.port)):
        assert installation.command("serve").returncode == 1
    tables = sqlite3.connect(installation.database).execute("SELECT name FROM sqlite_master")
    assert tables.fetchall() == []


@pytest.mark.parametrize(
    ("host", "words"),
    [("192.0.2.1", "not an address of this machine"), ("no.such.host.invalid", "not known here")],
)
def test_a_host_that_is_not_ours(host: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        preflight.listen(host, 8050)


def test_the_listening_socket_is_ours_from_the_check_on(tmp_path: Path) -> None:
    with preflight.listen("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    with (
        preflight.prepare(settings(tmp_path, port=port)).listener as listener,
        socket.create_connection(listener.getsockname(), timeout=2),
        pytest.raises(ConfigurationError, match=str(port)),
    ):
        preflight.listen("127.0.0.1", port)


def test_a_check_that_dies_is_a_mistake_too() -> None:
    assert preflight.in_a_child(lambda: os._exit(3)) != []
    assert preflight.in_a_child(lambda: [("x", ["y"])]) == [("x", ["y"])]


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    given = settings(tmp_path)
    database_check.open_database(given).close()
    with sqlite3.connect(tmp_path / "t.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from the future'")
    connection.close()
    with pytest.raises(ConfigurationError, match="newer version"):
        database_check.open_database(given)


def test_a_full_disk_is_found_by_a_real_write() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE t (x)")
    connection.execute("PRAGMA max_page_count = 2")
    with pytest.raises(sqlite3.Error) as full:
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
    connection.close()
    assert "disk is full" in database_check.sqlite_trouble(full.value)


def test_a_database_that_may_only_be_read(tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path}/t.db").close()
    sqlite3.connect(tmp_path / "t.db").execute("CREATE TABLE t (x)").connection.close()
    connection = sqlite3.connect(f"file:{tmp_path}/t.db?mode=ro", uri=True, isolation_level=None)
    with pytest.raises(sqlite3.Error) as refused:
        database_check.prove_writable(connection)
    connection.close()
    assert "cannot be written" in database_check.sqlite_trouble(refused.value)


def test_a_database_that_somebody_keeps_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_check, "CONNECT_SECONDS", 0.1)
    given = settings(tmp_path)
    database_check.open_database(given).close()
    other = sqlite3.connect(tmp_path / "t.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ConfigurationError, match="locked by another program"):
        database_check.check(given)
    other.close()


def test_a_silent_database_server_is_given_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_check, "CONNECT_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # accepts and never says a word
        port = deaf.getsockname()[1]
        given = settings(tmp_path, database_url=f"postgresql://u:hush@127.0.0.1:{port}/d")
        began = time.monotonic()
        with pytest.raises(ConfigurationError, match="cannot be reached") as refused:
            database_check.check(given)
    assert time.monotonic() - began < 5
    assert "hush" not in str(refused.value)


def test_a_token_takes_no_time() -> None:
    """Scripts ask for one before every call: nothing heavy may be imported for it."""
    code = "import app, sys; app.parser(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"dash", "flask", "plotly", "sqlalchemy", "pydantic", "aiohttp"}
