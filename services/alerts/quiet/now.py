"""Whether somebody may be told of an alert now: maintenance, silences and deployments. Pure.

It is asked for thousands of alerts at a time: which windows are open is worked out once for each
stretch of time in which nothing opens or closes, and of those only the ones that name something
of the alert are looked at.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from services.alerts.quiet.schedules import Span
from services.alerts.quiet.specs import Maintenance, SilenceMatcher
from services.alerts.quiet.windows import standing
from services.inventory.fleet import Fleet
from services.observation import Kind, kind_of, vps_of

#: Characters of a name or comment that are quoted in a reason.
_QUOTED = 120

#: A field of an alert and a value of it.
Mark = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Subject:
    """An alert, as far as it matters to whom may be told. ``service`` is the name of the service
    or application; ``tenants`` whom it reaches; ``tags`` are those of its server; ``runs_on`` the
    service (``vps/service``) that an application runs on."""

    rule_id: str
    rule_name: str
    severity: str
    target: str
    vps_id: str | None
    service: str | None
    tenants: frozenset[str]
    tags: frozenset[str]
    runs_on: str | None = None

    @classmethod
    def of(
        cls, rule_id: str, rule_name: str, severity: str, target: str, tenants: frozenset[str],
        fleet: Fleet,
    ) -> Subject:  # fmt: skip
        """An application counts to the server that it runs on."""
        kind, runs_on = kind_of(target), None
        if kind is Kind.APPLICATION and target in fleet.applications:
            runs_on = fleet.applications[target].runs_on
        vps_id = vps_of(runs_on or target)
        service = target.partition("/")[2].partition("/")[0] or None
        spec = fleet.vps.get(vps_id or "")
        tags = frozenset(spec.tags) if spec else frozenset()
        return cls(rule_id, rule_name, severity, target, vps_id, service, tenants, tags, runs_on)

    def services(self) -> set[str]:
        """The names by which a scope may mean its service."""
        found = {self.service, self.runs_on}
        if self.runs_on is None and self.vps_id and self.service:
            found.add(f"{self.vps_id}/{self.service}")
        return {name for name in found if name is not None}


@dataclass(frozen=True, slots=True)
class Withheld:
    """Why nobody is told, in an operator's words, and until when (seconds since the epoch)."""

    kind: Literal["maintenance", "silence", "deployment"]
    id: str
    text: str
    until: float | None


