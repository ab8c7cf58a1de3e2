"""The store: what questions take, what a value takes on disk, and how long writers are held up.

Months are built in accelerated time through the real writer and the real jobs, in the order in
which observations come (minute by minute over all machines), with one job run an hour. Machines
have ten metrics each; CPU, memory, load and network are noisy.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import text

from models.database import Database
from services.health.status import Judgement
from services.history import query, write
from services.history.expire import expire
from services.history.pack import pack
from services.history.rollup import roll_up
from services.history.stored import DAY, HOST, HOUR
from services.observation import CheckResult, Observation, Status
from tests.bench.databases import postgres, sqlite
from tests.bench.table import Row, quantile, table

MONDAY = 1_767_571_200
STEP = 60
POINTS = 500
BATCH = 1_000
#: An hour is open, and its minutes are in the rows alone.
INTO_THE_HOUR = 37 * 60
TABLES = ("host_samples", "samples", "rollups", "blocks", "pending_spans")


def history(_install: Callable[..., Any] | None = None) -> list[Row]:
    """All figures of the store; a few minutes."""
    rows = []
    with sqlite() as database:
        _build(database, 100, 30)
        rows += _questions(database, "SQLite")
    with postgres() as database:
        _build(database, 100, 30)
        rows += _questions(database, "PostgreSQL")
        rows.append(_per_value(database, 100, 30))
    with sqlite() as database:
        _build(database, 10, 90)
        rows.append(_per_value(database, 10, 90))
    for opened in (sqlite, postgres):
        with opened() as database:
            rows += _intake(database)
        with opened() as database:
            rows += _jobs(database)
    return rows


def _day(rng: np.random.Generator, machines: int, day: int, step: int) -> np.ndarray:
    """Values of a day: machines by times by metrics, as noisy as real ones."""
    count = DAY // step
    shape = (machines, count)
    wave = np.sin((np.arange(count) / count + day / 7) * 2 * np.pi)
    own = rng.uniform(0.5, 1.5, (machines, 1))

    def drift(size: float) -> np.ndarray:
        return np.cumsum(rng.normal(0, size, shape), axis=1)

    cpu = np.clip(own * (35 + 15 * wave) + rng.normal(0, 6, shape), 0, 100)
    cpu = np.clip(cpu + 40 * (rng.random(shape) < 0.01), 0, 100)
    memory = np.clip(55 + drift(0.15) + rng.normal(0, 0.3, shape), 1, 99)
    disk = 40 + own * (day + np.arange(count) / count) * 0.2 + rng.normal(0, 0.002, shape)
    network = np.exp(own * (12 + wave) + rng.normal(0, 0.6, (2, *shape)))
    size = np.full(shape, 15.625)
    values = {
        "cpu": cpu, "memory": memory, "memory_used": memory * 0.15625, "memory_total": size,
        "disk": disk, "disk_used": disk * 0.8, "disk_total": size * 5.12,
        "load": np.abs(own * (1.5 + wave) + rng.normal(0, 0.5, shape)),
        "network_in": network[0], "network_out": network[1],
    }  # fmt: skip
    return np.stack([np.round(values[s.column or ""], s.decimals or 0) for s in HOST], axis=2)


def _ids(database: Database, machines: int) -> list[int]:
    with database.write() as session:
        ids = write.target_ids(session, [f"vps-{n}" for n in range(machines)])
    return sorted(ids.values())


def _build(database: Database, machines: int, days: int, step: int = STEP) -> None:
    rng, memory, ids = np.random.default_rng(20), write.Memory(), _ids(database, machines)
    for day in range(days + 1):
        values = _day(rng, machines, day, step)
        for hour in range(24 if day < days else 1):
            begin = MONDAY + day * DAY + hour * HOUR
            seconds = range(0, HOUR if day < days else INTO_THE_HOUR, step)
            rows = [
                (target, begin + second, *row)
                for second in seconds
                for target, row in zip(
                    ids, values[:, (hour * HOUR + second) // step].tolist(), strict=True
                )
            ]
            named = {(target, begin) for target in ids}
            for at in range(0, len(rows), BATCH):
                with database.write() as session:
                    write.rows(session, rows[at : at + BATCH], [], named, memory)
            roll_up(database, begin + 130, seconds=1e9, rest=_no_rest)
        pack(database, MONDAY + day * DAY + 130, seconds=1e9, rest=_no_rest)
        expire(database, MONDAY + day * DAY + 130, seconds=1e9, rest=_no_rest)
        if database.dialect == "postgresql":
            _vacuum(database)  # autovacuum has no time for a day in ten seconds


def _no_rest(_seconds: float) -> None:
    """Nobody else waits."""


def _vacuum(database: Database) -> None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _questions(database: Database, kind: str) -> list[Row]:
    now = MONDAY + 30 * DAY + INTO_THE_HOUR
    keys = [f"vps-{n}" for n in range(100)]
    metrics = ("cpu", "memory", "network", "load")

    def ask(count: int, days: float, *, mean: bool = False) -> Callable[[int], object]:
        def run(turn: int) -> object:
            chosen = [keys[(turn * 7 + n) % 100] for n in range(count)]
            with database.read() as session:
                args = (session, chosen, metrics[turn % 4], now - days * DAY, now, POINTS, now)
                return query.mean(*args) if mean else query.history(*args)

        return run

    def old_day(turn: int) -> object:
        start = MONDAY + (turn % 25) * DAY
        with database.read() as session:
            return list(query.samples_between(session, keys[turn % 100], "cpu", start, start + DAY))

    questions = (
        ("one metric of one VPS, 24 h", ask(1, 1), 5.0),
        ("one metric of one VPS, 7 d", ask(1, 7), 5.0),
        ("one metric of one VPS, 30 d", ask(1, 30), 8.0),
        ("20 VPSes, 24 h", ask(20, 1), 12.0),
        ("mean over 100 VPSes, 7 d", ask(100, 7, mean=True), 22.0),
        ("one VPS, the samples of a packed day", old_day, None),
    )
    rows = []
    for name, run, aim in questions:
        p95, cpu = (
            1000 * best for best in map(min, zip(*(_p95(run) for _ in range(8)), strict=True))
        )
        bound = aim if database.dialect == "sqlite" else None
        rows.append(
            Row(
                f"{kind}, {name}, p95",
                f"{p95:.1f} ms (CPU {cpu:.1f})",
                f"<= {bound:g} ms" if bound else "",
                p95 <= bound if bound else None,
            )
        )
    return rows


def _p95(run: Callable[[int], object], turns: int = 60) -> tuple[float, float]:
    """Seconds by the clock and of this thread's CPU, which others cannot lengthen as much."""
    took, cpu = [], []
    for turn in range(turns):
        began, worked = time.perf_counter(), time.thread_time()
        run(turn)
        took.append(time.perf_counter() - began)
        cpu.append(time.thread_time() - worked)
    return quantile(took, 0.95), quantile(cpu, 0.95)


