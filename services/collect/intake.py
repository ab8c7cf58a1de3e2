"""The one door: every observation comes in here, is judged once, stored, and told about.

One thread writes. Each batch is one transaction: samples, statuses, alerts and the messages
that follow from them are stored together or not at all; memory follows the commit.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from models.database import Database
from services.alerts.engine import Engine
from services.collect.batch import Batch
from services.collect.sight import BLIND, Sight, View
from services.events import AlertChanged, Bus, NotificationsQueued, TargetsObserved
from services.health.board import Board
from services.health.graph import Graph
from services.health.status import out_of_touch
from services.history import query, write
from services.inventory.fleet import Fleet
from services.inventory.schema import LocalSource
from services.inventory.sync import sync
from services.observation import CheckResult, Kind, Observation, kind_of
from services.rule import Rule

log = structlog.get_logger(__name__)

BATCH = 500
WAITING_AT_MOST = 20_000
RETRY_SECONDS = 1.0
#: A target is silent after this many intervals without a reading, and its timeout.
SILENT_INTERVALS = 2

#: Gives, within the transaction, the readings of a report that were not taken in before.
Fresh = Callable[[Session], Sequence[Observation]]
Command = Callable[[], None]


@dataclass(slots=True)
class Arrived:
    """What the writer took from its queue and has not stored yet."""

    observations: list[Observation] = field(default_factory=list)
    reports: list[tuple[Fresh, Future[None]]] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    stored: list[Future[None]] = field(default_factory=list)
    ticked: bool = False


class Tick:
    """Time has passed."""


def nobody(_vps_id: str) -> Future[CheckResult | None]:
    """No witness."""
    done: Future[CheckResult | None] = Future()
    done.set_result(None)
    return done


def no_witnesses() -> Future[bool | None]:
    """No witnesses of the monitor's own sight."""
    done: Future[bool | None] = Future()
    done.set_result(None)
    return done


