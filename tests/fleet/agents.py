"""Agents that report to a hub by the agent protocol, as many as there are servers, and an
account of what the hub has acknowledged."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import uuid
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.fleet import bodies
from tests.fleet.life import GIB, Life
from tests.fleet.simulation import Simulation

MOST_OBSERVATIONS = 500
#: A day of observations at 30 s; beyond it the oldest go.
MOST_BUFFERED = 2880
ANSWER_SECONDS = 10.0


@dataclass
class Agent:
    """One server's agent. ``acknowledged`` holds (seq, at) of what the hub said it has stored."""

    vps: str
    token: str
    life: Life
    stream: str
    units: tuple[str, ...]
    seq: int = 0
    buffer: deque[dict[str, Any]] = field(default_factory=deque)
    results: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: list[tuple[int, float]] = field(default_factory=list)
    interval: float = 30.0
    retry_at: float = 0.0
    sending: asyncio.Task[None] | None = None

    def observe(self, at: float) -> None:
        self.seq += 1
        metrics = metrics_of(self.life, at)
        facts = {"cores": self.life.cores, "hostname": self.vps, "os": "Debian 12"}
        self.buffer.append(
            {"seq": self.seq, "at": at, "metrics": metrics, "facts": facts, "error": None}
        )
        if len(self.buffer) > MOST_BUFFERED:
            self.buffer.popleft()

    def report(self, now: float) -> dict[str, Any]:
        batch = [self.buffer[at] for at in range(min(len(self.buffer), MOST_OBSERVATIONS))]
        allows = [f"{action}:{unit}" for unit in self.units for action in ("restart", "logs")]
        return {
            "agent": "healthdeck-agent/0.1.0",
            "vpsId": self.vps,
            "stream": self.stream,
            "sentAt": now,
            "observations": batch,
            "allows": allows,
            "results": self.results,
        }

    def accept(self, answer: Mapping[str, Any]) -> int:
        """Lets go of what the hub has; returns how many it rejected."""
        accepted = int(answer["accepted"])
        rejected = {int(one["seq"]) for one in answer.get("rejected", ())}
        while self.buffer and self.buffer[0]["seq"] <= accepted:
            done = self.buffer.popleft()
            if done["seq"] not in rejected:
                self.acknowledged.append((done["seq"], done["at"]))
        # What was rejected after the highest accepted one would only be rejected again.
        self.buffer = deque(one for one in self.buffer if one["seq"] not in rejected)
        self.interval = float(answer.get("interval", self.interval))
        self.results = [_result(command) for command in answer.get("commands", ())]
        return len(rejected)


