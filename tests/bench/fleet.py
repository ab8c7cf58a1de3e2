"""Healthdeck under the load of a fleet: what it costs, and whether it keeps up.

The fleet is simulated (tests.fleet) in a process of its own on the same machine; its CPU time is
told apart. CPU time and memory are those of all processes of Healthdeck. Two of the loads are
ones that other monitors were measured with on such a machine: 1,000 exporters every 10 s, and 500
web checks every 20 s.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml
from prometheus_client.parser import text_string_to_metric_families

from models.database import Database
from services.history.stored import HOST
from services.identity.agent_tokens import AgentTokens
from services.identity.audit import Actor
from tests.bench.installations import installations
from tests.bench.table import Row, table
from tests.fleet.process import Fleet
from tests.support.product import Healthdeck
from tests.support.wait import eventually, until

MINUTES = float(os.environ.get("BENCH_MINUTES", "5"))
#: Intervals before the measurement begins: first looks, first statuses, open connections.
WARM_INTERVALS = 1.5


@dataclass(frozen=True)
class Load:
    """``interval`` in seconds, ``fleet``: the words of tests.fleet. The aims are CPU seconds a
    minute and megabytes."""

    name: str
    interval: float
    fleet: Mapping[str, Any]
    cpu_aim: float | None = None
    memory_aim: float | None = None


LOADS: Mapping[str, Load] = {
    "100": Load("100 VPSes x 5 services, 30 s", 30, {"vps": 100, "agents": 50, "exporters": 50}),
    "1000": Load(
        "1,000 VPSes x 5 services, 2,000 URLs, 30 s",
        30,
        {"vps": 1000, "agents": 500, "exporters": 500, "tenants": 2000},
    ),
    "exporters": Load(
        "1,000 exporters, 10 s",
        10,
        {"vps": 1000, "services": 0, "exporters": 1000, "cores": 2},
        cpu_aim=7.2,
        memory_aim=221,
    ),
    "web": Load(
        "500 web checks, 20 s",
        20,
        {"vps": 50, "services": 0, "tenants": 500},
        cpu_aim=3.1,
        memory_aim=245,
    ),
}


@dataclass
class Moment:
    """What was counted so far, at one moment."""

    at: float
    cpu: float
    fleet_cpu: float
    figures: Mapping[str, float]
    size: int
    values: int
    memory: float


def fleet(install: Callable[..., Healthdeck], minutes: float = MINUTES) -> list[Row]:
    """All loads, one after the other."""
    return [row for load in LOADS.values() for row in run(load, install, minutes)]


def run(load: Load, install: Callable[..., Healthdeck], minutes: float) -> list[Row]:
    """One load for so many minutes, after a warm-up."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        closing(Fleet(Path(folder), **load.fleet)) as simulated,
    ):
        trust = {"SSL_CERT_FILE": simulated.ca} if simulated.ready["ca"] else {}
        installation = install(
            simulated.inventory.read_text(encoding="utf-8"),
            COLLECT_INTERVAL=f"{load.interval:g}",
            **trust,
        )
        tokens = _enrol(simulated, installation)
        installation.start(timeout=120)
        if tokens:
            simulated.enlist(installation.url, tokens, load.interval)
        with installation.client("admin", "--minutes", "600") as client:
            rows = _measured(load, minutes, simulated, installation, client, len(tokens))
        installation.stop()
        return rows


def _measured(
    load: Load,
    minutes: float,
    simulated: Fleet,
    installation: Healthdeck,
    client: httpx.Client,
    reporters: int,
) -> list[Row]:
    told = f", {reporters} by agent" if reporters else ""
    targets = _figures(client)["healthdeck_targets"]
    until(time.time() + WARM_INTERVALS * load.interval)
    eventually(
        lambda: _figures(client)["healthdeck_observations_total"] >= targets, 60, "a first look"
    )
    busy = psutil.getloadavg()[0]
    before = _moment(simulated, installation, client)
    until(time.time() + 60 * minutes)
    after = _moment(simulated, installation, client)
    return _rows(load, told, before, after, targets + reporters, busy)


