"""Agents that were away and come back all at once: how soon everything that they kept is stored,
and what those who look at the pages notice of it.

The agents (tests.fleet) live in a process of their own. They report, go away for so long that
the hub calls them silent, and come back with as many readings as ten minutes at 30 s make.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import sqlite3
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import yaml

from tests.bench.installations import installations
from tests.bench.table import Row, quantile, table
from tests.fleet.agents import Agents
from tests.fleet.plan import build
from tests.fleet.process import Fleet
from tests.fleet.simulation import Simulation
from tests.support.product import Healthdeck
from tests.support.wait import eventually, until

SIZES = (100, 1000)
READINGS = 20
INTERVAL = 30.0
#: Two intervals and a timeout, and a little: from then on an agent is silent.
AWAY = 75.0
#: Seconds within which everything must be stored, and what a request may take meanwhile (p95).
STORED, REST = 60.0, 0.2
#: Requests a second of those who look.
LOOKS = 20
PATHS = (
    "/api/admin/health/overview",
    "/api/admin/health/vps/{vps}",
    "/api/admin/health/events",
    "/api/admin/alerts",
)
_KEPT = "SELECT key, at FROM host_samples JOIN targets ON targets.id = target_id"


class Absent:
    """The agents of these servers, in a process of their own. Its words: ``away``, ``gather``,
    ``back``, ``stats``; ``waiting`` and ``sending`` agents; what they were ``told`` is stored."""

    def __init__(self, hub: str, tokens: Mapping[str, str], interval: float = INTERVAL) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        given = (theirs, hub, dict(tokens), interval)
        self._process = context.Process(target=_play, args=given, daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, word: str, *values: Any) -> Any:
        self._pipe.send((word, *values))
        return self._pipe.recv()

    def close(self) -> None:
        self._pipe.close()
        self._process.join(10)


@dataclass
class Looks:
    """Requests that begin ``LOOKS`` times a second, whether the one before is answered or not.
    ``took`` in seconds; ``wrong`` counts other answers than 200."""

    url: str
    token: str
    vps_id: str
    took: list[float] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> Looks:
        self._ending = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._look()), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(60)

    async def _look(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with (
            aiohttp.ClientSession(self.url, headers=headers) as client,
            asyncio.TaskGroup() as group,
        ):
            loop, at = asyncio.get_running_loop(), 0
            began = loop.time()
            while not self._ending.is_set():
                path = PATHS[at % len(PATHS)].format(vps=self.vps_id)
                group.create_task(self._ask(client, path))
                at += 1
                await asyncio.sleep(max(0.0, began + at / LOOKS - loop.time()))

    async def _ask(self, client: aiohttp.ClientSession, path: str) -> None:
        began = time.monotonic()
        async with client.get(path) as answer:
            await answer.read()
        self.took.append(time.monotonic() - began)
        if answer.status != 200:
            self.wrong[str(answer.status)] += 1


@dataclass(frozen=True)
class Return:
    """``seconds`` until the last of the ``kept`` readings was acknowledged. ``counts`` of reports
    meanwhile, ``cpu`` seconds of the hub. ``missing`` were acknowledged and are not stored."""

    seconds: float
    kept: int
    counts: Mapping[str, int]
    looks: Looks
    cpu: float
    missing: int
    stored: int
    told: int


def come_back(hub: Healthdeck, absent: Absent, vps_id: str, away: float, limit: float) -> Return:
    """Sends agents that report away for so many seconds and lets them come back at once, each
    with READINGS readings. Fails when not all is acknowledged within ``limit`` seconds."""
    agents = absent.ask("stats")["agents"]
    eventually(lambda: absent.ask("stats")["acknowledged"] >= agents, 90, "every agent reports")
    absent.ask("away")
    until(time.time() + away)
    eventually(lambda: absent.ask("sending") == 0, 30, "the last answers have come")
    absent.ask("gather", READINGS, max(away, READINGS + 1.0))
    assert hub.process is not None
    root = psutil.Process(hub.process.pid)
    tree = [root, *root.children(recursive=True)]
    before = absent.ask("stats")
    with Looks(hub.url, hub.token(), vps_id) as looks:
        cpu, began = _cpu(tree), time.monotonic()
        absent.ask("back")
        eventually(lambda: absent.ask("waiting") == 0, limit, "all is acknowledged", every=0.1)
        seconds, cpu = time.monotonic() - began, _cpu(tree) - cpu
    absent.ask("away")
    eventually(lambda: absent.ask("sending") == 0, 30, "the last answers have come")
    after, told = absent.ask("stats"), set(absent.ask("told"))
    servers = {vps for vps, _ in told}
    with closing(sqlite3.connect(f"file:{hub.database}?mode=ro", uri=True)) as database:
        stored = {row for row in database.execute(_KEPT) if row[0] in servers}
    counts = {name: after[name] - before[name] for name in ("reports", "busy", "failed")}
    missing, kept = len(told - stored), READINGS * agents
    return Return(seconds, kept, counts, looks, cpu, missing, len(stored), len(told))


def returning(
    install: Callable[..., Healthdeck], size: int, away: float = AWAY, services: int = 0
) -> list[Row]:
    """So many agents away and back."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        closing(Fleet(Path(folder), vps=size, agents=size, services=services)) as fleet,
    ):
        inventory = fleet.inventory.read_text(encoding="utf-8")
        trust = {"SSL_CERT_FILE": fleet.ca} if fleet.ready["ca"] else {}
        hub = install(inventory, RATE_LIMIT="1000000 per minute", **trust).start(timeout=120)
        ids = [vps["id"] for vps in yaml.safe_load(inventory)["vps"]]
        enrolled, took = _enrolled(hub, ids)
        with closing(Absent(hub.url, enrolled)) as absent:
            found = come_back(hub, absent, ids[0], away, limit=6 * STORED)
        hub.stop()
        return [_enrolment(size, took), *_rows(size, found)]


