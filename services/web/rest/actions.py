"""Restarts and logs of services, and the jobs that carry them out."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from pydantic import Field

from services.collect.actions import MOST_LINES
from services.container import acting, current
from services.web.rest.operation import Answer, Query, Routes

SERVICE = "/api/admin/health/vps/<vps_id>/services/<name>"
JOB = "/api/admin/jobs/<job_id>"
#: Seconds that a request waits for a log.
PATIENCE = 8.0

routes = Routes("Actions")


class LogsQuery(Query):
    lines: int = Field(200, ge=1, le=MOST_LINES, description="how many lines from the end")


class Job(Answer):
    """``state``: queued, sent, running, done, failed or expired."""

    id: str
    vps_id: str
    service_name: str
    action: str
    unit: str
    state: str
    output: str
    exit_code: int | None
    requested_by: str
    created_at: str
    expires_at: str
    sent_at: str | None
    started_at: str | None
    finished_at: str | None


class Asked(Answer):
    job: Job


class Log(Asked):
    """``log`` is there once the job is done."""

    log: str | None = None


@routes.post(f"{SERVICE}/restart", who="chief", answer=Asked, status=202)
def restart_service(vps_id: str, name: str) -> dict[str, Any]:
    """Ask the server's agent to restart a service.

    The answer is the job. 409 says what is missing: an agent, a unit, its allow-list."""
    return {"job": current().actions.restart(vps_id, name, acting())}


@routes.get(f"{SERVICE}/logs", who="whole", query=LogsQuery, answer=Log, also=(202,), errors=(409,))
def get_service_logs(vps_id: str, name: str, query: LogsQuery) -> Response | dict[str, Any]:
    """The tail of a service's log.

    202 with the job when the agent takes its time."""
    asked = current().actions.logs(vps_id, name, query.lines, acting())
    found = current().actions.wait(asked["id"], PATIENCE)
    if found["state"] in ("done", "failed"):
        return {"job": found, "log": found["output"]}
    response = jsonify({"job": found})
    response.status_code = 202
    return response


@routes.get(JOB, who="whole", answer=Asked)
def get_job(job_id: str) -> dict[str, Any]:
    """State and output of an action."""
    return {"job": current().actions.job(job_id)}
