"""A simulated fleet in one process: ``python -m tests.fleet --vps 1000 --services 5 ...``, or with
``demo`` as its first word a fleet with a past, watched by Healthdeck.

It prints one line of JSON when it listens: ``control`` (the address that takes faults),
``inventory``, ``ca`` (let who speaks TLS trust it: SSL_CERT_FILE), ``seconds`` that it took. It
ends on SIGTERM, Ctrl+C, or when its standard input closes with ``--with-parent``.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.fleet import inventory
from tests.fleet.agents import Agents
from tests.fleet.control import Control
from tests.fleet.plan import CONTROL, Plan, build
from tests.fleet.simulation import Simulation, TooManySockets


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.fleet", description=__doc__)
    made.add_argument("--vps", type=int, default=12, help="servers (12)")
    made.add_argument("--services", type=int, default=5, help="services on each (5)")
    made.add_argument("--tenants", type=int, default=0, help="tenants (0)")
    made.add_argument("--apps", type=int, default=1, help="applications of each tenant (1)")
    for source, text in (
        ("agents", "servers that report by agent"),
        ("exporters", "servers with a node_exporter"),
        ("health", "servers with a health page of their own"),
    ):
        made.add_argument(f"--{source}", type=int, default=0, help=f"{text} (0)")
    made.add_argument("--seed", type=int, default=1, help="the same seed, the same fleet (1)")
    made.add_argument("--port-base", type=int, default=20000, help="first port (20000)")
    made.add_argument("--cores", type=int, help="cores of every server (drawn)")
    made.add_argument("--no-latency", action="store_true", help="answer at once")
    made.add_argument("--lossy", type=float, default=0.0, help="share of probes to lose (0)")
    made.add_argument("--inventory", type=Path, help="where to write the inventory")
    made.add_argument("--webhook", help="address of a contact that is told of alerts")
    made.add_argument("--secret", help="the secret of that webhook")
    made.add_argument("--hub", help="where the agents report to")
    made.add_argument("--tokens", type=Path, help="JSON file: id of a server -> its agent's token")
    made.add_argument("--interval", type=float, default=30.0, help="of the agents, seconds (30)")
    made.add_argument("--with-parent", action="store_true", help="end when standard input does")
    return made


def plan_of(args: argparse.Namespace) -> Plan:
    return build(
        args.vps,
        args.services,
        args.tenants,
        args.apps,
        (args.agents, args.exporters, args.health),
        args.seed,
        args.port_base,
    )


async def play(args: argparse.Namespace, folder: Path) -> None:
    """Runs the fleet until somebody ends it."""
    began = time.monotonic()
    plan = plan_of(args)
    fleet = Simulation(plan, folder, not args.no_latency, args.lossy, args.cores)
    fleet.start()
    control = Control(fleet)
    address = await control.start(args.port_base + CONTROL)
    if args.inventory:
        described = inventory.describe(plan, inventory.accepted(), args.webhook, args.secret)
        inventory.write(args.inventory, described)
    if args.hub and args.tokens:
        control.agents = Agents(fleet, args.hub, json.loads(args.tokens.read_text()))
        control.agents.start(args.interval)
    gc.freeze()  # the fleet itself lives as long as the process
    ready = {
        "control": address,
        "inventory": str(args.inventory) if args.inventory else None,
        "ca": str(fleet.ca) if fleet.ca else None,
        "seconds": round(time.monotonic() - began, 3),
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    await _ended(args.with_parent)
    await control.stop()
    fleet.stop()


async def _ended(with_parent: bool) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if with_parent:
        loop.add_reader(0, lambda: None if os.read(0, 4096) else ended.set())
    await ended.wait()
    if with_parent:
        loop.remove_reader(0)


def main() -> int:
    if sys.argv[1:2] == ["demo"]:
        from tests.fleet.demo import main as demo  # brings the database with it

        return demo(sys.argv[2:])
    args = parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        try:
            asyncio.run(play(args, Path(folder)))
        except (ValueError, OSError, TooManySockets) as error:
            sys.stderr.write(f"the fleet cannot be played: {error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
