"""Backup while the real server writes, restore, start: everything is there."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.conftest import Installs
from tests.support.product import Healthdeck
from tests.support.stores import PostgresServer
from tests.support.wait import eventually

NAME, PASSWORD = "ada", "a password that is long enough"
#: Its machine is looked at each second.
BUSY = "vps:\n  - {id: vps-1, source: {type: local}, monitoring: {interval: 1, timeout: 1}}\n"


def keeping_its_secrets(folder: Path) -> Healthdeck:
    """An installation whose secrets lie beside its database."""
    made = Healthdeck(folder)
    del made.env["SECRET_KEY"], made.env["JWT_SECRET"]
    return made


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation that is migrated and does not run, with a backup of it."""
    made = keeping_its_secrets(tmp_path_factory.mktemp("original"))
    made.at_once = False
    assert made.command("migrate").returncode == 0
    done = made.command("backup", str(made.folder / "saved.backup"))
    assert done.returncode == 0, done.stderr
    return made.folder


@pytest.fixture
def installation(original: Path, tmp_path: Path) -> Healthdeck:
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    return keeping_its_secrets(tmp_path)


@pytest.fixture
def saved(installation: Healthdeck) -> Path:
    """A backup of it."""
    return installation.folder / "saved.backup"


def ask(database: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database, timeout=10)) as connection:
        return connection.execute(query).fetchall()


def kept(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("healthdeck.db.before-*") if p.suffix[-4:] != "-shm")