def _rows(
    load: Load, told: str, before: Moment, after: Moment, targets: float, busy: float
) -> list[Row]:
    lasted = after.at - before.at
    per_minute = 60 / lasted
    cpu = (after.cpu - before.cpu) * per_minute
    generator = (after.fleet_cpu - before.fleet_cpu) * per_minute

    def grown(name: str) -> float:
        return after.figures[name] - before.figures[name]

    stored = grown("healthdeck_observations_total")
    # A look at the edge falls on either side of it.
    lost = max(0.0, targets * (lasted / load.interval) - stored)
    skipped = grown("healthdeck_looks_skipped_total")
    dropped = grown("healthdeck_readings_dropped_total")
    p95 = after.figures["healthdeck_intake_batch_seconds"]
    values = after.values - before.values
    on_disk = (after.size - before.size) / values if values else 0.0
    at = f"{load.name}{told}"
    return [
        _aimed(f"{at}: CPU a minute", cpu, "s", load.cpu_aim, ".1f"),
        _aimed(f"{at}: memory", after.memory, "MB", load.memory_aim, ".0f"),
        Row(f"{at}: CPU a minute of the fleet", f"{generator:.1f} s (load {busy:.1f})"),
        Row(f"{at}: looks skipped, readings dropped", f"{skipped:.0f}, {dropped:.0f}", "0, 0",
            skipped + dropped == 0),
        Row(f"{at}: readings stored, missing", f"{stored:.0f}, {lost:.0f}", "< 1 % missing",
            lost < 0.01 * (stored + lost)),
        Row(f"{at}: a batch, p95", f"{p95 * 1000:.0f} ms"),
        Row(f"{at}: on disk a value, raw", f"{on_disk:.1f} bytes of {values} values"),
    ]  # fmt: skip


def _aimed(what: str, figure: float, unit: str, aim: float | None, form: str) -> Row:
    if aim is None:
        return Row(what, f"{figure:{form}} {unit}")
    return Row(what, f"{figure:{form}} {unit}", f"<= {aim:g} {unit}", figure <= aim)


def _moment(simulated: Fleet, installation: Healthdeck, client: httpx.Client) -> Moment:
    assert installation.process is not None
    root = psutil.Process(installation.process.pid)
    tree = [root, *root.children(recursive=True)]
    size, values = _stored(installation.database)
    return Moment(
        at=time.monotonic(),
        cpu=sum(sum(one.cpu_times()[:2]) for one in tree),
        fleet_cpu=simulated.stats()["cpuSeconds"],
        figures=_figures(client),
        size=size,
        values=values,
        # Processes that were forked share pages: each page counts once.
        memory=sum(one.memory_full_info().pss for one in tree) / 2**20,
    )


def _figures(client: httpx.Client) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    families = text_string_to_metric_families(answer.text)
    return {sample.name: sample.value for family in families for sample in family.samples}


def _stored(file: Path) -> tuple[int, int]:
    """Bytes of the database that are used, and values in its rows."""
    columns = " + ".join(f"count({stored.column})" for stored in HOST)
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        one = partial(_one, database)
        pages = one("PRAGMA page_count") - one("PRAGMA freelist_count")
        values = one(f"SELECT {columns} FROM host_samples") + one("SELECT count(*) FROM samples")
        return pages * one("PRAGMA page_size"), values


def _one(database: sqlite3.Connection, question: str) -> int:
    return int(database.execute(question).fetchone()[0])


def _enrol(simulated: Fleet, installation: Healthdeck) -> dict[str, str]:
    """Tokens of the servers that report by agent, made before anything is watched."""
    entries = yaml.safe_load(simulated.inventory.read_text(encoding="utf-8"))["vps"]
    sources = {entry["id"]: entry.get("source", {}).get("type") for entry in entries}
    with closing(Database(installation.env["DATABASE_URL"])) as database:
        database.migrate()
        tokens = AgentTokens(database, lambda: sources)
        return {
            vps_id: tokens.enroll(vps_id, Actor("bench"))
            for vps_id, source in sources.items()
            if source == "agent"
        }


def main() -> None:
    given = argparse.ArgumentParser(prog="python -m tests.bench.fleet", description=__doc__)
    given.add_argument("loads", nargs="*", default=list(LOADS), help=f"of {', '.join(LOADS)}")
    given.add_argument("--minutes", type=float, default=MINUTES, help=f"each ({MINUTES:g})")
    args = given.parse_args()
    for name in args.loads:
        with installations() as install:
            print(table(run(LOADS[name], install, args.minutes)), flush=True)


if __name__ == "__main__":
    main()