def _enrolled(hub: Healthdeck, ids: Sequence[str]) -> tuple[dict[str, str], list[float]]:
    """A token for each server, one after the other, and the seconds that each took."""
    tokens, took = {}, []
    with hub.client("super_admin") as client:
        for vps_id in ids:
            began = time.monotonic()
            answer = client.post("/api/admin/agents", json={"vpsId": vps_id})
            took.append(time.monotonic() - began)
            assert answer.status_code == 201, answer.text
            tokens[vps_id] = answer.json()["token"]
    return tokens, took


def _enrolment(size: int, took: Sequence[float]) -> Row:
    figures = ", ".join(f"{1000 * quantile(took, share):.0f}" for share in (0.5, 0.95, 1))
    return Row(f"{size:,} enrolments in a row: p50, p95, most", f"{figures} ms")


def _rows(size: int, found: Return) -> list[Row]:
    at, looks, counts = f"{size:,} agents back", found.looks, found.counts
    p50, p95, most = (quantile(looks.took, share) for share in (0.5, 0.95, 1))
    reports = f"{counts['reports']}, {counts['busy']}, {counts['failed']}"
    once = found.missing == 0 and found.stored == found.told
    return [
        Row(f"{at}: {found.kept:,} readings stored in", f"{found.seconds:.1f} s",
            f"<= {STORED:g} s", found.seconds <= STORED),
        Row(f"{at}: acknowledged, stored, missing", f"{found.told}, {found.stored}, "
            f"{found.missing}", "each once", once),
        Row(f"{at}: {len(looks.took)} requests meanwhile, p95", f"{1000 * p95:.0f} ms",
            f"< {1000 * REST:g} ms", p95 < REST and not looks.wrong),
        Row(f"{at}: requests, p50 and most", f"{1000 * p50:.0f}, {1000 * most:.0f} ms"
            + (f"; wrong: {dict(looks.wrong)}" if looks.wrong else "")),
        Row(f"{at}: reports, told busy, failed", reports),
        Row(f"{at}: CPU", f"{found.cpu:.1f} s"),
    ]  # fmt: skip


def _cpu(tree: Sequence[psutil.Process]) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in tree)


def _play(pipe: Connection, hub: str, tokens: Mapping[str, str], interval: float) -> None:
    """The process of the agents, until the other end of the pipe closes."""
    asyncio.run(_listen(pipe, hub, tokens, interval))


async def _listen(pipe: Connection, hub: str, tokens: Mapping[str, str], interval: float) -> None:
    lives = Simulation(build(len(tokens), 0, 0, 1, (len(tokens), 0, 0), 1, 20000), Path())
    agents = Agents(lives, hub, tokens)
    marks: dict[str, int] = {}

    def waiting() -> int:
        every = agents.agents.values()
        return sum(1 for a in every if a.buffer and a.buffer[0]["seq"] <= marks[a.vps])

    def back() -> None:
        marks.update({one.vps: one.seq for one in agents.agents.values()})
        agents.back()

    words: Mapping[str, Callable[..., Any]] = {
        "away": agents.away,
        "back": back,
        "gather": agents.gather,
        "stats": agents.stats,
        "waiting": waiting,
        "sending": lambda: sum(
            1 for one in agents.agents.values() if one.sending and not one.sending.done()
        ),
        "told": lambda: [
            (one.vps, int(at)) for one in agents.agents.values() for _, at in one.acknowledged
        ],
    }
    agents.start(interval)
    heard = asyncio.Event()
    asyncio.get_running_loop().add_reader(pipe.fileno(), heard.set)
    try:
        while True:
            await heard.wait()
            heard.clear()
            while pipe.poll():
                word, *values = pipe.recv()
                pipe.send(words[word](*values))
    except (EOFError, OSError):
        await agents.stop()


def main() -> None:
    given = argparse.ArgumentParser(prog="python -m tests.bench.returning", description=__doc__)
    given.add_argument("sizes", nargs="*", type=int, default=list(SIZES), help="agents")
    given.add_argument("--away", type=float, default=AWAY, help=f"seconds ({AWAY:g})")
    given.add_argument("--services", type=int, default=0, help="checked on each server (0)")
    args = given.parse_args()
    for size in args.sizes:
        with installations() as install:
            print(table(returning(install, size, args.away, args.services)), flush=True)


if __name__ == "__main__":
    main()
