"""A service's log as somebody looks at it: asked for, waited for, and while it is followed asked
for again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.collect.actions import MOST_LINES, UNFINISHED, Actions
from services.errors import HealthdeckError
from services.identity.audit import Actor

#: Seconds that one look waits for the agent, and from one request to the next of a log that is
#: followed.
PATIENCE, AGAIN = 1.0, 5.0
USUAL_LINES = 200


@dataclass(frozen=True, slots=True)
class Look:
    """``asked`` goes into the next look. ``log`` None: not there yet, or nothing new; ``trouble``
    says why there is none."""

    asked: dict[str, Any]
    log: str | None = None
    trouble: str = ""

    @property
    def waits(self) -> bool:
        """Whether the agent has yet to answer."""
        return not self.asked["ended"]


def look(
    actions: Actions,
    service: tuple[str, str],
    lines: object,
    asked: object,
    actor: Actor,
    now: float,
    *,
    follow: bool,
) -> Look:
    """One look at the log of ``service`` (server and name). ``asked`` is what the look before gave,
    as a browser sends it back; anything else begins anew. Raises nothing of the domain: what is
    wrong is in the answer."""
    try:
        job_id, at = _job(asked)
        if job_id is None:
            number = lines if isinstance(lines, int) and 1 <= lines <= MOST_LINES else USUAL_LINES
            job_id, at = actions.logs(*service, number, actor)["id"], now
            return _told(actions.wait(job_id, PATIENCE), at)
        if not _ended(asked):
            return _told(actions.job(job_id), at)
    except HealthdeckError as error:
        return Look({"job": "", "at": now, "ended": True}, trouble=error.message)
    if follow and job_id and not 0 <= now - at < AGAIN:
        return look(actions, service, lines, None, actor, now, follow=follow)
    return Look({"job": job_id, "at": at, "ended": True})


def _told(job: dict[str, Any], at: float) -> Look:
    state, asked = job["state"], {"job": job["id"], "at": at, "ended": True}
    if state in UNFINISHED:
        return Look({**asked, "ended": False})
    if state == "done":
        return Look(asked, log=job["output"])
    return Look({**asked, "job": ""}, trouble=job["output"] or "The agent could not read it.")


def _job(asked: object) -> tuple[str | None, float]:
    if not isinstance(asked, dict):
        return None, 0.0
    job_id, at = asked.get("job"), asked.get("at")
    if not isinstance(job_id, str) or not isinstance(at, int | float):
        return None, 0.0
    return job_id, float(at)


def _ended(asked: object) -> bool:
    return isinstance(asked, dict) and asked.get("ended") is True
