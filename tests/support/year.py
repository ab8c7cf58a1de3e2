"""A year of history, written straight into a migrated database: what lists, analytics, incidents
and SLA reports are measured over.

``fill(database, seed)`` takes some 25 s on SQLite or PostgreSQL; the same seed makes the same year.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from psycopg import Cursor, sql
from sqlalchemy.orm import Session

from models.alerts import AlertEvent, AlertRow, searched
from models.base import Base
from models.database import Database
from models.notifications import NotificationRow
from models.targets import StatusInterval
from services.alerts.records import fingerprint
from services.alerts.rules.defaults import DEFAULT_RULES
from services.health.graph import Graph
from services.history import write
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.observation import Kind, kind_of, vps_of
from services.rule import Severity

#: A Thursday, 00:00 UTC: the end of the year unless a test says otherwise.
UNTIL = 1_767_225_600.0
DAYS = 365
SERVERS, TENANTS = 40, 100
#: Servers whose CPU is high each night at 03:00 UTC for 20 minutes.
NIGHTLY = ("vps-01", "vps-02", "vps-03")
NOT_REPORTING = "vps-not-reporting"
OPERATORS = ("anna", "ben", "chris")

#: Every so manieth target is in trouble at the end.
_STANDING = 8

_DAY = 86400.0
_BATCH = 50_000
#: Of what goes wrong: unhealthy, degraded, could not be looked at.
_STATUSES = ("unhealthy", "degraded", "unknown")
_SHARES = (0.5, 0.4, 0.1)
_REASONS = {
    "healthy": "answers as it should", "unhealthy": "connection refused",
    "degraded": "slower than it should be", "unknown": "nothing was heard of it",
}  # fmt: skip
_RULES = {rule.id: rule for rule in DEFAULT_RULES}
#: The rule of a service that fails, by its type; one of these is told of a server that is slow.
_FAILING = {"database": "db-connection-failure", "redis": "redis-connection-failure",
            "s3": "s3-connection-failure"}  # fmt: skip
_STRAINS = ("high-cpu-usage", "high-memory-usage", "high-disk-usage")

Floats = NDArray[np.float64]


class Outage(NamedTuple):
    """A server was down, and with it everything on it: ``start`` to ``end`` in seconds."""

    vps: str
    start: float
    end: float


@dataclass(frozen=True)
class Year:
    """What was made. ``changes`` are status intervals, ``unresolved`` alerts still stand at
    ``until``; ``fleet`` is what the history is of (``inventory()`` has it for a site)."""

    fleet: Fleet
    start: float
    until: float
    alerts: int
    unresolved: int
    events: int
    notifications: int
    changes: int
    outages: tuple[Outage, ...]


class _Spell(NamedTuple):
    target: str
    start: float
    end: float | None
    status: str
    cause: str | None = None
    rule: str | None = None


def inventory() -> dict[str, Any]:
    """40 servers with 5 services each, 100 tenants with 2 applications each: 540 targets."""
    servers = [
        {
            "id": f"vps-{n:02}", "name": f"Server {n:02}", "region": "north" if n % 2 else "south",
            "tags": ["production"], "source": {"type": "agent"},
            "services": [
                {"name": "backend-api", "type": "backend", "dependsOn": ["postgres", "redis"]},
                {"name": "frontend", "type": "frontend", "dependsOn": ["backend-api"]},
                {"name": "postgres", "type": "database"},
                {"name": "redis", "type": "redis"},
                {"name": "s3", "type": "s3"},
            ],
        }
        for n in range(1, SERVERS + 1)
    ]  # fmt: skip
    tenants = [
        {
            "id": f"tenant-{n:03}", "organizationName": f"Organisation {n:03}", "sla": 99.5,
            "services": [
                {"name": "backend", "url": f"https://t{n}.example/api",
                 "runsOn": f"vps-{1 + n % SERVERS:02}/backend-api"},
                {"name": "portal", "url": f"https://t{n}.example",
                 "runsOn": f"vps-{1 + n % SERVERS:02}/frontend"},
            ],
        }
        for n in range(1, TENANTS + 1)
    ]  # fmt: skip
    return {"vps": servers, "tenants": tenants}


def fleet() -> Fleet:
    """The fleet of ``inventory()``, watched from a machine of its own."""
    return Fleet.build(Inventory.model_validate(inventory()), "monitor", "cache")


def fill(
    database: Database,
    seed: int,
    alerts: int = 100_000,
    changes: int = 1_000_000,
    until: float = UNTIL,
    days: float = DAYS,
) -> Year:
    """Fills a migrated database with ``days`` days of history that end at ``until`` (seconds since
    the epoch), of the fleet of ``inventory()`` and the default rules, which are not stored.

    Status: ``changes`` intervals, a little fewer where spells of trouble met, over all targets of
    the fleet without a gap; in turn healthy and (minutes long) unhealthy, degraded or unknown; the
    last of a target is open. A twentieth of the alerts come from outages: a server is down with
    all services and applications on it. The CPU of ``NIGHTLY`` is high at 03:00 UTC each night.

    Alerts: ``alerts`` rows, each of one spell of trouble that is not unknown, oldest first, with
    what the graph says of its impact. Two thirds were told of with two messages each; of
    those most were acknowledged within minutes, some late, some never. A fifth was resolved by an
    operator, a part of these marked as a false positive or as none, a twentieth was reopened,
    what an outage explains was withheld. At most one alert of a rule and target stands at
    ``until``.

    Events: pending, fired, then withheld, told, acknowledged, resolved, of reopened ones twice.
    """
    rng = np.random.default_rng(seed)
    made = fleet()
    start = until - days * _DAY
    outages = _outages(rng, made, alerts, start, until)
    nights = _nights(rng, alerts, changes, start, until)
    down = _down(made, outages)
    with database.write() as session:
        ids = write.target_ids(session, list(made.keys()))
        trouble, count = _statuses(session, rng, ids, changes, [*down, *nights], start, until)
    chosen = _chosen(rng, trouble, alerts)
    rows, events, messages = _alerts(rng, made, chosen, until)
    with database.write() as session:
        _insert(session, AlertRow, rows)
        _insert(session, AlertEvent, events)
        _insert(session, NotificationRow, messages)
    _tidy(database)
    return Year(
        made, start, until, len(rows), sum(row["resolved_at"] is None for row in rows),
        len(events), len(messages), count, tuple(outages),
    )  # fmt: skip


def _outages(
    rng: np.random.Generator, made: Fleet, alerts: int, start: float, until: float
) -> list[Outage]:
    """Enough for a twentieth of the alerts, of which each brings some eleven."""
    servers = sorted(key for key in made.vps if key != made.local)
    found: list[Outage] = []
    for _ in range(alerts // 220):
        at = round(float(rng.uniform(start + _DAY, until - _DAY)), 3)
        took = float(np.clip(rng.exponential(900), 180, 7200))
        vps = servers[int(rng.integers(len(servers)))]
        if all(o.vps != vps or abs(o.start - at) > 3 * 7200 for o in found):
            found.append(Outage(vps, at, round(at + took, 3)))
    return sorted(found, key=lambda outage: outage.start)


def _down(made: Fleet, outages: Iterable[Outage]) -> list[_Spell]:
    """What outages mean for each target: the server at once, the rest a little later."""
    on: dict[str, list[str]] = {}
    for key in made.services:
        on.setdefault(vps_of(key) or "", []).append(key)
    for key, application in made.applications.items():
        on.setdefault(vps_of(application.runs_on or "") or "", []).append(key)
    spells = []
    for outage in outages:
        spells.append(_Spell(outage.vps, outage.start, outage.end, "unhealthy", rule=NOT_REPORTING))
        for late, key in enumerate(on.get(outage.vps, ())):
            begin, end = outage.start + 1 + late, outage.end + 5 + late
            spells.append(_Spell(key, begin, end, "unhealthy", outage.vps))
    return spells


def _nights(
    rng: np.random.Generator, alerts: int, changes: int, start: float, until: float
) -> list[_Spell]:
    """None in a history that is too small for them."""
    if min(alerts, changes // 10) < 20 * (until - start) / _DAY:
        return []
    first = math.ceil(start / _DAY) * _DAY + 3 * 3600
    return [
        _Spell(vps, at, at + 1200, "degraded", None, "high-cpu-usage")
        for night in np.arange(first, until - 3600, _DAY).tolist()
        for vps in NIGHTLY
        for at in (round(night + float(rng.uniform(0, 120)), 3),)
    ]


def _statuses(
    session: Session,
    rng: np.random.Generator,
    ids: dict[str, int],
    changes: int,
    given: Sequence[_Spell],
    start: float,
    until: float,
) -> tuple[list[_Spell], int]:
    """Writes the intervals; the spells of trouble, of each target in order, and their number."""
    planned: dict[str, list[_Spell]] = {}
    for spell in given:
        planned.setdefault(spell.target, []).append(spell)
    trouble: list[_Spell] = []
    rows: list[tuple[Any, ...]] = []
    for place, (key, target_id) in enumerate(sorted(ids.items())):
        count = changes // len(ids) + (place < changes % len(ids))
        own = _spells(rng, key, count, planned.get(key, []), start, until)
        if own and place % _STANDING == 0:
            own[-1] = own[-1]._replace(end=None)
        rows += _intervals(target_id, own, start)
        trouble += own
    rows.sort(key=lambda row: row[3])
    columns = ("target_id", "status", "previous", "started_at", "ended_at", "reason", "evidence")
    _write(session, StatusInterval, columns, rows)
    return trouble, len(rows)


def _spells(
    rng: np.random.Generator,
    key: str,
    count: int,
    planned: list[_Spell],
    start: float,
    until: float,
) -> list[_Spell]:
    """What went wrong with a target that has ``count`` intervals: every second one."""
    wanted = max(0, count // 2 - len(planned))
    starts = np.round(rng.uniform(start + 60, until - 5, wanted), 3)
    took = np.round(np.clip(rng.exponential(240, wanted), 20, 86400), 3)
    kinds = rng.choice(3, size=wanted, p=_SHARES)
    found = [
        _Spell(key, at, at + length, _STATUSES[kind])
        for at, length, kind in zip(starts.tolist(), took.tolist(), kinds.tolist(), strict=True)
    ]
    found = sorted([*found, *planned], key=lambda spell: spell.start)
    fixed, kept = set(planned), list[_Spell]()
    for spell in found:
        if kept and spell.start - (kept[-1].end or 0) < 1:
            if spell not in fixed:
                continue
            while kept and spell.start - (kept[-1].end or 0) < 1:
                kept.pop()
        kept.append(spell)
    if kept and (kept[-1].end or 0) >= until:
        kept[-1] = kept[-1]._replace(end=None)
    return kept


def _intervals(target_id: int, spells: Sequence[_Spell], start: float) -> Iterator[tuple[Any, ...]]:
    at: float | None = start
    previous: str | None = None
    for spell in spells:
        if at is not None and at < spell.start:
            yield _interval(target_id, "healthy", previous, at, spell.start)
            previous = "healthy"
        yield _interval(target_id, spell.status, previous, spell.start, spell.end)
        at, previous = spell.end, spell.status
    if at is not None:
        yield _interval(target_id, "healthy", previous, at, None)


def _interval(
    target_id: int, status: str, previous: str | None, start: float, end: float | None
) -> tuple[Any, ...]:
    return target_id, status, previous, start, end, _REASONS[status], "{}"


def _chosen(rng: np.random.Generator, trouble: Sequence[_Spell], alerts: int) -> list[_Spell]:
    """The spells that made an alert, oldest first: what still stands, what belongs to outages and
    nights, and any others."""
    first: list[_Spell] = []
    others: list[_Spell] = []
    for spell in trouble:
        if spell.status != "unknown":
            certain = spell.cause or spell.rule or spell.end is None
            (first if certain else others).append(spell)
    del first[alerts:]
    wanted = alerts - len(first)
    assert wanted <= len(others), f"{alerts} alerts need more changes of status"
    picked = rng.permutation(len(others))[:wanted].tolist()
    return sorted([*first, *(others[n] for n in picked)], key=lambda spell: spell.start)


def _alerts(
    rng: np.random.Generator, made: Fleet, chosen: Sequence[_Spell], until: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    graph = Graph(made)
    impacts = {key: json.dumps(list(graph.impact(key))) for key in made.keys()}  # noqa: SIM118
    rows: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    messages: list[dict[str, Any]] = []
    for number, spell in enumerate(chosen):
        dice = rng.random(8).tolist()
        row = _alert(made, number, spell, impacts[spell.target], dice, until)
        rows.append(row)
        events += _events(row, spell, dice)
        if row["told_at"] is not None:
            messages += _messages(row, number)
    return rows, events, messages


def _alert(
    made: Fleet, number: int, spell: _Spell, impact: str, dice: Sequence[float], until: float
) -> dict[str, Any]:
    rule = _RULES[spell.rule or _rule_of(made, spell, dice[0])]
    lasted = (spell.end or until) - spell.start
    fired = spell.start + min(60.0, lasted / 2)
    value = round(70 + 30 * dice[1], 1) if rule.id in _STRAINS else spell.status
    told = fired + 0.5 if spell.cause is None and dice[2] < 0.7 else None
    row: dict[str, Any] = {
        "id": f"{number:032x}", "fingerprint": fingerprint(rule.id, spell.target),
        "rule_id": rule.id, "rule_name": rule.name, "rule_version": 1, "target": spell.target,
        "vps_id": vps_of(spell.target), "service_name": spell.target.partition("/")[2] or None,
        "tenant_id": spell.target[1:].partition("/")[0] if spell.target[0] == "@" else None,
        "severity": str(Severity.WARNING if spell.status == "degraded" else rule.severity),
        "status": "active", "title": f"{rule.name}: {made.label(spell.target)} ({value})",
        "message": f"{made.label(spell.target)}: {_REASONS[spell.status]}, code {number % 997}",
        "value": json.dumps(value), "threshold": json.dumps(90), "triggered_at": fired,
        "fired_at": fired, "told_at": told, "withheld": None, "acknowledged_at": None,
        "acknowledged_by": None, "snoozed_until": None, "snoozed_from": None,
        "resolved_at": None, "resolved_by": None, "resolution": None, "escalation_level": 0,
        "occurrences": 1, "flapping": False, "false_positive": None, "suppressed_by": None,
        "impact": impact,
    }  # fmt: skip
    row |= {"caused_by": spell.cause, "lasted": None}
    row["search"] = searched(row["target"], row["title"], row["rule_name"], row["message"])
    if told is not None:
        _taken_on(row, dice, min(spell.end or until, until))
    if spell.end is not None and spell.end < until:
        _ended(row, spell.end, dice)
    elif spell.cause is not None:
        row |= {"suppressed_by": spell.cause, "withheld": f"down: suppressed by {spell.cause}"}
    return row


def _rule_of(made: Fleet, spell: _Spell, dice: float) -> str:
    if kind_of(spell.target) is Kind.VPS:
        strain = _STRAINS[int(dice * len(_STRAINS))]
        return NOT_REPORTING if spell.status == "unhealthy" else strain
    if spell.status == "degraded":
        return "api-response-time"
    return _FAILING.get(made.service_type(spell.target), "service-down")


def _taken_on(row: dict[str, Any], dice: Sequence[float], before: float) -> None:
    at = row["told_at"] + (30 - 120 * math.log(1 - dice[3]))
    if dice[4] < 0.8 and at < before:
        who = OPERATORS[int(dice[4] * 30) % len(OPERATORS)]
        row |= {"status": "acknowledged", "acknowledged_at": at, "acknowledged_by": who}
    elif dice[4] > 0.9:
        row["escalation_level"] = 1


def _ended(row: dict[str, Any], at: float, dice: Sequence[float]) -> None:
    row |= {"status": "resolved", "resolved_at": at, "resolution": "It is well again."}
    row["lasted"] = at - row["triggered_at"]
    if dice[5] < 0.2:
        who = OPERATORS[int(dice[5] * 150) % len(OPERATORS)]
        row |= {"resolved_by": who, "resolution": f"Resolved by {who}."}
        row["false_positive"] = True if dice[5] < 0.04 else False if dice[5] < 0.1 else None
    if dice[6] < 0.05:
        row |= {"occurrences": 2, "fired_at": row["triggered_at"] + (at - row["triggered_at"]) / 2}


def _events(row: dict[str, Any], spell: _Spell, dice: Sequence[float]) -> list[dict[str, Any]]:
    def event(at: float, kind: str, note: str = "", who: str | None = None) -> dict[str, Any]:
        return {"alert_id": row["id"], "at": at, "kind": kind, "actor": who, "note": note}

    fired = row["triggered_at"]
    found = [event(spell.start, "pending", "the condition began to hold"),
             event(fired, "fired", row["message"])]  # fmt: skip
    if spell.cause is not None:
        found.append(event(fired + 0.5, "withheld", f"suppressed by {spell.cause}"))
    if row["told_at"] is not None:
        found.append(event(row["told_at"], "told", "2 messages"))
    if row["acknowledged_at"] is not None:
        found.append(event(row["acknowledged_at"], "acknowledged", "", row["acknowledged_by"]))
    if row["occurrences"] == 2:
        again = row["fired_at"]
        found.append(event(again - min(20.0, (again - fired) / 2), "resolved", "It is well again."))
        found.append(event(again, "reopened", "the same trouble again, occurrence 2"))
    if row["resolved_at"] is not None:
        found.append(event(row["resolved_at"], "resolved", row["resolution"], row["resolved_by"]))
    return sorted(found, key=lambda one: one["at"])


def _messages(row: dict[str, Any], number: int) -> list[dict[str, Any]]:
    body = json.dumps({"id": row["id"], "title": row["title"], "severity": row["severity"]})
    return [
        {
            "id": f"{2 * number + n:032x}", "alert_id": row["id"], "event": "alert.fired",
            "channel": channel, "recipient": recipient, "body": body, "status": "sent",
            "reason": "sent", "detail": "", "attempts": 1, "created_at": row["told_at"],
            "sent_at": row["told_at"] + 1,
        }
        for n, (channel, recipient) in enumerate((("email", "Ops"), ("inApp", "everybody")))
    ]  # fmt: skip


def _insert(session: Session, table: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        columns = tuple(rows[0])
        _write(session, table, columns, (tuple(row.values()) for row in rows))


def _write(
    session: Session, table: type[Base], columns: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    """COPY on PostgreSQL, prepared statements on SQLite; JSON comes as text."""
    connection = session.connection()
    name = table.__tablename__
    if connection.dialect.name == "postgresql":
        raw = cast(Any, connection.connection.driver_connection)
        cursor: Cursor[Any]
        copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with raw.cursor() as cursor, cursor.copy(copy) as stream:
            for row in rows:
                stream.write_row(row)
        return
    # Indexes are made anew afterwards: to add to them in no order takes three times as long.
    indexes = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql <> ''",
        (name,),
    ).all()
    for index, _ in indexes:
        connection.exec_driver_sql(f'DROP INDEX "{index}"')
    marks = ", ".join("?" * len(columns))
    names = ", ".join(f'"{column}"' for column in columns)
    waiting = iter(rows)
    while batch := list(islice(waiting, _BATCH)):
        connection.exec_driver_sql(f"INSERT INTO {name} ({names}) VALUES ({marks})", batch)
    for _, made in indexes:
        connection.exec_driver_sql(made)


def _tidy(database: Database) -> None:
    """What autovacuum does within minutes of such a load."""
    if database.dialect == "postgresql":
        engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
