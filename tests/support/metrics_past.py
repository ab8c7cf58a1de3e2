"""An installation with days behind it, for what draws them."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from models.database import Database
from services.history import write
from services.history.rollup import roll_up
from services.history.stored import DAY
from services.observation import Observation
from tests.support.history import no_rest

SERVERS = ("vps-1", "vps-2")


def inventory(servers: Sequence[str] = SERVERS) -> str:
    """Servers of agents that will not report."""
    lines = [f"  - {{id: {id_}, name: Server {id_}, source: {{type: agent}}}}" for id_ in servers]
    return "\n".join(["vps:", *lines, ""])


def fill(url: str, servers: Sequence[str], days: float, step: int = 600) -> None:
    """CPU and memory of ``days`` up to now, one reading every ``step`` seconds, with a gap of 12
    hours, 3 days ago, in the first server's."""
    now = time.time()
    first, gap = now - days * DAY, now - 3 * DAY
    database = Database(url)
    database.migrate()
    readings = [
        Observation(
            server,
            at,
            metrics={
                "system.cpu.usage": 30 + 10 * place + 15 * math.sin(at / DAY * 2 * math.pi),
                "system.memory.usedPercent": 60.0 + place,
            },
        )
        for at in (first + step * n for n in range(int((now - first) / step)))
        for place, server in enumerate(servers)
        if place or not gap < at < gap + DAY / 2
    ]
    for begin in range(0, len(readings), 5000):
        part = readings[begin : begin + 5000]
        with database.write() as session:
            ids = write.target_ids(session, list(servers))
            write.samples(session, part, ids)
    roll_up(database, now, seconds=60, rest=no_rest)
    database.close()
