"""Lists of alerts against a plain sort and filter of all rows, and while alerts come in."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from models.alerts import AlertRow
from models.database import Database
from services.cache import Cache
from services.health.board import Board
from services.health.graph import Graph
from services.identity import OnlyServers, Scope
from services.views.alert_lists import SORTS, AlertFilter, Place
from services.views.reader import Reader
from tests.support import year

LAST = float("inf")
RANKS = {"info": 0, "warning": 1, "critical": 2}
SCOPES: tuple[Scope, ...] = (
    None, frozenset({"tenant-007"}), frozenset(), OnlyServers.of(["vps-03"], None),
)  # fmt: skip


@pytest.fixture
def made(database: Database) -> tuple[Reader, list[AlertRow]]:
    found = year.fill(database, 3, alerts=2500, changes=15000, days=20)
    read = Reader(database, Board(), found.fleet, Graph(found.fleet), Cache(None), 30)
    with database.read() as session:
        rows = list(session.scalars(select(AlertRow)))
    assert found.unresolved > 20
    return read, rows


def passes(row: AlertRow, wanted: AlertFilter) -> bool:
    """The documented meaning of each filter, one by one."""
    over = row.resolved_at is not None
    words = {row.status, "all", "resolved" if over else "unresolved"}
    text = "\n".join((row.target, row.title, row.rule_name, row.message)).casefold()
    return all((
        words & set(wanted.status or ("unresolved",)),
        not wanted.severity or row.severity in wanted.severity,
        not wanted.rule or row.rule_id in wanted.rule,
        not wanted.vps or row.vps_id in wanted.vps,
        not wanted.service or {row.service_name, row.target} & set(wanted.service),
        not wanted.tenant or set(row.impact) & set(wanted.tenant),
        wanted.q.casefold() in text,
        wanted.suppressed is None or (row.suppressed_by is not None) is wanted.suppressed,
        wanted.false_positive is None or row.false_positive is wanted.false_positive,
        wanted.since is None or row.triggered_at >= wanted.since,
        wanted.until is None or row.triggered_at < wanted.until,
    ))  # fmt: skip


def order(wanted: AlertFilter) -> Callable[[AlertRow], Any]:
    sign = -1 if wanted.sort.startswith("-") else 1
    field = wanted.sort.removeprefix("-")

    def key(row: AlertRow) -> Any:
        fired = row.triggered_at
        if field == "triggeredAt":
            return sign * fired
        if field == "worst":
            return row.suppressed_by is not None, -RANKS[row.severity], -fired
        if field == "severity":
            return sign * RANKS[row.severity], -fired
        if row.resolved_at is None:
            # The oldest has lasted longest.
            return LAST, (-fired if field == "resolvedAt" else -sign * fired)
        return sign * (row.resolved_at if field == "resolvedAt" else row.resolved_at - fired), 0

    return key


def a_filter(rng: random.Random, rows: list[AlertRow]) -> AlertFilter:
    row, other = rng.choice(rows), rng.choice(rows)

    def maybe(*values: Any) -> tuple[Any, ...]:
        return values if rng.random() < 0.25 else ()

    start = year.UNTIL - 20 * 86400
    return AlertFilter(
        status=rng.choice([
            (), ("all",), ("all",), ("resolved",), ("active", "snoozed"), ("unresolved",),
            ("acknowledged", "resolved"),
        ]),
        severity=maybe(row.severity), rule=maybe(row.rule_id, other.rule_id),
        vps=maybe("vps-03", other.vps_id or "vps-09"),
        service=maybe("postgres", row.target if "/" in row.target else "redis"),
        tenant=maybe("tenant-007", "tenant-none"),
        q=rng.choice(["", "", "", row.title[3:9].upper(), "code 12", "%", "_", "Server 03", "zzz"]),
        suppressed=rng.choice([None, None, None, False, True]),
        false_positive=rng.choice([None, None, None, None, True, False]),
        since=rng.choice([None, None, start + rng.random() * 10 * 86400]),
        until=rng.choice([None, None, year.UNTIL - rng.random() * 9 * 86400]),
        sort=rng.choice([
            "worst",
            *(f"{sign}{field}" for field in SORTS for sign in ("", "-")),
        ]),
    )  # fmt: skip


def test_a_list_is_what_its_filters_say(made: tuple[Reader, list[AlertRow]]) -> None:
    read, rows = made
    rng = random.Random(5)
    some = 0
    for _ in range(250):
        wanted, scope = a_filter(rng, rows), rng.choice(SCOPES)
        tenants = {tenant for tenant in wanted.tenant if scope is None or tenant in scope}
        seen = [row for row in rows if read.sees(row.target, scope)]
        meant = replace(wanted, tenant=tuple(tenants)) if tenants else wanted
        found = [row for row in seen if passes(row, meant) and (tenants or not wanted.tenant)]
        key = order(wanted)
        listed: list[dict[str, Any]] = []
        place: Place | None = None
        while True:
            page = read.alerts(scope, wanted, 200, place)
            if place is None:
                assert page.total == (len(found) if len(found) <= 1000 else None), wanted
            listed += page.rows
            place = page.last
            if place is None:
                break
        by_id = {row.id: row for row in rows}
        assert sorted(one["id"] for one in listed) == sorted(row.id for row in found), wanted
        keys = [key(by_id[one["id"]]) for one in listed]
        assert keys == sorted(keys), wanted
        some += bool(found)
    assert some > 30


def test_alerts_that_come_in_neither_repeat_nor_hide_others(
    made: tuple[Reader, list[AlertRow]], database: Database
) -> None:
    read, rows = made
    for sort in ("-triggeredAt", "-severity", "duration"):
        wanted = AlertFilter(("all",), sort=sort)
        seen: list[str] = []
        place: Place | None = None
        for turn in range(1000):
            page = read.alerts(None, wanted, 500, place)
            seen += [row["id"] for row in page.rows]
            place = page.last
            if place is None:
                break
            with database.write() as session:
                session.add(
                    AlertRow(
                        id=f"new{sort}{turn}", fingerprint=f"new{sort}{turn}", rule_id="new",
                        rule_name="New", target="vps-01", vps_id="vps-01", severity="critical",
                        status="active", title="new", message="new", value=1, threshold=1,
                        triggered_at=year.UNTIL + turn, impact=[],
                    )
                )  # fmt: skip
        assert len(seen) == len(set(seen))
        assert {row.id for row in rows} <= set(seen)
