"""What the hub can make the agent do: nothing but what its own allow-list names."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.agent.allow import allow_list, arguments
from services.agent.commands import Commands
from services.agent.files import AgentError
from services.agent.protocol import Command
from services.agent.runner import OUTPUT_LIMIT, Outcome, Runner, clean
from services.agent.voice import Voice
from tests.support.wait import eventually

ALLOWS = ("restart:backend.service", "logs:container:web")


class Recorder(Runner):
    """Notes what would run."""

    def __init__(self) -> None:
        super().__init__("")
        self.ran: list[list[str]] = []

    def run(self, arguments) -> Outcome:
        self.ran.append(list(arguments))
        return Outcome(0, "fine")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def commands(tmp_path: Path, recorder: Recorder) -> Iterator[Commands]:
    made = desk(tmp_path, recorder)
    yield made
    made.end()


def desk(folder: Path, runner: Runner, *, run: bool = True) -> Commands:
    made = Commands(folder, ALLOWS, runner, Voice(lambda: 0.0))
    if run:
        threading.Thread(target=made.run, daemon=True).start()
    return made


def asked(name: str, action: str, unit: str, expires: float = 100.0) -> Command:
    return Command(name, action, unit, 200, expires)


def told(commands: Commands, name: str) -> dict:
    def ended() -> list[dict]:
        found = [one for one in commands.results() if one["id"] == name]
        return [one for one in found if one["state"] != "running"]

    return eventually(ended, 5, f"the end of {name}", every=0.005)[0]


ATTACKS = [
    ("restart", "a;rm -rf /"),
    ("restart", "--now"),
    ("restart", "-H"),
    ("restart", "../x"),
    ("restart", "backend.service\n"),
    ("restart", "backend.service\nother.service"),
    ("restart", "backend.service other.service"),
    ("restart", "backend.service\x00"),
    ("restart", "Backend.service"),
    ("restart", "backend"),
    ("restart", "back*.service"),
    ("restart", "$(reboot).service"),
    ("restart", "backend.service\u2028"),
    ("restart", "container:backend.service"),
    ("restart", "container:--all"),
    ("restart", ""),
    ("restart", "a" * 5000),
    ("logs", "backend.service"),
    ("logs", "web"),
    ("stop", "backend.service"),
    ("restart:backend.service", ""),
    ("", "restart:backend.service"),
    ("restart:", "backend.service"),
]


@pytest.mark.parametrize(("action", "unit"), ATTACKS)
def test_what_is_not_named_is_refused(
    commands: Commands, recorder: Recorder, action: str, unit: str
) -> None:
    commands.take([asked("c", action, unit)], lambda: 0.0)
    result = told(commands, "c")
    assert (result["state"], result["exitCode"]) == ("failed", None)
    assert "allow-list" in result["output"]
    assert len(result["output"]) < 400
    assert recorder.ran == []


@pytest.mark.parametrize(
    "word",
    [
        *("restart", "restart:", "stop:x", "restart:--now", "logs:../x", "restart:a b"),
        *("restart:a\n", "logs:container:", "logs:container:-f", "restart:*", "restart:a/b"),
        *("restart:a;b", ""),
    ],
)
def test_a_wrong_allow_list_stops_the_start(word: str) -> None:
    with pytest.raises(AgentError, match="--allow"):
        allow_list(["restart:good.service", word])


def test_argument_lists() -> None:
    words = ("restart:getty@tty1.service", "logs:container:web-1", "logs:container:web-1")
    assert allow_list(words) == words[:2]
    logs = ["journalctl", "-u", "a.service", "-n", "7", "--no-pager", "-o", "short-iso"]
    assert arguments("logs", "a.service", 7) == logs
    assert arguments("restart", "a.service", 7) == ["systemctl", "restart", "a.service"]
    assert arguments("logs", "container:web", 7) == ["docker", "logs", "--tail", "7", "web"]
    assert arguments("restart", "container:web", 7) == ["docker", "restart", "web"]


def test_a_command_runs_once(commands: Commands, recorder: Recorder) -> None:
    command = asked("c", "restart", "backend.service")
    assert commands.take([command, command], lambda: 0.0) == 1
    assert told(commands, "c")["output"] == "fine"
    commands.delivered(commands.results())
    assert commands.take([command], lambda: 0.0) == 0
    assert not commands.has_news(), "a hub that keeps asking is not answered in a loop"
    again = commands.results()
    assert [(one["state"], one["exitCode"]) for one in again] == [("done", 0)]
    commands.delivered(again)
    assert recorder.ran == [["systemctl", "restart", "backend.service"]]


def test_a_command_runs_once_over_a_restart(tmp_path: Path, recorder: Recorder) -> None:
    command = asked("c", "restart", "backend.service")
    first = desk(tmp_path, recorder)
    first.take([command], lambda: 0.0)
    told(first, "c")
    first.end()
    second = desk(tmp_path, recorder)
    assert second.results()[0]["output"] == "fine", "what was not told yet is told"
    second.delivered(second.results())
    second.take([command], lambda: 0.0)
    second.end()
    third = desk(tmp_path, recorder)
    assert third.results() == []
    third.end()
    assert len(recorder.ran) == 1


def test_a_command_that_expires_while_it_waits(tmp_path: Path, recorder: Recorder) -> None:
    now = [0.0]
    waiting = desk(tmp_path, recorder, run=False)
    waiting.take([asked("c", "restart", "backend.service")], lambda: now[0])
    now[0] = 101.0
    threading.Thread(target=waiting.run, daemon=True).start()
    assert "expired" in told(waiting, "c")["output"]
    waiting.end()
    assert recorder.ran == []


def test_without_a_disk_nothing_runs(tmp_path: Path, recorder: Recorder) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    commands = desk(folder, recorder)
    shutil.rmtree(folder)
    commands.take([asked("c", "restart", "backend.service")], lambda: 0.0)
    assert "cannot be written" in told(commands, "c")["output"]
    commands.end()
    assert recorder.ran == []


def test_what_waits_and_what_is_remembered_is_bounded(
    tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.agent.commands.REMEMBERED", 40)
    commands = desk(tmp_path, recorder, run=False)
    for number in range(30):
        commands.take([asked(f"w{number}", "restart", "backend.service")], lambda: 0.0)
    refused = {one["id"] for one in commands.results()}
    assert refused <= {f"w{n}" for n in range(16, 30)}
    for number in range(60):
        commands.take([asked(f"r{number}", "stop", "x")], lambda: 0.0)
        commands.delivered(commands.results())
    found = json.loads((tmp_path / "commands").read_bytes().split(b" ", 2)[2])
    assert len(found) <= 40
    assert {f"w{n}" for n in range(16)} <= {one["id"] for one in found}, "those that wait stay"


def python(*words: str, limit: float = 10) -> Outcome:
    return Runner("/usr/bin:/bin", limit).run([sys.executable, "-c", *words])


def test_the_end_of_a_long_output_is_kept() -> None:
    outcome = python("for n in range(200_000): print('line', n)")
    assert outcome.exit_code == 0
    assert len(outcome.output.encode()) <= OUTPUT_LIMIT
    assert outcome.output.startswith("[the beginning is left out]\n")
    assert outcome.output.endswith("line 199999\n")


def test_what_takes_too_long_is_ended_with_its_children() -> None:
    script = "import subprocess, sys; print('before', flush=True); "
    script += "subprocess.run(['sleep', '30'])"
    began = time.monotonic()
    outcome = python(script, limit=0.5)
    assert time.monotonic() - began < 5
    assert outcome.exit_code is None
    assert outcome.output.startswith("before\n")
    assert "more than 0.5 s" in outcome.output


def test_what_is_left_behind_is_not_waited_for() -> None:
    began = time.monotonic()
    outcome = Runner("/usr/bin:/bin", 10).run(["sh", "-c", "sleep 3 & echo started"])
    assert time.monotonic() - began < 2
    assert outcome == Outcome(0, "started\n")


def test_a_program_gets_neither_input_nor_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHDECK_TOKEN", "hda_secret")
    outcome = python("import os, sys; print(sorted(os.environ), repr(sys.stdin.read()))")
    assert "HEALTHDECK" not in outcome.output
    assert outcome.output.endswith("''\n")


def test_a_program_that_is_not_there() -> None:
    outcome = Runner("/nowhere").run(["systemctl", "restart", "x"])
    assert outcome == Outcome(None, "systemctl cannot be started: No such file or directory")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b[1;31mred\x1b[0m\x1b]0;title\x07\x1b(B", "red(B"),
        (b"a\x00b\x07c\x7fd\x9be", "abcd\ufffde"),
        (b"one\r\ntwo\rthree\tfour\n", "one\ntwo\nthree\tfour\n"),
        ("evil\u202etxt.exe \u2066x\u2069".encode(), "eviltxt.exe x"),
        ("Zürich ✓".encode(), "Zürich ✓"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_output_is_cleaned(raw: bytes, shown: str) -> None:
    assert clean(raw) == shown
