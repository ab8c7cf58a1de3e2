"""The hub's side of the agents: takes their reports, hands out commands."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as Late
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import func, select

from models.agents import Agent, AgentStream
from models.database import Database
from services.collect import ledger
from services.collect.actions import Actions
from services.collect.ledger import Taken
from services.collect.reports import Report, judge, parse, unpack
from services.errors import InsufficientPermissions, Unavailable
from services.inventory.fleet import Fleet
from services.inventory.schema import AgentSource
from services.times import iso

#: Reports in progress at a time. More would only wait for the one writer.
AT_ONCE = 4
#: Seconds that a report waits for its commit; an agent gives up after 10.
COMMIT = 8.0
#: Somebody refused comes back after SOONEST to LATEST seconds: spread over more of them the more
#: have been refused within the last LATEST, at A_SECOND of them each second.
SOONEST, LATEST = 2, 30
A_SECOND = 25


_ENROLLED = (
    select(
        Agent.vps_id,
        Agent.enrolled_at,
        Agent.enrolled_by,
        Agent.revoked_at,
        Agent.version,
        Agent.allows,
        func.max(AgentStream.seen_at),
    )
    .outerjoin(AgentStream, AgentStream.vps_id == Agent.vps_id)
    .group_by(Agent.vps_id)
    .order_by(Agent.vps_id)
)


class Busy(Unavailable):
    """Not now; ``retry_after`` (whole seconds) says when."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Writer(Protocol):
    """The intake. The future is resolved after the commit; one that was cancelled before it was
    begun is left alone."""

    def submit_report(self, report: Report) -> Future[Taken]: ...


class AgentDesk:
    """``fleet`` is asked each time, for the inventory changes. ``interval`` and ``keep`` in
    seconds: the default between readings, and how old a reading may be. Thread-safe."""

    def __init__(
        self,
        database: Database,
        fleet: Callable[[], Fleet],
        writer: Writer,
        actions: Actions,
        interval: float,
        keep: float,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        dice: random.Random | None = None,
        commit: float = COMMIT,
    ) -> None:
        self._database = database
        self._fleet = fleet
        self._writer = writer
        self._actions = actions
        self._interval = interval
        self._keep = keep
        self._clock = clock
        self._commit = commit
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._refusals = Refusals(monotonic, dice or random.SystemRandom())

    def check_room(self) -> None:
        """Raises Busy when a report that came now would find no place: asked before anything
        else, for those who are sent away must cost nothing, not even a look at their token."""
        with self._place():
            pass

    def report(
        self, vps_id: str, data: bytes, encoding: str, received_at: float | None = None
    ) -> dict[str, Any]:
        """Takes a report of the agent of ``vps_id``; the answer comes after the commit. Raises
        ValidationError or PayloadTooLarge (nothing is stored), InsufficientPermissions for
        another server's report, Busy."""
        now = self._clock() if received_at is None else received_at
        with self._place():
            given = parse(unpack(data, encoding))
            self._check(vps_id, given.vps_id)
            report = judge(given, vps_id, now, self._keep)
            taken = self._stored(self._writer.submit_report(report))
        if given.results:
            self._actions.results(vps_id, given.results)
        return {
            "accepted": taken.accepted,
            "duplicates": taken.duplicates,
            "rejected": [{"seq": seq, "reason": reason} for seq, reason in report.rejected],
            "serverTime": round(self._clock(), 3),
            "interval": self._fleet().interval(vps_id, self._interval),
            "commands": self._actions.commands(vps_id),
        }

    def enrolled(self) -> list[dict[str, Any]]:
        """Every agent that was ever enrolled, by the id of its server; never its token.
        ``lastSeenAt`` is when it last reported, None when that is long ago or never was."""
        with self._database.read() as session:
            return [
                {
                    "vpsId": vps_id,
                    "createdAt": iso(enrolled_at),
                    "createdBy": enrolled_by,
                    "lastSeenAt": iso(seen_at),
                    "version": version,
                    "allows": allows,
                    "revoked": revoked_at is not None,
                }
                for (
                    vps_id, enrolled_at, enrolled_by, revoked_at, version, allows, seen_at
                ) in session.execute(_ENROLLED).all()
            ]  # fmt: skip

    def forget(self) -> None:
        """Forgets streams whose readings nobody would take any more. For the scheduler."""
        with self._database.write() as session:
            ledger.forget(session, self._clock() - self._keep - 86400)

    @contextmanager
    def _place(self) -> Any:
        if not self._places.acquire(blocking=False):
            raise Busy("Too many reports at once; come again.", self._refusals.wait())
        try:
            yield
        finally:
            self._places.release()

    def _stored(self, future: Future[Taken]) -> Taken:
        try:
            return future.result(self._commit)
        except (Late, CancelledError):
            future.cancel()
            raise Busy(
                "The report could not be stored in time; send it again.", self._refusals.wait()
            ) from None

    def _check(self, vps_id: str, said: str | None) -> None:
        if said is not None and said != vps_id:
            raise InsufficientPermissions("This token belongs to another VPS.")
        if not isinstance(self._fleet().source(vps_id), AgentSource):
            raise InsufficientPermissions(
                f"The VPS '{vps_id}' is not in the inventory with `source: {{type: agent}}`."
            )


class Refusals:
    """How long those wait whom we refuse, so that they do not come back all at once."""

    def __init__(self, monotonic: Callable[[], float], dice: random.Random) -> None:
        self._monotonic = monotonic
        self._dice = dice
        self._recent: deque[float] = deque(maxlen=A_SECOND * LATEST)
        self._lock = threading.Lock()

    def wait(self) -> int:
        """Whole seconds until the one who is refused now may come again."""
        with self._lock:
            now = self._monotonic()
            while self._recent and self._recent[0] < now - LATEST:
                self._recent.popleft()
            self._recent.append(now)
            bound = SOONEST + 1 + len(self._recent) // A_SECOND
            return self._dice.randint(SOONEST, min(bound, LATEST))
