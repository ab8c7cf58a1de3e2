"""``/api/agent/v1/report``: what agents send; ``/api/admin/agents``: their tokens."""

from __future__ import annotations

import time

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ConfigDict

from services.agent.archive import agent_archive, agent_archive_sha256
from services.collect.agents import Busy
from services.container import current
from services.errors import AuthenticationRequired
from services.identity.agent_tokens import install_command
from services.web import body, errors
from services.web.rest import callers, ids

REPORT = "/api/agent/v1/report"
PREFIX = "/api/admin/agents"


class Enrolment(BaseModel):
    """Whose agent gets a token."""

    model_config = ConfigDict(extra="forbid", strict=True)

    vpsId: str  # noqa: N815 - the wire's word


def add_routes(routes: Blueprint) -> None:
    routes.add_url_rule(REPORT, "agent_report", report, methods=["POST"])
    routes.add_url_rule("/agent.pyz", "agent_program", program)
    routes.add_url_rule(PREFIX, "enroll_agent", enroll, methods=["POST"])
    routes.add_url_rule(f"{PREFIX}/<vps_id>", "revoke_agent", revoke, methods=["DELETE"])


def program() -> ResponseReturnValue:
    """The agent as one file. It carries no secret, so whoever reaches us may have it."""
    response = Response(agent_archive(), mimetype="application/zip")
    response.set_etag(agent_archive_sha256())
    return response.make_conditional(request)


def report() -> ResponseReturnValue:
    """Takes a batch of readings. An agent is known by its own token, which nothing else takes."""
    received_at = time.time()
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AuthenticationRequired("Send Authorization: Bearer <the agent's token>.")
    vps_id = current().agent_tokens.authenticate(token.strip())
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    try:
        return jsonify(current().agents.report(vps_id, request.get_data(), encoding, received_at))
    except Busy as error:
        response = errors.answer(error)
        response.headers["Retry-After"] = str(error.retry_after)
        return response


def enroll() -> ResponseReturnValue:
    """A new token, told this once, and the command that starts the agent with it."""
    actor = callers.chief("enrolls agents")
    wanted = ids.checked(body.check(Enrolment, body.read_object()).vpsId)
    token = current().agent_tokens.enroll(wanted, actor)
    hub = request.url_root.rstrip("/")
    told = {"vpsId": wanted, "token": token, "command": install_command(hub, token)}
    return jsonify(told), 201


def revoke(vps_id: str) -> ResponseReturnValue:
    """Ends the token of a server's agent."""
    actor = callers.chief("revokes the tokens of agents")
    current().agent_tokens.revoke(ids.checked(vps_id), actor)
    return "", 204
