"""Restarts and logs of services, and the jobs that carry them out."""

from __future__ import annotations

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from services.container import current
from services.errors import ValidationError
from services.web.rest import callers, ids

SERVICE = "/api/admin/health/vps/<vps_id>/services/<name>"
JOB = "/api/admin/jobs/<job_id>"
LINES = 200
#: Seconds that a request waits for a log.
PATIENCE = 8.0


def add_routes(routes: Blueprint) -> None:
    routes.add_url_rule(f"{SERVICE}/restart", "restart", restart, methods=["POST"])
    routes.add_url_rule(f"{SERVICE}/logs", "logs", logs)
    routes.add_url_rule(JOB, "job", job)


def restart(vps_id: str, name: str) -> ResponseReturnValue:
    """Asks the server's agent to restart a service; the answer is the job."""
    actor = callers.chief("restarts services")
    found = current().actions.restart(ids.checked(vps_id), ids.checked(name), actor)
    return jsonify({"job": found}), 202


def logs(vps_id: str, name: str) -> ResponseReturnValue:
    """The tail of a service's log; 202 with the job when the agent takes its time."""
    actor = callers.whole()
    asked = current().actions.logs(ids.checked(vps_id), ids.checked(name), _lines(), actor)
    found = current().actions.wait(asked["id"], PATIENCE)
    if found["state"] not in ("done", "failed"):
        return jsonify({"job": found}), 202
    return jsonify({"job": found, "log": found["output"]})


def job(job_id: str) -> ResponseReturnValue:
    """State and output of a job."""
    callers.whole()
    return jsonify({"job": current().actions.job(ids.checked(job_id))})


def _lines() -> int:
    text = request.args.get("lines", str(LINES))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValidationError("lines must be a whole number, such as 200.")
    return int(text)
