"""One batch of the intake: what its readings mean, on top of what the board holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from services.alerts.plan import Plan
from services.health import status as judge_status
from services.health.status import Judgement
from services.inventory.fleet import Fleet
from services.observation import PLATFORM, CheckResult, Observation, Status


class States(Mapping[str, Judgement]):
    """The board with a batch's judgements in front of it. A ChainMap asks each map twice, and
    this is asked several times a reading."""

    def __init__(self, after: Mapping[str, Judgement], board: Mapping[str, Judgement]) -> None:
        self._after = after
        self._board = board

    def get(self, key: str, default: Judgement | None = None) -> Judgement | None:  # type: ignore[override]
        found = self._after.get(key)
        return found if found is not None else self._board.get(key, default)

    def __getitem__(self, key: str) -> Judgement:
        found = self._after.get(key)
        return found if found is not None else self._board[key]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._board, **self._after})

    def __len__(self) -> int:
        return len(self._board.keys() | self._after.keys())


class Platform:
    """The platform's status: the rule of many over its types of services and its machines."""

    def __init__(self, fleet: Fleet) -> None:
        by_type: dict[str, list[str]] = defaultdict(list)
        machines = (vps_id for vps_id in fleet.vps if fleet.source(vps_id))
        for key in (*fleet.services, *machines):
            if fleet.enabled(key):
                by_type[fleet.service_type(key)].append(key)
        self._by_type = list(by_type.values())

    def status(self, states: Mapping[str, Judgement]) -> Status:
        return judge_status.of_many(
            judge_status.of_many(
                state.status if (state := states.get(key)) else Status.UNKNOWN for key in keys
            )
            for keys in self._by_type
        )


class Bare:
    """The servers without a source of their own, and the services by which they are known."""

    def __init__(self, fleet: Fleet) -> None:
        self.services: dict[str, list[str]] = {
            spec.id: keys
            for spec in fleet.vps.values()
            if fleet.source(spec.id) is None and fleet.enabled(spec.id)
            if len(keys := [f"{spec.id}/{s.name}" for s in spec.services if s.check]) > 1
        }


class Batch:
    """Collects judgements (``changes``: before, after) and the alerts' next steps (``plan``)."""

    def __init__(
        self, platform: Platform, bare: Bare, board: Mapping[str, Judgement], plan: Plan
    ) -> None:
        self.changes: dict[str, tuple[Judgement | None, Judgement]] = {}
        self.plan = plan
        self._platform = platform
        self._bare = bare
        self._after: dict[str, Judgement] = {}
        self.states = States(self._after, board)

    @property
    def empty(self) -> bool:
        return not self.changes and not self.plan.steps

    def moved(self) -> set[str]:
        """The targets whose status is another than before the batch."""
        return {key for key, (before, after) in self.changes.items() if after.changed_from(before)}

    def take(self, observation: Observation) -> None:
        """Judges one reading, and what it says of dependencies."""
        for part in (observation, *_parts(observation)):
            before = self.states.get(part.target)
            self.note(part.target, judge_status.judge(before, part), part.at)

    def doubt(self, observation: Observation, reason: str) -> None:
        """Takes a reading that says nothing about its target: it could not be seen."""
        self.take(replace(observation, metrics={}, check=None, error=reason))

    def silent(self, key: str, waited_since: float, now: float) -> None:
        """A target that should have been read and was not; ``waited_since``: the moment from
        which a reading was due, where there has never been one."""
        before = self.states.get(key)
        if before is None:
            reason = "never observed"
            before = Judgement(Status.UNKNOWN, now, reason, Status.UNKNOWN, 1, waited_since)
        after = judge_status.silence(before, now)
        if before.silent:
            self.plan.judge(key, before, now)
        else:
            self.note(key, after, now)

    def unreachable(self, key: str, found: CheckResult, now: float) -> None:
        """A silent machine whose witness was asked: it is down when that fails too."""
        before = self.states.get(key)
        if before is None or not judge_status.out_of_touch(before):
            return
        self.note(key, judge_status.unreachable(before, found, now), now)

    def note(self, key: str, after: Judgement, at: float) -> None:
        known = self.changes.get(key)
        first = known[0] if known else self.states.get(key)
        self.changes[key] = (first, after)
        self._after[key] = after
        self.plan.judge(key, after, at)

    def judge_bare(self, now: float) -> None:
        """Whether servers without a source are there at all, where a service of theirs was judged:
        else a dead one would be told of once for each of its services."""
        touched = {key.partition("/")[0] for key in self.changes} & self._bare.services.keys()
        for vps_id in touched:
            keys = self._bare.services[vps_id]
            down = judge_status.none_answers(self.states.get(key) for key in keys)
            status = Status.UNHEALTHY if down else Status.HEALTHY
            reason = f"none of its {len(keys)} services answers" if down else "it answers"
            self.plan.judge(
                vps_id, Judgement(status, now, reason, status, 1, now, silent=down), now
            )

    def judge_platform(self, now: float) -> None:
        """The platform's own status, where anything moved."""
        if not self.moved():
            return
        before = self.states.get(PLATFORM)
        status = self._platform.status(self.states)
        if before is None or before.status is not status:
            previous = before.status if before else None
            self.note(PLATFORM, Judgement(status, now, "", status, 1, now, previous=previous), now)


def _parts(observation: Observation) -> list[Observation]:
    """The dependencies that a service's answer speaks of, as readings of their own."""
    check = observation.check
    if check is None or not check.parts:
        return []
    return [
        Observation(
            f"{observation.target}/{name}",
            observation.at,
            check=CheckResult(status, f"{name} is {status} as reported by its service"),
        )
        for name, status in check.parts.items()
    ]
