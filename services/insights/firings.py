"""Every firing of a time, as columns: what all figures about alerts are counted from.

A firing is one time that an alert fired, reopening included: from its ``fired`` or ``reopened``
event to the ``resolved`` event that ended it. An alert that fired once says all of that in its own
row; only of those that were reopened is the event log read.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, Text, cast, select, type_coerce
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from models.alerts import AlertEvent, AlertRow

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: Ids in one statement.
_CHUNK = 500
#: Columns that are read of an alert.
_WIDTH = 13
_OPENS = frozenset({"fired", "reopened"})
_KINDS = ("fired", "reopened", "told", "acknowledged", "resolved")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts count; an empty tuple means any. ``tenants``: those that reach one of them."""

    rules: tuple[str, ...] = ()
    vps: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()


class Firing(NamedTuple):
    """One firing. Moments in seconds since the epoch, None where it did not happen; ``by``: who
    resolved it by hand."""

    opened: float
    told: float | None
    acknowledged: float | None
    resolved: float | None
    by: str | None


@dataclass(frozen=True, slots=True)
class Firings:
    """Firings in the order of their ``opened``. ``alert``, ``rule``, ``target``, ``severity`` and
    ``reaches`` are places in the sequences of the same name; moments are seconds since the epoch,
    NaN where it did not happen. ``told``: somebody was told of it; ``by_hand``: an operator
    resolved it; ``caused``: the trouble of something else explained the alert; ``marked``: what
    an operator said when resolving the alert, 1 for a false positive, 0 for a real one, -1 for
    nothing. ``reached`` are the tenants that an alert reaches.
    """

    alerts: Sequence[str]
    rules: Sequence[str]
    targets: Sequence[str]
    severities: Sequence[str]
    reached: Sequence[frozenset[str]]
    alert: Ints
    rule: Ints
    target: Ints
    severity: Ints
    reaches: Ints
    opened: Floats
    acknowledged: Floats
    resolved: Floats
    told: Bools
    by_hand: Bools
    caused: Bools
    marked: Ints

    def __len__(self) -> int:
        return len(self.opened)

    def where(self, chosen: Bools) -> Firings:
        """Some of them."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in _COLUMNS})

    def between(self, start: float, end: float) -> Firings:
        """Those that fired from ``start`` on and before ``end``."""
        first, past = np.searchsorted(self.opened, (start, end))
        return replace(self, **{name: getattr(self, name)[first:past] for name in _COLUMNS})

    @property
    def lasted(self) -> Floats:
        """Seconds from firing to resolution; NaN while it stands."""
        return np.maximum(self.resolved - self.opened, 0.0)

    @property
    def waited(self) -> Floats:
        """Seconds from firing to acknowledgement; NaN without one."""
        return np.maximum(self.acknowledged - self.opened, 0.0)


_COLUMNS = (
    "alert", "rule", "target", "severity", "reaches", "opened", "acknowledged", "resolved", "told",
    "by_hand", "caused", "marked",
)  # fmt: skip


def firings(
    session: Session,
    start: float,
    end: float,
    sees: Callable[[str], bool],
    wanted: Wanted,
) -> Firings:
    """What fired from ``start`` on and before ``end`` at targets that ``sees`` knows."""
    table = _Table(_rows(session, start, end, wanted), sees, frozenset(wanted.tenants))
    again = table.again()
    logs = ((again[alert_id], log) for alert_id, log in _logs(session, list(again)))
    return table.firings(logs).between(start, end)


def plain(session: Session, query: Select[Any]) -> list[Any]:
    """The rows as the driver gives them. To make an object of each, whose columns have names,
    takes longer than everything else that is done with them."""
    with session.connection().execute(query) as result:
        return list(result.cursor.fetchall()) if result.cursor is not None else []


def names_of_rules(session: Session, found: Firings) -> dict[str, str]:
    """What each rule was called when it fired last."""
    # Later firings overwrite the earlier ones of their rule.
    latest = dict(zip(found.rule.tolist(), found.alert.tolist(), strict=True))
    ids = [found.alerts[place] for place in latest.values()]
    names: dict[str, str] = {}
    for chunk in _chunks(ids):
        query = select(AlertRow.rule_id, AlertRow.rule_name).where(AlertRow.id.in_(chunk))
        names.update((rule, name) for rule, name in session.execute(query).all())
    return names


def of_log(events: Iterable[tuple[str, float, str | None]]) -> list[Firing]:
    """The firings of one alert from its events (kind, at, actor), in the order of their writing."""
    found: list[dict[str, Any]] = []
    for kind, at, actor in events:
        if kind in _OPENS:
            found.append({"opened": at})
        elif not found:
            continue  # what is left of a log whose begin was lost
        elif found[-1].setdefault(kind, at) == at and kind == "resolved":
            found[-1].setdefault("by", actor)
    return [
        Firing(
            one["opened"], one.get("told"), one.get("acknowledged"), one.get("resolved"),
            one.get("by"),
        )
        for one in found
    ]  # fmt: skip


class _Table:
    """What was read of alerts, column by column, with a small number in the place of each word."""

    def __init__(
        self, rows: Sequence[Any], sees: Callable[[str], bool], tenants: frozenset[str]
    ) -> None:
        columns = list(zip(*rows, strict=True)) or [()] * _WIDTH
        (ids, rules, targets, severities, triggered, told, acknowledged, resolved, by, count,
         marked, caused, impact) = columns  # fmt: skip
        self._words = [_numbered(words) for words in (rules, targets, severities, impact)]
        self._reached = [frozenset(json.loads(text)) for text in self._words[3][0]]
        self._ids = ids
        self._marked = np.array([-1 if mark is None else mark for mark in marked], dtype=np.int64)
        self._when = np.array([triggered, acknowledged, resolved], dtype=np.float64).reshape(3, -1)
        self._told = np.array([at is not None for at in told], dtype=bool)
        self._by_hand = np.array([who is not None for who in by], dtype=bool)
        self._caused = np.array([cause is not None for cause in caused], dtype=bool)
        self._once = np.array(count, dtype=np.int64) == 1
        keys = np.array([sees(target) for target in self._words[1][0]], dtype=bool)
        fits = np.array([not tenants or not one.isdisjoint(tenants) for one in self._reached])
        self._counts = np.ones(len(ids), dtype=bool)
        if len(ids):
            self._counts = keys[self._words[1][1]] & fits[self._words[3][1]]

    def again(self) -> dict[str, int]:
        """The alerts that fired more than once, with their places: their logs must be read."""
        found = np.flatnonzero(self._counts & ~self._once)
        return {self._ids[place]: place for place in found.tolist()}

    def firings(self, logs: Iterable[tuple[int, Sequence[Firing]]]) -> Firings:
        """All firings; ``logs`` has those of the alerts that fired more than once."""
        once = np.flatnonzero(self._counts & self._once)
        more = [(place, firing) for place, log in logs for firing in log]
        alert = np.concatenate((once, np.array([place for place, _ in more], dtype=np.int64)))
        others = np.array(
            [(one.opened, one.acknowledged, one.resolved) for _, one in more], dtype=np.float64
        ).reshape(-1, 3)
        when = np.concatenate((self._when[:, once], others.T), axis=1)
        told = [self._told[once], np.array([one.told is not None for _, one in more], dtype=bool)]
        hands = [self._by_hand[once], np.array([one.by is not None for _, one in more], dtype=bool)]
        order = np.argsort(when[0], kind="stable")
        alert, (opened, acknowledged, resolved) = alert[order], when[:, order]
        (rules, rule), (targets, target), (severities, severity), (_, reaches) = self._words
        return Firings(
            self._ids, rules, targets, severities, self._reached, alert, rule[alert],
            target[alert], severity[alert], reaches[alert], opened, acknowledged, resolved,
            np.concatenate(told)[order], np.concatenate(hands)[order], self._caused[alert],
            self._marked[alert],
        )  # fmt: skip


def _numbered(words: Sequence[str]) -> tuple[list[str], Ints]:
    """The different words, and the place of each among them."""
    places: dict[str, int] = {}
    numbers = [places.setdefault(word, len(places)) for word in words]
    return list(places), np.array(numbers, dtype=np.int64)


def _rows(session: Session, start: float, end: float, wanted: Wanted) -> list[Any]:
    row = AlertRow.__table__.c
    postgres = session.connection().dialect.name == "postgresql"
    text = cast(row.impact, Text) if postgres else type_coerce(row.impact, Text)
    chosen = select(
        row.id, row.rule_id, row.target, row.severity, row.triggered_at, row.told_at,
        row.acknowledged_at, row.resolved_at, row.resolved_by, row.occurrences,
        row.false_positive, row.caused_by, text,
    )  # fmt: skip
    for column, values in (
        (row.rule_id, wanted.rules), (row.vps_id, wanted.vps), (row.severity, wanted.severities),
    ):  # fmt: skip
        if values:
            chosen = chosen.where(column.in_(values))
    began = chosen.where(row.triggered_at >= start, row.triggered_at < end)
    # Those that began before and were reopened since: few, with an index of their own.
    earlier = (sql("occurrences > 1"), row.fired_at >= start, row.triggered_at < start)
    return plain(session, began) + plain(session, chosen.where(*earlier))


def _logs(session: Session, ids: Sequence[str]) -> Iterator[tuple[str, list[Firing]]]:
    event = AlertEvent.__table__.c
    for chunk in _chunks(ids):
        query = select(event.alert_id, event.kind, event.at, event.actor).where(
            event.alert_id.in_(chunk), event.kind.in_(_KINDS)
        )
        logs: dict[str, list[tuple[str, float, str | None]]] = defaultdict(list)
        for alert_id, kind, at, actor in plain(session, query.order_by(event.id)):
            logs[alert_id].append((kind, at, actor))
        yield from ((alert_id, of_log(log)) for alert_id, log in logs.items())


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(ids), _CHUNK):
        yield ids[begin : begin + _CHUNK]