def _per_value(database: Database, machines: int, days: int) -> Row:
    """Bytes on disk, of the whole file or of our tables with their indexes, free pages included,
    for each value that was ever observed."""
    values = machines * len(HOST) * (days * DAY + INTO_THE_HOUR) / STEP
    if database.dialect == "sqlite":
        with database.engine.connect().execution_options(read_only=True) as connection:
            parts = connection.exec_driver_sql(
                "SELECT name, sum(pgsize) FROM dbstat GROUP BY name"
            ).all()
        with database.engine.connect() as connection:
            connection.connection.driver_connection.commit()  # type: ignore[union-attr]
        size = Path(database.engine.url.database or "").stat().st_size
    else:
        _vacuum(database)
        with database.engine.connect() as connection:
            sizes = {t: text(f"SELECT pg_total_relation_size('{t}')") for t in TABLES}
            parts = [(t, connection.scalar(sized)) for t, sized in sizes.items()]  # type: ignore[misc]
        size = sum(part for _, part in parts)
    shares = ", ".join(f"{n} {b / values:.2f}" for n, b in sorted(parts) if n in TABLES)
    aim = ("<= 5.0", size / values <= 5.0) if days == 90 else ("", None)
    kind = "SQLite" if database.dialect == "sqlite" else "PostgreSQL"
    what = f"{kind}, bytes a value, {machines} VPSes x {days} d at {STEP} s ({shares})"
    return Row(what, f"{size / values:.2f}", *aim)


