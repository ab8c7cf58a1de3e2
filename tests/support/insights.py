"""Alerts as they are stored, a slow and obvious count of them, and firings out of nothing."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.alerts import AlertEvent, AlertRow
from models.database import Database
from services.insights.firings import Firings
from services.observation import vps_of


def firings(of: Iterable[tuple[str, str, float]], lasts: float = 60.0) -> Firings:
    """Firings (rule, target, moment) that were told, each of an alert of its own."""
    found = sorted(of, key=lambda one: one[2])
    rules = sorted({rule for rule, _, _ in found})
    targets = sorted({target for _, target, _ in found})
    count = len(found)
    opened = np.array([at for _, _, at in found], dtype=np.float64)
    zeros = np.zeros(count, dtype=np.int64)
    return Firings(
        [f"a{number}" for number in range(count)], rules, targets, ["warning"], [frozenset()],
        np.arange(count), np.array([rules.index(rule) for rule, _, _ in found], dtype=np.int64),
        np.array([targets.index(target) for _, target, _ in found], dtype=np.int64),
        zeros, zeros, opened, np.full(count, np.nan), opened + lasts,
        np.ones(count, dtype=bool), np.zeros(count, dtype=bool), np.zeros(count, dtype=bool),
        zeros - 1,
    )  # fmt: skip


@dataclass(frozen=True)
class Event:
    """One line of an alert's log."""

    kind: str
    at: float
    actor: str | None = None


def store(database: Database, *alert: Any, **more: Any) -> None:
    """``put``, committed."""
    with database.write() as session:
        put(session, *alert, **more)


def put(
    session: Session,
    id_: str,
    rule: str,
    target: str,
    log: Sequence[Event],
    *,
    severity: str = "warning",
    marked: bool | None = None,
    impact: Sequence[str] = (),
    cause: str | None = None,
) -> None:
    """An alert with its log, its row as the alert engine leaves it after these events."""
    opened = [one.at for one in log if one.kind in ("fired", "reopened")]
    latest = log[max(n for n, one in enumerate(log) if one.kind in ("fired", "reopened")) :]
    last = {one.kind: one for one in reversed(latest)}
    row = AlertRow(
        id=id_, fingerprint=id_, rule_id=rule, rule_name=f"Rule {rule}", target=target,
        vps_id=vps_of(target), service_name=target.partition("/")[2] or None,
        tenant_id=target[1:].partition("/")[0] if target.startswith("@") else None,
        severity=severity, status="active", title=f"{rule} {target}", message="it is so",
        value=1.0, threshold=1.0, triggered_at=opened[0], fired_at=opened[-1],
        occurrences=len(opened), impact=list(impact), caused_by=cause,
    )  # fmt: skip
    if "told" in last:
        row.told_at = last["told"].at
    if "acknowledged" in last:
        row.acknowledged_at, row.acknowledged_by = last["acknowledged"].at, "ops"
        row.status = "acknowledged"
    if "resolved" in last:
        row.resolved_at, row.resolved_by = last["resolved"].at, last["resolved"].actor
        row.status, row.false_positive = "resolved", marked
    session.add(row)
    session.flush()
    session.add_all(AlertEvent(alert_id=id_, at=e.at, kind=e.kind, actor=e.actor) for e in log)
    session.flush()


@dataclass
class Slow:
    """One firing, as whoever reads the log line by line would write it down."""

    alert: str
    rule: str
    target: str
    severity: str
    tenants: frozenset[str]
    opened: float
    told: bool = False
    acknowledged: float | None = None
    resolved: float | None = None
    by_hand: bool = False
    marked: bool | None = None


def by_the_log(database: Database) -> list[Slow]:
    """Every firing there is, from the event log alone; of the alert's own row only what no event
    says."""
    found: list[Slow] = []
    with database.read() as session:
        for row in session.scalars(select(AlertRow)).all():
            events = select(AlertEvent).filter_by(alert_id=row.id).order_by(AlertEvent.id)
            for event in session.scalars(events).all():
                if event.kind in ("fired", "reopened"):
                    found.append(
                        Slow(row.id, row.rule_id, row.target, row.severity,
                             frozenset(row.impact), event.at, marked=row.false_positive)
                    )  # fmt: skip
                elif event.kind == "told":
                    found[-1].told = True
                elif event.kind == "acknowledged":
                    found[-1].acknowledged = event.at
                elif event.kind == "resolved":
                    found[-1].resolved = event.at
                    found[-1].by_hand = event.actor is not None
    return sorted(found, key=lambda one: one.opened)


def counted(
    all_: Sequence[Slow], start: float, end: float, zone: str, soon: float
) -> Mapping[str, Any]:
    """The figures of a time, one firing after the other."""
    place = ZoneInfo(zone)
    mine = [one for one in all_ if start <= one.opened < end]
    told = [one for one in mine if one.told]
    local = [datetime.fromtimestamp(one.opened, UTC).astimezone(place) for one in mine]
    false: Counter[str] = Counter()
    over = 0
    for one in mine:
        if one.resolved is None:
            continue
        over += 1
        if one.marked is True:
            false["marked"] += 1
        elif (
            one.marked is None
            and not one.by_hand
            and one.acknowledged is None
            and one.resolved - one.opened <= soon
        ):
            false["selfResolved"] += 1
    tenants: Counter[str] = Counter()
    for one in mine:
        tenants.update(one.tenants)
    return {
        "firings": len(mine),
        "alerts": len({one.alert for one in mine}),
        "open": sum(one.resolved is None for one in mine),
        "rules": Counter(one.rule for one in mine),
        "targets": Counter(one.target for one in mine),
        "vps": Counter(v for one in mine if (v := vps_of(one.target)) is not None),
        "tenants": tenants,
        "severities": Counter(one.severity for one in mine),
        "days": Counter(at.date().isoformat() for at in local),
        "hours": Counter(at.hour for at in local),
        "weekdays": Counter(at.weekday() for at in local),
        "mtta": [one.acknowledged - one.opened for one in told if one.acknowledged is not None],
        "mttr": [one.resolved - one.opened for one in told if one.resolved is not None],
        "over": over,
        "false": false,
    }


def ninth(values: Sequence[float]) -> float:
    """The smallest value that nine of ten do not exceed."""
    return sorted(values)[math.ceil(0.9 * len(values)) - 1]


def flapped(all_: Sequence[Slow], start: float, end: float) -> dict[tuple[str, str], int]:
    """How many firings of each (rule, target) were among three within an hour."""
    of: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in all_:
        if start <= one.opened < end:
            of[one.rule, one.target].append(one.opened)
    found = {}
    for pair, at in of.items():
        among = {
            place
            for first in range(len(at) - 2)
            if at[first + 2] - at[first] <= 3600
            for place in (first, first + 1, first + 2)
        }
        if among:
            found[pair] = len(among)
    return found


def plain(value: object) -> object:
    """A body as it comes out of JSON."""
    return json.loads(json.dumps(value))
