"""``/api/agent/v1/report``: what agents send; ``/api/admin/agents``: their tokens."""

from __future__ import annotations

import time
from typing import Any

from flask import Response, jsonify, request

from services.agent.archive import agent_archive, agent_archive_sha256
from services.collect.agents import Busy
from services.container import acting, current
from services.errors import AuthenticationRequired
from services.identity.agent_tokens import install_command
from services.web import errors
from services.web.rest import ids
from services.web.rest.operation import Answer, Body, Routes

REPORT = "/api/agent/v1/report"
PREFIX = "/api/admin/agents"
routes = Routes("Agents")


class Enrolment(Body):
    """Whose agent gets a token."""

    vps_id: str


class Enrolled(Answer):
    vps_id: str
    token: str
    command: str


class Agent(Answer):
    """``last_seen_at`` is when it last reported: null when that is long ago or never was."""

    vps_id: str
    created_at: str
    created_by: str
    last_seen_at: str | None
    version: str
    allows: list[str]
    revoked: bool


class Agents(Answer):
    agents: list[Agent]


class Refusal(Answer):
    seq: int
    reason: str


class Taken(Answer):
    """What became of a report; ``accepted`` is the number up to which its stream is stored."""

    accepted: int
    duplicates: int
    rejected: list[Refusal]
    server_time: float
    interval: float
    commands: list[dict[str, Any]]


@routes.get(PREFIX, who="chief", answer=Agents)
def list_agents() -> dict[str, Any]:
    """The agents, what each last said of itself and when.

    Never their tokens."""
    return {"agents": current().agents.enrolled()}


@routes.post(PREFIX, who="chief", body=Enrolment, answer=Enrolled, status=201, errors=(404,),
             tells_secret=True)  # fmt: skip
def enroll_agent(body: Enrolment) -> dict[str, str]:
    """A new token for a server's agent.

    It is told this once, with the command that starts the agent. The token before it ends."""
    wanted = ids.checked(body.vps_id)
    token = current().agent_tokens.enroll(wanted, acting())
    hub = request.url_root.rstrip("/")
    return {"vpsId": wanted, "token": token, "command": install_command(hub, token)}


@routes.delete(f"{PREFIX}/<vps_id>", who="chief")
def revoke_agent(vps_id: str) -> None:
    """End the token of a server's agent."""
    current().agent_tokens.revoke(vps_id, acting())


@routes.post(REPORT, who="agent", free_body=True, answer=Taken, errors=(413,))
def report_observations() -> Response:
    """What an agent observed.

    Answered after the commit. An agent is known by its own token, which nothing else takes."""
    received_at = time.time()
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AuthenticationRequired("Send Authorization: Bearer <the agent's token>.")
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    try:
        current().agents.check_room()
        vps_id = current().agent_tokens.authenticate(token.strip())
        return jsonify(current().agents.report(vps_id, request.get_data(), encoding, received_at))
    except Busy as error:
        response = errors.answer(error)
        response.headers["Retry-After"] = str(error.retry_after)
        return response


@routes.get("/agent.pyz", who="anyone", media=("application/zip",))
def get_agent_program() -> Response:
    """The agent as one file.

    It carries no secret, so whoever reaches us may have it."""
    response = Response(agent_archive(), mimetype="application/zip")
    response.set_etag(agent_archive_sha256())
    response.make_conditional(request)
    return response
