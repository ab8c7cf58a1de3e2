"""From a change to the event at 300 sockets, all in the same room; then with 50 of them that never
read. The clients are a process of their own on the same machine.

A change is an agent's report, from the moment before it is sent: the way of the report, the
judgement and the commit are part of what is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import psutil

from models.database import Database
from services.identity.agent_tokens import AgentTokens
from services.identity.audit import Actor
from tests.bench.installations import installations
from tests.bench.table import Row, quantile, table
from tests.support.flock import Flock
from tests.support.product import Healthdeck
from tests.support.wait import until

SOCKETS, SLOW = 300, 50
SERVERS = 1000
#: Services of the server that changes: its body has some 8 KB.
SERVICES = 100
#: Seconds between two changes, and of one measurement: longer than it takes to notice that
#: somebody answers no ping.
EVERY, LASTS = 0.4, 30.0
ROOM = [["subscribe:vps", "vps-1"], ["subscribe:alerts"]]


def stream(install: Callable[..., Healthdeck]) -> list[Row]:
    """Both measurements, on one installation."""
    installation = install(_inventory())
    agent = _enrol(installation)
    installation.start(timeout=60)
    bystanders = SOCKETS - SLOW
    calm, grown, _ = _measured(installation, agent, SOCKETS, 0, first=1)
    rows = _rows(f"{SOCKETS} sockets", calm, SOCKETS)
    rows.append(Row("RSS for them", f"+{grown:.0f} MB"))
    with_slow, grown, rest = _measured(installation, agent, SOCKETS, SLOW, first=401)
    rows += _rows(f"{bystanders} beside {SLOW} that never read", with_slow, bystanders)
    dropped = with_slow["slowClosed"]
    rows.append(Row("dropped of those", f"{dropped}", f"{SLOW}", dropped == SLOW))
    rows.append(Row("RSS at its highest, then", f"+{grown:.0f} MB, {rest:+.0f} MB", "< +100 MB",
                    grown < 100))  # fmt: skip
    return rows


def _rows(who: str, seen: Any, healthy: int) -> list[Row]:
    p50, p95 = quantile(seen["took"], 0.5) * 1000, quantile(seen["took"], 0.95) * 1000
    wrong = seen["gaps"] + seen["missing"] + seen["closed"]
    return [
        Row(f"change -> room event, {who}, p50", f"{p50:.0f} ms"),
        Row(f"change -> room event, {who}, p95", f"{p95:.0f} ms", "<= 300 ms", p95 <= 300),
        Row(f"events, missing or twice, {who}", f"{seen['events']}, {wrong}", "0", wrong == 0),
    ]


def _measured(
    installation: Healthdeck, agent: str, sockets: int, slow: int, first: int
) -> tuple[Any, float, float]:
    """What the sockets saw, and by how many megabytes the server grew: at most, and at the end."""
    before = _memory(installation)
    highest = before
    flock = Flock(installation.url, installation.token(), ROOM, sockets, slow)
    sent: dict[str, float] = {}
    try:
        with httpx.Client(base_url=installation.url, timeout=30) as client:
            ends, number = time.time() + LASTS, first
            while (now := time.time()) < ends:
                sent[f"vps-1 {number / 10:g}"] = time.monotonic()
                _report(client, agent, number)
                highest = max(highest, _memory(installation))
                number += 1
                until(now + EVERY)
        seen = flock.end(len(sent))
    finally:
        flock.kill()
    arrivals = seen["arrivals"]
    seen["took"] = [
        at - sent[mark] for mark, all_ in arrivals.items() if mark in sent for at in all_
    ]
    seen["missing"] = sum(abs(len(arrivals.get(mark, ())) - (sockets - slow)) for mark in sent)
    until(time.time() + 2)
    return seen, highest - before, _memory(installation) - before


def _report(client: httpx.Client, agent: str, number: int) -> None:
    reading = {"seq": number, "at": time.time(), "metrics": {"system.cpu.usage": number / 10}}
    body = {"stream": "bench", "sentAt": time.time(), "observations": [reading]}
    answer = client.post(
        "/api/agent/v1/report", json=body, headers={"Authorization": f"Bearer {agent}"}
    )
    assert answer.status_code == 200, answer.text


def _memory(installation: Healthdeck) -> float:
    assert installation.process is not None
    root = psutil.Process(installation.process.pid)
    return sum(one.memory_info().rss for one in [root, *root.children(recursive=True)]) / 2**20


def _inventory() -> str:
    services = ", ".join(f"{{name: service-{n}, type: backend}}" for n in range(SERVICES))
    first = f"  - {{id: vps-1, source: {{type: agent}}, services: [{services}]}}"
    rest = (f"  - {{id: vps-{n}}}" for n in range(2, SERVERS + 1))
    return "\n".join(["vps:", first, *rest, ""])


def _enrol(installation: Healthdeck) -> str:
    with closing(Database(installation.env["DATABASE_URL"])) as database:
        database.migrate()
        return AgentTokens(database, lambda: {"vps-1": "agent"}).enroll("vps-1", Actor("bench"))


def main() -> None:
    with installations() as install:
        print(table(stream(install)))


if __name__ == "__main__":
    main()
