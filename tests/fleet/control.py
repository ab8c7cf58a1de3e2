"""The control of a running fleet: HTTP on loopback.

``POST /faults {"target", "kind", "seconds"?, ...}`` · ``GET /faults`` · ``DELETE /faults`` and
``/faults/<id>`` · ``GET /stats`` · ``POST /agents {"hub", "tokens", "interval"?}`` ·
``DELETE /agents`` · ``POST /agents/away`` and ``/agents/back`` · ``GET /agents/<vps>`` ·
``POST /inbox`` (a webhook that takes every message)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import fields
from typing import Any

from aiohttp import web

from tests.fleet.agents import Agents
from tests.fleet.faults import Detail, Faults, NoSuchFault
from tests.fleet.simulation import Simulation

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_DETAILS = {field.name: field for field in fields(Detail)}


class Control:
    """Takes commands until ``stop``."""

    def __init__(self, simulation: Simulation) -> None:
        self._fleet = simulation
        self.faults = Faults(simulation)
        self.agents: Agents | None = None
        app = web.Application(middlewares=[_plain_errors])
        app.add_routes(
            [
                web.post("/faults", self._add),
                web.get("/faults", self._list),
                web.delete("/faults", self._clear),
                web.delete("/faults/{id:[0-9]+}", self._remove),
                web.get("/stats", self._stats),
                web.post("/agents", self._enlist),
                web.delete("/agents", self._dismiss),
                web.post("/agents/{way:away|back}", self._send),
                web.get("/agents/{vps}", self._agent),
                web.post("/inbox", self._take),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)

    async def start(self, port: int) -> str:
        """Listens on 127.0.0.1; returns the address."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self.faults.clear()
        if self.agents:
            await self.agents.stop()
        await self._runner.cleanup()

    async def _add(self, request: web.Request) -> web.Response:
        given = await _object(request)
        target, kind, seconds = (given.pop(name, None) for name in ("target", "kind", "seconds"))
        if not isinstance(target, str) or not isinstance(kind, str):
            raise NoSuchFault("a fault has a target and a kind")
        if unknown := given.keys() - _DETAILS.keys():
            raise NoSuchFault(f"a fault has no {', '.join(sorted(unknown))}")
        fault = self.faults.add(target, kind, seconds, Detail(**given))
        return web.json_response(fault.shown(), status=201)

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "active": [fault.shown() for fault in self.faults.active()],
                "past": [fault.shown() for fault in self.faults.past()],
            }
        )

    async def _remove(self, request: web.Request) -> web.Response:
        return web.json_response(self.faults.remove(int(request.match_info["id"])).shown())

    async def _clear(self, _request: web.Request) -> web.Response:
        self.faults.clear()
        return web.json_response({})

    async def _stats(self, _request: web.Request) -> web.Response:
        agents = self.agents.stats() if self.agents else None
        return web.json_response({**self._fleet.stats(), "agents": agents})

    async def _enlist(self, request: web.Request) -> web.Response:
        given = await _object(request)
        tokens = given.get("tokens", {})
        if strangers := tokens.keys() - self._fleet.lives.keys():
            raise NoSuchFault(f"there are no servers {', '.join(sorted(strangers)[:5])}")
        if self.agents:
            await self.agents.stop()
        self.agents = Agents(self._fleet, given["hub"], tokens)
        self.agents.start(float(given.get("interval", 30)))
        return web.json_response(self.agents.stats(), status=201)

    async def _dismiss(self, _request: web.Request) -> web.Response:
        if self.agents:
            await self.agents.stop()
        return web.json_response(self.agents.stats() if self.agents else {})

    async def _send(self, request: web.Request) -> web.Response:
        if self.agents is None:
            raise NoSuchFault("there are no agents; POST /agents first")
        (self.agents.away if request.match_info["way"] == "away" else self.agents.back)()
        return web.json_response(self.agents.stats())

    async def _take(self, _request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _agent(self, request: web.Request) -> web.Response:
        agent = self.agents.agents.get(request.match_info["vps"]) if self.agents else None
        if agent is None:
            raise NoSuchFault("there is no such agent")
        return web.json_response(
            {
                "vps": agent.vps,
                "stream": agent.stream,
                "seq": agent.seq,
                "acknowledged": agent.acknowledged,
                "buffered": len(agent.buffer),
            }
        )


async def _object(request: web.Request) -> dict[str, Any]:
    given = await request.json()
    if not isinstance(given, dict):
        raise ValueError("the body is a JSON object")
    return given


@web.middleware
async def _plain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except NoSuchFault as error:
        return web.json_response({"error": str(error)}, status=400)
    except (ValueError, KeyError, TypeError) as error:
        text = f"this is no command: {type(error).__name__}: {error}"
        return web.json_response({"error": text}, status=400)
