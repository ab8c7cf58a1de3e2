"""The pipeline: takes what is due from the outbox, sends it, and writes down how that went.

The database is the queue. Each channel has a few workers of its own, which claim a row only
when they are free to send it: a slow receiver holds up no other (``lane``), and what waits in
memory is bounded by the number of workers. People get messages that go together (``batching``).
A message is sent at least once; the id that stays the same over all attempts lets a receiver
drop the rare second copy.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from uuid import uuid4

import structlog
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from models.database import Database
from models.notifications import NotificationRow as Row
from services.notify import batches, claims
from services.notify.attempt import attempt
from services.notify.batching import LIMITS
from services.notify.channels import Channel
from services.notify.claims import Claim, Outcome
from services.notify.fallback import Fallbacks
from services.notify.lane import Lane
from services.notify.retry import Reason, Status
from services.notify.troubles import Desk
from services.rule import Channel as Name

log = structlog.get_logger(__name__)

WORKERS = 4
LEASE = 20.0
#: A channel keeps to 10 s by itself; this frees the worker from one that does not.
SEND_LIMIT = 12.0
STOP_LIMIT = 3.0
_CANDIDATES = 16
_RECORD_RETRY = (0.1, 2.0)


class Pipeline:
    """``channels`` by name, ``clock`` in seconds since the epoch, ``lease`` in seconds: it must
    be longer than a send can take, and is how long a crash delays what was being sent.
    ``jitter`` gives a number from 0 to 1 for each retry; ``limits``: messages an hour to one
    recipient, by channel. ``recorded`` hears of each alert of which a message's outcome was
    written down; ``troubled`` of each (channel, recipient) that keeps failing, with a text that
    says so, and with None when it works again. Who looks at the dashboard is told too."""

    def __init__(
        self,
        database: Database,
        channels: Mapping[str, Channel],
        clock: Callable[[], float] = time.time,
        workers_per_channel: int = WORKERS,
        lease: float = LEASE,
        send_limit: float = SEND_LIMIT,
        jitter: Callable[[], float] = random.random,
        recorded: Callable[[str], None] = lambda alert_id: None,
        troubled: Callable[[str, str, str | None], None] = lambda channel, recipient, text: None,
        limits: Mapping[str, int] = LIMITS,
        fallbacks: Fallbacks | None = None,
    ) -> None:
        self._database = database
        self._lanes = {
            name: Lane(channel, workers_per_channel) for name, channel in channels.items()
        }
        self._clock = clock
        self._workers = workers_per_channel
        self._lease = lease
        self._send_limit = send_limit
        self._jitter = jitter
        self._recorded = recorded
        self._limits = limits
        self._fallbacks = fallbacks or Fallbacks()
        in_app = self._lanes.get(Name.IN_APP.value)
        self._troubles = Desk(database, clock, troubled, in_app.signal if in_app else None)
        self._stopping = threading.Event()
        self._halted = threading.Event()
        self._own: set[str] = set()
        self._finished = 0
        self._decided = self._decided_before = 0
        self._quiet = threading.Condition()

    def start(self) -> None:
        """Starts the workers; what waits in the outbox is sent at once. On SQLite no other
        pipeline may be running on the file: what that one is sending would be sent twice."""
        if self._database.dialect == "sqlite":
            self.recover()
        for name, lane in self._lanes.items():
            for number in range(self._workers):
                thread = threading.Thread(
                    target=self._work, args=(lane,), name=f"notify-{name}-{number}", daemon=True
                )
                lane.threads.append(thread)
                thread.start()
        self.wake()

    def stop(self) -> None:
        """Claims nothing more and finishes what is under way, for 3 s at most. What is not
        finished then is sent again, under the same id, once its lease has ended."""
        ends = time.monotonic() + STOP_LIMIT
        self._stopping.set()
        for lane in self._lanes.values():
            lane.close()
        for lane in self._lanes.values():
            for thread in lane.threads:
                thread.join(max(ends - time.monotonic(), 0))
        self._halted.set()
        if self._own:
            log.warning("notifications_unfinished", count=len(self._own), reason="stopped")

    def wake(self) -> None:
        """There may be something to send. Cheap; call it after each commit that enqueued."""
        for lane in self._lanes.values():
            lane.signal()

    def sweep(self) -> None:
        """Takes care of what became due with time: retries, and rows whose sender was lost.
        Called each second. Never raises; what fails now is done by the next call."""
        now, own, names = self._clock(), self._own_tokens(), self._lanes.keys()
        try:
            with self._database.read() as session:
                if not claims.stirs(session, now):
                    return
                untidy = session.execute(claims.untidy(now, names, own)).first()
            if untidy:
                with self._database.write() as session:
                    count = claims.tidy(session, now, names, own)
                log.warning("notifications_requeued", count=count, reason=Reason.INTERRUPTED.value)
        except SQLAlchemyError as error:
            log.warning("notifications_sweep_failed", reason=_first_line(error))
        self.wake()

    def stalled(self) -> str | None:
        """Why messages do not leave although they could; None while they do. Asked once a minute:
        what has been due for a minute while nothing was decided shows that nobody works."""
        progress, self._decided_before = self._decided - self._decided_before, self._decided
        if not all(thread.is_alive() for lane in self._lanes.values() for thread in lane.threads):
            return "Somebody who sends messages has stopped"
        with self._database.read() as session:
            overdue = claims.due(self._clock() - 60.0, self._lanes.keys()).limit(1)
            waits = session.execute(overdue).first() is not None
        if waits and not progress:
            return "Messages have been due for a minute and none was sent"
        return None

    def recover(self) -> None:
        """Queues again what a former process left in sending, without waiting for leases: on
        SQLite there is no other process that could still be at it."""
        with self._database.write() as session:
            count = claims.requeue(session, self._clock(), [Row.status == Status.SENDING])
        if count:
            log.info("notifications_requeued", count=count, reason=Reason.INTERRUPTED.value)

    def idle(self, timeout: float) -> bool:
        """Waits until nothing is due or under way here; False when that took too long."""
        ends = time.monotonic() + timeout
        while True:
            with self._quiet:
                finished = self._finished
            with self._database.read() as session:
                waiting = claims.due(self._clock(), self._lanes.keys()).limit(1)
                due = session.execute(waiting).first() is not None
            with self._quiet:
                # A row that finished in between may have freed the one behind it.
                if not due and not self._own and finished == self._finished:
                    return True
                left = ends - time.monotonic()
                if left <= 0:
                    return False
                self._quiet.wait(min(left, 0.02))

    def _work(self, lane: Lane) -> None:
        while lane.wait():
            try:
                while not self._stopping.is_set() and self._send_one(lane):
                    pass
            except SQLAlchemyError as error:
                # The next sweep signals again: nothing is lost, only later.
                log.warning("notifications_claim_failed", reason=_first_line(error))
            except Exception:
                log.exception("notifications_worker_failed", channel=lane.channel.name)

    def _send_one(self, lane: Lane) -> bool:
        """Claims a message, sends it and records the outcome; False when nothing is due."""
        token = uuid4().hex
        with self._owning(token):
            claim = self._claim(lane, token)
            if claim is None:
                return False
            lane.signal()
            begun = time.monotonic()
            try:
                outcome = attempt(
                    lane.channel, claim, self._clock, self._jitter(), self._send_limit
                )
                took = time.monotonic() - begun
                kept = self._record(claim, outcome)
            finally:
                lane.turns.end(claim.message.recipient, time.monotonic() - begun)
        self._say(claim, outcome, kept, took)
        if kept:
            self._decided += 1
            for alert_id in claim.alerts:
                self._recorded(alert_id)
            self._troubles.judge(claim, outcome)
        return True

    def _claim(self, lane: Lane, token: str) -> Claim | None:
        while True:
            now, busy = self._clock(), lane.turns.blocked()
            with self._database.read() as session:
                due = claims.due(now, [lane.channel.name], busy).limit(_CANDIDATES)
                rows = list(session.scalars(due))
            if not rows:
                return None
            # Workers of all processes read the same rows: they spread over them.
            random.shuffle(rows)
            for row in rows:
                if claim := self._claim_row(lane, row, token, now):
                    return claim

    def _claim_row(self, lane: Lane, row: Row, token: str, now: float) -> Claim | None:
        """None when it is not this recipient's turn, when the row is gone or was put off."""
        if not lane.turns.begin(row.recipient):
            return None
        claim = None
        try:
            claim = self._take(row, token, now)
        finally:
            if claim is None:
                lane.turns.end(row.recipient)
        return claim

    def _take(self, row: Row, token: str, now: float) -> Claim | None:
        with self._database.write() as session:
            first: Row | None = row
            if batches.undecided(row):
                first = batches.make(session, row.channel, row.recipient, now, self._limits)
            return claims.take(session, first, token, now + self._lease) if first else None

    def _say(self, claim: Claim, outcome: Outcome, kept: bool, took: float) -> None:
        went_well = outcome.status in (Status.SENT, Status.DELIVERED)
        say = log.info if kept and went_well else log.warning
        say(
            "notification" if kept else "notification_result_lost",
            notification=claim.message.id,
            alert=claim.message.alert_id,
            rows=claim.rows,
            event_type=claim.message.event,
            channel=claim.channel,
            recipient=claim.message.recipient,
            status=outcome.status.value,
            reason=outcome.reason.value,
            attempts=claim.attempts,
            seconds=round(took, 3),
            detail=outcome.detail,
        )

    def _record(self, claim: Claim, outcome: Outcome) -> bool:
        """Writes the outcome down, however long the database is away; only stop() ends it."""
        delay, longest = _RECORD_RETRY
        while True:
            try:
                with self._database.write() as session:
                    kept = claims.record(session, claim, outcome)
                    now = self._clock()
                    due = kept and self._fallbacks.follow(session, claim, outcome, now)
                if due:
                    self.wake()
                return kept
            except (DBAPIError, PoolTimeout) as error:
                log.warning(
                    "notification_record_failed",
                    notification=claim.message.id,
                    reason=_first_line(error),
                )
                if self._halted.wait(delay):
                    return False
                delay = min(delay * 2, longest)

    @contextmanager
    def _owning(self, token: str) -> Iterator[None]:
        """While inside, a claim under this token is alive, and its lease is not looked at."""
        with self._quiet:
            self._own.add(token)
        try:
            yield
        finally:
            with self._quiet:
                self._own.discard(token)
                self._finished += 1
                self._quiet.notify_all()

    def _own_tokens(self) -> list[str]:
        with self._quiet:
            return list(self._own)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