def test_all_of_a_running_installation(healthdeck: Installs) -> None:
    installation = healthdeck(BUSY)
    for name in ("SECRET_KEY", "JWT_SECRET"):  # it keeps its own
        del installation.env[name]
    installation.start()
    installation.create_user(NAME, PASSWORD)
    token = installation.token()
    count = "SELECT count(*) FROM host_samples"
    eventually(lambda: ask(installation.database, count) > [(1,)], 20, "it writes")
    login = {"name": NAME, "password": PASSWORD}
    with httpx.Client(base_url=installation.url, headers={"Origin": installation.url}) as browser:
        assert browser.post("/login", data=login).status_code == 303
        cookies = dict(browser.cookies)

    file = installation.folder / "saved.backup"
    done = installation.command("backup", str(file), "--json")
    assert done.returncode == 0, done.stdout
    answer = json.loads(done.stdout)
    assert answer["secrets"] == ["secret_key", "jwt_secret"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.stat().st_size == answer["size"] < answer["databaseSize"]
    (at_backup,) = ask(installation.database, count)
    eventually(lambda: ask(installation.database, count) > [at_backup], 20, "it writes on")

    running = installation.command("restore", str(file))
    assert running.returncode == 1
    assert "is using" in running.stderr
    assert "Stop it first" in running.stderr
    installation.stop()
    for name in ("secret_key", "jwt_secret"):
        (installation.folder / name).write_text("another secret, which came meanwhile " * 2)
    done = installation.command("restore", str(file), "--json")
    assert done.returncode == 0, done.stdout
    restored = json.loads(done.stdout)
    assert restored["kept"] == str(*kept(installation.folder))
    assert ask(Path(restored["kept"]), count) > [at_backup], "what was there is kept"
    assert ask(installation.database, "PRAGMA integrity_check") == [("ok",)]
    assert ask(installation.database, count) <= [at_backup]

    installation.start()
    bearer = {"Authorization": f"Bearer {token}"}
    address = f"{installation.url}/api/admin/health/overview"
    assert httpx.get(address, headers=bearer).status_code == 200, "a token holds"
    assert httpx.get(address, cookies=cookies).status_code == 200, "a login holds"
    before = ask(installation.database, count)
    eventually(lambda: ask(installation.database, count) > before, 20, "it goes on writing")


def test_a_restore_can_log_everybody_out(installation: Healthdeck) -> None:
    installation.create_user(NAME, PASSWORD)
    with closing(sqlite3.connect(installation.database)) as connection:
        connection.execute("INSERT INTO sessions SELECT 'x', id, 0, 1e12 FROM users")
        connection.commit()
    token = installation.token()
    file = installation.folder / "of-now.backup"
    assert installation.command("backup", str(file)).returncode == 0
    installation.at_once = False
    done = installation.command("restore", str(file), "--log-out")
    assert done.returncode == 0, done.stderr
    assert "has to log in again" in done.stdout
    assert ask(installation.database, "SELECT name FROM users") == [(NAME,)]
    assert ask(installation.database, "SELECT * FROM sessions") == []
    assert not (installation.folder / "jwt_secret").exists()
    installation.at_once = True
    assert installation.token().split(".")[2] != token.split(".")[2]


def test_secrets_of_the_environment_stay_there(installation: Healthdeck, saved: Path) -> None:
    installation.env["JWT_SECRET"] = "a signing key that only this test knows"
    done = installation.command("restore", str(saved))
    assert done.returncode == 0
    assert "JWT_SECRET is the environment's, not the backup's" in done.stdout
    again = installation.folder / "again.backup"
    answer = json.loads(installation.command("backup", str(again), "--json").stdout)
    assert answer["secrets"] == ["secret_key"]


def test_a_new_machine_needs_nothing_but_the_file(saved: Path, tmp_path: Path) -> None:
    other = keeping_its_secrets(tmp_path / "other" / "place")
    done = other.command("restore", str(saved), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["kept"] is None
    for name in ("secret_key", "jwt_secret"):
        assert (other.folder / name).read_bytes() == (saved.parent / name).read_bytes()
    assert ask(other.database, "PRAGMA integrity_check") == [("ok",)]


# Wrong files: told in words, exit code 1, and everything as it was


def cut(file: Path, wrong: Path) -> None:
    data = file.read_bytes()
    wrong.write_bytes(data[: len(data) * 2 // 3])


def cut_short(file: Path, wrong: Path) -> None:
    wrong.write_bytes(file.read_bytes()[:-4])


def flip(file: Path, wrong: Path) -> None:
    data = bytearray(gzip.decompress(file.read_bytes()))
    data[len(data) // 2] ^= 0xFF
    wrong.write_bytes(gzip.compress(bytes(data)))


def text(_file: Path, wrong: Path) -> None:
    wrong.write_text("not a backup\n" * 1000)


def a_database(file: Path, wrong: Path) -> None:
    shutil.copy(file.parent / "healthdeck.db", wrong)


def another_tar(file: Path, wrong: Path) -> None:
    with tarfile.open(wrong, "w:gz") as tar:
        tar.add(file.parent / "healthdeck.db", "healthdeck.db")


def packed_zeros(_file: Path, wrong: Path) -> None:
    wrong.write_bytes(gzip.compress(bytes(100_000)))


def empty(_file: Path, wrong: Path) -> None:
    wrong.touch()


def folder(_file: Path, wrong: Path) -> None:
    wrong.mkdir()


def newer_form(file: Path, wrong: Path) -> None:
    edited(file, wrong, format=2)


def newer_schema(file: Path, wrong: Path) -> None:
    edited(file, wrong, revision="9999")


def more_members(file: Path, wrong: Path) -> None:
    edited(file, wrong, members={"../../evil": {"size": 1, "sha256": ""}})


def edited(file: Path, wrong: Path, **change: object) -> None:
    with tarfile.open(file) as old, tarfile.open(wrong, "w:gz") as new:
        for info in old:
            data = old.extractfile(info)
            assert data is not None
            if info.name == "manifest.json":
                body = json.dumps({**json.load(data), **change}).encode()
                info.size = len(body)
                wrong.with_suffix(".json").write_bytes(body)
                data = wrong.with_suffix(".json").open("rb")
            with data:
                new.addfile(info, data)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (cut, "is cut off"),
        (cut_short, "is cut off"),
        (flip, "is damaged"),
        (text, "is no backup of Healthdeck"),
        (a_database, "is no backup of Healthdeck"),
        (another_tar, "is no backup of Healthdeck"),
        (packed_zeros, "is no backup of Healthdeck"),
        (more_members, "is no backup of Healthdeck"),
        (empty, "is no backup of Healthdeck"),
        (folder, "cannot be read"),
        (newer_form, "newer version"),
        (newer_schema, "newer version"),
    ],
)
def test_a_wrong_file_changes_nothing(
    installation: Healthdeck, saved: Path, spoil: object, words: str
) -> None:
    wrong = installation.folder / "wrong.backup"
    assert callable(spoil)
    spoil(saved, wrong)
    before = {
        p.name: p.read_bytes()
        for p in installation.folder.iterdir()
        if p.name.startswith(("healthdeck.db", "secret_key", "jwt_secret")) and p.suffix != ".lock"
    }
    done = installation.command("restore", str(wrong))
    assert done.returncode == 1
    assert words in done.stderr
    assert str(wrong) in done.stderr
    assert "Traceback" not in done.stderr
    assert [p for p in installation.folder.iterdir() if p.name.startswith(".restore")] == []
    for name, data in before.items():
        assert (installation.folder / name).read_bytes() == data
    assert kept(installation.folder) == []


def test_a_damaged_database_can_be_replaced(installation: Healthdeck, saved: Path) -> None:
    installation.database.write_bytes(b"\0" * 8192)
    assert installation.command("backup", str(saved.with_name("b"))).returncode == 1
    assert not saved.with_name("b").exists()
    done = installation.command("restore", str(saved))
    assert done.returncode == 0, done.stderr
    assert ask(installation.database, "PRAGMA integrity_check") == [("ok",)]
    (old,) = kept(installation.folder)
    assert old.read_bytes() == b"\0" * 8192


@pytest.mark.parametrize(
    ("target", "words"), [("saved.backup", "is there already"), ("none/b", "There is no folder")]
)
def test_a_backup_needs_a_place(
    installation: Healthdeck, saved: Path, target: str, words: str
) -> None:
    before = saved.read_bytes()
    done = installation.command("backup", str(installation.folder / target))
    assert done.returncode == 1
    assert words in done.stderr
    assert saved.read_bytes() == before


def test_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    done = Healthdeck(tmp_path).command("backup", str(tmp_path / "b"))
    assert done.returncode == 1
    assert "There is no database" in done.stderr
    assert not (tmp_path / "healthdeck.db").exists(), "looking makes none"


# PostgreSQL


@pytest.fixture
def on_postgres(tmp_path: Path, postgres_server: PostgresServer) -> Healthdeck:
    url = postgres_server.create()
    env = {"DATABASE_URL": url, "SECRET_KEY": "s" * 40, "JWT_SECRET": "j" * 40}
    made = Healthdeck(tmp_path, env=env)
    assert made.command("migrate").returncode == 0
    return made


def test_postgresql_there_and_back(on_postgres: Healthdeck, tmp_path: Path) -> None:
    on_postgres.create_user(NAME, PASSWORD)
    file = tmp_path / "saved.backup"
    done = on_postgres.command("backup", str(file))
    assert done.returncode == 0, done.stderr
    on_postgres.create_user("eve", PASSWORD)
    done = on_postgres.command("restore", str(file), "--json")
    assert done.returncode == 0, done.stdout
    (before,) = tmp_path.glob("before-*.backup")
    assert json.loads(done.stdout)["kept"] == str(before)
    again = on_postgres.command(
        "create-user", NAME, "--role", "admin", "--password-stdin", stdin=f"{PASSWORD}\n"
    )
    assert again.returncode == 1, "ada is back"
    on_postgres.create_user("eve", PASSWORD)


def test_postgresql_in_use_and_of_another_kind(
    on_postgres: Healthdeck, saved: Path, tmp_path: Path
) -> None:
    import psycopg

    wrong = on_postgres.command("restore", str(saved))
    assert wrong.returncode == 1
    assert "is of SQLite, but DATABASE_URL names PostgreSQL" in wrong.stderr
    with psycopg.connect(on_postgres.env["DATABASE_URL"]):
        used = on_postgres.command("restore", str(saved))
    assert used.returncode == 1
    assert "Stop every Healthdeck on it first" in used.stderr


def test_postgresql_without_its_programs(on_postgres: Healthdeck, tmp_path: Path) -> None:
    on_postgres.env["PATH"] = str(tmp_path)
    done = on_postgres.command("backup", str(tmp_path / "b"))
    assert done.returncode == 1
    assert "postgresql-client" in done.stderr
    assert "pg_dump --format=custom" in done.stderr
    assert list(tmp_path.iterdir()) == []
