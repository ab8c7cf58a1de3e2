"""Whether a service can be acted on, and what to change when it cannot."""

from __future__ import annotations

import difflib

from models.agents import Agent
from services.errors import Conflict, NotFound
from services.inventory.fleet import Fleet
from services.inventory.schema import AgentSource

_WORDS = {"restart": "a restart", "logs": "a look at its logs"}


def unit_of(fleet: Fleet, kind: str, vps_id: str, service: str) -> str:
    """What an agent knows a service by: ``backend.service`` or ``container:backend``. Raises
    NotFound for a service that is not there, Conflict for one that no agent can act on."""
    if vps_id not in fleet.vps:
        raise NotFound(f"There is no VPS '{vps_id}'.{_near(vps_id, list(fleet.vps))}")
    key = f"{vps_id}/{service}"
    if key not in fleet.services:
        names = [one.name for one in fleet.vps[vps_id].services]
        raise NotFound(f"There is no service '{service}' on '{vps_id}'.{_near(service, names)}")
    if not isinstance(fleet.source(vps_id), AgentSource):
        raise Conflict(
            f"The VPS '{vps_id}' has no agent, and {_WORDS[kind]} needs one. Write `source: "
            f"{{type: agent}}` in its entry of the inventory, then run `python app.py enroll "
            f"{vps_id}`."
        )
    if unit := fleet.unit(key):
        return unit
    if container := fleet.container(key):
        return f"container:{container}"
    raise Conflict(
        f"What the service '{service}' is on its server is not known. Write `unit: "
        f"{service}.service` or `container: {service}` in its entry of the inventory."
    )


def check_agent(agent: Agent | None, wanted: str, vps_id: str) -> None:
    """Raises Conflict when no agent is there that allows ``wanted`` (``restart:UNIT``)."""
    if agent is None or agent.revoked_at is not None:
        raise Conflict(
            f"No agent is enrolled for '{vps_id}'. Run `python app.py enroll {vps_id}` and start "
            f"the agent there with `--allow {wanted}`."
        )
    if not agent.version:
        raise Conflict(
            f"The agent of '{vps_id}' has not reported yet. Start it there with `--allow {wanted}`."
        )
    if wanted not in agent.allows:
        raise Conflict(
            f"The agent of '{vps_id}' does not allow this. Start it there with `--allow {wanted}`."
        )


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else ""
