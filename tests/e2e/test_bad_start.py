"""What stops a start: each mistake ends with code 1 and a message that says what is wrong."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest

from tests.conftest import Installs
from tests.support.product import Healthdeck

INVENTORY = """\
vps:
  - id: vps-1
    name: Netherlands 1
    services:
      - name: backend-api
        type: backend
        check: {http: "http://127.0.0.1:9/health"}
"""


def refused(installation: Healthdeck, *arguments: str) -> str:
    """What a start that must fail says."""
    process = installation.launch(*arguments)
    code = process.wait(30)
    text = installation.output()
    assert code == 1, text
    assert "Traceback" not in text
    assert len(text.strip().splitlines()) <= 12, f"too long to be read:\n{text}"
    return text


def test_the_port_is_taken(healthdeck: Installs) -> None:
    installation = healthdeck()
    installation.at_once = False
    with socket.create_server(("127.0.0.1", installation.port)):
        said = refused(installation)
    assert str(installation.port) in said
    installation.start()


def test_two_starts_on_one_port_leave_the_first_alone(healthdeck: Installs) -> None:
    first = healthdeck().start()
    second = healthdeck(PORT=str(first.port))
    assert str(first.port) in refused(second)
    with first.client() as client:
        assert first.overview(client)["overall"]


def test_two_processes_on_one_database_file_would_tell_everything_twice(
    healthdeck: Installs, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/shared.db"
    first = healthdeck(DATABASE_URL=url).start()
    second = healthdeck(DATABASE_URL=url)
    assert "Another Healthdeck" in refused(second)
    first.kill()
    second.start()


@pytest.mark.parametrize(
    "place", ["file/healthdeck.db", ".", "/proc/healthdeck.db"], ids=["in-a-file", "folder", "proc"]
)
def test_the_database_cannot_be_written(healthdeck: Installs, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("a file where a folder should be")
    path = tmp_path / place
    said = refused(healthdeck(DATABASE_URL=f"sqlite:///{path}"))
    assert str(path.parent) in said
    assert "database" in said.lower()


def test_a_file_that_is_no_database_is_kept_as_it_is(healthdeck: Installs, tmp_path: Path) -> None:
    path = tmp_path / "letters.txt"
    content = "Dear customer,\n" * 500
    path.write_text(content)
    said = refused(healthdeck(DATABASE_URL=f"sqlite:///{path}"))
    assert "database" in said.lower()
    assert path.read_text() == content


def test_the_database_server_does_not_answer(healthdeck: Installs) -> None:
    said = refused(healthdeck(DATABASE_URL="postgresql://hd:secret@127.0.0.1:9/hd"))
    assert "127.0.0.1" in said
    assert "secret" not in said


def test_the_inventory_is_missing(healthdeck: Installs, tmp_path: Path) -> None:
    path = tmp_path / "nowhere.yaml"
    assert str(path) in refused(healthdeck(INVENTORY=str(path)))
    assert str(path) in refused(healthdeck(), "--inventory", str(path))


@pytest.mark.parametrize(
    ("right", "wrong", "line", "words"),
    [
        ("name: Netherlands 1", "regoin: nl-west", 3, ["regoin"]),
        ("name: Netherlands 1", "name: [unclosed", 4, []),
        ("id: vps-1", "id: Vps 1", 2, ["Vps 1"]),
        ("http:", "ftp:", 7, ["ftp"]),
        ("http://127.0.0.1:9", "127.0.0.1", 7, ["web address"]),
        ("type: backend", "type: backend\n        dependsOn: [postgres]", 7, ["postgres"]),
    ],
    ids=["field", "syntax", "id", "check", "address", "dependency"],
)
def test_a_mistake_in_the_inventory_is_shown_with_its_line(
    healthdeck: Installs, right: str, wrong: str, line: int, words: list[str]
) -> None:
    installation = healthdeck(INVENTORY.replace(right, wrong, 1))
    said = refused(installation)
    assert f"line {line}" in said
    assert str(installation.inventory) in said
    for word in words:
        assert word in said


def test_every_mistake_of_an_inventory_is_told_at_once(healthdeck: Installs) -> None:
    text = INVENTORY.replace("name: Netherlands 1", "nmae: Netherlands 1").replace(
        "type: backend", "type: Back End"
    )
    said = refused(healthdeck(text))
    assert "line 3" in said
    assert "line 6" in said


def test_a_secret_of_the_inventory_is_not_set(healthdeck: Installs) -> None:
    text = (
        INVENTORY
        + """\
