"""What operators copy from docs/deploy holds together, as far as reading it can tell: neither
containers nor systemd run in the tests."""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from services import settings
from services.setting_values import ROOT

DEPLOY = ROOT / "docs" / "deploy"


def instructions() -> list[tuple[str, str]]:
    """Of the Containerfile: keyword and the rest, with continued lines put together."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined)]


def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def copied() -> list[str]:
    """Paths of the context that go into the image."""
    found = [rest.split() for word, rest in instructions() if word == "COPY"]
    return [path for words in found if not words[0].startswith("--from") for path in words[:-1]]


def test_what_the_image_copies_is_there() -> None:
    assert [path for path in copied() if not (ROOT / path).exists()] == []


def test_the_image_has_all_that_runs() -> None:
    packages = {p.parent.name for p in ROOT.glob("*/*.py")} - {"tests", "client"}
    packages = {name for name in packages if not name.startswith(".")}
    assert packages <= set(copied())
    assert {"app.py", "assets", "requirements.txt", "package-lock.json"} <= set(copied())


def test_the_context_lets_in_what_is_copied_and_no_secret() -> None:
    lines = (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]

    def enters(path: str) -> bool:
        verdict = True
        for rule in rules:
            pattern = rule.removeprefix("!").removeprefix("**/")
            if fnmatch.fnmatch(path, pattern):
                verdict = rule.startswith("!")
        return verdict

    assert [path for path in copied() if not enters(path)] == []
    assert [path for path in ("instance", ".git", ".venv", "docs", "tests") if enters(path)] == []


def test_the_image_runs_as_nobody_special() -> None:
    words = [word for word, _ in instructions()]
    assert ("USER", "healthdeck") in instructions()
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert {"HEALTHCHECK", "VOLUME", "STOPSIGNAL"} <= set(words)


def test_settings_that_are_given_exist() -> None:
    given = set(compose()["services"]["healthdeck"]["environment"])
    text = "".join(p.read_text(encoding="utf-8") for p in (DEPLOY / "compose.yaml",))
    given |= set(re.findall(r"^      # ([A-Z_]+):", text, re.MULTILINE))
    environment = dict(instructions())["ENV"]
    given |= set(re.findall(r"\b([A-Z_]+)=", environment)) - {
        "PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE",
    }  # fmt: skip
    unit = (DEPLOY / "healthdeck.service").read_text(encoding="utf-8")
    given |= set(re.findall(r"^Environment=([A-Z_]+)=", unit, re.MULTILINE))
    assert {name.removesuffix("_FILE") for name in given} <= set(settings.NAMES)


def test_the_composition_names_what_it_has() -> None:
    whole = compose()
    healthdeck = whole["services"]["healthdeck"]
    build = healthdeck["build"]
    assert (DEPLOY / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()
    for name, service in whole["services"].items():
        assert set(service.get("depends_on", {})) <= set(whole["services"]), name
        assert set(service.get("secrets", [])) <= set(whole["secrets"]), name
        named = {v.partition(":")[0] for v in service.get("volumes", []) if v[0] not in "./"}
        assert named <= set(whole["volumes"]), name
        if name != "healthdeck":  # its own check comes with the image
            assert "healthcheck" in service, name
    for value in healthdeck["environment"].values():
        if value.startswith("/run/secrets/"):
            assert value.removeprefix("/run/secrets/") in healthdeck["secrets"]
    assert healthdeck["ports"] == ["127.0.0.1:8050:8050"], "not open to the world without TLS"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "healthdeck.service").read_text(encoding="utf-8")
    unit = tmp_path / "healthdeck.service"
    unit.write_text(text.replace("/opt/healthdeck/.venv/bin/python", shutil.which("true") or ""))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_page_explains_every_message_of_a_start() -> None:
    """Each message in the table of docs/operations.md is one that the product has."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    table = page.partition("## Troubleshooting")[2].partition("\n## ")[0]
    messages = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    assert len(messages) >= 15
    paths = [*(ROOT / "services").rglob("*.py"), ROOT / "app.py", ROOT / "Makefile"]
    source = " ".join(path.read_text(encoding="utf-8") for path in paths)
    source = re.sub(r'"\s*\n\s*f?"', "", source)  # sentences that go over several lines
    missing = [
        part.strip()
        for message in messages
        for part in message.split("…")
        if len(part.strip()) > 3 and part.strip() not in source
    ]
    assert missing == []
