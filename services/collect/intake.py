"""The one door: every observation comes in here, is judged once, stored, and told about.

One thread writes. Each batch is one transaction: samples, statuses, alerts and the messages
that follow from them are stored together or not at all; memory follows the commit.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from models.database import Database
from services.alerts.engine import Engine, Plan
from services.events import AlertChanged, Bus, NotificationsQueued, TargetsObserved
from services.health import status as judge_status
from services.health.board import Board
from services.health.status import Judgement
from services.history import query, write
from services.inventory.fleet import Fleet
from services.observation import PLATFORM, CheckResult, Kind, Observation, Status, kind_of

log = structlog.get_logger(__name__)

BATCH = 500
WAITING_AT_MOST = 20_000
RETRY_SECONDS = 1.0
#: A target is silent after this many intervals without a reading, and its timeout.
SILENT_INTERVALS = 2

Changes = dict[str, tuple[Judgement | None, Judgement]]
TICK = object()


class Intake:
    """``submit`` takes observations and returns at once; ``tick`` lets time pass.

    While the database cannot be written, observations wait (the oldest go when there are too
    many, which is logged) and the board says what is wrong.
    """

    def __init__(
        self,
        database: Database,
        fleet: Fleet,
        board: Board,
        engine: Engine,
        bus: Bus,
        interval: float,
        timeout: float,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._fleet = fleet
        self._board = board
        self._engine = engine
        self._bus = bus
        self._interval = interval
        self._timeout = timeout
        self._clock = clock
        self._monotonic = monotonic
        self._queue: queue.Queue[object] = queue.Queue()
        self._ticking = threading.Event()
        self._stopping = threading.Event()
        self._heard: dict[str, float] = {}
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    def start(self) -> None:
        """Goes on from what is stored, then takes observations."""
        now = self._clock()
        with self._database.write() as session:
            self._board.apply(query.states(session))
            gone = self._engine.load(session, now)
        started = self._monotonic()
        self._heard = {
            key: started
            for key in sorted(self._fleet.keys())
            if self._fleet.enabled(key) and self._read(key)
        }
        self._thread.start()
        for event in gone:
            self._bus.publish(event)
        self._bus.publish(NotificationsQueued())

    def stop(self) -> None:
        """Stores what waits, for up to 2 s, and ends the thread."""
        self._stopping.set()
        self._queue.put(TICK)
        self._thread.join(timeout=2)

    def submit(self, observations: Sequence[Observation]) -> None:
        for observation in observations:
            self._queue.put(observation)

    def tick(self) -> None:
        """Asks the writer to look for durations that are complete and targets that are silent.
        Cheap; a tick that still waits is enough."""
        if not self._ticking.is_set():
            self._ticking.set()
            self._queue.put(TICK)

    def flush(self, timeout: float = 5.0) -> None:
        """Waits until everything submitted so far is stored."""
        done: Future[None] = Future()
        self._queue.put(done)
        done.result(timeout)

    def _run(self) -> None:
        waiting: list[Observation] = []
        asked: list[Future[None]] = []
        while True:
            ticked = self._take(waiting, asked)
            try:
                self._round(waiting, ticked)
            except (OperationalError, InterfaceError, PoolTimeout) as error:
                self._hold(waiting, error)
                continue
            except Exception:
                # A defect must not cost what comes after it.
                log.exception("intake_batch_failed", observations=len(waiting))
            waiting.clear()
            for future in asked:
                future.set_result(None)
            asked.clear()
            if self._stopping.is_set() and self._queue.empty():
                return

    def _take(self, waiting: list[Observation], asked: list[Future[None]]) -> bool:
        ticked = False
        item = self._queue.get()
        while True:
            if item is TICK:
                self._ticking.clear()
                ticked = True
            elif isinstance(item, Observation):
                waiting.append(item)
            elif isinstance(item, Future):
                asked.append(item)
            if len(waiting) >= BATCH:
                return ticked
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return ticked

    def _hold(self, waiting: list[Observation], error: SQLAlchemyError) -> None:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        if self._board.trouble is None:
            log.error("cannot_store", reason=reason, waiting=len(waiting))
        self._board.report(f"Nothing new can be stored: {reason}")
        self._bus.publish(TargetsObserved(frozenset(), frozenset()))
        if len(waiting) > WAITING_AT_MOST:
            dropped = len(waiting) - WAITING_AT_MOST
            del waiting[:dropped]
            log.error("observations_dropped", count=dropped)
        self._stopping.wait(RETRY_SECONDS)

    def _round(self, observations: Sequence[Observation], ticked: bool) -> None:
        """Judges and stores one batch, then takes it over in memory."""
        now = self._clock()
        states = dict(self._board.snapshot())
        changes: Changes = {}
        plan = self._engine.plan()
        for observation in observations:
            self._judge(observation, states, changes, plan)
        if ticked:
            self._silences(states, changes, plan, now)
            plan.tick(states, now)
        if not changes and not plan.steps:
            return
        self._platform(states, changes, now)
        with self._database.write() as session:
            ids = write.target_ids(session, changes)
            write.samples(session, observations, ids)
            write.judgements(session, changes, ids)
            events = self._engine.write(session, plan.steps)
        self._engine.apply(plan.steps)
        self._board.apply({key: after for key, (_, after) in changes.items()})
        self._board.report(None)
        self._publish(changes, events)

    def _judge(
        self,
        observation: Observation,
        states: dict[str, Judgement],
        changes: Changes,
        plan: Plan,
    ) -> None:
        self._heard[observation.target] = self._monotonic()
        for part in (observation, *_parts(observation)):
            before = states.get(part.target)
            after = judge_status.judge(before, part)
            self._note(part.target, after, states, changes)
            plan.judge(part.target, after, observation.at)

    def _silences(
        self, states: dict[str, Judgement], changes: Changes, plan: Plan, now: float
    ) -> None:
        moment = self._monotonic()
        for key, heard in self._heard.items():
            interval = self._fleet.interval(key, self._interval)
            patience = SILENT_INTERVALS * interval + self._fleet.timeout(key, self._timeout)
            if moment - heard <= patience:
                continue
            before = states.get(key)
            if before is None:
                seen = now - (moment - heard)
                before = Judgement(
                    Status.UNKNOWN, now, "never observed", Status.UNKNOWN, 1, seen_at=seen
                )
            after = judge_status.silence(before, now)
            if not before.silent:
                self._note(key, after, states, changes)
            plan.judge(key, after, now)

    def _platform(self, states: dict[str, Judgement], changes: Changes, now: float) -> None:
        if not any(after.changed_from(before) for before, after in changes.values()):
            return
        before = states.get(PLATFORM)
        status = of_platform(self._fleet, states)
        if before is None or before.status is not status:
            after = Judgement(
                status, now, "", status, 1, now, previous=before.status if before else None
            )
            self._note(PLATFORM, after, states, changes)

    def _note(
        self, key: str, after: Judgement, states: dict[str, Judgement], changes: Changes
    ) -> None:
        first = changes[key][0] if key in changes else states.get(key)
        changes[key] = (first, after)
        states[key] = after

    def _publish(self, changes: Changes, events: Sequence[AlertChanged]) -> None:
        moved = {key for key, (before, after) in changes.items() if after.changed_from(before)}
        self._bus.publish(TargetsObserved(frozenset(changes), frozenset(moved)))
        for event in events:
            self._bus.publish(event)
        if events:
            self._bus.publish(NotificationsQueued())

    def _read(self, key: str) -> bool:
        """Whether a target is looked at by itself (a tenant or a VPS without a source is not)."""
        match kind_of(key):
            case Kind.VPS:
                return self._fleet.vps[key].source is not None
            case Kind.SERVICE:
                return self._fleet.services[key].check is not None or key in self._fleet.own
            case kind:
                return kind is Kind.APPLICATION


def _parts(observation: Observation) -> list[Observation]:
    """The dependencies that a service's answer speaks of, as readings of their own."""
    check = observation.check
    if check is None:
        return []
    return [
        Observation(
            f"{observation.target}/{name}",
            observation.at,
            check=CheckResult(status, f"{name} is {status} as reported by its service"),
        )
        for name, status in check.parts.items()
    ]


def of_platform(fleet: Fleet, states: Mapping[str, Judgement]) -> Status:
    """The platform's status: the rule of many over its types of services and its machines."""
    by_type: dict[str, list[Status]] = {}
    for key in (*fleet.services, *fleet.vps):
        state = states.get(key)
        if not fleet.enabled(key) or (key in fleet.vps and fleet.vps[key].source is None):
            continue
        type_ = fleet.service_type(key) if key in fleet.services else "vps"
        by_type.setdefault(type_, []).append(state.status if state else Status.UNKNOWN)
    return judge_status.of_many(judge_status.of_many(statuses) for statuses in by_type.values())