class Agents:
    """Starts, sends away and brings back all agents together; runs on one event loop."""

    def __init__(self, simulation: Simulation, hub: str, tokens: Mapping[str, str]) -> None:
        self._fleet = simulation
        self._hub = urlsplit(hub)
        rng = random.Random(simulation.plan.seed)
        units = {
            vps.id: tuple(f"{service.part.name}.service" for service in vps.services)
            for vps in simulation.plan.vps
        }
        self.agents = {
            vps: Agent(
                vps,
                token,
                simulation.lives[vps],
                str(uuid.UUID(int=rng.getrandbits(128), version=4)),
                units[vps],
            )
            for vps, token in tokens.items()
        }
        self._rng = rng
        self._tasks: list[asyncio.Task[None]] = []
        self._away = False
        self.counts: Counter[str] = Counter()

    def start(self, interval: float) -> None:
        """Begins to observe, each agent at a moment of its own within ``interval`` seconds."""
        for agent in self.agents.values():
            agent.interval = interval
            self._tasks.append(asyncio.create_task(self._live(agent)))

    async def stop(self) -> None:
        tasks = self._tasks + [a.sending for a in self.agents.values() if a.sending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def away(self) -> None:
        """From now on the agents reach nobody; they go on observing."""
        self._away = True

    def back(self) -> None:
        """All of them send at once."""
        self._away = False
        for agent in self.agents.values():
            agent.retry_at = 0.0
            self._send(agent)

    def gather(self, readings: int, seconds: float) -> None:
        """Lets each agent hold so many readings, spread over the last ``seconds``, in place of
        what it holds: what it has after a long time away."""
        now = self._fleet.wall()
        for agent in self.agents.values():
            agent.buffer.clear()
            for left in range(readings, 0, -1):
                agent.observe(now - left * seconds / readings)

    def stats(self) -> dict[str, Any]:
        every = self.agents.values()
        return {
            "agents": len(self.agents),
            "away": self._away,
            "observed": sum(agent.seq for agent in every),
            "acknowledged": sum(len(agent.acknowledged) for agent in every),
            "buffered": sum(len(agent.buffer) for agent in every),
            **{name: self.counts[name] for name in ("reports", "busy", "failed", "rejected")},
            "answers": {k: v for k, v in self.counts.items() if k.isdigit()},
        }

    async def _live(self, agent: Agent) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._rng.random() * agent.interval
        while True:
            await asyncio.sleep(max(due - loop.time(), 0))
            if agent.vps not in self._fleet.silent:
                agent.observe(self._fleet.wall())
                self._send(agent)
            due = max(due + agent.interval, loop.time())

    def _send(self, agent: Agent) -> None:
        loop = asyncio.get_running_loop()
        busy = agent.sending is not None and not agent.sending.done()
        if not self._away and not busy and loop.time() >= agent.retry_at:
            agent.sending = asyncio.create_task(self._deliver(agent))

    async def _deliver(self, agent: Agent) -> None:
        """Sends until nothing is left, waiting as long as the hub says when it is busy."""
        while (agent.buffer or agent.results) and not self._away:
            if agent.vps in self._fleet.silent:
                return
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    status, headers, body = await self._post(agent)
            except (OSError, ValueError, asyncio.IncompleteReadError):
                self.counts["failed"] += 1
                await asyncio.sleep(1 + 4 * self._rng.random())
                continue
            self.counts["reports"] += 1
            self.counts[str(status)] += 1
            if status == 200:
                self.counts["rejected"] += agent.accept(json.loads(body))
            elif status == 503:
                self.counts["busy"] += 1
                await asyncio.sleep(float(headers.get("retry-after", 5)))
            else:
                # 401, 403, 400: the same report would get the same answer at once.
                agent.retry_at = asyncio.get_running_loop().time() + agent.interval
                return

    async def _post(self, agent: Agent) -> tuple[int, dict[str, str], bytes]:
        report = agent.report(self._fleet.wall())
        data = gzip.compress(json.dumps(report).encode(), 1)
        host, port = self._hub.hostname or "", self._hub.port or 80
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(
                f"POST {self._hub.path.rstrip('/')}/api/agent/v1/report HTTP/1.1\r\n"
                f"Host: {self._hub.netloc}\r\nAuthorization: Bearer {agent.token}\r\n"
                "Content-Type: application/json\r\nContent-Encoding: gzip\r\n"
                f"Content-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode()
                + data
            )
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head[1:])
            }
            size = headers.get("content-length")
            body = await (reader.readexactly(int(size)) if size else reader.read())
            return int(head[0].split()[1]), headers, body
        finally:
            writer.close()


def metrics_of(life: Life, at: float) -> dict[str, float]:
    """The metrics of a machine, under the names of the catalogue."""
    memory, disk = life.memory(at), life.disk(at)
    return {
        "system.cpu.usage": 100 * life.cpu(at),
        "system.memory.usedPercent": 100 * memory,
        "system.memory.used": memory * life.memory_total / GIB,
        "system.memory.total": life.memory_total / GIB,
        "system.disk.usedPercent": 100 * disk,
        "system.disk.used": disk * life.disk_total / GIB,
        "system.disk.total": life.disk_total / GIB,
        "system.load.1m": life.load(at),
        "system.network.received": life.rate(life.received, at),
        "system.network.sent": life.rate(life.sent, at),
    }


def _result(command: Mapping[str, Any]) -> dict[str, Any]:
    """What a server answers to a command: it is done, and a log has lines."""
    unit, lines = command.get("unit", ""), int(command.get("lines", 0) or 0)
    output = "".join(f"{bodies.stamp(0)} {unit}: request {at} served\n" for at in range(lines))
    if command.get("action") == "restart":
        output = f"restarted {unit}\n"
    return {"id": command["id"], "state": "done", "exitCode": 0, "output": output}