contacts:
  - name: Ops
    webhook: {url: "https://hooks.example/ops", secret: "${NO_SUCH_SECRET}"}
"""
    )
    said = refused(healthdeck(text))
    assert "NO_SUCH_SECRET" in said
    assert "line 10" in said


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SECRET_KEY", "hunter2", ["32"]),
        ("JWT_SECRET", "hunter2", ["32"]),
        ("PORT", "80800", ["65535"]),
        ("PORT", "http", ["PORT"]),
        ("COLLECT_INTERVAL", "soon", ["COLLECT_INTERVAL"]),
        ("COLLECT_INTERVAL", "0", ["COLLECT_INTERVAL"]),
        ("DATABASE_URL", "oracle://db", ["sqlite", "postgresql"]),
        ("WEBHOOK_ALLOW", "localhost", ["10.0.0.0/8"]),
        ("PORTAL_URL", "portal.example", ["https://"]),
        ("LOG_LEVEL", "loud", ["LOG_LEVEL"]),
    ],
)
def test_a_wrong_setting_is_named(
    healthdeck: Installs, name: str, value: str, words: list[str]
) -> None:
    said = refused(healthdeck(**{name: value}))
    assert name in said
    for word in words:
        assert word in said
    if name.endswith(("KEY", "SECRET")):
        assert value not in said


def test_every_wrong_setting_is_told_at_once(healthdeck: Installs) -> None:
    said = refused(healthdeck(SECRET_KEY="short", PORT="http", LOG_LEVEL="loud"))
    assert all(name in said for name in ("SECRET_KEY", "PORT", "LOG_LEVEL"))


def test_a_near_miss_of_a_setting_is_warned_of(healthdeck: Installs) -> None:
    installation = healthdeck(COLLECT_INTERVALL="5").start()
    said = installation.output()
    assert "COLLECT_INTERVALL" in said
    assert "COLLECT_INTERVAL " in said.replace("?", " ").replace("'", " ").replace('"', " ")


def test_an_unknown_option_is_a_mistake_of_usage(healthdeck: Installs) -> None:
    installation = healthdeck()
    installation.at_once = False
    done = installation.command("serve", "--prot", "80")
    assert done.returncode == 2
    assert "--prot" in done.stderr


def test_a_secret_is_taken_from_a_file(healthdeck: Installs, tmp_path: Path) -> None:
    path = tmp_path / "jwt"
    path.write_text("a signing key that lies in a file on disk\n")
    installation = healthdeck(JWT_SECRET_FILE=str(path))
    del installation.env["JWT_SECRET"]
    installation.start()
    with installation.client() as client:
        assert installation.overview(client)["overall"]


def test_secrets_that_nobody_gave_are_made_once_and_kept(healthdeck: Installs) -> None:
    installation = healthdeck()
    installation.at_once = False
    del installation.env["JWT_SECRET"], installation.env["SECRET_KEY"]
    token = installation.token()
    installation.start()
    headers = {"Authorization": f"Bearer {token}"}
    address = f"{installation.url}/api/admin/health/overview"
    assert httpx.get(address, headers=headers).status_code == 200
    installation.restart()
    assert httpx.get(address, headers=headers).status_code == 200
    made = [path for path in installation.folder.iterdir() if "secret" in path.name]
    assert len(made) == 2
    assert {path.stat().st_mode & 0o777 for path in made} == {0o600}
