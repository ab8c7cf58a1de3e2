"""Where rules stand for targets, as rows: written with many at a time, and read again."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.orm import Session

from models.alerts import AlertRow, DetectorRow, RuleStateRow, RuleVersion
from services.alerts.evaluate import INACTIVE, Phase, RuleState
from services.alerts.senses import Pair
from services.alerts.standing import Standing, Status
from services.alerts.steps import Live, Step
from services.errors import ValidationError
from services.history import bulk
from services.metrics import find
from services.rule import Rulebook, Severity

_COLUMNS = (
    "rule_id", "target", "phase", "since", "held", "seen_at", "clear", "ended_at", "firings",
    "alert_id",
)  # fmt: skip
T = TypeVar("T")
#: Keys in one statement.
_CHUNK = 500


def live_of(row: RuleStateRow, alert: AlertRow | None) -> Live:
    """A state with its alert, if that still stands."""
    state = RuleState(
        Phase(row.phase), row.since, row.held, row.seen_at, row.clear, row.ended_at,
        tuple(row.firings),
    )  # fmt: skip
    return Live(state, row.alert_id, _standing(alert) if alert else None)


def adopted(alert: AlertRow, now: float) -> Live:
    """An alert whose rule has no state of its own: it stands until a look says otherwise."""
    state = RuleState(Phase.ACTIVE, since=alert.fired_at, seen_at=now, firings=(alert.fired_at,))
    return Live(state, alert.id, _standing(alert))


def _standing(row: AlertRow) -> Standing:
    return Standing(
        fired_at=row.fired_at, severity=Severity(row.severity), tenants=frozenset(row.impact),
        status=Status(row.status), acknowledged_by=row.acknowledged_by, told_at=row.told_at,
        retold_at=row.retold_at, withheld=row.withheld, suppressed_by=row.suppressed_by,
        level=row.escalation_level, snoozed_until=row.snoozed_until,
        snoozed_from=Status(row.snoozed_from) if row.snoozed_from else None,
    )  # fmt: skip


def keep_states(session: Session, steps: Sequence[Step]) -> None:
    """Writes the latest state of each (rule, target) that moved."""
    first: dict[Pair, Live] = {}
    last: dict[Pair, Live] = {}
    for step in steps:
        pair = step.rule.id, step.target
        first.setdefault(pair, step.before)
        last[pair] = step.after
    gone, rows = [], []
    for pair, live in last.items():
        if live.state == INACTIVE:
            gone.append(pair)
        elif _essence(live) != _essence(first[pair]):
            state = live.state
            rows.append((
                *pair, state.phase.value, state.since, state.held, state.seen_at, state.clear,
                state.ended_at, json.dumps(state.firings), live.alert_id,
            ))  # fmt: skip
    bulk.insert(session, RuleStateRow, _COLUMNS, rows, "UPDATE")
    of = tuple_(RuleStateRow.rule_id, RuleStateRow.target)
    for chunk in _chunks(gone):
        session.execute(
            delete(RuleStateRow).where(of.in_(chunk)).execution_options(synchronize_session=False)
        )


def alerts(session: Session, ids: Collection[str]) -> dict[str, AlertRow]:
    """Alerts by id."""
    found: dict[str, AlertRow] = {}
    for chunk in _chunks(sorted(ids)):
        query = select(AlertRow).where(AlertRow.id.in_(chunk))
        found.update((row.id, row) for row in session.scalars(query))
    return found


def speaks_of_another(session: Session, alert: AlertRow, book: Rulebook) -> bool:
    """Whether an alert's rule was changed since to one about another metric."""
    rule = book.rules[alert.rule_id]
    if alert.rule_version == book.versions.get(alert.rule_id):
        return False
    version = session.get(RuleVersion, (alert.rule_id, alert.rule_version))
    if version is None or version.spec is None:
        return False
    try:
        return find(str(version.spec["condition"]["metric"])).name != rule.condition.reads.name
    except (KeyError, TypeError, ValidationError):
        return True


def set_back(session: Session, seconds: float) -> None:
    """Moves what unresolved alerts waited for to a clock that was set back."""
    session.execute(
        update(AlertRow)
        .where(AlertRow.resolved_at.is_(None), AlertRow.told_at.is_not(None))
        .values(told_at=AlertRow.told_at - seconds, retold_at=AlertRow.retold_at - seconds)
    )


def detectors(session: Session) -> dict[Pair, tuple[float, bytes]]:
    """What detectors had learned, and until when."""
    rows = session.scalars(select(DetectorRow))
    return {(row.rule_id, row.target): (row.at, row.state) for row in rows}


def drop_detectors(session: Session, kept: Mapping[Pair, object]) -> None:
    """Forgets what was learned for rules and targets that are not among those ``kept``."""
    for pair in session.execute(select(DetectorRow.rule_id, DetectorRow.target)).all():
        if tuple(pair) not in kept:
            session.execute(delete(DetectorRow).filter_by(rule_id=pair[0], target=pair[1]))


def _essence(live: Live) -> tuple[RuleState, str | None]:
    """What a restart must know. While an alert stands and its condition holds, it does not
    matter when that was seen last: each look would be a row to write."""
    state = live.state
    if state.phase in (Phase.ACTIVE, Phase.RESOLVED) and state.clear is None:
        state = replace(state, seen_at=0.0)
    return state, live.alert_id


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
