"""The agent as it runs on a VPS: the one file, a process of its own, a hub over real sockets."""

from __future__ import annotations

import itertools
import os
import random
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from services.agent.archive import agent_archive
from tests.support.agent_hub import TOKEN, AgentHub, AgentProcess
from tests.support.wait import eventually, stays

Starts = Callable[..., AgentProcess]


@pytest.fixture
def hub() -> Iterator[AgentHub]:
    hub = AgentHub()
    yield hub
    hub.down()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "vps"
    folder.mkdir()
    path = folder / "agent.pyz"
    path.write_bytes(agent_archive())
    return path


@pytest.fixture
def agent(hub: AgentHub, archive: Path, tmp_path: Path) -> Iterator[Starts]:
    """Makes agents; what still runs at the end is killed."""
    made: list[AgentProcess] = []

    def make(*arguments: str, **options) -> AgentProcess:
        url = options.pop("hub", hub.url)
        made.append(AgentProcess(archive, url, tmp_path / "state", *arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.kill()


def arrive(hub: AgentHub, more: int, timeout: float = 15) -> None:
    wanted = len(hub.stored) + more
    eventually(lambda: len(hub.stored) >= wanted, timeout, f"{more} more readings arrive")


def whole(seqs: list[int]) -> bool:
    """Ascending as they came, none missing."""
    return seqs == list(range(seqs[0], seqs[-1] + 1))


def test_readings_arrive_as_the_protocol_says(hub: AgentHub, agent: Starts) -> None:
    running = agent("--allow", "logs:backend.service", "restart:backend.service").start()
    arrive(hub, 5)
    assert running.stop() < 2
    first = hub.reports[0]
    assert first["agent"].startswith("healthdeck-agent/")
    assert first["allows"] == ["logs:backend.service", "restart:backend.service"]
    assert first["results"] == []
    assert abs(first["sentAt"] - time.time()) < 30
    seen = list(hub.stored.values())
    assert set(seen[0]) == {"seq", "at", "metrics", "facts", "error"}
    assert seen[0]["metrics"]["system.memory.usedPercent"] > 0
    assert seen[0]["facts"]["cores"] >= 1
    gaps = [b["at"] - a["at"] for a, b in itertools.pairwise(seen)]
    assert sorted(gaps)[len(gaps) // 2] == pytest.approx(0.2, abs=0.1)
    assert hub.connections == 1, "the connection is kept"
    assert hub.duplicates == 0
    assert TOKEN not in running.said()
    assert stat.S_IMODE(running.state.stat().st_mode) == 0o700


def test_nothing_is_lost_and_nothing_comes_twice_whatever_the_hub_does(
    hub: AgentHub, agent: Starts
) -> None:
    running = agent().start()
    arrive(hub, 2)
    for way in ("garbage", "not-http", "forgets", "unknown", "busy"):
        before = len(hub.times)
        hub.way = way
        eventually(lambda: running.kept() >= 3, 10, f"readings are kept while {way}")
        assert len(hub.times) >= before
        hub.way = "well"
        arrive(hub, 4)
        eventually(lambda: running.kept() <= 1, 10, "the buffer is empty again")
    running.stop()
    (stream,) = hub.streams()
    assert whole(hub.seqs(stream))
    assert hub.duplicates >= 1, "what was stored without an answer came again"
    lines = running.said().splitlines()
    assert len(lines) <= 16, f"one line for each change of state:\n{running.said()}"


def test_an_outage_a_restart_and_a_kill_lose_nothing(hub: AgentHub, agent: Starts) -> None:
    running = agent().start()
    arrive(hub, 3)
    hub.down()
    running.says("cannot be reached")
    eventually(lambda: running.kept() >= 3, 10, "readings are kept")
    running.stop()
    kept = running.kept()
    running.start()
    eventually(lambda: running.kept() >= kept + 3, 10, "the next start keeps on")
    running.kill()
    kept = running.kept()
    running.start()
    hub.up()
    arrive(hub, kept + 2)
    running.stop()
    (stream,) = hub.streams()
    assert whole(hub.seqs(stream)[:3])
    assert hub.seqs(stream) == sorted(hub.seqs(stream)), "in their order"
    times = [one["at"] for one in hub.stored.values()]
    assert times == sorted(times)
    assert hub.duplicates <= kept


def test_killed_at_any_moment(hub: AgentHub, agent: Starts) -> None:
    """Ten kills: every number is stored once, and what was on disk arrives."""
    dice = random.Random(7)
    running = agent(interval=0.1)
    on_disk: set[int] = set()
    for turn in range(10):
        hub.way = dice.choice(["well", "forgets", "busy", "garbage"])
        running.start()
        eventually(lambda: len(list(running.state.glob("readings-*"))), 10, "it reads")
        stays(running.runs, dice.uniform(0.0, 0.6), f"turn {turn}", 0.01)
        running.kill()
        on_disk |= running.numbers()
    hub.way = "well"
    running.start()
    arrive(hub, 1)
    eventually(lambda: running.kept() <= 1, 10, "the buffer is empty")
    running.stop()
    assert "damaged" not in running.said()
    (stream,) = hub.streams()
    seqs = hub.seqs(stream)
    assert on_disk <= set(seqs), "what was on disk at a kill arrives"
    assert seqs == sorted(seqs)
    times = [hub.stored[stream, seq]["at"] for seq in seqs]
    assert len(set(times)) == len(times), "no reading has two numbers, no number two readings"


def test_a_busy_hub_is_left_alone_as_long_as_it_asks(hub: AgentHub, agent: Starts) -> None:
    hub.way, hub.retry_after = "busy", 2
    running = agent().start()
    eventually(lambda: len(hub.times) >= 3, 15, "it tries again")
    pauses = [b - a for a, b in itertools.pairwise(hub.times)]
    assert min(pauses) >= 1.99
    assert max(pauses) < 4
    hub.way = "well"
    arrive(hub, 12)
    running.stop()
    assert whole(hub.seqs())


@pytest.mark.parametrize("way", ["silent", "drips", "down"])
def test_it_ends_within_two_seconds(hub: AgentHub, agent: Starts, way: str) -> None:
    hub.way = way
    if way == "down":
        hub.down()
    running = agent().start()
    eventually(lambda: running.kept() >= 3, 10, "readings go on while the hub hangs")
    assert running.stop() < 2


def test_the_hub_sets_the_pace(hub: AgentHub, agent: Starts) -> None:
    hub.interval = 1
    running = agent(interval=300).start()
    arrive(hub, 4)
    running.stop()
    times = [one["at"] for one in hub.stored.values()]
    assert [b - a for a, b in itertools.pairwise(times)] == pytest.approx([1, 1, 1], abs=0.3)


def test_a_new_token_is_found_in_its_file(hub: AgentHub, agent: Starts, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("hda_an-older-token\n")
    running = agent("--token-file", str(file), env={"HEALTHDECK_TOKEN": ""}).start()
    running.says("401")
    file.write_text(f"{TOKEN}\n")
    arrive(hub, 3)
    running.stop()
    assert whole(hub.seqs())
    assert running.said().count("401") == 1
    assert "hda_" not in running.said()


def test_a_full_disk(hub: AgentHub, agent: Starts) -> None:
    running = agent().start()
    arrive(hub, 2)
    running.fill_disk()
    running.says("kept in memory")
    hub.down()
    running.says("cannot be reached")
    stays(running.runs, 0.8, "it goes on")
    hub.up()
    arrive(hub, 5)
    facts = [one["facts"].get("agentBuffer", "") for one in hub.stored.values()]
    assert any("in memory only" in fact for fact in facts), "the hub is told"
    running.free_disk()
    running.says("takes readings again")
    arrive(hub, 2)
    running.stop()
    assert hub.duplicates == 0
    assert all(whole(hub.seqs(stream)) for stream in hub.streams())
    assert whole(hub.seqs())


def test_a_damaged_buffer_costs_the_damaged_lines(hub: AgentHub, agent: Starts) -> None:
    hub.down()
    running = agent().start()
    eventually(lambda: running.kept() >= 5, 10, "readings are kept")
    running.kill()
    (file,) = running.state.glob("readings-*.log")
    lines = file.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"system", b"sYstem", 1)
    file.write_bytes(b"".join(lines)[:-7])
    hub.up()
    running.start()
    arrive(hub, len(lines) - 2 + 2)
    running.stop()
    running.says("2 line(s) of the buffer were damaged")
    seqs = hub.seqs()
    assert seqs[:2] == [1, 3]
    assert len(lines) not in seqs, "the number of a lost reading is not given again"


def test_one_agent_for_one_folder(hub: AgentHub, agent: Starts) -> None:
    first = agent().start()
    arrive(hub, 1)
    second = agent().start()
    assert second.process is not None
    assert second.process.wait(10) == 1
    second.says("Another agent runs with the state folder")
    arrive(hub, 1)
    first.stop()


def tools(folder: Path, **scripts: str) -> dict[str, str]:
    """A PATH whose systemctl, journalctl or docker are these scripts."""
    folder.mkdir()
    for name, script in scripts.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_commands_of_the_allow_list(hub: AgentHub, agent: Starts, tmp_path: Path) -> None:
    env = tools(
        tmp_path / "bin",
        systemctl=f'echo "$@" >> {tmp_path}/ran; env | grep -c -i hda_ >> {tmp_path}/ran; exit 0',
        journalctl='printf "%s\\n" "$*"; printf "\\033[31mred\\033[0m\\000bell\\007\\n"',
        docker='echo "no such container" >&2; exit 3',
    )
    running = agent(
        *("--allow", "restart:backend.service", "logs:backend.service"),
        *("--allow", "restart:container:web"),
        interval=5,
        env=env,
    ).start()
    hub.command("1", "restart", "backend.service")
    hub.command("2", "logs", "backend.service", lines=10**9)
    hub.command("3", "restart", "container:web")
    hub.command("4", "restart", "backend.service; touch /tmp/x")
    hub.command("5", "restart", "other.service")
    hub.command("6", "restart", "backend.service", good=-1)
    began = time.monotonic()
    eventually(lambda: all(hub.outcome(n) for n in "123456"), 10, "every command has an end")
    assert time.monotonic() - began < 4, "results do not wait for the next reading"
    assert (tmp_path / "ran").read_text() == "restart backend.service\n0\n", "without the token"
    logs = {n: hub.outcome(n) for n in "123456"}
    assert (logs["1"]["state"], logs["1"]["exitCode"]) == ("done", 0)
    asked, coloured = logs["2"]["output"].splitlines()
    assert asked == "-u backend.service -n 1000 --no-pager -o short-iso"
    assert coloured == "redbell"
    assert (logs["3"]["state"], logs["3"]["exitCode"]) == ("failed", 3)
    assert "no such container" in logs["3"]["output"]
    assert [logs[n]["state"] for n in "456"] == ["failed"] * 3
    assert "allow-list" in logs["4"]["output"]
    assert "expired" in logs["6"]["output"]
    hub.command("7", "logs", "backend.service")
    eventually(lambda: hub.outcome("7"), 4, "after a command the hub is asked every 2 s")
    running.stop()


def test_a_command_runs_once_although_the_agent_is_killed(
    hub: AgentHub, agent: Starts, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    env = tools(tmp_path / "bin", systemctl=f"echo run >> {ran}; exec sleep 30")
    running = agent("--allow", "restart:backend.service", env=env).start()
    hub.command("once", "restart", "backend.service")
    eventually(ran.exists, 10, "it runs")
    eventually(lambda: {"running"} == {r["state"] for r in hub.results}, 10, "and the hub knows")
    (child,) = psutil.Process(running.pid).children()
    running.kill()
    child.kill()
    hub.command("once", "restart", "backend.service")
    running.start()
    told = eventually(lambda: hub.outcome("once"), 10, "the hub is told")
    assert told["state"] == "failed"
    assert "not known" in told["output"]
    arrive(hub, 3)
    running.stop()
    assert ran.read_text() == "run\n"


def test_the_end_of_the_agent_is_the_end_of_its_commands(
    hub: AgentHub, agent: Starts, tmp_path: Path
) -> None:
    env = tools(tmp_path / "bin", journalctl="exec sleep 30")
    running = agent("--allow", "logs:backend.service", env=env).start()
    hub.command("long", "logs", "backend.service")
    parent = psutil.Process(running.pid)
    (child,) = eventually(parent.children, 10, "it runs")
    assert running.stop() < 2
    assert not child.is_running()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, made = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=hub"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(made)),
        ],
        check=True,
        capture_output=True,
    )
    return made, key


def test_certificates_are_verified(
    agent: Starts, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    hub = AgentHub(context)
    try:
        stranger = agent(hub=hub.url).start()
        stranger.says("its certificate is not good")
        stranger.stop()
        assert hub.reports == []
        friend = agent(hub=hub.url, env={"SSL_CERT_FILE": str(certificate[0])}).start()
        arrive(hub, 4)
        friend.stop()
        assert whole(hub.seqs()[:2])
    finally:
        hub.down()


def test_proxies_of_the_environment_are_not_used(hub: AgentHub, agent: Starts) -> None:
    proxy = "http://127.0.0.1:9"
    running = agent(env={"http_proxy": proxy, "HTTP_PROXY": proxy, "ALL_PROXY": proxy}).start()
    arrive(hub, 2)
    running.stop()


def test_it_is_small(hub: AgentHub, agent: Starts) -> None:
    """An agent that has run through an outage; the figures for a day stand in docs/agent.md."""
    running = agent(interval=0.1).start()
    arrive(hub, 5)
    hub.down()
    eventually(lambda: running.kept() > 20, 15, "readings are kept")
    hub.up()
    eventually(lambda: running.kept() <= 1, 15, "and sent")
    process = psutil.Process(running.pid)
    assert process.memory_info().rss < 36 * 1024**2
    before, began = process.cpu_times(), len(hub.stored)
    arrive(hub, 20)
    after, count = process.cpu_times(), len(hub.stored) - began
    spent = (after.user + after.system - before.user - before.system) / count
    assert spent < 0.05, "0.15 s each would be 0.5 % of a processor at 30 s"
    running.stop()


def test_help_needs_no_psutil_and_work_says_that_it_does(archive: Path) -> None:
    script = "import sys, runpy; sys.modules['psutil'] = None; sys.argv = sys.argv[1:]; "
    script += "runpy.run_path(sys.argv[0], run_name='__main__')"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", "-c", script, str(archive), *arguments],
            cwd=archive.parent,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    shown = run("--help")
    assert shown.returncode == 0
    assert "--token-file" in shown.stdout
    refused = run("--hub", "http://127.0.0.1:9", "--token", TOKEN, "--state", "state")
    assert refused.returncode == 1
    assert refused.stderr.startswith("The agent needs psutil")
    assert [p.name for p in archive.parent.iterdir()] == ["agent.pyz"], "nothing was begun"


def test_an_old_python_is_told_what_is_needed(archive: Path) -> None:
    script = "import sys, runpy; sys.version_info = (3, 9, 2, 'final', 0); "
    script += f"runpy.run_path({str(archive)!r}, run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "The agent needs Python 3.11 or newer; this is 3.9.\n"
