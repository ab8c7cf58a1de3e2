"""``make demo``: a fleet with a past, watched by Healthdeck, with something going wrong every few
minutes. Ctrl+C ends both."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp

from models.database import Database
from services.history.pack import pack
from services.history.rollup import roll_up
from services.identity.agent_tokens import AgentTokens
from services.identity.audit import Actor
from services.inventory.fleet import Fleet
from services.inventory.load import read_inventory
from services.inventory.sync import sync
from tests.fleet import incidents, inventory
from tests.fleet.agents import Agents
from tests.fleet.control import Control
from tests.fleet.faults import Detail
from tests.fleet.past import Past
from tests.fleet.plan import CONTROL, build
from tests.fleet.simulation import Simulation

ROOT = Path(__file__).resolve().parents[2]
_PORTS = range(20000, 30000, 200)
_INTERVAL = 10.0
_STARTING = 60.0


def main(argv: list[str]) -> int:
    args = _parser().parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        args.folder = args.folder or Path(folder) / "demo"
        return asyncio.run(_show(args, Path(folder)))


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.fleet demo", description=__doc__)
    port = os.environ.get("PORT", "8050")
    made.add_argument("--port", type=int, default=port, help="of the dashboard (PORT, or 8050)")
    made.add_argument("--folder", type=Path, help="of its database (a temporary one)")
    made.add_argument("--days", type=float, default=14, help="of history (14)")
    made.add_argument("--vps", type=int, default=12)
    made.add_argument("--services", type=int, default=6)
    made.add_argument("--tenants", type=int, default=30)
    made.add_argument("--seed", type=int, default=1)
    return made


async def _show(args: argparse.Namespace, folder: Path) -> int:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    takes = inventory.accepted()
    fleet = _fleet(args, takes, folder)
    control = Control(fleet)
    address = await control.start(fleet.plan.port_base + CONTROL)
    _say(f"{args.vps} servers and {args.tenants} tenants play; faults on command: {address}/faults")
    args.folder.mkdir(parents=True, exist_ok=True)
    for old in args.folder.glob("healthdeck.db*"):
        old.unlink()
    described = inventory.describe(fleet.plan, takes, f"{address}/inbox")
    inventory.write(args.folder / "fleet.yaml", described)
    tokens = await asyncio.to_thread(_remember, args, fleet, ended.is_set)
    if ended.is_set():
        await _close(control, fleet)
        return 0
    server = await _serve(args, fleet, ended)
    condensing = asyncio.create_task(asyncio.to_thread(_condense, args, fleet, ended.is_set))
    show = asyncio.create_task(_play(args, fleet, control, tokens))
    gone = asyncio.create_task(server.wait())
    waiting = asyncio.create_task(ended.wait())
    await asyncio.wait([gone, waiting], return_when=asyncio.FIRST_COMPLETED)
    asked = ended.is_set()
    show.cancel()
    if server.returncode is None:
        server.terminate()
        await gone
    ended.set()
    await asyncio.gather(show, waiting, condensing, return_exceptions=True)
    await _close(control, fleet)
    return 0 if asked else 1


async def _close(control: Control, fleet: Simulation) -> None:
    await control.stop()
    fleet.stop()


def _fleet(args: argparse.Namespace, takes: frozenset[str], folder: Path) -> Simulation:
    """A fleet that listens, on the first ports that are free."""
    sources = tuple(
        round(args.vps * share) if f"source.{kind}" in takes else 0
        for kind, share in (("agent", 0.4), ("exporter", 0.4), ("health", 0.2))
    )
    for port_base in _PORTS:
        plan = build(args.vps, args.services, args.tenants, 2, sources, args.seed, port_base)
        made = Simulation(plan, folder)
        try:
            made.start()
        except OSError:
            continue
        return made
    raise SystemExit(f"no free ports from {_PORTS[0]} to {_PORTS[-1]} for the fleet")


def _environment(args: argparse.Namespace, fleet: Simulation) -> dict[str, str]:
    """Of the dashboard: settings of the shell stay out of the demo."""
    given = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **given,
        "PORT": str(args.port),
        "DATABASE_URL": f"sqlite:///{args.folder}/healthdeck.db",
        "INVENTORY": str(args.folder / "fleet.yaml"),
        "COLLECT_INTERVAL": f"{_INTERVAL:g}",
        "CHECK_TIMEOUT": "5",
        "WEBHOOK_ALLOW": "127.0.0.0/8",
        **({"SSL_CERT_FILE": str(fleet.ca)} if fleet.ca else {}),
    }


def _remember(
    args: argparse.Namespace, fleet: Simulation, enough: Callable[[], bool]
) -> dict[str, str]:
    """Writes the past into the new database; breaks off when it is ``enough``. Returns a token
    for each server that reports by agent: they must report as soon as somebody listens."""
    began, now = time.monotonic(), time.time()
    database = Database(_environment(args, fleet)["DATABASE_URL"])
    database.migrate()
    watched = Fleet.build(read_inventory(args.folder / "fleet.yaml", {}), "demo", "cache")
    with database.write() as session:
        sync(session, watched, now - args.days * 86400)
    start = now - args.days * 86400
    found = incidents.past(fleet.plan, start, now)
    past = Past(fleet.plan, fleet.lives, found, start, time.time)
    readings = past.write(database, watched, enough)
    sources = {vps.id: vps.source for vps in fleet.plan.vps}
    known = AgentTokens(database, lambda: sources)
    agents = [vps_id for vps_id, source in sources.items() if source == "agent"]
    tokens = {vps_id: known.enroll(vps_id, Actor("demo")) for vps_id in agents}
    database.close()
    took = f"{time.monotonic() - began:.0f} s"
    _say(f"{args.days:g} days with {readings:,} readings and {len(found)} incidents in {took}")
    return tokens


def _condense(args: argparse.Namespace, fleet: Simulation, enough: Callable[[], bool]) -> None:
    """Rolls up and packs the past beside the running dashboard, so that it is soon done: the
    dashboard's own jobs are made for a few readings at a time."""
    database = Database(_environment(args, fleet)["DATABASE_URL"])
    for work in (roll_up, pack):
        while not enough() and work(database, time.time(), seconds=1):
            continue
    database.close()


