"""The agent's command line, its one file, and its place in the house."""

from __future__ import annotations

import argparse
import ast
import io
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from services.agent import VERSION, archive
from services.agent.files import AgentError
from services.agent.options import Options, add_arguments, read_options

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "hda_0123456789abcdef"


def options(*words: str, **env: str) -> Options:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    hub = () if "--hub" in words else ("--hub", "https://hub.example")
    return read_options(parser.parse_args([*hub, *words]), env)


def test_what_is_given_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    words = ("--token-file", str(file), "--state", "/x", "--interval", "10")
    found = options(*words, "--allow", "restart:a.service", "logs:a.service", "--allow", "logs:b")
    assert found.allows == ("restart:a.service", "logs:a.service", "logs:b")
    assert (found.token(), found.state, found.interval) == (TOKEN, Path("/x"), 10)
    assert found.warnings == ()


def test_the_token_comes_from_one_place(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "file")
    assert options(HEALTHDECK_TOKEN=TOKEN).token() == TOKEN
    assert options(HEALTHDECK_TOKEN_FILE=str(file)).token() == TOKEN + "file"
    assert options("--token", TOKEN, HEALTHDECK_TOKEN="other-token").token() == TOKEN
    assert options("--token-file", str(file), HEALTHDECK_TOKEN="x").token() == TOKEN + "file"
    assert "seen by all users" in options("--token", TOKEN).warnings[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "token is missing"),
        (("--token", "short"), "not one"),
        (("--token", f"{TOKEN}\r\nX: y"), "not one"),
        (("--token-file", "/nowhere/token"), "cannot be read: No such file"),
        (("--token", TOKEN, "--interval", "0"), "--interval"),
        (("--token", TOKEN, "--interval", "nan"), "--interval"),
        (("--token", TOKEN, "--interval", "1e9"), "--interval"),
        (("--token", TOKEN, "--allow", "reboot"), "--allow"),
        (("--token", TOKEN, "--hub", "hub.example"), "--hub"),
        (("--token", TOKEN, "--hub", "ftp://hub.example"), "--hub"),
        (("--token", TOKEN, "--hub", "https://"), "--hub"),
        (("--token", TOKEN, "--hub", "https://hub.example:99999"), "--hub"),
        (("--token", TOKEN, "--hub", "https://hub.example/a b"), "--hub"),
        (("--token", TOKEN, "--hub", "https://me:secret@hub.example"), "--hub"),
        (("--token", TOKEN, "--hub", "https://hub.example?x=1"), "--hub"),
    ],
)
def test_what_is_wrong_is_said(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(AgentError) as error:
        options(*words)
    assert said in str(error.value)
    assert TOKEN not in str(error.value)
    assert "secret" not in str(error.value)


def test_the_state_folder() -> None:
    found = options(HEALTHDECK_TOKEN=TOKEN, STATE_DIRECTORY="/var/lib/x:/var/lib/y")
    assert found.state == Path("/var/lib/x")
    assert options(HEALTHDECK_TOKEN=TOKEN, XDG_STATE_HOME="/h").state.name == "healthdeck-agent"


def test_a_plain_connection_is_warned_of() -> None:
    def warned(hub: str) -> bool:
        return bool(options("--hub", hub, HEALTHDECK_TOKEN=TOKEN).warnings)

    assert warned("http://hub.example")
    assert not warned("https://hub.example/healthdeck")
    assert not warned("http://127.0.0.1:8050")


def test_the_same_sources_make_the_same_bytes() -> None:
    first = archive.agent_archive()
    assert archive.agent_archive() is first
    archive.agent_archive.cache_clear()
    archive.agent_archive_sha256.cache_clear()
    assert archive.agent_archive() == first
    assert len(archive.agent_archive_sha256()) == 64


def test_the_file_holds_the_agent_and_nothing_else() -> None:
    with zipfile.ZipFile(io.BytesIO(archive.agent_archive())) as file:
        names = file.namelist()
        assert file.testzip() is None
    own = {f"services/agent/{p.name}" for p in (ROOT / "services" / "agent").glob("*.py")}
    shared = {"__main__.py", "services/__init__.py", "services/host.py", "services/observation.py"}
    assert set(names) == (own | shared) - {"services/agent/archive.py"}
    assert len(names) == len(set(names))


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


def test_the_agent_needs_nothing_but_psutil() -> None:
    """What the one file imports is in the file, in Python, or psutil."""
    with zipfile.ZipFile(io.BytesIO(archive.agent_archive())) as file:
        names = set(file.namelist())
        trees = [ast.parse(file.read(name)) for name in names]
    wanted = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.ImportFrom):
            wanted.add(str(node.module))
        elif isinstance(node, ast.Import):
            wanted |= {alias.name for alias in node.names}
    own = {name for name in wanted if name.startswith("services")}
    assert {f"{name.replace('.', '/')}.py" for name in own - {"services.agent"}} <= names
    others = {name.partition(".")[0] for name in wanted - own}
    assert others - set(sys.stdlib_module_names) == {"psutil"}