@dataclass(frozen=True, slots=True)
class Silence:
    id: str
    comment: str
    matchers: tuple[SilenceMatcher, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Deployment:
    """The grace that a deployment gives to what it was for: a server, a tenant, or without them
    everything."""

    id: str
    text: str
    vps_id: str | None
    tenant_id: str | None
    span: Span


Fits = Callable[[Subject], bool]
#: A window that is open: its rank among them, and whom it is about.
Ranked = tuple[int, Withheld, Fits]


@dataclass(slots=True)
class _Window:
    """``marks``: an alert that it fits has one of these (None: it need not). What was last worked
    out of ``when`` holds from ``since`` to ``until``."""

    kind: Literal["maintenance", "silence", "deployment"]
    id: str
    name: str
    when: Callable[[float], tuple[Span | None, Span | None]]
    fits: Fits
    marks: Sequence[Mark] | None
    since: float = math.inf
    until: float = -math.inf
    open: Withheld | None = None

    def look(self, now: float) -> None:
        """Brings ``open`` up to ``now``."""
        if self.since <= now < self.until:
            return
        current, following = self.when(now)
        self.since, self.until = now, following.start if following else math.inf
        self.open = None
        if current is not None:
            self.since, self.until = current.start, min(current.end, self.until)
            text = _said(self.kind, self.name, current)
            self.open = Withheld(self.kind, self.id, text, current.end)


@dataclass(frozen=True, slots=True)
class _Open:
    """The windows that are open from ``since`` to ``until``, in which time nothing opens or
    closes: those that alerts with a mark may fit, and those that any may."""

    since: float
    until: float
    marked: Mapping[Mark, Sequence[Ranked]]
    unmarked: Sequence[Ranked]

    def near(self, subject: Subject) -> Iterator[Ranked]:
        """The windows that an alert may fit."""
        yield from self.unmarked
        if self.marked:
            for mark in _marks(subject):
                yield from self.marked.get(mark, ())


class Quiet:
    """What withholds messages, at one state of the tables; ``maintenance`` by id. Thread-safe."""

    def __init__(
        self,
        maintenance: Mapping[str, Maintenance] | None = None,
        silences: Sequence[Silence] = (),
        deployments: Sequence[Deployment] = (),
    ) -> None:
        self._windows = [
            *(_of_maintenance(id_, spec) for id_, spec in (maintenance or {}).items()),
            *map(_of_silence, silences),
            *map(_of_deployment, deployments),
        ]
        self._lock = threading.Lock()
        self._open = _Open(math.inf, -math.inf, {}, ())

    def reason(self, subject: Subject, now: float) -> Withheld | None:
        """Why nobody may be told of an alert at ``now`` (seconds since the epoch); None when
        somebody may. Of several reasons it is the one that ends last."""
        opened = self._open
        if not opened.since <= now < opened.until:
            with self._lock:
                opened = self._open = self._look(now)
        best: tuple[float, Withheld | None] = (math.inf, None)
        for rank, withheld, fits in opened.near(subject):
            if rank < best[0] and fits(subject):
                best = rank, withheld
        return best[1]

    def _look(self, now: float) -> _Open:
        for window in self._windows:
            window.look(now)
        opened = [
            (window.open, window.fits, window.marks) for window in self._windows if window.open
        ]
        opened.sort(key=lambda one: (-(one[0].until or math.inf), one[0].kind, one[0].id))
        unmarked: list[Ranked] = []
        marked: dict[Mark, list[Ranked]] = {}
        for rank, (withheld, fits, marks) in enumerate(opened):
            ranked = (rank, withheld, fits)
            if marks is None:
                unmarked.append(ranked)
            for mark in marks or ():
                marked.setdefault(mark, []).append(ranked)
        return _Open(
            max((window.since for window in self._windows), default=-math.inf),
            min((window.until for window in self._windows), default=math.inf),
            marked,
            unmarked,
        )


def _marks(subject: Subject) -> Iterator[Mark]:
    """What windows may name of an alert. A window about tenants names all that it reaches, so
    one of them is enough to find it by."""
    yield "rule", subject.rule_id
    yield "severity", subject.severity
    yield "target", subject.target
    if subject.vps_id is not None:
        yield "vps", subject.vps_id
    for name in subject.services():
        yield "service", name
    for tenant in subject.tenants:
        yield "tenant", tenant
        break
    for tag in subject.tags:
        yield "tag", tag


def _of_maintenance(id_: str, spec: Maintenance) -> _Window:
    scope, schedule = spec.scope, spec.schedule
    named = {
        "vps": scope.vps, "service": scope.service, "tenant": scope.tenant, "tag": scope.tags,
    }  # fmt: skip
    tests = [_test(field, frozenset(names)) for field, names in named.items() if names]
    # Any of the fields would do, for an alert must fit all.
    marks = next(
        ([(field, name) for name in names] for field, names in named.items() if names), None
    )
    return _Window(
        "maintenance", id_, spec.name, lambda now: standing(schedule, now), _all(tests), marks
    )


def _of_silence(silence: Silence) -> _Window:
    tests = [_test(one.field, one.values, one.wants) for one in silence.matchers]
    wanted = [one for one in silence.matchers if one.wants]
    few = min(wanted, key=lambda one: len(one.values), default=None)
    return _Window(
        "silence", silence.id, silence.comment, _from_to(silence.span), _all(tests),
        None if few is None else [(few.field, value) for value in few.values],
    )  # fmt: skip


def _of_deployment(deployment: Deployment) -> _Window:
    named = {"vps": deployment.vps_id, "tenant": deployment.tenant_id}
    marks = [(field, name) for field, name in named.items() if name is not None]
    tests = [_test(field, frozenset({name})) for field, name in marks]
    return _Window(
        "deployment", deployment.id, deployment.text, _from_to(deployment.span), _all(tests),
        marks[:1] or None,
    )  # fmt: skip


def _from_to(span: Span) -> Callable[[float], tuple[Span | None, Span | None]]:
    def when(now: float) -> tuple[Span | None, Span | None]:
        if now < span.start:
            return None, span
        return (span if now < span.end else None), None

    return when


def _all(tests: Sequence[Fits]) -> Fits:
    return lambda subject: all(test(subject) for test in tests)


def _test(field: str, values: frozenset[str], wants: bool = True) -> Fits:
    """Whether what an alert has in a field is, or is not, one of ``values``."""
    if field == "tenant":
        if wants:
            # One that reaches further tenants is told, for theirs is no work.
            return lambda subject: bool(subject.tenants) and subject.tenants <= values
        return lambda subject: values.isdisjoint(subject.tenants)
    has = _HAS[field]
    return lambda subject: values.isdisjoint(has(subject)) is not wants


_HAS: Mapping[str, Callable[[Subject], Collection[str | None]]] = {
    "rule": lambda subject: (subject.rule_id,),
    "severity": lambda subject: (subject.severity,),
    "vps": lambda subject: (subject.vps_id,),
    "service": lambda subject: subject.services(),
    "tag": lambda subject: subject.tags,
    "target": lambda subject: (subject.target,),
}


def _said(kind: str, name: str, span: Span) -> str:
    """``maintenance 'DB upgrade' until 14:00 UTC``, with the day when it ends on another one."""
    line = " ".join(name.split())
    quoted = line if len(line) <= _QUOTED else f"{line[: _QUOTED - 1]}…"
    # To the full minute, upwards: at the time that is told it is over.
    start, end = (
        datetime.fromtimestamp(math.ceil(edge / 60) * 60, UTC) for edge in (span.start, span.end)
    )
    format_ = "%H:%M" if start.date() == end.date() else "%Y-%m-%d %H:%M"
    return f"{kind} '{quoted}' until {end:{format_}} UTC"
