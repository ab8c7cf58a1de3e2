"""What observations mean for one target, and what many statuses mean together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from services.observation import CheckResult, Observation, Status, worst
from services.times import span

#: A machine whose share of a resource (percent) is above this is degraded.
LIMITS: Mapping[str, float] = {
    "system.cpu.usage": 90.0,
    "system.memory.usedPercent": 85.0,
    "system.disk.usedPercent": 85.0,
}
RESOURCES = {
    "system.cpu.usage": "CPU",
    "system.memory.usedPercent": "memory",
    "system.disk.usedPercent": "disk",
}
#: Rounds in a row that a status must be seen before it counts.
TO_WORSE = 1
TO_BETTER = 2
TO_HOT = 5
#: Response times that are kept for an average.
RESPONSES = 3
#: Seconds that a status lasts at least, so that no two of its spans begin at once.
MOMENT = 0.001


@dataclass(frozen=True, slots=True)
class Judgement:
    """The state of one target after its latest reading.

    ``candidate`` is what the latest readings say, ``streak`` how many in a row; it becomes
    ``status`` when it has been seen often enough. ``silent``: no reading although one was due;
    ``unreachable``: and its witness does not answer either.
    """

    status: Status
    since: float
    reason: str
    candidate: Status
    streak: int
    seen_at: float
    previous: Status | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, str | int | float] = field(default_factory=dict)
    check: CheckResult | None = None
    responses: tuple[float, ...] = ()
    silent: bool = False
    unreachable: bool = False

    def changed_from(self, other: Judgement | None) -> bool:
        return other is None or other.status is not self.status


def look(observation: Observation) -> tuple[Status, str]:
    """What one reading says by itself: status and reason, in one printable line."""
    if observation.error is not None:
        return Status.UNKNOWN, _line(observation.error)
    check = observation.check
    if check is not None and (not observation.metrics or check.status is not Status.HEALTHY):
        return check.status, _line(check.message)
    # A server that answers "healthy" may still tell of a resource that is running out.
    hot = [
        f"{RESOURCES[name]} {observation.metrics[name]:.0f} %"
        for name, limit in LIMITS.items()
        if observation.metrics.get(name, 0.0) > limit
    ]
    if hot:
        return Status.DEGRADED, ", ".join(hot)
    return Status.HEALTHY, "all well" if check is None else _line(check.message)


def _line(text: str) -> str:
    text = text[:500]
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " for c in text)


def judge(before: Judgement | None, observation: Observation) -> Judgement:
    """The judgement after one more reading.

    The first reading counts at once, and so does any failed check (a check has looked twice
    before it says so). A recovery needs 2 good rounds, a busy machine 5 rounds above its limit.
    What is silent stays so until something usable is read.
    """
    status, reason = look(observation)
    at, check = observation.at, observation.check
    taken = () if check is None or check.response_ms is None else (check.response_ms,)
    if before is None:
        return Judgement(
            status, at, reason, status, 1, at,
            metrics=observation.metrics, facts=observation.facts, check=check, responses=taken,
        )  # fmt: skip
    if before.unreachable and observation.error is not None:
        return replace(before, candidate=status)
    streak = before.streak + 1 if status is before.candidate else 1
    now, since, previous = before.status, before.since, before.previous
    if status is not now:
        of_check = check is not None and check.status is status
        if streak < _needed(now, status, of_check=of_check):
            reason = before.reason
        else:
            # A reading may be older than the moment at which its absence was noted.
            now, since, previous = status, max(at, before.since + MOMENT), now
    # One call instead of ``replace``, which costs several: this is done with each reading.
    return Judgement(
        now, since, reason, status, streak, before.seen_at if observation.error else at, previous,
        observation.metrics or before.metrics,
        observation.facts or before.facts,
        check,
        (before.responses + taken)[-RESPONSES:],
        silent=before.silent and observation.error is not None,
    )  # fmt: skip


def _needed(now: Status, then: Status, *, of_check: bool) -> int:
    if Status.UNKNOWN in (now, then):
        return TO_WORSE
    if worst((now, then)) is now:
        return TO_BETTER
    return TO_WORSE if of_check else TO_HOT


def silence(before: Judgement, now: float) -> Judgement:
    """The judgement of a target that should have been read and was not: unknown, unless its
    witness has said more."""
    after = replace(before, silent=True, candidate=Status.UNKNOWN, streak=1)
    if before.unreachable:
        return after
    reason = f"no reading for {span(now - before.seen_at)}"
    if before.status is Status.UNKNOWN:
        return replace(after, reason=reason)
    return replace(after, status=Status.UNKNOWN, since=now, reason=reason, previous=before.status)


def out_of_touch(state: Judgement) -> bool:
    """Whether a machine's own source tells nothing at the moment, so that its witness counts."""
    return state.silent or state.candidate is Status.UNKNOWN


def unreachable(before: Judgement, witness: CheckResult, now: float) -> Judgement:
    """The judgement of a machine that is out of touch, after its witness was asked: unhealthy
    when that does not answer either, unknown when it does."""
    down = witness.status is Status.UNHEALTHY
    status = Status.UNHEALTHY if down else Status.UNKNOWN
    told = f"no reading for {span(now - before.seen_at)}"
    reason = f"unreachable: {told}, and {witness.message}" if down else f"{told}, but it answers"
    after = replace(before, unreachable=down, candidate=Status.UNKNOWN, reason=reason)
    if status is before.status:
        return after
    return replace(after, status=status, since=now, previous=before.status)


#: A server without a source of its own is known by its services, if there are so many.
LEAST_SERVICES = 2


def is_known(state: Judgement) -> bool:
    return state.status is not Status.UNKNOWN


def gives_no_answer(state: Judgement) -> bool:
    """Whether a service is down without having answered at all. Of what is only known from before
    a restart the evidence is missing: it counts as none until it is looked at."""
    answered = state.check is not None and "httpStatus" in state.check.evidence
    return state.candidate is Status.UNHEALTHY and not answered


def none_answers(services: Iterable[Judgement | None]) -> bool:
    """Whether a server that is known by its services alone is down: so many were looked at, and
    none gave an answer."""
    seen = [state for state in services if state is not None and is_known(state)]
    return len(seen) >= LEAST_SERVICES and all(map(gives_no_answer, seen))


def of_many(statuses: Iterable[Status]) -> Status:
    """Unhealthy when all are, healthy when all are, unknown when nothing is known of any,
    else degraded."""
    rest = iter(statuses)
    first = next(rest, Status.UNKNOWN)
    return first if all(status is first for status in rest) else Status.DEGRADED


def of_vps(host: Status | None, services: Iterable[Status]) -> Status:
    """A server's status: its own, made degraded by a service that is not healthy. Without a
    source of its own (``host`` None) it is what its services are together."""
    services = list(services)
    if host is None:
        return of_many(services)
    troubled = any(status is not Status.HEALTHY for status in services)
    return worst((host, Status.DEGRADED)) if troubled and host is Status.HEALTHY else host
