"""Maintenance as it was planned at the time. Windows are changed and taken away; the audit says
what each of them was from when to when.

A window counts while it stood in the plan: what was entered afterwards changes nothing of the past,
and one that was deleted has counted up to then. Which servers have a tag, and what runs where, is
taken from today's inventory.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audit import AuditRow
from models.quiet import MaintenanceRow
from services.alerts.quiet.now import Subject
from services.alerts.quiet.specs import Maintenance, MaintenanceScope
from services.alerts.quiet.windows import occurrences
from services.insights.sla.spans import Span, Spans, merged, within
from services.inventory.fleet import Fleet

log = structlog.get_logger(__name__)

#: Times that one window is looked for in a range; one every five minutes for a month is less.
MOST = 10_000
_PREFIX = "maintenance."
#: A transaction that is slow to commit may have taken its id so many rows before.
_LATE = 1000


@dataclass(frozen=True, slots=True)
class Planned:
    """A window as it stood in the plan from ``since`` to ``until``."""

    spec: Maintenance
    since: float
    until: float
    known: dict[Span, Spans] = field(default_factory=dict, compare=False)

    def spans(self, start: float, end: float) -> Spans:
        """When it was open, from ``start`` to ``end``. It is asked for many tenants."""
        found = self.known.get((start, end))
        if found is None:
            found = self._spans(start, end)
            self.known.clear()
            self.known[start, end] = found
        return found

    def _spans(self, start: float, end: float) -> list[Span]:
        first, last = max(start, self.since), min(end, self.until)
        if first >= last:
            return []
        found = occurrences(self.spec.schedule, first, last, MOST)
        return within(merged((span.start, span.end) for span in found), first, last)


class Calendar:
    """Every window that was ever planned. Reads of the audit what is new in it. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: set[int] = set()
        self._open: dict[str, tuple[Any, float]] = {}
        self._over: list[Planned] = []
        self._read: dict[str, Maintenance | None] = {}
        self._stand: dict[tuple[str, float], Planned | None] = {}

    def planned(self, session: Session) -> Sequence[Planned]:
        """The windows up to now. What this version cannot read is left out, with a warning."""
        rows = select(AuditRow.id, AuditRow.action, AuditRow.target, AuditRow.at, AuditRow.detail)
        with self._lock:
            fresh = rows.where(
                AuditRow.id > max(self._seen, default=0) - _LATE,
                AuditRow.action.in_([_PREFIX + act for act in ("add", "change", "delete")]),
            )
            for id_, action, window, at, detail in session.execute(fresh.order_by(AuditRow.id)):
                if id_ not in self._seen:
                    self._seen.add(id_)
                    self._note(action.removeprefix(_PREFIX), window, at, detail)
            stands = [self._standing(detail, since) for detail, since in self._open.values()]
            # One that is there without a word in the audit has been there since it was made.
            stands += [
                self._standing({"name": row.name, **row.spec}, row.created_at)
                for row in session.scalars(select(MaintenanceRow))
                if row.id not in self._open
            ]
            return [*self._over, *(one for one in stands if one is not None)]

    def _standing(self, detail: Mapping[str, Any], since: float) -> Planned | None:
        """One that is still in the plan."""
        key = repr(detail), since
        if key not in self._stand:
            spec = self._spec(detail)
            self._stand[key] = Planned(spec, since, math.inf) if spec else None
        return self._stand[key]

    def _note(self, act: str, window: str, at: float, detail: Mapping[str, Any]) -> None:
        before = self._open.pop(window, None)
        if before is None and act != "add":
            # It is older than the audit, which tells what it was.
            before = detail.get("before", detail), 0.0
        if before is not None:
            spec = self._spec(before[0])
            if spec is not None and before[1] < at:
                self._over.append(Planned(spec, before[1], at))
        if act != "delete":
            self._open[window] = {k: v for k, v in detail.items() if k != "before"}, at

    def _spec(self, detail: Mapping[str, Any]) -> Maintenance | None:
        key = repr(detail)
        if key not in self._read:
            try:
                self._read[key] = Maintenance.model_validate(dict(detail))
            except ValidationError as error:
                reason = error.errors(include_url=False)[0]["msg"]
                log.warning("maintenance_unreadable", name=detail.get("name"), reason=reason)
                self._read[key] = None
        return self._read[key]


def covering(
    planned: Iterable[Planned],
    fleet: Fleet,
    targets: Collection[str],
    tenants: frozenset[str],
    start: float,
    end: float,
) -> dict[str, Spans]:
    """When there was maintenance of each target, each moment once. ``tenants``: whose work it must
    be about where a window names tenants."""
    found: dict[str, list[Span]] = {}
    subjects = {target: Subject.of("", "", "", target, tenants, fleet) for target in targets}
    for window in planned:
        scope = window.spec.scope
        if scope.tenant and tenants.isdisjoint(scope.tenant):
            continue  # as nearly all are about others
        meant = [target for target, one in subjects.items() if fits(scope, one)]
        if meant and (spans := window.spans(start, end)):
            for target in meant:
                found.setdefault(target, []).extend(spans)
    return {target: merged(spans) for target, spans in found.items()}


def fits(scope: MaintenanceScope, subject: Subject) -> bool:
    """Whether a window is about something, as when it withholds messages
    (services.alerts.quiet.now): every field that is given must fit."""
    wanted = (
        (scope.vps, {subject.vps_id}),
        (scope.service, subject.services()),
        (scope.tags, subject.tags),
    )
    if any(names and set(names).isdisjoint(has) for names, has in wanted):
        return False
    return not scope.tenant or (bool(subject.tenants) and subject.tenants <= set(scope.tenant))
