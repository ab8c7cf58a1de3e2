"""Jobs: what people ask of servers, carried out by the agents there, each within its allow-list."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from models.agents import Agent
from models.database import Database
from models.jobs import Job
from services.collect.permitted import check_agent, unit_of
from services.collect.reports import ResultIn
from services.errors import Conflict, NotFound, ValidationError
from services.identity.audit import Actor, audit
from services.inventory.fleet import Fleet
from services.times import iso

#: Seconds in which a command must be fetched.
GOOD_FOR = 120.0
#: Seconds after which a command that was fetched should have begun, and one that began ended
#: (the agent ends a program after 60 s).
SLOW, ENDLESS = 60.0, 600.0
KEPT_DAYS = 90
MOST_LINES = 1000
#: Commands that wait for one agent.
MOST_WAITING = 16
#: Commands that one answer hands out.
AT_ONCE = 8
#: Callers that may wait for a job to end; others look again by themselves.
MOST_PATIENT = 6
LONGEST_OUTPUT = 64 * 1024
#: After a look that found nothing queued nobody looks for so many seconds: another process' job
#: is handed out so much later.
QUIET = 2.0

QUEUED, SENT, RUNNING = "queued", "sent", "running"
DONE, FAILED, EXPIRED = "done", "failed", "expired"
UNFINISHED = (QUEUED, SENT, RUNNING)

NOT_FETCHED = "The agent did not fetch this in time: it is not connected. Nothing was done."
NOT_BEGUN = "The agent fetched this and did not say that it began."
NOT_ENDED = (
    "The agent began this and did not say how it ended: whether it took effect is not known."
)

_ANY_QUEUED = select(Job.id).where(Job.state == QUEUED).limit(1)

Body = dict[str, Any]


class Actions:
    """``changed`` is told the id of each job that moved, after the commit. Thread-safe."""

    def __init__(
        self,
        database: Database,
        fleet: Callable[[], Fleet],
        changed: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._fleet = fleet
        self._changed = changed
        self._clock = clock
        self._monotonic = monotonic
        self._quiet_until = monotonic()
        self._moved = threading.Condition()
        self._moves = 0
        self._patient = threading.BoundedSemaphore(MOST_PATIENT)

    def restart(self, vps_id: str, service: str, actor: Actor) -> Body:
        """Asks for a restart; the job. While one has not ended, that one is the answer: nobody
        means two. Raises NotFound, or Conflict saying what to change."""
        return self._ask("restart", vps_id, service, 0, actor)

    def logs(self, vps_id: str, service: str, lines: int, actor: Actor) -> Body:
        """Asks for the last ``lines`` of a service's log; the job. Raises as ``restart``, and
        ValidationError."""
        if not 1 <= lines <= MOST_LINES:
            raise ValidationError(f"lines must be a whole number from 1 to {MOST_LINES}.")
        return self._ask("logs", vps_id, service, lines, actor)

    def job(self, job_id: str) -> Body:
        """State and output of a job. Raises NotFound."""
        with self._database.read() as session:
            row = session.get(Job, job_id)
        if row is None:
            raise NotFound("There is no such job, or it is long over.")
        return _body(row)

    def wait(self, job_id: str, seconds: float) -> Body:
        """The job once it has ended, or as it is after ``seconds``; at once when many wait."""
        if not self._patient.acquire(blocking=False):
            return self.job(job_id)
        try:
            until = time.monotonic() + seconds
            while True:
                moves = self._moves
                found = self.job(job_id)
                left = until - time.monotonic()
                if found["state"] not in UNFINISHED or left <= 0:
                    return found
                with self._moved:
                    # Once a second at least: another process may have taken the result.
                    self._moved.wait_for(lambda: self._moves != moves, min(left, 1.0))  # noqa: B023
        finally:
            self._patient.release()

    def commands(self, vps_id: str) -> list[Body]:
        """What an agent is asked to do, each command once. A job that another process queued
        is seen within QUIET seconds."""
        if not self._any_queued():
            return []
        now = self._clock()
        query = (
            select(Job)
            .where(Job.vps_id == vps_id, Job.state == QUEUED, Job.expires_at > now)
            .order_by(Job.created_at, Job.id)
            .limit(AT_ONCE)
        )
        with self._database.read() as session:
            if session.scalar(query.with_only_columns(Job.id).limit(1)) is None:
                return []
        with self._database.write() as session:
            jobs = session.scalars(query.with_for_update(skip_locked=True)).all()
            for job in jobs:
                job.state, job.sent_at = SENT, now
        self._tell([job.id for job in jobs])
        return [
            {
                "id": job.id,
                "action": job.kind,
                "unit": job.unit,
                "lines": job.lines,
                "expiresAt": job.expires_at,
            }
            for job in jobs
        ]

    def results(self, vps_id: str, results: Sequence[ResultIn]) -> None:
        """Takes over what an agent says of its commands. One that is not its own, or has ended
        already, is left alone."""
        now, moved = self._clock(), []
        with self._database.write() as session:
            for one in results:
                values: Body = {"state": one.state}
                if one.state == RUNNING:
                    before: tuple[str, ...] = (SENT,)
                    values["started_at"] = now
                else:
                    before = (SENT, RUNNING, EXPIRED)
                    values |= {
                        "output": _text(one.output),
                        "exit_code": one.exit_code,
                        "finished_at": now,
                    }
                found = session.scalar(
                    update(Job)
                    .where(Job.id == one.id, Job.vps_id == vps_id)
                    .where(Job.state.in_(before), Job.sent_at.is_not(None))
                    .values(values)
                    .returning(Job.id)
                )
                moved += [found] if found else []
        self._tell(moved)

    def expire(self, now: float) -> None:
        """Ends what nobody fetched and what was never heard of again. For the scheduler."""
        ends = (
            (Job.expires_at, 0.0, QUEUED, EXPIRED, NOT_FETCHED),
            (Job.expires_at, SLOW, SENT, EXPIRED, NOT_BEGUN),
            (Job.started_at, ENDLESS, RUNNING, FAILED, NOT_ENDED),
        )
        with self._database.read() as session:
            if session.scalar(select(Job.id).where(Job.state.in_(UNFINISHED)).limit(1)) is None:
                return
        moved: list[str] = []
        with self._database.write() as session:
            for moment, seconds, state, after, text in ends:
                ended = (
                    update(Job)
                    .where(Job.state == state, moment <= now - seconds)
                    .values(state=after, output=text, finished_at=now)
                    .returning(Job.id)
                )
                moved += session.scalars(ended)
            session.execute(delete(Job).where(Job.finished_at < now - KEPT_DAYS * 86400))
        self._tell(moved)

    def _ask(self, kind: str, vps_id: str, service: str, lines: int, actor: Actor) -> Body:
        unit = unit_of(self._fleet(), kind, vps_id, service)
        now = self._clock()
        with self._database.write() as session:
            # Also makes those who ask of one server at the same moment wait for each other.
            agent = session.get(Agent, vps_id, with_for_update=True)
            check_agent(agent, f"{kind}:{unit}", vps_id)
            job = _same(session, kind, vps_id, service) if kind == "restart" else None
            if job is None:
                _check_room(session, vps_id)
                job = Job(
                    id=str(uuid.uuid4()),
                    vps_id=vps_id,
                    service=service,
                    kind=kind,
                    unit=unit,
                    lines=lines,
                    state=QUEUED,
                    output="",
                    requested_by=actor.name[:100],
                    created_at=now,
                    expires_at=now + GOOD_FOR,
                )
                session.add(job)
            detail = {"job": job.id, "unit": unit} | ({"lines": lines} if lines else {})
            audit(session, actor, f"service.{kind}", f"{vps_id}/{service}", now, detail)
        self._tell([job.id])
        return _body(job)

    def _any_queued(self) -> bool:
        """Whether a job may be waiting for any agent."""
        moves, looked_at = self._moves, self._monotonic()
        if looked_at < self._quiet_until:
            return False
        with self._database.read() as session:
            if session.scalar(_ANY_QUEUED) is not None:
                return True
        with self._moved:
            # What was queued here since then may have been committed after the look.
            if moves == self._moves:
                self._quiet_until = looked_at + QUIET
        return False

    def _tell(self, job_ids: Sequence[str]) -> None:
        if not job_ids:
            return
        with self._moved:
            self._moves += 1
            self._quiet_until = self._monotonic()
            self._moved.notify_all()
        for job_id in job_ids:
            self._changed(job_id)


def _check_room(session: Session, vps_id: str) -> None:
    waiting = session.scalar(
        select(func.count()).select_from(Job).where(Job.vps_id == vps_id, Job.state == QUEUED)
    )
    if (waiting or 0) >= MOST_WAITING:
        raise Conflict(
            f"{MOST_WAITING} commands wait for the agent of '{vps_id}' already. Look whether it "
            "is connected."
        )


def _same(session: Session, kind: str, vps_id: str, service: str) -> Job | None:
    return session.scalar(
        select(Job)
        .where(Job.vps_id == vps_id, Job.state.in_(UNFINISHED))
        .where(Job.service == service, Job.kind == kind)
        .limit(1)
    )


def _text(output: str) -> str:
    """The end of an output, as every database stores it."""
    cut = output[-LONGEST_OUTPUT:]
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in cut)


def _body(job: Job) -> Body:
    return {
        "id": job.id,
        "vpsId": job.vps_id,
        "serviceName": job.service,
        "action": job.kind,
        "unit": job.unit,
        "state": job.state,
        "output": job.output,
        "exitCode": job.exit_code,
        "requestedBy": job.requested_by,
        "createdAt": iso(job.created_at),
        "expiresAt": iso(job.expires_at),
        "sentAt": iso(job.sent_at),
        "startedAt": iso(job.started_at),
        "finishedAt": iso(job.finished_at),
    }