async def _serve(
    args: argparse.Namespace, fleet: Simulation, ended: asyncio.Event
) -> asyncio.subprocess.Process:
    """Starts the dashboard and returns once it is ready (or has ended, or shall)."""
    # a session of its own: Ctrl+C at the terminal reaches this process alone, which ends both
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        "app.py",
        "serve",
        cwd=ROOT,
        env=_environment(args, fleet),
        start_new_session=True,
    )
    deadline = time.monotonic() + _STARTING
    async with aiohttp.ClientSession() as client:
        while server.returncode is None and not ended.is_set() and time.monotonic() < deadline:
            try:
                async with client.get(f"http://127.0.0.1:{args.port}/readyz") as answer:
                    if answer.status == 200:
                        break
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.2)
    return server


async def _play(
    args: argparse.Namespace, fleet: Simulation, control: Control, tokens: dict[str, str]
) -> None:
    """Lets the agents report, and one thing after the other go wrong."""
    if tokens:
        control.agents = Agents(fleet, f"http://127.0.0.1:{args.port}", tokens)
        control.agents.start(_INTERVAL)
    began = time.monotonic()
    for incident in incidents.script(fleet.plan):
        await asyncio.sleep(max(began + incident.start - time.monotonic(), 0))
        scenario, seconds = incident.scenario, incident.end - incident.start
        control.faults.add(incident.target, scenario.kind, seconds, Detail(**scenario.detail))
        _say(f"{time.strftime('%H:%M:%S')} {incident.target} {scenario.words} for {seconds:.0f} s")


def _say(text: str) -> None:
    sys.stdout.write(f"demo: {text}\n")
    sys.stdout.flush()