class Intake:
    """``submit`` takes observations and returns at once; ``tick`` lets time pass.

    While the database cannot be written, observations wait (the oldest go when there are too
    many, which is logged) and the board says what is wrong. ``ask_witness`` looks at what else
    there is of a VPS, ``ask_sight`` at the monitor's own witnesses.
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
        ask_witness: Callable[[str], Future[CheckResult | None]] = nobody,
        ask_sight: Callable[[], Future[bool | None]] = no_witnesses,
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
        self._ask_witness = ask_witness
        self._sight = Sight(ask_sight, self._sight_answered, monotonic)
        self._doubted: list[Observation] = []
        self._asked: dict[str, float] = {}
        self._memory = write.Memory()
        self._queue: queue.Queue[object] = queue.Queue()
        self._ticking = threading.Event()
        self._stopping = threading.Event()
        self._heard: dict[str, float] = {}
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    def start(self) -> None:
        """Goes on from what is stored, then takes observations."""
        with self._database.write() as session:
            self._board.apply(query.states(session))
            gone = self._engine.load(session, self._clock())
        self._expect(self._fleet)
        self._thread.start()
        self._publish_alerts(gone)
        self._bus.publish(NotificationsQueued())

    def stop(self) -> None:
        """Stores what waits, for up to 1.5 s, and ends the thread."""
        self._stopping.set()
        self._queue.put(Tick)
        self._thread.join(timeout=1.5)

    def submit(self, observations: Sequence[Observation]) -> None:
        for observation in observations:
            self._queue.put(observation)

    def submit_report(self, fresh: Fresh) -> Future[None]:
        """Takes a report: ``fresh`` runs in the transaction that stores what it gives. The
        future ends after the commit."""
        done: Future[None] = Future()
        self._queue.put((fresh, done))
        return done

    def replace(
        self, fleet: Fleet, graph: Graph, rules: Sequence[Rule], timeout: float = 10.0
    ) -> None:
        """Goes on with another fleet, once it is stored. What left keeps its history; alerts
        whose target or rule is gone are resolved."""
        done: Future[None] = Future()
        self._queue.put(partial(self._replace, fleet, graph, rules, done))
        done.result(timeout)

    def tick(self) -> None:
        """Asks the writer to look for durations that are complete and targets that are silent.
        Cheap; a tick that still waits is enough."""
        if not self._ticking.is_set():
            self._ticking.set()
            self._queue.put(Tick)

    def flush(self, timeout: float = 5.0) -> None:
        """Waits until everything submitted so far is stored."""
        done: Future[None] = Future()
        self._queue.put(done)
        done.result(timeout)

    def _run(self) -> None:
        arrived = Arrived()
        while not (self._stopping.is_set() and self._queue.empty()):
            self._take(arrived)
            try:
                while arrived.commands:
                    arrived.commands[0]()
                    del arrived.commands[0]
                self._round(arrived)
            except (OperationalError, InterfaceError, PoolTimeout) as error:
                self._hold(arrived, error)
                continue
            except Exception as error:
                # A defect must not cost what comes after it.
                log.exception("intake_batch_failed", observations=len(arrived.observations))
                for _, done in arrived.reports:
                    done.set_exception(error)
            else:
                for _, done in arrived.reports:
                    done.set_result(None)
            for stored in arrived.stored:
                stored.set_result(None)
            arrived = Arrived()

    def _take(self, arrived: Arrived) -> None:
        item = self._queue.get()
        while True:
            if item is Tick:
                self._ticking.clear()
                arrived.ticked = True
            elif isinstance(item, Observation):
                arrived.observations.append(item)
            elif isinstance(item, tuple):
                arrived.reports.append(item)
            elif isinstance(item, Future):
                arrived.stored.append(item)
            elif callable(item):
                arrived.commands.append(item)
            if len(arrived.observations) >= BATCH or len(arrived.reports) >= BATCH // 10:
                return
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return

    def _hold(self, arrived: Arrived, error: Exception) -> None:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        if self._board.trouble is None:
            log.error("cannot_store", reason=reason, waiting=len(arrived.observations))
        self._board.report(f"Nothing new can be stored: {reason}")
        self._bus.publish(TargetsObserved(frozenset(), frozenset()))
        if len(arrived.observations) > WAITING_AT_MOST:
            dropped = len(arrived.observations) - WAITING_AT_MOST
            del arrived.observations[:dropped]
            log.error("observations_dropped", count=dropped)
        self._stopping.wait(RETRY_SECONDS)

    def _round(self, arrived: Arrived) -> None:
        """Judges and stores one batch, then takes it over in memory."""
        now = self._clock()
        with ExitStack() as stack:
            session: Session | None = None
            observations = [*self._doubted, *arrived.observations]
            if arrived.reports:
                session = stack.enter_context(self._database.write())
                for fresh, _ in arrived.reports:
                    observations += fresh(session)
            batch = Batch(self._fleet, self._board.snapshot(), self._engine.plan())
            held = self._judge(batch, observations, now)
            if arrived.ticked:
                self._sight.tick()
                self._silences(batch, now)
                batch.plan.tick(batch.states, now)
            batch.judge_platform(now)
            stored = [o for o in observations if o.metrics or o.check]
            events: list[AlertChanged] = []
            if stored or not batch.empty:
                session = session or stack.enter_context(self._database.write())
                keys = {*batch.changes, *(o.target for o in stored)}
                ids = write.target_ids(session, keys, self._memory)
                write.samples(session, stored, ids, self._memory)
                write.judgements(session, batch.changes, ids)
                events = self._engine.write(session, batch.plan.steps)
        self._doubted = held
        self._engine.apply(batch.plan.steps)
        if batch.changes:
            self._board.apply({key: after for key, (_, after) in batch.changes.items()})
            self._board.report(None)
            moved = batch.moved()
            self._bus.publish(TargetsObserved(frozenset(batch.changes), frozenset(moved)))
        self._publish_alerts(events)

    def _judge(
        self, batch: Batch, observations: Sequence[Observation], now: float
    ) -> list[Observation]:
        """Judges readings in their order; what was replayed is history and no news. Returns the
        failures that wait until the monitor knows whether it can see."""
        held = []
        moment = self._monotonic()
        news = [
            o
            for o in observations
            if o.at >= now - self._patience(o.target) and self._fleet.enabled(o.target)
        ]
        for observation in news:
            if observation.error is None:
                self._heard[observation.target] = moment
            if self._is_elsewhere(observation.target):
                self._sight.note(observation.target, failed=Sight.fails(observation))
        view = self._sight.view
        for observation in news:
            doubtful = self._is_elsewhere(observation.target) and Sight.fails(observation)
            if view is View.CLEAR or not doubtful:
                batch.take(observation)
                if observation.error is not None:
                    self._witness(observation.target)
            elif view is View.ASKING:
                held.append(observation)
            else:
                batch.doubt(observation, BLIND)
        return held

    def _silences(self, batch: Batch, now: float) -> None:
        moment = self._monotonic()
        for key, heard in self._heard.items():
            if moment - heard <= self._patience(key):
                continue
            if self._is_elsewhere(key):
                self._sight.note(key, failed=True)
                if self._sight.view is View.BLIND:
                    # Nobody could have been heard; they get their time again.
                    self._heard[key] = moment
                if self._sight.view is not View.CLEAR:
                    continue
            batch.silent(key, now - (moment - heard), now)
            self._witness(key)

    def _patience(self, key: str) -> float:
        interval = self._fleet.interval(key, self._interval)
        return SILENT_INTERVALS * interval + self._fleet.timeout(key, self._timeout)

    def _is_elsewhere(self, key: str) -> bool:
        """Whether what the monitor learns of a target comes over the network."""
        if kind_of(key) is Kind.VPS:
            return not isinstance(self._fleet.source(key), LocalSource)
        return key not in self._fleet.own

    def _witness(self, key: str) -> None:
        """Asks a VPS's witness, once an interval while its own source tells nothing."""
        if self._fleet.witness(key) is None:
            return
        moment = self._monotonic()
        if moment < self._asked.get(key, 0.0) + self._fleet.interval(key, self._interval):
            return
        self._asked[key] = moment
        self._ask_witness(key).add_done_callback(partial(self._witness_answered, key))

    def _witness_answered(self, key: str, done: Future[CheckResult | None]) -> None:
        found = None if done.cancelled() or done.exception() else done.result()
        if found is not None:
            self._queue.put(partial(self._believe_witness, key, found))

    def _believe_witness(self, key: str, found: CheckResult) -> None:
        state = self._board.get(key)
        if state is None or not out_of_touch(state) or self._sight.view is not View.CLEAR:
            return
        batch = Batch(self._fleet, self._board.snapshot(), self._engine.plan())
        batch.unreachable(key, found, self._clock())
        self._store(batch)

    def _sight_answered(self, sees: bool | None) -> None:
        self._queue.put(partial(self._believe_sight, sees))
        self._queue.put(Tick)

    def _believe_sight(self, sees: bool | None) -> None:
        before = self._sight.view
        doubtful = self._sight.take(sees)
        if self._sight.view is not before and View.BLIND in (self._sight.view, before):
            log.warning("sight", view=self._sight.view.value, doubtful=len(doubtful))
        batch = Batch(self._fleet, self._board.snapshot(), self._engine.plan())
        now = self._clock()
        for key in doubtful:
            batch.doubt(Observation(key, now), BLIND)
        self._store(batch)

    def _store(self, batch: Batch) -> None:
        """Stores judgements that no reading of this batch brought."""
        if batch.empty:
            return
        batch.judge_platform(self._clock())
        with self._database.write() as session:
            ids = write.target_ids(session, batch.changes, self._memory)
            write.judgements(session, batch.changes, ids)
            events = self._engine.write(session, batch.plan.steps)
        self._engine.apply(batch.plan.steps)
        self._board.apply({key: after for key, (_, after) in batch.changes.items()})
        self._bus.publish(TargetsObserved(frozenset(batch.changes), frozenset(batch.moved())))
        self._publish_alerts(events)

    def _replace(
        self, fleet: Fleet, graph: Graph, rules: Sequence[Rule], done: Future[None]
    ) -> None:
        now = self._clock()
        gone = set(self._fleet.keys()) - set(fleet.keys())
        with self._database.write() as session:
            sync(session, fleet, now)
            self._engine.replace(fleet, graph, rules)
            events = self._engine.load(session, now)
            returned = query.states(session)
        added = [key for key in fleet.keys() if key not in self._board.snapshot()]  # noqa: SIM118
        self._board.drop(gone)
        self._board.apply({key: returned[key] for key in added if key in returned})
        self._sight.forget(gone)
        self._fleet = fleet
        self._expect(fleet)
        self._publish_alerts(events)
        self._bus.publish(TargetsObserved(frozenset(gone), frozenset(gone)))
        done.set_result(None)

    def _expect(self, fleet: Fleet) -> None:
        """From now on the fleet's targets should be heard of."""
        moment = self._monotonic()
        self._heard = {
            key: self._heard.get(key, moment)
            for key in sorted(fleet.keys())
            if fleet.enabled(key) and _is_read(fleet, key)
        }

    def _publish_alerts(self, events: Sequence[AlertChanged]) -> None:
        for event in events:
            self._bus.publish(event)
        if events:
            self._bus.publish(NotificationsQueued())


def _is_read(fleet: Fleet, key: str) -> bool:
    """Whether a target is looked at by itself (a tenant or a VPS without a source is not)."""
    match kind_of(key):
        case Kind.VPS:
            return fleet.source(key) is not None
        case Kind.SERVICE:
            return fleet.services[key].check is not None or key in fleet.own
        case kind:
            return kind is Kind.APPLICATION