def _intake(database: Database) -> list[Row]:
    """A second of 1,000 VPSes at 30 s: 34 readings of machines, 236 of services."""
    memory = write.Memory()
    keys = [f"vps-{n}" for n in range(34)] + [f"vps-{n}/api" for n in range(236)]
    best = 1e9
    for second in range(40):
        at = MONDAY + second
        batch = [_observation(key, at) for key in keys]
        began = time.perf_counter()
        with database.write() as session:
            ids = write.target_ids(session, keys, memory)
            write.samples(session, batch, ids, memory)
        best = min(best, time.perf_counter() - began)
    judged = 1e9
    for second in range(20):
        changes = {key: _changed(second) for key in keys}
        began = time.perf_counter()
        with database.write() as session:
            write.judgements(session, changes, ids)
        judged = min(judged, time.perf_counter() - began)
    kind = "SQLite" if database.dialect == "sqlite" else "PostgreSQL"
    return [
        Row(f"{kind}, storing a batch of 270, commit included", f"{best * 1e6 / 270:.0f} us each"),
        Row(f"{kind}, 270 changes of status, the same", f"{judged * 1e6 / 270:.0f} us each"),
    ]


def _changed(second: int) -> tuple[Judgement, Judgement]:
    one, other = (
        Judgement(status, MONDAY + second + n, "why", status, 1, MONDAY + second + n)
        for n, status in enumerate((Status.HEALTHY, Status.DEGRADED))
    )
    return one, other


def _observation(key: str, at: float) -> Observation:
    if "/" in key:
        check = CheckResult(Status.HEALTHY, "well", response_ms=12.345 + at % 7, uptime_s=at % 1000)
        return Observation(key, at, check=check)
    return Observation(key, at, {stored.name: at % 97 / 3 for stored in HOST})


def _jobs(database: Database) -> list[Row]:
    """An hour of 1,000 VPSes at 30 s is rolled up, then a day of 100 of them packed."""
    held: list[float] = []
    memory, ids = write.Memory(), _ids(database, 1000)
    values = _day(np.random.default_rng(1), 1000, 0, 30)

    def fill(targets: list[int], slots: range) -> None:
        for slot in slots:
            at = MONDAY + slot * 30
            rows = [(t, at, *values[n, slot].tolist()) for n, t in enumerate(targets)]
            with database.write() as session:
                write.rows(session, rows, [], {(t, at // HOUR * HOUR) for t in targets}, memory)

    rows = []
    kind = "SQLite" if database.dialect == "sqlite" else "PostgreSQL"
    fill(ids, range(120))
    rolled, took = _timed(
        lambda: roll_up(database, MONDAY + HOUR + 130, seconds=1e9, rest=held.append)
    )
    rows.append(
        Row(
            f"{kind}, rolling up an hour of {rolled} VPSes ({took:.1f} s): longest transaction",
            f"{max(held) * 1000:.0f} ms (p95 {quantile(held, 0.95) * 1000:.0f})", "< 50 ms",
            max(held) < 0.05,
        )
    )  # fmt: skip
    held.clear()
    fill(ids[:100], range(120, DAY // 30))
    packed, took = _timed(lambda: pack(database, MONDAY + 4 * DAY, seconds=1e9, rest=held.append))
    rows.append(
        Row(
            f"{kind}, packing a day of 100 VPSes, an hour of 900 ({packed}, {took:.1f} s): "
            "longest transaction",
            f"{max(held) * 1000:.0f} ms (p95 {quantile(held, 0.95) * 1000:.0f})", "< 50 ms",
            max(held) < 0.05,
        )
    )  # fmt: skip
    return rows


def _timed(run: Callable[[], int]) -> tuple[int, float]:
    began = time.perf_counter()
    return run(), time.perf_counter() - began


if __name__ == "__main__":
    print(table(history()), file=sys.stdout)
