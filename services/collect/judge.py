"""What readings mean, and what their absence means: the intake's judgement, without its queue
and its transactions. Lives on the writer's thread; only answers of witnesses come from others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial

import structlog

from services.collect.batch import Batch
from services.collect.sight import BLIND, Sight, Sighting, View
from services.health.status import out_of_touch
from services.inventory.fleet import Fleet
from services.inventory.schema import LocalSource
from services.observation import CheckResult, Kind, Observation, kind_of

log = structlog.get_logger(__name__)

#: A target is silent after this many intervals without a reading, and its timeout.
SILENT_INTERVALS = 2

#: Something to be judged by itself, at the writer's next opportunity: given a batch and now.
Act = Callable[[Batch, float], None]


class Judge:
    """``interval`` and ``timeout`` (seconds) hold where the fleet says nothing. ``ask_witness``
    looks at what else there is of a VPS, ``ask_sight`` at the monitor's own witnesses; ``later``
    has an act done on the writer's thread; ``tell`` hears which witnesses failed and how when the
    monitor turns blind, and None when it sees again."""

    def __init__(
        self,
        fleet: Fleet,
        interval: float,
        timeout: float,
        monotonic: Callable[[], float],
        ask_witness: Callable[[str], Future[CheckResult | None]],
        ask_sight: Callable[[], Future[Sighting | None]],
        later: Callable[[Act], None],
        tell: Callable[[Mapping[str, str] | None], None],
    ) -> None:
        self._fleet = fleet
        self._interval = interval
        self._timeout = timeout
        self._monotonic = monotonic
        self._ask_witness = ask_witness
        self._later = later
        self._tell = tell
        self._sight = Sight(
            ask_sight, lambda found: later(partial(self._believe_sight, found)), monotonic
        )
        self._doubted: list[Observation] = []
        self._asked: dict[str, float] = {}
        self._heard: dict[str, float] = {}
        # What the fleet says of a target, kept: it is asked for with each reading.
        self._patient: dict[str, float] = {}
        self._elsewhere: dict[str, bool] = {}
        self.watch(fleet)

    def watch(self, fleet: Fleet) -> None:
        """From now on the targets of this fleet should be heard of."""
        self._sight.forget(set(self._fleet.keys()) - set(fleet.keys()))
        self._fleet = fleet
        self._patient, self._elsewhere = {}, {}
        moment = self._monotonic()
        self._heard = {
            key: self._heard.get(key, moment)
            for key in sorted(fleet.keys())
            if fleet.enabled(key) and _is_read(fleet, key)
        }

    def take(self, batch: Batch, observations: Sequence[Observation], now: float) -> None:
        """Judges readings in their order. What was replayed is history and no news; failures
        that the monitor itself may be the cause of wait until it knows."""
        news = [
            o
            for o in observations
            if o.at >= now - self._patience(o.target) and self._fleet.enabled(o.target)
        ]
        moment = self._monotonic()
        for observation in news:
            if observation.error is None:
                self._heard[observation.target] = moment
            if self._is_elsewhere(observation.target):
                self._sight.note(observation.target, failed=Sight.fails(observation))
        view = self._sight.view
        for observation in news:
            doubtful = self._is_elsewhere(observation.target) and Sight.fails(observation)
            if view is View.CLEAR or not doubtful:
                self._believe(batch, observation)
            elif view is View.ASKING:
                self._doubted.append(observation)
            else:
                batch.doubt(observation, BLIND)

    def let_pass(self, batch: Batch, now: float) -> None:
        """What the passing of time means: durations that are complete, targets that are silent."""
        self._sight.tick()
        moment = self._monotonic()
        late = [k for k, heard in self._heard.items() if moment - heard > self._patience(k)]
        for key in late:
            heard = self._heard[key]
            if self._is_elsewhere(key):
                self._sight.note(key, failed=True)
                if self._sight.view is View.BLIND:
                    # Nobody could have been heard; they get their time again.
                    self._heard[key] = moment
                if self._sight.view is not View.CLEAR:
                    continue
            batch.silent(key, now - (moment - heard), now)
            self._witness(key)
        batch.plan.tick(batch.states, now, seeing=self._sight.view is View.CLEAR)

    def _believe(self, batch: Batch, observation: Observation) -> None:
        batch.take(observation)
        if observation.error is not None:
            self._witness(observation.target)

    def _patience(self, key: str) -> float:
        """Seconds after which a target without a reading is silent."""
        known = self._patient.get(key)
        if known is None:
            interval = self._fleet.interval(key, self._interval)
            known = SILENT_INTERVALS * interval + self._fleet.timeout(key, self._timeout)
            self._patient[key] = known
        return known

    def _is_elsewhere(self, key: str) -> bool:
        """Whether what the monitor learns of a target comes over the network."""
        known = self._elsewhere.get(key)
        if known is None:
            if kind_of(key) is Kind.VPS:
                known = not isinstance(self._fleet.source(key), LocalSource)
            else:
                known = key not in self._fleet.own
            self._elsewhere[key] = known
        return known

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
            self._later(partial(self._believe_witness, key, found))

    def _believe_witness(self, key: str, found: CheckResult, batch: Batch, now: float) -> None:
        state = batch.states.get(key)
        if state and out_of_touch(state) and self._sight.view is View.CLEAR:
            batch.unreachable(key, found, now)

    def _believe_sight(self, found: Sighting | None, batch: Batch, now: float) -> None:
        before = self._sight.view
        too_early = self._sight.take(found)
        if self._sight.view is not before and View.BLIND in (self._sight.view, before):
            failed = found.failed if found and self._sight.view is View.BLIND else None
            log.warning("sight", view=self._sight.view.value, failed=failed)
            self._tell(failed)
        for key in too_early:
            batch.doubt(Observation(key, now), BLIND)
        waiting, self._doubted = self._doubted, []
        for observation in waiting:
            if self._sight.view is View.BLIND:
                batch.doubt(observation, BLIND)
            else:
                self._believe(batch, observation)


def _is_read(fleet: Fleet, key: str) -> bool:
    """Whether a target is looked at by itself (a tenant or a VPS without a source is not)."""
    match kind_of(key):
        case Kind.VPS:
            return fleet.source(key) is not None
        case Kind.SERVICE:
            return fleet.services[key].check is not None or key in fleet.own
        case kind:
            return kind is Kind.APPLICATION
