"""The one door: every observation comes in here, is judged once, stored, and told about.

One thread writes. Each batch is one transaction: samples, statuses, alerts and the messages
that follow from them are stored together or not at all; memory follows the commit.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from functools import cached_property

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from models.database import Database
from services.alerts.engine import Engine
from services.alerts.manage import Command
from services.collect import ledger
from services.collect.arrivals import Arrived, Asked, Change, Stats, Tick, Waiting
from services.collect.batch import Bare, Batch, Platform
from services.collect.judge import Judge
from services.collect.ledger import Taken
from services.collect.reports import Report
from services.collect.restore import go_on
from services.collect.sight import BLIND, Sighting
from services.errors import Unavailable
from services.events import AlertChanged, Bus, NotificationsQueued, TargetsObserved
from services.health.board import Board
from services.health.graph import Graph
from services.health.status import Judgement
from services.history import alive, query, write
from services.inventory.fleet import Fleet
from services.inventory.sync import sync
from services.observation import PLATFORM, CheckResult, Observation
from services.rule import Rulebook

log = structlog.get_logger(__name__)

WAITING_AT_MOST = 20_000
RETRY_SECONDS = 1.0

#: What the board says of the monitor itself has changed: the overview is another.
OF_ITSELF = TargetsObserved(frozenset({PLATFORM}), frozenset())


def nobody(_vps_id: str = "") -> Future[None]:
    """The answer where there is no witness to ask."""
    done: Future[None] = Future()
    done.set_result(None)
    return done


class Intake:
    """``submit`` takes observations and returns at once; ``tick`` lets time pass.

    While the database cannot be written, observations wait (the oldest go when there are too
    many, which is logged) and the board says what is wrong. For ``ask_witness`` and ``ask_sight``
    see Judge.
    """

    def __init__(
        self,
        database: Database,
        fleet: Fleet,
        graph: Graph,
        board: Board,
        engine: Engine,
        bus: Bus,
        interval: float,
        timeout: float,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        ask_witness: Callable[[str], Future[CheckResult | None]] = nobody,  # type: ignore[assignment]
        ask_sight: Callable[[], Future[Sighting | None]] = nobody,  # type: ignore[assignment]
    ) -> None:
        self._database = database
        self._fleet = fleet
        self._graph = graph
        self._board = board
        self._engine = engine
        self._bus = bus
        self._interval = interval
        self._not_before = 0.0
        self._clock = clock
        self._platform, self._bare = Platform(fleet), Bare(fleet)
        self._memory = write.Memory()
        self._queue: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._ticking = threading.Event()
        self._stopping = threading.Event()
        self._judge = Judge(
            fleet, interval, timeout, monotonic, ask_witness, ask_sight, self._queue.put,
            self._tell_sight,
        )  # fmt: skip
        board.listen(lambda: bus.publish(OF_ITSELF))
        self._stored = 0
        self._batches: deque[float] = deque(maxlen=1000)
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    def start(self) -> None:
        """Goes on from what is stored, then takes observations."""
        now = self._clock()
        with self._database.write() as session:
            if alive.resume(session, now, self._interval) is not None:
                self._not_before = now
            self._board.apply(go_on(session, self._fleet))
            self._engine.restore(session, now)
            gone = self._engine.load(session, now)
        self._judge.watch(self._fleet)
        self._thread.start()
        self._publish_alerts(gone)
        self._bus.publish(NotificationsQueued())

    def stop(self) -> None:
        """Stores what waits, for up to 1.5 s, and ends the thread."""
        self._stopping.set()
        self._queue.put(Tick)
        self._thread.join(timeout=1.5)
        if not self._thread.is_alive():
            with suppress(SQLAlchemyError), self._database.write() as session:
                self._engine.keep(session, self._clock())

    def submit(self, observations: Sequence[Observation]) -> None:
        for observation in observations:
            self._queue.put(observation)

    def submit_report(self, report: Report) -> Future[Taken]:
        """Takes an agent's report. The future ends after the commit, with what was new in it."""
        done: Future[Taken] = Future()
        self._queue.put(Waiting(report, done))
        return done

    def replace(
        self, fleet: Fleet, graph: Graph, book: Callable[[], Rulebook], timeout: float = 10.0
    ) -> None:
        """Goes on with another fleet and other rules, once that is stored. What left keeps its
        history; alerts whose target or rule is gone are resolved. Raises Unavailable when that
        takes longer than ``timeout`` seconds."""
        self._put(Change(book, (fleet, graph)), timeout)

    def take_rules(self, book: Callable[[], Rulebook], timeout: float = 10.0) -> None:
        """Goes on with other rules; else as ``replace``."""
        self._put(Change(book), timeout)

    def _put(self, new: Change, timeout: float) -> None:
        self._queue.put(new)
        try:
            new.done.result(timeout)
        except TimeoutError:
            raise Unavailable(
                "The change is stored and taken in as soon as the database can be written."
            ) from None

    def command(self, command: Command) -> Future[None]:
        """Has something done with an alert, in the writer's next transaction. The future ends
        after the commit; it can be cancelled as long as that has not begun."""
        done: Future[None] = Future()
        self._queue.put(Asked(command, done))
        return done

    def weigh(self, figures: Mapping[str, Judgement]) -> None:
        """Has rules judge what was computed of targets and not read there: it is no reading, and
        nothing of it is kept but what follows for alerts."""

        def judged(batch: Batch, now: float) -> None:
            watched = self._fleet.keys()
            for key, judgement in figures.items():
                if key in watched:
                    batch.plan.judge(key, judgement, now)

        if figures:
            self._queue.put(judged)

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

    def stats(self) -> Stats:
        """How the writer does; from any thread."""
        seconds = sorted(self._batches.copy())
        p95 = seconds[int(0.95 * (len(seconds) - 1))] if seconds else 0.0
        return Stats(self._stored, self._queue.qsize(), p95)

    def _run(self) -> None:
        arrived = Arrived()
        while not (self._stopping.is_set() and self._queue.empty()):
            self._take(arrived)
            try:
                self._work(arrived)
            except (OperationalError, InterfaceError, PoolTimeout) as error:
                self._hold(arrived, error)
                continue
            except Exception as error:
                # A defect must not cost what comes after it.
                log.exception("intake_batch_failed", observations=len(arrived.observations))
                arrived.fail(error)
            for stored in arrived.stored:
                if not stored.done():
                    stored.set_result(None)
            arrived = Arrived()

    def _take(self, arrived: Arrived) -> None:
        item = self._queue.get()
        while True:
            if item is Tick:
                self._ticking.clear()
            arrived.add(item)
            if arrived.full:
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
        if len(arrived.observations) > WAITING_AT_MOST:
            dropped = len(arrived.observations) - WAITING_AT_MOST
            del arrived.observations[:dropped]
            log.error("observations_dropped", count=dropped)
        self._stopping.wait(RETRY_SECONDS)

    def _work(self, arrived: Arrived) -> None:
        while arrived.changes:
            self._change(arrived.changes[0])
            del arrived.changes[0]
        now, began = self._clock(), time.perf_counter()
        with ExitStack() as stack:
            work = _Work(lambda: stack.enter_context(self._database.write()))
            observations = list(arrived.observations)
            taken: list[Taken] = []
            if arrived.reports:
                taken = ledger.store(work.session, [one.report for one in arrived.reports])
                observations += [o for one in taken for o in one.observations]
            known = self._engine.load(work.session, now) if self._engine.unsure else []
            batch = Batch(self._platform, self._bare, self._board.snapshot(), self._engine.plan())
            self._judge_all(arrived, batch, observations, work, now)
            stored = [o for o in observations if o.metrics or o.check]
            events = self._store(batch, stored, work) if stored or not batch.empty else []
            if arrived.ticked and self._engine.tends(now):
                self._engine.tend(work.session, now)
        arrived.answer(taken)
        if stored:
            self._stored += len(stored)
            self._batches.append(time.perf_counter() - began)
        self._engine.apply(batch.plan.steps)
        if batch.changes:
            self._board.apply({key: after for key, (_, after) in batch.changes.items()})
            self._board.report(None)
            moved = batch.moved()
            self._bus.publish(TargetsObserved(frozenset(batch.changes), frozenset(moved)))
        self._publish_alerts([*known, *events])

    def _judge_all(
        self,
        arrived: Arrived,
        batch: Batch,
        observations: Sequence[Observation],
        work: _Work,
        now: float,
    ) -> None:
        for asked in arrived.asked:
            asked.do(work.session, batch.plan, now)
        for act in arrived.acts:
            act(batch, now)
        self._judge.take(batch, observations, now)
        if arrived.ticked:
            self._judge.let_pass(batch, now)
        batch.judge_bare(now)
        batch.judge_platform(now)
        batch.plan.settle(batch.states, now)

    def _store(
        self, batch: Batch, stored: Sequence[Observation], work: _Work
    ) -> Sequence[AlertChanged]:
        session = work.session
        ids = write.target_ids(session, {*batch.changes, *(o.target for o in stored)}, self._memory)
        write.samples(session, stored, ids, self._memory)
        write.judgements(session, batch.changes, ids, self._not_before)
        return self._engine.write(session, batch.plan.steps)

    def _change(self, new: Change) -> None:
        now = self._clock()
        fleet, graph = new.fleet or (self._fleet, self._graph)
        with self._database.write() as session:
            if new.fleet is not None:
                sync(session, fleet, now)
            self._engine.replace(new.book(), fleet, graph, now)
            events = self._engine.load(session, now)
            returned = query.states(session) if new.fleet is not None else {}
        if new.fleet is not None:
            self._go_on_with(fleet, graph, returned)
        self._publish_alerts(events)
        new.done.set_result(None)

    def _go_on_with(self, fleet: Fleet, graph: Graph, returned: Mapping[str, Judgement]) -> None:
        """Watches another fleet. ``returned``: what is stored of targets, also of former ones."""
        keys, known = set(fleet.keys()), self._board.snapshot()
        gone = set(self._fleet.keys()) - keys
        self._board.drop(gone)
        self._board.apply({k: s for k, s in returned.items() if k in keys and k not in known})
        self._fleet, self._graph = fleet, graph
        self._platform, self._bare = Platform(fleet), Bare(fleet)
        self._judge.watch(fleet)
        self._bus.publish(TargetsObserved(frozenset({*gone, PLATFORM}), frozenset(gone)))

    def _tell_sight(self, failed: Mapping[str, str] | None) -> None:
        said = None if failed is None else f"{BLIND} ({', '.join(failed)})."
        self._board.warn("sight", said, failed)

    def _publish_alerts(self, events: Sequence[AlertChanged]) -> None:
        for event in events:
            self._bus.publish(event)
        if events:
            self._bus.publish(NotificationsQueued())


class _Work:
    """The transaction of a batch, which begins with the first that needs it."""

    def __init__(self, begin: Callable[[], Session]) -> None:
        self._begin = begin

    @cached_property
    def session(self) -> Session:
        return self._begin()
